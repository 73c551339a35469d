"""What a scan has done so far, line by line on disk, so that a kill loses at most the last file."""

from __future__ import annotations

import csv
import fcntl
import io
import os
from pathlib import Path
from types import TracebackType

from provenline.errors import InputError
from provenline.footage.media import COLUMNS


class Journal:
    """Rows that are not yet in a media list. It lies hidden beside the list and goes when all is well.

    Only one process at a time can have it open.

    Args:
        media_list: The list that the rows are meant for.

    Raises:
        InputError: Another process has it open.
    """

    def __init__(self, media_list: Path) -> None:
        self.path = media_list.with_name(f".{media_list.stem}.scan.tmp{media_list.suffix}")
        media_list.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.path.open("a+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = os.fstat(self._stream.fileno()).st_nlink == 0  # its last owner has just finished
        except OSError:
            gone = True
        if gone:
            self._stream.close()
            raise InputError("another scan is at work on it", file=media_list, mend="Wait until it is done")

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # With rows it stays after an error: those that are in the list by then are passed over next time.
        if kind is None or not os.fstat(self._stream.fileno()).st_size:
            self.path.unlink()
        self._stream.close()

    def rows(self) -> list[dict[str, str]]:
        """Return the rows that a killed process left; the line that it was at is dropped."""
        self._stream.seek(0)
        text = self._stream.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._stream.truncate(len(whole))
        return list(csv.DictReader(io.StringIO(whole.decode("utf-8"), newline=""), COLUMNS))

    def add(self, row: dict[str, str]) -> None:
        """Append a row; when this returns it is on disk."""
        line = io.StringIO(newline="")
        csv.DictWriter(line, COLUMNS, restval="", lineterminator="\n").writerow(row)
        self._stream.write(line.getvalue().encode("utf-8"))
        self._stream.flush()
        os.fsync(self._stream.fileno())
