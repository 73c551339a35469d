"""What the comparison of base and candidate does not prove, computed from the run."""

from __future__ import annotations

from collections.abc import Sequence

from provenline.reports import words
from provenline.reports.ceilings import beyond_targets
from provenline.reports.estimates import FEW
from provenline.reports.evidence import Evaluation, Evidence, Footage
from provenline.reports.why_story import SURE, last
from provenline.reports.words import plural

ROUGH = 20  # groups under which every interval is rough
FEW_OBJECTS = 100  # objects under which a threshold is a hint


def judged_limits(evidence: Evidence) -> list[str]:
    """Return what the comparison does not prove."""
    given = evidence.evaluation
    found = [] if given is None else _rests_on(evidence, given)
    if given and not given.same_model:
        found += [*_operations(evidence, given), *_thresholds(evidence, given)]
    found += _seed(evidence)
    if given:
        found += [*_confidence(given), *beyond_targets(evidence)]
    return found


def _rests_on(evidence: Evidence, given: Evaluation) -> list[str]:
    """Say on how many groups the claims rest; on the test set they are of the same places as training."""
    judged = given.judged
    if judged is None:
        return []
    rests = f"What is said of both models rests on {plural(judged.groups, evidence.unit)} ({judged.name} set)"
    if judged.groups < ROUGH:
        rests += f", fewer than {ROUGH}: intervals are rough"
    if judged.name != "test":
        return [f"{rests}."]
    return [f"{rests}. They are of the same footage as what was trained on: nothing else was looked at."]


def _operations(evidence: Evidence, given: Evaluation) -> list[str]:
    found, operations = [], len(given.categories)
    if operations and (few := min(one.groups for one in given.categories)) < FEW:
        found.append(
            f"An operation rests on as few as {plural(few, evidence.unit)}: per-operation intervals are "
            "hints, not verdicts."
        )
    if given.holm and given.slices:
        found.append(
            f"Operations are corrected for being compared at once (Holm); tables by "
            f"{' or '.join(given.slices)} are not: there some rows read different by chance alone."
        )
    elif evidence.confidence and operations > 1 and not given.holm:
        chance = (1 - evidence.confidence) * operations
        found.append(
            f"{plural(operations, 'operation')} are compared at once: about {chance:.2g} of them would "
            "look different by chance alone."
        )
    return found


def _thresholds(evidence: Evidence, given: Evaluation) -> list[str]:
    where = given.split(given.thresholds.chosen_on) if given.thresholds else None
    if where is None or (where.objects >= FEW_OBJECTS and where.groups >= FEW):
        return []
    rests = f"{plural(where.objects, 'object')} of {plural(where.groups, evidence.unit)} ({where.name})"
    return [f"Each model's own threshold was chosen on {rests}: with so few, another choice is as likely."]


def _seed(evidence: Evidence) -> list[str]:
    known = evidence.evaluation.seeds if evidence.evaluation else None
    if evidence.training is None or not evidence.training.trained or (known and known.trainings > 1):
        return []
    text = (
        f"One training with one seed: the intervals cover which {evidence.unit}s were filmed, not how "
        "training would vary"
    )
    ablation = evidence.ablation
    reference = ablation.settings[0] if ablation and ablation.settings else None
    if ablation is None or reference is None or reference.spread is None:
        return [f"{text}."]
    spread = f"{words.metric(ablation.metrics[0])} by {words.number(reference.spread)} (standard deviation)"
    return [f"{text}. Over {plural(reference.seeds, 'seed')} of “{reference.name}” it varies {spread}."]


def _confidence(given: Evaluation) -> list[str]:
    name, model = last(given.why) if given.why else ("", None)
    ece = model.calibration.ece if model and model.calibration else None
    bias = model.calibration.bias if model and model.calibration else None
    if ece is None or ece.low is None or ece.low <= SURE:
        return []
    # Of few detections the error is never near 0, however honest they are; its sign then is by chance.
    if bias is None or bias.low is None or bias.high is None or bias.low <= 0 <= bias.high:
        return []
    return [
        f"Confidences of the {name} are no probabilities: they are off by {words.estimate(ece)} on average."
    ]


def places(sides: Sequence[tuple[str, Footage]]) -> list[str]:
    """Return of how many places and days the footage is, and which frames count for nothing.

    Args:
        sides: ``development`` and ``deployment`` with what is known of them.
    """
    known = [text for name, side in sides if (text := _places(name, side))]
    lines = "Of how many production lines it is, media lists do not say."
    found = [" ".join([*known, lines])] if known else []
    for name, side in sides:
        labels = side.annotation
        if labels and (silent := labels.frames - labels.annotated) > 0:
            found.append(
                f"{words.count(silent)} of {plural(labels.frames, name + ' frame')} are not annotated and "
                "count for nothing here; whether they are kept for distillation is not stated."
            )
    return found


def _places(name: str, side: Footage) -> str:
    given = side.provenance
    if given is None or not given.media:
        return ""
    cameras = plural(given.cameras, "camera") if given.cameras else "cameras that are not named"
    days = plural(given.days, "day") if given.days else "days that are not stated"
    one = [what for what, count in (("camera", given.cameras), ("day", given.days)) if count == 1]
    alone = f": how it is on another {' or '.join(one)} is not known" if one else ""
    return f"The {name} footage is of {cameras} on {days}{alone}."
