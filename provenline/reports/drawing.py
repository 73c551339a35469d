"""The look of the figures: one palette, equal bytes for equal data, SVG that follows the page.

Matplotlib writes the light colours. In the page each of them becomes a CSS variable, so that the
figure turns dark with the page; files on disk keep the light ones.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Sheet

PALETTE = {
    "ink": "#1b1f24",
    "muted": "#59636e",
    "grid": "#d9dee3",
    "paper": "#fefefe",
    "base": "#c2570c",
    "candidate": "#0b62c4",
    "truth": "#0f7b6c",
    "pass": "#177233",
    "fail": "#b42318",
    "unsure": "#5a646e",
    # Causes of errors: from dark to light, so that grey copies keep them apart; hatches do so too.
    "cause_missed": "#23366f",
    "cause_background": "#e2a63a",
    "cause_localisation": "#79aeda",
    "cause_duplicate": "#cdd3da",
    "cause_wrong_class": "#a1485b",
    "cause_confusion_both": "#5d7f3a",
}
WIDTH = 4.3  # inches at 96 px: readable when a phone shrinks it by a fifth
_NO_METADATA: Any = {"Date": None, "Creator": None, "Format": None, "Type": None}
_STYLE: Any = {  # matplotlib types every key by name
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "text.color": PALETTE["ink"],
    "axes.labelcolor": PALETTE["ink"],
    "axes.edgecolor": PALETTE["muted"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": PALETTE["grid"],
    "grid.linewidth": 0.7,
    "xtick.color": PALETTE["ink"],
    "ytick.color": PALETTE["ink"],
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name with dollars is a name
    "figure.dpi": 96,
}


@dataclass(frozen=True)
class Figure:
    """A drawn figure.

    Attributes:
        name: Stem of its files and of the ids inside the SVG.
        svg: The file's text, light colours.
        png: The file's bytes.
        alt: What it shows, in words, for those who cannot see it.
    """

    name: str
    svg: str
    png: bytes
    alt: str

    def inline(self) -> str:
        """Return the SVG for the page: no prolog, unique ids, colours as CSS variables."""
        text = self.svg[self.svg.index("<svg") :]
        head, body = text.split(">", 1)
        view = re.search(r'viewBox="([^"]*)"', head)
        assert view, "matplotlib always writes a viewBox"
        body = re.sub(r'\bid="', f'id="{self.name}-', body)
        body = re.sub(r'(href="#|url\(#)', rf"\g<1>{self.name}-", body)
        for name, colour in PALETTE.items():
            body = body.replace(colour, f"var(--{name})")
        label = escape(self.alt, quote=True)
        return (
            f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{view[1]}" '
            f'role="img" aria-label="{label}">{body}'
        )


@contextmanager
def canvas(height: float, width: float = WIDTH) -> Iterator[tuple[Sheet, Axes]]:
    """Yield a figure and its one axes in our look; sizes in inches. Nothing global stays changed."""
    with panels([height], width) as (sheet, axes):
        yield sheet, axes[0]


@contextmanager
def panels(heights: Sequence[float], width: float = WIDTH) -> Iterator[tuple[Sheet, list[Axes]]]:
    """Yield a figure and its axes, one over the other, in our look; sizes in inches."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Plain

    with mpl.rc_context(_STYLE):
        sheet = Plain(figsize=(width, sum(heights)), layout="constrained")
        FigureCanvasAgg(sheet)
        grid = sheet.add_gridspec(len(heights), 1, height_ratios=list(heights))
        yield sheet, [sheet.add_subplot(grid[row, 0]) for row in range(len(heights))]


def finish(sheet: Sheet, name: str, alt: str) -> Figure:
    """Save a figure as SVG and PNG whose bytes follow from the data alone."""
    import matplotlib as mpl

    svg, png = io.StringIO(), io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        sheet.savefig(svg, format="svg", transparent=True, metadata=_NO_METADATA)
    sheet.set_layout_engine("none")  # it stays where the first drawing put everything
    sheet.savefig(png, format="png", dpi=200, facecolor="white", metadata={"Software": None})
    return Figure(name=name, svg=svg.getvalue(), png=png.getvalue(), alt=alt)
