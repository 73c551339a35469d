"""The timeline of a shadow run: when production and candidate see somebody, recording by recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from provenline.reports.drawing import PALETTE, Figure, canvas, finish
from provenline.reports.evidence import Strip
from provenline.reports.marks import legend, names_at_left
from provenline.reports.words import plural
from provenline.shadow.comparison import read_comparison

MOST = 24  # rows; with more recordings a row is a camera's day
BINS = 240  # per row
COLUMNS = ("media", "time_ms", "camera", "day", "production", "candidate")
_ROW = 0.24  # inches


def read(path: Path) -> tuple[Strip, ...]:
    """Read a comparison, frame by frame, as rows of a timeline; none where there is no file.

    Raises:
        InputError: It is not a CSV with ``COLUMNS``.
    """
    if not path.is_file():
        return ()
    table = read_comparison(path, COLUMNS)
    if table.empty:
        return ()
    step = _step(table)
    by = ["camera", "day", *(["media"] if table["media"].nunique() <= MOST else [])]
    parts = table.groupby(by, sort=True, observed=True)
    strips = [_strip(_name([*map(str, names)]), rows, step) for names, rows in parts]
    return tuple(strips[:MOST])


def _step(table: pd.DataFrame) -> float:
    """Return the seconds between two frames of a recording: the median."""
    gaps = table.sort_values(["media", "time_ms"]).groupby("media", observed=True)["time_ms"].diff().dropna()
    return float(gaps.median()) / 1000 if len(gaps) else 1.0


def _name(names: list[str]) -> str:
    """Name a row by its camera, and its recording's file or its day."""
    return " ".join(filter(None, [names[0], names[-1].rsplit("/", 1)[-1]]))


def _strip(name: str, rows: pd.DataFrame, step: float) -> Strip:
    rows = rows.sort_values(["media", "time_ms"], kind="stable")
    # Recordings of one row stand one after the other, frame by frame.
    place = np.arange(len(rows)) * BINS // max(len(rows), BINS)
    seen = [rows[role].to_numpy() > 0 for role in ("production", "candidate")]
    each = len(rows) / (place[-1] + 1)
    shares = [np.bincount(place, one) / np.bincount(place) >= 0.5 for one in seen]
    times = tuple(float(number * each * step) for number in range(int(place[-1]) + 1))
    return Strip(name, times, each * step, *(tuple(map(bool, one)) for one in shares))


def draw(strips: tuple[Strip, ...]) -> Figure:
    """Draw when either sees somebody, and where only one does."""
    looks = (("production", "base", -0.3), ("candidate", "candidate", 0.02))
    with canvas(0.8 + _ROW * len(strips)) as (sheet, axes):
        for row, strip in enumerate(strips):
            for role, colour, low in looks:
                spans = list(_spans(strip, getattr(strip, role)))
                label = role if row == 0 else None
                axes.broken_barh(spans, (row + low, 0.28), color=PALETTE[colour], label=label, linewidth=0)
            only = list(_spans(strip, map(_differ, strip.production, strip.candidate)))
            label = "only one of them" if row == 0 else None
            axes.broken_barh(only, (row + 0.34, 0.1), color=PALETTE["ink"], label=label, linewidth=0)
        names_at_left(axes, [strip.name for strip in strips])
        longest = max(strip.times[-1] + strip.step for strip in strips)
        axes.set(xlim=(0, longest), xlabel="seconds of footage")
        legend(sheet, axes)
        return finish(sheet, "shadow_timeline", _alt(strips))


def _spans(strip: Strip, there: Iterable[bool]) -> Iterator[tuple[float, float]]:
    """Yield beginning and length of each stretch."""
    begun: float | None = None
    for time, one in zip((*strip.times, strip.times[-1] + strip.step), (*there, False), strict=True):
        if one and begun is None:
            begun = time
        elif not one and begun is not None:
            yield begun, time - begun
            begun = None


def _differ(one: bool, other: bool) -> bool:
    return one != other


def _alt(strips: tuple[Strip, ...]) -> str:
    all_of = sum(len(strip.times) for strip in strips)
    either = [(a, b) for strip in strips for a, b in zip(strip.production, strip.candidate, strict=True)]
    counts = (sum(a for a, _ in either), sum(b for _, b in either), sum(a != b for a, b in either))
    production, candidate, differ = (f"{count / all_of:.0%}" for count in counts)
    return (
        f"Timeline of {plural(len(strips), 'row')}: production sees somebody {production} of the time, the "
        f"candidate {candidate}; only one of them {differ}."
    )
