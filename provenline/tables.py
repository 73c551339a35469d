"""The three tables that travel between stages: Frames, Boxes, Predictions.

Parquet on disk, pandas in memory; the schema is checked at every read and write. Boxes are
absolute pixels of the stored image, floats, half-open: ``x1 <= x < x2``, ``y1 <= y < y2``, origin
at the top left corner of the top left pixel.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from provenline.errors import InputError
from provenline.files import atomic_path

FRAMES = pa.schema(
    [
        ("frame_id", pa.string()),  # media hash prefix + presentation time; never "frame number n"
        ("path", pa.string()),  # of the stored image, relative to the project's root
        ("plan", pa.string()),  # the sampling plan that asked for it
        ("media", pa.string()),  # the media list's name for the file
        ("media_sha256", pa.string()),
        ("time_ms", pa.int64()),  # presentation time from the start of the media
        ("width", pa.int64()),
        ("height", pa.int64()),
        ("camera", pa.string()),
        ("day", pa.string()),
        ("category", pa.string()),  # the operation
        ("group", pa.string()),  # what a split may not cut
        ("workplace", pa.list_(pa.float64())),  # x1 y1 x2 y2 in pixels, or null
        ("dhash", pa.string()),  # 64-bit difference hash, 16 hexadecimal digits
        ("thumbnail", pa.binary()),  # 16 x 16 grey levels row by row, for telling copies; or null
        ("annotated", pa.bool_()),  # somebody looked at it, whether or not an object was there
        ("annotator", pa.string()),  # whose boxes count for this frame; "" where not annotated
    ]
)
BOXES = pa.schema(
    [
        ("frame_id", pa.string()),
        ("annotator", pa.string()),
        ("label", pa.string()),
        ("x1", pa.float64()),
        ("y1", pa.float64()),
        ("x2", pa.float64()),
        ("y2", pa.float64()),
        ("polygon", pa.list_(pa.float64())),  # x y x y ... in pixels, or null
        ("attributes", pa.string()),  # a JSON object of strings
    ]
)
PREDICTIONS = pa.schema(
    [
        ("frame_id", pa.string()),
        ("model", pa.string()),
        ("label", pa.string()),
        ("x1", pa.float64()),
        ("y1", pa.float64()),
        ("x2", pa.float64()),
        ("y2", pa.float64()),
        ("score", pa.float64()),
        ("mask", pa.string()),  # COCO run-length encoding, or null
    ]
)
BOX = ["x1", "y1", "x2", "y2"]
_NULLABLE = {"polygon", "mask", "workplace", "thumbnail"}


def table(rows: pd.DataFrame | Sequence[Mapping[str, Any]], schema: pa.Schema) -> pd.DataFrame:
    """Build a table from rows (a list of dicts or a frame), in the schema's columns and types.

    Raises:
        InputError: A column is missing or unknown, or holds a value that does not fit.
    """
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    if frame.empty and not len(frame.columns):
        frame = pd.DataFrame(columns=schema.names)
    return _to_pandas(_to_arrow(frame, schema, "table"))


def _to_arrow(frame: pd.DataFrame, schema: pa.Schema, source: str | Path) -> pa.Table:
    missing = [name for name in schema.names if name not in frame.columns and name not in _NULLABLE]
    unknown = [name for name in frame.columns if name not in schema.names]
    if missing or unknown:
        raise InputError(f"columns missing: {missing or 'none'}, unknown: {unknown or 'none'}", file=source)
    frame = frame.assign(**dict.fromkeys(_NULLABLE & set(schema.names) - set(frame.columns)))
    frame = frame[schema.names]
    try:
        arrow = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InputError(f"a value does not fit its column ({error})", file=source) from None
    for name in schema.names:
        if name not in _NULLABLE and arrow[name].null_count:
            raise InputError(f"{arrow[name].null_count} empty values", file=source, place=name)
    return arrow.replace_schema_metadata(None)


def _to_pandas(arrow: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = arrow.to_pandas()
    return frame


def write(frame: pd.DataFrame, path: str | Path, schema: pa.Schema) -> None:
    """Check ``frame`` against ``schema`` and write it as Parquet, whole or not at all."""
    arrow = _to_arrow(frame, schema, path)
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary)


class Collector:
    """Collects rows of a table, packed: a row is a tenth of what its dict would be in memory.

    Args:
        schema: Of the table.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema, self._packed, self._loose = schema, list[pa.Table](), list[Mapping[str, Any]]()

    def __len__(self) -> int:
        return sum(int(one.num_rows) for one in self._packed) + len(self._loose)

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows."""
        self._loose += rows
        if len(self._loose) >= 2000:
            self._pack()

    def take(self, rows: pd.DataFrame) -> None:
        """Add the rows of a table with this schema."""
        self._packed.append(_to_arrow(rows, self._schema, "table"))

    def _pack(self) -> None:
        self._packed.append(_to_arrow(pd.DataFrame(self._loose), self._schema, "table"))
        self._loose = []

    def table(self) -> pd.DataFrame:
        """Return the table, as `table` does.

        Raises:
            InputError: A column is missing or unknown, or holds a value that does not fit.
        """
        if self._loose:
            self._pack()
        return _to_pandas(pa.concat_tables(self._packed)) if self._packed else table([], self._schema)


class Appender:
    """Writes a table part by part, so that no more than a part is in memory; use it as a context manager.

    Args:
        path: In a folder that the caller renames as a whole: it is not atomic by itself.
        schema: That each part is checked against.
        rows: So many, at least, are written at once: tables of many small parts are slow to read.
    """

    def __init__(self, path: Path, schema: pa.Schema, rows: int = 50_000) -> None:
        self._path, self._schema, self._least = path, schema, rows
        self._waiting: list[pa.Table] = []
        self._writer = pq.ParquetWriter(path, schema)

    def __enter__(self) -> Appender:
        return self

    def add(self, part: pd.DataFrame) -> None:
        """Add rows.

        Raises:
            InputError: They do not fit the schema.
        """
        self._waiting.append(_to_arrow(part, self._schema, self._path))
        if sum(one.num_rows for one in self._waiting) >= self._least:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
        self._waiting = []

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None and self._waiting:
            self._flush()
        self._writer.close()


def read(
    path: str | Path,
    schema: pa.Schema,
    frame_ids: Collection[str] | None = None,
    least_score: float | None = None,
) -> pd.DataFrame:
    """Read a Parquet table and check it against ``schema``.

    Args:
        path: The file.
        schema: Its columns.
        frame_ids: Only rows of these frames are read; all where it is None.
        least_score: Only rows with this score at least are read; all where it is None.

    Raises:
        InputError: The file is missing, is not Parquet, or has other columns.
    """
    try:
        wanted = [] if frame_ids is None else [pc.field("frame_id").isin(pa.array(frame_ids, pa.string()))]
        wanted += [] if least_score is None else [pc.field("score") >= least_score]
        arrow = pq.read_table(path, filters=reduce(and_, wanted) if wanted else None)
    except FileNotFoundError:
        raise InputError("file is missing", file=path, mend="Run `dvc repro` or `dvc pull`") from None
    except pa.ArrowInvalid as error:
        raise InputError(f"not a Parquet file ({error})", file=path) from None
    return _to_pandas(_to_arrow(arrow.to_pandas(), schema, path))


def truth(frames: pd.DataFrame, boxes: pd.DataFrame, labels: list[str] | tuple[str, ...]) -> pd.DataFrame:
    """Return the boxes that count: of each annotated frame's reference annotator, with these labels."""
    reference = frames.loc[frames["annotated"], ["frame_id", "annotator"]]
    kept = boxes[boxes["label"].isin(labels)].merge(reference, on=["frame_id", "annotator"])
    return kept.reset_index(drop=True)
