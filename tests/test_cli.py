from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenline import doctor
from provenline.cli import app
from provenline.errors import InputError
from provenline.residency import no_address

run = CliRunner().invoke


def test_without_words_it_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from provenline.cli import main; main()"], capture_output=True, check=False
    )
    assert b"doctor" in done.stdout + done.stderr


def test_a_media_list_is_started_and_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "a.mp4").write_bytes(b"x")
    listed = tmp_path / "media.csv"
    words = ["media", "init", str(tmp_path / "clips"), str(listed), "--category", "Collar"]
    assert run(app, words).exit_code == 0
    rows = list(csv.DictReader(listed.open()))
    assert [(row["path"], row["category"]) for row in rows] == [("a.mp4", "Collar")]
    assert isinstance(run(app, words).exception, InputError)


COMMANDS = [
    ["summary"],
    ["cost"],
    ["plan"],
    ["verify"],
    ["promote"],
    ["rollback"],
    ["push"],
    ["stage-a", "accept"],
    ["split", "accept"],
    ["split", "certificate"],
    ["footage", "accept"],
    ["review", "export", "out"],
    ["round", "draw"],
    ["annotations", "export", "--format", "coco", "--out", "out"],
    ["remote", "share", "data/dataset"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_wrong_folder_is_named_with_what_it_lacks(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = run(app, words).exception
    said = f"{tmp_path}: is no project's folder: it has no dvc.yaml and no params.yaml. Run it in"
    assert isinstance(error, InputError) and str(error) == f"{said} the folder of the project."
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    error = run(app, words).exception
    assert str(error) == f"{tmp_path}: has no params.yaml. Run `make params`."
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    assert str(run(app, words).exception).endswith(f"Run it in {tmp_path}.")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["docs", "dvc.yaml"]


def test_accept_takes_the_round_of_the_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "params.yaml").write_text("round: v0.1\n")
    header = "frame_id,media,group,category,split\n"
    (tmp_path / "data" / "dataset_split_v0.csv").write_text(header + "f,m,old,Collar,test\n")
    (tmp_path / "data" / "dataset_split_v0.1.csv").write_text(header + "f,m,new,Collar,train\n")
    (tmp_path / "data" / "split_ledger.csv").write_text("group,category,split\n")
    done = run(app, ["split", "accept"])
    assert done.exit_code == 0, done.output
    assert "1 groups added" in done.output
    lines = (tmp_path / "data" / "split_ledger.csv").read_text().splitlines()
    assert lines[1].startswith("new,Collar,train,new,") and lines[2].startswith("# seal rows=1 ")


def test_stage_a_accept_copies_the_measured_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("round: v0\n")
    assert "Run `dvc repro stageA-eval`" in str(run(app, ["stage-a", "accept"]).exception)
    (tmp_path / "data").mkdir()
    header = "frame_id,category,group"
    sample = f"{header},objects,missed,false,whom,what\na_1,Collar,a.mp4,1,1,0,hands only,\n"
    (tmp_path / "data/stage_a_sample.csv").write_text(sample)
    assert isinstance(run(app, ["stage-a", "accept"]).exception, InputError)  # there is no ledger to add to
    ledger = tmp_path / "data/stage_a_ledger.csv"
    ledger.write_text(f"{header}\n")
    assert "1 frames added, 0 kept" in run(app, ["stage-a", "accept"]).output
    assert ledger.read_text() == f"{header}\na_1,Collar,a.mp4\n"


def test_the_doctor_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "av" else "1.0")
    found = {one.about: one for one in doctor.examine(tmp_path)}
    assert found["av"].state == "missing" and "pip install" in found["av"].text
    assert found["one OpenCV"].state == "missing"  # every variant "is installed" here
    assert not doctor.healthy(list(found.values()))


def test_an_edge_device_without_torch_is_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {
        *doctor.TRAIN,
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    }
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in absent else "1.0")
    assert doctor.healthy(doctor.examine(tmp_path))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    assert not doctor.healthy(doctor.examine(tmp_path))


def test_a_placeholder_is_no_remote(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("url = s3://SET-YOUR-BUCKET/dvc\n")
    found = {one.about: one for one in doctor.examine(tmp_path)}["S3 remote"]
    assert found.state == "note" and found.text == str(no_address("storage"))
    (tmp_path / ".dvc" / "config.local").write_text("url = s3://ours/dvc\n")
    assert {one.about: one.state for one in doctor.examine(tmp_path)}["S3 remote"] == "ok"


@pytest.mark.parametrize(
    "device, here, said",
    [
        ("cpu", 0, None),
        ("0,1", 2, ("ok", "asks for 2 (profile.device: 0,1), 2 here")),
        ("0,1", 1, ("missing", "asks for 2 (profile.device: 0,1), 1 here: make params")),
        ("cuda:0", 1, ("ok", "asks for 1")),
        ("0", 0, ("missing", "0 here")),
    ],
)
def test_the_doctor_holds_the_gpus_asked_for_against_those_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, here: int, said: tuple[str, str] | None
) -> None:
    (tmp_path / "params.yaml").write_text(f'profile: {{device: "{device}"}}\n')
    monkeypatch.setattr(doctor, "_gpus", lambda: (["one, 580, 81559 MiB"] * here, "none"))
    found = {one.about: one for one in doctor.examine(tmp_path)}
    assert ("GPUs asked for" in found) == (said is not None)
    if said:
        assert found["GPUs asked for"].state == said[0] and said[1] in found["GPUs asked for"].text
