"""Deny the network to a process and all that it starts, and write down every attempt."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

# Python imports sitecustomize wherever it starts. Audit events come from the interpreter itself, so whatever
# a package imports, wraps or keeps of `socket`, it cannot pass by.
_WATCH = """
import os, socket, sys
HERE = {{None, "", "127.0.0.1", "::1", "localhost"}}
HOSTS = {{"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}}
PEERS = {{"socket.connect", "socket.sendto", "socket.sendmsg"}}
STARTS = {{"subprocess.Popen": 1, "os.exec": 1, "os.posix_spawn": 1, "os.system": 0}}
FETCH = {{"curl", "wget", "aria2c", "ssh", "pip", "pip3", "uv", "conda", "apt", "apt-get", "ping"}}

def deny(what, error):
    with open({log!r}, "a") as log:
        print(what, file=log)
    raise error

def text(value):
    return value.decode(errors="replace") if isinstance(value, (bytes, bytearray)) else value

def watch(event, args):
    if event in HOSTS:
        if text(args[0]) not in HERE:
            deny(text(args[0]), socket.gaierror(-2, "the network is denied"))
    elif event in PEERS:
        if args[0].family in (socket.AF_INET, socket.AF_INET6) and args[1]:
            if text(args[1][0]) not in HERE:
                deny(args[1][0], OSError(101, "the network is denied"))
    elif event in STARTS:
        words = args[STARTS[event]]
        words = words.split() if isinstance(words, (str, bytes)) else list(words or ())
        names = [os.path.basename(text(os.fspath(word))) for word in words]
        if names and (names[0] in FETCH or any(pair == ("-m", "pip") for pair in zip(names, names[1:]))):
            deny(" ".join(names[:4]), OSError(101, "the network is denied"))

sys.addaudithook(watch)
"""


def environment(folder: Path, log: Path) -> dict[str, str]:
    """Return what to add to a process's environment.

    Args:
        folder: Where `sitecustomize.py` is written.
        log: Gets a line for each attempt; absent while there was none.
    """
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(_WATCH.format(log=str(log)))
    return {"PYTHONPATH": str(folder)}


@lru_cache(maxsize=1)
def alone() -> tuple[str, ...]:
    """Return the words before a command that runs it without any network interface; none where they fail."""
    words = ("unshare", "--net", "--")
    if shutil.which(words[0]) is None or os.name != "posix":
        return ()
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)
    return words if tried.returncode == 0 else ()
