"""What is known about leaks between the sides of a split, typed; older runs wrote less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provenline.reports.estimates import Estimate, Verdict


@dataclass(frozen=True)
class Copy:
    """Two media that show the same.

    Attributes:
        first: Name of one.
        second: Name of the other.
        mirrored: One is the other's mirror image.
        correlation: Of their pictures; 1 for the same.
        frames: Frames on which that rests.
        sides: The side of each.
        same_side: Whether that is one.
    """

    first: str
    second: str
    mirrored: bool
    correlation: float | None
    frames: int | None
    sides: tuple[str, ...]
    same_side: bool


@dataclass(frozen=True)
class NearDuplicates:
    """Frames of two sides that look the same to a perceptual hash.

    Attributes:
        sides: ``train-val``, ...
        pairs: Pairs of frames.
        mirrored: Pairs that look the same when one is mirrored; None where not looked for.
        group_pairs: Pairs of groups that they belong to.
        static_share: Share of the pairs that a static camera explains.
        unexplained: Pairs of groups that no static camera explains.
        worst: The closest, each as one short text.
    """

    sides: str
    pairs: int
    mirrored: int | None
    group_pairs: int | None
    static_share: float | None
    unexplained: int | None
    worst: tuple[str, ...]


@dataclass(frozen=True)
class StaticCamera:
    """A camera that never moves: its background alone makes frames look alike.

    Attributes:
        camera: Its name.
        media: Media that it filmed.
        share: Share of its frames whose picture comes back in other media.
    """

    camera: str
    media: int
    share: float | None


@dataclass(frozen=True)
class Gap:
    """How far in time the footage of one camera on two sides lies apart.

    Attributes:
        camera: Its name.
        sides: The two.
        days: Between the nearest media; None where no day is known.
        media: The nearest.
        consecutive: Media that follow one another and lie on different sides; None where not counted.
    """

    camera: str
    sides: tuple[str, ...]
    days: float | None
    media: tuple[str, ...]
    consecutive: int | None


@dataclass(frozen=True)
class Certificate:
    """What was looked for between the sides, and what was found.

    Attributes:
        verdict: ``pass`` for clean, ``fail`` for a leak, ``inconclusive`` for unproven.
        reasons: Sentences.
        unit: ``group`` or ``frame``: what was put on a side as a whole.
        by: What makes a group.
        copies: Media that show the same.
        cannot_tell: Media or facts that the check cannot judge, as texts.
        near_duplicates: Per pair of sides.
        components: Number of components that near duplicates tie together; None where not counted.
        largest_component: Groups in the largest of them.
        static_cameras: What explains most of the near duplicates.
        gaps: Per camera that is on two sides.
        checked: What -> how many of it were looked at.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    unit: str
    by: tuple[str, ...]
    copies: tuple[Copy, ...]
    cannot_tell: tuple[str, ...]
    near_duplicates: tuple[NearDuplicates, ...]
    components: int | None
    largest_component: int | None
    static_cameras: tuple[StaticCamera, ...]
    gaps: tuple[Gap, ...]
    checked: Mapping[str, int]


@dataclass(frozen=True)
class Floor:
    """Whether a class has enough objects on a side to measure anything."""

    label: str
    side: str
    objects: int
    floor: int
    met: bool
    reason: str


@dataclass(frozen=True)
class Ledger:
    """The accepted split in git: its rows, its hash, and whether it is as it was accepted."""

    rows: int
    sha256: str
    sealed: bool | None


@dataclass(frozen=True)
class Leakage:
    """What a random split of frames would have scored, against the grouped one.

    Attributes:
        metric: What was measured.
        random: With frames dealt at random.
        grouped: With groups kept whole.
        difference: The first minus the second.
        net: The same with what the untrained base scores more on one test set taken off.
        field_random: On the deployment footage, where nothing leaked: trained on random frames.
        field_grouped: Likewise, trained on whole groups.
        random_groups: Groups that its interval rests on.
        grouped_groups: Likewise.
        reason: Why something is missing or rough.
        split_sha256: Of the grouped split; empty where not said.
    """

    metric: str
    random: Estimate | None
    grouped: Estimate | None
    difference: Estimate | None
    net: Estimate | None
    field_random: Estimate | None
    field_grouped: Estimate | None
    random_groups: int | None
    grouped_groups: int | None
    reason: str
    split_sha256: str
