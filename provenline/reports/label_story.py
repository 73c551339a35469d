"""What the page says of the labels in words: sources, agreement, ceiling, what was kept for later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from provenline.footage.anonymise import FACE_SHARE, FLOOR
from provenline.reports import words
from provenline.reports.ceilings import ceiling, ceiling_sentence
from provenline.reports.evidence import Annotation, Evidence, Footage
from provenline.reports.label_rows import first_agreement
from provenline.reports.words import plural

NOT_STATED = "NOT STATED"
HEADINGS = {
    "provenance": "Staged or real production",
    "consent": "Consent or ethics reference",
    "licence": "Licence",
}
KINDS = {
    "missed": "only the first saw something",
    "extra": "only the second did",
    "shifted": "at other places",
    "count": "each saw something else",
}
_PROVENANCE = {"production": "real production"}
_DOUBTED = ("shifted", "unclear", "changes", "differs", "offset")


def said(footage: Footage) -> Mapping[str, str]:
    """Return what the media list says of the footage by heading; what it does not say is said aloud."""
    given = footage.provenance
    if given is None:
        return dict.fromkeys(HEADINGS.values(), f"{NOT_STATED}: there is no media list")
    return {heading: _tally(getattr(given, key), given.media) for key, heading in HEADINGS.items()}


def rounds(evidence: Evidence) -> list[tuple[str, str]]:
    """Return what each monthly round brought, as headings and texts; it trains and judges nothing."""
    found = []
    for one in evidence.rounds:
        why = words.listed([f"{count} {name}" for name, count in one.reasons.items() if count])
        what = ", ".join(f"{label} {count}" for label, count in one.objects.items()) or "no object"
        whence = [f"{HEADINGS[key].lower()}: {_tally(counts, one.media)}" for key, counts in one.said.items()]
        text = (
            f"{plural(one.frames, 'frame')} of {plural(one.groups, 'group')} ({why}), all in train; {what}; "
        )
        text += f"{one.without_objects} with nothing in them; {'; '.join(whence)}"
        found.append((f"Round {one.name}", text))
    return found


def _tally(counts: Mapping[str, int], total: int) -> str:
    stated = {name: count for name, count in counts.items() if name.strip()}
    silent = total - sum(stated.values())
    texts = [f"{_PROVENANCE.get(name, name)}: {count} of {total}" for name, count in stated.items()]
    found = [words.listed(texts, 12)] if texts else []
    if silent > 0 or not total:
        found.append(f"{NOT_STATED}: {silent} of {total}")
    return "; ".join(found)


def outside(evidence: Evidence, given: Annotation) -> Mapping[str, int]:
    """Return the labels that are kept although today's use case does not look for them, with counts."""
    return {name: count for name, count in given.labels.items() if name not in evidence.classes}


def agreement_sentence(evidence: Evidence) -> str:
    """Say whether annotators agree well enough, in the importer's own words."""
    given = first_agreement(evidence)
    if given is None:
        known = evidence.development.annotation
        why = known.agreement_reason if known else ""
        return f"How far annotators agree is unknown{f': {why}' if why else ''}."
    verdict = {"pass": "agree well enough", "fail": "do not agree well enough"}.get(
        given.verdict, "may or may not agree well enough"
    )
    return f"{' and '.join(given.annotators)} {verdict}: {given.reason}."


def disputes_sentence(evidence: Evidence) -> str:
    """Say how many images there are of each kind of disagreement; empty where nobody counted."""
    given = first_agreement(evidence)
    counts = given.details.disagreement_counts if given else {}
    counted = ", ".join(f"{KINDS.get(kind, kind)} {number}" for kind, number in counts.items())
    return f"Images on which two annotators differ, worst first below: {counted}." if counted else ""


def ceiling_texts(evidence: Evidence) -> list[str]:
    """Say how high a perfect detector could score, what one annotator scores, and how that is known."""
    given = ceiling(evidence)
    if given is None:
        return []
    found = [ceiling_sentence(evidence, metric) for metric in given.reach]
    human = [
        f"{words.metric(name)} {words.estimate(one)}"
        for name, one in given.human.items()
        if one is not None and one.value is not None
    ]
    if human:
        found.append(f"One annotator against the other reaches {' and '.join(human)}.")
    if given.method:
        found.append(f"How it follows: {given.method.rstrip('.')}.")
    return [text for text in found if text]


def numbering_sentence(given: Annotation) -> str:
    """Say how many media were numbered as the footage is; empty where no tool numbered frames."""
    verdicts = Counter(one.verdict for one in given.details.numbering)
    if not verdicts:
        return ""
    counted = ", ".join(f"{name} {count}" for name, count in sorted(verdicts.items()))
    return f"Frame numbers of the annotation tool, by medium: {counted}."


def doubted_numbers(given: Annotation) -> list[str]:
    """Return one sentence per medium whose frame numbers were not simply confirmed or unchecked."""
    found = []
    for one in given.details.numbering:
        if one.verdict in _DOUBTED or one.offset:
            by = f", offset {one.offset:+d}" if one.offset else ""
            found.append(f"{one.media}: {one.verdict}{by}, {plural(one.pictures, 'picture')} compared")
        elif one.tool_frames is not None and one.our_frames is not None and one.tool_frames > one.our_frames:
            found.append(
                f"{one.media}: the tool counts {one.tool_frames} frames, {one.our_frames} are presented"
            )
    return found


def skipped_sentence(given: Annotation) -> str:
    """Say which shapes are no objects and were passed over; empty where none were."""
    kinds = ", ".join(f"{name} {count}" for name, count in given.details.skipped.items())
    return f"Shapes that are no object: {kinds}." if kinds else ""


def privacy_sentence(evidence: Evidence) -> str:
    """Say what of the people in the pictures was made unrecognisable, and where that ends."""
    given = evidence.privacy
    if given is None:
        return ""
    if given.anonymise == "none":
        return "Pictures show people as they were filmed (footage.anonymise: none)."
    found = f"a detector found (confidence ≥ {FLOOR:g})"
    boxes = f"boxes that any annotator of the development footage drew or {found}"
    who = f"{boxes} for {' or '.join(given.people)}, with a margin"
    if given.anonymise == "persons":
        what = f"Whole people are averaged away in every picture: all {who}."
    else:
        what = (
            f"Faces are averaged away in every picture: the upper {FACE_SHARE:.0%} of the {who}; "
            "all of a box that is wider than high."
        )
    return (
        f"{what} Somebody whom neither annotators nor detectors found is not blurred. Frames that are "
        "trained on are untouched."
    )
