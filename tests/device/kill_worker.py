"""Forks one child per line of its input, so that a kill hits the work and not the start of Python.

A line is a JSON object: ``command``, ``folder``, ``home`` and ``at``, the event before which the child kills
itself, or 0. The answer is the child's pid; the next line collects it and answers with its status.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import provenline.detectors.open
import provenline.engines.golden  # noqa: F401 - imported before the fork, like what the commands import
from provenline.device.install import install, rollback

GONE = ("os.remove", "os.rmdir")  # a tree is removed by names that are relative to its folders
EVENTS = ("os.mkdir", "os.rename", "os.symlink", "shutil.copyfile", "open", *GONE)


def die_at(number: int, home: str) -> None:
    """Kill this process before the so-many-th event that touches ``home``."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        inside = event in GONE or any(str(one).startswith(home) for one in arguments)
        if event in EVENTS and inside:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def work(asked: dict[str, str | int]) -> None:
    from pathlib import Path

    home = Path(str(asked["home"]))
    if asked["at"]:
        die_at(int(asked["at"]), str(home))
    if asked["command"] == "install":
        install(Path(str(asked["folder"])), home, "")
    else:
        rollback(home)


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "pid" in asked:
            print(os.waitstatus_to_exitcode(os.waitpid(asked["pid"], 0)[1]), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work(asked)
                status = 0
            except Exception as error:  # noqa: BLE001 - the child must end here, whatever it was
                print(error, file=sys.stderr, flush=True)
            finally:
                os._exit(status)
        print(pid, flush=True)


if __name__ == "__main__":
    main()
