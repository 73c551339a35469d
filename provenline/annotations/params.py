"""Parameters of annotate-import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator


class LabelRule(BaseModel):
    """One line of the label map; the first rule that fits an object names it.

    Attributes:
        source: Label in the export.
        to: Label in the Boxes table.
        attribute: Attribute that must have ``value``; None where the label alone decides.
        value: Value of that attribute, as text (CVAT check boxes say ``true`` and ``false``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(min_length=1)
    to: str = Field(min_length=1)
    attribute: str | None
    value: str | None

    @model_validator(mode="after")
    def _both_or_neither(self) -> LabelRule:
        if (self.attribute is None) != (self.value is None):
            raise ValueError("attribute and value go together: give both or neither")
        return self


class AgreementParams(BaseModel):
    """How the agreement of annotators is measured and judged.

    Attributes:
        label: The label, after mapping, whose presence and count are compared.
        iou: Two boxes can be the same object from this intersection over union on.
        regions: Rows and columns of the grid in whose regions presence and count are compared too.
        count_level: What Krippendorff's alpha takes numbers of objects for. ``ratio``: one against
            two differs more than ten against eleven.
        min_kappa: The gate: Cohen's kappa on presence must reach this.
        min_groups: Below so many groups there is no verdict.
        warn_groups: Below so many groups there is a warning.
        gallery: Disagreements that are listed, at most.
        gallery_per_group: Of those, from one group at most.
        confidence: Coverage of the intervals, 0..1.
        replicates: Bootstrap replicates.
        seed: Of the bootstrap.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1)
    iou: float = Field(gt=0, le=1)
    regions: tuple[PositiveInt, PositiveInt]
    count_level: Literal["ordinal", "interval", "ratio"]
    min_kappa: float = Field(ge=-1, le=1)
    min_groups: int = Field(ge=2)
    warn_groups: int = Field(ge=2)
    gallery: int = Field(ge=0)
    gallery_per_group: int = Field(ge=1)
    confidence: float = Field(gt=0, lt=1)
    replicates: int = Field(ge=100)
    seed: int = Field(ge=0)


class Named(BaseModel):
    """Where annotators differ, the first of ``primary`` who labelled the frame wins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["named"]


class Consensus(BaseModel):
    """Where annotators differ, what enough of them drew counts.

    Attributes:
        iou: Boxes of two annotators can be the same object from this intersection over union on.
        votes: Annotators who must have drawn an object. A frame that fewer looked at is decided as by
            ``named``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["consensus"]
    iou: float = Field(gt=0, le=1)
    votes: int = Field(ge=2)


class Adjudicated(BaseModel):
    """Where annotators differ, an export made by looking at all of theirs wins.

    Attributes:
        annotator: Whose export that is. It takes no part in the agreement. A frame that it does not
            hold is decided as by ``named``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["adjudicated"]
    annotator: str = Field(min_length=1)


Adjudication = Annotated[Named | Consensus | Adjudicated, Field(discriminator="kind")]
Format = Literal["cvat", "cvat_video", "label_studio", "coco", "yolo", "voc", "none"]


class AnnotateParams(BaseModel):
    """What annotate-import reads and how strictly.

    Attributes:
        format: Of the export, ``none`` where nothing was annotated; or the format of each annotator's
            export, by annotator.
        labels: Label map, first match wins. A label without a rule stops the import.
        primary: Annotators in the order in which they win a frame that several labelled.
        adjudication: Whose boxes count where several annotators labelled a frame.
        voc_origin: Number of the first pixel in Pascal VOC files: 0 as most tools write it, 1 as the
            original does. Other formats have no choice.
        offset: What happens where exported pictures show that a tool's frame numbers are off: the
            offset is applied, with a warning, or the import stops.
        tolerance: Largest share of images, and of objects, that may be set aside, 0..1.
        agreement: How agreement is measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Format | dict[str, Format]
    labels: tuple[LabelRule, ...]
    primary: tuple[str, ...]
    adjudication: Adjudication
    voc_origin: Literal[0, 1]
    offset: Literal["apply", "stop"]
    tolerance: float = Field(ge=0, le=1)
    agreement: AgreementParams
