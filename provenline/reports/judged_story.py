"""What the page says of base against candidate in words: did it help, where, at which threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provenline.reports import words
from provenline.reports.evidence import Comparison, Evaluation, Evidence
from provenline.reports.judged_evidence import Threshold
from provenline.reports.tabular import named
from provenline.reports.words import plural

RULES = {
    "deploy": "deploy it",
    "more_data": "collect more data",
    "training_problem": "look for a fault in the training",
    "inconclusive": "not settled",
}
RULE = "Rule on the relative gain: "
KEYS = ("recall", "map50")
FEW = "too few groups"


def helped(evidence: Evidence, given: Evaluation) -> str:
    """Say in one paragraph whether fine-tuning helped, and on which operations."""
    judged, gate = given.judged, given.improvement
    if judged is None or gate is None:
        return ""
    pair = judged.metrics[gate.metric]
    whole = (
        f"On the {judged.name} set ({plural(judged.groups, evidence.unit)}, "
        f"{plural(judged.frames, 'frame')}) {words.metric(gate.metric)} goes from "
        f"{words.estimate(pair.base)} to {words.estimate(pair.candidate)}, a difference of "
        f"{words.estimate(pair.difference, sign=True)}."
    )
    but = f"But it is {words.losses(given)}." if given.losses else ""
    return " ".join(filter(None, (whole, but, by_operation(evidence, given))))


def by_operation(evidence: Evidence, given: Evaluation) -> str:
    """Say on which operations the candidate is better, worse, or neither.

    What is said holds after Holm's correction; what the intervals say one by one is said as such. Older
    runs know only the intervals.
    """
    if len(given.categories) < 2:
        return ""
    known = [key for key in KEYS if key in given.holm]
    few = [row.reads == FEW for key in known for row in given.holm[key].rows.values()]
    if known and not all(few):
        return " ".join(_corrected(evidence, given, key) for key in known)
    said = "; ".join(
        f"by {words.metric(key)}, {_listed(_alone(given, key), len(given.categories))}" for key in KEYS
    )
    if not known:
        return f"{said[:1].upper()}{said[1:]}."
    most = plural(max(one.groups for one in given.categories), evidence.unit)
    head = f"No operation has enough {evidence.unit}s for a verdict of its own (at most {most})."
    return f"{head} Taken alone: {said}."


def _alone(given: Evaluation, key: str) -> dict[str, list[str]]:
    """Return what the intervals say one by one."""
    return _readings((one, words.difference(one.metrics[key].difference, key)) for one in given.categories)


def _corrected(evidence: Evidence, given: Evaluation, key: str) -> str:
    total, rows = len(given.categories), given.holm[key].rows
    known = _readings((one, rows[one.name].reads) for one in given.categories if one.name in rows)
    few = known.pop(FEW, [])
    compared = plural(total - len(few), "comparison")
    rest = f"; too few {evidence.unit}s for a verdict on {words.listed(few, 7)}" if few else ""
    said = _listed(known, total) or "nothing can be said"
    head = f"By {words.metric(key)}, corrected for {compared} at once (Holm): "
    return f"{head}{said}{rest}.{_hint(_alone(given, key), known)}"


def _hint(alone: Mapping[str, list[str]], known: Mapping[str, list[str]]) -> str:
    """Return what intervals say one by one and the correction does not."""
    hints = [
        f"{reading} on {words.listed(more, 7)}"
        for reading in ("better", "worse")
        if (more := [name for name in alone.get(reading, []) if name not in known.get(reading, [])])
    ]
    return f" Taken alone, the intervals also read {' and '.join(hints)}." if hints else ""


def _readings(pairs: Iterable[tuple[Comparison, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one, reads in pairs:
        found.setdefault(reads, []).append(named(one.name))
    return found


def _listed(readings: Mapping[str, list[str]], total: int) -> str:
    texts = [
        f"{reading} on all {total}"
        if len(names) == total
        else f"{reading} on {len(names)} of {total} ({words.listed(names, 7)})"
        for reading in ("better", "worse", "cannot be told apart", "no interval", "not measured")
        if (names := readings.get(reading))
    ]
    return ", ".join(texts)


def kinds(given: Evaluation) -> str:
    """Name what slices there are beside operations, for a heading."""
    names = [{"size": "size of the object"}.get(kind, kind) for kind in given.slices]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def open_questions(given: Evaluation) -> bool:
    """Return whether any verdict on the candidate is open."""
    gates = [gate.verdict for gate in (given.improvement, *given.targets) if gate]
    slices = [row.reads for holm in given.holm.values() for row in holm.rows.values()]
    settled = {"better", "worse"}
    return "inconclusive" in gates or any(reads not in settled for reads in slices)


def planning(given: Evaluation) -> list[str]:
    """Return what this footage cannot tell and how much could; empty where every verdict is settled."""
    if not open_questions(given):
        return []
    settled = {f"{row.about}: {row.reason}" for row in given.plan.rows if not row.cannot_tell}
    return [words.sentence(text) for text in given.plan.sentences if text not in settled]


def rule_sentence(given: Evaluation) -> str:
    """Say what the rule on the relative improvement comes to."""
    rule = given.rule
    if rule is None:
        return ""
    said, gain = RULES.get(rule.value, rule.value), words.percent(rule.relative)
    text = f"{RULE}{said} ({words.metric(rule.metric)} {gain} over the base"
    if given.losses:
        return f"{text}; it looks at nothing else)."
    why = rule.reason.rsplit(": ", 1)[-1]
    return f"{text}; {why})." if why and rule.value == "inconclusive" else f"{text})."


def non_inferiority_sentence(given: Evaluation) -> str:
    """Say whether the candidate is worse by less than the margin; empty where that was said already."""
    one = given.non_inferiority
    improved = given.improvement is not None and given.improvement.verdict == "pass"
    if one is None or (one.verdict == "pass" and improved):
        return ""
    if one.verdict == "fail" and one.metric in dict(given.losses):
        return ""
    said = {"pass": "It is not worse by more than", "fail": "It is worse by more than"}
    by = said.get(one.verdict, "It may be worse by more than")
    text = f"{by} {one.margin:g} in {words.metric(one.metric)}"
    pair = given.judged.metrics.get(one.metric) if given.judged else None
    return (
        f"{text} ({words.estimate(pair.difference, sign=True)})." if pair and pair.difference else f"{text}."
    )


def seeds_sentence(given: Evaluation) -> str:
    """Say what other seeds would have given, and so whether it is the recipe that helps."""
    return words.sentence(given.seeds.sentence) if given.seeds else ""


def lucky(given: Evaluation) -> bool:
    """Return whether this model is better, and its recipe, whatever the seed, not proven to be."""
    passed = given.improvement is not None and given.improvement.verdict == "pass"
    return passed and given.seeds is not None and given.seeds.verdict in ("fail", "inconclusive")


def threshold_sentence(given: Evaluation) -> str:
    """Say which threshold each model would choose, and what it gives on the set that counts."""
    chosen = given.thresholds
    if chosen is None:
        return ""
    texts = [text for model, found in chosen.models.items() if (text := _chosen(model, found))]
    if not texts:
        return f"No threshold could be chosen on {chosen.chosen_on}."
    said = f"On {chosen.chosen_on}, F1 is largest from confidence {' and '.join(texts)}."
    own = given.judged.own if given.judged else {}
    keys = dict.fromkeys(["f1", *(name for name, _ in given.losses)])
    changes = [
        f"{words.metric(key)} {words.change(own[key])}: {words.proven(own[key].difference, key)}"
        for key in keys
        if key in own and own[key].difference
    ]
    return f"{said} Each at its own, on the {given.judged_on} set: {'; '.join(changes)}." if changes else said


def _chosen(model: str, found: Mapping[str, Threshold | None]) -> str:
    known = {label: one.score for label, one in found.items() if one}
    if not known:
        return ""
    scores = [
        words.number(score) if len(found) == 1 else f"{label} {words.number(score)}"
        for label, score in known.items()
    ]
    return f"{words.listed(scores, 4)} for the {model}"


def count_sentence(given: Evaluation) -> str:
    """Say how far counts are off; empty where nobody counted."""
    pair = given.judged.metrics.get("count_mae") if given.judged else None
    if pair is None or pair.candidate is None:
        return ""
    text = f"Counting per frame, the candidate is off by {words.estimate(pair.candidate)} on average"
    if pair.base is None or given.same_model:
        return f"{text}."
    if pair.difference and pair.difference.few:
        return f"{text}, the base by {words.estimate(pair.base)}; too few groups to say which is better."
    reads = words.difference(pair.difference, "count_mae")
    compared = {"better": "better than", "worse": "worse than"}.get(reads, f"{reads} from")
    return f"{text}, {compared} the base ({words.estimate(pair.base)})."
