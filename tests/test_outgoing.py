"""What reaches a tracker: numbers that compare, and no frame, whatever its name, that no allow-list names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenline.outgoing import admitted, named, numbers

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
    Path("reports/figures/deep").mkdir()
    Path(".state").mkdir()
    deep, hidden = write("reports/figures/deep/b.png"), write(".state/c.png")
    assert named(("reports/*.png",)) == [shown, deep], "a * stands for a / too, as where it is admitted"
    assert all(admitted(path, ("reports/*.png",)) for path in (shown, deep))
    assert named(("*.png",)) == [other, shown, deep] and hidden.is_file()


def test_only_numbers_are_logged_under_their_dotted_names() -> None:
    given = {"a": {"b": 1, "c": "text", "d": None, "e": [1, 2]}, "f": True}
    assert dict(numbers(given, "eval")) == {"eval.a.b": 1.0, "eval.f": 1.0}


def test_what_describes_an_interval_is_left_to_the_files() -> None:
    recall = {"estimate": 0.9, "low": 0.8, "high": 1.0, "confidence": 0.95, "groups": 21, "error": 0.05}
    cuts = {f"by_{axis}": {"one": {"recall": recall}} for axis in ("camera", "day", "size", "class")}
    parts = {"recall": recall, "by_category": {"Collar": {"recall": recall}}, **cuts}
    parts |= {"own": {"base": {"recall": recall}}, "base": {"coco": {"per_class": {"person": {"map": 0.5}}}}}
    given = {"splits": {"train": parts, "test": parts}, "holm": {"recall": {"rows": {"Collar": {"p": 0.5}}}}}
    stage_a = {"by_category": {"Collar": {"frames": 4, "by_attribute": {"role": {"frames": 1}}}}}
    assert dict(numbers(stage_a, "stage_a_eval")) == {"stage_a_eval.by_category.Collar.frames": 4.0}
    kept = set(dict(numbers(given, "eval_v0")))
    ends = ("estimate", "low", "high")
    assert kept == {
        *(f"eval_v0.splits.{split}.recall.{end}" for split in ("train", "test") for end in ends),
        *(f"eval_v0.splits.test.by_category.Collar.recall.{end}" for end in ends),
        *(f"eval_v0.splits.test.own.base.recall.{end}" for end in ends),
        "eval_v0.splits.test.base.coco.per_class.person.map",
    }
