"""The files that a run hands over, by the names that the plan gives them."""

from __future__ import annotations

from dataclasses import dataclass

from provenline.reports.evidence import Evidence


@dataclass(frozen=True)
class Deliverable:
    """One file or folder that others take over.

    Attributes:
        what: In words.
        path: From the project's folder on.
        stage: The stage that writes it.
        there: Whether that stage has run, as far as its metrics tell.
        digest: SHA-256 where the stages state one; empty else.
    """

    what: str
    path: str
    stage: str
    there: bool
    digest: str = ""


def deliverables(evidence: Evidence) -> list[Deliverable]:
    """Return the named files of the plan: data set, split, verdict, checkpoint, engines."""
    name, split, training = f"{evidence.usecase}_{evidence.round}", evidence.split, evidence.training
    return [
        Deliverable("Data set, for training", f"data/dataset/{name}.yaml", "split", split is not None),
        Deliverable(
            "Split, one side per frame",
            f"data/dataset_split_{evidence.round}.csv",
            "split",
            split is not None,
            split.sha256 if split else "",
        ),
        Deliverable(
            "Fine-tuned checkpoint",
            f"models/{name}.pt",
            "train",
            training is not None,
            training.sha256 if training else "",
        ),
        Deliverable(
            "Base against candidate",
            f"metrics/eval_{evidence.round}.json",
            "eval",
            evidence.evaluation is not None,
        ),
        *_engines(evidence),
    ]


def _engines(evidence: Evidence) -> list[Deliverable]:
    found = [
        Deliverable(
            f"Engine of the {one.role}, {one.target}",
            f"models/engines/{one.target}/{one.role}",
            "trt-build",
            there=True,
            digest=one.onnx_sha256,
        )
        for one in evidence.engines
    ]
    return found or [Deliverable("Engine", "models/engines/", "trt-build", there=False)]
