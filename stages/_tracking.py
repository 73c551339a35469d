"""The seam to MLflow: one run per fingerprint of parameters, code and media lists.

MLflow is never an input of a stage and no run id enters an output. Only numbers and the files on
the caller's list are logged: never a frame.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from provenline.files import sha256_file, sha256_tree
from provenline.progress import console
from stages._compose import flat
from stages._runtime import PARAMS

EXPERIMENT = "provenline"
# Thousands of numbers a run are no comparison. What describes an interval, cuts by anything but the
# category, and all cuts of the splits that nothing is claimed on, stay in metrics/*.json.
LEFT_OUT = re.compile(
    r"\.(confidence|error|groups)$|\.(mcnemar|arguments|per_group|holm)\.|\.why\.(?!.+\.ece\.)"
    r"|\.splits\..+\.by_(camera|day|size|class)\.|\.by_category\..+\.(by_|confidence\.|false_positives\.)"
    r"|\.splits\.(train|val)\.(by_category|own|.+\.per_class)\."
)
BATCH = 500  # of the 1000 that a server takes at once


def fingerprint(params: Path = PARAMS) -> str:
    """Return 16 hexadecimal digits that name this combination of parameters, code and media lists.

    Not of `dvc.lock`, which changes while the line runs. A simulated media list follows from the
    parameters and does not exist yet when the first stage starts, so it is left out.
    """
    parameters = yaml.safe_load(params.read_text(encoding="utf-8"))
    source = parameters["source"]
    lists = (
        []
        if source["simulate"]
        else [Path(source[side]["media_list"]) for side in ("development", "deployment")]
    )
    parts = [sha256_file(params), sha256_tree("provenline", "**/*.py"), sha256_tree("stages", "**/*.py")]
    parts += [sha256_file(path) for path in lists if path.exists()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def home() -> Path:
    """Return the project's folder, also where DVC runs an experiment in a folder of its own."""
    return Path(os.environ.get("PROVENLINE_HOME", "")).resolve()


def numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numeric leaves of a metrics file under MLflow-safe names."""
    for key, leaf in flat(dict(values), prefix).items():
        if isinstance(leaf, (int, float)) and not LEFT_OUT.search(key):
            yield "".join(c if c.isalnum() or c in "_-./ " else "_" for c in key), float(leaf)


def log(
    stage: str,
    metrics: Mapping[str, Any] | None = None,
    files: Sequence[Path] = (),
    step: int = 0,
    *,
    params: Path = PARAMS,
    tags: Mapping[str, str] | None = None,
) -> None:
    """Add a stage's numbers and listed files to this fingerprint's run.

    A tracker that fails never fails a stage: it is said once, and `report` completes the run later.

    Args:
        stage: What the numbers' names begin with; may be empty.
        metrics: Nested numbers.
        files: To be kept beside them.
        step: Of the numbers.
        params: Parameters of the run, where they are not those of the working folder.
        tags: To be set on the run.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{home()}/mlflow.db")
    try:
        from mlflow.tracking import MlflowClient

        client = MlflowClient()
        run_id = _run(client, params)
        for name, value in (tags or {}).items():
            client.set_tag(run_id, name, value)
        _log(client, run_id, stage, dict(numbers(metrics or {}, stage)), files, step)
    except ImportError:
        return  # the base installation has no MLflow
    except Exception as error:  # noqa: BLE001 - whatever a tracker raises, the stage's result stands
        console.print(f"MLflow: not logged ({error})", style="yellow", highlight=False, markup=False)


def _log(
    client: Any, run_id: str, stage: str, metrics: dict[str, float], files: Sequence[Path], step: int
) -> None:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    rows = [Metric(key, number, now, step) for key, number in metrics.items()]
    for start in range(0, len(rows), BATCH):
        client.log_batch(run_id, metrics=rows[start : start + BATCH])
    for path in files:
        client.log_artifact(run_id, str(path), artifact_path=stage)


def _run(client: Any, parameters: Path) -> str:
    from mlflow.entities import Param

    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = (
        found.experiment_id if found else client.create_experiment(EXPERIMENT, f"{home()}/mlartifacts")
    )
    mark = fingerprint(parameters)
    runs = client.search_runs([experiment], f"tags.fingerprint = '{mark}'", max_results=1)
    if runs:
        return str(runs[0].info.run_id)
    name = os.environ.get("DVC_EXP_NAME", f"{mark[:8]}")
    run = client.create_run(experiment, run_name=name, tags={"fingerprint": mark, "git": _revision()})
    leaves = flat(yaml.safe_load(parameters.read_text(encoding="utf-8"))).items()
    params = [Param(key, str(leaf)[:500]) for key, leaf in leaves]
    for start in range(0, len(params), 100):
        client.log_batch(run.info.run_id, params=params[start : start + 100])
    client.set_terminated(run.info.run_id)  # a run that is added to by several processes has no one end
    return str(run.info.run_id)


def _revision() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"
