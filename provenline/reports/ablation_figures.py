"""The figure on what was varied in training: each factor's effect with its interval."""

from __future__ import annotations

from provenline.reports.ablation_evidence import Ablation, Effect
from provenline.reports.ablation_rows import reads
from provenline.reports.drawing import PALETTE, Figure, canvas, finish
from provenline.reports.marks import ROW, names_at_left, point
from provenline.reports.words import estimate, metric

_MARKS = {"better": ("pass", "^"), "worse": ("fail", "v"), "cannot be told apart": ("unsure", "o")}


def figures(given: Ablation | None) -> list[Figure]:
    """Return the figure, where there is something to draw."""
    return [] if given is None or not given.effects else [_effects(given)]


def _effects(given: Ablation) -> Figure:
    name = metric(given.metrics[0])
    with canvas(1.0 + ROW * len(given.effects)) as (sheet, axes):
        axes.axvline(0, color=PALETTE["ink"], linewidth=1)
        for place, one in enumerate(given.effects):
            colour, mark = _MARKS.get(one.reads, ("unsure", "D"))
            point(axes, place, one.judged, PALETTE[colour], mark)
        axes.set(xlabel=f"{name} on {given.judged_on}, the first named minus the second")
        axes.margins(x=0.08)
        names_at_left(axes, [f"{one.level}, {one.against}" for one in given.effects])
        said = "; ".join(map(_said, given.effects))
        return finish(sheet, "ablation_effects", f"Effect on {name} over seeds and videos. {said}.")


def _said(one: Effect) -> str:
    shown = estimate(one.judged, sign=True)
    return f"{one.level} against {one.against}: {shown}, {reads(one.level, one.against, one.reads)}"
