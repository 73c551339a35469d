"""The figures behind Stage A: who is missed, and what is taken for a person, per operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from provenline.reports.drawing import PALETTE, Figure, canvas, finish
from provenline.reports.marks import ROW, legend, names_at_left, point
from provenline.reports.stage_a_evidence import Closer, Details
from provenline.reports.stage_a_rows import NONE, cause, false_by_kind, mode
from provenline.reports.tabular import named
from provenline.reports.words import estimate

SEVERAL = "several of these"
# Dark to light, so that grey copies keep them apart; hatches do so too.
_LOOKS = (
    ("cause_missed", ""),
    ("cause_wrong_class", "xx"),
    ("cause_localisation", ".."),
    ("cause_confusion_both", "++"),
    ("cause_background", "//"),
    ("muted", "\\\\"),
)
_LAST = ("cause_duplicate", "")
# The same looks as the error budget's.
_CAUSES = {
    "duplicate": ("cause_duplicate", ""),
    "localisation": ("cause_localisation", ".."),
    "background": ("cause_background", "//"),
}
_LABELS = (("cause_wrong_class", "xx"), ("cause_missed", ""), ("cause_confusion_both", "++"))


class Segment(NamedTuple):
    """A part of each bar: its name, how long it is in each row, its colour and hatch."""

    name: str
    counts: tuple[int, ...]
    look: tuple[str, str]


def figures(given: Closer | None) -> list[Figure]:
    """Draw what there is to draw; nothing where the run is older than the closer look."""
    if given is None:
        return []
    found = [failures(given.overall)] if any(one.people for one in given.overall.modes) else []
    if given.overall.missed:
        found.append(misses(given))
    if given.overall.outside.false:
        found.append(false_finds(given))
    return found


def failures(given: Details) -> Figure:
    """Draw the share found of those who have a failure mode, and of the others."""
    shown = [one for one in given.modes if one.people]
    with canvas(0.95 + 1.4 * ROW * len(shown)) as (sheet, axes):
        for place, one in enumerate(shown):
            point(axes, place - 0.17, one.recall, PALETTE["base"], "s")
            point(axes, place + 0.17, one.recall_of_others, PALETTE["muted"], "o")
        axes.plot([], [], "s", color=PALETTE["base"], label="have it")
        axes.plot([], [], "o", color=PALETTE["muted"], label="all others")
        axes.set(xlim=(-0.02, 1.02), xlabel="share of people who were found")
        names_at_left(axes, [f"{mode(one)} ({one.people})" for one in shown])
        legend(sheet, axes)
        said = "; ".join(
            f"{mode(one)}: {estimate(one.recall)}, others {estimate(one.recall_of_others)}" for one in shown
        )
        return finish(sheet, "stage_a_failures", f"Share of people found by failure mode. {said}.")


def misses(given: Closer) -> Figure:
    """Draw the missed people per operation, everybody in one segment."""
    rows = _rows(given)
    names = [one.name for one in given.overall.modes if one.name and one.people]
    counts = [_by_segment(one) for one in rows.values()]
    looks = {name: _LOOKS[place % len(_LOOKS)] for place, name in enumerate([*names, SEVERAL])}
    segments = [
        Segment(name, tuple(each.get(name, 0) for each in counts), looks.get(name, _LAST))
        for name in [*names, SEVERAL, NONE]
    ]
    return _stacked(list(rows), segments, "stage_a_misses", "people missed")


def _by_segment(given: Details) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in given.combinations:
        name = SEVERAL if len(one.modes) > 1 else (one.modes[0] if one.modes else NONE)
        found[name] = found.get(name, 0) + one.missed
    return found


def false_finds(given: Closer) -> Figure:
    """Draw the false finds per operation by cause."""
    rows = _rows(given)
    counts = [false_by_kind(one) for one in rows.values()]
    kinds = [one for one in given.overall.false_finds if one.count]
    labels = [one.label for one in kinds if one.cause == "other_label"]
    segments = [
        Segment(
            cause(one),
            tuple(each.get((one.cause, one.label), 0) for each in counts),
            _CAUSES.get(one.cause) or _LABELS[labels.index(one.label) % len(_LABELS)],
        )
        for one in kinds
    ]
    return _stacked(list(rows), segments, "stage_a_false_finds", "false finds")


def _rows(given: Closer) -> Mapping[str, Details]:
    categories = {named(name): one for name, one in given.categories.items()}
    return categories or {"All frames": given.overall}


def _stacked(rows: Sequence[str], segments: Sequence[Segment], name: str, label: str) -> Figure:
    there = [one for one in segments if any(one.counts)]
    places = range(len(rows))
    with canvas(1.0 + 0.16 * len(there) + ROW * len(rows)) as (sheet, axes):
        start = [0] * len(rows)
        for one in there:
            colour, hatch = one.look
            axes.barh(
                places,
                one.counts,
                0.62,
                left=start,
                color=PALETTE[colour],
                hatch=hatch,
                edgecolor=PALETTE["paper"],
                linewidth=0.6,
                label=one.name,
            )
            start = [left + count for left, count in zip(start, one.counts, strict=True)]
        axes.set(xlim=(0, max(start) * 1.02), xlabel=label)
        axes.locator_params(axis="x", integer=True)
        names_at_left(axes, rows)
        legend(sheet, axes, columns=2)
        return finish(sheet, name, _said(rows, there, label))


def _said(rows: Sequence[str], segments: Sequence[Segment], label: str) -> str:
    texts = []
    for place, row in enumerate(rows):
        parts = [f"{one.name} {one.counts[place]}" for one in segments if one.counts[place]]
        texts.append(f"{row}: {', '.join(parts) or 'none'}")
    return f"{label} per operation. {'; '.join(texts)}.".capitalize()
