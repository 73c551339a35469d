"""Hashes that stages wrote down of what they read and made: the links of the chain.

A link means something only where the next stage itself named what it saw. So each is read anew from the
file that says it, and held against the bytes that it speaks of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from provenline.dossier.plan import ROLES, SIDES, Run, items

# As provenline.detectors.manifest has them.
MANIFEST, ONNX, PLAN = "manifest.json", "model.onnx", "model.plan"
HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Claim:
    """A key of a file under which the hash of an artifact stands.

    Attributes:
        step: Of the chain.
        by: Item that says it.
        place: Dotted key.
        about: Item that it speaks of.
        said_in: File inside ``by``, where that is a folder.
        of: Files inside ``about``, where that is a folder: the first that is there is meant.
        maybe: Whether nothing may stand there.
    """

    step: str
    by: str
    place: str
    about: str
    said_in: str = ""
    of: tuple[str, ...] = ()
    maybe: bool = False


def claims(run: Run) -> list[Claim]:
    """Return every link of a run that one key of one file makes."""
    found = [Claim("footage", f"extract.{side}", "media_list.sha256", f"media_list.{side}") for side in SIDES]
    found += [
        Claim("split", "split_metrics", "assignment.sha256", "split"),
        Claim("weights", "params", "model.sha256", "weights.base", maybe=True),
        Claim("weights", "train", "base_sha256", "weights.base"),
        Claim("weights", "train", "split_sha256", "split"),
        Claim("weights", "train", "sha256", "weights.candidate"),
        Claim("evaluation", "stage_a", "model.sha256", "weights.base"),
        Claim("evaluation", "eval", "split_sha256", "split"),
    ]
    for role in (*ROLES, *(["production"] if is_apart(run) else [])):
        found += _bundle(role)
    for role in ROLES:
        found.append(
            Claim("measurements", "measurements", f"{role}.onnx_sha256", f"engine.{role}", of=(ONNX,))
        )
    return [*found, *_shadow(run)]


def is_apart(run: Run) -> bool:
    """Return whether production is a bundle of its own, not this run's base."""
    return any(one.id == "engine.production" for one in items(run))


def _bundle(role: str) -> Iterator[Claim]:
    said = partial(Claim, "engines", f"engine.{role}", said_in=MANIFEST)
    yield said("onnx_sha256", f"engine.{role}", of=(ONNX,))
    yield said("hardware.plan_sha256", f"engine.{role}", of=(PLAN,), maybe=True)
    if role in ROLES:  # what production came from is another run's matter
        yield said("checkpoint_sha256", f"weights.{role}")
        yield said("dataset_sha256", "dataset", maybe=role == "base")
        yield said("split_sha256", "split", maybe=role == "base")


def _shadow(run: Run) -> Iterator[Claim]:
    production = "engine.production" if is_apart(run) else "engine.base"
    for role, about in (("production", production), ("candidate", "engine.candidate")):
        # An engine's fingerprint is the hash of what runs: of the plan, where there is one.
        yield Claim("shadow", "shadow_metrics", f"engines.{role}.fingerprint", about, of=(PLAN, ONNX))
