from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provenline.errors import InputError
from provenline.files import sha256_file, sha256_tree
from provenline.training.train import fine_tune, pass_through
from tests.training.conftest import params


class Killed(BaseException):
    """Stands for whatever ends a process: nothing may catch it."""


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **_: object) -> None:
        raise AssertionError(f"a connection was tried: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def nothing(_: int, __: dict[str, float]) -> None:
    pass


def test_one_epoch(dataset, base, tmp_path, offline):
    before, epochs = sha256_tree(dataset.parent), []
    out, state = tmp_path / "v0.pt", tmp_path / "state" / "abc"

    def seen(epoch: int, numbers: dict[str, float]) -> None:
        epochs.append((epoch, numbers))

    result = fine_tune(dataset, *base, params(limit=6, batch=3, warmup_epochs=3.0), out, state, seen)

    assert sha256_tree(dataset.parent) == before  # no cache, no repaired image
    assert not state.exists()
    assert result["sha256"] == sha256_file(out) != base[1]
    assert result["images"] == {"train": 6, "val": 4}
    assert [epoch for epoch, _ in epochs] == [1]
    assert result["history"] == [numbers for _, numbers in epochs]
    assert {"train_box_loss", "val_box_loss", "mAP50", "mAP50_95", "precision", "recall"} <= set(
        result["history"][0]
    )
    # 3 images a step accumulate to 63, not to the nominal 64; a warm-up leaves the last epoch alone.
    differences = result["arguments"]["differences"]
    assert differences["warmup_epochs"] == {"asked": 3.0, "in_effect": 0.0}
    assert set(differences) == {"warmup_epochs", "weight_decay"}
    assert result["arguments"]["in_effect"]["amp"] is False


def test_the_file_holds_weights_and_nothing_of_the_machine(dataset, base, tmp_path):
    from ultralytics.nn.tasks import load_checkpoint

    out = tmp_path / "v0.pt"
    fine_tune(dataset, *base, params(), out, tmp_path / "state", nothing)
    model, content = load_checkpoint(str(out))
    assert model.names == {0: "person"}
    assert content["optimizer"] is None
    assert not {"date", "git", "train_results", "train_metrics"} & set(content)
    assert out.stat().st_size < 7e6
    assert str(tmp_path).encode() not in out.read_bytes()
    again = tmp_path / "again.pt"
    fine_tune(dataset, *base, params(), again, tmp_path / "other", nothing)
    assert sha256_file(again) == sha256_file(out)


@pytest.mark.slow
def test_a_killed_training_goes_on_after_its_last_epoch(dataset, base, tmp_path):
    out, state, seen = tmp_path / "v0.pt", tmp_path / "state", []

    def kill(epoch: int, _: dict[str, float]) -> None:
        if epoch == 2:
            raise Killed

    recipe = params(4, warmup_epochs=2.0)  # steps are taken in the warm-up, however few the images
    with pytest.raises(Killed):
        fine_tune(dataset, *base, recipe, out, state, kill)
    assert not out.exists()
    # Half a file where ultralytics was writing: what is gone on from lies elsewhere.
    (state / "run" / "weights" / "last.pt").write_bytes(b"half")

    result = fine_tune(dataset, *base, recipe, out, state, lambda epoch, _: seen.append(epoch))
    assert seen == [3, 4]
    assert [row["epoch"] for row in result["history"]] == [1, 2, 3, 4]
    assert result["measured"]["starts"] == [1, 3]
    assert result["arguments"]["differences"] == {}

    unbroken = fine_tune(dataset, *base, recipe, tmp_path / "u.pt", tmp_path / "s2", nothing)
    assert result["history"][:2] == unbroken["history"][:2]
    assert [row["lr"] for row in result["history"]] == [row["lr"] for row in unbroken["history"]]
    box = [row["train_box_loss"] for row in result["history"]]
    assert len(set(box)) == 4  # the first epochs' images and augmentations are not seen again
    assert box == pytest.approx([row["train_box_loss"] for row in unbroken["history"]], rel=0.4)


@pytest.mark.slow
def test_killed_after_the_last_epoch_only_the_file_is_missing(dataset, base, tmp_path):
    def kill(epoch: int, _: dict[str, float]) -> None:
        if epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        fine_tune(dataset, *base, params(2), tmp_path / "v0.pt", tmp_path / "state", kill)
    result = fine_tune(dataset, *base, params(2), tmp_path / "v0.pt", tmp_path / "state", pytest.fail)
    assert result["epochs"] == 2
    assert (tmp_path / "v0.pt").is_file()


@pytest.mark.slow
def test_sigkill_at_any_moment_leaves_no_file_under_the_final_name(dataset, base, tmp_path):
    out, state = tmp_path / "v0.pt", tmp_path / "state"
    code = (
        "import sys; from pathlib import Path; from tests.training.conftest import params\n"
        "from provenline.training.train import fine_tune\n"
        f"dataset, base = Path({str(dataset)!r}), Path({str(base[0])!r})\n"
        f"fine_tune(dataset, base, {base[1]!r}, params(12), Path({str(out)!r}),"
        f" Path({str(state)!r}), lambda e, m: print(e, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while process.stdout.readline().strip() != "2":
        assert process.poll() is None
    time.sleep(0.3)  # somewhere in the third epoch
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists()
    result = fine_tune(dataset, *base, params(12), out, state, nothing)
    assert result["measured"]["starts"][-1] >= 3
    assert out.is_file()


def test_base_with_another_hash_is_refused(dataset, base, tmp_path):
    with pytest.raises(InputError, match="expected 000000000000"):
        fine_tune(dataset, base[0], "0" * 64, params(), tmp_path / "o.pt", tmp_path / "s", nothing)


def test_a_loss_that_is_no_number_stops_at_once(dataset, base, tmp_path):
    out = tmp_path / "o.pt"
    with pytest.raises(InputError, match="the loss is no number any more in epoch 1"):
        fine_tune(dataset, *base, params(3, box=1e40), out, tmp_path / "s", nothing)
    assert not out.exists()


def test_memory_that_runs_out_is_one_line(dataset, base, tmp_path, monkeypatch):
    from ultralytics.models.yolo.detect import DetectionTrainer

    def fail(_: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr(DetectionTrainer, "train", fail)
    with pytest.raises(InputError, match=r"out of memory with batch 4 at 64 on cpu\. Lower batch"):
        fine_tune(dataset, *base, params(), tmp_path / "o.pt", tmp_path / "s", nothing)


def test_an_image_that_cannot_be_read_is_named(dataset, base, tmp_path):
    (dataset.parent / "images" / "train" / "train_04.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1 train images .* the first is train_04\.jpg"):
        fine_tune(dataset, *base, params(), tmp_path / "o.pt", tmp_path / "s", nothing)


def test_pass_through(base, tmp_path):
    result = pass_through(base[0], tmp_path / "v0.pt")
    assert result["sha256"] == base[1] == sha256_file(tmp_path / "v0.pt")
    assert result["epochs"] == 0
    shutil.rmtree(tmp_path)
    assert Path(base[0]).exists()
