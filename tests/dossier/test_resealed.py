"""Somebody alters an artifact and writes the dossier anew: the links that the stages named do not hold.

Each row is an attack and the step at which the chain must break. Whatever is sealed anew, the seal that was
written down tells it as well.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from provenline import tables
from provenline.dossier import sealing
from provenline.dossier.collecting import collect
from provenline.dossier.plan import run_of
from provenline.dossier.verifying import Outcome, verify
from provenline.errors import InputError
from provenline.files import read_json, sha256_file, write_json
from tests.dossier.world import build

ENGINE = "models/engines/onnxruntime-cpu/candidate"


@pytest.fixture
def own(run: Path, tmp_path: Path) -> Path:
    """A run of one's own."""
    return shutil.copytree(run, tmp_path / "run")


def reseal(root: Path) -> None:
    """Write the report's folder and its dossier anew, as the report does, whatever the links say."""
    folder = root / "reports"
    shutil.rmtree(folder)
    collected = collect(root, run_of(yaml.safe_load((root / "params.yaml").read_text())))
    collected.write(folder)
    (folder / "index.html").write_text(f"<p>{sealing.evidence_seal(collected.evidence)}</p>")
    sealing.write(collected.evidence, sealing.pages(folder), folder / sealing.FILE)


def outcome(root: Path, seal: str = "") -> Outcome:
    return verify(root, root / "reports/dossier.json", seal)


def rewrite(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the dossier itself, and seal it anew with its own rules."""
    path = root / "reports/dossier.json"
    content = read_json(path)
    change(content)
    content["evidence_sha256"] = sealing.digest(content["evidence"])
    (root / "reports/index.html").write_text(content["evidence_sha256"])
    for page in content["report"]:
        place = root / "reports" / page["path"]
        if place.is_file():
            page.update(sha256=sha256_file(place), size=place.stat().st_size)
    content["seal"] = sealing.seal_of(content)
    path.write_text(sealing.spell(content))


def edit(file: str, place: str, value: Any) -> Callable[[Path], None]:
    def alter(root: Path) -> None:
        content = read_json(root / file)
        part = content
        *keys, last = place.split(".")
        for key in keys:
            part = part[int(key)] if isinstance(part, list) else part[key]
        part[last] = value
        write_json(root / file, content)

    return alter


def other_bytes(file: str) -> Callable[[Path], None]:
    def alter(root: Path) -> None:
        (next(root.glob(file)) if "*" in file else root / file).write_bytes(b"other bytes")

    return alter


def in_both(place: str, value: Any) -> Callable[[Path], None]:
    """Change the manifest beside the engine and its copy among the metrics."""

    def alter(root: Path) -> None:
        edit(f"{ENGINE}/manifest.json", place, value)(root)
        edit("metrics/trt_build/onnxruntime-cpu.json", f"candidate.manifest.{place}", value)(root)

    return alter


def row(file: str, schema: Any, column: str, value: Any) -> Callable[[Path], None]:
    def alter(root: Path) -> None:
        table = tables.read(root / file, schema)
        table.loc[0, column] = value
        tables.write(table, root / file, schema)

    return alter


def every(*alters: Callable[[Path], None]) -> Callable[[Path], None]:
    def alter(root: Path) -> None:
        for one in alters:
            one(root)

    return alter


def no_worse(metric: str, margin: float) -> dict[str, Any]:
    """Return the claim of non-inferiority."""
    return {"metric": metric, "margin": margin, "value": "pass"}


CLIP = "data/simline/{}/footage/collar/video_0.mp4"
FRAMES, BOXES, FOUND = tables.FRAMES, tables.BOXES, tables.PREDICTIONS
MEASURED = "models/engines/onnxruntime-cpu/measurements.json"
ATTACKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "another media list": (other_bytes("data/simline/development/media.csv"), "footage"),
    "another media list, deployment": (other_bytes("data/simline/deployment/media.csv"), "footage"),
    "another video": (other_bytes(CLIP.format("development")), "footage"),
    "another video, deployment": (other_bytes(CLIP.format("deployment")), "footage"),
    "a frame of another video": (row("data/frames.parquet", FRAMES, "media_sha256", "a" * 64), "footage"),
    "another picture": (other_bytes("data/frames/*/*.jpg"), "split"),
    "another picture, deployment": (other_bytes("data/deployment/frames/*/*.jpg"), "frames"),
    "another export": (other_bytes("data/simline/development/annotations/a.xml"), "labels"),
    "a box moved": (row("data/boxes.parquet", BOXES, "x1", 9.0), "evaluation"),
    "a box moved, deployment": (row("data/deployment/boxes.parquet", BOXES, "x1", 9.0), "labels"),
    "a box on no frame": (row("data/boxes.parquet", BOXES, "frame_id", "nowhere"), "labels"),
    "another split": (other_bytes("data/dataset_split_v0.csv"), "split"),
    "a label of the dataset": (other_bytes("data/dataset/labels/train/*.txt"), "engines"),
    "the base's weights": (other_bytes("models/base/base.pt"), "weights"),
    "the candidate's weights": (other_bytes("models/lbzf_person_v0.pt"), "weights"),
    "Stage A's word": (edit("data/stage_a_decision.json", "decision", "ship"), "weights"),
    "a prediction": (row("data/predictions/candidate.parquet", FOUND, "score", 0.99), "evaluation"),
    "a prediction on no frame": (row("data/predictions/base.parquet", FOUND, "frame_id", "x"), "predictions"),
    "judged on another split": (edit("metrics/eval_v0.json", "split_sha256", "b" * 64), "evaluation"),
    "an engine of other weights": (in_both("checkpoint_sha256", "c" * 64), "engines"),
    "an engine of other data": (in_both("dataset_sha256", "d" * 64), "engines"),
    "an engine of another split": (in_both("split_sha256", "e" * 64), "engines"),
    "another engine": (other_bytes(f"{ENGINE}/model.onnx"), "engines"),
    "a manifest that was not measured": (edit(f"{ENGINE}/manifest.json", "score_floor", 0.2), "engines"),
    "figures of another engine": (edit(MEASURED, "candidate.onnx_sha256", "f" * 64), "measurements"),
    "a shadow of another engine": (
        edit("metrics/shadow_ab.json", "engines.candidate.fingerprint", "0" * 64),
        "shadow",
    ),
    "a verdict": (edit("metrics/eval_v0.json", "targets.1.value", "pass"), "verdict"),
    "an interval": (edit("metrics/eval_v0.json", "splits.deployment.candidate.map50.low", 0.1), "verdict"),
    "a decision against its gates": (
        every(
            edit("metrics/stage_a_eval.json", "decision", "ship"),
            edit("data/stage_a_decision.json", "decision", "ship"),
            edit("metrics/train.json", "stage_a", "ship"),
        ),
        "verdict",
    ),
    "better, where the improvement is not": (
        every(
            edit("metrics/eval_v0.json", "improvement.value", "inconclusive"),
            edit("metrics/eval_v0.json", "splits.deployment.difference.map50.low", -0.1),
        ),
        "verdict",
    ),
    "no worse, where it is": (
        edit("metrics/eval_v0.json", "non_inferiority", no_worse("map50", -0.5)),
        "verdict",
    ),
    "a rule on a gain that it is not about": (
        edit("metrics/eval_v0.json", "rule", {"value": "deploy", "relative": {"low": 0.1, "high": 0.9}}),
        "verdict",
    ),
    "a verdict over three groups": (
        edit("metrics/eval_v0.json", "splits.deployment.candidate.map50.groups", 3),
        "verdict",
    ),
    "code that eval ran": (other_bytes("provenline/evaluation/compare.py"), "evaluation"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_sealed_anew_breaks_at_its_link(own: Path, name: str) -> None:
    alter, step = ATTACKS[name]
    seal = read_json(own / "reports/dossier.json")["seal"]
    alter(own)
    reseal(own)
    found = outcome(own)
    assert found.broken, name
    assert found.broken[0].step == step, [(one.step, one.sentence) for one in found.broken]
    assert "\n" not in found.broken[0].sentence
    assert outcome(own, seal).broken[0].place == "seal"


def test_the_words_of_a_broken_link(own: Path) -> None:
    in_both("checkpoint_sha256", "c" * 64)(own)
    reseal(own)
    first = outcome(own).broken[0]
    really = sha256_file(own / "models/lbzf_person_v0.pt")
    assert (first.expected, first.found) == (really, "c" * 64)
    assert first.sentence == (
        f"{ENGINE}/manifest.json (checkpoint_sha256): names cccccccccccc…, "
        f"but models/lbzf_person_v0.pt is {really[:12]}…"
    )


def test_without_anything_altered_the_new_seal_is_the_old_one(own: Path) -> None:
    before = (own / "reports/dossier.json").read_bytes()
    table = (own / "reports/tables/table_1.csv").read_bytes()
    page = (own / "reports/index.html").read_bytes()
    reseal(own)
    (own / "reports/tables").mkdir()
    (own / "reports/tables/table_1.csv").write_bytes(table)
    (own / "reports/index.html").write_bytes(page)
    folder = own / "reports"
    evidence = sealing.read(folder / "dossier.json")[0].evidence
    sealing.write(evidence, sealing.pages(folder), folder / "dossier.json")
    assert (own / "reports/dossier.json").read_bytes() == before


def drop(key: str, match: Callable[[dict[str, Any]], bool]) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        content["evidence"][key] = [one for one in content["evidence"][key] if not match(one)]

    return change


LIES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "an artifact left out": (drop("artifacts", lambda one: one["id"] == "weights.candidate"), "leaves out"),
    "a link left out": (
        drop("links", lambda one: one["place"] == "checkpoint_sha256"),
        "leaves this link out",
    ),
    "a verdict left out": (drop("verdicts", lambda one: one["says"] == "inconclusive"), "leaves out"),
    "another verdict": (
        lambda content: content["evidence"]["verdicts"][4].update(says="fail"),
        "says pass 0.720 [0.650, 0.790], the dossier fail",
    ),
    "another interval": (
        lambda content: content["evidence"]["verdicts"][4]["interval"].update(low=0.71),
        "the dossier pass 0.720 [0.710, 0.790]",
    ),
    "the page left out": (lambda content: content["report"].clear(), "leaves out index.html"),
    "another run": (
        lambda content: content["evidence"]["run"].update(usecase="other"),
        "is not what belongs",
    ),
    "an artifact that lies elsewhere": (
        lambda content: content["evidence"]["artifacts"][0].update(path="../../etc/passwd"),
        "is not what belongs to a run",
    ),
    "an artifact twice": (
        lambda content: content["evidence"]["artifacts"].append(content["evidence"]["artifacts"][0]),
        "is not what belongs to a run",
    ),
    "a stage's code": (
        lambda content: content["evidence"]["code"].update(eval="0" * 64),
        "expected 000000000000…",
    ),
    "a page that is not beside it": (
        lambda content: content["report"].append({"path": "../params.yaml", "sha256": "0" * 64, "size": 1}),
        "which is not beside it",
    ),
    "what was never there": (
        lambda content: content["evidence"].update(missing=["shadow"]),
        "was not there when the report was written",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_dossier_that_says_something_else(own: Path, name: str) -> None:
    change, said = LIES[name]
    rewrite(own, change)
    found = [one for one in outcome(own).broken if one.place not in ("seal",)]
    assert any(said in one.sentence for one in found), [one.sentence for one in found]


def test_rewriting_without_a_change_is_no_lie(own: Path) -> None:
    rewrite(own, lambda content: None)
    assert outcome(own).broken == ()


def test_a_list_that_names_files_elsewhere(own: Path) -> None:
    listed = own / "reports/sums/shadow.sha256"
    listed.write_text(f"{'0' * 64}  ../../secret\n")
    rewrite(own, lambda content: None)
    assert any("names files that are not in data/shadow" in one.sentence for one in outcome(own).broken)


@pytest.mark.parametrize("data", [b"[" * 200_000, b"\xff\xfe", b"", b"9" * 6000, b'{"a": 1'])
def test_odd_files_of_stages_are_named_and_break_nothing(own: Path, data: bytes) -> None:
    (own / "metrics/train.json").write_bytes(data)
    (own / "data/boxes.parquet").write_bytes(b"PAR1" + data[:100] + b"PAR1")
    reseal(own)
    said = {one.file: one.sentence for one in outcome(own).broken}
    assert "metrics/train.json" in said and "data/boxes.parquet" in said
    assert all("\n" not in sentence for sentence in said.values())


def test_frames_in_archives(tmp_path: Path) -> None:
    root = build(tmp_path / "run", archived=True)
    assert list((root / "data/frames").glob("*.zip")) and outcome(root).broken == ()
    other_bytes("data/dataset/images/train/*.jpg")(root)
    reseal(root)
    assert "is not the frame data/frames/" in outcome(root).broken[0].sentence


def test_what_rounds_brought_is_in_the_chain(tmp_path: Path) -> None:
    root = build(tmp_path / "run", rounds=True)
    assert outcome(root).broken == () == outcome(root).absent
    (picture,) = list((root / "data/rounds/v0/images").glob("*5000.jpg"))
    before = picture.read_bytes()
    picture.write_bytes(b"another")
    assert outcome(root).broken[0].file.startswith("data/rounds")  # by its hash
    reseal(root)
    assert "is not the frame data/rounds/v0/images/" in outcome(root).broken[0].sentence
    picture.write_bytes(before)
    (root / "data/rounds/v0").rename(root / "data/rounds/v0.1")  # of a round that is yet to come
    reseal(root)
    assert "does not place the frames of this run" in outcome(root).broken[0].sentence


def test_production_may_be_a_bundle_of_its_own(tmp_path: Path) -> None:
    root = build(tmp_path / "run")
    shutil.copytree(root / "models/engines/onnxruntime-cpu/base", root / "models/production")
    given = yaml.safe_load((root / "params.yaml").read_text())
    pin = read_json(root / "models/production/manifest.json")["checkpoint_sha256"]
    given["shadow_ab"]["production"] = {"bundle": "models/production", "checkpoint_sha256": pin}
    (root / "params.yaml").write_text(yaml.safe_dump(given))
    reseal(root)
    assert outcome(root).broken == ()
    given["shadow_ab"]["production"]["checkpoint_sha256"] = "a" * 64
    (root / "params.yaml").write_text(yaml.safe_dump(given))
    reseal(root)
    assert outcome(root).broken[0].sentence.endswith("pinned is aaaaaaaaaaaa…")


def test_the_dossier_is_json_that_anybody_can_read(run: Path) -> None:
    content = json.loads((run / "reports/dossier.json").read_text())
    by = {one["id"]: one["by"] for one in content["evidence"]["artifacts"]}
    assert by["frames.development"] == "report" and by["frames.deployment"] == "metrics/inputs/eval.sha256"
    links = {(one["by"], one["place"]): one["about"] for one in content["evidence"]["links"]}
    assert links["metrics/train.json", "sha256"] == "models/lbzf_person_v0.pt"
    assert content["evidence"]["missing"] == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content["evidence"]["links"][0].update(step="nonsense"),
        lambda content: content["evidence"]["verdicts"][0].update(bound=float("nan")),
        lambda content: content["evidence"]["verdicts"][0].update(bound=float("inf")),
    ],
)
def test_what_no_dossier_holds_is_one_line(own: Path, spoil: Callable[[dict[str, Any]], None]) -> None:
    path = own / "reports/dossier.json"
    content = read_json(path)
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="is no dossier"):
        outcome(own)
