"""The shipped ablations, and what a user gets wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from glue import compose
from glue.experiments.commits import composed
from provenline import sections
from provenline.ablation.comparable import only_training_moves
from provenline.ablation.design import cells, expand
from provenline.ablation.params import arguments, read
from provenline.errors import InputError

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "conf" / "ablation").glob("*.yaml"))


def test_the_list_of_ablations_is_whole() -> None:
    assert [path.stem for path in SHIPPED] == ["augment", "seeds", "small", "sweep"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_cell_composes_is_valid_and_moves_the_training_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    params = read(path)
    wanted = cells(params.model_copy(update={"seeds": params.seeds[-1:]}), expand(params), path.stem)
    parameters = {name: composed(overrides) for name, overrides in wanted.values()}
    for value in parameters.values():
        assert sections.check(value) >= len(sections.SECTIONS)
        assert value["train"]["recipe"]["seed"] == params.seeds[-1] and value["split"]["seed"] == 0
    only_training_moves(parameters)
    augments = [str(value["train"]["augment"]) for value in parameters.values()]
    assert len(set(augments)) == len(augments)  # no setting is another one in disguise


def test_the_reference_is_the_default_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that its first seed is not trained again where the line has run."""
    monkeypatch.chdir(ROOT)
    params = read(ROOT / "conf" / "ablation" / "augment.yaml")
    wanted = cells(params, expand(params), "augment")
    assert composed(wanted["reference", 0][1]) == composed(())


def test_cells_that_move_more_than_the_training_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    parameters = {"a": composed(()), "b": composed(("sampling=every",)), "c": composed(("seed=1",))}
    with pytest.raises(InputError, match=r"b and a differ in extract"):
        only_training_moves(parameters)
    with pytest.raises(InputError, match=r"c and a differ in .*split"):
        only_training_moves({"a": parameters["a"], "c": parameters["c"]})


def test_editing_an_ablation_changes_no_parameter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    monkeypatch.chdir(tmp_path)
    compose.compose([], tmp_path / "before.yaml")
    (tmp_path / "conf" / "ablation" / "augment.yaml").write_text("seeds: [7]\n")
    compose.compose([], tmp_path / "after.yaml")
    assert (tmp_path / "before.yaml").read_bytes() == (tmp_path / "after.yaml").read_bytes()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"seeds": "many"}, "seeds"),
        ({"factors": {"flip": {True: [], False: []}}}, 'quote the levels "on" and "off"'),
        ({"seed_key": "seed"}, "seed_key"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(tmp_path: Path, fault: dict, said: str) -> None:
    good = yaml.safe_load(SHIPPED[0].read_text())
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(good | fault))
    with pytest.raises(InputError) as caught:
        read(tmp_path / "bad.yaml")
    assert said in str(caught.value) and "bad.yaml" in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_ablation_lists_those_there_are() -> None:
    with pytest.raises(InputError, match="augment, seeds, small, sweep"):
        read(ROOT / "conf" / "ablation" / "smal.yaml")
    with pytest.raises(InputError, match="one ablation at a time"):
        arguments(["small", "augment"])


def test_what_is_printed_holds_effects_settings_and_sentences(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    from provenline.ablation.result import result
    from provenline.ablation.table import show
    from tests.ablation.test_effects import measured

    monkeypatch.setattr("provenline.ablation.table.out", Console(width=160))
    found = result(measured())
    show(found, Path("metrics/ablation.json"))
    printed = " ".join(capsys.readouterr().out.split())
    effect = next(one for one in found["effects"] if one["set"] == "deployment")
    low, high = (f"{effect[end]:+.3f}" for end in ("low", "high"))
    assert f"[{low}, {high}]" in printed  # brackets are markup to rich
    assert found["sentences"][0][1:] in printed and found["choice"]["sentence"][1:] in printed


def test_cells_on_other_data_are_refused_by_what_dvc_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parameters may agree where footage was exchanged in between."""
    from glue.experiments import cells as glued

    locks = {
        "r1": {"data/boxes.parquet": "a"},
        "r2": {"data/boxes.parquet": "a"},
        "r3": {"data/boxes.parquet": "b"},
    }

    def lock(rev: str, path: str, folder: Path) -> Path:
        assert path == "dvc.lock"
        outs = [{"path": name, "md5": md5} for name, md5 in locks[rev].items()]
        (folder / path).write_text(yaml.safe_dump({"stages": {"annotate-import": {"outs": outs}, "x": {}}}))
        return folder / path

    monkeypatch.setattr(glued, "fetch", lock)
    glued.same_frames({"one": "r1", "two": "r2"}, "v0")
    with pytest.raises(InputError, match=r"boxes\.parquet: three was judged on other data"):
        glued.same_frames({"one": "r1", "three": "r3"}, "v0")


def test_what_a_sweep_finds_is_added_to_what_others_found(tmp_path: Path) -> None:
    from provenline.ablation.measure import scores
    from provenline.ablation.spread import Training, keep
    from provenline.ablation.stand import Stand
    from provenline.evaluation.seeds import read_spreads
    from provenline.files import write_json
    from tests.evaluation import world
    from tests.evaluation.test_seeds import field, report

    frames, boxes, _, found = field([0.9, 0.8])
    params, path = world.eval_params(), tmp_path / "data" / "seed_spread.json"
    ground = Stand(frames, boxes, ("person",), params, "deployment", "s" * 64)
    trained = [
        Training(
            seed, report(seed), scores(frames, boxes, one, ["person"], ["deployment"], ["recall"], params)
        )
        for seed, one in enumerate(found)
    ]
    other = {
        "name": "x",
        "judged_on": "test",
        "figures": {"recall": {"0": 0.5, "1": 0.6}},
        "sd": {"recall": 0.07},
        "freedom": 1,
    }
    write_json(path, {"0" * 16: other})
    for _ in range(2):  # measured again it stands there once
        keep(trained, "seeds", ground.judged_on, ground.mark, path)
    known = read_spreads(path)
    assert len(known) == 2 and known["0" * 16].figures["recall"] == {0: 0.5, 1: 0.6}
    (mine,) = (one for one in known.values() if one.name == "seeds")
    assert set(mine.figures["recall"]) == {0, 1} and mine.judged_on == "deployment"
    assert json.loads(path.read_text())["0" * 16] == other


def test_a_sweep_of_seeds_alone_compares_nothing_and_chooses_nothing() -> None:
    params = read(ROOT / "conf" / "ablation" / "seeds.yaml")
    design = expand(params)
    assert [one.name for one in design.settings] == ["reference"] and design.contrasts == ()
    assert {seed for _, seed in cells(params, design, "seeds")} == {0, 1, 2, 3, 4}
    with pytest.raises(ValueError, match="nor a second seed"):
        type(params).model_validate({**params.model_dump(), "seeds": [0]})
