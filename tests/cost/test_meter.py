"""Estimates come from earlier trainings, and no training starts that would go past the ceiling."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from provenline.cost.estimate import Job, estimate, reserved
from provenline.cost.ledger import Entry, Ledger
from provenline.cost.meter import Meter, metered
from provenline.errors import InputError

JOB = Job("new", "lbzf_person", "g5.xlarge", 1.2, "yolov8n", "0", 640, images=500, asked=20)
DONE = Entry(
    "a", "old", 1000.0, "lbzf_person", "g5.xlarge", 1.0, "yolov8n", "0", 640, images=1000, asked=50,
    epochs=10, epoch_seconds=1800.0, seconds=1900.0, ended=True, finished=True,
)  # fmt: skip


class Said(list[str]):
    """Collects what is said."""

    def __call__(self, text: str) -> None:
        self.append(text)


def put(ledger: Ledger, *entries: Entry) -> None:
    for one in entries:
        ledger.add(**vars(one))


def test_an_estimate_is_epochs_times_images_at_the_measured_rate() -> None:
    # 1800 s for 10 x 1000 images: 0.18 s each; 20 x 500 of them.
    found = estimate(JOB, [DONE])
    assert found is not None and found.basis == 1
    assert found.hours == pytest.approx(0.5) and found.usd == pytest.approx(0.6)
    slower = replace(DONE, id="b", epoch_seconds=5400.0)
    both = estimate(JOB, [DONE, slower])
    assert both is not None and both.hours == pytest.approx(1.0) and both.basis == 2


@pytest.mark.parametrize(
    "other", [{"machine": "local"}, {"model": "yolov8m"}, {"imgsz": 320}, {"device": "cpu"}, {"epochs": 0}]
)
def test_other_machines_models_and_sizes_say_nothing(other: dict) -> None:
    assert estimate(JOB, [replace(DONE, **other)]) is None


def test_the_start_says_what_is_known(tmp_path: Path) -> None:
    ledger, said = Ledger(tmp_path / "cost.jsonl"), Said()
    put(ledger, DONE)
    with metered(ledger, JOB, 200.0, said):
        pass
    (text,) = said
    assert text.startswith(
        "cost: at most 0.50 h and 0.60 USD on g5.xlarge, by the last training of its kind; "
    )
    assert text.endswith("; 0.53 of 200.00 USD spent")
    mine = ledger.entries()[-1]
    assert mine.training == "new" and mine.usd_per_hour == 1.2 and mine.estimated_usd == pytest.approx(0.6)
    assert mine.ended and mine.finished


def test_past_the_ceiling_is_one_line_and_nothing_starts(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "cost.jsonl")
    put(ledger, DONE, replace(DONE, id="b", seconds=3600.0 * 199))
    with pytest.raises(InputError) as caught, metered(ledger, JOB, 200.0, Said()):
        pytest.fail("it started")
    text = str(caught.value)
    assert "199.53 USD spent, 0.60 USD more for this training, ceiling 200.00 USD" in text
    assert "ceiling_usd" in text and "\n" not in text and len(ledger.entries()) == 2
    with metered(ledger, JOB, 201.0, Said()):
        pass
    with metered(ledger, replace(JOB, usd_per_hour=0.0), 1.0, Said()):
        pass  # what costs nothing is never refused


def test_a_training_that_is_over_is_published_whatever_was_spent(tmp_path: Path) -> None:
    """Killed between its last epoch and its publishing, it trains nothing more."""
    ledger = Ledger(tmp_path / "cost.jsonl")
    put(ledger, replace(DONE, seconds=3600.0 * 300))
    with metered(ledger, replace(JOB, asked=0), 200.0, Said()):
        pass
    assert ledger.entries()[-1].finished


def test_a_spent_ceiling_refuses_what_nobody_can_estimate(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "cost.jsonl")
    put(ledger, replace(DONE, seconds=3600.0 * 200))
    with (
        pytest.raises(InputError, match="cost not known yet"),
        metered(ledger, replace(JOB, imgsz=32), 200.0, Said()),
    ):
        pytest.fail("it started")


def test_without_an_earlier_training_the_first_epoch_tells(tmp_path: Path) -> None:
    ledger, said, seen = Ledger(tmp_path / "cost.jsonl"), Said(), []
    with metered(ledger, JOB, 200.0, said) as meter:
        after = meter.after(lambda epoch, numbers: seen.append((epoch, numbers)))
        time.sleep(0.05)
        after(1, {"mAP50": 0.5})
        after(2, {"mAP50": 0.6})
    assert seen == [(1, {"mAP50": 0.5}), (2, {"mAP50": 0.6})] and len(said) == 2
    assert "not known before its first epoch, as no training of yolov8n at 640 on g5.xlarge" in said[0]
    assert said[1].startswith("cost: by its first epoch, at most 0.00 h and 0.00 USD more (19 epochs")
    (one,) = ledger.entries()
    assert one.epochs == 2 and 0.05 <= one.epoch_seconds <= one.seconds


def test_a_first_epoch_that_shows_too_much_stops_it_with_its_state_kept(tmp_path: Path) -> None:
    ledger, kept = Ledger(tmp_path / "cost.jsonl"), []
    dear = replace(JOB, usd_per_hour=3.6e6)  # a thousand dollars a second
    with pytest.raises(InputError, match="what was trained is kept"):  # noqa: SIM117
        with metered(ledger, dear, 500.0, Said()) as meter:
            time.sleep(0.05)
            meter.after(lambda epoch, numbers: kept.append(epoch))(1, {})
    (one,) = ledger.entries()
    assert kept == [1] and one.ended and not one.finished and one.usd < 500


def test_what_runs_at_this_moment_is_reserved(tmp_path: Path) -> None:
    ledger, now = Ledger(tmp_path / "cost.jsonl"), time.time()
    running = replace(
        DONE, id="b", started=now - 3600, seconds=3590.0, ended=False, finished=False, estimated_usd=150.0
    )
    assert reserved([running], now) == pytest.approx(150 - 3590 / 3600)
    assert reserved([replace(running, ended=True)], now) == 0.0
    assert reserved([replace(running, started=now - 9000)], now) == 0.0  # killed long ago
    put(ledger, DONE, running)
    with pytest.raises(InputError, match=r"150\.53 USD spent"), metered(ledger, JOB, 151.0, Said()):
        pytest.fail("it started")


def test_a_ledger_that_cannot_be_written_starts_nothing_and_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "cost.jsonl"
    folder.mkdir()
    with pytest.raises(InputError, match=r"cost\.jsonl: cannot be written"):
        Meter(Ledger(folder), JOB, 200.0, Said()).start()
    ledger, said = Ledger(tmp_path / "other.jsonl"), Said()
    with metered(ledger, JOB, 200.0, said) as meter:
        ledger.file.unlink()
        ledger.file.mkdir()
        meter.beat()
        meter.beat()
    assert sum("cannot be written" in text for text in said) == 1
