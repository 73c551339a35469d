"""The command `dvc`, and what its logs say."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile

from provenline.errors import InputError

_SAID = re.compile(r"^(?:error|ERROR): ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def dvc(*words: str) -> None:
    """Run DVC.

    Raises:
        InputError: It failed; its own last line says why.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        # Into a file: a worker that `dvc queue start` leaves behind would keep a pipe open for hours.
        done = subprocess.run([sys.executable, "-m", "dvc", *words], stdout=said, stderr=said, check=False)
        said.seek(0)
        text = said.read()
    if done.returncode:
        last = (text.strip() or "no message").splitlines()[-1]
        raise InputError(f"dvc {' '.join(words[:2])}: {last}", mend="Commit first, or see `dvc queue status`")


def reason(log: str) -> str:
    r"""Return the line of a log that says why an experiment failed.

    A stage's own line stands before DVC's, which only repeats that it failed.

    >>> reason("a\nerror: out of memory with batch 16\nERROR: failed to reproduce 'train': exited with 2")
    'out of memory with batch 16'
    >>> reason("ERROR: failed to reproduce 'train': failed to run: stages/run train, exited with -9")
    "failed to reproduce 'train': failed to run: stages/run train, exited with -9 (killed)"
    >>> reason("")
    'it was killed, or never began'
    """
    lines = [_COLOUR.sub("", line).strip() for line in log.splitlines()]
    said = [line for line in lines if _SAID.match(line)]
    if not said:
        return "it was killed, or never began"
    text = _SAID.sub("", next((line for line in said if line.startswith("error")), said[0]))
    return f"{text} (killed)" if re.search(r"exited with (-9|137)$", text) else text
