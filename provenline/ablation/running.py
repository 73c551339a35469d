"""Run experiments one after the other: those that have no results yet, and say which failed and why.

An experiment that has results is run again only if a parameter or a file changed that it depends on.
What was killed or failed is run again the next time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from provenline.errors import InputError
from provenline.progress import bar, notice

State = Literal["queued", "running", "failed"]
Cells = Mapping[str, Sequence[str]]
_PAUSE = 5.0  # seconds between two looks at the queue
_PATIENCE = 4  # looks at which nobody works on a running task, before it counts as killed


@dataclass(frozen=True)
class Task:
    """An experiment in the queue.

    Attributes:
        name: Its name.
        rev: The commit, of parameters and code, that it runs from.
        state: What DVC says.
        alive: A worker or a process is at it; True for what is not running.
    """

    name: str
    rev: str
    state: State
    alive: bool = True


@dataclass(frozen=True)
class Result:
    """An experiment with results.

    Attributes:
        name: Its name.
        rev: Its commit.
        ref: Where git keeps it.
        here: It belongs to today's commit; DVC takes each name once per commit.
    """

    name: str
    rev: str
    ref: str
    here: bool


class Queue(Protocol):
    """What is needed of a queue of experiments."""

    def tasks(self) -> list[Task]:
        """Return what is in the queue without results, of all commits."""
        ...

    def results(self) -> list[Result]:
        """Return the experiments with results, of all commits, the newest first."""
        ...

    def same(self, rev: str, overrides: Sequence[str], targets: Sequence[str]) -> bool:
        """Return whether an experiment was made of what would be used now."""
        ...

    def check(self, targets: Sequence[str]) -> None:
        """Refuse a project in which no experiment can run, before any is queued."""
        ...

    def add(self, name: str, overrides: Sequence[str], targets: Sequence[str]) -> None:
        """Put an experiment into the queue."""
        ...

    def start(self) -> None:
        """Start a worker, if there is none."""
        ...

    def stop(self) -> None:
        """Let the worker go."""
        ...

    def forget(self, one: Task | Result) -> None:
        """Take a task out of the queue, or remove an experiment."""
        ...

    def bury(self, task: Task) -> None:
        """Mark a running task as failed that nobody works on."""
        ...

    def reason(self, task: Task) -> str:
        """Return why a task failed."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What came of the cells.

    Attributes:
        done: Name -> commit of the experiment with its results.
        failed: Name -> why there are none.
        kept: Names of those that had results already.
    """

    done: Mapping[str, str]
    failed: Mapping[str, str]
    kept: frozenset[str]


def run_all(cells: Cells, targets: Sequence[str], queue: Queue) -> Mapping[str, str]:
    """Run one experiment per cell, and return the commits by name; see `run`.

    Raises:
        InputError: A cell has no results in the end; names all that have none.
    """
    outcome = run(cells, targets, queue)
    if outcome.failed:
        first = next(iter(outcome.failed))
        raise InputError(
            f"without results: {', '.join(outcome.failed)} ({first}: {outcome.failed[first]})",
            mend=f"See `dvc queue logs {first}`, and start again: what has results is kept",
        )
    return outcome.done


def say_failures(outcome: Outcome) -> None:
    """Print which cells have no results, why, and what to do."""
    for one, why in outcome.failed.items():
        notice(f"{one} failed: {why}")
    if outcome.failed:
        notice(
            f"{len(outcome.failed)} failed; start again to run them alone (`dvc queue logs NAME` says more)"
        )


def run(cells: Cells, targets: Sequence[str], queue: Queue, pause: float = _PAUSE) -> Outcome:
    """Run the cells that have no results yet, one after the other.

    Args:
        cells: Name of the experiment to its Hydra overrides. An older one of that name and commit is
            replaced if something changed.
        targets: Stages to run; none means all.
        queue: Where they run.
        pause: Seconds between two looks at the queue.

    Raises:
        InputError: One of them is running already, with other parameters; or no experiment can run.
    """
    _bury_dead(cells, queue, pause)
    # In this order: what ends between the two looks is then seen in the second.
    tasks, before = queue.tasks(), queue.results()
    kept = {name: rev for name in cells if (rev := _match(name, cells[name], targets, before, queue))}
    todo = {name: overrides for name, overrides in cells.items() if name not in kept}
    if kept and todo:
        notice(f"{len(kept)} of {len(cells)} experiments have results already and are kept")
    if todo:
        queue.check(targets)
        _enqueue(todo, targets, tasks, before, queue)
        _wait(todo, queue, pause)
        if not any(task.state in {"queued", "running"} for task in queue.tasks()):
            queue.stop()
    old = {one.rev for one in before}
    made = {one.name: one.rev for one in queue.results() if one.name in todo and one.rev not in old}
    done = {**kept, **made}
    return Outcome(
        done={name: done[name] for name in cells if name in done},
        failed=_reasons([name for name in todo if name not in made], queue),
        kept=frozenset(kept),
    )


def _match(
    name: str, overrides: Sequence[str], targets: Sequence[str], results: Iterable[Result], queue: Queue
) -> str | None:
    mine = (one.rev for one in results if one.name == name)
    return next((rev for rev in mine if queue.same(rev, overrides, targets)), None)


def _enqueue(
    todo: Cells, targets: Sequence[str], tasks: Iterable[Task], before: Iterable[Result], queue: Queue
) -> None:
    for name, overrides in todo.items():
        mine = [task for task in tasks if task.name == name]
        if any(_joined(task, overrides, targets, queue) for task in mine):
            continue
        replaced: list[Task | Result] = [*mine, *(old for old in before if old.name == name and old.here)]
        for one in replaced:
            queue.forget(one)
        queue.add(name, overrides, targets)


def _joined(task: Task, overrides: Sequence[str], targets: Sequence[str], queue: Queue) -> bool:
    """Return whether a task of an earlier start is on its way and does what is wanted."""
    if task.state == "failed":
        return False
    if queue.same(task.rev, overrides, targets):
        return True
    if task.state == "running":
        mend = f"Wait for it, or end it: `dvc queue kill {task.name}`"
        raise InputError(f"{task.name} is running with other parameters or code", mend=mend)
    return False


def _bury_dead(todo: Cells, queue: Queue, pause: float) -> None:
    """Bury the running tasks on which nobody works, at several looks in a row."""
    dead: list[Task] = []
    for look in range(_PATIENCE):
        time.sleep(pause if look else 0)
        now = [one for one in queue.tasks() if one.name in todo and one.state == "running" and not one.alive]
        dead = [task for task in now if not look or task in dead]
        if not dead:
            return
    for task in dead:
        queue.bury(task)


def _wait(todo: Cells, queue: Queue, pause: float) -> None:
    """Wait until none of the cells is queued or running; bury those that were killed."""
    with bar() as display:
        shown = display.add_task("experiments", total=len(todo))
        while True:
            tasks = [task for task in queue.tasks() if task.name in todo and task.state != "failed"]
            running = [task for task in tasks if task.state == "running"]
            text = running[0].name if running else "experiments"
            display.update(shown, completed=len(todo) - len(tasks), description=text)
            if not tasks:
                return
            if not running:
                queue.start()
            elif not all(task.alive for task in running):
                _bury_dead(todo, queue, pause)
            time.sleep(pause)


def _reasons(names: Sequence[str], queue: Queue) -> dict[str, str]:
    failed = {task.name: task for task in queue.tasks() if task.state == "failed"} if names else {}
    return {
        name: queue.reason(failed[name]) if name in failed else "it is gone from the queue" for name in names
    }
