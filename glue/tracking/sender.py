"""The process that sends to the tracker for this one: started, told what goes on, waited for with a limit."""

from __future__ import annotations

import atexit
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.runtime import home
from glue.tracking import records
from glue.tracking.runs import Run
from glue.tracking.sending import END, REST
from glue.tracking.spool import Spool, spools
from provenline.progress import notice

CODE = Path(__file__).parents[2]
_WAIT = 30.0  # seconds that a stage waits, at its end, for what it logged to be sent


@dataclass
class _Sender:
    """What this process has started; a process beside a training is told when that ends."""

    process: subprocess.Popen[str] | None = None
    training: bool = False
    registered: bool = False


_SENDER = _Sender()


def root() -> Path:
    """Return the folder of the spools."""
    return home() / ".state" / "tracking"


def tracker() -> dict[str, str]:
    """Return what MLflow is to find in the environment, unless somebody else has set it."""
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_TRACKING_URI": f"sqlite:///{home()}/mlflow.db",
    }


def there() -> bool:
    """Return whether MLflow is installed: the base installation has none."""
    return importlib.util.find_spec("mlflow") is not None


def training() -> bool:
    """Return whether a training is going on in this process."""
    return _SENDER.training


def add(run: Run, said: Iterable[Mapping[str, Any]], file: Path | None = None) -> None:
    """Put records into a run's spool, to be sent by the process beside this one, or when this one ends.

    Raises:
        OSError: The disk is full, for one.
    """
    if not there():
        return
    spool = Spool(root(), run.mark)
    for record in said:
        spool.append(record, run.made_of, file)
    if not _SENDER.registered:
        _SENDER.registered = True
        atexit.register(flush)


def begin(run: Run) -> None:
    """Send what is logged from now on as it comes, and how busy the machine is."""
    add(run, [records.status("RUNNING")])
    if there():
        _SENDER.process, _SENDER.training = _start(run.mark), True
        _tell(json.dumps(run.made_of))


def end(run: Run, status: str) -> None:
    """Note how the training ended; from now on the machine is not looked at any more."""
    _SENDER.training = False
    _tell(REST)
    add(run, [records.status(status)])


def flush(seconds: float = _WAIT) -> bool:
    """Send what waits, of earlier stages too, and return whether nothing waits any more.

    It happens by itself when a stage ends. What cannot be sent within ``seconds`` is kept, and said.
    """
    beside, _SENDER.process = _SENDER.process, None
    said = _ended(beside, seconds) if beside else ""
    if spools(root()) and not said:  # nobody was there, or it was killed
        said = _ended(_start(), seconds)
    waiting = sum(one.waiting() for one in spools(root()))
    if waiting:
        notice(f"MLflow: {waiting} records wait in .state/tracking ({said}); `make track` sends them")
    return not waiting


def _ended(process: subprocess.Popen[str], seconds: float) -> str:
    """Let a sender finish, end it if it does not, and return what it says."""
    _write(process, END)
    try:
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()
            process.stdin = None
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:.0f} s"
    finally:
        process.kill()
        process.wait()


def _start(*words: str) -> subprocess.Popen[str]:
    paths = [str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**tracker(), **os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    root().mkdir(parents=True, exist_ok=True)
    with (root() / "sender.log").open("w", encoding="utf-8") as said:
        # In a session of its own: Ctrl-C and a kill of the stage's group leave it the time to send the rest.
        return subprocess.Popen(
            [sys.executable, "-m", "glue.tracking.sending", str(root()), *words],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        )


def _tell(word: str) -> None:
    if _SENDER.process:
        _write(_SENDER.process, word)


def _write(process: subprocess.Popen[str], word: str) -> None:
    with suppress(OSError):  # it died: what waits is sent at the end
        if process.stdin:
            process.stdin.write(f"{word}\n")
            process.stdin.flush()
