"""The figures: one function per figure, from evidence to SVG and PNG.

Colours mean one thing throughout: orange is the base, blue the candidate, green what was better,
red what was worse, grey what cannot be told apart. Shapes say the same without colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provenline.reports.drawing import PALETTE, Figure, canvas, finish
from provenline.reports.evidence import Agreement, Comparison, Estimate, Gate, Shadow, StageA, Training
from provenline.reports.label_rows import measures
from provenline.reports.words import asked, difference, estimate, metric, number, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Sheet

Row = tuple[str, Estimate | None]
_MARKS = {"better": ("pass", "^"), "worse": ("fail", "v"), "cannot be told apart": ("unsure", "o")}
_ROW = 0.3  # inches per line of a figure with names at its left


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
        _legend(sheet, axes)
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
    with canvas(0.75 + _ROW * len(rows)) as (sheet, axes):
        for place, (_, one) in enumerate(rows):
            _point(axes, place, one, PALETTE[colour], "o")
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
        _names(axes, [text for text, _ in rows])
        said = "; ".join(f"{text} {estimate(one)}" for text, one in rows)
        return finish(sheet, name, f"{label}: {said}.")


def category_recall(given: Sequence[Comparison], name: str = "recall_by_operation") -> Figure:
    """Draw recall bars of base and candidate per operation, with interval whiskers."""
    height = 0.38
    with canvas(0.95 + 1.5 * _ROW * len(given)) as (sheet, axes):
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
                _whisker(axes, place, one, PALETTE["ink"])
        axes.set(xlim=(-0.01, 1.02), xlabel="recall at the operating threshold")
        _names(axes, [f"{one.name} ({one.groups})" for one in given])
        _legend(sheet, axes)
        return finish(sheet, name, _said(given, "recall"))


def forest(given: Sequence[Comparison], overall: Comparison, key: str = "recall") -> Figure:
    """Draw the paired difference per operation with its interval, and the line of no difference."""
    rows = [(f"{one.name} ({one.groups})", one.metrics[key].difference) for one in given]
    rows.append((f"All operations ({overall.groups})", overall.metrics[key].difference))
    ends = [end for _, one in rows if one for end in (one.low, one.high, one.value) if end is not None]
    left, right = min([0.0, *ends]), max([0.0, *ends])
    # Both sides of zero stay wide enough to say which side is whose.
    left, right = min(left, -0.45 * right, -0.01) * 1.06, max(right, -0.45 * left, 0.01) * 1.06
    with canvas(1.0 + _ROW * len(rows)) as (sheet, axes):
        axes.axvline(0, color=PALETTE["ink"], linewidth=1)
        for place, (_, one) in enumerate(rows):
            colour, mark = _MARKS.get(difference(one), ("unsure", "D"))
            _point(axes, place, one, PALETTE[colour], mark)
        axes.axhline(len(rows) - 1.5, color=PALETTE["grid"], linewidth=0.8)
        axes.set(xlim=(left, right), xlabel=f"{metric(key)}, candidate minus base")
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
        _names(axes, [text for text, _ in rows])
        said = "; ".join(f"{text}: {estimate(one, sign=True)}, {difference(one)}" for text, one in rows)
        return finish(
            sheet, f"difference_{key}", f"Paired difference of {metric(key)}, candidate minus base. {said}."
        )


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
        _legend(sheet, axes)
        reach = "; ".join(
            f"{model} reaches recall {number(points[-1][0])}" for model, points in given.items()
        )
        return finish(
            sheet, "precision_recall", f"Precision against recall at IoU {iou:g} on the {name} set: {reach}."
        )


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
        _legend(sheet, axes)
        best = next((row for row in given.history if row["epoch"] == given.best_epoch), {})
        kept = f"epoch {given.best_epoch} was kept, mAP50 {number(best.get('mAP50'))}"
        alt = f"Validation by epoch over {len(epochs)} epochs; {kept}."
        return finish(sheet, "training", alt)


def _point(axes: Axes, place: float, one: Estimate | None, colour: str, mark: str) -> None:
    """Draw an estimate; a hollow mark has no interval."""
    if one is None or one.value is None:
        axes.annotate(
            "not measured", (0.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=8
        )
        return
    face = PALETTE["paper"]
    if one.low is not None and one.high is not None:
        axes.plot([one.low, one.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
        face = colour
    axes.plot([one.value], [place], mark, color=colour, markerfacecolor=face, markersize=6)


def _whisker(axes: Axes, place: float, one: Estimate, colour: str) -> None:
    if one.low is not None and one.high is not None:
        axes.plot([one.low, one.high], [place, place], color=colour, linewidth=1.2, marker="|", markersize=5)


def _names(axes: Axes, names: Sequence[str]) -> None:
    """Put names at the left, the first on top."""
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)


def _short(text: str) -> str:
    """Keep long names from eating the figure."""
    return text if len(text) <= 30 else f"{text[:14]}…{text[-15:]}"


def _legend(sheet: Sheet, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    sheet.legend(handles, labels, loc="outside upper left", ncols=3, borderpad=0, handlelength=1.6)


def _said(given: Sequence[Comparison], key: str) -> str:
    rows = (
        f"{one.name}: base {estimate(pair.base)}, candidate {estimate(pair.candidate)}"
        for one in given
        for pair in (one.metrics[key],)
    )
    return f"{metric(key)} per operation. {'; '.join(rows)}."
