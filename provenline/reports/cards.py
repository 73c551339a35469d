"""The model card and the dataset card, in Markdown, filled from the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provenline.reports import chain, judged_story, label_story, split_rows, split_story, story, why_story
from provenline.reports.ceilings import beyond_targets
from provenline.reports.deliverables import deliverables
from provenline.reports.evidence import Evidence, Footage
from provenline.reports.limits import limits, stage_warnings
from provenline.reports.tabular import Table
from provenline.reports.words import count, plural


def model_card(evidence: Evidence) -> str:
    """Return the model card: what it is for, what it was trained on, what it was measured at, limits.

    After M. Mitchell et al., "Model Cards for Model Reporting", 2019.
    """
    name, training = f"{evidence.usecase}_{evidence.round}", evidence.training
    lines = [f"# Model card: {md(name)}", "", "## What it is", ""]
    lines += _items(
        [
            ("Finds", ", ".join(evidence.classes) or "not stated"),
            ("Base", evidence.model or "not stated"),
            ("Weights", training.sha256 if training else "not trained yet"),
            ("Base weights", training.base_sha256 if training else "unknown"),
            ("Trained", _trained(evidence)),
        ]
    )
    lines += ["", "## What it was measured at", ""]
    for card in story.cards(evidence):
        lines += [f"- **{md(card.question)}** {md(card.answer)} ({card.verdict}). {md(card.reason)}".rstrip()]
        lines += [
            f"  - {md(strip.label)}: {md(strip.text)}; {strip.asked}" for strip in card.strips if strip.asked
        ]
        lines += [
            f"  - {md(strip.label)}: {md(strip.text)}; {strip.asked}: {strip.verdict}"
            + (f" ({md(strip.flag)})" if strip.flag else "")
            for strip in card.targets
        ]
        lines += [f"  - {md(card.ceiling)}"] if card.ceiling else []
        lines += [f"  - rests on {md(card.rests_on)}"] if card.rests_on else []
    lines += [*_operating(evidence), "", "## Engines", "", md(story.engine_sentence(evidence)), ""]
    lines += [f"- {md(one.target)}, {one.role}: `{one.onnx_sha256}`" for one in evidence.engines]
    return "\n".join([*lines, *_files(evidence), *_limits(evidence)])


def _operating(evidence: Evidence) -> list[str]:
    """Return on which operations it helps, from which confidence on, and where it errs."""
    given = evidence.evaluation
    if given is None:
        return []
    texts = [
        judged_story.helped(evidence, given) if not given.same_model else "",
        judged_story.seeds_sentence(given),
        judged_story.rule_sentence(given),
        judged_story.non_inferiority_sentence(given),
        judged_story.threshold_sentence(given) if not given.same_model else "",
        judged_story.count_sentence(given),
    ]
    if given.why:
        texts += [why_story.budget_sentence(given.why), why_story.calibration_sentence(given.why)]
        texts += why_story.bound_sentences(given.why)
    texts += [*beyond_targets(evidence), *judged_story.planning(given)]
    kept = [f"- {md(text)}" for text in texts if text]
    return ["", "## How to use it, and where it errs", "", *kept] if kept else []


def _files(evidence: Evidence) -> list[str]:
    lines = ["", "## Files", ""]
    for one in deliverables(evidence):
        digest = f", SHA-256 `{one.digest}`" if one.digest else ""
        missing = "" if one.there else f" (not there yet: dvc repro {one.stage})"
        lines.append(f"- {md(one.what)}: `{one.path}`{digest}{missing}")
    return lines


def _trained(evidence: Evidence) -> str:
    training = evidence.training
    if training is None:
        return "no result yet"
    if not training.trained:
        return "no: the base was passed through"
    images = ", ".join(f"{count(number)} {name}" for name, number in training.images.items())
    return f"{plural(len(training.history), 'epoch')}, the best was {training.best_epoch}; images: {images}"


def dataset_card(evidence: Evidence) -> str:
    """Return the dataset card: where the footage comes from, who agreed to what, how it was labelled.

    After T. Gebru et al., "Datasheets for Datasets", 2021.
    """
    lines = [f"# Dataset card: {md(evidence.usecase)}, round {md(evidence.round)}", ""]
    if evidence.simulated:
        lines += ["**Simulated footage.** Nobody was filmed.", ""]
    if privacy := label_story.privacy_sentence(evidence):
        lines += [md(privacy), ""]
    for title, side in (("Development", evidence.development), ("Deployment", evidence.deployment)):
        lines += [f"## {title} footage", "", *_footage(evidence, side), ""]
    if brought := label_story.rounds(evidence):
        lines += ["## Monthly rounds", "", *_items(brought), ""]
    if evidence.split:
        table = split_rows.sides(evidence.split, evidence.unit)
        lines += ["## Split", "", f"SHA-256 `{evidence.split.sha256}`", "", *_markdown(table), ""]
        whole = evidence.split.groups_disjoint and evidence.split.media_disjoint
        lines += [f"No {evidence.unit} is on two sides: {'yes' if whole else '**NO, IT LEAKS**'}."]
        said = [split_story.answer(evidence.split) + ".", *split_story.reasons(evidence.split)]
        lines += [f"Certificate: {md(' '.join(said))} {md(split_story.floors(evidence.split))}".rstrip(), ""]
    return "\n".join([*lines, *_limits(evidence)])


def _footage(evidence: Evidence, side: Footage) -> list[str]:
    facts: list[tuple[str, str]] = []
    given = side.extraction
    if given:
        facts += [
            ("Media", story.media(side)),
            ("Frames", f"{count(given.frames)} of {plural(given.groups, evidence.unit)}"),
        ]
        facts += [("Set aside", f"{name} ({why})") for name, why in given.set_aside]
    facts += _labels(evidence, side)
    return _items([*facts, *label_story.said(side).items()])


def _labels(evidence: Evidence, side: Footage) -> list[tuple[str, str]]:
    labels = side.annotation
    if labels is None:
        return []
    agreed = labels.agreement.reason if labels.agreement else f"unknown: {labels.agreement_reason}"
    later = label_story.outside(evidence, labels)
    facts = [
        ("Annotated frames", count(labels.annotated)),
        ("Objects", _counted(labels.labels)),
        ("Kept for the next phase, not of today's classes", _counted(later)),
        ("Agreement", agreed),
    ]
    if side is evidence.development:
        facts += [("Ceiling", text) for text in label_story.ceiling_texts(evidence)[:1]]
    doubted = evidence.evaluation.label_errors if evidence.evaluation else None
    if doubted and side is evidence.development:
        facts.append(("Labels worth a second look", why_story.label_errors_sentence(doubted)))
    return facts + [(name.capitalize(), text) for name, text in labels.details.adjudication.items()]


def _counted(labels: Mapping[str, int]) -> str:
    return "; ".join(f"{name} {count(number)}" for name, number in labels.items()) or "none"


def _limits(evidence: Evidence) -> list[str]:
    texts = [*limits(evidence), *stage_warnings(evidence), *chain.faults(evidence)]
    return ["", "## What this does not prove", "", *(f"- {md(text)}" for text in texts), ""]


def _items(facts: Iterable[tuple[str, str]]) -> list[str]:
    return [f"- **{md(name)}**: {md(text)}" for name, text in facts]


def _markdown(table: Table) -> list[str]:
    body = [" | ".join(md(table.text(i, cell)[0]) for i, cell in enumerate(row)) for row in table.rows]
    head = [" | ".join(map(md, table.columns)), " | ".join("---" for _ in table.columns)]
    return [f"| {line} |" for line in [*head, *body]]


def md(text: str) -> str:
    r"""Make a text harmless in Markdown: no HTML, no table cells, no line breaks, no emphasis.

    >>> md("<b>a|b</b>\n*c*")
    '&lt;b>a\\|b&lt;/b> \\*c\\*'
    """
    flat = " ".join(text.split())
    for mark in "\\`*_[]|":
        flat = flat.replace(mark, f"\\{mark}")
    return flat.replace("&", "&amp;").replace("<", "&lt;")
