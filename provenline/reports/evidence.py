"""What the page rests on, typed: read once from what the stages wrote, never computed here.

Everything is optional, because a line that stopped half way still has a report. ``Estimate`` is a
number with its interval over groups; None where it could not be measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from provenline.footage.params import PrivacyParams
    from provenline.reports.label_evidence import AgreementDetails, LabelDetails
    from provenline.reports.split_evidence import Certificate, Floor, Leakage, Ledger

Verdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Estimate:
    """A number and its interval.

    Attributes:
        value: The estimate; None where it could not be measured.
        low: Lower end of the interval; None where there is none.
        high: Upper end of the interval; None where there is none.
        groups: Groups (videos) that the interval was resampled over, where the file says so.
        reason: Why something is None.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    groups: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Gate:
    """A bound that was asked for, and whether the interval clears it.

    Attributes:
        metric: What is judged.
        bound: The value asked for.
        better: ``higher`` or ``lower``.
        verdict: ``pass``, ``fail`` or ``inconclusive``.
        reason: The evaluator's own sentence.
        more_groups: About how many more groups would settle it; None where settled or unknown.
        estimate: What was measured.
    """

    metric: str
    bound: float
    better: str
    verdict: Verdict
    reason: str
    more_groups: int | None
    estimate: Estimate | None


@dataclass(frozen=True)
class Measured:
    """The metrics of one model on one slice of frames."""

    name: str
    groups: int
    frames: int
    objects: int
    metrics: Mapping[str, Estimate | None]


@dataclass(frozen=True)
class FalsePositives:
    """What was reported although it is not there.

    Attributes:
        count: All of them.
        empty_frames: Frames without an object.
        empty_frames_hit: Those of them with a false positive.
        on_other_label: Label of what they lie on (a mannequin, say) -> count.
    """

    count: int
    empty_frames: int
    empty_frames_hit: int
    on_other_label: Mapping[str, int]


@dataclass(frozen=True)
class StageA:
    """The off-the-shelf detector measured.

    Attributes:
        decision: ``ship``, ``fine_tune`` or ``inconclusive``.
        verdict: Of all gates together.
        gates: Each gate.
        overall: All frames that were measured.
        categories: One slice per operation.
        histogram: ``(low, high, frames with objects, frames without)`` by the best confidence.
        false_positives: What was reported although it is not there.
        score: Operating threshold.
        iou: Overlap at which an object counts as found.
        more_groups: About how many more groups would settle an open verdict.
        warnings: Sentences of the evaluator.
    """

    decision: str
    verdict: Verdict
    gates: tuple[Gate, ...]
    overall: Measured
    categories: tuple[Measured, ...]
    histogram: tuple[tuple[float, float, int, int], ...]
    false_positives: FalsePositives
    score: float
    iou: float
    more_groups: int | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Paired:
    """One metric of both models on the same frames, and the difference, candidate minus base."""

    base: Estimate | None
    candidate: Estimate | None
    difference: Estimate | None


@dataclass(frozen=True)
class Comparison:
    """Both models on one slice of frames."""

    name: str
    groups: int
    frames: int
    objects: int
    metrics: Mapping[str, Paired]


@dataclass(frozen=True)
class Evaluation:
    """Base against candidate.

    Attributes:
        same_model: Both are one file: nothing to compare.
        splits: ``train``, ``val``, ``test`` and ``deployment``, those that have frames.
        judged_on: The set that the claims rest on; empty where nothing could be judged.
        categories: Slices per operation of that set.
        classes: Per class of that set: name, mAP50, mAP50-95 of both; without intervals.
        targets: Absolute gates of the candidate.
        improvement: The gate on the paired difference; None for the same model.
        score: Operating threshold.
        iou: Overlap at which an object counts as found.
        warnings: Sentences of the evaluator.
    """

    same_model: bool
    splits: tuple[Comparison, ...]
    judged_on: str
    categories: tuple[Comparison, ...]
    classes: tuple[tuple[str, Paired, Paired], ...]
    targets: tuple[Gate, ...]
    improvement: Gate | None
    score: float
    iou: float
    warnings: tuple[str, ...]

    @property
    def judged(self) -> Comparison | None:
        """Return the set that the claims rest on."""
        return next((one for one in self.splits if one.name == self.judged_on), None)

    @property
    def losses(self) -> tuple[tuple[str, Paired], ...]:
        """Return the metrics of the judged set in which the candidate is proven worse.

        One gate may pass while another metric falls: a threshold that suits the base may be wrong for
        the candidate.
        """
        pairs = self.judged.metrics.items() if self.judged else ()
        return tuple(
            (name, pair)
            for name, pair in pairs
            if pair.difference and pair.difference.high is not None and pair.difference.high < 0
        )


@dataclass(frozen=True)
class Training:
    """What became of the candidate.

    Attributes:
        trained: False where the base was passed through.
        stage_a: Stage A's decision, which the stage acted on.
        best_epoch: From 1; 0 where nothing was trained.
        history: One mapping of numbers per epoch.
        differences: Argument -> (asked, in effect), where they differ.
        images: Training and validation images.
        base_sha256: Of the checkpoint that was started from.
        sha256: Of the candidate.
        device: Where it ran.
        seed: Of the recipe.
        warnings: Sentences of the stage.
    """

    trained: bool
    stage_a: str
    best_epoch: int
    history: tuple[Mapping[str, float], ...]
    differences: Mapping[str, tuple[str, str]]
    images: Mapping[str, int]
    base_sha256: str
    sha256: str
    device: str
    seed: int | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Engine:
    """One bundle: its identity, its parity with the checkpoint, its latency here.

    Attributes:
        target: Where it runs.
        role: ``base`` or ``candidate``.
        onnx_sha256: Of the engine's file.
        checkpoint_sha256: Of what it was exported from.
        dataset_sha256: Of the training data; None for the base.
        split_sha256: Of the split; None for the base.
        precision: ``fp32``, ``fp16`` or ``int8``.
        imgsz: Side of the square input in pixels.
        parity: The parity report, or None.
        latency: p50 and p95 in milliseconds and images per second, as measured.
        machine: What the latency was measured on.
    """

    target: str
    role: str
    onnx_sha256: str
    checkpoint_sha256: str
    dataset_sha256: str | None
    split_sha256: str | None
    precision: str
    imgsz: int
    parity: Parity | None
    latency: Mapping[str, float]
    machine: str


@dataclass(frozen=True)
class Parity:
    """How closely an engine follows its checkpoint; see ``engines.parity``."""

    verdict: Verdict
    reasons: tuple[str, ...]
    frames: int
    matched: tuple[float | None, float | None]
    iou_min: float | None
    score_drift_max: float | None
    ap_difference: float | None


@dataclass(frozen=True)
class ShadowSlice:
    """How often production and candidate differ on one slice of the footage."""

    name: str
    groups: int
    frames: int
    rate: Estimate
    only_production: int
    only_candidate: int
    shifted: int


@dataclass(frozen=True)
class Shadow:
    """Production and candidate side by side.

    Attributes:
        decision: ``same_model``, ``hold``, ``label``, and what later rounds add.
        reason: One sentence.
        label_more: Frames to label now.
        engines: Role -> SHA-256 of the checkpoint behind it.
        scores: Role -> its operating threshold.
        overall: All frames; None where nothing was run.
        categories: Per operation.
        media: Clips that both ran over.
        set_aside: ``(name, reason)``.
    """

    decision: str
    reason: str
    label_more: int
    engines: Mapping[str, str]
    scores: Mapping[str, float]
    overall: ShadowSlice | None
    categories: tuple[ShadowSlice, ...]
    media: int
    set_aside: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Extraction:
    """What one footage gave."""

    videos: int
    photos: int
    frames: int
    groups: int
    seconds: float
    frames_per_category: Mapping[str, int]
    media_per_category: Mapping[str, int]
    set_aside: tuple[tuple[str, str], ...]
    sampling: Mapping[str, Any]


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
    categories: Mapping[str, Mapping[str, int]]
    groups_disjoint: bool
    media_disjoint: bool
    near_duplicate_bits: int
    near_duplicates: Mapping[str, int]
    cameras_shared: Mapping[str, int]
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
class Footage:
    """Everything about one footage."""

    extraction: Extraction | None = None
    annotation: Annotation | None = None
    provenance: Provenance | None = None

    @property
    def unit(self) -> str:
        """Return what a group is called: ``video``, or ``group`` where there are only photos."""
        return "group" if self.extraction is not None and not self.extraction.videos else "video"


@dataclass(frozen=True)
class Evidence:
    """All that the report knows.

    Attributes:
        usecase: Name of the use case.
        round: Name of the round.
        classes: Labels that are trained and judged.
        simulated: Whether the footage is the simulated line.
        confidence: Of the intervals, 0..1; None where the parameters do not say.
        model: Name of the base model.
        parameters: The composed parameters as text.
        leakage: What a random split of frames would have scored; None where `make leakage` was not run.
        privacy: What of the people in the pictures was made unrecognisable; None where none are shown.
        missing: File -> the stage that writes it, for what is not there.
        curves: Model -> ``(recall, precision)`` points on the judged set.
    """

    usecase: str
    round: str
    classes: tuple[str, ...] = ()
    simulated: bool = False
    confidence: float | None = None
    model: str = ""
    parameters: str = ""
    development: Footage = field(default_factory=Footage)
    deployment: Footage = field(default_factory=Footage)
    split: Split | None = None
    stage_a: StageA | None = None
    training: Training | None = None
    evaluation: Evaluation | None = None
    engines: tuple[Engine, ...] = ()
    shadow: Shadow | None = None
    curves: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    leakage: Leakage | None = None
    privacy: PrivacyParams | None = None
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """Return what a group of the development footage is called."""
        return self.development.unit
