"""What is known about the labels, typed: what became of each, how far annotators agree, what they allow.

Older runs wrote less: what they did not write is empty here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provenline.reports.estimates import Estimate

Boxes = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Reconciled:
    """What became of the objects of one label in one file.

    Attributes:
        file: The export.
        annotator: Whose it is.
        label: As the export calls it.
        to: Label here -> objects kept under it; sums to ``kept``.
        read: Objects in the file.
        kept: Those in the Boxes table.
        converted: Kept ones that were no upright box before.
        clipped: Kept ones that reached beyond their image.
        not_sampled: On images that are no frame of ours.
        set_aside: Reason -> count.
        with_image: Set aside because their image was.
        image_reasons: Reason -> how many of those.
    """

    file: str
    annotator: str
    label: str
    to: Mapping[str, int]
    read: int
    kept: int
    converted: int
    clipped: int
    not_sampled: int
    set_aside: Mapping[str, int]
    with_image: int
    image_reasons: Mapping[str, int]

    @property
    def agrees(self) -> bool:
        """Return whether every object that was read is accounted for."""
        rest = self.not_sampled + sum(self.set_aside.values()) + self.with_image
        return self.read == self.kept + rest and self.kept == sum(self.to.values())


@dataclass(frozen=True)
class Numbering:
    """Whether another tool numbers the frames of one medium as they are presented.

    Attributes:
        media: Its name.
        offset: Frames to add to their numbers; None where it could not be told.
        pictures: Pictures of theirs that were compared with ours.
        verdict: In the importer's words.
        tool_frames: How many frames the tool counts.
        our_frames: How many are presented.
    """

    media: str
    offset: int | None
    pictures: int
    verdict: str
    tool_frames: int | None
    our_frames: int | None


@dataclass(frozen=True)
class Ceiling:
    """How well a perfect detector could score against these labels.

    Attributes:
        human: Metric -> what one annotator scores against the other.
        reach: Metric (``map50``, ``map``) -> the most that a perfect detector reaches.
        method: How it follows from the agreement.
        label: Whose boxes it was measured on; empty where the importer did not say.
    """

    human: Mapping[str, Estimate | None]
    reach: Mapping[str, Estimate | None]
    method: str
    label: str


@dataclass(frozen=True)
class Regions:
    """Agreement per region of the picture: rows and columns, and κ on presence and on count."""

    grid: tuple[int, int]
    presence: Estimate | None
    count: Estimate | None


@dataclass(frozen=True)
class CategoryAgreement:
    """Agreement on one operation."""

    name: str
    images: int
    groups: int
    presence: Estimate | None
    object_f1: Estimate | None
    mean_iou: Estimate | None


@dataclass(frozen=True)
class Disagreement:
    """One frame on which two annotators differ.

    Attributes:
        media: The medium's name.
        time_ms: Presentation time.
        annotators: The two names.
        kind: ``missed``, ``extra``, ``shifted`` or ``count``.
        boxes: Of the first and of the second: ``(x1, y1, x2, y2)``, absolute pixels.
        iou: Overlap of the two, where there are two.
    """

    media: str
    time_ms: int
    annotators: tuple[str, ...]
    kind: str
    boxes: tuple[Boxes, Boxes]
    iou: float | None


@dataclass(frozen=True)
class AgreementDetails:
    """What stands beside the gated κ of the worst pair.

    Attributes:
        alpha: Krippendorff's alpha on presence and on count, over all annotators; None where not given.
        alpha_annotators: How many annotators it is over.
        regions: Per region of the picture.
        curve: ``(IoU threshold, object F1)``.
        categories: Per operation.
        ceiling: What follows for detectors.
        disagreements: Worst first.
        disagreement_counts: Kind -> images of that kind in all.
    """

    alpha: Mapping[str, Estimate | None]
    alpha_annotators: int
    regions: Regions | None
    curve: tuple[tuple[float, Estimate], ...]
    categories: tuple[CategoryAgreement, ...]
    ceiling: Ceiling | None
    disagreements: tuple[Disagreement, ...]
    disagreement_counts: Mapping[str, int]


@dataclass(frozen=True)
class LabelDetails:
    """What stands beside the counts of an import.

    Attributes:
        reconciliation: Per file and label.
        numbering: Per medium whose frames another tool numbered.
        adjudication: Facts on who won where annotators differed, as headings and short texts.
        skipped: Kind of shape that is no object -> count.
    """

    reconciliation: tuple[Reconciled, ...]
    numbering: tuple[Numbering, ...]
    adjudication: Mapping[str, str]
    skipped: Mapping[str, int]
