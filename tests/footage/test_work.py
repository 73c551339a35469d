from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from provenline.footage.media import Media
from provenline.footage.params import WindowPlan
from provenline.footage.plans import moments
from provenline.footage.probe import probe
from provenline.footage.work import changed_share, longest_stretch, moving_span
from tests.footage.film import steady
from tests.footage.painting import blob, paint_film

PLAN = WindowPlan(kind="window", work="detected", period_s=2, span_s=10, grid_s=0.5)
TIMES = steady(300, 200)  # 60 s


@pytest.mark.parametrize(
    ("name", "spans", "light", "expected"),
    [
        ("one.mp4", [(22.0, 41.0)], 0.0, (22, 41)),
        ("the-light-drifts.mp4", [(30.0, 50.0)], 25.0, (30, 50)),
        ("a-pause-is-work.mp4", [(10.0, 20.0), (27.0, 35.0)], 0.0, (10, 35)),
        ("somebody-passes-by.mp4", [(2.0, 6.0), (25.0, 50.0)], 0.0, (25, 50)),
        ("to-the-end.mkv", [(35.0, 60.0)], 0.0, (35, 60)),
        ("all-the-time.mp4", [(0.0, 60.0)], 0.0, (0, 60)),
    ],
)
def test_the_span_in_which_something_moves(
    tmp_path: Path, name: str, spans: list[tuple[float, float]], light: float, expected: tuple[int, int]
) -> None:
    file = paint_film(tmp_path / name, TIMES, blob(spans, light=light))
    found = moving_span(file, probe(file).duration_ms)
    assert found is not None
    assert np.allclose(found, expected, atol=1.3)  # a look a second


def test_nothing_moves_is_said_and_the_whole_length_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = paint_film(tmp_path / "still.mp4", TIMES, blob([], light=25.0))
    assert moving_span(file, 60_000) is None
    media = Media("still.mp4", file, "video")
    listed = moments(PLAN.model_copy(update={"work": "listed"}), media, probe(file))
    assert "still" not in capsys.readouterr().err
    assert moments(PLAN, media, probe(file)) == listed == [25_000, 27_000, 29_000, 31_000, 33_000]
    assert "still.mp4: nothing moves" in capsys.readouterr().err


def test_the_window_is_centred_on_what_was_found_unless_the_list_speaks(tmp_path: Path) -> None:
    file = paint_film(tmp_path / "one.mp4", TIMES, blob([(40.0, 58.0)]))
    found = moments(PLAN, Media("one.mp4", file, "video"), probe(file))
    assert abs(found[0] - 44_000) <= 1000
    listed = Media("one.mp4", file, "video", work_start_s=5.0, work_end_s=15.0)
    assert moments(PLAN, listed, probe(file))[0] == 5_000
    only_end = Media("one.mp4", file, "video", work_end_s=20.0)
    assert moments(PLAN, only_end, probe(file))[0] == 5_000
    whole = moments(PLAN.model_copy(update={"work": "listed"}), Media("one.mp4", file, "video"), probe(file))
    assert whole[0] == 25_000


def test_two_pictures_are_too_few(tmp_path: Path) -> None:
    file = paint_film(tmp_path / "short.mp4", steady(8, 200), blob([(0.0, 2.0)]))
    assert moving_span(file, 1600) is None


def test_noise_raises_the_limit_and_a_change_of_light_is_no_movement() -> None:
    rng = np.random.default_rng(5)
    noisy = (120 + rng.normal(0, 8, (20, 48, 64))).astype(np.float32)
    assert changed_share(noisy).max() < 0.004
    lit = noisy + np.linspace(0, 100, 20, dtype=np.float32)[:, None, None]
    assert changed_share(lit).max() < 0.004
    noisy[10:, 20:30, 30:40] += 90
    share = changed_share(noisy)
    assert share.argmax() == 9
    assert abs(share[9] - 100 / (48 * 64)) < 0.01


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ("..........", None),
        ("...#......", None),  # one move is a flash
        ("...##.....", (3, 5)),
        ("##....####", (6, 10)),
        ("##..##....", (0, 6)),  # a pause of two is bridged
        ("##...##...", (0, 2)),  # one of three is not; of equals the first
    ],
)
def test_the_longest_stretch(moves: str, expected: tuple[int, int] | None) -> None:
    assert longest_stretch(list(range(11)), [one == "#" for one in moves], 2) == expected
