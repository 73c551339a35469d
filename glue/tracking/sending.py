"""The process that sends to MLflow what waits in the spools: `python -m glue.tracking.sending ROOT [MARK]`.

With a mark it stays beside a training: it sends what is logged as it comes, and samples the machine's load,
until it is told to end or its parent is gone. No stage waits for an answer of the tracker.

MLflow appends whatever it is given, and this process may be killed between a request and its note that it was
answered. So points keep the time at which they were logged (a server takes the same point once), and those of
a stage that logs again are compared with what the run has.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from glue.tracking.load import Load
from glue.tracking.spool import SENDING, Record, Spool, locked, spools

REST, END = "rest", "end"  # what the parent says: no samples any more; send the rest and go
BATCH = 500  # of the 1000 that a server takes at once
_PERIOD = 1.0  # seconds between two looks at the spools
_LONGEST = 60.0  # seconds between two tries while the tracker fails
_SECONDS = "10"  # in which a server answers a request, or does not
_PATIENCE = 20.0  # seconds in which another sender may finish
_REFUSED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"}


class Tracker:
    """MLflow, and what is known of its runs; thrown away when a request fails."""

    def __init__(self, root: Path) -> None:
        from mlflow.tracking import MlflowClient

        self._root, self._client = root, MlflowClient()
        self._runs: dict[str, Any] = {}
        self._points: dict[tuple[str, str], dict[int, float]] = {}

    def send(self, spool: Spool) -> None:
        """Send all that waits in one spool, and forget what was acknowledged.

        Raises:
            Exception: Whatever MLflow raises; what was not acknowledged stays.
        """
        run = self._run(spool.mark)
        sent, points = 0, list[Any]()
        failures: list[Exception] = []
        for record, length in spool.records():
            if record.get("kind") == "file":
                failures += self._file(run, spool, record)
            elif not (rows := self._rows(run, record)):
                self._other(run, record)
            else:
                points += rows
            sent += length
            if len(points) >= BATCH:
                self._send_points(run, points)
                spool.drop(sent)
                sent, points = 0, []
        self._send_points(run, points)
        spool.drop(sent)
        if failures:
            raise failures[0]
        spool.close()

    def _run(self, mark: str) -> Any:
        """Return a run as MLflow has it, made anew if it has none."""
        if mark in self._runs:
            return self._runs[mark]
        made_of = Spool(self._root, mark).run()
        if made_of is None:
            raise LookupError(f"nothing is known of the run {mark}")
        experiment = self._experiment(made_of["experiment"])
        found = self._client.search_runs(
            [experiment],
            f"tags.fingerprint = '{mark}'",
            max_results=1,
            order_by=["attributes.start_time ASC"],
        )
        run = found[0] if found else self._create(experiment, mark, made_of)
        self._set_params(run, made_of["params"])
        self._runs[mark] = run
        return run

    def _create(self, experiment: str, mark: str, made_of: Mapping[str, Any]) -> Any:
        tags = {"fingerprint": mark, **made_of["tags"]}
        if made_of.get("parent"):
            from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

            tags[MLFLOW_PARENT_RUN_ID] = self._run(made_of["parent"]).info.run_id
        return self._client.create_run(
            experiment, start_time=made_of["at"], tags=tags, run_name=made_of["name"]
        )

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found:
            return str(found.experiment_id)
        # Files of a database lie beside it; a server has a place of its own.
        local = os.environ["MLFLOW_TRACKING_URI"].startswith("sqlite:")
        return str(
            self._client.create_experiment(name, f"{self._root.parents[1]}/mlartifacts" if local else None)
        )

    def _set_params(self, run: Any, params: Mapping[str, str]) -> None:
        from mlflow.entities import Param

        rows = [Param(key, text) for key, text in params.items() if key not in run.data.params]
        for start in range(0, len(rows), 100):
            self._client.log_batch(run.info.run_id, params=rows[start : start + 100])

    def _rows(self, run: Any, record: Record) -> list[Any]:
        """Return the points of a record that the run does not have."""
        from mlflow.entities import Metric

        kind = record.get("kind")
        if kind == "load":  # by seconds since the run began: a training that goes on does not start over
            step = max(0, record["at"] - run.info.start_time) // 1000
            return [Metric(key, value, record["at"], step) for key, value in record["values"].items()]
        if kind == "curve":
            step, known = record["step"], {key: self._curve(run, key) for key in record["values"]}
        elif kind == "figures":
            step, known = 0, {key: self._figure(run, key) for key in record["values"]}
        else:
            return []
        fresh = {key: value for key, value in record["values"].items() if known[key].get(step) != value}
        for key, value in fresh.items():
            known[key][step] = value
        return [Metric(key, value, record["at"], step) for key, value in fresh.items()]

    def _curve(self, run: Any, key: str) -> dict[int, float]:
        if (run.info.run_id, key) not in self._points:
            history = self._client.get_metric_history(run.info.run_id, key) if key in run.data.metrics else []
            self._points[run.info.run_id, key] = {one.step: one.value for one in history}
        return self._points[run.info.run_id, key]

    def _figure(self, run: Any, key: str) -> dict[int, float]:
        last = {0: run.data.metrics[key]} if key in run.data.metrics else {}
        return self._points.setdefault((run.info.run_id, key), last)

    def _send_points(self, run: Any, points: list[Any]) -> None:
        for start in range(0, len(points), BATCH):
            part = points[start : start + BATCH]
            if self._refused(partial(self._client.log_batch, run.info.run_id, part)):
                for one in part:  # the others shall not suffer from it
                    self._refused(partial(self._client.log_batch, run.info.run_id, [one]), one.key)

    def _refused(self, request: Callable[[], Any], what: str = "") -> bool:
        """Return whether MLflow refuses a request for what it says, and would refuse it for ever."""
        from mlflow.exceptions import MlflowException

        try:
            request()
        except MlflowException as error:
            if error.error_code not in _REFUSED:
                raise
            if what:
                _say(f"MLflow refuses {what}: {error}")
            return True
        return False

    def _file(self, run: Any, spool: Spool, record: Record) -> list[Exception]:
        """Send a file; if that fails it waits behind all others, so that it holds up no number."""
        path = spool.folder / record["file"]
        if not path.exists():  # somebody tidied up
            return []
        try:
            self._client.log_artifact(run.info.run_id, str(path), artifact_path=record["folder"] or None)
        except Exception as error:  # noqa: BLE001 - a store of files has many ways to fail
            spool.append(record, spool.run() or {})
            return [error]
        return []

    def _other(self, run: Any, record: Record) -> None:
        from mlflow.entities import RunTag

        run_id, kind = run.info.run_id, record.get("kind")
        if kind == "tags":
            tags = [RunTag(key, text) for key, text in record["tags"].items()]
            self._refused(partial(self._client.log_batch, run_id, tags=tags), "tags")
        elif kind == "data":
            self._refused(partial(self._client.log_inputs, run_id, [_dataset(record)]), record["name"])
        elif kind == "status" and record["status"] == "RUNNING":
            self._client.update_run(run_id, "RUNNING")
        elif kind == "status":
            self._client.set_terminated(run_id, record["status"], record["at"])


def _dataset(record: Record) -> Any:
    """Return a data set as MLflow lists it among a run's inputs: hash, counts and relative path."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

    dataset = Dataset(
        name=record["name"],
        digest=record["sha256"][:32],  # MLflow takes 36 characters; the whole one is in the profile
        source_type="dvc",
        source=json.dumps({"path": record["path"]}),
        profile=json.dumps({"sha256": record["sha256"], **record["counts"]}),
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, record["context"])])


class Parent:
    """The process that started this one, and what it says."""

    def __init__(self) -> None:
        self._pid = os.getppid()
        self.resting = self.killed = False

    def gone(self, seconds: float) -> bool:
        """Return whether it said that it ends, or is gone; wait so many seconds for a word."""
        if os.getppid() != self._pid:
            self.killed = True
            return True
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return False
        word = sys.stdin.readline().strip()
        self.resting = self.resting or word == REST
        self.killed = not word  # closed without a word
        return word != REST


def serve(root: Path, mark: str) -> str:
    """Send and sample until the parent ends, then send the rest; return why not, if it was not possible."""
    run = json.loads(sys.stdin.readline())
    parent, load, spool = Parent(), Load(), Spool(root, mark)
    tracker: list[Tracker] = []
    failure, pause, due = "", 0.0, 0.0
    while not parent.gone(_PERIOD):
        if not parent.resting and (values := load.sample()):
            _append(spool, {"kind": "load", "at": now(), "values": values}, run)
        if time.monotonic() >= due:
            failure = attempt(root, tracker)
            pause = min(max(2 * pause, 2.0), _LONGEST) if failure else 0.0
            due = time.monotonic() + pause
    if parent.killed:
        _append(spool, {"kind": "status", "status": "KILLED", "at": now()}, run)
    # A tracker that has just failed is not asked again while the stage waits.
    return failure if time.monotonic() < due else attempt(root, tracker, _PATIENCE)


def _append(spool: Spool, record: Record, run: Mapping[str, Any]) -> None:
    with suppress(OSError):  # a full disk is the training's to complain of
        spool.append(record, run)


def attempt(root: Path, kept: list[Tracker], patience: float = 0.0) -> str:
    """Send all that waits; return why it was not possible, or an empty text.

    Args:
        root: Folder of the spools.
        kept: Empty, or the tracker that was used before; emptied where it fails.
        patience: Seconds to wait where another process is sending: it sends this, too.
    """
    until = time.monotonic() + patience
    while spools(root):
        with locked(root, SENDING, wait=False) as mine:
            if mine:
                return _send_all(root, kept)
        if time.monotonic() >= until:
            return "another process is sending" if patience else ""
        time.sleep(_PERIOD / 4)
    return ""


def _send_all(root: Path, kept: list[Tracker]) -> str:
    try:
        kept += [] if kept else [Tracker(root)]
        for spool in spools(root):
            kept[0].send(spool)
    except Exception as error:  # noqa: BLE001 - whatever a tracker raises, what waits is kept
        kept.clear()
        return " ".join(str(error).split())[:300] or type(error).__name__
    return ""


def now() -> int:
    """Return milliseconds since 1970, as MLflow counts them."""
    return int(time.time() * 1000)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


@contextmanager
def _quiet() -> Iterator[TextIO]:
    """Let nothing but our own line reach stdout, which the parent reads."""
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        yield out
    finally:
        sys.stdout = out


def main() -> None:
    """Send, and print why something still waits; then the exit status is 1."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", _SECONDS)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # trying again is our own business
    root, mark = Path(sys.argv[1]), "".join(sys.argv[2:3])
    with suppress(OSError):
        os.nice(10)
    with _quiet() as out:
        failure = serve(root, mark) if mark else attempt(root, [], _PATIENCE)
        out.write(failure)
    sys.exit(1 if failure else 0)


if __name__ == "__main__":
    main()
