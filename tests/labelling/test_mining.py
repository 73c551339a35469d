"""Which frames are worth labelling: colours, turns, and near-duplicates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.labelling import mining
from provenline.labelling.mining import Colours
from provenline.shadow.params import Operating
from tests.evaluation import world

COLOURS = Colours(Operating(otherwise=0.25), seen=0.4, sure=0.55)


def frames(*rows: tuple[str, str, str, str, int]) -> pd.DataFrame:
    """Build FRAMES from frame_id, camera, day, group and time."""
    return world.frames_table(
        [
            world.frame(frame_id, group, media=f"{group}.mp4")
            | {"camera": camera, "day": day, "time_ms": time}
            for frame_id, camera, day, group, time in rows
        ]
    )


def found(*rows: tuple[str, float]) -> pd.DataFrame:
    box = dict(zip(tables.BOX, (0.0, 0.0, 9.0, 9.0), strict=True))
    return tables.table(
        [
            {"frame_id": f, "model": "production", "label": "person", "score": s, "mask": None} | box
            for f, s in rows
        ],
        tables.PREDICTIONS,
    )


def differing(table: pd.DataFrame, kinds: dict[str, str]) -> pd.DataFrame:
    kind = [kinds.get(one, "") for one in table["frame_id"]]
    return pd.DataFrame(
        {"frame_id": table["frame_id"], "disagrees": [bool(k) for k in kind], "kind": kind}
        | {"only_production": 0, "only_candidate": 1}
    )


def marks(table: pd.DataFrame, colours: dict[str, tuple[str, float]]) -> pd.DataFrame:
    given = [colours.get(one, ("green", 0.0)) for one in table["frame_id"]]
    return table[["frame_id", "media", "time_ms"]].assign(
        quality=[colour for colour, _ in given], doubt=[doubt for _, doubt in given]
    )


def test_what_an_engine_holds_back_is_doubted_however_high_its_threshold() -> None:
    table = frames(*((name, "c", "d", "g", n) for n, name in enumerate(["held", "reported", "noise"])))
    scores = found(("held", 0.68), ("reported", 0.72), ("noise", 0.2))
    colours = Colours(Operating(own={"person": 0.7}, otherwise=0.25), seen=0.4, sure=0.55)
    coloured = mining.quality(table, scores, colours, ["person"])
    assert coloured["quality"].tolist() == ["red", "green", "green"]


def test_the_find_nearest_to_the_threshold_gives_colour_and_doubt() -> None:
    names = ["red", "redder", "yellow", "green", "noise", "none", "other"]
    table = frames(*((name, "c", "d", "g", n) for n, name in enumerate(names)))
    said = found(
        ("red", 0.9), ("red", 0.12), ("red", 0.26), ("redder", 0.24), ("redder", 0.11), ("yellow", 0.3),
        ("yellow", 0.5), ("green", 0.6), ("noise", 0.05),
    )  # fmt: skip
    said = pd.concat([said, found(("other", 0.2)).assign(label="mannequin")])
    colours = mining.quality(table, said, COLOURS, ["person"])
    assert colours["frame_id"].tolist() == names
    assert colours["quality"].tolist() == ["red", "red", "yellow", "green", "green", "green", "green"]
    assert colours["doubt"].tolist() == pytest.approx([0.87, 0.99, 0.95, 0, 0, 0, 0])
    nobody = mining.quality(table, found(), COLOURS, ["person"])
    assert set(nobody["quality"]) == {"green"} and nobody["doubt"].eq(0).all()


def test_marks_of_production_go_to_the_frame_nearest_in_time(tmp_path: Path) -> None:
    table = frames(*((f"f{n}", "c", "d", "g", 1000 * n) for n in range(4)), ("other", "c", "d", "h", 0))
    rows = [("g.mp4", 1400, "yellow"), ("g.mp4", 1100, "red"), ("g.mp4", 2000, "green")]
    rows += [("h.mp4", 900, "red"), ("h.mp4", 400.4, "yellow"), ("gone.mp4", 0, "red")]
    file = tmp_path / "marks.csv"
    pd.DataFrame(rows, columns=["media", "time_ms", "quality"]).assign(person=1).to_csv(file, index=False)
    given, beyond = mining.read_marks(file, table, 1.0)
    assert dict(zip(given["frame_id"], given["quality"], strict=True)) == {
        "f1": "red", "f2": "green", "other": "yellow",
    }  # fmt: skip
    assert beyond == 2 and given["time_ms"].tolist() == [1000, 2000, 0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("media,time_ms\na.mp4,0\n", "has no column quality"),
        ("media,time_ms,quality\na.mp4,0,red\na.mp4,0,orange\n", r"row 3: quality 'orange'"),
        ("media,time_ms,quality\na.mp4,soon,red\n", "row 2: quality 'red' at 'soon'"),
        ("", "not a CSV table"),
        (
            "media,time_ms,quality\n",
            "no mark is of a frame that was compared .there is none; compared was 'g.mp4'.",
        ),
        ("media,time_ms,quality\n/mnt/g.mp4,0,red\n", "such as '/mnt/g.mp4'; compared was 'g.mp4'"),
        ("media,time_ms,quality\ng.mp4,inf,red\n", "row 2: quality 'red' at 'inf'"),
        ("media,time_ms,quality\ng.mp4,1e30,red\n", "row 2: quality 'red' at '1e30'"),
    ],
)
def test_marks_that_are_none_are_named_by_their_row(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "marks.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        mining.read_marks(tmp_path / "marks.csv", frames(("f", "c", "d", "g", 0)), 1.0)


def test_reasons_cameras_and_days_take_turns() -> None:
    rows = [(f"a{n}", "c1", "mon", "a", n) for n in range(6)]
    rows += [(f"b{n}", "c1", "mon", "b", n) for n in range(3)]
    rows += [("c0", "c2", "mon", "c", 0), ("d0", "c1", "tue", "d", 0)]
    table = frames(*rows)
    doubted = {f"a{n}": ("red", 0.9 - n / 100) for n in range(4)} | {
        "b0": ("yellow", 0.7),
        "c0": ("yellow", 0.6),
    }
    ranked = mining.rank(
        table, marks(table, doubted), differing(table, {"d0": "shifted", "a5": "presence", "a0": "presence"})
    )
    assert ranked["frame_id"].is_unique
    # Doubted: a0 (c1 mon), c0 (c2 mon), then b0 (of c1, but another group), a1, ... Disputed: a0, d0, a5.
    assert ranked["frame_id"].tolist() == ["a0", "c0", "d0", "b0", "a5", "a1", "a2", "a3"]
    assert ranked["reason"].tolist()[:3] == ["red", "yellow", "disagreement"]
    assert mining.counts(ranked) == {"red": 4, "yellow": 2, "disagreement": 2}


def test_the_order_does_not_depend_on_that_of_the_rows() -> None:
    rng = np.random.default_rng(0)
    rows = [(f"{g}{n}", f"c{g % 3}", f"d{g % 2}", f"g{g}", n) for g in range(9) for n in range(12)]
    table = frames(*rows)
    doubted = {
        one: ("red" if rng.random() < 0.5 else "yellow", float(rng.random())) for one in table["frame_id"]
    }
    kinds = {one: str(rng.choice(["presence", "shifted", ""])) for one in table["frame_id"]}
    first = mining.rank(table, marks(table, doubted), differing(table, kinds))
    for seed in range(3):
        mixed = table.sample(frac=1, random_state=seed)
        again = mining.rank(mixed, marks(mixed, doubted), differing(mixed, kinds))
        assert again["frame_id"].tolist() == first["frame_id"].tolist()
    # No camera and day is far ahead of another anywhere in the list.
    for size in (6, 12, 24, 48):
        shares = first.head(size).groupby(["camera", "day"]).size()
        assert shares.max() - shares.min() <= 2 + size // 24


def looking(small: dict[str, np.ndarray], asked: list[int]):
    """Return a function that looks at what there is, and writes down how much it was asked for."""

    def look(rows: pd.DataFrame) -> dict[str, mining.Look]:
        asked.append(len(rows))
        return {one: mining.Look("0" * 16, small[one]) for one in rows["frame_id"] if one in small}

    return look


def test_a_frame_that_looks_like_one_of_its_camera_is_passed_over() -> None:
    ranked = pd.DataFrame(
        {"frame_id": ["a", "b", "c", "d", "e"], "camera": ["1", "1", "2", "1", "1"], "reason": "red"}
    )
    flat = np.full(256, 90, np.uint8)
    moved = flat.copy()
    moved[7] += 30
    small = {"a": flat, "b": flat + 5, "c": flat, "d": moved, "e": moved}

    def taken(most: int, apart: int, **more: object) -> tuple[list[str], int, int]:
        found = mining.distinct(ranked, looking(small, []), most, apart, **more)  # type: ignore[arg-type]
        assert list(found.looks) == found.frames["frame_id"].tolist()
        return found.frames["frame_id"].tolist(), found.alike, found.gone

    assert taken(10, 24) == (["a", "c", "d"], 2, 0)
    assert taken(2, 24)[0] == ["a", "c"]
    assert taken(10, 0) == (["a", "b", "c", "d"], 1, 0)
    # What an earlier round took counts, of the same camera alone.
    assert taken(10, 24, before=[("1", flat + 3), ("3", moved)]) == (["c", "d"], 3, 0)
    del small["a"]  # could not be decoded again
    assert taken(10, 24) == (["b", "c", "d"], 1, 1)


def test_it_goes_on_looking_until_there_are_enough() -> None:
    ranked = pd.DataFrame({"frame_id": [f"f{n:03d}" for n in range(100)], "camera": "1", "reason": "red"})
    same, asked = np.zeros(256, np.uint8), list[int]()
    small = {f"f{n:03d}": same + (60 * (n // 40)) for n in range(100)}  # three pictures in a hundred frames
    found = mining.distinct(ranked, looking(small, asked), 3, 24)
    assert found.frames["frame_id"].tolist() == ["f000", "f040", "f080"]
    assert sum(asked) < 100 and max(asked) == 6
