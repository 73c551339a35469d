"""A shadow run that is killed, at any instant, goes on from its last batch and ends as if it had not been."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from provenline.detectors.base import Detections
from provenline.footage.media import Media
from provenline.shadow import keeping
from provenline.shadow.keeping import Kept, forget, identity
from tests.shadow import world
from tests.shadow.world import GREEN, RED, ColourDetector, SideBySide, UntouchedDetector, scene, side_by_side

ROOT = Path(__file__).parents[2]
SECONDS = (9, 4, 7)
FRAMES = sum(SECONDS)


class Killed(BaseException):
    """Stands for a signal: nothing of ours catches it."""


class Mortal(ColourDetector):
    """Dies at its n-th call."""

    def __init__(self, calls: int, **told: object) -> None:
        super().__init__({RED: 0.9, GREEN: 0.8}, **told)  # type: ignore[arg-type]
        self.calls = calls

    def predict(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        if len(self.batches) == self.calls:
            raise Killed
        return super().predict(images)


def film(root: Path) -> list[Media]:
    places = iter(range(4, 4 + FRAMES))
    return [
        world.media(world.video(root / f"{n}.mp4", [scene(next(places), 60) for _ in range(count)]), f"g{n}")
        for n, count in enumerate(SECONDS)
    ]


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> list[Media]:
    return film(tmp_path_factory.mktemp("film"))


def production() -> ColourDetector:
    return ColourDetector({RED: 0.9})


def alike(one: SideBySide, other: SideBySide) -> bool:
    return all(
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name)) is None
        for name in ("frames", "production", "candidate")
    )


@pytest.mark.parametrize("tail", [b"", b'{"frames": [{"fra', b'{"frames": []}\n', b"\xff\xfe\n", b"[1]\n"])
def test_it_goes_on_after_the_last_whole_batch(footage: list[Media], tmp_path: Path, tail: bytes) -> None:
    whole = side_by_side(footage, production(), Mortal(99), world.params())
    for calls in range(sum(-(-seconds // 2) for seconds in SECONDS)):
        kept, before = Kept(tmp_path / str(calls)), Mortal(calls)
        with pytest.raises(Killed):
            side_by_side(footage, production(), before, world.params(), kept)
        for part in (tmp_path / str(calls)).glob("*.jsonl"):
            part.write_bytes(part.read_bytes() + tail)
        after = Mortal(99)
        resumed = side_by_side(footage, production(), after, world.params(), Kept(tmp_path / str(calls)))
        assert alike(resumed, whole)
        assert sum(before.batches) + sum(after.batches) == FRAMES, "an image was looked at twice, or never"
        assert resumed.timing["frames_kept"] == sum(before.batches)
    again = side_by_side(
        footage, UntouchedDetector("c" * 64), UntouchedDetector("c" * 64), world.params(), kept
    )
    assert alike(again, whole) and again.timing["frames_per_s"] is None
    forget(tmp_path, but="3")
    assert [one.name for one in tmp_path.iterdir()] == ["3"]


def test_of_a_medium_that_is_done_there_are_tables_alone(footage: list[Media], tmp_path: Path) -> None:
    whole = side_by_side(footage, production(), Mortal(99), world.params(), Kept(tmp_path))
    done = sorted(tmp_path.iterdir())
    assert len(done) == len(SECONDS) and all(one.is_dir() for one in done)
    done[0].with_suffix(".jsonl").write_text("killed before it was removed", encoding="utf-8")
    (done[1] / "candidate.parquet").write_bytes(b"PAR1")  # what a power cut can leave
    seen = Mortal(99)
    again = side_by_side(footage, production(), seen, world.params(), Kept(tmp_path))
    assert alike(again, whole) and sum(seen.batches) in SECONDS, "the broken one alone is looked at again"
    assert sorted(tmp_path.iterdir()) == done


def test_a_run_that_looks_at_nothing_says_what_was_measured_before(tmp_path: Path) -> None:
    kept, measured = Kept(tmp_path / "kept"), {"frames": 20, "frames_kept": 4, "frames_per_s": 3.5}
    assert kept.timing(measured) == measured
    again = {"frames": 20, "frames_kept": 20, "frames_per_s": None}
    assert kept.timing(again) == {"frames": 20, "frames_kept": 20, "frames_per_s": 3.5}
    (tmp_path / "kept/timing.json").write_text("{", encoding="utf-8")
    assert kept.timing(again) == again == Kept(None).timing(again)


def test_another_library_starts_over(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity(world.params(), "a", "b")
    known = keeping.installed
    monkeypatch.setattr(keeping, "installed", lambda name: "0.0" if name == "av" else known(name))
    assert identity(world.params(), "a", "b") != before


def test_another_media_list_or_another_comparison_starts_over(footage: list[Media], tmp_path: Path) -> None:
    side_by_side(footage, production(), Mortal(99), world.params(), Kept(tmp_path))
    moved, seen = [world.media(footage[0].file, "another group"), *footage[1:]], Mortal(99)
    side = side_by_side(moved, production(), seen, world.params(), Kept(tmp_path))
    assert sum(seen.batches) == SECONDS[0] and "another group" in set(side.frames["group"])
    names = [
        identity(world.params(), "a", "b"),
        identity(world.params(), "a", "c"),
        identity(world.params(batch=3), "a", "b"),
        identity(world.params(period_s=2.0), "a", "b"),
    ]
    assert len(set(names)) == 4 and identity(world.params(gallery=1), "a", "b") == names[0]


def test_a_medium_that_breaks_off_is_set_aside_again(footage: list[Media], tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(b"no video at all" * 99)
    bad = [world.media(cut, "cut"), *footage]
    first = side_by_side(bad, production(), Mortal(99), world.params(), Kept(tmp_path / "kept"))
    again = side_by_side(bad, production(), Mortal(99), world.params(), Kept(tmp_path / "kept"))
    assert [one["media"] for one in again.set_aside] == ["cut.mp4"] and again.set_aside == first.set_aside
    assert alike(first, again)


@pytest.mark.slow
def test_killed_at_random_instants_by_the_system(footage: list[Media], tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom provenline.shadow.keeping import Kept\n"
        "from tests.shadow import test_keeping as t, world\nfrom tests.shadow.world import side_by_side\n"
        "class Slow(t.Mortal):\n"
        "    def predict(self, images):\n        time.sleep(0.15)\n        return super().predict(images)\n"
        "root = Path(sys.argv[1])\n"
        "media = [world.media(f, f'g{f.stem}') for f in sorted(root.glob('*.mp4'))]\n"
        "print('up', flush=True)\n"
        "side = side_by_side(media, t.production(), Slow(99), world.params(), Kept(Path(sys.argv[2])))\n"
        "print('end', flush=True)\n"
    )
    root, kept, chance = footage[0].file.parent, tmp_path / "kept", random.Random(7)
    ended, kills = False, 0
    while not ended:
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(root), str(kept)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert child.stdout is not None and child.stdout.readline() == b"up\n"
        time.sleep(chance.uniform(0.2, 0.6) * (1 + kills / 10))  # a slow machine gets on too
        child.kill()
        ended, kills = b"end" in child.communicate()[0], kills + 1
        assert kills < 40, "it does not get on"
    assert kills > 3
    resumed = side_by_side(footage, production(), UntouchedDetector("c" * 64), world.params(), Kept(kept))
    assert alike(resumed, side_by_side(footage, production(), Mortal(99), world.params()))


def test_of_footage_that_grows_only_what_is_new_is_looked_at(footage: list[Media], tmp_path: Path) -> None:
    """A run over two segments, then over all three: as one run over all, and each is looked at once."""
    states, seen = tmp_path / "shadow", Mortal(99)
    first = side_by_side(footage[:2], production(), seen, world.params(), Kept(states / "this"))
    assert len(first.frames) == SECONDS[0] + SECONDS[1] == sum(seen.batches)
    (states / "other engines").mkdir()
    forget(states, but="this")
    assert [one.name for one in states.iterdir()] == ["this"]
    seen = Mortal(99)
    grown = side_by_side(footage, production(), seen, world.params(), Kept(states / "this"))
    assert sum(seen.batches) == SECONDS[2] and grown.timing["frames_kept"] == len(first.frames)
    assert alike(grown, side_by_side(footage, production(), Mortal(99), world.params()))


def test_what_nobody_lists_any_more_is_forgotten_and_the_rest_stays(
    footage: list[Media], tmp_path: Path
) -> None:
    side_by_side(footage, production(), Mortal(99), world.params(), Kept(tmp_path))
    (tmp_path / ".left by a kill.tmp1").mkdir()
    (tmp_path / "timing.json").write_text("{}", encoding="utf-8")
    kept, seen = Kept(tmp_path), Mortal(99)
    side_by_side(footage[1:], production(), seen, world.params(), kept)
    kept.forget_rest()
    assert not seen.batches and len(list(tmp_path.iterdir())) == len(footage[1:]) + 1
    again = side_by_side(footage[1:], production(), seen, world.params(), Kept(tmp_path))
    assert not seen.batches and len(again.frames) == sum(SECONDS[1:])
