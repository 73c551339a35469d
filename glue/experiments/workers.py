"""Who works on DVC's queue: workers that answer, and the processes that DVC noted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def alive(queue: Any, revs: Sequence[str]) -> set[str]:
    """Return the running tasks that somebody is at: a worker that says so, or their own process."""
    status = queue.worker_status()
    if not status and there(queue):
        return set(revs)  # too busy to answer within DVC's second
    return _busy(status) | {rev for rev in revs if _lives(queue.proc.get(rev), "exec-run")}


def _busy(status: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Return the commits that workers say they are at."""
    tasks = (task for tasks in status.values() for task in tasks or ())
    entries = (word for task in tasks for word in task.get("args") or () if isinstance(word, dict))
    return {str(entry.get("stash_rev")) for entry in entries}


def there(queue: Any) -> bool:
    """Return whether a worker of the queue is still the process that DVC noted."""
    from dvc_task.proc.process import ProcessInfo

    known = sorted(Path(queue.wdir).glob("dvc-exp-worker-*.json"))
    return any(_lives(ProcessInfo.load(str(path)), "queue-worker") for path in known)


def _lives(process: Any, word: str) -> bool:
    """Return whether a process that DVC noted is still the one that it was."""
    import psutil

    try:
        return bool(process) and word in psutil.Process(process.pid).cmdline()
    except psutil.Error:
        return False
