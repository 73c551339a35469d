"""What the page says in words: verdicts, findings and limits, computed from the evidence alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from provenline.reports import judged_story, words
from provenline.reports.ceilings import beyond, ceiling_sentence, reach
from provenline.reports.evidence import Comparison, Estimate, Evaluation, Evidence, Footage, Gate
from provenline.reports.words import in_units, plural

SHADOW_WORDS = {
    "same_model": ("none", "Same model"),
    "hold": ("inconclusive", "Hold: production stays"),
    "label": ("inconclusive", "Label more, then decide"),
    "promote": ("pass", "Promote the candidate"),
    "reject": ("fail", "Reject the candidate"),
}


@dataclass(frozen=True)
class Strip:
    """An interval drawn on a line with the bound it has to clear; positions in percent.

    Attributes:
        label: The metric.
        text: Value and interval.
        asked: What was asked for.
        verdict: Of this one interval.
        low: Left end of the interval; None where there is none.
        high: Right end of it.
        value: The estimate; None where it could not be measured.
        bound: What has to be cleared.
        ends: What the line's ends stand for.
        flag: What a reader must know of the bound; empty for nothing.
        limit: The most that is possible, in words; empty where it is unknown.
    """

    label: str
    text: str
    asked: str
    verdict: str
    low: float | None
    high: float | None
    value: float | None
    bound: float
    ends: tuple[str, str]
    flag: str = ""
    limit: str = ""


@dataclass(frozen=True)
class Card:
    """One verdict of the first screen.

    ``ceiling`` says how high its average precision could be at best, ``rule`` what the field does next.
    """

    anchor: str
    question: str
    verdict: str
    answer: str
    strips: tuple[Strip, ...]
    reason: str
    rests_on: str
    targets: tuple[Strip, ...] = ()
    ceiling: str = ""
    rule: str = ""


def cards(evidence: Evidence) -> list[Card]:
    """Return the three verdicts: Stage A, fine-tuning, shadow."""
    found = [_stage_a(evidence), _fine_tuning(evidence), _shadow(evidence)]
    return [
        replace(one, reason=in_units(one.reason, evidence.unit), rule=in_units(one.rule, evidence.unit))
        for one in found
    ]


def _stage_a(evidence: Evidence) -> Card:
    question, given = "Is the off-the-shelf detector good enough?", evidence.stage_a
    if given is None:
        return _absent("stage-a", question, "stageA-eval")
    answers = {
        "ship": "Yes: ship it as it is",
        "fine_tune": "No: fine-tune it",
        "inconclusive": "Not settled by this footage",
    }
    return Card(
        anchor="stage-a",
        question=question,
        verdict=given.verdict,
        answer=answers[given.decision],
        strips=tuple(strip(gate) for gate in given.gates),
        reason=_open(*given.gates),
        rests_on=_rests_on(evidence, given.overall.groups, given.overall.frames, "development"),
    )


def _fine_tuning(evidence: Evidence) -> Card:
    question, given = "Does fine-tuning help?", evidence.evaluation
    if given is None:
        return _absent("fine-tuning", question, "eval")
    if given.same_model:
        why = "Stage A said ship, so the base was passed through." if _stage(evidence) == "ship" else ""
        return Card("fine-tuning", question, "none", "Nothing was trained", (), why, "")
    gate, judged = given.improvement, given.judged
    if gate is None or judged is None:
        return Card(
            "fine-tuning", question, "inconclusive", "Could not be judged", (), _sentences(given.warnings), ""
        )
    lucky = judged_story.lucky(given)
    answer = "This model does better, its recipe is not proven to" if lucky else _than_base(gate)
    proven = sum(one.verdict == "pass" for one in given.targets)
    targets = f"{proven} of {plural(len(given.targets), 'target')} proven." if given.targets else ""
    return Card(
        anchor="fine-tuning",
        question=question,
        verdict=given.seeds.verdict if lucky and given.seeds and given.seeds.verdict else gate.verdict,
        answer=answer if not given.losses else f"{answer}, but worse in one respect",
        strips=(strip(gate, difference=True),),
        targets=tuple(_target(evidence, given, target) for target in given.targets),
        reason=" ".join(filter(None, (targets, _but(given), _open(gate)))),
        rests_on=_rests_on(evidence, judged.groups, judged.frames, judged.name),
        ceiling=_ceiling(evidence, given),
        rule=judged_story.rule_sentence(given),
    )


def _target(evidence: Evidence, given: Evaluation, gate: Gate) -> Strip:
    flag = "above what the labels allow" if beyond(evidence, gate, given.judged_on) else ""
    most = reach(evidence, gate.metric, given.judged_on)
    limit = f"labels allow at most about {words.estimate(most)}" if most else ""
    return replace(strip(gate), flag=flag, limit=limit)


def _ceiling(evidence: Evidence, given: Evaluation) -> str:
    """Return the ceiling of the first AP among what is judged; empty where there is none."""
    gates = [gate.metric for gate in (given.improvement, *given.targets) if gate]
    found = (ceiling_sentence(evidence, metric, given.judged_on) for metric in gates)
    return next(filter(None, found), "")


def _than_base(gate: Gate) -> str:
    if gate.verdict == "pass":
        return "Yes: better than the base"
    reads = words.difference(gate.estimate)
    if gate.verdict == "fail":
        return f"No: {reads} than the base" if reads == "worse" else "No: not as much as was asked"
    if reads in ("better", "worse"):
        return f"Looks {reads}, but nothing is proven"
    return "Cannot be told apart from the base"


def _but(given: Evaluation) -> str:
    text = words.losses(given)
    return f"It is {text}." if text else ""


def _open(*gates: Gate) -> str:
    """Say why gates are open, in the evaluator's own sentences."""
    return _sentences(tuple(gate.reason for gate in gates if gate.verdict == "inconclusive"))


def _stage(evidence: Evidence) -> str:
    return evidence.stage_a.decision if evidence.stage_a else ""


def _shadow(evidence: Evidence) -> Card:
    question, given = "Is it better than what runs now?", evidence.shadow
    if given is None:
        return _absent("shadow", question, "shadow-ab")
    verdict, answer = SHADOW_WORDS.get(given.decision, ("inconclusive", given.decision))
    whole = given.overall
    strips = (_rate(whole.rate),) if whole else ()
    which = "deployment, unlabelled"
    if given.sample and given.sample.labelled:
        which = f"deployment, {given.sample.labelled} of them labelled"
    rests = _rests_on(evidence, whole.groups, whole.frames, which) if whole else ""
    return Card("shadow", question, verdict, answer, strips, given.reason, rests)


def _absent(anchor: str, question: str, stage: str) -> Card:
    return Card(anchor, question, "none", "Not measured yet", (), f"Run: dvc repro {stage}", "")


def _rests_on(evidence: Evidence, groups: int, frames: int, which: str) -> str:
    return f"{plural(groups, evidence.unit)}, {plural(frames, 'frame')} ({which})"


def strip(gate: Gate, *, difference: bool = False) -> Strip:
    """Lay a gate's interval out on a line: 0 to 1, or both sides of no difference."""
    given = gate.estimate or Estimate(None)
    ends = [abs(end) for end in (given.value, given.low, given.high, gate.bound) if end is not None]
    reach = max([*ends, 0.05]) * 1.15 if difference else max([*ends, 1.0])
    start = -reach if difference else 0.0
    return Strip(
        label=words.metric(gate.metric) + (", tuned minus base" if difference else ""),
        text=words.estimate(given, sign=difference),
        asked=words.asked(gate),
        verdict=gate.verdict,
        low=_percent(given.low, start, reach),
        high=_percent(given.high, start, reach),
        value=_percent(given.value, start, reach),
        bound=_percent(gate.bound, start, reach) or 0.0,
        ends=("worse", "better") if difference else ("0", f"{reach:g}"),
    )


def _rate(rate: Estimate) -> Strip:
    low, high, value = (_percent(end, 0.0, 1.0) for end in (rate.low, rate.high, rate.value))
    label = "frames on which they differ"
    return Strip(label, words.estimate(rate), "", "none", low, high, value, -1.0, ("0", "1"))


def _percent(value: float | None, start: float, end: float) -> float | None:
    return None if value is None else round(100 * min(1.0, max(0.0, (value - start) / (end - start))), 2)


def _sentences(texts: tuple[str, ...]) -> str:
    return " ".join(words.sentence(text) for text in texts)


def engine_sentence(evidence: Evidence) -> str:
    """Say whether the engines follow their checkpoints."""
    if not evidence.engines:
        return "No engine was built yet: run dvc repro trt-build."
    words_ = {"pass": "follows its checkpoint", "fail": "does not follow its checkpoint"}
    texts = []
    for one in evidence.engines:
        said = words_.get(
            one.parity.verdict if one.parity else "", "could not be compared with its checkpoint"
        )
        frames = f" on {plural(one.parity.frames, 'frame')}" if one.parity else ""
        frames += f" ({'; '.join(one.parity.reasons)})" if one.parity and one.parity.reasons else ""
        texts.append(f"the {one.role}'s engine for {one.target} {said}{frames}")
    return _sentences(tuple(texts))


def media(side: Footage) -> str:
    """Say how much footage there is."""
    given = side.extraction
    if given is None:
        return ""
    kinds = [plural(n, what) for n, what in ((given.videos, "video"), (given.photos, "photo")) if n]
    text = f"{' and '.join(kinds) or 'none'}" + (
        f", {given.seconds / 60:.1f} minutes" if given.seconds else ""
    )
    return text + (" (a group of photos counts as a video)" if len(kinds) > 1 else "")


def overall(given: Evaluation) -> Comparison | None:
    """Return the set that the claims rest on, where there is something to compare."""
    return None if given.same_model else given.judged
