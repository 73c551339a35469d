"""What reaches a tracker as a file: no frame, under whatever name, unless the allow-list names it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from glue.tracking.admitted import admitted, named

PICTURE = np.full((8, 8, 3), 200, np.uint8)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = tmp_path / "project"
    for name in ("metrics/trt_build", "plots/train", "data/frames", "reports/figures", "frames"):
        (project / name).mkdir(parents=True)
    monkeypatch.chdir(project)
    return project


def write(name: str) -> Path:
    path = Path(name)
    if path.suffix in {".jpg", ".png", ".webp", ".bmp"}:
        assert cv2.imwrite(name, PICTURE)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("frame.txt", "x")
    else:
        path.write_text("{}")
    return path


@pytest.mark.parametrize(
    "name", ["metrics/train.json", "metrics/trt_build/a.json", "plots/train/epochs.csv", "metrics/notes.md"]
)
def test_figures_as_text_are(here: Path, name: str) -> None:
    assert admitted(write(name), ()) == Path(name)


@pytest.mark.parametrize(
    "name",
    [
        "metrics/frame.jpg", "metrics/frame.png", "plots/frame.webp", "plots/frame.bmp", "metrics/clip.mp4",
        "metrics/frames.zip", "metrics/frames.parquet", "metrics/weights.pt", "metrics/page.html",
        "data/frames/a.json", "data/boxes.csv", "frames/a.json", "reports/figures/a.png", "params.yaml",
    ],
)  # fmt: skip
def test_everything_else_is_not(here: Path, name: str) -> None:
    assert admitted(write(name), ()) is None


def test_a_picture_under_another_name_is_not(here: Path) -> None:
    frame = write("metrics/frame.png")
    assert admitted(frame.rename("metrics/frame.json"), ()) is None
    write("metrics/frames.zip").rename("metrics/frames.csv")
    assert admitted(Path("metrics/frames.csv"), ()) is None


def test_a_link_is_what_it_leads_to(here: Path) -> None:
    write("data/frames/a.json")
    Path("metrics/a.json").symlink_to(here / "data" / "frames" / "a.json")
    assert admitted(Path("metrics/a.json"), ()) is None
    outside = here.parent / "b.json"
    outside.write_text("{}")
    Path("metrics/b.json").symlink_to(outside)
    assert admitted(Path("metrics/b.json"), ("*",)) is None
    assert admitted(Path("metrics/missing.json"), ("*",)) is None


def test_the_allow_list_names_what_may_go_all_the_same(here: Path) -> None:
    shown, other = write("reports/figures/a.png"), write("data/frames/a.png")
    patterns = ("reports/figures/*.png",)
    assert admitted(shown, patterns) == shown and admitted(other, patterns) is None
    assert named(patterns) == [shown] and named(()) == []
