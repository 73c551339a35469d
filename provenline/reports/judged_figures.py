"""The figures on base against candidate: differences and recall per operation, precision against recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provenline.reports.drawing import PALETTE, Figure, canvas, finish
from provenline.reports.evidence import Comparison, Estimate
from provenline.reports.judged_evidence import Holm
from provenline.reports.marks import ROW, legend, names_at_left, point, whisker
from provenline.reports.words import difference, estimate, metric, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURE_6 = {"recall": "fig_6a_difference_recall", "map50": "fig_6b_difference_map50"}
_MARKS = {"better": ("pass", "^"), "worse": ("fail", "v"), "cannot be told apart": ("unsure", "o")}


def category_recall(given: Sequence[Comparison], name: str = "recall_by_operation") -> Figure:
    """Draw recall bars of base and candidate per operation, with interval whiskers."""
    height = 0.38
    with canvas(0.95 + 1.5 * ROW * len(given)) as (sheet, axes):
        for model, shift, pattern in (("base", -height / 2, "//"), ("candidate", height / 2, "")):
            pairs = [
                (place + shift, getattr(one.metrics["recall"], model)) for place, one in enumerate(given)
            ]
            found = [(place, one) for place, one in pairs if one is not None and one.value is not None]
            axes.barh(
                [place for place, _ in found],
                [one.value for _, one in found],
                height * 0.92,
                color=PALETTE[model],
                alpha=0.75,
                label=model,
                hatch=pattern,
                edgecolor=PALETTE["paper"],
                linewidth=0,
            )
            for place, one in found:
                whisker(axes, place, one, PALETTE["ink"])
        axes.set(xlim=(-0.01, 1.02), xlabel="recall at the operating threshold")
        names_at_left(axes, [f"{one.name} ({one.groups})" for one in given])
        legend(sheet, axes)
        return finish(sheet, name, _said(given, "recall"))


def forest(
    given: Sequence[Comparison], overall: Comparison, key: str = "recall", holm: Holm | None = None
) -> Figure:
    """Draw Fig. 6a or 6b: the paired difference per operation with its interval, and no difference.

    Args:
        given: One slice per operation.
        overall: All of them.
        key: The metric.
        holm: Operations compared at once: what it does not call different has a hollow mark.
    """
    rows = [(f"{one.name} ({one.groups})", one.metrics[key].difference, one.name) for one in given]
    rows.append((f"All operations ({overall.groups})", overall.metrics[key].difference, ""))
    left, right = _ends([one for _, one, _ in rows])
    with canvas(1.0 + ROW * len(rows)) as (sheet, axes):
        axes.axvline(0, color=PALETTE["ink"], linewidth=1)
        for place, (_, one, name) in enumerate(rows):
            colour, mark = _MARKS.get(difference(one, key), ("unsure", "D"))
            hollow = bool(name) and mark in "^v" and _uncorrected(holm, name)
            point(axes, place, one, PALETTE[colour], mark, hollow=hollow)
        axes.axhline(len(rows) - 1.5, color=PALETTE["grid"], linewidth=0.8)
        axes.set(xlim=(left, right), xlabel=f"{metric(key)}, candidate minus base")
        _sides(axes)
        names_at_left(axes, [text for text, *_ in rows])
        said = "; ".join(_reading(text, one, key, holm, name) for text, one, name in rows)
        alt = f"Paired difference of {metric(key)}, candidate minus base. {said}."
        return finish(sheet, FIGURE_6[key], alt)


def _ends(given: Sequence[Estimate | None]) -> tuple[float, float]:
    """Return the axis' ends; both sides of zero stay wide enough to say which side is whose."""
    ends = [end for one in given if one for end in (one.low, one.high, one.value) if end is not None]
    left, right = min([0.0, *ends]), max([0.0, *ends])
    return min(left, -0.45 * right, -0.01) * 1.06, max(right, -0.45 * left, 0.01) * 1.06


def _sides(axes: Axes) -> None:
    for text, side, place in (("← base", "right", -8), ("candidate →", "left", 8)):
        axes.annotate(
            text,
            (0, 1),
            (place, 3),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=side,
            fontsize=8.5,
        )


def _uncorrected(holm: Holm | None, name: str) -> bool:
    """Return whether a slice is not called different once all are compared at once."""
    row = holm.rows.get(name) if holm else None
    return row is not None and row.reads not in ("better", "worse")


def _reading(text: str, one: Estimate | None, key: str, holm: Holm | None, name: str) -> str:
    row = holm.rows.get(name) if holm and name else None
    after = f", after Holm {row.reads}" if row else ""
    return f"{text}: {estimate(one, sign=True)}, {difference(one, key)}{after}"


def curves(given: Mapping[str, tuple[tuple[float, float], ...]], iou: float, name: str) -> Figure:
    """Draw precision against recall of base and candidate."""
    styles = {"base": (0, (5, 2)), "candidate": "solid"}
    with canvas(3.1) as (sheet, axes):
        for model, points in given.items():
            recalls, precisions = zip(*points, strict=True)
            colour = PALETTE.get(model, PALETTE["muted"])
            axes.plot(
                recalls,
                precisions,
                color=colour,
                linewidth=1.8,
                linestyle=styles.get(model, "solid"),
                label=model,
            )
        axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
        axes.grid()
        legend(sheet, axes)
        reach = "; ".join(
            f"{model} reaches recall {number(points[-1][0])}" for model, points in given.items()
        )
        return finish(
            sheet, "precision_recall", f"Precision against recall at IoU {iou:g} on the {name} set: {reach}."
        )


def _said(given: Sequence[Comparison], key: str) -> str:
    rows = (
        f"{one.name}: base {estimate(pair.base)}, candidate {estimate(pair.candidate)}"
        for one in given
        for pair in (one.metrics[key],)
    )
    return f"{metric(key)} per operation. {'; '.join(rows)}."
