"""Check and import annotation exports, measure agreement: `dvc repro annotate-import`."""

from __future__ import annotations

from glue import runtime
from provenline import line, tables
from provenline.annotations.findings import annotated
from provenline.annotations.importing import import_annotations, without_place
from provenline.annotations.params import AnnotateParams
from provenline.files import write_json
from provenline.footage.clock import ListedFootage
from provenline.footage.media import read_media_list


def main(side: line.Side) -> str:
    """Write one footage's boxes, which frames somebody looked at, and the agreement."""
    params = runtime.params("annotate_import", AnnotateParams)
    source = runtime.params(f"source.{side}", line.Footage)
    if source.annotations == line.NONE:
        params = params.model_copy(update={"format": "none"})
    out = line.data(side)
    frames = tables.read(out / "frames.parquet", tables.FRAMES)
    footage = ListedFootage(read_media_list(source.media_list, source.root))
    done = import_annotations(source.annotations, frames, params, footage)
    tables.write(done.frames, out / "annotated.parquet", tables.FRAMES)
    tables.write(done.boxes, out / "boxes.parquet", tables.BOXES)
    write_json(line.metrics("annotate_import", side), without_place(done.report, source.annotations))
    read = [out / "frames.parquet", source.media_list, source.annotations]
    runtime.inputs("annotate_import", read, side, line.footage_of(frames, source.root))
    return f"imported {side}: {len(done.boxes)} boxes, {annotated(done.report)}"


if __name__ == "__main__":
    runtime.run(main)
