"""Probe, sample and decode the frames that the plan names: `dvc repro extract`."""

from __future__ import annotations

from glue import runtime
from provenline import line, tables
from provenline.files import sha256_file, write_json
from provenline.footage.extract import extract
from provenline.footage.media import read_media_list
from provenline.footage.params import ExtractParams


def main(side: line.Side) -> str:
    """Write one footage's frames, their table and what was set aside."""
    params = runtime.params("extract", ExtractParams)
    source = runtime.params(f"source.{side}", line.Footage)
    out = line.data(side)
    media = read_media_list(source.media_list, source.root)
    frames, report = extract(media, params, out / "frames")
    tables.write(frames, out / "frames.parquet", tables.FRAMES)
    given = source.media_list
    told = given.name if given.is_absolute() else str(given)  # what is shared names no place of this machine
    listed = {"path": told, "sha256": sha256_file(source.media_list)}
    write_json(line.metrics("extract", side), {"media_list": listed, **report})
    return f"extracted {side}: {len(frames)} frames of {len(media)} media"


if __name__ == "__main__":
    runtime.run(main)
