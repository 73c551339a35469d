"""Rows of a plan, answered for a wanted precision and power: what `provenline plan` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provenline.evaluation.plan_rows import apart, called, count, spread_of
from provenline.evaluation.planning import EVEN, MOST_GROUPS, frames_for, groups_for, half_width

_NONE = "-"


@dataclass(frozen=True)
class Answer:
    """What a row takes.

    Attributes:
        row: See ``plan_rows.row``, with a key ``source``.
        to_tell: Videos that settle its open question, in all; None where nothing is open, or none would.
        wanted: The half-width that was asked for, None for none.
        groups: Videos that reach it, in all; None where nothing is known.
        frames: Frames of each of today's videos that reach it; None where none would, or it is not known.
    """

    row: Mapping[str, Any]
    to_tell: int | None
    wanted: float | None
    groups: int | None
    frames: int | None

    @property
    def name(self) -> str:
        """The category, with a star where its spread is borrowed."""
        return (self.row["category"] or "all") + (" *" if self.row["pooled"] else "")

    @property
    def figure(self) -> str:
        """The figure and where it was measured."""
        return f"{called(self.row['metric'], self.row['of'])} ({self.row['source']})"

    def cells(self) -> dict[str, str]:
        """Return texts for a table, by the name of their column."""
        row = self.row
        cells = {
            "": self.name,
            "seen": f"{row['groups']} x {_number(row['frames_per_group'], '.0f')}",
            "now": _now(row),
            "ICC": _number(row["icc"], ".2f"),
            "to tell": "{} from {}".format(*apart(*row["cannot_tell"])) if row["cannot_tell"] else _NONE,
            "takes": _number(self.to_tell, "d"),
        }
        if self.wanted is None:
            return cells
        del cells["to tell"]  # both would not fit into a terminal
        return cells | {
            f"for ±{self.wanted:g}": _number(self.groups, "d"),
            "or frames": _number(self.frames, "d"),
        }


def answers(rows: Sequence[Mapping[str, Any]], wanted: float | None, power: float | None) -> list[Answer]:
    """Answer rows of a plan.

    Args:
        rows: See ``plan_rows.row``.
        wanted: Half-width; None asks for none.
        power: Chance to settle an open question; None for the row's own.
    """
    return [_answer(row, wanted, power) for row in rows]


def _answer(row: Mapping[str, Any], wanted: float | None, power: float | None) -> Answer:
    spread, sure = spread_of(row), row["confidence"]
    to_tell = row["groups_needed"]
    if power is not None and spread is not None and row["cannot_tell"]:
        needed = groups_for(spread, row["distance"], sure, power, row["side"])
        to_tell = needed and max(needed, row["groups"] + 1)
    if spread is None or wanted is None:
        return Answer(row, to_tell, wanted, None, None)
    groups, frames = groups_for(spread, wanted, sure, EVEN), frames_for(spread, wanted, sure, EVEN)
    return Answer(row, to_tell, wanted, groups, frames)


def legend(found: Sequence[Answer], power: float | None) -> str:
    """Say how to read the columns."""
    chance = " or ".join(f"{one:.0%}" for one in sorted({power or one.row["power"] for one in found}))
    text = f"seen: videos x frames of each. takes: videos in all that tell it with a chance of {chance}."
    if any(one.wanted is not None for one in found):
        text += " or frames: of each of today's videos."
    few = " * spread of all categories together: this one has too few videos to show its own."
    return text + (few if any(one.row["pooled"] for one in found) else "")


def sentence(found: Sequence[Answer], wanted: float | None) -> str:
    """Say what the first answer that has a number comes to."""
    if wanted is None:
        first = next((one for one in found if one.to_tell), found[0])
        return f"{first.row['about']}: {_told(first)}."
    known = next((one for one in found if one.groups), None)
    if known is None and any(spread_of(one.row) for one in found):
        return f"Not even {MOST_GROUPS:,} videos give ±{wanted:g}."
    if known is None:
        return f"Nothing shows how videos differ: what ±{wanted:g} takes cannot be told."
    return f"{known.row['about']}: {_reached(known, wanted)}."


def _told(one: Answer) -> str:
    row = one.row
    if not row["cannot_tell"] or one.to_tell is None:
        return str(row["reason"])
    seen = f"{count(row['groups'], 'video')} with {count(row['frames'], 'frame')}"
    return f"{seen} cannot tell {{}} from {{}}; about {one.to_tell} videos could".format(
        *apart(*row["cannot_tell"])
    )


def _reached(one: Answer, wanted: float) -> str:
    row, spread = one.row, spread_of(one.row)
    seen = f"{count(row['groups'], 'video')} with {count(row['frames'], 'frame')}"
    # What the plan counts with, which is what the wish is compared with.
    now = half_width(spread, row["confidence"]) if spread else math.nan
    if one.groups is not None and one.groups <= row["groups"]:
        return f"{seen} give about ±{now:.3f} already"
    takes = f"{one.groups} videos of {row['frames_per_group']:.0f} frames"
    text = f"{seen} give about ±{now:.3f}; ±{wanted:g} takes about {takes}"
    if one.frames is not None:
        return f"{text}, or about {count(one.frames, 'frame')} of each of today's"
    return (
        text if row["frame_sd"] is None else f"{text}; more frames of today's would not do, as videos differ"
    )


def _now(row: Mapping[str, Any]) -> str:
    if row["estimate"] is None:
        return _NONE
    return f"{row['estimate']:.3f}" + ("" if row["half_width"] is None else f" ±{row['half_width']:.3f}")


def _number(value: float | None, form: str) -> str:
    return _NONE if value is None else format(value, form)
