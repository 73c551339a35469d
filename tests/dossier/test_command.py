"""`provenline verify`: its words and its exit status."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenline.cli import app
from provenline.errors import InputError
from provenline.files import read_json

invoke = CliRunner().invoke


def verify(root: Path, *words: str, dossier: str = "reports/dossier.json") -> tuple[int, str]:
    done = invoke(app, ["verify", str(root / dossier), "--root", str(root), *words])
    if isinstance(done.exception, InputError):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def own(run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(run, tmp_path / "run")


@pytest.mark.parametrize("words", [(), ("--all",)])
def test_every_step_is_printed_with_a_tick(run: Path, words: tuple[str, ...]) -> None:
    status, said = verify(run, *words)
    assert status == 0
    lines = [line.split()[:2] for line in said.splitlines()]
    steps = list(dict.fromkeys(words[1] for words in lines if words[:1] == ["✓"]))
    assert steps == [
        *("dossier", "run", "footage", "frames", "labels", "split", "weights", "predictions", "evaluation"),
        *("engines", "measurements", "shadow", "verdict", "report"),
    ]
    assert "✗" not in said and "The chain holds from the footage to the verdict" in said
    links = [
        "metrics/train.json (sha256) names models/lbzf_person_v0.pt",
        "candidate: map50 > 0.6 pass 0.720 [0.650, 0.790]",
    ]
    assert [link in said for link in links] == [bool(words)] * 2
    counted = re.search(r"^(\d+) of (\d+) links hold; [\d,]+ files, ", said, re.MULTILINE)
    assert counted and counted[1] == counted[2]
    if not words:
        assert len(said.splitlines()) == len(steps) + 4
        weights = next(line for line in said.splitlines() if line.startswith("✓ weights"))
        assert re.search(r"bytes of \d+ artifacts, \d+ links$", weights)


def test_the_first_link_that_does_not_hold_is_named(own: Path) -> None:
    path = own / "models/lbzf_person_v0.pt"
    path.write_bytes(path.read_bytes()[:-1])
    status, said = verify(own)
    assert said.startswith(
        "The first link that does not hold is in weights: models/lbzf_person_v0.pt: expected"
    )
    last = said[: said.index("✓")]
    assert status == 1 and "✗ weights" in said
    assert (
        "✓ weights      metrics/train.json (split_sha256) names" in said
    )  # every other link is said as well
    digests = [word for word in last.split() if len(word) == 64]
    assert len(set(digests)) == 2 and digests[0] == read_json(own / "metrics/train.json")["sha256"]


def test_the_seal_that_was_written_down(run: Path) -> None:
    given = read_json(run / "reports/dossier.json")
    for key, words in (("seal", "the page included"), ("evidence_sha256", "the page apart")):
        status, said = verify(run, "--seal", given[key].upper())
        assert status == 0 and words in said and given["seal"] in said
    status, said = verify(run, "--seal", "0" * 64)
    assert status == 1 and "dossier: " in said and f"is {given['seal'][:12]}…, not 000000000000…" in said
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        verify(run, "--seal", "short")


def test_what_is_not_here_is_no_pass(own: Path) -> None:
    for name in ("data", "provenline", "glue", "stages", "metrics", "plots"):
        shutil.rmtree(own / name)
    (own / "models/lbzf_person_v0.pt").unlink()
    status, said = verify(own)
    assert status == 3 and "this is no pass" in said and "- footage" in said and "✗" not in said
    status, said = verify(own, "--partial")
    assert status == 0 and "What is here holds" in said and "The chain holds" not in said
    engine = own / "models/engines/onnxruntime-cpu/candidate/model.onnx"
    engine.write_bytes(engine.read_bytes() + b"x")
    assert verify(own, "--partial")[0] == 1


def test_a_dossier_alone_passes_nothing(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "reports/dossier.json", tmp_path / "dossier.json")
    (tmp_path / "something_else.txt").write_text("x")
    status, said = verify(tmp_path, "--partial", dossier="dossier.json")
    assert status == 3 and "✗" not in said


def test_a_dossier_may_lie_elsewhere(run: Path, tmp_path: Path) -> None:
    shutil.copy(run / "reports/dossier.json", tmp_path / "kept.json")
    done = invoke(app, ["verify", str(tmp_path / "kept.json"), "--root", str(run), "--partial"])
    assert done.exit_code == 0, done.output
    shutil.copytree(run / "reports", tmp_path / "handed_over")
    done = invoke(app, ["verify", str(tmp_path / "handed_over/dossier.json"), "--root", str(run)])
    assert done.exit_code == 0, done.output


def test_footage_outside_the_project_is_looked_at_only_if_asked(own: Path, tmp_path: Path) -> None:
    import yaml

    from tests.dossier.test_resealed import reseal

    shutil.copytree(own / "data/simline/development", tmp_path / "nas")
    given = yaml.safe_load((own / "params.yaml").read_text())
    root = tmp_path / "nas"
    given["source"]["development"] = {
        "root": f"{root}/footage",
        "media_list": f"{root}/media.csv",
        "annotations": f"{root}/annotations",
    }
    (own / "params.yaml").write_text(yaml.safe_dump(given))
    listed = own / "metrics/inputs/annotate_import.sha256"
    listed.write_text(listed.read_text().replace("data/simline/development", str(root)))
    reseal(own)
    status, said = verify(own)
    assert status == 3 and "lies outside the project's folder" in said
    assert verify(own, "--outside")[0] == 0
    (root / "footage/collar/video_1.mp4").write_bytes(b"x")
    assert verify(own)[0] == 3
    assert verify(own, "--outside")[0] == 1


def test_no_dossier_is_one_line(tmp_path: Path) -> None:
    code = "from provenline.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "verify", "nowhere.json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert (
        done.stderr.strip() == "error: nowhere.json: file is missing. Run `dvc repro report` or `dvc pull`."
    )


def test_the_base_installation_is_enough() -> None:
    """What verify needs is no torch, no pandas, no DVC: it runs on the device."""
    heavy = ("pandas", "torch", "ultralytics", "matplotlib", "jinja2", "dvc", "mlflow", "cv2", "sklearn")
    code = f"import sys, provenline.dossier.verifying; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
