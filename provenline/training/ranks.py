"""Training on several devices: a process for each, which train as one.

Ultralytics would start them itself, from a script that it writes, and knows nothing of who watches. Here each
is a `rank`; this process shows progress, counts epochs and is told errors. Ranks meet on this machine's own
loopback: `torchrun` would listen to the whole network.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from provenline.detectors.device import cores
from provenline.errors import InputError
from provenline.progress import bar
from provenline.training.running import Job
from provenline.training.watching import OnEpoch

_MODULE = "provenline.training.rank"
_HERE = "127.0.0.1"
_WAIT = 0.2  # seconds for something to be said
_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM}
_GRACE = 3.0  # seconds that the others have to say their last words, once one has failed


def train_in_ranks(job: Job, on_epoch: OnEpoch, folder: Path) -> None:
    """Train to the end, each of the job's devices in a process of its own.

    Args:
        job: What is trained.
        on_epoch: Called with the epoch (from 1) and its numbers, once it is kept.
        folder: Gets `job.json` and, with all that the processes print, `ranks.log`.

    Raises:
        InputError: What a rank refused; or a rank failed or was ended.
        MemoryError: Memory ran out in one of them.
    """
    log = folder / "ranks.log"
    job.save(folder / "job.json")
    with _started(folder / "job.json", log, len(job.devices)) as (processes, lines), bar() as display:
        show = partial(display.update, display.add_task("training", total=None))
        failures: list[dict[str, Any]] = []
        statuses: list[int | None] = [None]
        since = 0.0
        while None in statuses and not (since and time.monotonic() - since > _GRACE):
            statuses = [_status(one) for one in processes]
            # After the look at who has ended: so nothing is left unread of those.
            failures += [said for said in lines.within(_WAIT) if not _heard(said, on_epoch, show)]
            if failures or any(statuses):
                since = since or time.monotonic()
        if since:
            _fail(failures, statuses, job.devices, log)


def _heard(said: dict[str, Any], on_epoch: OnEpoch, show: Callable[..., None]) -> bool:
    """Hand on what a rank said of its progress; return False where it said why it failed."""
    if "epoch" in said:
        on_epoch(said["epoch"], said["numbers"])
    elif "shown" in said:
        show(**said["shown"])
    else:
        return False
    return True


def _fail(
    failures: Sequence[dict[str, Any]],
    statuses: Sequence[int | None],
    devices: Sequence[str],
    log: Path,
) -> NoReturn:
    """Raise what was at the bottom of it: of what ranks said one after the other, most are consequences."""
    if memory := [one["memory"] for one in failures if "memory" in one]:
        raise MemoryError(memory[0])
    if refused := [one["refused"] for one in failures if "refused" in one]:
        raise InputError(**refused[0])
    mend = f"Finished epochs are kept, and gone on from; what was printed lies in {log}"
    told = {one["rank"] for one in failures}
    for rank, status in enumerate(statuses):
        if status and rank not in told:  # what others say is that they miss it
            how = "was ended from outside" if status in _OUTSIDE else "ended without a word"
            what = f"the training process of rank {rank} ({devices[rank]}) {how} (status {status})"
            raise InputError(what, mend=mend)
    raise InputError(f"a training process of {len(devices)} failed: {failures[0]['failed']}", mend=mend)


class _Lines:
    """What ranks say, a line of JSON each; what is none goes to the log."""

    def __init__(self, pipe: int, log: BinaryIO) -> None:
        os.set_blocking(pipe, False)
        self._pipe, self._log, self._rest = pipe, log, b""

    def within(self, seconds: float) -> list[dict[str, Any]]:
        """Return what was said, as soon as something is."""
        select.select([self._pipe], [], [], seconds)
        with suppress(BlockingIOError):
            while more := os.read(self._pipe, 1 << 16):
                self._rest += more
        *lines, self._rest = self._rest.split(b"\n")
        return [said for line in lines if (said := self._read(line))]

    def _read(self, line: bytes) -> dict[str, Any]:
        with suppress(ValueError):
            said = json.loads(line)
            if isinstance(said, dict):
                return said
        self._log.write(line + b"\n")
        self._log.flush()
        return {}


@contextmanager
def _started(job: Path, log: Path, count: int) -> Iterator[tuple[list[subprocess.Popen[bytes]], _Lines]]:
    """Start the ranks; none outlives the block, nor this process."""
    with ExitStack() as stack:
        # Nothing is written to the first: it closes with this process, however that ends. The second stays
        # open at both ends, so that it never looks as if all had been said.
        until, alive, reading, saying = *os.pipe(), *os.pipe()
        for end in (until, alive, reading, saying):
            stack.callback(os.close, end)
        printed = stack.enter_context(log.open("wb"))
        given = {**os.environ, **_environment(count), "MASTER_PORT": str(stack.enter_context(_meeting()))}
        processes: list[subprocess.Popen[bytes]] = []
        stack.callback(_end, processes)
        for rank in map(str, range(count)):
            one = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(job), str(saying)],
                stdin=until,
                stdout=printed,  # whatever is imported may print: what is said has an end of its own
                stderr=printed,
                pass_fds=[saying],
                env={**given, "RANK": rank, "LOCAL_RANK": rank},
                start_new_session=True,  # a group, which ends as one; and an interrupt is for this process
            )
            processes.append(one)
        yield processes, _Lines(reading, printed)


def _environment(count: int) -> dict[str, str]:
    loopback = next((name for _, name in socket.if_nameindex() if name.startswith("lo")), None)
    if loopback is None:
        what = "there is no loopback interface, by which training processes meet"
        raise InputError(what, mend="Train on one device, or let this machine have one")
    return {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]),
        "WORLD_SIZE": str(count),
        "MASTER_ADDR": _HERE,
        "TORCHELASTIC_USE_AGENT_STORE": "True",  # the store of `_meeting`: no rank opens one
        "GLOO_SOCKET_IFNAME": loopback,
        "NCCL_SOCKET_IFNAME": loopback,
        "OMP_NUM_THREADS": str(max(cores() // count, 1)),
    }


@contextmanager
def _meeting() -> Iterator[int]:
    """Serve the store through which ranks find each other; give its port."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    listening = socket.create_server((_HERE, 0))
    port = int(listening.getsockname()[1])
    # Torch's own would bind every address of the machine.
    store = TCPStore(_HERE, port, is_master=True, wait_for_workers=False, master_listen_fd=listening.detach())
    try:
        yield port
    finally:
        del store


def _status(process: subprocess.Popen[bytes]) -> int | None:
    """Return how a process ended, as `poll` does; but its number, which its group has too, stays taken."""
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for one in processes:
        with suppress(ProcessLookupError):
            os.killpg(one.pid, signal.SIGKILL)  # a rank that has ended may have left processes that read
    for one in processes:
        one.wait()
