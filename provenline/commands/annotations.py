"""`provenline annotations`: labels for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from provenline.commands.project import require
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="Labels: for other tools.")


@app.callback()
def main() -> None:
    """Labels: for other tools."""


@app.command("export")
def export(
    kind: Annotated[Literal["coco", "yolo", "cvat"], typer.Option("--format", help="What to write.")],
    out_dir: Annotated[Path, typer.Option("--out", help="The folder to write; it must not exist yet.")],
    labels: Annotated[
        str, typer.Option(help="Labels, comma-separated, in the order of their numbers; all if empty.")
    ] = "",
    annotator: Annotated[str, typer.Option(help="Whose labels; those that count if empty.")] = "",
    images: Annotated[bool, typer.Option("--images", help="Copy the images too, unblurred.")] = False,
    frames: Annotated[Path, typer.Option(help="The Frames table.")] = Path("data/annotated.parquet"),
    boxes: Annotated[Path, typer.Option(help="The Boxes table.")] = Path("data/boxes.parquet"),
) -> None:
    """Write the labels of all annotated frames; images are named after their frames."""
    from provenline import tables
    from provenline.annotations import exporting

    require(frames, boxes)
    wanted = [label.strip() for label in labels.split(",") if label.strip()]
    root = Path.cwd() if images else None
    tables_ = tables.read(frames, tables.FRAMES), tables.read(boxes, tables.BOXES)
    done = exporting.export(*tables_, out_dir, kind, wanted, annotator, root)
    kept = ", ".join(f"{label} {count}" for label, count in done.objects.items()) or "none"
    out.print(f"{out_dir}: {done.images} images; objects: {kept}", markup=False)
    for what, counts in (("left out", done.left_out), ("written as boxes", done.simplified)):
        if counts:
            said = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
            out.print(f"{what}: {said}", markup=False)
