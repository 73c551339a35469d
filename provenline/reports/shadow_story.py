"""What the page says of the shadow run: what was compared, drawn and labelled, and what that came to."""

from __future__ import annotations

from collections.abc import Mapping

from provenline.reports import words
from provenline.reports.evidence import Estimate, Following, Shadow
from provenline.reports.words import plural
from provenline.shadow.params import Operating

_GAIN_WORDS = {
    "net_gain": "Fewer errors per frame",
    "error_reduction": "Share of production's errors gone",
    "recall": "Recall, candidate minus production",
    "precision": "Precision, candidate minus production",
    "presence_error": "Wrong on whether anybody is there, candidate minus production",
}


def shadow_facts(given: Shadow) -> list[tuple[str, str]]:
    """Return what the shadow run compared, as headings and short texts."""
    facts = [
        (role.capitalize(), f"{words.short(digest)}, {_counts_from(given.scores[role])}")
        for role, digest in given.engines.items()
    ]
    whole = given.overall
    if whole:
        facts += [
            ("Footage", f"{plural(given.media, 'clip')}, {plural(whole.frames, 'frame')}"),
            (
                "Only production",
                f"sees {plural(whole.only_production, 'box', 'boxes')} that the candidate does not",
            ),
            (
                "Only candidate",
                f"sees {plural(whole.only_candidate, 'box', 'boxes')} that production does not",
            ),
        ]
    facts += _following_facts(given.following) if given.following else []
    facts += _sample_facts(given)
    if given.label_more:
        facts.append(("To label now", plural(given.label_more, "frame")))
    return facts


def _counts_from(given: Operating) -> str:
    if not given.own:
        return f"counts from confidence {given.otherwise:g}"
    own = words.listed([f"{score:.2f} ({label})" for label, score in sorted(given.own.items())], 4)
    return f"counts from the confidence that validation chose for it: {own}"


def _following_facts(given: Following) -> list[tuple[str, str]]:
    """Return what following from frame to frame tells; it decides nothing."""
    facts = [
        ("Lost for a moment", f"{_both(given.lost)}: found before and again, perhaps missed between"),
        ("Seen for one frame", f"{_both(given.brief)}: by one alone, perhaps nothing"),
    ]
    if given.at_work:
        share = words.percent(given.differ) if given.differ else "no interval"
        text = f"they differ on {share} of {plural(given.at_work, 'frame')} with a work place"
        facts.append(("Somebody at the machine?", f"{text}; visits: {_both(given.visits)}"))
    return facts


def _both(counts: Mapping[str, int]) -> str:
    return f"production {counts['production']}, candidate {counts['candidate']}"


def _sample_facts(given: Shadow) -> list[tuple[str, str]]:
    """Return what was drawn and labelled, and what the labels say of the gain."""
    if given.sample is None:
        return []
    drawn = given.sample.drawn
    kinds = {"differ": "on which they differ", "agree": "on which both find the same", "empty": "found empty"}
    parts = words.listed([f"{drawn[name]} {text}" for name, text in kinds.items() if drawn.get(name)])
    facts = [("Drawn to be labelled", f"{sum(drawn.values())} of {given.sample.of} frames: {parts}")]
    if given.sample.labelled is None:
        return [*facts, ("Labels spent", "none yet")]
    spent = f"{given.sample.labelled} ({given.sample.labelled / given.sample.of:.1%} of all frames)"
    spent += f"; {plural(given.sample.missing, 'drawn frame')} without" if given.sample.missing else ""
    beyond = plural(given.sample.beyond, "labelled frame")
    spent += f"; {beyond} never drawn and not counted" if given.sample.beyond else ""
    facts.append(("Labels spent", spent))
    return facts + [(_GAIN_WORDS[name], _gain(name, one)) for name, one in given.gains.items()]


def _gain(name: str, found: Estimate) -> str:
    return words.percent(found) if name == "error_reduction" else words.estimate(found, sign=True)
