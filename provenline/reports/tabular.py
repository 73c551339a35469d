"""A table: once as cells, written as CSV, as LaTeX (booktabs) and into the page."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

from provenline.reports import words
from provenline.reports.evidence import Estimate

Cell = str | int | float | Estimate | None
_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "κ": r"$\kappa$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "−": r"$-$",  # noqa: RUF001 - the minus sign that words.number writes
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "±": r"$\pm$",
    "→": r"$\rightarrow$",
    "…": r"\ldots{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: Stem of its files.
        title: What it shows.
        columns: Headings; one in ``signed`` holds differences.
        rows: One list of cells per row; an ``Estimate`` is a number with its interval.
        signed: Headings whose numbers carry their sign.
        total: Whether the last row sums the others up.
        note: What a reader must know.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    signed: frozenset[str] = frozenset()
    total: bool = False
    note: str = ""

    def text(self, column: int, cell: Cell) -> tuple[str, str]:
        """Return a cell's text and its interval (empty where it has none)."""
        sign = self.columns[column] in self.signed
        if isinstance(cell, Estimate):
            return words.number(cell.value, sign=sign), words.interval(cell, sign=sign)
        if isinstance(cell, int):
            return words.count(cell), ""
        return (cell if isinstance(cell, str) else words.number(cell, sign=sign)), ""

    def numeric(self, column: int) -> bool:
        """Return whether a column holds numbers, or would if they could be measured."""
        cells = [row[column] for row in self.rows if row[column] != ""]
        return bool(cells) and not any(isinstance(cell, str) for cell in cells)

    @property
    def dense(self) -> bool:
        """Return whether there are too many intervals for one line."""
        return sum(isinstance(cell, Estimate) for cell in self.rows[0]) > 2 if self.rows else False

    def to_csv(self) -> str:
        """Return the table with an interval's ends in columns of their own, numbers in full."""
        spans = [any(isinstance(row[i], Estimate) for row in self.rows) for i in range(len(self.columns))]
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        header: list[str] = []
        for name, span in zip(self.columns, spans, strict=True):
            header += [name, f"{name} low", f"{name} high"] if span else [name]
        writer.writerow(header)
        for row in self.rows:
            cells: list[object] = []
            for cell, span in zip(row, spans, strict=True):
                if isinstance(cell, Estimate):
                    cells += [cell.value, cell.low, cell.high]
                else:
                    cells += [cell, None, None] if span else [cell]
            writer.writerow(cells)
        return stream.getvalue()

    def to_tex(self) -> str:
        """Return the table for LaTeX with booktabs."""
        align = "".join("r" if self.numeric(i) else "l" for i in range(len(self.columns)))
        lines = [rf"\begin{{tabular}}{{{align}}}", r"\toprule"]
        lines += [" & ".join(map(tex, self.columns)) + r" \\", r"\midrule"]
        for number, row in enumerate(self.rows):
            if self.total and number == len(self.rows) - 1:
                lines.append(r"\midrule")
            texts = (" ".join(filter(None, self.text(i, cell))) for i, cell in enumerate(row))
            line = " & ".join(map(tex, texts)) + r" \\"
            # Behind the line before, a bracket would be how much space to leave.
            lines.append("{}" + line if line.startswith("[") else line)
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def tex(text: str) -> str:
    r"""Escape a text for LaTeX; line breaks become spaces, as a paragraph ends a table's cell.

    >>> tex("Buttonholes & buttons_1")
    'Buttonholes \\& buttons\\_1'
    """
    return "".join(_TEX.get(letter, letter) for letter in " ".join(text.split()))


def named(text: str) -> str:
    """Return a category's name, or words for having none.

    >>> named(""), named("Collar")
    ('(no operation named)', 'Collar')
    """
    return text or "(no operation named)"


def units(unit: str) -> str:
    """Return the heading of a column of groups.

    >>> units("video")
    'Videos'
    """
    return f"{unit}s".capitalize()
