from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from provenline import tables
from provenline.errors import InputError

BOX = {"annotator": "a", "label": "person", "x1": 1, "y1": 2, "x2": 3.5, "y2": 4, "attributes": "{}"}


def frames(**changes: object) -> pd.DataFrame:
    row = {
        "frame_id": "f", "path": "p.jpg", "plan": "window", "media": "m.mp4", "media_sha256": "0" * 64,
        "time_ms": 500, "width": 64, "height": 48, "camera": "", "day": "", "category": "", "group": "m.mp4",
        "dhash": "0" * 16, "annotated": True, "annotator": "a",
    }  # fmt: skip
    return tables.table([{**row, **changes}], tables.FRAMES)


def test_a_table_survives_the_disk(tmp_path: Path) -> None:
    boxes = tables.table(
        [
            {"frame_id": "f", **BOX, "polygon": [1.0, 2.0, 3.0, 4.0]},
            {"frame_id": "g", **BOX, "polygon": None},
        ],
        tables.BOXES,
    )
    tables.write(boxes, tmp_path / "boxes.parquet", tables.BOXES)
    back = tables.read(tmp_path / "boxes.parquet", tables.BOXES)
    assert back["x2"].tolist() == [3.5, 3.5] and back["x1"].dtype == "float64"
    assert list(back["polygon"][0]) == [1.0, 2.0, 3.0, 4.0] and back["polygon"][1] is None


@pytest.mark.parametrize("schema", [tables.FRAMES, tables.BOXES, tables.PREDICTIONS])
def test_an_empty_table_has_all_columns(schema: object, tmp_path: Path) -> None:
    tables.write(tables.table([], schema), tmp_path / "t.parquet", schema)
    assert list(tables.read(tmp_path / "t.parquet", schema).columns) == schema.names


def test_nullable_columns_may_be_left_out() -> None:
    assert frames()["workplace"][0] is None


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"frame_id": "f"}, "columns missing"),
        ({"frame_id": "f", **BOX, "colour": "red"}, "unknown.*colour"),
        ({"frame_id": "f", **BOX, "x1": "left"}, "does not fit"),
        ({"frame_id": None, **BOX}, "empty values"),
    ],
)
def test_what_does_not_fit_is_refused(row: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        tables.table([row], tables.BOXES)


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "boxes.parquet").write_bytes(b"PAR1 no")
    for name in ("boxes.parquet", "missing.parquet"):
        with pytest.raises(InputError, match=name):
            tables.read(tmp_path / name, tables.BOXES)


def test_truth_takes_the_reference_annotators_boxes_of_looked_at_frames() -> None:
    seen, unseen = frames(), frames(frame_id="u", annotated=False, annotator="")
    rows = [
        {"frame_id": "f", **BOX},
        {"frame_id": "f", **BOX, "annotator": "b"},
        {"frame_id": "f", **BOX, "label": "mannequin"},
        {"frame_id": "u", **BOX, "annotator": ""},
    ]
    kept = tables.truth(pd.concat([seen, unseen]), tables.table(rows, tables.BOXES), ("person",))
    assert kept[["frame_id", "annotator", "label"]].to_numpy().tolist() == [["f", "a", "person"]]


def test_a_table_written_part_by_part_is_the_table(tmp_path: Path) -> None:
    whole = pd.concat([predictions(f"f{n}", n % 3) for n in range(40)], ignore_index=True)
    with tables.Appender(tmp_path / "parts.parquet", tables.PREDICTIONS, rows=7) as appender:
        for _, part in whole.groupby("frame_id", sort=False):
            appender.add(part)
    pd.testing.assert_frame_equal(tables.read(tmp_path / "parts.parquet", tables.PREDICTIONS), whole)
    some = tables.read(tmp_path / "parts.parquet", tables.PREDICTIONS, ["f1", "f38", "gone"])
    assert some["frame_id"].tolist() == ["f1", "f38", "f38"]
    assert tables.read(tmp_path / "parts.parquet", tables.PREDICTIONS, []).empty
    least = float(whole["score"].median())
    sure = tables.read(tmp_path / "parts.parquet", tables.PREDICTIONS, least_score=least)
    pd.testing.assert_frame_equal(sure, whole[whole["score"] >= least].reset_index(drop=True))
    both = tables.read(tmp_path / "parts.parquet", tables.PREDICTIONS, ["f1"], least_score=2.0)
    assert both.empty
    with tables.Appender(tmp_path / "none.parquet", tables.PREDICTIONS):
        pass
    assert tables.read(tmp_path / "none.parquet", tables.PREDICTIONS).empty
    with (
        pytest.raises(InputError, match="columns missing"),
        tables.Appender(tmp_path / "x", tables.BOXES) as bad,
    ):
        bad.add(whole)


def test_rows_that_are_collected_are_the_table() -> None:
    whole = pd.concat([predictions(f"f{n}", 3) for n in range(1500)], ignore_index=True)
    collector = tables.Collector(tables.PREDICTIONS)
    assert len(collector) == 0 and collector.table().empty
    rows = whole.to_dict("records")
    for start in range(0, len(rows), 17):
        collector.add(rows[start : start + 17])
    assert len(collector) == len(whole)
    pd.testing.assert_frame_equal(collector.table(), whole)
    pd.testing.assert_frame_equal(collector.table(), whole)  # asked twice


def predictions(frame_id: str, count: int) -> pd.DataFrame:
    row = {"frame_id": frame_id, "model": "m", "label": "person", "score": 0.5, "mask": None}
    rows = [row | dict(zip(tables.BOX, (1.0, 2.0, 3.0 + n, 4.0), strict=True)) for n in range(count)]
    return tables.table(rows, tables.PREDICTIONS)
