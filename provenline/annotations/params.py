"""Parameters of annotate-import."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


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
    """How the agreement of two annotators is measured and judged.

    Attributes:
        label: The label, after mapping, whose presence and count are compared.
        iou: Two boxes can be the same object from this intersection over union on.
        min_kappa: The gate: Cohen's kappa on presence must reach this.
        confidence: Coverage of the intervals, 0..1.
        replicates: Bootstrap replicates.
        seed: Of the bootstrap.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1)
    iou: float = Field(gt=0, le=1)
    min_kappa: float = Field(ge=-1, le=1)
    confidence: float = Field(gt=0, lt=1)
    replicates: int = Field(ge=100)
    seed: int = Field(ge=0)


class AnnotateParams(BaseModel):
    """What annotate-import reads and how strictly.

    Attributes:
        format: Of the export; ``none`` where nothing was annotated.
        labels: Label map, first match wins. A label without a rule stops the import.
        primary: Annotators in the order in which they win a frame that several labelled.
        tolerance: Largest share of images, and of objects, that may be set aside, 0..1.
        agreement: How agreement is measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["cvat", "yolo", "none"]
    labels: tuple[LabelRule, ...]
    primary: tuple[str, ...]
    tolerance: float = Field(ge=0, le=1)
    agreement: AgreementParams
