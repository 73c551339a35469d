"""The seam to MLflow: one run per fingerprint of parameters, code and media lists.

MLflow is never an input of a stage and no run id enters an output. A stage writes what it has to say into
a spool on its own disk, and a process of its own sends it (`sending`). What could not be sent is
sent by the next stage that logs, or by `python -m glue.tracking.track` (`make track`). Only numbers, hashes
and figures as text are sent: never a frame, unless `tracking.footage` names it.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from glue import runtime
from glue.compose import flat
from glue.runtime import PARAMS
from glue.tracking import sender
from glue.tracking.admitted import admitted, named
from glue.tracking.sender import Run
from glue.tracking.sending import now
from provenline.files import sha256_file, sha256_tree

EXPERIMENT = "provenline"
# Thousands of numbers a run are no comparison. What describes an interval, cuts by anything but the
# category, and all cuts of the splits that nothing is claimed on, stay in metrics/*.json.
LEFT_OUT = re.compile(
    r"\.(confidence|error|groups)$|\.(mcnemar|arguments|per_group|holm)\.|\.why\.(?!.+\.ece\.)"
    r"|\.splits\..+\.by_(camera|day|size|class)\.|\.by_category\..+\.(by_|confidence\.|false_positives\.)"
    r"|\.splits\.(train|val)\.(by_category|own|.+\.per_class)\."
)
_COMMAND = 3600.0  # seconds that `make track` may take


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
    parts = [sha256_file(params), *code()]
    parts += [sha256_file(path) for path in lists if path.exists()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def code() -> list[str]:
    """Return the hashes of the code that the stages run."""
    return [sha256_tree(name, "**/*.py") for name in ("provenline", "glue", "stages")]


def numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numeric leaves of a metrics file under MLflow-safe names."""
    for key, leaf in flat(dict(values), prefix).items():
        if isinstance(leaf, (int, float)) and math.isfinite(leaf) and not LEFT_OUT.search(key):
            yield "".join(c if c.isalnum() or c in "_-./ " else "_" for c in key), float(leaf)


def log(
    stage: str,
    metrics: Mapping[str, Any] | None = None,
    files: Sequence[Path] = (),
    *,
    params: Path = PARAMS,
    tags: Mapping[str, str] | None = None,
    name: str = "",
) -> None:
    """Add a stage's numbers and listed files to this fingerprint's run.

    Args:
        stage: What the numbers' names begin with; may be empty.
        metrics: Nested numbers.
        files: To be kept beside them; refused where they may show footage.
        params: Parameters of the run, where they are not those of the working folder.
        tags: To be set on the run.
        name: Of the run, should it be new; its experiment's, or its fingerprint's beginning, if empty.
    """
    with never_fails():
        run, patterns = pipeline(params, name), _patterns(params)
        records: list[dict[str, Any]] = [figures(dict(numbers(metrics or {}, stage)))]
        records += [{"kind": "tags", "tags": dict(tags)}] if tags else []
        records += [] if sender.training() else [{"kind": "status", "status": "FINISHED", "at": now()}]
        sender.add(run, records)
        for path in files:
            if place := admitted(path, patterns):
                sender.add(run, [{"kind": "file", "folder": place.parent.as_posix()}], path)
            else:
                runtime.notice(
                    f"MLflow: {path} is not sent: it may show footage, and tracking.footage does not name it"
                )


def on_epoch(epoch: int, numbers: Mapping[str, float]) -> None:
    """Send an epoch's numbers while training goes on."""
    curve("train.epoch", [{**numbers, "epoch": epoch}])


def curve(prefix: str, rows: Iterable[Mapping[str, float]], *, params: Path = PARAMS) -> None:
    """Add points of curves to this fingerprint's run; what it has already is not added again.

    Args:
        prefix: What the curves' names begin with.
        rows: One per epoch: ``epoch`` from 1, and numbers.
        params: Parameters of the run, where they are not those of the working folder.
    """
    with never_fails():
        sender.add(pipeline(params), [points(f"{prefix}.", row) for row in rows])


def complete(metrics: Mapping[str, Any], split: Path, tags: Mapping[str, str]) -> None:
    """Bring this fingerprint's run to what all stages measured: those that DVC restored logged nothing.

    Args:
        metrics: Name of a metrics file -> what it says.
        split: Which frame is in which split.
        tags: To be set on the run.
    """
    with never_fails():
        log("", metrics, [*sorted(Path("metrics").rglob("*.json")), *named(_patterns())], tags=tags)
        training = metrics.get("train", {})
        curve("train.epoch", training.get("history", ()))
        if training.get("dataset_sha256"):
            data(split, Path("data/dataset"), training["dataset_sha256"])


def data(split: Path, dataset: Path, sha256: str) -> None:
    """Add the split and the data set to the inputs of this fingerprint's run, by their hashes.

    Args:
        split: Table with a column ``split``.
        dataset: Folder in YOLO's layout.
        sha256: Of all its files, see `provenline.files.sha256_tree`.
    """
    with never_fails():
        with split.open(newline="", encoding="utf-8") as stream:
            frames = Counter(row["split"] for row in csv.DictReader(stream))
        images = {path.name: sum(1 for _ in path.iterdir()) for path in sorted(dataset.glob("images/*"))}
        parts = {"frames": dict(frames)}, {"images": images}
        rows = (split, sha256_file(split), parts[0], "split"), (dataset, sha256, parts[1], "training")
        sender.add(pipeline(), [_input(*row) for row in rows])


def _input(path: Path, sha256: str, counts: Mapping[str, Any], context: str) -> dict[str, Any]:
    place = {"name": path.name, "path": path.as_posix()}
    return {"kind": "data", **place, "sha256": sha256, "counts": counts, "context": context}


@contextmanager
def live() -> Iterator[None]:
    """Send what is logged as it comes, and how busy the machine is, while the block runs."""
    ended = "FAILED"
    with never_fails():
        sender.begin(pipeline())
    try:
        yield
        ended = "FINISHED"
    finally:
        with never_fails():
            sender.end(pipeline(), ended)


@lru_cache(maxsize=64)
def _known(params: Path, _: str, name: str) -> Run:
    mark = fingerprint(params)
    leaves = flat(yaml.safe_load(params.read_text(encoding="utf-8")))
    made_of = {
        "experiment": EXPERIMENT,
        "name": name or os.environ.get("DVC_EXP_NAME", mark[:8]),
        "tags": {"git": _revision()},
        "params": {key: _shown(leaf) for key, leaf in leaves.items()},
        "at": now(),
        "parent": None,
    }
    return Run(mark, made_of)


def pipeline(params: Path = PARAMS, name: str = "") -> Run:
    """Return the run of these parameters: the same as long as this process lives, whatever is edited."""
    return _known(params.resolve(), sha256_file(params), name)


def _shown(leaf: Any) -> str:
    """Return a parameter as text; of a place on this machine, its last name alone."""
    text = str(leaf)
    return f".../{Path(text).name}" if isinstance(leaf, str) and text.startswith("/") else text[:500]


def figures(values: Mapping[str, float]) -> dict[str, Any]:
    """Return the record of numbers of which the last one counts."""
    return {"kind": "figures", "at": now(), "values": dict(values)}


def points(prefix: str, row: Mapping[str, float]) -> dict[str, Any]:
    """Return the record of one epoch: a point for each curve, whose name begins with the prefix."""
    values = {f"{prefix}{key}": value for key, value in numbers(row) if key != "epoch"}
    return {"kind": "curve", "at": now(), "step": int(row["epoch"]), "values": values}


def _patterns(params: Path = PARAMS) -> tuple[str, ...]:
    section = yaml.safe_load(params.read_text(encoding="utf-8")).get("tracking")  # older parameters have none
    return runtime.Tracking.model_validate(section).footage if section else ()


@contextmanager
def never_fails() -> Iterator[None]:
    """Say, once each, what went wrong: the stage's result stands."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a convenience stops no stage
        _say_once(f"MLflow: not logged ({error})")


@lru_cache(maxsize=32)
def _say_once(text: str) -> None:
    runtime.notice(text)


def _revision() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def main() -> None:
    """Send what waits; exit status 1 if it still does."""
    if not sender.flush(_COMMAND):
        sys.exit(1)
    runtime.notice("MLflow: nothing waits to be sent")


if __name__ == "__main__":
    main()
