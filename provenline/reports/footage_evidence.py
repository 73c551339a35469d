"""What is known about the footage, its labels and its split, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provenline.reports.estimates import Estimate, Verdict
from provenline.reports.label_evidence import AgreementDetails, LabelDetails
from provenline.reports.split_evidence import Certificate, Floor, Ledger


@dataclass(frozen=True)
class Extraction:
    """What one footage gave."""

    videos: int
    photos: int
    frames: int
    groups: int
    seconds: float
    set_aside: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Agreement:
    """How far two annotators agree; the worst pair where there are several.

    Attributes:
        annotators: The two names.
        images: Images that both looked at.
        groups: Groups that those are of.
        verdict: Of the gate on κ of presence.
        reason: The importer's own sentence.
        min_kappa: What was asked for.
        measures: Measure -> estimate.
        details: What stands beside them.
    """

    annotators: tuple[str, ...]
    images: int
    groups: int
    verdict: Verdict
    reason: str
    min_kappa: float
    measures: Mapping[str, Estimate | None]
    details: AgreementDetails


@dataclass(frozen=True)
class Annotation:
    """What one footage's exports gave."""

    format: str
    frames: int
    annotated: int
    without_objects: int
    objects: int
    labels: Mapping[str, int]
    clipped: int
    set_aside: tuple[tuple[str, str], ...]
    agreement: Agreement | None
    agreement_reason: str
    warnings: tuple[str, ...]
    details: LabelDetails


@dataclass(frozen=True)
class SplitPart:
    """One side of the split."""

    name: str
    groups: int
    frames: int
    annotated: int
    without_objects: int
    objects: int


@dataclass(frozen=True)
class Split:
    """Who is on which side, and what the audit found.

    Attributes:
        certificate: None for a run that is older than the certificate.
        floors: Per class and side.
        ledger: None where the stage does not say.
        warnings: Sentences of the stage.
    """

    sha256: str
    parts: tuple[SplitPart, ...]
    groups_disjoint: bool
    media_disjoint: bool
    near_duplicate_bits: int
    near_duplicates: Mapping[str, int]
    from_ledger: int
    new: int
    certificate: Certificate | None = None
    floors: tuple[Floor, ...] = ()
    ledger: Ledger | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """What a media list says about its media: counts per value; "" is "not stated"."""

    media: int
    groups: int
    cameras: int
    days: int
    provenance: Mapping[str, int]
    consent: Mapping[str, int]
    licence: Mapping[str, int]
    sha256: str


@dataclass(frozen=True)
class Round:
    """What a monthly round brought into training.

    Attributes:
        name: ``v0.1``, ...
        frames: That were labelled.
        groups: That they are from.
        without_objects: Of the frames, those on which nothing is.
        reasons: Why they were drawn -> how many.
        objects: Label -> how many.
        media: Recordings that they are from.
        said: What the media list said of those: ``provenance``, ``consent`` or ``licence`` -> value -> count.
    """

    name: str
    frames: int
    groups: int
    without_objects: int
    reasons: Mapping[str, int]
    objects: Mapping[str, int]
    media: int
    said: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Footage:
    """Everything about one footage."""

    extraction: Extraction | None = None
    annotation: Annotation | None = None
    provenance: Provenance | None = None

    @property
    def unit(self) -> str:
        """Return what a group is called: ``video``, or ``group`` where there are only photos."""
        return "group" if self.extraction is not None and not self.extraction.videos else "video"
