"""What the user chooses about footage: which moments become frames, and how they are stored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Seconds = Annotated[float, Field(ge=0.001, allow_inf_nan=False)]
Cap = Annotated[int, Field(ge=1)]
Hour = Annotated[int, Field(ge=0, le=24)]


def _not_empty(hours: tuple[int, int]) -> tuple[int, int]:
    if hours[0] >= hours[1]:
        raise ValueError("the hours end before they start; two stretches take two runs")
    return hours


class WindowPlan(BaseModel):
    """One frame per period in a window around the middle of the work.

    Attributes:
        kind: Tells this plan from the others.
        work: Where the media list is silent about the span of work: ``listed`` takes the whole length,
            ``detected`` the longest stretch in which something moves (`work.moving_span`).
        period_s: Seconds from one frame to the next.
        span_s: Length of the window in seconds; what reaches over the media's ends is cut off.
        grid_s: Asked times are multiples of this many seconds, so that plans and labels share frames.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["window"]
    work: Literal["listed", "detected"]
    period_s: Seconds
    span_s: Seconds
    grid_s: Seconds


class EveryPlan(BaseModel):
    """One frame per period over the whole length.

    Attributes:
        kind: Tells this plan from the others.
        period_s: Seconds from one frame to the next.
        grid_s: Asked times are multiples of this many seconds, so that plans and labels share frames.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["every"]
    period_s: Seconds
    grid_s: Seconds


class StridePlan(BaseModel):
    """Every n-th frame in the order of presentation, whatever the frame rate.

    Attributes:
        kind: Tells this plan from the others.
        n: One frame in so many is taken.
        offset: The first one that is taken, counted from 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["stride"]
    n: Cap
    offset: int = Field(ge=0)


class ScenePlan(BaseModel):
    """One frame per scene; scenes lie between hard cuts.

    Attributes:
        kind: Tells this plan from the others.
        threshold: Mean change of hue, saturation and brightness (0 to 255) that counts as a cut.
        min_scene_s: Cuts that follow each other more quickly are one.
        at: Whether the scene's start or its middle is asked for.
        cap: At most so many scenes of one video, spread evenly over its scenes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["scene"]
    threshold: float = Field(gt=0, le=255)
    min_scene_s: Seconds
    at: Literal["start", "middle"]
    cap: Cap


class KeyframesPlan(BaseModel):
    """The frames that the container marks as keyframes.

    Attributes:
        kind: Tells this plan from the others.
        min_distance_s: A keyframe nearer than this to the one taken before is passed over.
        cap: At most so many of one video, spread evenly over what is left.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["keyframes"]
    min_distance_s: float = Field(ge=0, allow_inf_nan=False)
    cap: Cap


class RollingBufferPlan(BaseModel):
    """One frame per period over cameras, hours and days, from a manifest of recordings.

    Attributes:
        kind: Tells this plan from the others.
        period_s: Moments are multiples of so many seconds on the clock, counted from midnight of the
            day on which a recording starts; where the list has no ``started``, from the file's start.
        hours: First hour and the one before which to stop, of the clock, such as 8 and 18; null is all.
            A recording belongs to the hour in which it starts.
        cameras: Which cameras; empty is all.
        days: Which days, as the media list writes them; empty is all.
        per_camera_hour: At most so many moments of an hour, spread evenly over it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["rolling_buffer"]
    period_s: Seconds
    hours: Annotated[tuple[Hour, Hour], AfterValidator(_not_empty)] | None
    cameras: tuple[str, ...]
    days: tuple[str, ...]
    per_camera_hour: Cap


VideoPlan = Annotated[
    WindowPlan | EveryPlan | StridePlan | ScenePlan | KeyframesPlan | RollingBufferPlan,
    Field(discriminator="kind"),
]


class SamplePlan(BaseModel):
    """Some videos of each category, and another plan for the moments in them.

    The frames' ``plan`` is ``sample``; which plan it wraps stands in the parameters.

    Attributes:
        kind: Tells this plan from the others.
        per_category: How many videos of each category.
        seed: Ranks the videos.
        ledger: CSV in git with what was accepted (``media,category``): that stays, whatever is added.
        plan: Which moments of the chosen videos.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["sample"]
    per_category: Cap
    seed: int = Field(ge=0)
    ledger: str = Field(min_length=1)
    plan: VideoPlan


SamplingPlan = Annotated[
    WindowPlan | EveryPlan | StridePlan | ScenePlan | KeyframesPlan | RollingBufferPlan | SamplePlan,
    Field(discriminator="kind"),
]


class ExtractParams(BaseModel):
    """How frames are taken out of footage.

    Attributes:
        sampling: Which moments of each video become frames.
        jpeg_quality: Quality of the stored JPEG, 1 to 100.
        folder_limit: Frames up to which each is a file of its own; where a plan asks for more, there is
            one archive per clip.
        tolerance: Share of the media that may be set aside as unreadable, 0 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampling: SamplingPlan
    jpeg_quality: int = Field(ge=1, le=100)
    folder_limit: int = Field(ge=0)
    tolerance: float = Field(ge=0, le=1)


class Place(BaseModel):
    """One place to which data may go.

    Attributes:
        url: Address, such as ``s3://bucket/dvc``; what lies below it is allowed too.
        endpoint: Server of an S3-compatible store; empty for AWS itself and for folders.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(min_length=1)
    endpoint: str


class Residency(BaseModel):
    """Where data and models may go.

    Attributes:
        remotes: The places that are allowed; empty allows none.
        regions: Regions that the store may answer with; empty where any is allowed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    remotes: tuple[Place, ...]
    regions: tuple[str, ...]


class PrivacyParams(BaseModel):
    """What of the footage may leave the machine, and in which form.

    Attributes:
        anonymise: What is blurred in pictures that leave the machine (report, galleries): nothing,
            the faces (upper part of every person's box), or the whole person. Never in training frames.
        people: Labels whose objects are people.
        golden: What an engine bundle carries for a device to be held against: drawn pictures, or
            validation frames, which then go wherever the engine goes.
        residency: Where data and models may go.
        share: Outputs that may be shared by signed addresses (`provenline remote share`): patterns such as
            ``data/dataset``; empty lets nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    anonymise: Literal["none", "faces", "persons"]
    people: tuple[str, ...]
    golden: Literal["synthetic", "frames"]
    residency: Residency
    share: tuple[str, ...]

    @model_validator(mode="after")
    def _no_recognisable_golden_frames(self) -> PrivacyParams:
        if self.golden == "frames" and self.anonymise != "none":
            raise ValueError("golden frames would travel without blurring: choose golden: synthetic")
        return self
