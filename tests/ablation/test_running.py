"""Resuming, with a queue of our own making: what is kept, what is run, what is buried, what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from provenline.ablation.running import Result, Task, run
from provenline.errors import InputError

CELLS = {"a": ("x=1",), "b": ("x=2",), "c": ("x=3",)}


@dataclass
class Line:
    """A queue in which one look is one step of time, and one worker takes one task per step.

    Attributes:
        ends: Name -> how its run ends: ``done``, ``failed``, ``killed`` (process gone, worker alive),
            ``worker killed`` (nobody marks it) or ``never``.
        made_of: Commit -> what it was made of.
    """

    ends: dict[str, str] = field(default_factory=dict)
    made_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    waiting: list[Task] = field(default_factory=list)
    finished: list[Result] = field(default_factory=list)
    code: str = "v1"
    worker: bool = False
    log: list[str] = field(default_factory=list)
    count: int = 0

    def tasks(self) -> list[Task]:
        seen = list(self.waiting)
        self._step()
        return seen

    def _step(self) -> None:
        running = next((task for task in self.waiting if task.state == "running"), None)
        if running is not None and running.alive:
            self._end(running)
        elif self.worker and running is None:
            queued = next((task for task in self.waiting if task.state == "queued"), None)
            if queued is None:
                self.worker = False  # DVC's worker goes when the queue is empty
            else:
                self._replace(queued, replace(queued, state="running"))

    def _end(self, task: Task) -> None:
        end = self.ends.get(task.name, "done")
        if end == "never":
            return
        if end == "done":
            self.waiting.remove(task)
            self.result(task.name, self.made_of[task.rev])
        elif end == "worker killed":
            self.worker = False
            self._replace(task, replace(task, alive=False))
        else:
            self._replace(task, replace(task, state="failed"))

    def _replace(self, old: Task, new: Task) -> None:
        self.waiting[self.waiting.index(old)] = new

    def result(self, name: str, made_of: tuple[str, ...], here: bool = True) -> None:
        self.count += 1
        rev = f"r{self.count}"
        self.made_of[rev] = made_of
        self.finished.insert(0, Result(name, rev, f"refs/exps/{rev}", here))

    def results(self) -> list[Result]:
        return list(self.finished)

    def same(self, rev: str, overrides: Sequence[str], targets: Sequence[str]) -> bool:
        return self.made_of[rev] == (self.code, *overrides)

    def add(self, name: str, overrides: Sequence[str], targets: Sequence[str]) -> None:
        assert not any(one.name == name and one.here for one in self.finished), "DVC would refuse the name"
        self.count += 1
        self.made_of[f"t{self.count}"] = (self.code, *overrides)
        self.waiting.append(Task(name, f"t{self.count}", "queued"))
        self.log.append(f"add {name}")

    def check(self, targets: Sequence[str]) -> None:
        self.log.append("check")

    def start(self) -> None:
        self.worker = True
        self.log.append("start")

    def stop(self) -> None:
        self.worker = False
        self.log.append("stop")

    def forget(self, one: Task | Result) -> None:
        (self.waiting if isinstance(one, Task) else self.finished).remove(one)
        self.log.append(f"forget {one.name}")

    def bury(self, task: Task) -> None:
        self._replace(task, replace(task, state="failed", alive=True))
        self.log.append(f"bury {task.name}")

    def reason(self, task: Task) -> str:
        return f"{task.name} said why"


def go(line: Line, cells=CELLS):
    return run(cells, ["eval"], line, pause=0.0)


def test_everything_runs_and_a_second_start_runs_nothing() -> None:
    line = Line()
    first = go(line)
    assert list(first.done) == ["a", "b", "c"] and not first.failed and not first.kept
    assert line.log[:2] == ["check", "add a"]  # what cannot work is said before anything is queued
    line.log.clear()
    second = go(line)
    assert second.done == first.done and second.kept == {"a", "b", "c"} and line.log == []


@pytest.mark.parametrize("end", ["failed", "killed", "worker killed"])
def test_one_that_ends_badly_is_named_and_alone_run_again(end: str) -> None:
    line = Line(ends={"b": end})
    first = go(line)
    assert list(first.done) == ["a", "c"] and dict(first.failed) == {"b": "b said why"}
    assert ("bury b" in line.log) == (end == "worker killed")
    line.ends.clear()
    line.log.clear()
    second = go(line)
    assert list(second.done) == ["a", "b", "c"] and second.kept == {"a", "c"} and not second.failed
    assert [word for word in line.log if word.startswith("add")] == ["add b"]
    assert "forget b" in line.log  # or DVC would list the old failure beside the new run


def test_a_worker_that_is_gone_is_started_anew() -> None:
    line = Line(ends={"a": "worker killed"})
    outcome = go(line)
    assert list(outcome.done) == ["b", "c"] and line.log.count("start") >= 2


def test_a_task_left_running_by_nobody_is_run_again_at_the_next_start() -> None:
    line = Line()
    line.waiting.append(Task("a", "t0", "running", alive=False))
    line.made_of["t0"] = ("v1", "x=1")
    outcome = go(line)
    assert line.log[0] == "bury a" and list(outcome.done) == ["a", "b", "c"]


def test_what_is_on_its_way_is_waited_for_and_not_added_twice() -> None:
    line = Line(worker=True)
    line.add("a", ("x=1",), ["eval"])
    line.waiting[0] = replace(line.waiting[0], state="running")
    line.add("b", ("x=2",), ["eval"])
    line.log.clear()
    outcome = go(line)
    assert list(outcome.done) == ["a", "b", "c"]
    assert [word for word in line.log if word.startswith("add")] == ["add c"]


def test_what_waits_with_other_parameters_is_replaced_and_what_runs_is_not() -> None:
    line = Line()
    line.add("a", ("x=9",), ["eval"])
    assert go(line, {"a": ("x=1",)}).done
    assert line.made_of[line.finished[0].rev] == ("v1", "x=1")
    line = Line(ends={"a": "never"})
    line.add("a", ("x=9",), ["eval"])
    line.waiting[0] = replace(line.waiting[0], state="running")
    with pytest.raises(InputError, match="a is running with other parameters"):
        go(line, {"a": ("x=1",)})


def test_changed_code_or_parameters_run_again_and_replace_what_has_the_name() -> None:
    line = Line()
    first = go(line)
    line.code = "v2"
    second = go(line)
    assert not second.kept and not set(second.done.values()) & set(first.done.values())
    third = go(line, {**CELLS, "b": ("x=7",)})
    assert third.kept == {"a", "c"} and third.done["b"] != second.done["b"]


def test_results_of_another_commit_count_where_nothing_changed() -> None:
    line = Line()
    line.result("a", ("v1", "x=1"), here=False)
    line.result("b", ("v0", "x=2"), here=False)
    outcome = go(line)
    assert outcome.kept == {"a"}
    assert "forget b" not in line.log  # another commit's name does not stand in the way


def test_an_old_result_is_not_taken_for_that_of_a_run_that_failed() -> None:
    line = Line(ends={"a": "failed"})
    line.result("a", ("v0", "x=1"), here=False)
    assert dict(go(line, {"a": ("x=1",)}).failed) == {"a": "a said why"}


def test_strangers_in_the_queue_are_left_alone() -> None:
    line = Line()
    line.waiting += [Task("mine", "m1", "running", alive=False), Task("other", "m2", "failed")]
    line.made_of |= {"m1": (), "m2": ()}
    line.waiting[0] = replace(line.waiting[0], state="failed")  # a dead stranger would block this worker
    kept = list(line.waiting)
    go(line)
    assert line.waiting == kept and line.log[-1] == "stop"


class Shared(Line):
    """Somebody else queues behind each of ours."""

    def add(self, name: str, overrides: Sequence[str], targets: Sequence[str]) -> None:
        super().add(name, overrides, targets)
        self.made_of["m1"] = ()
        self.waiting.append(Task("theirs", "m1", "queued"))


def test_the_worker_stays_while_others_wait_for_it() -> None:
    line = Shared(ends={"theirs": "never"})
    assert go(line, {"a": ("x=1",)}).done and "stop" not in line.log
