from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from provenline.errors import InputError
from provenline.files import read_json, sha256_file, sha256_tree
from provenline.training.train import fingerprint, pass_through
from tests.training.conftest import Work, params


class Killed(BaseException):
    """Stands for whatever ends a process: nothing may catch it."""


def test_one_epoch(work, dataset, base, offline):
    before, epochs = sha256_tree(dataset.parent), []

    def seen(epoch: int, numbers: dict[str, float]) -> None:
        epochs.append((epoch, numbers))

    result = work.train(params(limit=6, batch=3, nbs=6, warmup_epochs=3.0), seen)

    assert sha256_tree(dataset.parent) == before  # no cache, no repaired image
    assert result["sha256"] == sha256_file(work.out) != base[1]
    assert result["images"] == {"train": 6, "val": 4}
    assert [epoch for epoch, _ in epochs] == [1]
    assert result["history"] == [numbers for _, numbers in epochs]
    assert {"train_box_loss", "val_box_loss", "mAP50", "mAP50_95", "precision", "recall"} <= set(
        result["history"][0]
    )
    # A warm-up leaves the last epoch alone.
    warmup = {"asked": 3.0, "in_effect": 0.0, "why": "by definition"}
    assert result["arguments"]["differences"] == {"warmup_epochs": warmup}
    assert result["arguments"]["in_effect"]["amp"] is False
    assert result["arguments"]["batches"] == [{"epoch": 1, "batch": 3}]
    assert set(result["arguments"]["in_effect"]) == set(result["arguments"]["asked"])


def test_the_file_holds_weights_and_nothing_of_the_machine(work, tmp_path, dataset, base):
    from ultralytics.nn.tasks import load_checkpoint

    work.train(params())
    model, content = load_checkpoint(str(work.out))
    assert model.names == {0: "person"}
    assert content["optimizer"] is None
    assert not {"date", "git", "train_results", "train_metrics"} & set(content)
    assert work.out.stat().st_size < 7e6
    assert str(tmp_path).encode() not in work.out.read_bytes()
    again = Work(tmp_path / "again", dataset, base)
    again.train(params())
    assert sha256_file(again.out) == sha256_file(work.out)
    assert sha256_tree(again.peaks) == sha256_tree(work.peaks)


@pytest.mark.slow
def test_a_killed_training_goes_on_after_its_last_epoch(work, tmp_path, dataset, base):
    def kill(epoch: int, _: dict[str, float]) -> None:
        if epoch == 2:
            raise Killed

    recipe = params(4, nbs=64, warmup_epochs=2.0)  # steps are taken in the warm-up, however few the images
    with pytest.raises(Killed):
        work.train(recipe, kill)
    assert not work.out.exists() and not work.peaks.exists()
    # Half a file where ultralytics was writing: what is gone on from lies elsewhere.
    (work.state / "run" / "weights" / "last.pt").write_bytes(b"half")

    result = work.train(recipe)
    assert work.seen == [3, 4]
    assert [row["epoch"] for row in result["history"]] == [1, 2, 3, 4]
    assert result["measured"]["starts"] == [1, 3]
    assert set(result["arguments"]["differences"]) == {"nbs"}  # 8 images, 4 epochs: never 64

    unbroken = Work(tmp_path / "unbroken", dataset, base).train(recipe)
    assert (result["history"], result["sha256"]) == (unbroken["history"], unbroken["sha256"])
    assert len({row["train_box_loss"] for row in result["history"]}) == 4


def test_a_finished_training_publishes_again_without_training(work):
    first = work.train(params())
    before = {path: sha256_file(path) for path in (work.out, work.peaks / "peaks.json")}
    work.out.unlink()
    shutil.rmtree(work.peaks)  # as DVC does before it runs a stage again
    assert work.train(params(), pytest.fail) == first
    assert {path: sha256_file(path) for path in before} == before


def test_a_state_belongs_to_what_is_learnt():
    one = fingerprint(params(), "a", "b")
    assert one == fingerprint(params(workers=3, cache="ram", allow=["lr0"], when="auto"), "a", "b")
    others = [params(2), params(lr0=0.02), params(fliplr=0.1), params(device="0"), params(limit=3)]
    keep = {"metrics": ["recall"], "top": 1, "choose": "fitness"}
    marks = [fingerprint(other, "a", "b") for other in (*others, params(keep=keep))]
    assert len({one, *marks, fingerprint(params(), "c", "b"), fingerprint(params(), "a", "c")}) == 9


def test_base_with_another_hash_is_refused(tmp_path, dataset, base):
    with pytest.raises(InputError, match="expected 000000000000"):
        Work(tmp_path, dataset, (base[0], "0" * 64)).train(params())


def test_an_image_that_cannot_be_read_is_named(work, dataset):
    (dataset.parent / "images" / "train" / "train_04.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1 train images .* the first is train_04\.jpg"):
        work.train(params())


def test_pass_through(base, tmp_path):
    result = pass_through(base[0], tmp_path / "v0.pt", tmp_path / "peaks")
    assert result["sha256"] == base[1] == sha256_file(tmp_path / "v0.pt")
    assert result["epochs"] == 0 and result["peaks"] == read_json(tmp_path / "peaks" / "peaks.json") == []
    shutil.rmtree(tmp_path)
    assert Path(base[0]).exists()
