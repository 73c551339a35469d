"""The one kind of error that a user sees as a single line instead of a traceback."""

from __future__ import annotations

from pathlib import Path


class InputError(Exception):
    """Something that the user gave is wrong, and the user can mend it.

    Args:
        what: What is wrong, in one short sentence without a full stop.
        file: The file that it is about.
        place: Where in the file (a line, a row, an image name, a dotted key).
        mend: What to do about it.

    The text is one line: ``file: place: what. mend``.

    >>> str(InputError("unknown label 'persn'", file="a.xml", place="image 3", mend="Map it"))
    "a.xml: image 3: unknown label 'persn'. Map it."
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        place: str | None = None,
        mend: str | None = None,
    ) -> None:
        self.what, self.file, self.place, self.mend = what, file, place, mend
        head = ": ".join(str(part) for part in (file, place, what) if part is not None)
        text = f"{head}. {mend.rstrip('.')}." if mend else head
        super().__init__(" ".join(text.split()))
