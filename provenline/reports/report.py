"""The whole report of a run: page, figures, tables and cards, in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from provenline import parameters, tables
from provenline.dossier import sealing
from provenline.files import atomic_path
from provenline.footage.anonymise import Blur, blur_of
from provenline.footage.params import PrivacyParams
from provenline.reports import (
    ablation_figures,
    cards,
    certificate,
    chain,
    disputes,
    examples,
    figures,
    judged_figures,
    label_figures,
    stage_a_examples,
    stage_a_figures,
    story,
    suspects,
    timeline,
    why_figures,
)
from provenline.reports.drawing import Figure
from provenline.reports.evidence import Evaluation, Evidence
from provenline.reports.examples import KINDS
from provenline.reports.gather import gather
from provenline.reports.page import Examples, Gallery, render
from provenline.reports.params import ReportParams
from provenline.reports.pictures import Picture, draw_all, draw_dispute, draw_suspect
from provenline.reports.rows import all_tables
from provenline.reports.tabular import Table


def write_report(
    root: Path, params: ReportParams, privacy: PrivacyParams, round_: str, usecase: str, out: Path
) -> dict[str, Any]:
    """Write the report into the folder ``out``, whole or not at all. The same evidence gives the same bytes.

    ``out`` holds ``index.html`` and ``split_certificate.html`` (each needs none of the others),
    ``figures/*.svg`` and ``*.png``, ``tables/*.csv`` and ``*.tex``, ``model_card.md`` and
    ``dataset_card.md``; and ``dossier.json`` with ``sums/*.sha256``: all that it rests on, by hash.

    Args:
        root: The project's folder, with what the stages wrote.
        params: Number and size of pictures.
        privacy: What of the people in the pictures may not be recognised.
        round_: ``v0``, ...
        usecase: Name of the use case.
        out: Folder; replaced if it is there.

    Returns:
        What was written: ``figures`` and ``tables`` by name, number of ``pictures``, ``missing``
        files with the stage that writes them, ``verdicts`` by question, the dossier's ``seal`` and, of what
        the page rests on, ``evidence_sha256``.

    Raises:
        InputError: A file is there but malformed, or people are to be blurred whom no label names.
    """
    collected = chain.gathered(root, parameters.read(root))
    evidence = replace(gather(root, round_, usecase), privacy=privacy, chain=chain.shown(collected))
    if evidence.shadow and evidence.shadow.overall:
        strips = timeline.read(root / "data/shadow/comparison.csv")
        evidence = replace(evidence, shadow=replace(evidence.shadow, timeline=strips))
    drawn, written = all_figures(evidence), all_tables(evidence)
    album = Album(root, params, people(root, privacy))
    shown, disagreements = album.examples(evidence), album.shadow(evidence)
    disputed, doubted = album.disputes(evidence), album.suspects(evidence)
    erred = album.stage_a(evidence)
    with atomic_path(out) as folder:
        folder.mkdir()
        _write(folder / "index.html", render(evidence, drawn, shown, disagreements, disputed, doubted, erred))
        _write(folder / certificate.FILE, certificate.render(evidence, home="index.html"))
        _write(folder / "model_card.md", cards.model_card(evidence))
        _write(folder / "dataset_card.md", cards.dataset_card(evidence))
        _write_figures(folder / "figures", drawn)
        _write_tables(folder / "tables", written)
        collected.write(folder)
        # The page shows the evidence's hash and is no part of it; the dossier names both.
        dossier = sealing.write(collected.evidence, sealing.pages(folder), folder / sealing.FILE)
    return {
        "figures": sorted(drawn),
        "tables": sorted(written),
        "pictures": sum(len(one.pictures) for one in (*shown.galleries, *disputed, *doubted))
        + len(disagreements)
        + len(erred),
        "missing": dict(evidence.missing),
        "verdicts": {card.anchor: card.verdict for card in story.cards(evidence)},
        "seal": dossier.seal,
        "evidence_sha256": dossier.evidence_sha256,
    }


def all_figures(evidence: Evidence) -> dict[str, Figure]:
    """Draw every figure that the evidence allows, by name."""
    found: list[Figure] = []
    if evidence.stage_a:
        found += [figures.stage_a_recall(evidence.stage_a), figures.confidence(evidence.stage_a)]
        found += stage_a_figures.figures(evidence.stage_a.closer)
    if evidence.evaluation:
        found += judged(evidence, evidence.evaluation)
    found += ablation_figures.figures(evidence.ablation)
    if evidence.training and len(evidence.training.history) > 1:
        found.append(figures.training(evidence.training))
    if evidence.development.annotation and evidence.development.annotation.agreement:
        agreed = evidence.development.annotation.agreement
        found.append(figures.agreement(agreed))
        if len(agreed.details.curve) > 1:
            found.append(label_figures.agreement_curve(agreed))
    if evidence.shadow and evidence.shadow.overall:
        found.append(figures.disagreement(evidence.shadow))
        if evidence.shadow.timeline:
            found.append(timeline.draw(evidence.shadow.timeline))
    return {figure.name: figure for figure in found}


def judged(evidence: Evidence, given: Evaluation) -> list[Figure]:
    """Draw the figures on base against candidate, and on what goes wrong."""
    found: list[Figure] = []
    compared = story.overall(given)
    if compared:
        if given.categories:
            found.append(judged_figures.category_recall(given.categories))
        found += [
            judged_figures.forest(given.categories, compared, key, given.holm.get(key))
            for key in judged_figures.FIGURE_6
        ]
        if evidence.curves:
            found.append(judged_figures.curves(evidence.curves, given.iou, compared.name))
    if given.why:
        if any(one.errors for one in given.why.models.values()):
            found.append(why_figures.error_budget(given.why))
        if any(one.calibration and one.calibration.bins for one in given.why.models.values()):
            found.append(why_figures.reliability(given.why))
    return found


def people(root: Path, privacy: PrivacyParams) -> Blur:
    """Return where people are in the frames that may be shown, as far as somebody or something saw them.

    Raises:
        InputError: A table is malformed, or no label of the tables is among ``privacy.people``.
    """
    if privacy.anonymise == "none":
        return blur_of(privacy, [], [])
    folder = root / "data"
    names = ("predictions/base", "predictions/candidate", "shadow/production", "shadow/candidate")
    found = [path for name in names if (path := folder / f"{name}.parquet").is_file()]
    drawn = [path for path in [folder / "boxes.parquet"] if path.is_file()]
    return blur_of(
        privacy,
        [tables.read(path, tables.BOXES) for path in drawn],
        [tables.read(path, tables.PREDICTIONS) for path in found],
    )


@dataclass(frozen=True)
class Album:
    """Draws every picture of the page.

    Attributes:
        root: The project's folder.
        params: Number and size of pictures.
        blur: What of the people may not be recognised.
    """

    root: Path
    params: ReportParams
    blur: Blur

    def examples(self, evidence: Evidence) -> Examples:
        """Return frames of the test set that show what the numbers mean."""
        judged = evidence.evaluation
        if judged is None or judged.same_model or not judged.judged_on:
            return Examples("", [])
        material = examples.load(self.root, evidence.round, "test")
        if material is None:
            return Examples("", [])
        label = " or ".join(evidence.classes)
        scenes = examples.choose(material, evidence.classes, judged, self.params, self.root)
        galleries = [
            Gallery(KINDS[kind].format(label=label), draw_all(found, self.params.picture_width, self.blur))
            for kind, found in scenes.items()
        ]
        return Examples(material.name, galleries)

    def stage_a(self, evidence: Evidence) -> list[Picture]:
        """Return a measured development frame per operation in which the base erred."""
        given = evidence.stage_a
        if given is None:
            return []
        return stage_a_examples.pictures(self.root, evidence.classes, given.score, self.params, self.blur)

    def shadow(self, evidence: Evidence) -> list[Picture]:
        """Return frames on which production and candidate differ."""
        if evidence.shadow is None:
            return []
        most, width = self.params.pictures, self.params.picture_width
        scenes = examples.shadow_scenes(self.root, evidence.classes, evidence.shadow.scores, most)
        return draw_all(scenes, width, self.blur, ("production", "candidate"))

    def disputes(self, evidence: Evidence) -> list[Gallery]:
        """Return development frames on which two annotators differ."""
        labels = evidence.development.annotation
        if labels is None or labels.agreement is None:
            return []
        galleries = []
        for found in disputes.find(self.root, labels.agreement, self.params.pictures):
            drawn = [draw_dispute(one, self.params.picture_width, self.blur) for one in found]
            pictures = [picture for picture in drawn if picture]
            if pictures:
                galleries.append(Gallery(disputes.title(found[0]), pictures, found[0].annotators))
        return galleries

    def suspects(self, evidence: Evidence) -> list[Gallery]:
        """Return development frames with a label that a model contradicts."""
        if evidence.evaluation is None or evidence.evaluation.label_errors is None:
            return []
        galleries = []
        for found in suspects.find(self.root, evidence.classes, self.params.pictures):
            drawn = [draw_suspect(one, self.params.picture_width, self.blur) for one in found]
            pictures = [picture for picture in drawn if picture]
            if pictures:
                galleries.append(Gallery(suspects.title(found[0].kind), pictures))
        return galleries


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
