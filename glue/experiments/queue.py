"""DVC's queue of experiments: what waits, runs or failed there, and what has results.

Queued experiments run in a worker of DVC's own, in folders of their own. A worker that is killed leaves
its experiment marked as running for ever, so each one is asked for the process behind it (`workers`).
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from glue.experiments import commits, workers
from glue.experiments.command import dvc, reason
from provenline.ablation.running import Result, Task
from provenline.errors import InputError

_REF = re.compile(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(.+)")
_TRIES = 3


class DvcQueue:
    """DVC's queue of the project in the working folder."""

    def tasks(self) -> list[Task]:
        """Return what is in the queue without results, of all commits.

        Raises:
            InputError: The queue cannot be read, several times in a row.
        """
        from dvc.exceptions import DvcException

        for _ in range(_TRIES - 1):
            try:
                return _tasks()
            except (DvcException, OSError, ValueError):
                time.sleep(1)  # a worker was writing
        try:
            return _tasks()
        except (DvcException, OSError, ValueError) as error:
            raise InputError(f"DVC's queue cannot be read: {error}", mend="See `dvc queue status`") from None

    def results(self) -> list[Result]:
        """Return the experiments with results, of all commits, the newest first."""
        head = commits.git("rev-parse", "HEAD").strip()
        listed = commits.git(
            "for-each-ref", "--sort=-creatordate", "--format=%(refname) %(objectname)", "refs/exps"
        )
        rows = (line.split(" ") for line in listed.splitlines())
        found = ((match, rev) for ref, rev in rows if (match := _REF.fullmatch(ref)))
        return [Result(m[3], rev, m[0], m[1] + m[2] == head) for m, rev in found]

    def same(self, rev: str, overrides: Sequence[str], targets: Sequence[str]) -> bool:
        """Return whether an experiment was made of what would be used now; see `commits.same`."""
        return commits.same(rev, overrides, targets)

    def check(self, targets: Sequence[str]) -> None:
        """Refuse a project in which DVC cannot run experiments, before any is queued.

        Where a stage is restored from the run cache, DVC 3.67 still looks up the folder that dvc.lock
        has for it; if its listing is not in the cache, the next stage that reads from within fails.

        Raises:
            InputError: The listing of such a folder is missing.
        """
        from dvc.repo import Repo

        with Repo() as repo:
            stages = commits.upstream(repo, targets)
            read = [str(dep.def_path) for stage in stages for dep in stage.deps]
            for out in (out for stage in stages for out in stage.outs):
                known = out.hash_info
                within = any(path.startswith(f"{out.def_path}/") for path in read)
                if within and known and known.isdir and not repo.cache.local.exists(known.value):
                    mend = "Run `make repro`, or `dvc pull`, before experiments"
                    raise InputError("what dvc.lock names is not in the cache", file=out.def_path, mend=mend)

    def add(self, name: str, overrides: Sequence[str], targets: Sequence[str]) -> None:
        """Put an experiment into the queue."""
        # Not with --force: that would also run every stage again that did not change.
        words = [word for override in overrides for word in ("-S", override)]
        dvc("exp", "run", "--queue", "--name", name, *words, *targets)

    def start(self) -> None:
        """Start a worker, if there is none: two at a time would share the cores and gain nothing."""
        from dvc.repo import Repo

        with Repo() as repo:
            there = workers.there(repo.experiments.celery_queue)
        if not there:
            dvc("queue", "start", "--jobs", "1")

    def stop(self) -> None:
        """Let the worker go. By itself it does so after some seconds, but on a busy machine it may not."""
        dvc("queue", "stop")

    def forget(self, one: Task | Result) -> None:
        """Take a task out of the queue, or remove an experiment."""
        words = ("queue", "remove", one.rev) if isinstance(one, Task) else ("exp", "remove", one.ref)
        dvc(*words)

    def bury(self, task: Task) -> None:
        """Mark a running task as failed that nobody works on, and remove what it left behind."""
        from dvc.repo import Repo
        from dvc.repo.experiments.executor.base import ExecutorInfo
        from dvc.repo.experiments.queue.exceptions import CannotKillTasksError

        with Repo() as repo:
            queue = repo.experiments.celery_queue
            # So that no signal is sent: by now another process may have the number.
            if process := queue.proc.get(task.rev):
                process.returncode = -9
                queue.proc[task.rev] = process
            try:
                queue.kill([task.rev])
            except CannotKillTasksError:  # a worker says that it is at it after all
                return
            infofile = Path(queue.get_infofile_path(task.rev))
            folder = Path(ExecutorInfo.load_json(str(infofile)).root_dir) if infofile.exists() else None
        if folder and folder.parent == Path(".dvc/tmp/exps").resolve():
            shutil.rmtree(folder, ignore_errors=True)

    def reason(self, task: Task) -> str:
        """Return why a task failed: the last line in its log that says so."""
        from dvc.repo import Repo

        with Repo() as repo:
            process = repo.experiments.celery_queue.proc.get(task.rev)
            log = Path(process.stdout) if process and process.stdout else None
        return reason(log.read_text(encoding="utf-8", errors="replace") if log and log.exists() else "")


def _tasks() -> list[Task]:
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        # In the order in which a task goes through them, so that one that moves meanwhile is not missed.
        waiting, running = list(queue.iter_queued()), list(queue.iter_active())
        revs = [one.stash_rev for one in running]
        alive = workers.alive(queue, revs) if running else set()
        failed = [done.entry for done in queue.iter_failed()]
    found = [Task(one.name, one.stash_rev, "queued") for one in waiting]
    found += [Task(one.name, one.stash_rev, "running", one.stash_rev in alive) for one in running]
    found += [Task(one.name, one.stash_rev, "failed") for one in failed]
    return list({task.rev: task for task in found}.values())
