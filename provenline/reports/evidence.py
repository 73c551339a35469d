"""What the page rests on, typed: read once from what the stages wrote, never computed here.

Everything is optional, because a line that stopped half way still has a report. ``Estimate`` is a
number with its interval over groups; None where it could not be measured. The parts lie in modules of
their own and are named here, so that readers import from one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from provenline.reports.estimates import Estimate, Gate, Verdict
from provenline.reports.footage_evidence import (
    Agreement,
    Annotation,
    Extraction,
    Footage,
    Provenance,
    Round,
    Split,
    SplitPart,
)
from provenline.reports.judged_evidence import Comparison, Evaluation, Paired, Plan
from provenline.reports.run_evidence import (
    Engine,
    Following,
    Parity,
    Shadow,
    ShadowSample,
    ShadowSlice,
    Strip,
    Training,
)
from provenline.reports.stage_a_evidence import Closer

if TYPE_CHECKING:
    from provenline.footage.params import PrivacyParams
    from provenline.reports.ablation_evidence import Ablation
    from provenline.reports.chain import Chain
    from provenline.reports.split_evidence import Leakage

__all__ = [
    "Agreement",
    "Annotation",
    "Comparison",
    "Engine",
    "Estimate",
    "Evaluation",
    "Evidence",
    "Extraction",
    "FalsePositives",
    "Following",
    "Footage",
    "Gate",
    "Measured",
    "Paired",
    "Parity",
    "Provenance",
    "Round",
    "Shadow",
    "ShadowSample",
    "ShadowSlice",
    "Split",
    "SplitPart",
    "StageA",
    "Strip",
    "Training",
    "Verdict",
]


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
        closer: Whom it misses and what it takes for a person; None for a run that is older than that.
        plan: What more footage would settle.
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
    closer: Closer | None = None
    plan: Plan = field(default_factory=lambda: Plan((), ()))


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
        ablation: What choices in training are worth; None where `make ablate` was not run on this split.
        privacy: What of the people in the pictures was made unrecognisable; None where none are shown.
        missing: File -> the stage that writes it, for what is not there.
        chain: Every artifact by its hash; None where nobody hashed them.
        curves: Model -> ``(recall, precision)`` points on the judged set.
        rounds: What monthly rounds brought, up to this one.
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
    rounds: tuple[Round, ...] = ()
    split: Split | None = None
    stage_a: StageA | None = None
    training: Training | None = None
    evaluation: Evaluation | None = None
    engines: tuple[Engine, ...] = ()
    shadow: Shadow | None = None
    curves: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    leakage: Leakage | None = None
    ablation: Ablation | None = None
    privacy: PrivacyParams | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    chain: Chain | None = None

    @property
    def unit(self) -> str:
        """Return what a group of the development footage is called."""
        return self.development.unit
