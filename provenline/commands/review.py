"""`provenline review`: labels that look wrong, for a person to look at again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenline.commands.project import require
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="Labels that look wrong: for a person to look at again.")


@app.callback()
def main() -> None:
    """Labels that look wrong: for a person to look at again."""


@app.command("export")
def export(
    out_dir: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to write; must not exist yet.")],
    top: Annotated[int, typer.Option(min=1, help="So many frames at most, the most suspicious.")] = 50,
    kind: Annotated[str, typer.Option(help="missing, spurious, location or label; all if empty.")] = "",
    listed: Annotated[Path, typer.Option(help="What `eval` suspects.")] = Path(
        "data/review/label_errors.csv"
    ),
    frames: Annotated[Path, typer.Option(help="The Frames table.")] = Path("data/annotated.parquet"),
    boxes: Annotated[Path, typer.Option(help="The Boxes table.")] = Path("data/boxes.parquet"),
) -> None:
    """Write the most suspicious development frames, unblurred, with their labels as CVAT for images 1.1."""
    from provenline import tables
    from provenline.errors import InputError
    from provenline.evaluation.label_errors import KINDS, read
    from provenline.labelling.review import package

    if kind and kind not in KINDS:
        raise InputError(f"no kind is called '{kind}'", mend=f"Known: {', '.join(KINDS)}")
    require(listed, frames, boxes)
    rows = read(listed)
    rows = rows[rows["kind"] == kind] if kind else rows
    both = tables.read(frames, tables.FRAMES), tables.read(boxes, tables.BOXES)
    done = package(*both, rows, out_dir, top, Path.cwd())
    said = ", ".join(f"{label} {count}" for label, count in done.objects.items()) or "none"
    out.print(f"{out_dir}: {done.frames} images, {done.suspicions} suspicions; objects: {said}", markup=False)
