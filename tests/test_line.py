"""The whole line on a tiny simulation, as `dvc repro` runs it."""

from __future__ import annotations

import json
import os
import random
import secrets
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from benchmarks.year import copy_project
from provenline.cost.ledger import Ledger
from tests import egress

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
ROOT = Path(__file__).parents[1]
CANARY = secrets.token_hex(16)
VENV = Path(sys.executable).parent


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git tracks, composed for the tiny simulation, with the whole line run."""
    there = tmp_path_factory.mktemp("line") / "provenline"
    copy_project(there)
    run(there, "git", "init", "-q")
    run(there, "git", "add", "-A")
    run(there, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "copy")
    run(there, str(VENV / "python"), "-m", "glue.compose", "source=simline_tiny", "profile=tiny")
    # No interface at all, where the system lets us: also for what is not Python.
    run(there, *egress.alone(), str(VENV / "dvc"), "repro")
    return there


def environment_of(cwd: Path) -> dict[str, str]:
    # DVC exports its own state to what it starts.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DVC")}
    environment |= {"AWS_ACCESS_KEY_ID": "canary", "AWS_SECRET_ACCESS_KEY": CANARY}
    environment |= {"MLFLOW_TRACKING_URI": f"sqlite:///{cwd}/mlflow.db", "COLUMNS": "200"}
    return environment | egress.environment(cwd.parent / "denied", cwd.parent / "egress.log")


def run(cwd: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=cwd, env=environment_of(cwd), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
    return done.stdout + done.stderr


def test_nothing_looked_for_the_network(clone: Path) -> None:
    log = clone.parent / "egress.log"
    assert not log.exists(), log.read_text()


def test_credentials_of_the_environment_are_written_nowhere(clone: Path) -> None:
    files = [
        Path(folder, name)
        for folder, _, names in os.walk(clone)
        for name in names
        if not Path(folder, name).is_symlink()
    ]
    assert {"mlflow.db", "dvc.lock", "index.html"} <= {path.name for path in files}
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def metric(clone: Path, name: str) -> dict:
    return json.loads((clone / "metrics" / f"{name}.json").read_text())


def test_every_stage_left_its_outputs(clone: Path) -> None:
    wanted = [
        "data/frames.parquet", "data/boxes.parquet", "data/deployment/frames.parquet",
        "data/dataset_split_v0.csv", "data/dataset/lbzf_person_v0.yaml", "data/predictions/base.parquet",
        "data/predictions/candidate.parquet", "data/stage_a_decision.json", "models/lbzf_person_v0.pt",
        "models/engines/onnxruntime-cpu/base/model.onnx",
        "models/engines/onnxruntime-cpu/candidate/manifest.json",
        "models/engines/onnxruntime-cpu/measurements.json", "data/shadow/frames.parquet",
        "reports/index.html", "reports/dossier.json", "metrics/eval_v0.json", "metrics/shadow_ab.json",
        "data/review/label_errors.csv",
    ]  # fmt: skip
    assert [name for name in wanted if not (clone / name).is_file()] == []


def test_a_second_run_does_nothing(clone: Path) -> None:
    assert "Running stage" not in run(clone, str(VENV / "dvc"), "repro")


def test_one_video_is_in_one_split(clone: Path) -> None:
    rows = (clone / "data" / "dataset_split_v0.csv").read_text().splitlines()[1:]
    sides: dict[str, set[str]] = {}
    for row in rows:
        _, media, *_, split = row.split(",")
        sides.setdefault(media, set()).add(split)
    assert all(len(found) == 1 for found in sides.values())
    assert set().union(*sides.values()) == {"train", "val", "test"}
    assert metric(clone, "split")["audit"]["groups_disjoint"] is True


def test_the_chain_of_hashes_holds(clone: Path) -> None:
    from provenline.files import sha256_file

    folder = clone / "models" / "engines" / "onnxruntime-cpu" / "candidate"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["onnx_sha256"] == sha256_file(folder / "model.onnx")
    assert manifest["checkpoint_sha256"] == sha256_file(clone / "models" / "lbzf_person_v0.pt")
    assert manifest["split_sha256"] == sha256_file(clone / "data" / "dataset_split_v0.csv")
    assert manifest["split_sha256"] == metric(clone, "split")["assignment"]["sha256"]


def test_verify_walks_the_chain_and_notices_any_byte(clone: Path) -> None:
    from provenline.dossier import sums
    from provenline.dossier.verifying import verify

    printed = run(clone, str(VENV / "provenline"), "verify")
    assert "The chain holds from the footage to the verdict, and every file of it was looked at." in printed
    path, rng = clone / "reports" / "dossier.json", random.Random(0)
    dossier = json.loads(path.read_text())
    assert dossier["evidence"]["missing"] == []
    for one in dossier["evidence"]["artifacts"]:
        listed = sums.read(clone / "reports" / one["sums"]) if one["sums"] else {one["path"]: ""}
        altered = clone / rng.choice(sorted(listed) or ["reports/index.html"])
        before = altered.read_bytes()
        data = bytearray(before) or bytearray(b"x")
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        altered.write_bytes(bytes(data))
        found = verify(clone, path)
        altered.write_bytes(before)
        assert any(altered == clone / check.file for check in found.broken), altered
    assert verify(clone, path, dossier["seal"]).broken == ()


def test_shadow_decides_on_the_labels_of_what_was_drawn_alone(clone: Path) -> None:
    found = metric(clone, "shadow_ab")
    sample = found["sample"]
    if sample is None:
        assert found["decision"] in {"hold", "same_model"} and found["gain"] is None
        return
    assert found["decision"] in {"promote", "hold", "reject", "label"}
    assert sample["labelled"] == sample["frames"] and found["gain"]["net_gain"] is not None


def test_dvc_shows_metrics_and_plots(clone: Path) -> None:
    printed = run(clone, str(VENV / "dvc"), "metrics", "show", "--json")
    shown, _ = json.JSONDecoder().raw_decode(printed)  # notices follow it
    assert "metrics/eval_v0.json" in shown[""]["data"]
    page = run(clone, str(VENV / "dvc"), "plots", "show")
    assert "index.html" in page
    assert "precision_recall.csv" in (clone / "dvc_plots" / "index.html").read_text()


def test_mlflow_has_one_run_with_the_figures(clone: Path) -> None:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{clone}/mlflow.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert len(runs) == 1
    value = runs[0].data.metrics["eval_v0.splits.deployment.candidate.recall.estimate"]
    truth = metric(clone, "eval_v0")["splits"]["deployment"]["candidate"]["recall"]["estimate"]
    assert value == pytest.approx(truth)
    sealed = json.loads((clone / "reports" / "dossier.json").read_text())
    assert runs[0].data.tags["seal"] == sealed["seal"]
    assert runs[0].data.tags["evidence_sha256"] == sealed["evidence_sha256"]


def leaves(value: object, key: str = "") -> dict[str, float]:
    """Return the numbers of a nested object by dotted key, as `dvc metrics show` names them."""
    if isinstance(value, dict):
        parts = [leaves(child, f"{key}.{name}" if key else str(name)) for name, child in value.items()]
        return {name: number for part in parts for name, number in part.items()}
    return {key: value} if isinstance(value, (int, float)) else {}


def shown(clone: Path, *words: str) -> object:
    printed = run(clone, str(VENV / "dvc"), *words, "--json")
    return json.JSONDecoder().raw_decode(printed)[0]  # notices follow it


def test_dvc_and_mlflow_agree_on_every_number(clone: Path) -> None:
    """Whoever looks, in whichever tool, sees the same figures to the last digit."""
    import mlflow

    from provenline.outgoing import LEFT_OUT

    client = mlflow.MlflowClient(f"sqlite:///{clone}/mlflow.db")
    (tracked,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    by_file = shown(clone, "metrics", "show")[""]["data"]
    table = shown(clone, "exp", "show")[0]["data"]["metrics"]
    assert {name: one["data"] for name, one in table.items()} == {
        n: one["data"] for n, one in by_file.items()
    }
    figures = {}
    for file, one in by_file.items():
        if file.startswith("metrics/"):  # those of an engine lie beside it
            found = leaves(one["data"], Path(file).stem)
            figures |= {key: number for key, number in found.items() if not LEFT_OUT.search(key)}
    for name in ("leakage", "ablation"):  # in git, not among DVC's
        figures |= leaves(metric(clone, name), name)
    named = {"".join(c if c.isalnum() or c in "_-./ " else "_" for c in key): key for key in figures}
    assert len(named) == len(figures) > 200  # no two under one name
    in_mlflow = {
        key: value
        for key, value in tracked.data.metrics.items()
        if not key.startswith(("system/", "train.epoch.")) and key != "train.seconds"
    }
    assert in_mlflow == {name: figures[key] for name, key in named.items()}


def test_dvc_and_mlflow_draw_the_same_curves(clone: Path) -> None:
    import csv

    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{clone}/mlflow.db")
    (tracked,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    with (clone / "plots" / "train" / "epochs.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    columns = {name for name in rows[0] if name != "epoch"}
    drawn = {name.removeprefix("train.epoch.") for name in tracked.data.metrics if "train.epoch." in name}
    assert rows and drawn == columns >= {"mAP50", "recall", "train_box_loss"}
    for name in columns:
        points = client.get_metric_history(tracked.info.run_id, f"train.epoch.{name}")
        wanted = [(int(row["epoch"]), float(row[name])) for row in rows if row[name]]
        assert sorted((one.step, one.value) for one in points) == wanted
    plots = shown(clone, "plots", "diff")["data"]
    (title,) = [name for name in plots if name.startswith("Training")]
    seen = {
        (row["field"], int(row["epoch"])): float(row["dvc_inferred_y_value"])
        for one in plots[title]
        for row in one["content"]["data"]["values"]
    }
    assert {name for name, _ in seen} == {"mAP50", "mAP50_95", "recall"}
    for (name, epoch), value in seen.items():
        assert value == float(next(row[name] for row in rows if int(row["epoch"]) == epoch))


def test_the_training_was_counted(clone: Path) -> None:
    (one,) = Ledger.of(clone).entries()
    assert one.finished == bool(metric(clone, "train")["epochs"]) and one.machine == "local"
    assert (one.epochs, one.images, one.imgsz) == (1, 24, 160) and one.seconds >= one.epoch_seconds > 0
    assert "of 200.00 USD spent" in run(clone, str(VENV / "provenline"), "cost")
    found = metric(clone, "eval_v0")["seeds"]
    assert found["trainings"] == 1 and "one training" in found["sentence"]


def test_the_summary_is_printed(clone: Path) -> None:
    printed = run(clone, str(VENV / "provenline"), "summary")
    for words in ("Stage A", "Fine-tuned", "Shadow", "reports/index.html"):
        assert words in printed


def test_a_person_promotes_and_rolls_back(clone: Path) -> None:
    """Refused without a decision; overridden it is recorded, and the next run says same model."""
    tool, signed = str(VENV / "provenline"), ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")
    decided = metric(clone, "shadow_ab")["decision"]
    with pytest.raises(AssertionError, match=f"the decision is '{decided}'"):
        run(clone, tool, "promote")
    with pytest.raises(AssertionError, match=r"not committed: .*dvc\.lock"):
        run(clone, tool, "promote", "--override", "a trial")
    run(clone, "git", "add", "-A")
    run(clone, *signed, "commit", "-qm", "the run")
    nobodys = clone / "data/nobodys.csv"  # what the dossier holds is refused by it before
    nobodys.write_text("who added this?\n")
    with pytest.raises(AssertionError, match=r"not committed: data/nobodys\.csv"):
        run(clone, tool, "promote", "--override", "a trial")
    nobodys.unlink()
    said = run(clone, tool, "promote", "--override", "a trial", "--dry-run")
    assert "would promote" in said and not (clone / "models/production.json").exists()
    said = run(clone, tool, "promote", "--override", "a trial")
    assert "`provenline rollback` brings back the base" in said and "does not follow" not in said, said
    kept = json.loads((clone / "models/production.json").read_text())["current"]
    assert kept["override"] == "a trial" and (clone / f"{kept['bundle']}.dvc").is_file()
    run(clone, str(VENV / "dvc"), "repro")
    assert metric(clone, "shadow_ab")["decision"] == "same_model"
    run(clone, tool, "verify")
    with pytest.raises(AssertionError, match="runs already"):
        run(clone, tool, "promote")
    assert "brings back onnxruntime-cpu@" in run(clone, tool, "rollback", "--why", "only a trial")
    run(clone, str(VENV / "dvc"), "repro")
    assert metric(clone, "shadow_ab")["decision"] == decided


ABLATION = """
about: Does a flip help?
design: one_at_a_time
seed_key: train.recipe.seed
seeds: [0]
common: [source=simline_tiny, profile=tiny, train.when=always]
factors:
  flip: {"off": train.augment.fliplr=0.0, "on": train.augment.fliplr=0.5}
wholes: {}
metrics: [map50, recall]
min_seeds: 2
warn_seeds: 5
"""


def kill_the_training(clone: Path, over: threading.Event) -> None:
    """SIGKILL the first training that an experiment of the clone starts."""
    while not over.wait(0.2):
        for process in psutil.process_iter(["cmdline"]):
            with suppress(psutil.Error):
                if "stages.train" in (process.info["cmdline"] or ()) and str(clone) in process.cwd():
                    process.kill()
                    return


def ablate(clone: Path, name: str = "two") -> subprocess.CompletedProcess[str]:
    who = {f"GIT_{role}_{key}": "t" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    environment = environment_of(clone) | who | {"PATH": f"{VENV}{os.pathsep}{os.environ['PATH']}"}
    command = [str(VENV / "python"), "-m", "glue.experiments.ablate", name]
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False)


def test_an_ablation_names_what_was_killed_and_goes_on(clone: Path) -> None:
    (clone / "conf" / "ablation" / "two.yaml").write_text(ABLATION)
    over = threading.Event()
    killer = threading.Thread(target=kill_the_training, args=(clone, over))
    killer.start()
    first = ablate(clone)
    over.set()
    killer.join()
    assert first.returncode == 1, first.stdout + first.stderr
    assert "two-reference-s0 failed: " in first.stderr and "(killed)" in first.stderr
    found = metric(clone, "ablation")
    assert found["cells"] == {"wanted": 2, "done": 1} and found["failed"][0]["cell"] == "two-reference-s0"
    second = ablate(clone)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "1 of 2 experiments have results already" in second.stderr
    found = metric(clone, "ablation")
    assert found["cells"] == {"wanted": 2, "done": 2} and found["failed"] == []
    assert "no verdict with 1 seed" in found["sentences"][0]
    # What is scored here is what the cell's own evaluation says.
    for cell in ("reference", "flip-on"):
        out = clone.parent / f"{cell}.json"
        run(
            clone,
            str(VENV / "dvc"),
            "get",
            ".",
            "metrics/eval_v0.json",
            "--rev",
            f"two-{cell}-s0",
            "-o",
            str(out),
        )
        told = json.loads(out.read_text())["splits"][found["judged_on"]]["candidate"]
        here = next(one for one in found["settings"] if one["name"] == cell)["sets"][found["judged_on"]]
        for name in ("map50", "recall"):
            assert here[name]["estimate"] == pytest.approx(told[name]["estimate"], abs=1e-6)


SEEDS = """
about: How far do trainings scatter?
design: one_at_a_time
seed_key: train.recipe.seed
seeds: [0, 1]
common: [source=simline_tiny, profile=tiny, train.when=always]
factors: {}
wholes: {}
metrics: [map50, recall]
min_seeds: 2
warn_seeds: 5
"""


def test_the_spread_between_seeds_comes_to_the_comparison(clone: Path) -> None:
    """After the ablation. Cells are trained in folders of their own, and counted here."""
    ledger, before = Ledger.of(clone), metric(clone, "ablation")
    counted = len(ledger.entries())
    (clone / "conf" / "ablation" / "alone.yaml").write_text(SEEDS)
    done = ablate(clone, "alone")
    assert done.returncode == 0, done.stdout + done.stderr
    assert metric(clone, "ablation") == before
    assert len(ledger.entries()) > counted
    again = ablate(clone, "alone")
    assert again.returncode == 0, again.stderr
    assert "experiments" not in again.stderr  # what it wrote itself does not make its cells run again
    composing = ["source=simline_tiny", "profile=tiny", "train.when=always"]
    run(clone, str(VENV / "python"), "-m", "glue.compose", *composing)
    run(clone, str(VENV / "dvc"), "repro", "eval")
    found, spread = metric(clone, "eval_v0"), json.loads((clone / "data/seed_spread.json").read_text())
    assert found["seeds"]["trainings"] == 2 and found["seeds"]["spread"]["of"] == "alone"
    (values,) = (one["figures"] for one in spread.values() if one["name"] == "alone")
    judged = found["splits"][found["judged_on"]]
    assert values["map50"]["0"] == pytest.approx(judged["candidate"]["map50"]["estimate"], abs=1e-6)
    gain = sum(values["map50"].values()) / 2 - judged["base"]["map50"]["estimate"]
    assert found["seeds"]["difference"]["map50"]["estimate"] == pytest.approx(gain, abs=2e-6)


def test_a_base_of_transformers_is_judged_and_passed_through(clone: Path) -> None:
    from provenline.files import sha256_tree
    from tests.detectors.test_transformers import SIDE, rtdetr

    folder = clone / "models" / "base" / "rtdetr_local"
    for part in rtdetr():
        part.save_pretrained(folder)
    chosen = [f"model.sha256={sha256_tree(folder)}", f"model.imgsz={SIDE}", "model=rtdetr_local"]
    words = ["source=simline_tiny", "profile=tiny", *chosen]
    run(clone, str(VENV / "python"), "-m", "glue.compose", *words, "train.when=always")
    with pytest.raises(AssertionError, match="a detector of transformers is judged here but not fine-tuned"):
        run(clone, str(VENV / "dvc"), "repro", "train")
    run(clone, str(VENV / "python"), "-m", "glue.compose", *words, "train.when=never")
    run(clone, *egress.alone(), str(VENV / "dvc"), "repro", "eval")
    assert metric(clone, "stage_a_eval")["model"]["sha256"] == sha256_tree(folder)
    assert metric(clone, "train")["sha256"] == sha256_tree(clone / "models" / "lbzf_person_v0.pt")
    with pytest.raises(AssertionError, match="a detector of transformers is not exported"):
        run(clone, str(VENV / "dvc"), "repro", "trt-build")
    assert not (clone.parent / "egress.log").exists()
