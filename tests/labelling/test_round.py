"""A round through its commands: drawn from a shadow run, labelled, taken in, and what is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from provenline import rounds, tables
from provenline.annotations import cvat
from provenline.cli import app
from provenline.errors import InputError
from provenline.files import write_json
from provenline.footage.media import write_media_list
from provenline.labelling import current, drawing
from provenline.shadow.ab import shadow_ab
from provenline.splits import ledger
from tests.evaluation import world as tables_world
from tests.shadow import world
from tests.shadow.world import GREEN, RED, ColourDetector, scene

ROOT = Path(__file__).parents[2]
GROUPS = ("a", "b", "c")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project after a shadow run whose engines differ on green squares, with an accepted split."""
    monkeypatch.chdir(tmp_path)
    footage = tmp_path / "footage"
    for place, name in enumerate(GROUPS):
        drawn = [scene(10 + 20 * place, None), scene(12, 60), scene(None, 30 + 9 * place), scene(None, None)]
        world.video(footage / f"{name}.mp4", drawn)
    write_media_list(
        tmp_path / "media.csv",
        [{"path": f"{name}.mp4", "group": name, "camera": "c1", "category": "Collar"} for name in GROUPS],
    )
    media = [world.media(footage / f"{name}.mp4", name) for name in GROUPS]
    params, reading = world.params(), world.reading()
    engines = ColourDetector({RED: 0.4}), ColourDetector({RED: 0.9, GREEN: 0.8}, fingerprint="b" * 64)
    done = shadow_ab(media, *engines, params, world.privacy(), reading, tmp_path / "data/shadow")
    write_json(tmp_path / "metrics/shadow_ab.json", done.metrics)
    given = yaml.safe_load((ROOT / "params.yaml").read_text())
    given["source"]["deployment"] |= {"root": "footage", "media_list": "media.csv"}
    rule = {"source": "worker", "to": "person", "attribute": None, "value": None}
    dummy = {"source": "worker", "to": "mannequin", "attribute": "dummy", "value": "true"}
    given["annotate_import"] |= {"labels": [dummy, rule]}
    given["annotate_import"]["adjudication"] = {"kind": "named"}
    given["annotate_import"]["primary"] = []
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(given))
    # Another recording of the same name: names are apart, footage by footage.
    own = [tables_world.frame("d1", "dev", media="a.mp4") | {"media_sha256": "d" * 64}]
    tables.write(tables_world.frames_table(own), "data/annotated.parquet", tables.FRAMES)
    split = "frame_id,media,group,category,unit,split\nd1,a.mp4,dev,Collar,dev,test\n"
    (tmp_path / "data/dataset_split_v0.csv").write_text(split)
    (tmp_path / "data/split_ledger.csv").write_text("group,category,split\n")
    monkeypatch.setattr("provenline.commands.round.dvc_add", lambda *_: None)
    monkeypatch.setattr("provenline.commands.round.follow", lambda *_: "")
    return tmp_path


def call(*words: str) -> str:
    done = CliRunner().invoke(app, ["round", *words], catch_exceptions=True)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return " ".join(done.output.split())


def label(project: Path, x: int = 10, skip: int = 0) -> Path:
    """Label the package as a person would: the names stay, boxes come."""
    xml = (project / "data/labelling/v0.1/package/annotations.xml").read_text()
    exports, images = project / "exports", xml.split("<image ")
    exports.mkdir(exist_ok=True)
    box = f'<box label="worker" occluded="0" xtl="{x}" ytl="16" xbr="{x + 24}" ybr="40"></box>'
    labelled = [one.replace("/>", f">{box}</image>", 1) for one in images[1 + skip :]]
    (exports / "ann.xml").write_text("<image ".join([images[0], *labelled]))
    return exports


def test_a_recording_is_hashed_once_however_often_it_is_looked_at(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    monkeypatch.setattr(drawing, "sha256_file", lambda file: hashed.append(file) or "d" * 64)
    media = [world.media(project / f"footage/{name}.mp4", name) for name in GROUPS]
    footage = drawing._Footage(media, {"a.mp4": "d" * 64, "b.mp4": "e" * 64, "c.mp4": "d" * 64})
    for _ in range(3):
        found = [footage.get(name) for name in ("a.mp4", "b.mp4", "gone.mp4")]
        assert found == [media[0], None, None], "another file under an old name is gone too"
    assert hashed == [media[0].file, media[1].file]


def test_a_round_goes_out_and_comes_back(project: Path) -> None:
    said = call("draw", "--frames", "6")  # one scene is the same in all three
    assert "v0.1: 5 of 9 frames (" in said and "from 3 groups, 1 cameras" in said
    drawn = project / "data/labelling/v0.1"
    listed = pd.read_csv(drawn / "drawn.csv")
    assert set(listed["reason"]) <= {"red", "yellow", "disagreement"} and listed["frame_id"].is_unique
    assert {path.name for path in (drawn / "package").iterdir()} == {
        "annotations.xml",
        "images.csv",
        "images",
    }
    shown = pd.read_csv(drawn / "package/images.csv")  # nothing tells what a model said, nor does the order
    assert list(shown.columns) == ["image", "media", "time_ms"] and shown["image"].is_monotonic_increasing
    assert pd.read_csv(drawn / "media.csv")["name"].tolist() == ["a.mp4", "b.mp4", "c.mp4"]
    assert [str(one.label) for one in cvat.read(drawn / "package/annotations.xml")[0].objects] == []
    xml = (drawn / "package/annotations.xml").read_text()
    assert "<name>worker</name>" in xml and "<name>dummy</name>" in xml  # what the label map looks at
    pictures = {path.stem: cv2.imread(str(path)) for path in (drawn / "images").iterdir()}
    assert pictures.keys() == set(listed["frame_id"])
    call_refused("draw", "was drawn already")

    exports = label(project)
    call_refused("take", "1 groups of the split are not accepted (first: 'dev')", str(exports))
    assert not (project / "data/rounds").exists() and not (project / current.FILE).exists()
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    said = call("take", str(exports))
    assert "v0.1: 5 frames of 3 groups are in train; objects: person 5" in said
    held = ledger.read_ledger("data/split_ledger.csv")
    assert dict(zip(held["group"], held["split"], strict=True)) == {
        "a": "train", "b": "train", "c": "train", "dev": "test",
    }  # fmt: skip
    assert yaml.safe_load(current.FILE.read_text()) == {"round": "v0.1", "rounds": "data/rounds"}
    taken = rounds.read(Path("data/rounds"), "v0.1")
    assert taken.groups == set(GROUPS) and taken.frames["annotated"].all()
    assert set(taken.frames["media"]) == {f"v0.1/{name}.mp4" for name in GROUPS}
    assert all(Path(path).read_bytes()[:2] == b"\xff\xd8" for path in taken.frames["path"])
    assert taken.frames["thumbnail"].map(len).eq(256).all() and taken.frames["dhash"].map(len).eq(16).all()
    assert set(taken.boxes["label"]) == {"person"} and taken.boxes["x2"].eq(34).all()
    assert (project / "data/rounds/v0.1/exports/ann.xml").read_bytes() == (exports / "ann.xml").read_bytes()


def call_refused(word: str, said: str, *words: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(").replace(")", r"\)")):
        call(word, *words)


def test_taking_again_after_it_was_cut_off_ends_the_same(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("draw", "--frames", "6")
    exports = label(project)
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")

    def fails(*_: object) -> None:
        raise InputError("dvc add: no space left on device")

    for place in ("commands.round.dvc_add", "splits.ledger.write_ledger", "labelling.current.write"):
        with monkeypatch.context() as broken:
            broken.setattr(f"provenline.{place}", fails)
            call_refused("take", "no space left", str(exports))
        assert not current.FILE.exists()
    call("take", str(exports))
    assert rounds.read(Path("data/rounds"), "v0.1").groups == set(GROUPS)
    assert len(ledger.read_ledger("data/split_ledger.csv")) == 4


def test_frames_without_labels_are_left_out_and_counted(project: Path) -> None:
    call("draw", "--frames", "6")
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    said = call("take", str(label(project, skip=2)))
    assert "v0.1: 3 frames of" in said
    assert len(rounds.read(Path("data/rounds"), "v0.1").frames) == 3


@pytest.mark.parametrize("side", ["val", "test"])
def test_what_judges_may_not_train(project: Path, side: str) -> None:
    call("draw", "--frames", "6")
    rows = (
        f"frame_id,media,group,category,unit,split\nd1,a.mp4,dev,Collar,dev,test\nx,b.mp4,b,Collar,b,{side}\n"
    )
    (project / "data/dataset_split_v0.csv").write_text(rows)
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    call_refused("take", f"group 'b' is tied to {side}: what judges may not train", str(label(project)))
    shutil.rmtree(project / "data/labelling")
    said = call("draw", "--frames", "6")  # nobody labels what could not be taken in
    assert "left out: 1 groups that are tied to what judges (first: 'b')" in said
    assert set(pd.read_csv("data/labelling/v0.1/drawn.csv")["group"]) == {"a", "c"}
    call("take", str(label(project)))


def test_a_camera_that_a_split_does_not_cut_stays_on_its_side(project: Path) -> None:
    call("draw", "--frames", "6")
    given = yaml.safe_load((project / "params.yaml").read_text())
    given["split"]["by"] = ["camera"]
    (project / "params.yaml").write_text(yaml.safe_dump(given))
    own = [tables_world.frame("d1", "dev", media="a.mp4") | {"media_sha256": "d" * 64, "camera": "c1"}]
    tables.write(tables_world.frames_table(own), "data/annotated.parquet", tables.FRAMES)
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    call_refused("take", "group 'a' is tied to test", str(label(project)))
    assert not (project / "data/rounds").exists()
    shutil.rmtree(project / "data/labelling")
    call_refused("draw", "all 3 groups that the last shadow run compared have taught or judge (this is v0)")


def test_a_round_keeps_the_units_of_the_split(project: Path) -> None:
    given = yaml.safe_load((project / "params.yaml").read_text())
    given["split"]["by"] = ["camera"]
    (project / "params.yaml").write_text(yaml.safe_dump(given))
    call("draw", "--frames", "6")
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    call("take", str(label(project)))
    held = ledger.read_ledger("data/split_ledger.csv")
    assert set(held[held["group"].isin(GROUPS)]["unit"]) == {"camera=c1"}


def test_a_second_round_draws_and_takes_what_the_first_did_not(project: Path) -> None:
    call("draw", "--frames", "6")
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    exports = label(project)
    call("take", str(exports))
    call_refused("draw", f"says round v0, {current.FILE} says v0.1")  # params.yaml does not follow here
    given = yaml.safe_load((project / "params.yaml").read_text())
    (project / "params.yaml").write_text(yaml.safe_dump(given | {"round": "v0.1", "rounds": "data/rounds"}))
    call_refused("draw", "all 3 groups that the last shadow run compared have taught or judge (this is v0.1)")
    shutil.copytree("data/labelling/v0.1", "data/labelling/v0.2")
    shutil.copyfile("data/dataset_split_v0.csv", "data/dataset_split_v0.1.csv")
    call_refused("take", "was labelled before", str(exports))
    Path("data/dataset_split_v0.1.csv").unlink()
    frames = tables.read("data/labelling/v0.2/frames.parquet", tables.FRAMES)
    moved = frames.assign(frame_id=[one.replace("_0000", "_0005") for one in frames["frame_id"]])
    moved["time_ms"] += 500_000
    tables.write(moved, "data/labelling/v0.2/frames.parquet", tables.FRAMES)
    xml = (exports / "ann.xml").read_text().replace("_0000", "_0005")
    (exports / "ann.xml").write_text(xml)
    call_refused("take", "data/dataset_split_v0.1.csv: is not there", str(exports))
    shutil.rmtree("data/rounds")  # a clone without `dvc pull`: v0.1 must not vanish
    call_refused("take", "folder is missing", str(exports))


def test_a_recording_that_was_overwritten_is_gone(project: Path) -> None:
    world.video(project / "footage/a.mp4", [scene(40, 20), scene(None, 10), scene(60, 30), scene(5, 5)])
    (project / "footage/b.mp4").unlink()
    said = call("draw", "--frames", "6")
    assert set(pd.read_csv("data/labelling/v0.1/drawn.csv")["group"]) == {"c"}
    assert "6 unreadable" in said
    shutil.rmtree(project / "data/labelling")
    (project / "footage/c.mp4").unlink()
    call_refused("draw", "of 9 frames 0 were drawn before and 9 are gone")
    assert not (project / "data/labelling/v0.1").exists()


def test_the_package_as_it_went_out_is_no_label(project: Path) -> None:
    call("draw", "--frames", "6")
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    package = project / "data/labelling/v0.1/package"
    call_refused("take", "none of the 5 frames has an object", str(package))
    call_refused("take", "holds more than exports", str(project / "data"))
    call_refused("take", "holds more than exports", str(project))
    call_refused("take", "is no folder", str(package / "annotations.xml"))
    said = call("take", str(package), "--nobody")
    assert "objects: none; 5 frames without any" in said


def test_two_annotators_count_once_and_share_a_package(project: Path) -> None:
    call("draw", "--frames", "6")
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    exports = label(project)
    shutil.copyfile(exports / "ann.xml", exports / "bea.xml")
    assert "objects: person 5; 0 frames without any" in call("take", str(exports))
    assert len(rounds.read(Path("data/rounds"), "v0.1").boxes) == 10


def test_other_faults_are_said(project: Path) -> None:
    exports = project / "exports"
    exports.mkdir()
    call_refused("take", "nothing was drawn", str(exports))
    call("draw", "--frames", "6")
    call_refused("take", "no format is called 'xml'", str(exports), "--format", "xml")
    call_refused("take", "folder is missing", str(project / "elsewhere"))
    xml = (project / "data/labelling/v0.1/package/annotations.xml").read_text()
    (exports / "ann.xml").write_text(re.sub(r"_0000(0\d000.jpg)", r"_0009\1", xml))  # other moments
    call_refused("take", "no image is one of the 5 frames that were drawn", str(exports))
    (project / "params.yaml").write_text("round: v0\n")
    call_refused("draw", "is missing")


def test_after_a_promotion_there_is_nothing_to_draw_from(project: Path) -> None:
    frames = project / "data/shadow/frames.parquet"
    tables.write(tables.read(frames, tables.FRAMES).head(0), frames, tables.FRAMES)
    call_refused("draw", "the last shadow run compared nothing")


def test_blurred_people_leave_no_pictures_in_the_package(project: Path) -> None:
    given = yaml.safe_load((project / "params.yaml").read_text())
    given["footage"]["anonymise"] = "persons"
    (project / "params.yaml").write_text(yaml.safe_dump(given))
    assert "no pictures" in call("draw", "--frames", "6")
    drawn = project / "data/labelling/v0.1"
    assert not (drawn / "package/images").exists() and len(list((drawn / "images").iterdir())) == 5
    ledger.accept("data/dataset_split_v0.csv", "data/split_ledger.csv")
    call("take", str(label(project)))
    assert len(rounds.read(Path("data/rounds"), "v0.1").frames) == 5


def test_marks_of_production_choose(project: Path) -> None:
    (project / "marks.csv").write_text("media,time_ms,quality\na.mp4,3000,red\nz.mp4,0,red\n")
    said = call("draw", "--frames", "1", "--marks", "marks.csv")
    assert "(1 red, 0 yellow, 0 disagreement)" in said
    (only,) = pd.read_csv("data/labelling/v0.1/drawn.csv").to_dict("records")
    assert (only["media"], only["time_ms"]) == ("a.mp4", 3000)


def test_the_split_that_is_shipped_is_the_one_of_the_first_round() -> None:
    assert (ROOT / current.FILE).read_text() == current.text("v0")


def test_composed_parameters_follow_the_round_and_keep_their_overrides(tmp_path: Path) -> None:
    from glue import compose, pin

    target = tmp_path / "params.yaml"
    compose.compose(["train.recipe.seed=7"], target)
    current.write(tmp_path, "v0.3")
    pin.turn(target)
    found = yaml.safe_load(target.read_text())
    assert (found["round"], found["rounds"], found["shadow_ab"]["round"]) == ("v0.3", "data/rounds", "v0.3")
    assert found["train"]["recipe"]["seed"] == 7


def test_git_never_sees_what_rounds_hold() -> None:
    for name in ("data/labelling/v0.1/images/x.jpg", "data/rounds/v0.1/frames.parquet"):
        assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT, check=False).returncode == 0
    assert (
        subprocess.run(["git", "check-ignore", "-q", "data/rounds.dvc"], cwd=ROOT, check=False).returncode
        == 1
    )
