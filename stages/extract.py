"""Probe, sample and decode the frames that the plan names: `dvc repro extract`."""

from __future__ import annotations

from provenline import tables
from provenline.files import write_json
from provenline.footage.extract import extract
from provenline.footage.media import read_media_list
from provenline.footage.params import ExtractParams
from stages import _runtime as runtime


def main(side: runtime.Side) -> str:
    """Write one footage's frames, their table and what was set aside."""
    params = runtime.params("extract", ExtractParams)
    source = runtime.params(f"source.{side}", runtime.Footage)
    out = runtime.data(side)
    media = read_media_list(source.media_list, source.root)
    frames, report = extract(media, params, out / "frames")
    tables.write(frames, out / "frames.parquet", tables.FRAMES)
    write_json(runtime.metrics("extract", side), report)
    return f"extracted {side}: {len(frames)} frames of {len(media)} media"


if __name__ == "__main__":
    runtime.run(main)
