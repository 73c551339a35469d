"""Production and candidate side by side over deployment footage: `dvc repro shadow-ab`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glue import runtime
from provenline import line, rounds
from provenline.annotations.params import AnnotateParams
from provenline.detectors.manifest import read_manifest
from provenline.detectors.open import open_engine
from provenline.engines.params import Target
from provenline.files import sha256_tree, write_json
from provenline.footage.media import read_media_list
from provenline.footage.params import PrivacyParams
from provenline.shadow.ab import shadow_ab
from provenline.shadow.decide import pinned
from provenline.shadow.keeping import Kept, forget, identity
from provenline.shadow.labels import Reading
from provenline.shadow.params import ShadowParams
from provenline.shadow.taught import note, untaught

STATES = Path(".state/shadow")


def main() -> str:
    """Write where the two engines differ, what is to be labelled, and what follows from it."""
    params = runtime.params("shadow_ab", ShadowParams)
    source, target = runtime.params("source.deployment", line.Footage), runtime.value("target")
    engine: Any = runtime.params(f"trt_build.{target}", Target)  # type: ignore[arg-type]
    device = "0" if engine.kind == "tensorrt" else engine.device
    production = Path(params.production.bundle)
    candidate, out = Path("models/engines") / target / "candidate", Path("data/shadow")
    runs_today = pinned(production, params.production.checkpoint_sha256)
    params = params.at(runs_today.thresholds, read_manifest(candidate).thresholds)
    labels = None if Path(params.labels) == line.NONE else Path(params.labels)
    annotate = runtime.params("annotate_import", AnnotateParams)
    reading = Reading(labels, params.labels_format, annotate, tuple(runtime.value("usecase.classes")))
    this = identity(params, sha256_tree(production), sha256_tree(candidate), device)
    listed = read_media_list(source.media_list, source.root)
    taken = rounds.read(runtime.rounds(), params.round)
    media, privacy = untaught(listed, taken), runtime.params("footage", PrivacyParams)
    runs, new = (open_engine(bundle, device, many=True) for bundle in (production, candidate))
    result = shadow_ab(media, runs, new, params, privacy, reading, out, Kept(STATES / this))
    note(result.metrics, listed, media)
    write_json(line.metrics("shadow_ab"), result.metrics)
    write_json("metrics/shadow_ab_timing.json", result.timing)
    read = [source.media_list, production, candidate, *rounds.files(runtime.rounds(), params.round)]
    read += [labels] if labels else []
    seen = {(source.root / name).as_posix(): digest for name, digest in result.media.items()}
    runtime.inputs("shadow_ab", read, media=seen)
    if result.media:  # labels that arrive, and footage that grows, find this one's finds here
        forget(STATES, but=this)
    return f"shadow: {result.metrics['decision']}. {result.metrics['reason']}"


if __name__ == "__main__":
    runtime.run(main)
