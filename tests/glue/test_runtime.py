from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from glue import compose
from provenline import line, sections
from provenline.errors import InputError
from provenline.parameters import section

ROOT = Path(__file__).parents[2]


def test_the_committed_parameters_are_what_conf_composes_to(tmp_path: Path) -> None:
    compose.compose([], tmp_path / "params.yaml")
    # Of the commit, not of the work tree, where somebody may have composed something else.
    show = ["git", "show", "HEAD:params.yaml"]
    done = subprocess.run(show, cwd=ROOT, capture_output=True, check=False)
    committed = done.stdout if done.returncode == 0 else (ROOT / "params.yaml").read_bytes()
    assert (tmp_path / "params.yaml").read_bytes() == committed


def variants() -> list[str]:
    """Every shipped config of every group, as a Hydra override."""
    outside = {ROOT / "conf", ROOT / "conf" / "ablation"}  # ablations: tests/glue/test_ablate.py
    groups = sorted(path for path in (ROOT / "conf").rglob("*.yaml") if path.parent not in outside)
    return [f"{path.parent.relative_to(ROOT / 'conf')}={path.stem}" for path in groups]


def test_no_variant_is_forgotten() -> None:
    ablations = list((ROOT / "conf" / "ablation").glob("*.yaml"))
    everything = list((ROOT / "conf").rglob("*.yaml"))
    assert len(variants()) == len(everything) - len(ablations) - 1 >= 20


@pytest.mark.parametrize("override", variants())
def test_every_shipped_config_composes_and_is_valid(override: str, tmp_path: Path) -> None:
    compose.compose([override], tmp_path / "params.yaml")
    checked = sections.check(yaml.safe_load((tmp_path / "params.yaml").read_text()))
    assert checked >= len(sections.SECTIONS)


def composed(tmp_path: Path) -> dict:
    compose.compose([], tmp_path / "params.yaml")
    return yaml.safe_load((tmp_path / "params.yaml").read_text())


def test_unknown_and_missing_parameters_are_named_all_at_once(tmp_path: Path) -> None:
    value = composed(tmp_path)
    value["train"]["recipe"]["lr_zero"] = 0.1
    del value["train"]["recipe"]["lr0"]
    with pytest.raises(InputError) as caught:
        sections.check(value)
    assert "train.recipe.lr_zero" in str(caught.value) and "train.recipe.lr0" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_section_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="trian"):
        sections.check({**composed(tmp_path), "trian": {}})


@pytest.mark.parametrize("override", ["round=null", "seed=-1", "source.simulate=null", "usecase.classes=[]"])
def test_what_stands_alone_is_checked_too(override: str, tmp_path: Path) -> None:
    compose.compose([override], tmp_path / "params.yaml")
    with pytest.raises(InputError, match=override.partition("=")[0].rpartition(".")[2]):
        sections.check(yaml.safe_load((tmp_path / "params.yaml").read_text()))


@pytest.mark.parametrize("override", ["model=nope", "trian.lr=3", "model=", "model=1"])
def test_a_wrong_override_is_one_line(override: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        compose.compose([override], tmp_path / "params.yaml")
    assert "conf" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "near"),
    [
        ("sampling=evry", "Nearest: every. "),
        ("sampling=xyzzy", ""),
        ("model=yolov8n_simlin", "Nearest: yolov8n_simline, "),
    ],
)
def test_an_unknown_option_is_named_with_its_group_and_the_known_ones(
    override: str, near: str, tmp_path: Path
) -> None:
    group, _, option = override.partition("=")
    known = sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml"))
    with pytest.raises(InputError) as caught:
        compose.compose([override], tmp_path / "params.yaml")
    said = str(caught.value)
    assert said.startswith(f"conf/{group}: has no option '{option}'. {near}")
    assert said.endswith(f"Known: {', '.join(known)}.")
    assert not (tmp_path / "params.yaml").exists()


NEAR = {
    "train.recipe.lr=1": "Nearest: .*train.recipe.lr0",
    "recipe.imgsz=1": "Nearest: .*profile.imgsz",
    "trian.lr0=1": "Nearest: train.recipe.lr0",
    "xyzzy=1": "See params.yaml",
}


@pytest.mark.parametrize("override", NEAR)
def test_a_misspelt_key_is_named_with_its_nearest(override: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"conf: has no parameter '{override[:-2]}'.*{NEAR[override]}"):
        compose.compose([override], tmp_path / "params.yaml")


def test_a_target_that_cannot_be_built_here_is_said_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(compose, "PARAMS", tmp_path / "params.yaml")
    monkeypatch.setattr(compose, "STAMP", tmp_path / "composed")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for overrides, said in ((["target=tensorrt_fp16"], "trt-build will refuse: target"), ([], "")):
        monkeypatch.setattr("sys.argv", ["compose", *overrides])
        compose.main()
        assert said in capsys.readouterr().err and (tmp_path / "params.yaml").exists()
    assert "refuse" not in capsys.readouterr().err


def test_parameters_that_nobody_can_read_are_composed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every message says `make params`: it must mend what a merge left."""
    monkeypatch.chdir(tmp_path)
    for name in ("conf", "provenline", "glue", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setattr("sys.argv", ["compose"])
    (tmp_path / "params.yaml").write_text("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> other\n")
    compose.main()
    assert yaml.safe_load((tmp_path / "params.yaml").read_text())["round"]


def test_a_missing_value_is_an_error(tmp_path: Path) -> None:
    value = composed(tmp_path)
    value["model"]["weights"] = "???"
    with pytest.raises(InputError, match=r"model\.weights"):
        sections.check(value)


def test_a_stage_without_parameters_ends_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stages.extract", "development"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "params.yaml" in done.stderr and "Traceback" not in done.stderr


def test_composing_again_is_skipped_only_where_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    for name in ("provenline", "glue", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["compose"])
    compose.main()
    first = (tmp_path / "params.yaml").read_bytes()
    monkeypatch.setattr(compose, "compose", None)  # a second time would fail
    compose.main()
    assert compose.differences() == []
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["compose"])
    (tmp_path / "params.yaml").write_bytes(first.replace(b"seed: 0", b"seed: 1"))
    assert compose.differences()
    compose.main()
    assert (tmp_path / "params.yaml").read_bytes() == first
    conf = tmp_path / "conf" / "config.yaml"
    conf.write_text(conf.read_text().replace("seed: 0", "seed: 2"))
    compose.main()
    assert (tmp_path / "params.yaml").read_bytes() != first


def test_sections_by_dotted_name() -> None:
    value = {"source": {"development": {"root": "a", "watched": "a", "media_list": "b", "annotations": "c"}}}
    assert section(value, "source.development", line.Footage).root == Path("a")
    with pytest.raises(InputError, match="section is missing"):
        section(value, "source.deployment", line.Footage)
