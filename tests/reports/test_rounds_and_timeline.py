"""What monthly rounds brought is on the page and the card; when either engine sees somebody is drawn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from provenline.errors import InputError
from provenline.files import write_json
from provenline.reports import timeline
from provenline.reports.report import write_report
from tests.reports.conftest import PARAMS, PLAIN

ROUND = {
    "round": "v0.1", "frames": 30, "groups": 12, "missing": 1, "frames_without_objects": 4,
    "reasons": {"red": 20, "yellow": 0, "disagreement": 10}, "objects": {"person": 41},
    "media": {"count": 12, "provenance": {"staged": 12}, "consent": {"": 2, "yes": 10}, "licence": {"x": 12}},
}  # fmt: skip


def test_what_rounds_brought_is_on_the_page_and_in_the_card(line: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    shutil.copytree(line, root, ignore=shutil.ignore_patterns("reports"))
    given = yaml.safe_load((root / "params.yaml").read_text())
    (root / "params.yaml").write_text(yaml.safe_dump(given | {"rounds": "data/rounds"}))
    write_json(root / "data/rounds/v0/round.json", ROUND | {"round": "v0"})
    write_json(root / "data/rounds/v0.2/round.json", ROUND | {"round": "v0.2"})  # yet to come
    write_report(root, PARAMS, PLAIN, "v0", "lbzf_person", root / "reports")
    for name in ("index.html", "dataset_card.md"):
        text = (root / "reports" / name).read_text()
        assert "Round v0" in text and "Round v0.2" not in text
        assert "30 frames of 12 groups (20 red, 10 disagreement), all in train; person 41" in text
        assert "4 with nothing in them" in text and "NOT STATED: 2 of 12" in text
    before = (line / "reports/index.html").read_text()
    assert "Monthly rounds" not in before


def comparison(path: Path, rows: list[tuple[str, int, int, int]], camera: str = "c1") -> Path:
    table = pd.DataFrame(rows, columns=["media", "time_ms", "production", "candidate"])
    table.assign(camera=camera, day="20240520", kind="").to_csv(path, index=False)
    return path


def test_strips_say_when_either_sees_somebody(tmp_path: Path) -> None:
    rows = [("a/x.mp4", 2000 * n, int(n in (1, 2)), int(n == 2)) for n in range(5)]
    (strip,) = timeline.read(comparison(tmp_path / "c.csv", rows[::-1]))
    assert (strip.name, strip.step, strip.times) == ("c1 x.mp4", 2.0, (0.0, 2.0, 4.0, 6.0, 8.0))
    assert strip.production == (False, True, True, False, False)
    assert strip.candidate == (False, False, True, False, False)
    figure = timeline.draw((strip,))
    assert "production sees somebody 40% of the time, the candidate 20%; only one of them 20%" in figure.alt
    assert figure.svg == timeline.draw((strip,)).svg  # the same bytes


def test_a_day_of_many_recordings_is_one_row_of_bounded_length(tmp_path: Path) -> None:
    rows = [(f"{m:03d}.mp4", 1000 * n, 1, int(m % 2)) for m in range(40) for n in range(50)]
    (strip,) = timeline.read(comparison(tmp_path / "c.csv", rows))
    assert strip.name == "c1 20240520" and len(strip.times) == timeline.BINS
    assert strip.times[-1] + strip.step == pytest.approx(2000, rel=0.01)
    assert all(strip.production) and 0.4 < sum(strip.candidate) / len(strip.candidate) < 0.6


def test_no_comparison_is_no_timeline_and_a_bad_one_is_an_error(tmp_path: Path) -> None:
    assert timeline.read(tmp_path / "none.csv") == ()
    assert timeline.read(comparison(tmp_path / "c.csv", [])) == ()
    (tmp_path / "bad.csv").write_text("media,time_ms\na,1\n")
    with pytest.raises(InputError, match="no comparison that can be read"):
        timeline.read(tmp_path / "bad.csv")


def test_the_page_shows_the_timeline_and_what_following_tells(line: Path) -> None:
    text = (line / "reports/index.html").read_text()
    assert "When production and candidate see somebody" in text and "Timeline of" in text
    assert "Lost for a moment" in text and "Seen for one frame" in text
    assert (line / "reports/figures/shadow_timeline.svg").is_file()
