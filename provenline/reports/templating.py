"""The templates of the pages: self-contained HTML, everything escaped that a person or a stage wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"


def fill(name: str, **values: Any) -> str:
    """Fill a template; ``style`` holds the pages' style sheet.

    Args:
        name: File name under ``templates``.
        values: What the template may name; anything else that it names is an error.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = Markup((TEMPLATES / "page.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return environment.get_template(name).render(style=style, **values).strip() + "\n"
