"""MLflow as the sender sees it: what waits for a run goes there, and nothing goes there twice.

MLflow appends whatever it is given, and the process that sends may be killed between a request and its note
that it was answered. So points keep the time at which they were logged (a server takes the same point once),
and those of a stage that logs again are compared with what the run has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from glue.tracking.finding import Runs
from glue.tracking.records import Record
from glue.tracking.spool import Spool

BATCH = 500  # of the 1000 that a server takes at once
_REFUSED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"}


class Tracker:
    """MLflow, and what is known of its runs; thrown away when a request fails."""

    def __init__(self, root: Path) -> None:
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient()
        self._runs = Runs(root, self._client)
        self._points: dict[tuple[str, str], dict[int, float]] = {}

    def send(self, spool: Spool) -> None:
        """Send all that waits in one spool, and forget what was acknowledged.

        Raises:
            Exception: Whatever MLflow raises; what was not acknowledged stays.
        """
        run = self._runs.of(spool.mark)
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
                sys.stderr.write(f"MLflow refuses {what}: {error}\n")
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
