"""Several devices: two ranks on the processor, where GPUs would do the same."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from provenline.errors import InputError
from provenline.files import sha256_file
from provenline.training import rank, ranks
from provenline.training.distributed import distributed
from provenline.training.running import Job
from provenline.training.scratch import untrained
from provenline.training.view import View
from tests.training.conftest import Work, params
from tests.training.test_exact import same
from tests.training.test_families import small_rtdetr
from tests.training.troubled import foretold

ROOT = Path(__file__).parents[2]
BOTH = "cpu,cpu"
# Seven images, four at a time: each rank reads two, and one of them twice an epoch. Three batches to a step.
GATHERING = {"device": BOTH, "limit": 7, "nbs": 12, "fliplr": 0.5, "hsv_v": 0.4, "warmup_epochs": 1.5}


@pytest.mark.parametrize("device, batch", [("0,1", 5), (BOTH, 3), ("0,1,2", 4)])
def test_a_batch_that_cannot_be_shared_is_refused(device, batch):
    with pytest.raises(ValueError, match=f"batch {batch} cannot be shared evenly by . devices"):
        params(device=device, batch=batch)


def test_a_job_is_read_as_it_was_written(tmp_path):
    view = View(tmp_path / "view.yaml", ("a", "b"), ("1.jpg",), ("2.jpg", "3.jpg"), 4)
    asked = {"batch": 4, "augmentations": [], "amp": "bf16", "cache": False}
    recipe, base = params(), tmp_path / "base.pt"
    job = Job(asked, base, tmp_path / "kept", None, recipe.keep, ("lr0",), view, ("cuda:0", "cuda:1"))
    job.save(tmp_path / "job.json")
    assert Job.load(tmp_path / "job.json") == job


LOST = {"failed": "RuntimeError: Connection closed by peer", "rank": 0}
REFUSED = {"refused": {"what": "is odd", "file": None, "place": None, "mend": None}, "rank": 0}


@pytest.mark.parametrize(
    "failures, statuses, line",
    [
        ([LOST, REFUSED], [1, 1], "is odd"),
        ([LOST], [1, 3], r"rank 1 \(cuda:1\) ended without a word \(status 3\)"),
        ([], [None, 1], r"rank 1 \(cuda:1\) ended without a word \(status 1\)"),
        ([LOST], [1, -11], r"rank 1 \(cuda:1\) ended without a word \(status -11\)"),
        ([LOST], [1, -15], r"rank 1 \(cuda:1\) was ended from outside \(status -15\)"),
        ([LOST], [1, None], "a training process of 2 failed: RuntimeError: Connection closed by peer"),
        ([], [-9, None], r"rank 0 \(cuda:0\) was ended from outside \(status -9\)"),
        ([{"failed": "ValueError: first", "rank": 1}, LOST], [1, 1], "ValueError: first"),
    ],
)
def test_the_cause_is_told_and_not_what_follows_from_it(failures, statuses, line):
    with pytest.raises(InputError, match=line):
        ranks._fail(failures, statuses, ("cuda:0", "cuda:1"), Path("ranks.log"))
    with pytest.raises(MemoryError, match="CUDA out of memory"):
        told = [*failures, {"memory": "CUDA out of memory", "rank": 1}]
        ranks._fail(told, statuses, ("cuda:0", "cuda:1"), Path("ranks.log"))


class Validated:
    """What ultralytics' trainer says where the first of two ranks has two batches, the other one."""

    test_loader, device = (1, 2), "cpu"

    def add_callback(self, *_: object) -> None: ...

    def validate(self) -> tuple[dict[str, float], float]:
        losses = 3.0, 4.5, 6.0
        return {"val/box_loss": round(sum(losses) / 2 / 2, 5), "metrics/recall(B)": 0.3}, 0.2


def test_validation_losses_are_means_over_the_batches_of_all_ranks(monkeypatch):
    monkeypatch.setattr("torch.distributed.all_reduce", lambda batches: batches.add_(1))
    metrics, fitness = distributed(Validated, ("cuda:0", "cuda:1"))().validate()
    assert metrics == {"val/box_loss": 4.5, "metrics/recall(B)": 0.3} and fitness == 0.2
    monkeypatch.setattr(Validated, "validate", lambda _: (None, None))
    assert distributed(Validated, ("cuda:0", "cuda:1"))().validate() == (None, None)


CHATTING = """
import os, subprocess, sys
print("a banner", flush=True)
from provenline.training.rank import Teller
print("printed by what is imported")
sys.stdout.flush()
reading = subprocess.Popen(["sleep", "600"])
os.write(int(sys.argv[2]), b"half a\\n7\\n\\xff{\\n")
Teller(int(sys.argv[2])).epoch(int(os.environ["RANK"]), {"reading": reading.pid})
os._exit(STATUS)
"""


@pytest.fixture
def chatting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Callable[..., None]]:
    """Give a training of two ranks, which print, say one epoch, leave a process behind and end."""

    def of(status: int) -> Callable[..., None]:
        (tmp_path / "chatting.py").write_text(CHATTING.replace("STATUS", str(status)))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(ranks, "_MODULE", "chatting")
        view = View(tmp_path / "view.yaml", ("a",), ("1.jpg",), ("2.jpg",), 1)
        places = tmp_path / "base.pt", tmp_path / "kept", None
        job = Job({}, *places, params().keep, (), view, ("cpu", "cpu"))
        return lambda on_epoch: ranks.train_in_ranks(job, on_epoch, tmp_path)

    return of


def gone(process: int) -> bool:
    """Whether it ended within some seconds; nobody may have asked how."""
    with suppress(psutil.NoSuchProcess):
        one = psutil.Process(process)
        for _ in range(100):
            if one.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.1)
        return False
    return True


def test_what_ranks_print_is_not_taken_for_what_they_say(tmp_path, chatting):
    said: dict[int, dict[str, float]] = {}
    chatting(0)(said.__setitem__)
    assert said.keys() == {0, 1}
    log = (tmp_path / "ranks.log").read_bytes().splitlines()
    printed = [b"a banner", b"printed by what is imported", b"half a", b"7", b"\xff{"]
    assert sorted(log) == sorted(printed * 2)


def test_what_a_rank_leaves_behind_ends_with_the_training(chatting):
    left: list[int] = []
    with pytest.raises(InputError, match=r"rank . \(cpu\) ended without a word \(status 3\)"):
        chatting(3)(lambda _, numbers: left.append(numbers["reading"]))
    assert len(left) == 2 and all(map(gone, left)) and psutil.Process().children() == []


def test_where_ranks_cannot_meet_is_one_line(monkeypatch, chatting):
    monkeypatch.setattr("socket.if_nameindex", lambda: [(2, "eth0")])
    with pytest.raises(InputError, match=r"^there is no loopback interface, by which"):
        chatting(0)(pytest.fail)


@pytest.mark.parametrize("letter", ["a", "\n", "é", "\U0001f600", "\udc80"])
def test_what_a_rank_says_is_taken_by_a_pipe_at_once(monkeypatch, letter):
    long = letter * 5000
    monkeypatch.setattr(rank.Job, "load", refuse := Refusing(InputError(long, file=long, mend=long)))
    refuse.error.place = long
    reading, saying = os.pipe()
    rank.Teller(saying)(**rank._trained(Path("job.json"), rank.Teller(saying)), rank=11)
    line = os.read(reading, 1 << 16)
    os.close(reading)
    os.close(saying)
    told = json.loads(line)["refused"]
    assert 3000 < len(line) <= select.PIPE_BUF and all(long.startswith(part) for part in told.values())


class Refusing:
    def __init__(self, error: InputError) -> None:
        self.error = error

    def __call__(self, *_: object) -> Any:
        raise self.error


@pytest.fixture
def trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put trouble into a rank's batch, counted from 1 over all epochs of a process; it happens once."""

    def put(what: str, rank: int = 0, batch: int = 0) -> None:
        (tmp_path / "troubled").unlink(missing_ok=True)
        monkeypatch.setattr(ranks, "_MODULE", "tests.training.troubled")
        monkeypatch.setenv("PROVENLINE_TROUBLE", f"{what} {rank} {batch} {tmp_path / 'troubled'}")

    return put


def weights(work: Work) -> dict[str, Any]:
    """What the newest epoch's state holds that is learnt."""
    import torch

    state = torch.load(sorted(work.state.glob("kept/*/state.pt"))[-1], weights_only=True)
    assert not any(name.startswith("module.") for name in state["model"])
    learnt = {**state["model"], **{f"mean {name}": value for name, value in state["ema"].items()}}
    return {name: one for name, one in learnt.items() if "running" not in name and "tracked" not in name}


@pytest.mark.slow
def test_ranks_measure_what_one_process_measures(tmp_path, dataset, base, work, trouble, monkeypatch):
    from ultralytics.models.yolo.detect import DetectionValidator

    trouble("foretold")
    together = work.train(params(1, device=BOTH))["history"][0]
    monkeypatch.setattr(DetectionValidator, "update_metrics", foretold(DetectionValidator.update_metrics))
    alone = Work(tmp_path / "alone", dataset, base).train(params(1))["history"][0]
    measured = ("precision", "recall", "mAP50", "mAP50_95", "fitness")
    assert 0.1 < together["mAP50_95"] < together["mAP50"] < 1.0
    assert [together[name] for name in measured] == [alone[name] for name in measured]


@pytest.mark.slow
def test_validation_losses_are_those_of_one_process_where_ranks_have_unlike_many_batches(
    tmp_path, dataset, base, work
):
    for kind, suffix in (("images", "jpg"), ("labels", "txt")):  # six images, two at a time
        for index in (0, 1):
            one = dataset.parent / kind / "val" / f"val_0{index}.{suffix}"
            shutil.copy(one, one.with_stem(f"val_1{index}"))
    still = {"mosaic": 0.0, "lr0": 1e-6, "nbs": 2}
    together = work.train(params(1, device=BOTH, batch=2, **still))["history"][0]
    alone = Work(tmp_path / "alone", dataset, base).train(params(1, batch=1, **still))["history"][0]
    losses = [name for name in alone if name.startswith("val_")]
    assert len(losses) == 3
    assert [together[name] for name in losses] == pytest.approx([alone[name] for name in losses], rel=0.01)


def learnt_of(checkpoint: Path) -> dict[str, Any]:
    from ultralytics.nn.tasks import load_checkpoint

    return dict(load_checkpoint(checkpoint)[0].float().state_dict())


@pytest.mark.slow
def test_two_ranks_learn_what_one_process_learns_that_gathers_two_batches(tmp_path, dataset, base, work):
    # At ten times this rate an untrained network's steps take rounding apart.
    both = {"mosaic": 0.0, "fliplr": 0.5, "lr0": 0.001, "nbs": 4}
    together, alone = work.train(params(2, device=BOTH, **both)), Work(tmp_path / "alone", dataset, base)
    single = alone.train(params(2, batch=2, **both))
    assert work.seen == alone.seen == [1, 2]
    found, wanted, before = weights(work), weights(alone), learnt_of(base[0])
    assert found.keys() == wanted.keys() and len(found) > 200
    moved = sum(float((value - before[name.split()[-1]]).pow(2).sum()) for name, value in wanted.items())
    apart = sum(float((value - found[name]).pow(2).sum()) for name, value in wanted.items())
    assert 0 < apart**0.5 < 1e-3 * moved**0.5
    for row, other in zip(together["history"], single["history"], strict=True):
        assert row.keys() == other.keys() and row["lr"] == other["lr"]
        losses = [name for name in row if name.startswith("train_")]
        assert [row[name] for name in losses] == pytest.approx([other[name] for name in losses], rel=1e-3)
    told = together["arguments"]
    assert told["batches"] == [{"epoch": 1, "batch": 4}] and told["differences"] == {}
    assert together["device"] == BOTH


@pytest.mark.slow
def test_an_interrupted_training_of_ranks_ends_as_if_it_had_not_been(work, tmp_path, dataset, base, trouble):
    trouble("held", 1, 6)  # in epoch 3, until it is interrupted
    recipe = params(4, close_mosaic=1, **GATHERING)

    def stop(epoch: int, _: Any) -> None:
        if epoch == 2:
            raise InputError("past the cost ceiling")

    with pytest.raises(InputError, match="past the cost ceiling"):
        work.train(recipe, stop)
    assert psutil.Process().children() == []
    (tmp_path / "troubled.over").touch()
    result, unbroken = work.train(recipe), Work(tmp_path / "unbroken", dataset, base)
    assert result["measured"]["starts"] == [1, 3]
    same(work, result, unbroken, unbroken.train(recipe))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["yolo26n", "rtdetr"])
def test_other_families_train_in_ranks(tmp_path, dataset, architecture):
    base = tmp_path / "base.pt"
    described = small_rtdetr(tmp_path) if architecture == "rtdetr" else f"{architecture}.yaml"
    untrained(described, ("person",), seed=1, imgsz=64, out=base)
    given = dataset, (base, sha256_file(base))
    work, unbroken = Work(tmp_path / "broken", *given), Work(tmp_path / "unbroken", *given)
    recipe = params(2, device=BOTH, optimizer="AdamW", lr0=0.001, warmup_epochs=1.0)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.train(recipe, stop)
    result = work.train(recipe)
    assert [row["epoch"] for row in result["history"]] == [1, 2]
    same(work, result, unbroken, unbroken.train(recipe))


CHILD = """
import sys
from pathlib import Path
from provenline.training import ranks
from tests.training.conftest import Work, params
from tests.training.test_ranks import GATHERING
ranks._MODULE = "tests.training.troubled"
dataset, base, digest, root = sys.argv[1:]
work = Work(Path(root), Path(dataset), (Path(base), digest))
work.train(params(5, **GATHERING), lambda epoch, _: print(epoch, flush=True))
"""


@pytest.mark.slow
def test_no_rank_outlives_a_killed_parent_and_the_next_start_goes_on(tmp_path, dataset, base, work, trouble):
    words = [sys.executable, "-c", CHILD, str(dataset), str(base[0]), base[1], str(work.root)]
    for last, one, batch in (("1", 0, 3), ("3", 1, 6)):  # held in the first or the second batch after it
        trouble("held", one, batch)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            for line in parent.stdout:
                if line.strip() == last:
                    break
            started = psutil.Process(parent.pid).children(recursive=True)
            parent.kill()
        assert len(started) >= 2 and not psutil.wait_procs(started, timeout=10)[1]
    (tmp_path / "troubled.over").touch()
    result, unbroken = work.train(params(5, **GATHERING)), Work(tmp_path / "unbroken", dataset, base)
    assert result["measured"]["starts"] == [1, 2, 4] and work.seen == [4, 5]
    same(work, result, unbroken, unbroken.train(params(5, **GATHERING)))


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_memory_that_runs_out_in_any_rank_halves_the_batch(work, trouble, capsys, rank):
    trouble("memory", rank, 3)
    result = work.train(params(3, device=BOTH, nbs=8))
    line = (
        "out of memory in epoch 2 with batch 4 at 64 on cpu,cpu: going on after epoch 1 with batch 2 and "
        "4 batches to a step of 8 images; the augmentation stays as it is"
    )
    assert capsys.readouterr().err.count(line) == 1 and work.seen == [1, 2, 3]
    assert result["arguments"]["batches"] == [{"epoch": 1, "batch": 4}, {"epoch": 2, "batch": 2}]
    assert result["arguments"]["in_effect"]["nbs"] == 8


@pytest.mark.slow
@pytest.mark.parametrize(
    "what, rank, line",
    [
        ("no_number", 1, "^the loss is no number any more in epoch 2; epochs up to 1 are kept"),
        ("disk", 0, r"^last\.pt: no space left on the disk; finished epochs are kept, and gone on from\."),
        ("mismatch", 1, r"^a training process of 2 failed: RuntimeError: size mismatch\. .*ranks\.log"),
        ("killed", 1, r"^the training process of rank 1 \(cpu\) was ended from outside \(status -9\)"),
        ("silent", 1, r"^the training process of rank 1 \(cpu\) ended without a word \(status 3\)"),
    ],
)
def test_what_stops_a_rank_is_one_line_and_the_next_start_goes_on(work, trouble, what, rank, line):
    trouble(what, rank, 3)
    with pytest.raises(InputError, match=line) as error:
        work.train(params(3, device=BOTH))
    assert "\n" not in str(error.value) and psutil.Process().children() == []
    assert work.kept() == ["epoch_00001"]
    assert work.train(params(3, device=BOTH))["epochs"] == 3 and work.seen == [1, 2, 3]


@pytest.mark.slow
def test_ranks_refuse_what_one_process_refuses(work):
    with pytest.raises(InputError, match="hyperparameters in effect are not those asked for: nbs asked 10"):
        work.train(params(2, device=BOTH, nbs=10))


@pytest.mark.slow
def test_ranks_meet_on_the_loopback_alone(tmp_path, work, trouble):
    trouble("held", 1, 3)  # in epoch 2: all are there while the first one's end is told
    heard: dict[int, set[str]] = {}

    def look(epoch: int, _: Any) -> None:
        here = psutil.Process()
        for one in (here, *here.children(recursive=True)) if epoch == 1 else ():
            with suppress(psutil.Error):
                ends = [end for both in one.net_connections("inet") for end in (both.laddr, both.raddr)]
                heard[one.pid] = {end.ip.removeprefix("::ffff:") for end in ends if end}
        (tmp_path / "troubled.over").touch()

    work.train(params(2, device=BOTH), look)
    assert sum(bool(ends) for ends in heard.values()) == 3  # this process and two ranks
    assert set.union(*heard.values()) == {"127.0.0.1"}
