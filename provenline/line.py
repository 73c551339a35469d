"""The line as a whole: the parameters that belong to no single room, and where its stages' files lie."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NONE = Path("data/none")  # stands where a source has no footage or no annotations
Side = Literal["development", "deployment"]
SIDES: tuple[Side, Side] = ("development", "deployment")
BATCH = 16  # images per call; memory is bounded by it


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
    """What may reach a tracker beside numbers and figures as text.

    Attributes:
        footage: Patterns of files, relative to the project, that may show footage and are sent all the same:
            pictures, video, archives, anything in ``data/``. ``*`` also stands for a ``/``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    footage: tuple[Annotated[str, Field(pattern=r"^[^/]")], ...]


def data(side: str) -> Path:
    """Return the folder of one footage's tables: development's is ``data``."""
    return Path("data") if side == "development" else Path("data") / side


def metrics(stage: str, side: str = "development") -> Path:
    """Return the metrics file of a stage (and of one footage, where the stage runs on both)."""
    return Path("metrics") / (f"{stage}.json" if side == "development" else f"{stage}_{side}.json")


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
