"""The figure on labels: agreement of two annotators by how much their boxes must overlap."""

from __future__ import annotations

from provenline.reports.drawing import PALETTE, Figure, canvas, finish
from provenline.reports.evidence import Agreement
from provenline.reports.words import estimate


def agreement_curve(given: Agreement) -> Figure:
    """Draw object F1 over the IoU threshold, with the interval as a band."""
    curve = given.details.curve
    points = [(iou, one.value) for iou, one in curve if one.value is not None]
    overlaps, values = zip(*points, strict=True)
    banded = [(iou, one.low, one.high) for iou, one in curve if one.low is not None and one.high is not None]
    with canvas(2.7) as (sheet, axes):
        if banded:
            places, low, high = zip(*banded, strict=True)
            axes.fill_between(places, low, high, color=PALETTE["truth"], alpha=0.18, linewidth=0)
        axes.plot(overlaps, values, color=PALETTE["truth"], marker="o", markersize=3.5, linewidth=1.6)
        axes.set(xlim=(min(overlaps) - 0.02, max(overlaps) + 0.02), ylim=(0, 1.02))
        axes.set(xlabel="overlap (IoU) from which two boxes are one object", ylabel="object F1")
        axes.grid()
        said = "; ".join(f"IoU {iou:g}: {estimate(one)}" for iou, one in curve)
        who = " and ".join(given.annotators)
        return finish(sheet, "agreement_curve", f"Object F1 of {who} over the IoU threshold. {said}.")
