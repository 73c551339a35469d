"""What several figures draw with: an estimate with its interval, names at the left, a legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provenline.reports.drawing import PALETTE
from provenline.reports.estimates import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Sheet

ROW = 0.3  # inches per line of a figure with names at its left


def point(
    axes: Axes, place: float, one: Estimate | None, colour: str, mark: str, *, hollow: bool = False
) -> None:
    """Draw an estimate with its interval; without one the mark is hollow."""
    if one is None or one.value is None:
        axes.annotate(
            "not measured", (0.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=8
        )
        return
    face = PALETTE["paper"]
    if one.low is not None and one.high is not None:
        axes.plot([one.low, one.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        face = face if hollow else colour
    axes.plot([one.value], [place], mark, color=colour, markerfacecolor=face, markersize=6)


def whisker(axes: Axes, place: float, one: Estimate, colour: str) -> None:
    """Draw an interval alone."""
    if one.low is not None and one.high is not None:
        axes.plot([one.low, one.high], [place, place], color=colour, linewidth=1.2, marker="|", markersize=5)


def names_at_left(axes: Axes, names: Sequence[str]) -> None:
    """Put names at the left, the first on top."""
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)


def _short(text: str) -> str:
    """Keep long names from eating the figure."""
    return text if len(text) <= 30 else f"{text[:14]}…{text[-15:]}"


def legend(sheet: Sheet, axes: Axes, columns: int = 3) -> None:
    """Put the legend over the axes, where it hides nothing."""
    handles, labels = axes.get_legend_handles_labels()
    sheet.legend(handles, labels, loc="outside upper left", ncols=columns, borderpad=0, handlelength=1.6)
