"""One HTML file that needs nothing else: no script, no request, readable on a phone and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from provenline.reports import story, words
from provenline.reports.drawing import Figure
from provenline.reports.evidence import Evidence
from provenline.reports.limits import chain, chain_faults, limits
from provenline.reports.pictures import Picture
from provenline.reports.rows import all_tables

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Gallery:
    """Pictures of one kind.

    Attributes:
        title: What they have in common.
        pictures: In the order in which they are shown.
    """

    title: str
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Examples:
    """Galleries of frames from one set.

    Attributes:
        drawn_from: Name of the set.
        galleries: Per kind; those without pictures are passed over.
    """

    drawn_from: str
    galleries: Sequence[Gallery]


def render(
    evidence: Evidence,
    figures: Mapping[str, Figure],
    examples: Examples,
    disagreements: Sequence[Picture],
) -> str:
    """Render the page.

    Args:
        evidence: What is known.
        figures: By name; those that are not there are passed over.
        examples: Frames that show what the numbers mean.
        disagreements: Frames of the shadow run.
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
    inline = {name: Markup(figure.inline()) for name, figure in figures.items()}  # noqa: S704 - matplotlib escapes
    return (
        environment.get_template("page.html.j2")
        .render(
            e=evidence,
            cards=story.cards(evidence),
            figures=inline,
            tables=all_tables(evidence),
            examples=[gallery for gallery in examples.galleries if gallery.pictures],
            drawn_from=examples.drawn_from,
            disagreements=disagreements,
            story=story,
            unproven=limits,
            chain=chain,
            chain_faults=chain_faults,
            words=words,
            footages=[("Development", evidence.development), ("Deployment", evidence.deployment)],
            set_aside=set_aside(evidence),
            style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        )
        .rstrip()
        + "\n"
    )


def set_aside(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return everything that was set aside: by which stage, what, why."""
    found: list[tuple[str, str, str]] = []
    for footage in (evidence.development, evidence.deployment):
        for stage, part in (("extract", footage.extraction), ("annotate-import", footage.annotation)):
            found += [(stage, name, why) for name, why in (part.set_aside if part else ())]
    if evidence.shadow:
        found += [("shadow-ab", name, why) for name, why in evidence.shadow.set_aside]
    return found
