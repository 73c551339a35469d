"""How high a detector could score at best: the labels' own error caps every average precision."""

from __future__ import annotations

from provenline.reports import words
from provenline.reports.evidence import Estimate, Evidence, Gate
from provenline.reports.label_evidence import Ceiling

CEILING_NOTE = (
    "Ceiling: about what a perfect detector could reach at most against these labels, as far as two "
    "annotators agree on them."
)


def ceiling(evidence: Evidence, name: str = "") -> Ceiling | None:
    """Return the ceiling for a set: the deployment labels' own where they have one, else development's.

    Annotators are compared on one label: their ceiling says nothing about scores that other classes are in.

    Args:
        evidence: What is known.
        name: ``deployment``, ``test``, ...
    """
    return _whose(evidence, name)[1]


def _whose(evidence: Evidence, name: str) -> tuple[str, Ceiling | None]:
    """Return the footage whose labels cap a set, and their ceiling."""
    sides = {"deployment": evidence.deployment} if name == "deployment" else {}
    for whose, side in {**sides, "development": evidence.development}.items():
        agreement = side.annotation.agreement if side.annotation else None
        found = agreement.details.ceiling if agreement else None
        if found and set(evidence.classes) <= {found.label or next(iter(evidence.classes), "")}:
            return whose, found
    return "", None


def reach(evidence: Evidence, metric: str, name: str = "") -> Estimate | None:
    """Return the most that a perfect detector reaches in a metric on a set; None where it is unknown.

    Only ``map50`` and ``map`` have a ceiling.
    """
    given = ceiling(evidence, name)
    found = given.reach.get(metric) if given else None
    return found if found is not None and found.value is not None else None


def ceiling_sentence(evidence: Evidence, metric: str, name: str = "") -> str:
    """Say how high the metric could be at best; empty where it is unknown."""
    found = reach(evidence, metric, name)
    if found is None:
        return ""
    return (
        f"A perfect detector could reach {words.metric(metric)} of at most about {words.estimate(found)} "
        f"against the labels of the {_whose(evidence, name)[0]} footage."
    )


def beyond(evidence: Evidence, gate: Gate, name: str = "") -> str:
    """Say that a target lies above what the labels allow; empty where it does not, or nobody knows.

    Args:
        evidence: What is known.
        gate: A bound on a metric of one model, not on a difference.
        name: Of the set that it is judged on.
    """
    found = reach(evidence, gate.metric, name) if gate.better == "higher" else None
    if found is None or found.value is None or gate.bound < found.value:
        return ""
    sure = found.high is not None and gate.bound >= found.high
    return (
        f"{words.metric(gate.metric)} above {gate.bound:g} is asked, but these labels allow at most about "
        f"{words.estimate(found)}: "
        + ("no detector can be seen to reach it" if sure else "even a perfect detector may miss it")
    )


def beyond_targets(evidence: Evidence) -> list[str]:
    """Return one sentence per target that lies above its ceiling."""
    given = evidence.evaluation
    if given is None:
        return []
    texts = (beyond(evidence, gate, given.judged_on) for gate in given.targets)
    return [f"{text}." for text in texts if text]
