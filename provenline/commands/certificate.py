"""`provenline split certificate`: the page on whether the split leaks, from what `split` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from provenline.commands.project import require
from provenline.progress import out as console


def certificate(
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("split_certificate.html"),
) -> None:
    """Write the split certificate: what was looked for between the sides, what was found."""
    from provenline.reports import split_story
    from provenline.reports.certificate import SOURCE, write_certificate

    require(Path(SOURCE))
    split = write_certificate(Path(), out).split
    answer = split_story.answer(split) if split else ""
    console.print(f"{out}: {answer}", highlight=False, markup=False)
