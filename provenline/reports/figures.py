"""The figures: one function per figure, from evidence to SVG and PNG.

Colours mean one thing throughout: orange is the base, blue the candidate, green what was better,
red what was worse, grey what cannot be told apart. Shapes say the same without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from provenline.reports.drawing import PALETTE, Figure, canvas, finish
from provenline.reports.evidence import Agreement, Estimate, Gate, Shadow, StageA, Training
from provenline.reports.label_rows import measures
from provenline.reports.marks import ROW, legend, names_at_left, point
from provenline.reports.words import asked, estimate, number, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = tuple[str, Estimate | None]


def confidence(given: StageA) -> Figure:
    """Draw the best confidence per frame, frames with people apart from frames without."""
    bound = next((gate for gate in given.gates if gate.metric == "median_confidence"), None)
    low = [one[0] for one in given.histogram]
    width = given.histogram[0][1] - given.histogram[0][0]
    people, empty = [one[2] for one in given.histogram], [one[3] for one in given.histogram]
    with canvas(2.7) as (sheet, axes):
        axes.bar(low, people, width * 0.9, align="edge", color=PALETTE["base"], label="frames with people")
        axes.bar(
            low, empty, width * 0.9, people, align="edge", color=PALETTE["unsure"], label="frames without"
        )
        if bound:
            _bound_line(axes, bound)
        axes.set(xlim=(0, 1), xlabel="best confidence in the frame", ylabel="frames")
        axes.grid(axis="y")
        legend(sheet, axes)
        median = given.overall.metrics.get("median_confidence")
        alt = (
            f"Histogram of the base's best confidence in {plural(given.overall.frames, 'frame')}: "
            f"{sum(people)} with people, {sum(empty)} without; median with people {estimate(median)}."
        )
        return finish(sheet, "stage_a_confidence", alt)


def _bound_line(axes: Axes, gate: Gate) -> None:
    right = gate.bound < 0.6
    axes.set_ylim(top=axes.get_ylim()[1] * 1.12)  # the words stand over the bars, not on them
    axes.axvline(gate.bound, color=PALETTE["ink"], linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        f"median {asked(gate)}",
        (gate.bound, 0.97),
        (5 if right else -5, 0),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        ha="left" if right else "right",
        fontsize=8.5,
    )


def stage_a_recall(given: StageA) -> Figure:
    """Draw the base's recall per operation with its interval, and the bound."""
    rows = [(one.name, one.metrics.get("recall")) for one in given.categories]
    rows.append(("All operations", given.overall.metrics.get("recall")))
    gate = next((gate for gate in given.gates if gate.metric == "recall"), None)
    name = "stage_a_recall"
    return _dots(rows, name, "recall per frame at IoU 0.5", "base", gate.bound if gate else None)


def agreement(given: Agreement) -> Figure:
    """Draw the agreement of two annotators, each measure with its interval, and the gate."""
    rows = [(name.split(" (")[0].removeprefix("Krippendorff's "), one) for name, one in measures(given)]
    return _dots(rows, "agreement", "1 is perfect agreement", "truth", given.min_kappa)


def disagreement(given: Shadow) -> Figure:
    """Draw the share of frames on which production and candidate differ, per operation."""
    rows = [(one.name, one.rate) for one in given.categories]
    if given.overall:
        rows.append(("All operations", given.overall.rate))
    return _dots(rows, "shadow_disagreement", "share of frames that differ", "candidate", None)


def _dots(rows: Sequence[Row], name: str, label: str, colour: str, bound: float | None) -> Figure:
    with canvas(0.75 + ROW * len(rows)) as (sheet, axes):
        for place, (_, one) in enumerate(rows):
            point(axes, place, one, PALETTE[colour], "o")
        if bound is not None:
            axes.axvline(bound, color=PALETTE["ink"], linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"asked: {bound:g}",
                (bound, 1),
                (0, 3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="right" if bound > 0.5 else "left",
                fontsize=8.5,
            )
        ends = [end for _, one in rows if one for end in (one.value, one.low) if end is not None]
        axes.set(xlim=(min([0.0, *ends]) - 0.02, 1.02), xlabel=label)
        names_at_left(axes, [text for text, _ in rows])
        said = "; ".join(f"{text} {estimate(one)}" for text, one in rows)
        return finish(sheet, name, f"{label}: {said}.")


def training(given: Training) -> Figure:
    """Draw validation metrics by epoch and mark the epoch that was kept."""
    lines = (
        ("mAP50", "candidate", "solid"),
        ("mAP50_95", "truth", (0, (5, 2))),
        ("recall", "unsure", (0, (1, 1.5))),
    )
    epochs = [row["epoch"] for row in given.history]
    with canvas(2.7) as (sheet, axes):
        for key, colour, style in lines:
            values = [row.get(key, float("nan")) for row in given.history]
            name = key.replace("_", "-")
            axes.plot(
                epochs, values, color=PALETTE[colour], linestyle=style, marker="o", markersize=3, label=name
            )
        axes.axvline(given.best_epoch, color=PALETTE["ink"], linewidth=1, linestyle=(0, (4, 3)))
        early = given.best_epoch < (epochs[0] + epochs[-1]) / 2
        axes.annotate(
            f"kept: epoch {given.best_epoch}",
            (given.best_epoch, 0.03),
            (5 if early else -5, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="left" if early else "right",
            fontsize=8.5,
        )
        axes.set(ylim=(0, 1.02), xlabel="epoch", ylabel="on validation videos")
        axes.locator_params(axis="x", integer=True)
        axes.grid(axis="y")
        legend(sheet, axes)
        best = next((row for row in given.history if row["epoch"] == given.best_epoch), {})
        kept = f"epoch {given.best_epoch} was kept, mAP50 {number(best.get('mAP50'))}"
        alt = f"Validation by epoch over {len(epochs)} epochs; {kept}."
        return finish(sheet, "training", alt)
