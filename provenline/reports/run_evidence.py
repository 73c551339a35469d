"""What is known about the training, the engines and the shadow run, typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provenline.detectors.size import Size
from provenline.reports.estimates import Estimate, Verdict
from provenline.shadow.params import Operating


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
        imgsz: Of the input, in pixels.
        parity: The parity report, or None.
        latency: p50 and p95 in milliseconds and images per second, as measured.
        machine: What the latency was measured on.
        device: The device on the allow-list that signed the latency; empty where none did.
        unproven: Why nobody's word stands behind the latency; empty where a device's does.
    """

    target: str
    role: str
    onnx_sha256: str
    checkpoint_sha256: str
    dataset_sha256: str | None
    split_sha256: str | None
    precision: str
    imgsz: Size
    parity: Parity | None
    latency: Mapping[str, float]
    machine: str
    device: str
    unproven: str


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
class ShadowSample:
    """The frames that were drawn for labelling, and what came back.

    Attributes:
        drawn: Stratum -> frames drawn of it.
        of: Frames that were compared.
        labelled: Labels spent; None before any came back.
        missing: Drawn frames without labels.
        beyond: Labelled frames that were never drawn; not counted.
    """

    drawn: Mapping[str, int]
    of: int
    labelled: int | None
    missing: int
    beyond: int


@dataclass(frozen=True)
class Following:
    """What time tells of both, without labels.

    Attributes:
        lost: Role -> times that it lost what it had found before and found again.
        brief: Role -> finds of one frame that it made alone.
        at_work: Frames whose work place is known.
        differ: Share of those on which only one sees somebody at the machine.
        visits: Role -> how often it saw somebody come to a machine.
    """

    lost: Mapping[str, int]
    brief: Mapping[str, int]
    at_work: int = 0
    differ: Estimate | None = None
    visits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Strip:
    """A stretch of footage: when either detector sees somebody.

    Attributes:
        name: Of the recording, or of the camera and the day.
        times: Seconds from its beginning.
        step: Seconds that each stands for.
        production: Whether it sees somebody then.
        candidate: Likewise.
    """

    name: str
    times: tuple[float, ...]
    step: float
    production: tuple[bool, ...]
    candidate: tuple[bool, ...]


@dataclass(frozen=True)
class Shadow:
    """Production and candidate side by side.

    Attributes:
        decision: ``same_model``, ``hold``, ``label``, and what later rounds add.
        reason: One sentence.
        label_more: Frames to label now.
        engines: Role -> SHA-256 of the checkpoint behind it.
        scores: Role -> from which score on its detections count.
        overall: All frames; None where nothing was run.
        categories: Per operation.
        media: Clips that both ran over.
        set_aside: ``(name, reason)``.
        sample: None where no label would tell anything.
        gains: Metric -> candidate minus production, from the labels; empty before there are any.
        following: What time tells of both; None where nothing was run.
        timeline: When either sees somebody.
    """

    decision: str
    reason: str
    label_more: int
    engines: Mapping[str, str]
    scores: Mapping[str, Operating]
    overall: ShadowSlice | None
    categories: tuple[ShadowSlice, ...]
    media: int
    set_aside: tuple[tuple[str, str], ...]
    sample: ShadowSample | None = None
    gains: Mapping[str, Estimate] = field(default_factory=dict)
    following: Following | None = None
    timeline: tuple[Strip, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether the decision rests on labels."""
        return bool(self.sample and self.sample.labelled)
