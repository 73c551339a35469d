"""What a person should hear about a choice that was made for them."""

from __future__ import annotations

from provenline.progress import console


def notice(text: str) -> None:
    """Print one line beside the progress, and go on."""
    console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)
