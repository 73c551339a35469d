"""`provenline media`: media lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenline.errors import InputError
from provenline.progress import out

app = typer.Typer(no_args_is_help=True, help="Media lists: what the footage is.")


@app.callback()
def media() -> None:
    """Media lists: what the footage is."""


@app.command("init")
def init(
    root: Annotated[Path, typer.Argument(help="The folder with the videos and images.")],
    media_list: Annotated[Path, typer.Argument(help="The CSV to write; it must not exist yet.")],
    groups: Annotated[Path | None, typer.Option(help="A CSV with the columns file,group.")] = None,
    category: Annotated[str, typer.Option(help="The operation, where all files show the same.")] = "",
) -> None:
    """Write a media list for a folder, to be completed by hand."""
    from provenline.footage.media import scan, write_media_list

    if media_list.exists():
        raise InputError("file exists", file=media_list, mend="Remove it or name another")
    rows = scan(root, groups=groups, category=category)
    write_media_list(media_list, rows)
    text = f"{media_list}: {len(rows)} media. Complete camera, day, work span and provenance by hand."
    out.print(text, highlight=False, markup=False)
