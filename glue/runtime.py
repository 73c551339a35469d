"""The one seam between stages and their surroundings: parameters, errors, notices.

Stages import this and the library; the library knows nothing of it.
"""

from __future__ import annotations

import csv
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.progress import console

PARAMS = Path("params.yaml")
PIPELINE = Path("dvc.yaml")
INPUTS = Path("metrics/inputs")
NONE = Path("data/none")  # stands where a source has no footage or no annotations
Side = Literal["development", "deployment"]
SIDES = ("development", "deployment")
BATCH = 16  # images per call; memory is bounded by it
Model = TypeVar("Model")


class Footage(BaseModel):
    """Where one footage lies.

    Attributes:
        root: Folder of the videos and photos.
        watched: What DVC hashes to notice a change: the root, or, where the footage is too much to
            be hashed at every run, nothing but the manifest (then ``data/none``).
        media_list: What the files are; a manifest of `provenline footage scan` counts as one.
        annotations: Folder of the exports.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    watched: Path
    media_list: Path
    annotations: Path


class UseCase(BaseModel):
    """What is looked for: the classes that are trained and judged, and the operating threshold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$")  # it becomes part of file names
    classes: tuple[str, ...] = Field(min_length=1)
    score: float = Field(ge=0.0, le=1.0)


class Source(BaseModel):
    """The two footages, which of them are simulated, and where the labels of a shadow sample lie."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    simulate: tuple[Side, ...]
    development: Footage
    deployment: Footage
    shadow_labels: Path


class Line(BaseModel):
    """What stands alone at the top of params.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    round: str = Field(pattern=r"^v\d+(\.\d+)*$")
    rounds: str  # folder of what earlier rounds brought; data/none before the first
    seed: int = Field(ge=0)
    target: str


class Profile(BaseModel):
    """Device and sizes of a machine; the other groups of conf/ refer to them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str
    imgsz: int
    epochs: int
    batch: int
    nbs: int
    workers: int
    cache: str
    limit: int
    shadow_period_s: float


class Tracking(BaseModel):
    """What may reach MLflow beside numbers and figures as text.

    Attributes:
        footage: Patterns of files, relative to the project, that may show footage and are sent all the same:
            pictures, video, archives, anything in ``data/``. ``*`` also stands for a ``/``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    footage: tuple[str, ...]


def data(side: str) -> Path:
    """Return the folder of one footage's tables: development's is ``data``."""
    return Path("data") if side == "development" else Path("data") / side


def rounds() -> Path | None:
    """Return the folder of what monthly rounds brought; None before the first."""
    folder = Path(value("rounds"))
    return None if folder == NONE else folder


def metrics(stage: str, side: str = "development") -> Path:
    """Return the metrics file of a stage (and of one footage, where the stage runs on both)."""
    return Path("metrics") / (f"{stage}.json" if side == "development" else f"{stage}_{side}.json")


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write rows as CSV for DVC's plots, whole or not at all; other columns are left out."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def inputs(
    module: str, read: Iterable[Path | str], variant: str = "", media: Mapping[str, str] | None = None
) -> None:
    """Write what a stage read, file by file with its hash, its code included: ``metrics/inputs/*.sha256``.

    `provenline verify` holds the list against what is there, and `sha256sum --check` reads it too.

    Args:
        module: The stage's own name in ``stages/``.
        read: Files and folders that it read, and those of its outputs that it judged.
        variant: Which footage or target, where the stage runs on several; development's is not said.
        media: Footage by its hash, as the stage's tables name it: it is not read for this again.
    """
    from provenline.dossier import code, sums

    text = PIPELINE.read_text(encoding="utf-8") if PIPELINE.is_file() else ""
    places = [*map(Path, read), *map(Path, code.of_module(yaml.safe_load(text), module))]
    found = {
        path.as_posix(): path
        for place in places
        for path in ([place / name for name in sums.listed(place)] if place.is_dir() else [place])
    }
    hashes = {name: one.sha256 for name, one in sums.digests(found).items()}
    name = module if variant in ("", "development") else f"{module}_{variant}"
    sums.write(INPUTS / f"{name}.sha256", {**(media or {}), **hashes})


def judged(*sides: str) -> list[Path]:
    """Return what the stages that judge read of one footage or both: marked frames, boxes, pictures."""
    return [data(side) / name for side in sides for name in ("annotated.parquet", "boxes.parquet", "frames")]


def footage_of(frames: Any, root: Path) -> dict[str, str]:
    """Return the footage behind a Frames table: where it lies -> SHA-256, as the table names it."""
    return {
        (root / name).as_posix(): digest
        for name, digest in zip(frames["media"], frames["media_sha256"], strict=True)
    }


def in_split(frames: Any, assigned: Any, split: str) -> Any:
    """Return the annotated frames (FRAMES) that a table of ``frame_id`` and ``split`` puts into one split."""
    mine = assigned.loc[assigned["split"] == split, "frame_id"]
    return frames[frames["frame_id"].isin(mine) & frames["annotated"]]


def missing(value: Any, prefix: str = "") -> list[str]:
    """Return the dotted keys whose value is Hydra's mark for "must be given"."""
    if isinstance(value, dict):
        return [key for name, child in value.items() for key in missing(child, f"{prefix}{name}.")]
    return [prefix.rstrip(".")] if value == "???" else []


@lru_cache(maxsize=1)
def _parameters() -> dict[str, Any]:
    try:
        value = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("file is missing", file=PARAMS, mend="Run `make params`") from None
    except yaml.YAMLError as error:
        raise InputError(f"not YAML ({error})", file=PARAMS, mend="Run `make params`") from None
    return value if isinstance(value, dict) else {}


def section(value: Any, dotted: str, model: type[Model]) -> Model:
    """Return ``dotted`` of the parameters as a frozen typed object.

    Raises:
        InputError: With all missing, unknown and ill-typed keys at once, each by its dotted name.
    """
    for key in dotted.split("."):
        if not isinstance(value, dict) or key not in value:
            raise InputError("section is missing", file=PARAMS, place=dotted, mend="Run `make params`")
        value = value[key]
    if given := missing(value, f"{dotted}."):
        raise InputError(f"{', '.join(given)}: no value was given", file=PARAMS, mend="Give it in conf/")
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join([dotted, *map(str, fault['loc'])])}: {fault['msg']}" for fault in error.errors()
        )
        raise InputError(faults, file=PARAMS, mend="Mend it in conf/ and run `make params`") from None


def params(dotted: str, model: type[Model]) -> Model:
    """Return a section of params.yaml as a frozen typed object; see `section`."""
    return section(_parameters(), dotted, model)


def value(dotted: str) -> Any:
    """Return one plain value of params.yaml."""
    found: Any = _parameters()
    for key in dotted.split("."):
        if not isinstance(found, dict) or key not in found:
            raise InputError("parameter is missing", file=PARAMS, place=dotted, mend="Run `make params`")
        found = found[key]
    return found


def notice(text: str) -> None:
    """Print one line that a person should see, and go on."""
    console.print(" ".join(text.split()), style="yellow", highlight=False, markup=False, soft_wrap=True)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what the user can mend into one line on stderr and exit status 2."""
    try:
        yield
    except InputError as error:
        console.print(f"error: {error}", style="bold red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        console.print("stopped", style="yellow")
        sys.exit(130)


def say_if_stale() -> None:
    """Say so when params.yaml is not what conf/ composes to."""
    from glue.compose import CONF, differences

    if not CONF.is_dir() or not PARAMS.exists():
        return
    try:
        found = differences()
    except (InputError, ImportError, yaml.YAMLError) as error:
        notice(f"params.yaml was not compared with conf/: {error}")
        return
    if not found:
        return
    if "DVC_EXP_NAME" in os.environ or "DVC_EXP_BASELINE_REV" in os.environ:
        notice(f"experiment: {', '.join(found[:6])}")
        return
    notice(
        f"params.yaml is not what conf/ composes to ({len(found)} differ: {', '.join(found[:3])}): "
        "overrides were given, or `make params` was not run"
    )


def run(stage: Callable[..., str]) -> None:
    """Run a stage with the words of the command line; print the sentence that it returns."""
    started = time.monotonic()
    with one_line_errors():
        say_if_stale()
        sentence = stage(*sys.argv[1:])
        seconds = time.monotonic() - started
        console.print(
            f"{sentence} ({seconds:.1f} s)", style="green", highlight=False, markup=False, soft_wrap=True
        )
