"""What the path of a recording says: camera, day, hour, by a pattern with placeholders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from provenline.errors import InputError

PARTS = {
    "camera": "[^/]+?",
    "category": "[^/]+?",
    "day": "[0-9]{4}[-_.]?[0-9]{2}[-_.]?[0-9]{2}",
    "hour": "[0-9]{2}",
    "minute": "[0-9]{2}",
    "second": "[0-9]{2}",
}


@dataclass(frozen=True)
class Told:
    """What a path tells.

    Attributes:
        camera: Empty where the pattern does not ask for it.
        category: Likewise.
        day: ``YYYY-MM-DD``; likewise.
        started: What the clock showed, as finely as the path says; None without day and hour.
    """

    camera: str
    category: str
    day: str
    started: datetime | None

    @property
    def group(self) -> str:
        """What a split may not cut: everything of one camera on one day; empty where neither is known."""
        return "/".join(part for part in (self.camera, self.day) if part)


def expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern such as ``{camera}/{day}/{hour}*.mp4``.

    ``*`` stands for anything but a slash. A placeholder that stands twice must have the same text.

    Raises:
        InputError: It has an unknown placeholder.

    >>> expression("{camera}/{day}_{hour}{minute}*.mp4").fullmatch("c1/20240506_0830-x.mp4")["hour"]
    '08'
    """
    text, seen = "", set[str]()
    for piece in re.split(r"(\{[^}]*\}|\*)", pattern):
        name = piece[1:-1] if piece.startswith("{") else ""
        if piece.startswith("{") and name not in PARTS:
            known = ", ".join(f"{{{part}}}" for part in PARTS)
            raise InputError(f"unknown placeholder {piece} in the pattern", mend=f"There are {known} and *")
        if name:
            text += f"(?P={name})" if name in seen else f"(?P<{name}>{PARTS[name]})"
            seen.add(name)
        else:
            text += "[^/]*" if piece == "*" else re.escape(piece)
    return re.compile(text)


def read_name(pattern: re.Pattern[str], name: str) -> Told | None:
    """Return what a path tells; None where it does not fit, or its day or time is none.

    Args:
        pattern: What `expression` returned.
        name: Path relative to the footage folder, POSIX.
    """
    fits = pattern.fullmatch(name)
    if fits is None:
        return None
    parts = dict.fromkeys(PARTS, "") | fits.groupdict()
    day = re.sub("[-_.]", "", parts["day"])
    clock = [int(parts[part] or 0) for part in ("hour", "minute", "second")]
    try:
        date = datetime(int(day[:4]), int(day[4:6]), int(day[6:])) if day else None  # noqa: DTZ001
        started = None if date is None else date.replace(hour=clock[0], minute=clock[1], second=clock[2])
    except ValueError:
        return None
    return Told(
        camera=parts["camera"],
        category=parts["category"],
        day=date.date().isoformat() if date else "",
        started=started if parts["hour"] else None,
    )
