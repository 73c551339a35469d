"""Memory that runs out, injected into real trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provenline.errors import InputError
from provenline.training.failing import out_of_memory
from tests.training.conftest import params
from tests.training.injecting import Batches

ERRORS = [
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12"),
    OSError(12, "Cannot allocate memory"),
    MemoryError(),
]


def raising(error: BaseException) -> Callable[[Any], Any]:
    def change(_: Any) -> Any:
        raise error

    return change


@pytest.mark.parametrize("error", ERRORS)
def test_every_kind_is_known(error):
    assert out_of_memory(error)
    assert not out_of_memory(RuntimeError("size mismatch"))


@pytest.mark.parametrize(
    "error, batch, epoch",
    [
        (ERRORS[0], 2, 1),  # the second batch of the first epoch
        pytest.param(MemoryError(), 3, 2, marks=pytest.mark.slow),
        pytest.param(ERRORS[0], 6, 3, marks=pytest.mark.slow),  # mosaic is closed by then, and stays so
    ],
)
def test_the_batch_is_halved_and_a_step_stays_a_step(work, monkeypatch, capsys, error, batch, epoch):
    batches = Batches(monkeypatch)
    batches.trouble[batch] = raising(error)
    result = work.train(params(3, nbs=4, close_mosaic=1))

    said = capsys.readouterr().err
    then = f"going on after epoch {epoch - 1}" if epoch > 1 else "starting over"
    line = (
        f"out of memory in epoch {epoch} with batch 4 at 64 on cpu: {then} with batch 2 and 2 batches to a "
        "step of 4 images; the augmentation stays as it is"
    )
    assert said.count(line) == 1
    assert work.seen == [1, 2, 3] and [row["epoch"] for row in result["history"]] == [1, 2, 3]
    # 8 images are two steps of 4, whatever the batch; of an epoch that memory stopped, some are left over.
    assert set(batches.images) == {4}
    assert len(batches.images) == 6 + (batch - 1) % 2
    assert batches.decays == pytest.approx([0.0005] * len(batches.images))
    told = result["arguments"]
    assert told["batches"] == [{"epoch": 1, "batch": 4}, {"epoch": epoch, "batch": 2}][epoch == 1 :]
    halved = {"asked": 4, "in_effect": 2, "epoch": epoch, "why": "memory ran out"}
    assert told["differences"] == {"batch": halved}
    assert told["in_effect"]["nbs"] == told["asked"]["nbs"] == 4


def test_what_never_fits_is_one_line(work, monkeypatch):
    from ultralytics.models.yolo.detect import DetectionTrainer

    tried = []

    def fail(trainer: Any) -> None:
        tried.append(trainer.batch_size)
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr(DetectionTrainer, "train", fail)
    line = r"^out of memory in epoch 1 with batch 1 at 64 on cpu\. Lower imgsz"
    with pytest.raises(InputError, match=line):
        work.train(params(batch=8))
    assert tried == [8, 4, 2, 1]
    tried.clear()
    with pytest.raises(InputError, match="with batch 2 at 64"):
        work.train(params(batch=64, nbs=64))
    assert tried == [64, 32, 16, 8, 4, 2]  # five halvings


def test_another_error_is_no_lack_of_memory(work, monkeypatch):
    Batches(monkeypatch).trouble[1] = raising(RuntimeError("size mismatch"))
    with pytest.raises(RuntimeError, match="size mismatch"):
        work.train(params())


def test_a_nominal_batch_below_the_batch_is_refused():
    with pytest.raises(ValueError, match="nbs 2 is less than batch 4"):
        params(nbs=2)
