"""What the page says of causes of errors, of confidences and of doubtful labels, in words."""

from __future__ import annotations

from provenline.reports import words
from provenline.reports.why_evidence import Calibration, Cause, Diagnosis, LabelErrors, Rate, Why
from provenline.reports.why_rows import CAUSES, unit
from provenline.reports.words import plural

SURE = 0.05  # mean distance of confidence and accuracy from which on a confidence is no probability


def last(given: Why) -> tuple[str, Diagnosis]:
    """Return the model that is looked at: the candidate, or the base where nothing was trained."""
    name = "candidate" if "candidate" in given.models else next(iter(given.models), "")
    return name, given.models.get(name, Diagnosis((), None))


def budget_sentence(given: Why) -> str:
    """Say what most errors are, and what mending which would give most."""
    name, model = last(given)
    if not model.errors:
        return f"The {name} makes no error on the {given.judged_on} set." if model.budget else ""
    most = max(model.budget, key=lambda one: one.count)
    other = given.models.get("base") if name != "base" else None
    before = f", the base {words.count(other.errors)}" if other else ""
    text = (
        f"The {name} makes {plural(model.errors, 'error')}{before}. Most are of the kind “{_cause(most)}” "
        f"({words.count(most.count)})"
    )
    gains = [one for one in model.budget if one.gain and one.gain.value]
    if gains:
        best = max(gains, key=lambda one: one.gain.value or 0.0 if one.gain else 0.0)
        which = "these" if best is most else f"“{_cause(best)}”"
        text += f"; mending {which} would give most AP, {words.estimate(best.gain, sign=True)}"
    return f"{text}.{_on_others(model)}"


def _cause(given: Cause) -> str:
    return CAUSES.get(given.cause, given.cause.replace("_", " "))


def _on_others(model: Diagnosis) -> str:
    found: dict[str, int] = {}
    for one in model.budget:
        for label, number in one.on.items():
            found[label] = found.get(label, 0) + number
    named = [f"{label.replace('_', ' ')} ({number})" for label, number in found.items() if number]
    return f" False finds lie on: {words.listed(named)}." if named else ""


def calibration_sentence(given: Why) -> str:
    """Say whether confidences are probabilities."""
    texts = [
        f"{words.estimate(one.calibration.ece)} for the {name}{_lean(one.calibration)}"
        for name, one in given.models.items()
        if one.calibration and one.calibration.ece
    ]
    if not texts:
        return ""
    return f"On average confidence and share of right finds differ by {' and by '.join(texts)}."


def _lean(given: Calibration) -> str:
    if given.bias is None or given.bias.low is None or given.bias.high is None:
        return ""
    return " (too sure)" if given.bias.low > 0 else " (not sure enough)" if given.bias.high < 0 else ""


def bound_sentences(given: Why) -> list[str]:
    """Say from which confidence on false finds stay under each bound, and what is still found then."""
    name, model = last(given)
    return [_bound(name, one) for one in (model.calibration.thresholds if model.calibration else ())]


def _bound(name: str, one: Rate) -> str:
    bound = f"{one.bound:g} false finds per {unit(one)}" if one.bound is not None else "the bound"
    if one.score is None:
        return f"No confidence of the {name} keeps {bound}{f': {one.reason}' if one.reason else ''}."
    kept = f"To stay under {bound}, take the {name} from confidence {words.number(one.score)}"
    text = f"{kept}: measured {words.estimate(one.rate)}, recall left {words.estimate(one.recall)}"
    return f"{text} ({one.reason})." if one.reason else f"{text}."


def label_errors_sentence(given: LabelErrors) -> str:
    """Say how many labels of the development footage look wrong."""
    where = f"Among {plural(sum(given.looked_at.values()), 'development frame')}, "
    if not given.count:
        return f"{where}no label is contradicted by what the models see."
    kinds = [f"{kind} {number}" for kind, number in given.by_kind.items() if number]
    sure = f", each wrong with a probability of {given.least:g} or more" if given.least is not None else ""
    return (
        f"{where}{plural(given.count, 'label is', 'labels are')} contradicted by what the models see{sure} "
        f"({words.listed(kinds)}). Each is worth a second look and no proven error: provenline review "
        f"exports them, the list is {given.file}."
    )
