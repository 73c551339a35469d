"""What a user gets wrong, through the stages' own doors: one line, exit status 2, nothing half-written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import yaml

from glue import compose

ROOT = Path(__file__).parents[2]


def video(path: Path, seed: int = 0, seconds: int = 2) -> None:
    generator = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(seconds * 10):
            image = generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of real footage: one good video, one annotated image per half second."""
    (tmp_path / "conf").symlink_to(ROOT / "conf")
    footage = tmp_path / "data" / "footage" / "development"
    footage.mkdir(parents=True)
    video(footage / "a.mp4")
    media(tmp_path, "a.mp4,Collar")
    export(tmp_path, '<image name="a.mp4/500" width="64" height="48">{box}</image>')
    monkeypatch.chdir(tmp_path)
    compose.compose(["source=footage", "annotations=simline"], tmp_path / "params.yaml")
    return tmp_path


def media(world: Path, *rows: str) -> None:
    path = world / "data" / "footage" / "development.csv"
    path.write_text("\n".join(["path,category", *rows, ""]), encoding="utf-8")


def export(world: Path, image: str, label: str = "person", right: float = 30) -> None:
    box = f'<box label="{label}" xtl="5" ytl="5" xbr="{right}" ybr="40" occluded="0"></box>'
    folder = world / "data" / "footage" / "development_annotations"
    folder.mkdir(exist_ok=True)
    text = f"<annotations><version>1.1</version>{image.format(box=box)}</annotations>"
    (folder / "anna.xml").write_text(text, encoding="utf-8")


def stage(world: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"stages.{words[0]}", *words[1:]],
        cwd=world,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "1000"},
        capture_output=True,
        text=True,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2, done.stderr
    assert len(errors) == 1 and "Traceback" not in done.stderr, done.stderr
    for words in says:
        assert words in errors[0]


def written(world: Path) -> set[str]:
    footage = world / "data" / "footage"
    return {
        path.relative_to(world).as_posix()
        for folder in ("data", "metrics", "models", "plots")
        for path in (world / folder).rglob("*")
        if path.is_file() and footage not in path.parents
    }


def test_the_good_case_works(world: Path) -> None:
    for name in ("extract", "annotate_import"):
        done = stage(world, name, "development")
        assert done.returncode == 0, done.stderr
    # The export is of another moment: who reads one line only must see that.
    assert "0 of 1 frames annotated; 1 in no export: not looked at, not empty" in done.stderr
    assert {"data/frames.parquet", "data/boxes.parquet", "metrics/annotate_import.json"} <= written(world)


@pytest.mark.parametrize("fault", ["missing", "empty", "truncated", "no video"])
def test_footage_that_is_no_video(world: Path, fault: str) -> None:
    bad = world / "data" / "footage" / "development" / "b.mp4"
    good = (world / "data" / "footage" / "development" / "a.mp4").read_bytes()
    content = {"empty": b"", "truncated": good[: len(good) // 2], "no video": b"shopping list\n" * 50}
    if fault != "missing":
        bad.write_bytes(content[fault])
    media(world, "a.mp4,Collar", "b.mp4,Collar")
    refused(stage(world, "extract", "development"), "b.mp4")
    assert not written(world)


def test_one_bad_video_among_many_is_set_aside_and_named(world: Path) -> None:
    params = yaml.safe_load((world / "params.yaml").read_text())
    params["extract"]["tolerance"] = 0.5
    (world / "params.yaml").write_text(yaml.safe_dump(params))
    media(world, "a.mp4,Collar", "b.mp4,Collar")
    (world / "data" / "footage" / "development" / "b.mp4").write_bytes(b"")
    assert stage(world, "extract", "development").returncode == 0
    report = yaml.safe_load((world / "metrics" / "extract.json").read_text())
    assert report["media"]["set_aside"] == 1 and "b.mp4" in str(report["set_aside"])


def test_a_video_listed_twice(world: Path) -> None:
    media(world, "a.mp4,Collar", "a.mp4,Cuffs")
    refused(stage(world, "extract", "development"), "development.csv", "a.mp4", "3")
    assert not written(world)


def test_exports_that_name_what_is_not_there(world: Path) -> None:
    assert stage(world, "extract", "development").returncode == 0
    before = written(world)
    one = '<image name="{name}" width="64" height="48">{{box}}</image>'
    export(world, one.format(name="other.mp4/500"))
    refused(stage(world, "annotate_import", "development"), "anna.xml", "other.mp4/500")
    export(world, one.format(name="a.mp4/500"), label="persn")
    refused(stage(world, "annotate_import", "development"), "anna.xml", "persn", "person")
    export(world, one.format(name="a.mp4/500").replace('width="64"', 'width="64"'), right=4)
    refused(stage(world, "annotate_import", "development"), "anna.xml")
    assert written(world) == before


def test_parameters_that_are_unknown_or_missing(world: Path) -> None:
    params = yaml.safe_load((world / "params.yaml").read_text())
    params["extract"]["jpg_quality"] = params["extract"].pop("jpeg_quality")
    (world / "params.yaml").write_text(yaml.safe_dump(params))
    done = stage(world, "extract", "development")
    refused(done, "params.yaml", "extract.jpg_quality", "extract.jpeg_quality")
    assert "make params" in done.stderr


def test_weights_whose_hash_differs(world: Path) -> None:
    for name in ("extract", "annotate_import"):
        assert stage(world, name, "development").returncode == 0
    before = written(world)
    weights = world / "models" / "base" / "yolov8n_simline.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"not the weights that were trusted")
    refused(stage(world, "stage_a_eval"), "yolov8n_simline.pt", "hash")
    assert written(world) == before | {"models/base/yolov8n_simline.pt"}
