from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from provenline.commands.footage import app
from provenline.errors import InputError
from provenline.footage.media import Media, read_media_list, write_media_list
from provenline.footage.params import EveryPlan, RollingBufferPlan, SamplePlan
from provenline.footage.sample import accept, read_ledger
from provenline.footage.selecting import choose

EVERY = EveryPlan(kind="every", period_s=2, grid_s=0.5)
BUFFER = RollingBufferPlan(
    kind="rolling_buffer", period_s=30, hours=None, cameras=(), days=(), per_camera_hour=120
)
run = CliRunner().invoke


def video(
    name: str, category: str = "Collar", camera: str = "", day: str = "", hour: int | None = None
) -> Media:
    started = None if hour is None else datetime(2024, 5, 6, hour, 10)  # noqa: DTZ001
    return Media(name, Path(name), "video", category, camera, day, started=started)


def names(media: list[Media]) -> list[str]:
    return [one.name for one in media]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    (tmp_path / "ledger.csv").write_text("media,category\n")
    return tmp_path / "ledger.csv"


def plan(ledger: Path, per_category: int = 2, seed: int = 0) -> SamplePlan:
    return SamplePlan(kind="sample", per_category=per_category, seed=seed, ledger=str(ledger), plan=EVERY)


def many(count: int, category: str = "Collar") -> list[Media]:
    return [video(f"{category}/{number:03d}.mp4", category) for number in range(count)]


def test_plans_without_a_choice_take_everything_in_order() -> None:
    photo = Media("a.jpg", Path("a.jpg"), "photo")
    assert names(choose(EVERY, [video("b.mp4"), photo, video("a.mp4")])) == ["a.jpg", "a.mp4", "b.mp4"]


def test_a_buffer_is_narrowed_by_camera_day_and_hour() -> None:
    media = [
        video(f"{camera}/{day}/{hour}.mp4", camera=camera, day=day, hour=hour)
        for camera in ("c1", "c2", "c3")
        for day in ("2024-05-06", "2024-05-07")
        for hour in (7, 8, 17, 18)
    ]
    photo = Media("a.jpg", Path("a.jpg"), "photo")
    assert choose(BUFFER, [*media, photo]) == sorted([*media, photo], key=lambda one: one.name)
    narrow = BUFFER.model_copy(update={"cameras": ("c1", "c3"), "days": ("2024-05-07",), "hours": (8, 18)})
    expected = [f"{camera}/2024-05-07/{hour}.mp4" for camera in ("c1", "c3") for hour in (17, 8)]
    assert names(choose(narrow, [*media, photo])) == ["a.jpg", *expected]


def test_a_buffer_says_what_it_does_not_know_and_what_it_loses(capsys: pytest.CaptureFixture[str]) -> None:
    hours = BUFFER.model_copy(update={"hours": (8, 9)})
    assert names(choose(hours, [video("a.mp4"), video("b.mp4", hour=8), video("c.mp4", hour=9)])) == [
        "a.mp4",
        "b.mp4",
    ]
    assert "1 videos without `started`" in capsys.readouterr().err
    assert choose(BUFFER.model_copy(update={"cameras": ("c9",)}), [video("a.mp4", camera="c1")]) == []
    assert "leave none of 1 videos" in capsys.readouterr().err
    assert choose(hours, []) == []
    assert capsys.readouterr().err == ""


def test_a_sample_has_its_size_and_depends_on_the_seed_alone(ledger: Path) -> None:
    media = [*many(20), *many(20, "Cuff"), Media("a.jpg", Path("a.jpg"), "photo")]
    chosen = choose(plan(ledger, 3), media)
    assert names(chosen)[-1] == "a.jpg"
    assert [one.category for one in chosen] == ["Collar"] * 3 + ["Cuff"] * 3 + [""]
    rng = np.random.default_rng(1)
    assert choose(plan(ledger, 3), [media[index] for index in rng.permutation(len(media))]) == chosen
    assert len({tuple(names(choose(plan(ledger, 3, seed), media))) for seed in range(20)}) == 20


def test_every_video_has_the_same_chance(ledger: Path) -> None:
    counts = dict.fromkeys(names(many(10)), 0)
    for seed in range(600):
        for name in names(choose(plan(ledger, 3, seed), many(10))):
            counts[name] += 1
    # Binomial with n = 600, p = 0.3: standard deviation 11.2.
    assert max(abs(count - 180) for count in counts.values()) < 4 * 11.2


def test_what_was_accepted_stays_however_much_is_added(ledger: Path) -> None:
    rng = np.random.default_rng(2)
    for seed in range(30):
        ledger.write_text("media,category\n")
        media = many(40)
        few = [media[index] for index in rng.choice(40, 6, replace=False)]
        first = choose(plan(ledger, 2, seed), few)
        assert accept(ledger, first) == {"added": 2, "kept": 0}
        assert choose(plan(ledger, 2, seed), media) == first
        more = choose(plan(ledger, 5, seed), media)
        assert len(more) == 5 and set(names(first)) < set(names(more))
        fewer = choose(plan(ledger, 1, seed), media)
        assert fewer == first  # never fewer than were accepted
        gone = [one for one in media if one != first[0]]
        assert len(choose(plan(ledger, 2, seed), gone)) == 2 and first[1] in choose(
            plan(ledger, 2, seed), gone
        )


def test_a_category_with_too_few_is_said(ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(choose(plan(ledger, 3), [*many(3), *many(2, "Cuff"), video("x.mp4", "")])) == 6
    said = capsys.readouterr().err
    assert "category Cuff has 2 of 3 videos" in said and "without a name has 1 of 3" in said
    assert "Collar" not in said


def test_a_sample_of_a_buffer_is_drawn_from_what_the_buffer_leaves(ledger: Path) -> None:
    media = [video(f"{camera}/{hour}.mp4", "", camera, hour=hour) for camera in "ab" for hour in range(10)]
    inner = BUFFER.model_copy(update={"cameras": ("b",), "hours": (0, 5)})
    both = plan(ledger, 3).model_copy(update={"plan": inner})
    chosen = choose(both, media)
    assert len(chosen) == 3 and all(one.camera == "b" and int(one.name[2]) < 5 for one in chosen)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("media\na.mp4\n", "column 'category' is missing"),
        ("media,category\na.mp4,x\na.mp4,y\n", r"row 3, media: 'a.mp4' stands twice"),
        ("media,category\n,y\n", r"row 2, media: no media"),
    ],
)
def test_a_malformed_ledger_is_one_line(ledger: Path, text: str, message: str) -> None:
    ledger.write_text(text)
    with pytest.raises(InputError, match=message):
        choose(plan(ledger), many(3))
    with pytest.raises(InputError, match=message):
        accept(ledger, many(1))
    assert ledger.read_text() == text


def test_a_missing_ledger_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"file is missing\. Start one that holds only the line media,category"
    ):
        choose(plan(tmp_path / "none.csv"), many(3))


def test_the_ledger_keeps_what_is_no_longer_listed_and_no_photos(ledger: Path) -> None:
    ledger.write_text("media,category\nold.mp4,Cuff\n")
    chosen = [video("new.mp4"), Media("a.jpg", Path("a.jpg"), "photo")]
    assert accept(ledger, chosen) == {"added": 1, "kept": 1}
    assert ledger.read_text() == "media,category\nnew.mp4,Collar\nold.mp4,Cuff\n"
    assert read_ledger(ledger) == {"new.mp4": "Collar", "old.mp4": "Cuff"}


PARAMS = """
extract:
  sampling: {kind: SAMPLING}
source:
  development: {root: d, media_list: d.csv}
  deployment: {root: e, media_list: e.csv}
"""
SAMPLE = (
    "sample, per_category: 1, seed: 3, ledger: ledger.csv, plan: {kind: every, period_s: 2.0, grid_s: 0.5}"
)


def test_accept_copies_the_present_choice_of_both_footages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ledger: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS.replace("SAMPLING", SAMPLE))
    for side in "de":
        rows = [{"path": f"{side}{number}.mp4", "category": "Collar"} for number in range(5)]
        write_media_list(tmp_path / f"{side}.csv", rows)
    done = run(app, ["accept"])
    assert done.exit_code == 0, done.output
    assert "2 videos added, 0 kept" in done.output
    chosen = choose(plan(ledger, 1, 3), read_media_list(tmp_path / "d.csv", tmp_path / "d"))
    assert len(read_ledger(ledger)) == 2 and chosen[0].name in read_ledger(ledger)
    assert "0 videos added, 2 kept" in run(app, ["accept"]).output


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        ("every, period_s: 2.0, grid_s: 0.5", "the sampling plan is every, which has no ledger"),
        ("sample", "params.yaml: extract.sampling: Field required"),
    ],
)
def test_accept_needs_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sampling: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS.replace("SAMPLING", sampling))
    with pytest.raises(InputError, match=message):
        run(app, ["accept"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("extract: null", "extract.sampling"),
        (f"extract: {{sampling: {{kind: {SAMPLE}}}}}", "source"),
        (f"extract: {{sampling: {{kind: {SAMPLE}}}}}\nsource: {{development: {{root: d}}}}", "source"),
        (f"extract: {{sampling: {{kind: {SAMPLE}}}}}\nsource: null", "source"),
    ],
)
def test_parameters_without_footage_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(InputError, match=f"params.yaml: {place}: "):
        run(app, ["accept"], catch_exceptions=False)


@pytest.mark.parametrize("name", ["notes.txt", "c1/today/08.mp4"])
def test_a_scan_that_finds_nothing_at_all_says_what_it_looked_for(tmp_path: Path, name: str) -> None:
    (tmp_path / "buffer" / name).parent.mkdir(parents=True)
    (tmp_path / "buffer" / name).write_text(name)
    words = ["scan", str(tmp_path / "buffer"), str(tmp_path / "m.csv"), "--settle", "0"]
    error = run(app, words).exception
    assert isinstance(error, InputError) and str(error).startswith(f"{tmp_path / 'buffer'}: no recording")
    assert "fits {camera}/{day}/{hour}*.mp4" in str(error) and " .mp4 " in str(error)
    # What cron runs: the first recording makes it good, and from then on nothing new is no fault.
    recording = tmp_path / "buffer/c1/20240506/08.mp4"
    recording.parent.mkdir(parents=True)
    recording.write_text("film")
    assert run(app, [*words, "--settle", "60"]).exit_code == 0  # still being written
    assert run(app, words).exit_code == 0
    done = run(app, words)
    assert done.exit_code == 0 and "0 added, 1 listed before" in done.output
    recording.unlink()
    assert run(app, words).exit_code == 0


def test_scan_says_what_it_found(tmp_path: Path) -> None:
    for name in ("c1/20240506/08.mp4", "c1/20240506/08b.mp4", "c1/today/08.mp4"):
        (tmp_path / "buffer" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "buffer" / name).write_text(name)
    words = ["scan", str(tmp_path / "buffer"), str(tmp_path / "m.csv")]
    output = run(app, words).output
    assert "0 added" in output and "2 still being written" in output
    output = " ".join(run(app, [*words, "--settle", "0", "--category", "Cuff"]).output.split())
    assert "2 added, 0 listed before" in output
    assert "1 videos do not fit the pattern, first 'c1/today/08.mp4'" in output
    assert "1 recordings start, by their paths, when another" in output
    assert {one.category for one in read_media_list(tmp_path / "m.csv", tmp_path)} == {"Cuff"}
