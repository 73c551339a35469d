"""Measured tables in the guides, each between a mark of its benchmark's and an end."""

from __future__ import annotations

from pathlib import Path

from provenline.files import atomic_path

END = "<!-- end -->"


def write(guide: Path, begin: str, text: str) -> None:
    """Replace what stands between a mark and the next end in a guide."""
    before, rest = guide.read_text(encoding="utf-8").split(begin)
    after = rest.split(END, 1)[1]
    with atomic_path(guide) as temporary:
        temporary.write_text(f"{before}{begin}\n\n{text}\n\n{END}{after}", encoding="utf-8")
