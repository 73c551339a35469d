"""What the lock file tells of stages that have something to do again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from provenline.errors import InputError
from provenline.files import write_json
from provenline.reports.outdated import outdated
from provenline.reports.summary import lines

PARAMS: dict[str, Any] = {"train": {"lr0": 0.01}, "source": {"development": {"root": "a"}}, "round": "v0"}
STAGES = ["extract@development", "train", "eval"]


def stage(path: str, md5: str, params: dict[str, Any], *deps: tuple[str, str]) -> dict[str, Any]:
    return {
        "cmd": "x",
        "deps": [{"path": name, "md5": one} for name, one in deps],
        "params": {"params.yaml": params},
        "outs": [{"path": path, "md5": md5}],
    }


@pytest.fixture
def lock() -> dict[str, Any]:
    source = {"source.development": PARAMS["source"]["development"]}
    return {
        "extract@development": stage("data/frames", "1.dir", source),
        "train": stage("metrics/train.json", "2", {"train": PARAMS["train"]}, ("data/frames", "1.dir")),
        "eval": stage("metrics/eval_v0.json", "3", {"round": "v0"}, ("metrics/train.json", "2")),
        "apart": stage("metrics/apart.json", "4", {}),
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("train", "eval_v0", "apart"):
        write_json(tmp_path / f"metrics/{name}.json", {})
    return tmp_path


def found(root: Path, lock: dict[str, Any], parameters: dict[str, Any]) -> list[str]:
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": lock}, sort_keys=False))
    return outdated(root, parameters)


def test_what_ran_as_the_parameters_are_is_not(root, lock):
    assert found(root, lock, PARAMS) == []


@pytest.mark.parametrize(
    ("section", "stale"), [("source", STAGES), ("train", STAGES[1:]), ("round", ["eval"])]
)
def test_other_parameters_are_seen_and_what_follows(root, lock, section, stale):
    assert found(root, lock, {**PARAMS, section: {"lr0": 0.5}}) == stale


def test_a_ledger_that_changed_is_seen(root, lock):
    ledger = root / "ledger.csv"
    ledger.write_bytes(b"group\n")
    digest = hashlib.md5(b"group\n", usedforsecurity=False).hexdigest()
    lock["train"]["deps"].append({"path": "ledger.csv", "hash": "md5", "md5": digest})
    assert found(root, lock, PARAMS) == []
    ledger.write_bytes(b"group\na\n")
    assert found(root, lock, PARAMS) == STAGES[1:]


def test_words_and_numbers_are_those_of_the_yaml_that_dvc_writes(root, lock):
    """`no` is a word there and 1e-05 a number; nothing would ever bring such a stage up to date."""
    from dvc.utils.serialize import dumps_yaml

    train = {"lr0": 1e-05, "big": 1e16, "on": True, "none": None, "names": ["no", "1:30", "3", 3, 0.5, ""]}
    lock["train"]["params"]["params.yaml"]["train"] = train
    (root / "dvc.lock").write_text(dumps_yaml({"schema": "2.0", "stages": lock}))
    assert outdated(root, {**PARAMS, "train": train}) == []
    assert outdated(root, {**PARAMS, "train": {**train, "lr0": 2e-05}}) == STAGES[1:]


def test_what_was_made_anew_since_is_seen(root, lock):
    lock["extract@development"]["outs"][0]["md5"] = "9.dir"
    assert found(root, lock, PARAMS) == STAGES[1:]


def test_a_file_in_a_folder_that_was_made_is_followed(root, lock):
    lock["train"]["deps"][0]["path"] = "data/frames/one.zip"
    lock["train"]["deps"][0]["md5"] = "of the file"
    assert found(root, lock, {**PARAMS, "source": {}}) == STAGES


def test_a_stage_that_did_not_end_is_seen(root, lock):
    (root / "metrics/train.json").unlink()
    assert found(root, lock, PARAMS) == STAGES[1:]


def test_a_target_that_was_given_up_is_no_stage_any_more(root, lock):
    lock["simulate@development"] = stage("data/simline", "5.dir", {"simulate": {"seed": 1}})
    lock["trt-build@old"] = stage("metrics/trt_build/old.json", "6", {"trt_build.old": {"kind": "x"}})
    footage = {**PARAMS, "simulate": None, "trt_build": {"new": {}}}
    footage["source"] = {**PARAMS["source"], "simulate": []}
    assert found(root, lock, footage) == []
    footage["source"]["simulate"] = ["development"]
    assert found(root, lock, footage) == ["simulate@development"]


def test_before_anything_ran_nothing_is_out_of_date(tmp_path):
    assert outdated(tmp_path, PARAMS) == []


@pytest.mark.parametrize("text", ["a: [", "[]", "stages: 1", "stages: {a: 1}"])
def test_what_is_no_lock_file_is_named(tmp_path, text):
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(InputError, match=r"dvc\.lock.*git"):
        outdated(tmp_path, PARAMS)


def test_the_last_lines_say_so(copy, lock):
    said = dict(lines(copy))
    assert "Out of date" not in said
    lock["apart"]["params"]["params.yaml"] = {"round": "v7"}
    found(copy, {"apart": lock["apart"]}, PARAMS)
    assert dict(lines(copy))["Out of date"] == "apart: run `dvc repro` (or `dvc pull`)"
