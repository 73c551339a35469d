"""What is left of a training after each epoch, and what of it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from provenline.training.keeping import Keeper, Notes, forget
from provenline.training.params import Keep
from provenline.training.peaks import peaks, ranked, sentences, wanted

KEEP = Keep(metrics=("mAP50", "recall"), top=1, choose="fitness")
MAP50 = [0.1, 0.5, 0.9, 0.4, 0.3, 0.2]  # best in epoch 3
RECALL = [0.8, 0.2, 0.3, 0.4, 0.5, 0.6]  # best in epoch 1
FITNESS = [0.1, 0.2, 0.3, 0.7, 0.7, 0.4]  # best in epochs 4 and 5: the later counts


def scores(epochs: int) -> list[dict[str, float]]:
    rows = zip(MAP50, RECALL, FITNESS, strict=True)
    return [{"mAP50": one, "recall": two, "fitness": three} for one, two, three in rows][:epochs]


def kept(folder: Path, epochs: int, keep: Keep = KEEP, *, done: bool = False) -> Keeper:
    """A keeper that was given some epochs; training has ended by the last, if it is done."""
    keeper = Keeper(folder / "kept", keep)
    for epoch in range(1, epochs + 1):
        last, state = folder / "last.pt", folder / "state.pt"
        last.write_text(f"weights {epoch}")
        state.write_text(f"state {epoch}")
        history = [{"epoch": one} for one in range(1, epoch + 1)]
        ended = done and epoch == epochs
        keeper.keep(last, state, Notes(history=history, scores=scores(epoch), done=ended))
        assert not last.exists() and not state.exists()
    return keeper


def test_the_newest_two_and_the_peaks_stay(tmp_path):
    keeper = kept(tmp_path, 6)
    assert keeper.epochs == [1, 3, 5, 6]
    assert [keeper.checkpoint(epoch).read_text() for epoch in keeper.epochs] == [
        f"weights {epoch}" for epoch in (1, 3, 5, 6)
    ]
    assert len(keeper.notes().history) == 6
    assert sorted(path.read_text() for path in tmp_path.rglob("state.pt")) == ["state 5", "state 6"]
    assert keeper.state() == tmp_path / "kept" / "epoch_00006" / "state.pt"


def test_top_k_bounds_what_stays(tmp_path):
    keeper = kept(tmp_path, 6, KEEP.model_copy(update={"top": 2}))
    assert keeper.epochs == [1, 2, 3, 5, 6]  # mAP50 3, 2; recall 1, 6; fitness 5
    assert peaks(scores(6), KEEP.model_copy(update={"top": 2})) == {
        1: {"recall": 1},
        2: {"mAP50": 2},
        3: {"mAP50": 1},
        6: {"recall": 2},
    }


def test_what_stays_is_what_will_be_wanted(tmp_path):
    for epoch in range(1, 7):
        folder = tmp_path / str(epoch)
        folder.mkdir()
        assert wanted(scores(epoch), KEEP) <= set(kept(folder, epoch).epochs)
    assert ranked(scores(6), "fitness")[0] == 5
    assert wanted(scores(6), KEEP) == {1, 3, 5}


def test_what_a_kill_leaves_half_done_is_removed(tmp_path, capsys):
    kept(tmp_path, 2)
    (tmp_path / "kept" / ".epoch_00003.99.tmp").mkdir()
    (tmp_path / "kept" / ".epoch_00001.99.tmp").mkdir()
    assert Keeper(tmp_path / "kept", KEEP).epochs == [1, 2]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["epoch_00001", "epoch_00002"]
    assert capsys.readouterr().err == ""


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("harm", [truncate, flip, Path.unlink], ids=["truncated", "flipped", "gone"])
@pytest.mark.parametrize("name", ["last.pt", "state.pt", "notes.json", "sums.json"])
def test_the_newest_whole_epoch_is_used(tmp_path, capsys, harm, name):
    kept(tmp_path, 6)
    harm(tmp_path / "kept" / "epoch_00006" / name)
    keeper = Keeper(tmp_path / "kept", KEEP)
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "the interrupted training's checkpoint of epoch 6 is damaged on disk; goes on after epoch 5"
    ]
    assert keeper.epochs == [1, 3, 5] and len(keeper.notes().history) == 5
    assert keeper.state() == tmp_path / "kept" / "epoch_00005" / "state.pt"


def test_where_none_is_whole_it_starts_over(tmp_path, capsys):
    kept(tmp_path, 2)
    for epoch in (1, 2):
        flip(tmp_path / "kept" / f"epoch_0000{epoch}" / "last.pt")
    keeper = Keeper(tmp_path / "kept", KEEP)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].endswith("epoch 1, 2 is damaged on disk; no other can be gone on from: it starts over")
    assert keeper.epochs == [] and keeper.notes() == Notes() and keeper.state() is None


def test_a_peak_is_not_gone_on_from(tmp_path, capsys):
    kept(tmp_path, 6)
    for epoch in (5, 6):
        (tmp_path / "kept" / f"epoch_0000{epoch}" / "state.pt").unlink()
    keeper = Keeper(tmp_path / "kept", KEEP)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "epoch 6 is damaged on disk; no other can be gone on from" in said[0]
    assert said[0].endswith(": it starts over, and epoch 1, 3, 5 is dropped")
    assert keeper.epochs == [] and list((tmp_path / "kept").iterdir()) == []


def test_every_epoch_that_is_dropped_is_named(tmp_path, capsys):
    kept(tmp_path, 6)
    flip(tmp_path / "kept" / "epoch_00003" / "last.pt")
    truncate(tmp_path / "kept" / "epoch_00006" / "state.pt")
    assert Keeper(tmp_path / "kept", KEEP).epochs == [1, 5]
    said = "epoch 3 is damaged on disk; goes on after epoch 5, and epoch 6 is dropped"
    assert capsys.readouterr().err.count(said) == 1


@pytest.mark.parametrize("harm", [truncate, flip, Path.unlink], ids=["truncated", "flipped", "gone"])
def test_a_finished_training_loses_nothing_with_what_it_would_go_on_from(tmp_path, capsys, harm):
    kept(tmp_path, 6, done=True)
    for epoch in (5, 6):
        harm(tmp_path / "kept" / f"epoch_0000{epoch}" / "state.pt")
    keeper = Keeper(tmp_path / "kept", KEEP)
    assert keeper.epochs == [1, 3, 5, 6] and keeper.notes().done and capsys.readouterr().err == ""


def test_a_finished_training_whose_last_checkpoint_is_lost_goes_on_before_it(tmp_path, capsys):
    kept(tmp_path, 6, done=True)
    flip(tmp_path / "kept" / "epoch_00006" / "last.pt")
    keeper = Keeper(tmp_path / "kept", KEEP)
    assert keeper.epochs == [1, 3, 5] and not keeper.notes().done
    assert "epoch 6 is damaged on disk; goes on after epoch 5" in capsys.readouterr().err


def test_forgetting_takes_all_states_and_what_a_kill_left_of_forgetting(tmp_path):
    for name in ("train/a/kept", "train/b", ".train.99.tmp/c", "other"):
        (tmp_path / name).mkdir(parents=True)
    forget(tmp_path / "train")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
    forget(tmp_path / "train")


def test_a_peak_elsewhere_is_said_with_both_numbers():
    rows = [{"epoch": 31, "mAP50": 0.895, "recall": 0.7}, {"epoch": 42, "mAP50": 0.872, "recall": 0.7}]
    peak = {"epoch": 31, "best_by": {"mAP50": 1, "recall": 1}, "file": "e.pt", "mAP50": 0.895, "recall": 0.7}
    second = {"epoch": 31, "best_by": {"mAP50": 2}, "file": "e.pt", "mAP50": 0.895}
    report = {"history": rows, "best_epoch": 42, "peaks": [peak, second]}
    assert sentences(report) == [
        "mAP50 peaked at epoch 31 (0.895), the chosen epoch 42 has 0.872: kept as e.pt"
    ]
    assert sentences({"history": [], "best_epoch": 0, "peaks": []}) == []
