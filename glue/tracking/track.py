"""What stages log in MLflow; `python -m glue.tracking.track` (`make track`) sends what still waits.

A stage writes what it has to say into a spool on its own disk, and a process of its own sends it (`sending`).
What could not be sent is sent by the next stage that logs, or by the command. Numbers, hashes and figures as
text are sent: never a frame, unless `tracking.footage` names it (`provenline.outgoing`).
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from glue.tracking import records, sender
from glue.tracking.runs import pipeline
from provenline.files import sha256_file
from provenline.line import Tracking
from provenline.outgoing import admitted, named, numbers
from provenline.parameters import PARAMS
from provenline.progress import notice

_COMMAND = 3600.0  # seconds that `make track` may take


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
        said = [records.figures(dict(numbers(metrics or {}, stage)))]
        said += [records.tags(tags)] if tags else []
        said += [] if sender.training() else [records.status("FINISHED")]
        sender.add(run, said)
        for path in files:
            if place := admitted(path, patterns):
                sender.add(run, [records.file(place.parent)], path)
            else:
                notice(
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
        sender.add(pipeline(params), [records.points(f"{prefix}.", row) for row in rows])


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
        rows = [
            records.data(split, sha256_file(split), {"frames": dict(frames)}, "split"),
            records.data(dataset, sha256, {"images": images}, "training"),
        ]
        sender.add(pipeline(), rows)


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


def _patterns(params: Path = PARAMS) -> tuple[str, ...]:
    section = yaml.safe_load(params.read_text(encoding="utf-8")).get("tracking")  # older parameters have none
    return Tracking.model_validate(section).footage if section else ()


@contextmanager
def never_fails() -> Iterator[None]:
    """Say, once each, what went wrong: the stage's result stands."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a convenience stops no stage
        _say_once(f"MLflow: not logged ({error})")


@lru_cache(maxsize=32)
def _say_once(text: str) -> None:
    notice(text)


def main() -> None:
    """Send what waits; exit status 1 if it still does."""
    if not sender.flush(_COMMAND):
        sys.exit(1)
    notice("MLflow: nothing waits to be sent")


if __name__ == "__main__":
    main()
