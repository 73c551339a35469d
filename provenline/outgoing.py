"""What may reach a tracker: numbers that compare, parameters, and figures as text.

Footage only where an allow-list names it.
"""

from __future__ import annotations

import fnmatch
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from provenline.parameters import flat

# Thousands of numbers a run are no comparison. What describes an interval, cuts by anything but the
# category, and all cuts of the splits that nothing is claimed on, stay in metrics/*.json.
LEFT_OUT = re.compile(
    r"\.(confidence|error|groups)$|\.(mcnemar|arguments|holm)\.|\.why\.(?!.+\.ece\.)"
    r"|\.splits\..+\.by_(camera|day|size|class)\.|\.by_category\..+\.(by_|confidence\.|false_positives\.)"
    r"|\.splits\.(train|val)\.(by_category|own|.+\.per_class)\."
)
_LONGEST = 500  # characters of a parameter
_FOLDERS, _TEXT = {"metrics", "plots"}, {".json", ".csv", ".txt", ".md", ".yaml"}


def numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numeric leaves of a metrics file under names that a tracker takes."""
    for key, leaf in flat(dict(values), prefix).items():
        if isinstance(leaf, (int, float)) and math.isfinite(leaf) and not LEFT_OUT.search(key):
            yield named_for_trackers(key), float(leaf)


def named_for_trackers(key: str) -> str:
    """Return a dotted key with the characters that a tracker takes in a name.

    >>> named_for_trackers("model.labels.o'brien (left)")
    'model.labels.o_brien _left_'
    """
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in key)


def shown(leaf: Any) -> str:
    """Return a parameter as text; of a place on this machine, its last name alone.

    >>> shown("/home/someone/footage"), shown([1, 2])
    ('.../footage', '[1, 2]')
    """
    text = str(leaf)
    return f".../{Path(text).name}" if isinstance(leaf, str) and text.startswith("/") else text[:_LONGEST]


def admitted(path: Path, patterns: Sequence[str]) -> Path | None:
    """Return where a file lies below the working folder if it may reach the tracker, else None.

    Pictures, video, archives and all that lies in ``data/`` may not, under whatever name, unless a pattern
    of the allow-list names them.

    Args:
        path: Below the working folder; links are followed.
        patterns: Relative to the working folder; ``*`` also stands for a ``/``.
    """
    real, here = path.resolve(), Path.cwd().resolve()
    if not real.is_file() or not real.is_relative_to(here):
        return None
    name = real.relative_to(here)
    if any(fnmatch.fnmatchcase(name.as_posix(), pattern) for pattern in patterns):
        return name
    return name if name.parts[0] in _FOLDERS and real.suffix in _TEXT and _is_text(real) else None


def named(patterns: Sequence[str]) -> list[Path]:
    """Return the files below the working folder that an allow-list names."""
    if not patterns:
        return []
    found = []
    for folder, folders, files in os.walk("."):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name) for name in files]
    return sorted(
        path for path in found if any(fnmatch.fnmatchcase(path.as_posix(), pattern) for pattern in patterns)
    )


def _is_text(path: Path) -> bool:
    try:
        return "\0" not in path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
