"""The figures on what goes wrong: causes of errors with the AP to gain, and the reliability curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provenline.reports.drawing import PALETTE, Figure, canvas, finish, panels
from provenline.reports.marks import ROW, legend, names_at_left, point
from provenline.reports.why_evidence import Bin, Calibration, Cause, Diagnosis, Why
from provenline.reports.why_rows import CAUSES, of, shown
from provenline.reports.words import count, estimate, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HATCHES = {
    "missed": "",
    "background": "//",
    "localisation": "..",
    "duplicate": "",
    "wrong_class": "xx",
    "confusion_both": "++",
}
_STYLES = {"base": ("s", (0, (5, 2)), -0.17), "candidate": ("o", "solid", 0.17)}
_OTHER = ("o", "solid", 0.0)


def error_budget(given: Why) -> Figure:
    """Draw the errors of each model by cause, and what AP would gain if each cause were mended."""
    causes, models = shown(given), given.models
    with panels([0.95 + ROW * len(models), 0.55 + ROW * len(causes)]) as (sheet, (errors, gains)):
        for place, model in enumerate(models.values()):
            _stack(errors, place, model, causes)
        errors.set(xlabel="misses and false finds")
        names_at_left(errors, list(models))
        legend(sheet, errors)
        gains.axvline(0, color=PALETTE["ink"], linewidth=1)
        for name, model in models.items():
            mark, _, shift = _STYLES.get(name, _OTHER)
            for place, cause in enumerate(causes):
                found = of(model.budget, cause)
                if found and found.gain:
                    colour = PALETTE.get(name, PALETTE["muted"])
                    point(gains, place + shift, found.gain, colour, mark)
        gains.set(xlabel="AP to gain if mended: squares base, circles candidate")
        names_at_left(gains, [CAUSES.get(cause, cause) for cause in causes])
        return finish(sheet, "error_budget", f"Errors by cause. {_said(models)}")


def _stack(axes: Axes, place: int, model: Diagnosis, causes: list[str]) -> None:
    start = 0
    for cause in causes:
        found = of(model.budget, cause)
        width = found.count if found else 0
        axes.barh(
            [place],
            [width],
            0.62,
            left=start,
            color=PALETTE.get(f"cause_{cause}", PALETTE["muted"]),
            hatch=_HATCHES.get(cause, ""),
            edgecolor=PALETTE["paper"],
            linewidth=0.6,
            label=CAUSES.get(cause, cause) if place == 0 else None,
        )
        start += width


def _said(models: Mapping[str, Diagnosis]) -> str:
    texts = []
    for name, model in models.items():
        parts = [_part(one) for one in model.budget if one.count]
        texts.append(f"{name}: {'; '.join(parts) or 'none'}.")
    return " ".join(texts)


def _part(one: Cause) -> str:
    named = CAUSES.get(one.cause, one.cause)
    return f"{named} {count(one.count)}, AP to gain {estimate(one.gain, sign=True)}"


def reliability(given: Why) -> Figure:
    """Draw the share of right finds over the confidence; on the diagonal a confidence is a probability."""
    known = {name: one.calibration for name, one in given.models.items() if one.calibration}
    with canvas(3.3) as (sheet, axes):
        axes.plot([0, 1], [0, 1], color=PALETTE["muted"], linewidth=1, linestyle=(0, (1, 2)))
        for name, calibration in known.items():
            _reliability(axes, name, calibration)
        for text, place, side in (
            ("not sure enough", (0.03, 0.97), "left"),
            ("too sure", (0.97, 0.03), "right"),
        ):
            axes.annotate(
                text,
                place,
                xycoords="axes fraction",
                ha=side,
                va="top" if side == "left" else "bottom",
                fontsize=8.5,
            )
        axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="confidence", ylabel="share that is right")
        axes.grid()
        legend(sheet, axes, columns=2)
        said = "; ".join(f"{name} ECE {estimate(one.ece)}" for name, one in known.items())
        return finish(sheet, "reliability", f"Share of right finds over the confidence: {said}.")


def _reliability(axes: Axes, name: str, given: Calibration) -> None:
    bins = [(one, one.confidence, one.accuracy) for one in given.bins if one.count]
    points = [(one, x, y) for one, x, y in bins if x is not None and y is not None]
    mark, style, _ = _STYLES.get(name, _OTHER)
    colour = PALETTE.get(name, PALETTE["muted"])
    label = f"{name}, ECE {number(given.ece.value if given.ece else None)}"
    xs, ys = [x for _, x, _ in points], [y for *_, y in points]
    axes.plot(xs, ys, color=colour, linewidth=1.4, linestyle=style, marker=mark, markersize=4.5, label=label)
    for one, x, _ in points:
        _upright(axes, one, x, colour)


def _upright(axes: Axes, one: Bin, x: float, colour: str) -> None:
    given = one.interval
    if given and given.low is not None and given.high is not None:
        axes.plot([x, x], [given.low, given.high], color=colour, linewidth=1)
