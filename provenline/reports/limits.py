"""What a run does not prove; computed, never by hand."""

from __future__ import annotations

from collections.abc import Mapping

from provenline.reports import gather, words
from provenline.reports.ceilings import ceiling
from provenline.reports.evidence import Evidence, Footage
from provenline.reports.judged_limits import judged_limits, places


def limits(evidence: Evidence) -> list[str]:
    """Return what this run does not prove, as far as that can be computed."""
    return [
        *_footage_limits(evidence),
        *judged_limits(evidence),
        *_label_limits(evidence),
        *_run_limits(evidence),
    ]


def stage_warnings(evidence: Evidence) -> list[str]:
    """Return what the stages themselves warn of."""
    return [f"{stage}: {text.rstrip('.')}." for stage, text in gather.warnings(evidence)]


def _footage_limits(evidence: Evidence) -> list[str]:
    found = []
    if evidence.simulated:
        found.append(
            "All footage is simulated. The numbers show that the line works; they say nothing about a "
            "real place."
        )
    sides = (("development", evidence.development), ("deployment", evidence.deployment))
    return [
        *found,
        *(text for name, side in sides for text in _sources(evidence, name, side)),
        *places(sides),
    ]


def _sources(evidence: Evidence, name: str, side: Footage) -> list[str]:
    """Return what the media list of one footage says of staging, and what it leaves open."""
    given = side.provenance
    if given is None or not given.media:
        silent = (
            f"There is no media list for the {name} footage: whether it is staged, who consented and "
            "under which licence it is, is not stated."
        )
        return [silent] if side.extraction else []
    found, staged = [], given.provenance.get("staged", 0)
    if staged and not evidence.simulated:
        found.append(f"{staged} of {given.media} {name} media are staged, not real production.")
    asked = (
        ("whether it is staged or real production", given.provenance),
        ("who consented", given.consent),
        ("the licence", given.licence),
    )
    silent_on = [(what, given.media - _stated(counts)) for what, counts in asked]
    texts = [f"{what} for {n} of {given.media} media" for what, n in silent_on if n]
    return [*found, *([f"The {name} media list does not say {'; '.join(texts)}."] if texts else [])]


def _stated(counts: Mapping[str, int]) -> int:
    return sum(count for value, count in counts.items() if value.strip())


def _label_limits(evidence: Evidence) -> list[str]:
    given = evidence.development.annotation
    if given is None:
        return []
    if given.agreement is None:
        why = given.agreement_reason or "one annotator"
        return [f"Agreement of annotators is unknown ({why}): so is the truth's own error."]
    found = []
    if given.agreement.verdict != "pass":
        found.append(f"Agreement of annotators is not proven: {given.agreement.reason}.")
    if ceiling(evidence) is None:
        found.append("How high a perfect detector could score against these labels is not known.")
    return found


def _run_limits(evidence: Evidence) -> list[str]:
    found = []
    if evidence.shadow and evidence.shadow.overall and evidence.shadow.labelled:
        found.append(
            "Of the shadow footage a sample is labelled: its figures are estimates for all compared frames, "
            "and as good as its annotators."
        )
    elif evidence.shadow and evidence.shadow.overall:
        found.append(
            "The shadow footage is not labelled: it shows where the two differ, not which of them is right."
        )
    machines = sorted({one.machine for one in evidence.engines if one.machine})
    if machines:
        found.append(
            f"Latency was measured on {words.listed(machines)} only; another device is another number."
        )
    found += [
        f"The latency of the {one.role}'s engine for {one.target} is unproven: {one.unproven}."
        for one in evidence.engines
        if one.unproven
    ]
    found += [
        f"{path} is missing: the part of `{stage}` is not in this report."
        for path, stage in evidence.missing.items()
    ]
    return found
