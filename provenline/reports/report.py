"""The whole report of a run: page, figures, tables and cards, in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provenline.files import atomic_path
from provenline.reports import cards, examples, figures, story
from provenline.reports.drawing import Figure
from provenline.reports.evidence import Evidence
from provenline.reports.examples import KINDS
from provenline.reports.gather import gather
from provenline.reports.page import Examples, Gallery, render
from provenline.reports.params import ReportParams
from provenline.reports.pictures import Picture, draw_all
from provenline.reports.rows import Table, all_tables


def write_report(root: Path, params: ReportParams, round_: str, usecase: str, out: Path) -> dict[str, Any]:
    """Write the report into the folder ``out``, whole or not at all. The same evidence gives the same bytes.

    ``out`` holds ``index.html`` (needs none of the others), ``figures/*.svg`` and ``*.png``,
    ``tables/*.csv`` and ``*.tex``, ``model_card.md`` and ``dataset_card.md``.

    Args:
        root: The project's folder, with what the stages wrote.
        params: Number and size of pictures.
        round_: ``v0``, ...
        usecase: Name of the use case.
        out: Folder; replaced if it is there.

    Returns:
        What was written: ``figures`` and ``tables`` by name, number of ``pictures``, ``missing``
        files with the stage that writes them, and ``verdicts`` by question.

    Raises:
        InputError: A file is there but malformed.
    """
    evidence = gather(root, round_, usecase)
    drawn, tables = all_figures(evidence), all_tables(evidence)
    shown, disagreements = _examples(root, evidence, params), _disagreements(root, evidence, params)
    with atomic_path(out) as folder:
        folder.mkdir()
        _write(folder / "index.html", render(evidence, drawn, shown, disagreements))
        _write(folder / "model_card.md", cards.model_card(evidence))
        _write(folder / "dataset_card.md", cards.dataset_card(evidence))
        _write_figures(folder / "figures", drawn)
        _write_tables(folder / "tables", tables)
    return {
        "figures": sorted(drawn),
        "tables": sorted(tables),
        "pictures": sum(len(gallery.pictures) for gallery in shown.galleries) + len(disagreements),
        "missing": dict(evidence.missing),
        "verdicts": {card.anchor: card.verdict for card in story.cards(evidence)},
    }


def all_figures(evidence: Evidence) -> dict[str, Figure]:
    """Draw every figure that the evidence allows, by name."""
    found: list[Figure] = []
    if evidence.stage_a:
        found += [figures.stage_a_recall(evidence.stage_a), figures.confidence(evidence.stage_a)]
    compared = story.overall(evidence.evaluation) if evidence.evaluation else None
    if evidence.evaluation and compared:
        if evidence.evaluation.categories:
            found.append(figures.category_recall(evidence.evaluation.categories))
        found += [
            figures.forest(evidence.evaluation.categories, compared, key) for key in ("recall", "map50")
        ]
        if evidence.curves:
            found.append(figures.curves(evidence.curves, evidence.evaluation.iou, compared.name))
    if evidence.training and len(evidence.training.history) > 1:
        found.append(figures.training(evidence.training))
    if evidence.development.annotation and evidence.development.annotation.agreement:
        found.append(figures.agreement(evidence.development.annotation.agreement))
    if evidence.shadow and evidence.shadow.overall:
        found.append(figures.disagreement(evidence.shadow))
    return {figure.name: figure for figure in found}


def _examples(root: Path, evidence: Evidence, params: ReportParams) -> Examples:
    judged = evidence.evaluation
    if judged is None or judged.same_model or not judged.judged_on:
        return Examples("", [])
    material = examples.load(root, evidence.round, "test")
    if material is None:
        return Examples("", [])
    label = " or ".join(evidence.classes)
    scenes = examples.choose(material, evidence.classes, judged, params, root)
    galleries = [
        Gallery(KINDS[kind].format(label=label), draw_all(found, params.picture_width))
        for kind, found in scenes.items()
    ]
    return Examples(material.name, galleries)


def _disagreements(root: Path, evidence: Evidence, params: ReportParams) -> list[Picture]:
    if evidence.shadow is None:
        return []
    scenes = examples.shadow_scenes(root, evidence.classes, evidence.shadow.scores, params.pictures)
    return draw_all(scenes, params.picture_width, ("production", "candidate"))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_figures(folder: Path, drawn: Mapping[str, Figure]) -> None:
    folder.mkdir()
    for name, figure in drawn.items():
        _write(folder / f"{name}.svg", figure.svg)
        (folder / f"{name}.png").write_bytes(figure.png)


def _write_tables(folder: Path, tables: Mapping[str, Table]) -> None:
    folder.mkdir()
    for name, table in tables.items():
        _write(folder / f"{name}.csv", table.to_csv())
        _write(folder / f"{name}.tex", table.to_tex())
