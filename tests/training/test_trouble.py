"""Full disks, losses that are no numbers and damaged checkpoints: one line each, and nothing is lost."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

import pytest

from provenline.errors import InputError
from provenline.training import keeping, strip, train, view, watching
from tests.training.conftest import params
from tests.training.injecting import Batches, callback


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "some/file")


def full_in_checkpoint(real: Any) -> Any:
    """Write half of what ultralytics saves from its second epoch on, then fail."""
    saved = []

    def write(path: Path, data: bytes) -> int:
        if path.name != "last.pt":
            return int(real(path, data))
        saved.append(path)
        if len(saved) < 2:
            return int(real(path, data))
        real(path, data[: len(data) // 2])
        return full()

    return write


def full_in_notes(real: Any) -> Any:
    def write(path: Path, value: Any) -> None:
        if len(value.get("history", ())) == 2:
            full()
        real(path, value)

    return write


FULL = {
    "checkpoint": (Path, "write_bytes", full_in_checkpoint, 1),
    "notes": (keeping, "write_json", full_in_notes, 1),
    "view": (view.shutil, "copyfile", lambda _: full, 0),
    "weights": (strip, "atomic_path", lambda _: full, 2),
}


@pytest.mark.parametrize("place", FULL)
def test_a_full_disk_is_one_line_and_costs_one_epoch(work, monkeypatch, place):
    module, name, change, finished = FULL[place]
    with monkeypatch.context() as patch:
        patch.setattr(module, name, change(getattr(module, name)))
        left = "finished epochs are kept" if finished else "no epoch was finished yet"
        with pytest.raises(InputError, match=f"no space left on the disk; {left}") as caught:
            work.train(params(2))
    assert "\n" not in str(caught.value) and "some/file" in str(caught.value)
    assert not work.out.exists() and not work.peaks.exists()
    work.seen.clear()
    result = work.train(params(2))
    assert work.seen == [1, 2][finished:]
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    assert result["measured"]["starts"] == ([1, 2] if finished == 1 else [1])
    assert work.out.is_file()


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("[enforce fail at inline_container.cc:664] . PytorchStreamWriter failed writing file"),
    ],
)
def test_every_kind_of_full_disk_is_known(work, monkeypatch, error):
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(train, "build_view", fail)
    with pytest.raises(InputError, match="no space left on the disk"):
        work.train(params())


@pytest.mark.skipif(shutil.which("mount") is None, reason="no mount on this system")
@pytest.mark.slow
def test_a_disk_that_is_really_full(work, tmp_path):
    import subprocess

    work.state = tmp_path / "small" / "state"
    work.state.parent.mkdir()
    # Room for what one epoch leaves, not for three.
    command = ["mount", "-t", "tmpfs", "-o", "size=130m", "none", str(work.state.parent)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount")
    try:
        with pytest.raises(InputError, match="no space left on the disk"):
            work.train(params(8, keep={"metrics": ["mAP50", "recall"], "top": 8, "choose": "fitness"}))
        finished = len(work.seen)
        subprocess.run([*command[:1], "-o", "remount,size=400m", str(work.state.parent)], check=True)
        work.seen.clear()
        result = work.train(params(8, keep={"metrics": ["mAP50", "recall"], "top": 8, "choose": "fitness"}))
        assert work.seen == list(range(finished + 1, 9)) and result["epochs"] == 8
    finally:
        subprocess.run(["umount", str(work.state.parent)], check=True)


def test_a_loss_that_is_no_number_stops_at_once(work):
    with pytest.raises(InputError, match=r"^the loss is no number any more in epoch 1\. Lower lr0"):
        work.train(params(3, box=1e40))
    assert not work.out.exists()


def nan(result: Any) -> Any:
    loss, items = result
    return loss * float("nan"), {name: value * float("nan") for name, value in items.items()}


def test_a_later_loss_that_is_no_number_loses_no_epoch(work, monkeypatch):
    batches = Batches(monkeypatch)
    batches.trouble[3] = nan
    with pytest.raises(InputError, match="the loss is no number any more in epoch 2; epochs up to 1 are"):
        work.train(params(3))
    assert work.seen == [1] and work.kept() == ["epoch_00001"]
    result = work.train(params(3))
    assert work.seen == [1, 2, 3] and result["measured"]["starts"] == [1, 2]
    assert [row["epoch"] for row in result["history"]] == [1, 2, 3]


def test_weights_that_are_no_numbers_are_not_kept(work, monkeypatch):
    def spoil(trainer: Any) -> None:
        if trainer.epoch == 1:
            next(trainer.ema.ema.parameters()).data.fill_(float("nan"))

    callback(monkeypatch, "on_train_epoch_end", spoil)
    with pytest.raises(InputError, match="a weight is no number any more in epoch 2; epochs up to 1 are"):
        work.train(params(2))
    assert work.kept() == ["epoch_00001"]


def test_a_damaged_checkpoint_costs_one_epoch(work, capsys):
    class Stop(Exception):
        pass

    def stop(epoch: int, _: dict[str, float]) -> None:
        if epoch == 2:
            raise Stop

    with pytest.raises(Stop):
        work.train(params(2), stop)
    path = work.state / "kept" / "epoch_00002" / "last.pt"
    path.write_bytes(path.read_bytes()[:-100])
    result = work.train(params(2))
    assert "epoch 2 is damaged on disk; goes on after epoch 1" in capsys.readouterr().err
    assert work.seen == [2] and [row["epoch"] for row in result["history"]] == [1, 2]


def test_a_damaged_peak_is_said_and_the_best_whole_epoch_taken(work, capsys, monkeypatch):
    real = watching.Watcher._saved

    def saved(self: watching.Watcher, trainer: Any) -> None:
        trainer.metrics["metrics/recall(B)"] = 1.0 - trainer.epoch / 10  # best in epoch 1
        trainer.fitness = trainer.epoch / 10  # best in the last
        real(self, trainer)

    monkeypatch.setattr(watching.Watcher, "_saved", saved)
    recipe = params(3)
    result = work.train(recipe)
    assert [peak["epoch"] for peak in result["peaks"] if "recall" in peak["best_by"]] == [1]
    (work.state / "kept" / "epoch_00001" / "last.pt").write_bytes(b"")
    again = work.train(recipe, pytest.fail)
    said = capsys.readouterr().err
    assert "epoch 1 was among the best and is damaged on disk" in said
    assert [peak["epoch"] for peak in again["peaks"] if "recall" in peak["best_by"]] == [2]
    assert again["sha256"] == result["sha256"]
