"""One HTML file that needs nothing else: no script, no request, readable on a phone and on paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from provenline.reports import (
    chain,
    judged_story,
    label_story,
    shadow_story,
    split_story,
    stage_a_story,
    story,
    why_story,
    words,
)
from provenline.reports.ceilings import beyond_targets, ceiling_sentence
from provenline.reports.conclusion import conclusion
from provenline.reports.deliverables import deliverables
from provenline.reports.drawing import Figure
from provenline.reports.evidence import Evidence
from provenline.reports.limits import limits, stage_warnings
from provenline.reports.pictures import Picture
from provenline.reports.rows import all_tables
from provenline.reports.templating import fill


@dataclass(frozen=True)
class Gallery:
    """Pictures of one kind.

    Attributes:
        title: What they have in common.
        pictures: In the order in which they are shown.
        pair: The two annotators, where it is they who differ.
    """

    title: str
    pictures: Sequence[Picture]
    pair: Sequence[str] = ()


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
    disputes: Sequence[Gallery] = (),
    suspects: Sequence[Gallery] = (),
    off_the_shelf: Sequence[Picture] = (),
) -> str:
    """Render the page.

    Args:
        evidence: What is known.
        figures: By name; those that are not there are passed over.
        examples: Frames that show what the numbers mean.
        disagreements: Frames of the shadow run.
        disputes: Frames on which two annotators differ.
        suspects: Frames with a label that a model contradicts.
        off_the_shelf: Frames in which the base erred.
    """
    from markupsafe import Markup

    inline = {name: Markup(figure.inline()) for name, figure in figures.items()}  # noqa: S704 - matplotlib escapes
    return fill(
        "page.html.j2",
        e=evidence,
        cards=story.cards(evidence),
        conclusion=conclusion(evidence.stage_a, evidence.evaluation, evidence.shadow),
        figures=inline,
        tables=all_tables(evidence),
        examples=[gallery for gallery in examples.galleries if gallery.pictures],
        drawn_from=examples.drawn_from,
        disagreements=disagreements,
        disputes=disputes,
        suspects=suspects,
        off_the_shelf=off_the_shelf,
        shelf=stage_a_story,
        story=story,
        shadow_story=shadow_story,
        judged=judged_story,
        why=why_story,
        beyond=beyond_targets(evidence),
        deliverables=deliverables(evidence),
        labels=label_story,
        split=split_story,
        ceiling=partial(_ceiling, evidence),
        privacy=label_story.privacy_sentence(evidence),
        unproven=limits(evidence),
        warned=stage_warnings(evidence),
        chain_faults=chain.faults(evidence),
        words=words,
        footages=[("Development", evidence.development), ("Deployment", evidence.deployment)],
        set_aside=set_aside(evidence),
    )


def _ceiling(evidence: Evidence, metric: str, name: str | None = None) -> str:
    """Return the ceiling of a metric on the set that the claims rest on, or on another."""
    judged = evidence.evaluation.judged_on if evidence.evaluation else ""
    return ceiling_sentence(evidence, metric, judged if name is None else name)


def set_aside(evidence: Evidence) -> list[tuple[str, str, str]]:
    """Return everything that was set aside: by which stage, what, why."""
    found: list[tuple[str, str, str]] = []
    for footage in (evidence.development, evidence.deployment):
        for stage, part in (("extract", footage.extraction), ("annotate-import", footage.annotation)):
            found += [(stage, name, why) for name, why in (part.set_aside if part else ())]
    if evidence.shadow:
        found += [("shadow-ab", name, why) for name, why in evidence.shadow.set_aside]
    return found
