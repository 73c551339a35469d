"""JSON files from anywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from provenline.errors import InputError

# Half of a character outside Unicode's first plane, without its other half: no text that can be written.
_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


def load(path: Path, mend: str) -> Any:
    """Return what a JSON file holds.

    Args:
        path: The file.
        mend: What to export instead, for messages.

    Raises:
        InputError: It is missing or no JSON: also where it nests too deep, holds a whole number of
            thousands of digits, or a text that is no Unicode.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        value = json.loads(text)
        # Only escapes can make halves; looking at all texts again is for the few files that have any.
        halves = _ESCAPED.search(text) and _HALF.search(json.dumps(value, ensure_ascii=False))
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend=mend) from None
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else None
        raise InputError("not JSON", file=path, place=place, mend=mend) from None
    if halves:
        raise InputError("a text in it is no Unicode", file=path, mend=mend)
    return value
