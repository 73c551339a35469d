"""What the page says of Stage A in words: whom the detector misses, what it takes for a person."""

from __future__ import annotations

from provenline.reports import words
from provenline.reports.evidence import StageA
from provenline.reports.stage_a_evidence import Closer, Crowd, Details, FalseFind, Mode
from provenline.reports.stage_a_rows import cause, mode, said
from provenline.reports.words import plural


def sample_sentence(given: Closer, frames: int) -> str:
    """Say how many frames were wanted, where they are fewer or were accepted before."""
    texts = []
    if frames < given.sample.wanted:
        texts.append(
            f"{words.count(given.sample.wanted)} frames were wanted, {words.count(frames)} are there."
        )
    if given.sample.accepted:
        texts.append(f"{plural(given.sample.accepted, 'frame')} were accepted for good before.")
    return " ".join(texts)


def planning(given: StageA) -> list[str]:
    """Return what this footage can tell, what it cannot, and how much more could."""
    return [
        f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in map(words.metrics_in, given.plan.sentences)
    ]


def confidence_sentence(given: Closer) -> str:
    """Say how sure the detector is of its best find."""
    if len(given.quartiles) != 3:
        return ""
    low, _, high = map(words.number, given.quartiles)
    return f"In half of the frames with people its best confidence lies between {low} and {high}."


def crowds_sentence(given: Details) -> str:
    """Say what is found where one or several people are, and what is seen where nobody is."""
    return " ".join(text for one in given.crowds if one.frames and (text := _crowd(one)))


def _crowd(one: Crowd) -> str:
    if one.name == "none":
        return (
            f"Where nobody is ({plural(one.frames, 'frame')}), {words.estimate(one.hit)} of the frames have "
            "a false find."
        )
    who = "one person is" if one.name == "one" else "several are"
    return f"Where {who} ({plural(one.frames, 'frame')}), recall is {words.estimate(one.recall)}."


def misses_sentence(given: Details) -> str:
    """Say how many were missed, and which failure modes they have."""
    if not given.missed:
        return f"All {plural(given.people, 'person', 'people')} were found." if given.people else ""
    texts = [f"{words.count(given.missed)} of {plural(given.people, 'person', 'people')} were missed"]
    known = [one for one in given.modes if one.stated and one.missed]
    parts = [_mode(one) for one in sorted(known, key=lambda one: (not one.name, -one.missed))]
    if len(known) > 1:
        texts.append(" (one may have several failure modes)")
    sentence = f"{''.join(texts)}: {'; '.join(parts)}." if parts else f"{texts[0]}."
    if given.unsure:
        sentence += f" {words.count(given.unsure)} of them were seen, but with too little confidence."
    silent = [one.name for one in given.modes if not one.stated and one.name]
    if silent:
        sentence += f" Nobody annotated who is {' or '.join(silent)}, so that is not counted."
    return sentence


def _mode(one: Mode) -> str:
    text = f"{mode(one)} {words.count(one.missed)}"
    return f"{text} of {words.count(one.people)}" if one.name else text


def clearest(given: Details) -> str:
    """Say of whom it is proven that they are found less often than the others."""
    worse = [
        one
        for one in given.modes
        if one.name
        and one.difference
        and one.difference.high is not None
        and one.difference.high < 0
        and not one.difference.few
    ]
    ranked = sorted(worse, key=lambda one: one.difference.value or 0.0 if one.difference else 0.0)
    texts = [f"{one.name} ({words.estimate(one.difference, sign=True)})" for one in ranked]
    return f"Found less often than others: {'; '.join(texts)}." if texts else ""


def finds_sentence(given: Details) -> str:
    """Say what was reported: the operator, other people, and what the false finds are."""
    outside = given.outside
    if not outside.detections:
        return "Nothing was reported."
    texts = [f"{words.count(outside.operator)} are the operator"]
    if outside.other_people:
        roles = ", ".join(f"{said(role)} {words.count(n)}" for role, n in outside.by_role.items())
        texts.append(f"{words.count(outside.other_people)} other people ({roles})")
    texts.append(f"{words.count(outside.false)} false finds" if outside.false != 1 else "1 is a false find")
    head = f"Of {plural(outside.detections, 'find')}, {', '.join(texts)}"
    known = [one for one in given.false_finds if one.count]
    return f"{head}: {'; '.join(map(_false, known))}." if known else f"{head}."


def _false(one: FalseFind) -> str:
    where = "on " if one.cause == "other_label" else ""
    return f"{words.count(one.count)} {where}{cause(one)}"
