"""All verdicts of a run in one sentence, which ends in what to do next."""

from __future__ import annotations

from provenline.reports import judged_story, words
from provenline.reports.evidence import Evaluation, Shadow, StageA

_STAGE_A = {
    "ship": "the off-the-shelf detector is good enough",
    "fine_tune": "the off-the-shelf detector is not good enough",
    "inconclusive": "whether the off-the-shelf detector is good enough is not settled",
}
_SHADOW = {
    "same_model": "the engines are the same model, so nothing is to be replaced",
    "promote": "on deployment footage it beats what runs now: promote it",
    "reject": "on deployment footage it should not replace what runs now: keep that",
    "hold": "whether it beats what runs now is not settled: keep that for now",
}


def conclusion(stage_a: StageA | None, evaluation: Evaluation | None, shadow: Shadow | None) -> str:
    """Return the answers to the three questions in their order, each as its own interval has it.

    Args:
        stage_a: None where it was not run; so are the others.
        evaluation: Of base and candidate.
        shadow: Of what runs now and the candidate.

    Returns:
        A sentence; empty where nothing was run.
    """
    said = [
        _STAGE_A[stage_a.decision] if stage_a else "",
        _fine_tuning(evaluation) if evaluation else "",
        _replacing(shadow) if shadow else "",
    ]
    text = "; ".join(filter(None, said))
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _fine_tuning(given: Evaluation) -> str:
    if given.same_model:
        return "nothing was trained"
    gate = given.improvement
    if gate is None or given.judged is None:
        return "fine-tuning could not be judged"
    gain = f"{words.metric(gate.metric)} {words.estimate(gate.estimate, sign=True)}"
    if judged_story.lucky(given):
        text = f"this fine-tuned model is better ({gain}), its recipe is not proven to be"
    elif gate.verdict == "pass":
        text = f"fine-tuning helps ({gain})"
    elif gate.verdict == "fail":
        text = f"fine-tuning does not help ({gain})"
    else:
        return f"whether fine-tuning helps is not settled ({gain})"
    worse = " and ".join(words.metric(name) for name, _ in given.losses)
    return f"{text}, but not in {worse}, which is worse" if worse and gate.verdict == "pass" else text


def _replacing(given: Shadow) -> str:
    if given.decision == "label":
        return f"whether it beats what runs now takes the labels of {words.plural(given.label_more, 'frame')}"
    return _SHADOW.get(given.decision, given.decision)
