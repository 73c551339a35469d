"""What a stage says that it read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import yaml

from glue import runtime
from provenline.dossier import sums


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_files_folders_code_and_named_footage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = {
        "data/boxes.parquet": "boxes",
        "data/frames/a/1.jpg": "one",
        "data/frames/a/2.jpg": "two",
        "stages/eval.py": "code",
        "provenline/evaluation/x.py": "more code",
        "provenline/other.py": "not behind it",
    }
    for name, text in texts.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    deps = ["stages/eval.py", "provenline/evaluation", "data/${x}"]
    stage = {"foreach": "${targets}", "do": {"cmd": "stages/run eval ${key}", "deps": deps}}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"Eval it": stage}}))
    runtime.inputs("eval", ["data/boxes.parquet", Path("data/frames")], "jetson", {"footage/a.mp4": "0" * 64})
    assert sums.read(Path("metrics/inputs/eval_jetson.sha256")) == {
        **{name: sha(text) for name, text in texts.items() if name != "provenline/other.py"},
        "footage/a.mp4": "0" * 64,
    }
    first = Path("metrics/inputs/eval_jetson.sha256").read_bytes()
    runtime.inputs("eval", [Path("data/frames"), "data/boxes.parquet"], "jetson", {"footage/a.mp4": "0" * 64})
    assert Path("metrics/inputs/eval_jetson.sha256").read_bytes() == first


def test_without_a_pipeline_there_is_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("a")
    runtime.inputs("eval", ["a"])
    assert sums.read(Path("metrics/inputs/eval.sha256")) == {"a": sha("a")}
