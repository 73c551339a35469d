"""Progress on everything that takes more than a few seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")

console = Console(stderr=True)  # progress and notices
out = Console()  # what was asked for


def notice(text: str) -> None:
    """Print one line that a person should see beside the progress, and go on."""
    console.print(" ".join(text.split()), style="yellow", highlight=False, markup=False, soft_wrap=True)


def bar() -> Progress:
    """Return a progress display; use it as a context manager and add tasks to it."""
    return Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield ``items`` and show how far along they are."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with bar() as display:
        yield from display.track(items, total=total, description=description)
