"""A run as MLflow has it: found by its fingerprint, or made, with its experiment and its parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glue.tracking.spool import Spool


class Runs:
    """The runs that spools are about; each is asked for once.

    Args:
        root: Folder of the spools.
        client: Of MLflow.
    """

    def __init__(self, root: Path, client: Any) -> None:
        self._root, self._client = root, client
        self._known: dict[str, Any] = {}

    def of(self, mark: str) -> Any:
        """Return a run as MLflow has it, made anew if it has none.

        Raises:
            LookupError: Nothing says what it is made of.
        """
        if mark in self._known:
            return self._known[mark]
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
        self._known[mark] = run
        return run

    def _create(self, experiment: str, mark: str, made_of: Mapping[str, Any]) -> Any:
        tags = {"fingerprint": mark, **made_of["tags"]}
        if made_of.get("parent"):
            from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

            tags[MLFLOW_PARENT_RUN_ID] = self.of(made_of["parent"]).info.run_id
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
