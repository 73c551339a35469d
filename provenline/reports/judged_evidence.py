"""Base against candidate, typed. Files of older runs say less: what they do not say is empty here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provenline.reports.estimates import Estimate, Gate, Verdict
from provenline.reports.why_evidence import LabelErrors, Why

LOWER_IS_BETTER = frozenset({"count_mae", "false_positives_per_frame"})


@dataclass(frozen=True)
class Paired:
    """One metric of both models on the same frames, and the difference, candidate minus base."""

    base: Estimate | None
    candidate: Estimate | None
    difference: Estimate | None


@dataclass(frozen=True)
class Comparison:
    """Both models on one slice of frames.

    Attributes:
        name: Of the slice.
        groups: Groups in it.
        frames: Annotated frames in it.
        objects: Annotated objects in it.
        metrics: At the score that both share.
        own: Each model at its own thresholds, chosen on validation frames.
    """

    name: str
    groups: int
    frames: int
    objects: int
    metrics: Mapping[str, Paired]
    own: Mapping[str, Paired] = field(default_factory=dict)


@dataclass(frozen=True)
class Threshold:
    """The score from which a model's finds of one class count, and what it gave where it was chosen."""

    score: float
    f1: float | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Thresholds:
    """Each model's own thresholds.

    Attributes:
        chosen_on: Name of the set.
        models: ``base`` and ``candidate`` -> class -> threshold; None where nothing was found there.
    """

    chosen_on: str
    models: Mapping[str, Mapping[str, Threshold | None]]


@dataclass(frozen=True)
class HolmRow:
    """One slice among those that are compared at once.

    Attributes:
        p: Two-sided, of its difference alone; None where it could not be computed.
        p_holm: Corrected for all of them.
        reads: ``better``, ``worse``, ``cannot be told apart`` or ``too few groups``.
    """

    p: float | None
    p_holm: float | None
    reads: str


@dataclass(frozen=True)
class Holm:
    """Slices that are compared at once, corrected after S. Holm, 1979.

    Attributes:
        level: Chance that any of them reads different though none is.
        rows: Per slice.
    """

    level: float
    rows: Mapping[str, HolmRow]


@dataclass(frozen=True)
class NonInferiority:
    """Whether the candidate is worse by less than a margin."""

    metric: str
    margin: float
    verdict: Verdict
    reason: str
    more_groups: int | None


@dataclass(frozen=True)
class Rule:
    """What the rule on the relative improvement says.

    Attributes:
        metric: What it looks at.
        relative: Gain as a share of the base.
        value: ``deploy``, ``more_data``, ``training_problem`` or ``inconclusive``.
        reason: The evaluator's sentence.
    """

    metric: str
    relative: Estimate | None
    value: str
    reason: str


@dataclass(frozen=True)
class PlanRow:
    """How much footage would settle one question.

    Attributes:
        about: What is measured.
        category: Operation; empty for all.
        groups: Groups there are.
        frames_per_group: About how many frames each has.
        estimate: What was measured.
        half_width: Half of its interval.
        icc: How alike frames of one group are, 0..1.
        cannot_tell: Two values that this footage cannot tell apart.
        groups_needed: How many groups in all could; None where unknown.
        groups_more: How many that is beyond those there are.
        reason: Why something is None.
    """

    about: str
    category: str
    groups: int
    frames_per_group: float | None
    estimate: float | None
    half_width: float | None
    icc: float | None
    cannot_tell: tuple[float, ...]
    groups_needed: int | None
    groups_more: int | None
    reason: str


@dataclass(frozen=True)
class Plan:
    """What more footage would settle, as rows and as sentences."""

    rows: tuple[PlanRow, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Seeds:
    """Whether the recipe helps, whatever the seed.

    Attributes:
        trainings: That differ by seed alone and are known; one where nobody measured how they scatter.
        verdict: On the recipe; None where the spread is unknown.
        difference: What the recipe gains over the base, by metric; likewise empty.
        spread: Standard deviation between trainings, by metric.
        sentence: The evaluator's.
    """

    trainings: int
    verdict: Verdict | None
    difference: Mapping[str, Estimate | None]
    spread: Mapping[str, float]
    sentence: str


@dataclass(frozen=True)
class Evaluation:
    """Base against candidate.

    Attributes:
        same_model: Both are one file: nothing to compare.
        splits: ``train``, ``val``, ``test`` and ``deployment``, those that have frames.
        judged_on: The set that the claims rest on; empty where nothing could be judged.
        categories: Slices per operation of that set.
        classes: Slices per class of that set; their mAP50-95 has no interval.
        targets: Absolute gates of the candidate.
        improvement: The gate on the paired difference; None for the same model.
        score: Operating threshold that both share.
        iou: Overlap at which an object counts as found.
        warnings: Sentences of the evaluator.
        slices: ``camera``, ``day``, ``size`` -> slices of that set, where it is known.
        thresholds: Each model's own.
        holm: Metric -> operations compared at once.
        non_inferiority: None where nothing was compared.
        rule: None where nothing was compared.
        plan: What more footage would settle.
        seeds: What is known of other seeds; None where nothing was compared.
        why: What goes wrong.
        label_errors: Doubtful labels of the development footage.
    """

    same_model: bool
    splits: tuple[Comparison, ...]
    judged_on: str
    categories: tuple[Comparison, ...]
    classes: tuple[Comparison, ...]
    targets: tuple[Gate, ...]
    improvement: Gate | None
    score: float
    iou: float
    warnings: tuple[str, ...]
    slices: Mapping[str, tuple[Comparison, ...]] = field(default_factory=dict)
    thresholds: Thresholds | None = None
    holm: Mapping[str, Holm] = field(default_factory=dict)
    non_inferiority: NonInferiority | None = None
    rule: Rule | None = None
    plan: Plan = Plan((), ())
    seeds: Seeds | None = None
    why: Why | None = None
    label_errors: LabelErrors | None = None

    @property
    def judged(self) -> Comparison | None:
        """Return the set that the claims rest on."""
        return self.split(self.judged_on)

    def split(self, name: str) -> Comparison | None:
        """Return a set by its name; None where it has no frames."""
        return next((one for one in self.splits if one.name == name), None)

    @property
    def losses(self) -> tuple[tuple[str, Paired], ...]:
        """Return the metrics of the judged set in which the candidate is proven worse.

        One gate may pass while another metric falls: a threshold that suits the base may be wrong for
        the candidate.
        """
        pairs = self.judged.metrics.items() if self.judged else ()
        return tuple((name, pair) for name, pair in pairs if _falls(name, pair.difference))


def _falls(name: str, given: Estimate | None) -> bool:
    if given is None or given.low is None or given.high is None or given.few:
        return False
    return given.low > 0 if name in LOWER_IS_BETTER else given.high < 0
