"""Parameters of the simulated line and of the base model's portraits."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
CATEGORIES = (
    "Collar",
    "Cuffs",
    "Back/yoke",
    "Front",
    "Assembly",
    "Buttonholes & buttons",
    "Inspection & pack",
)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FootageParams(_Model):
    """One footage: how many videos, how long, how large.

    Attributes:
        videos: Videos per category, in the order of ``CATEGORIES``; a shorter tuple leaves the rest out.
        seconds: Shortest and longest video, in seconds.
        lead_in_s: Shortest and longest idle lead-in before the work, in seconds.
        lead_out_s: Shortest and longest stretch after the work, in seconds.
        break_share: Share of the videos in which the operator leaves for a while.
        mannequin_share: Share of the videos with a tailor's dummy in view.
        passers_by: Mean number of people who pass behind, per minute.
        photos: Number of wide photos (1280x720).
        width: Of a video frame, in pixels (even).
        height: Of a video frame, in pixels (a multiple of four).
        fps: Frames per second.
        crf: x264's constant rate factor: higher means smaller and blockier.
    """

    videos: tuple[Annotated[int, Field(ge=0)], ...] = Field(max_length=len(CATEGORIES))
    seconds: tuple[float, float]
    lead_in_s: tuple[float, float]
    lead_out_s: tuple[float, float]
    break_share: Share
    mannequin_share: Share
    passers_by: float = Field(ge=0.0)
    photos: int = Field(ge=0)
    width: int = Field(ge=64, multiple_of=2)
    height: int = Field(ge=64, multiple_of=4)
    fps: int = Field(ge=1, le=60)
    crf: int = Field(ge=0, le=51)

    @model_validator(mode="after")
    def _room_for_work(self) -> FootageParams:
        if self.lead_in_s[1] + self.lead_out_s[1] >= self.seconds[0]:
            raise ValueError("lead_in_s and lead_out_s leave no time for work in the shortest video")
        return self


class AnnotatorParams(_Model):
    """How one simulated annotator errs; all shares are per object, except ``invented`` (per image).

    Attributes:
        jitter: Standard deviation of each box edge, as a share of the box's side.
        tightness: Mean outward shift of each edge, as a share of the side (negative: cuts in).
        miss_operator: Share of operators with their head in view that are missed.
        miss_hands_only: Share of people without a visible head that are missed.
        miss_passer_by: Share of passers-by with their head in view that are missed.
        miss_mannequin: Share of dummies that get no box at all.
        mannequin_as_person: Share of boxed dummies that are taken for a person.
        invented: Share of images with a box where nothing is.
        attribute_slip: Share of boxes whose ``occluded`` flag is wrong.
    """

    jitter: float = Field(ge=0.0, le=0.5)
    tightness: float = Field(ge=-0.2, le=0.2)
    miss_operator: Share
    miss_hands_only: Share
    miss_passer_by: Share
    miss_mannequin: Share
    mannequin_as_person: Share
    invented: Share
    attribute_slip: Share


class SimlineParams(_Model):
    """The whole simulated line.

    Attributes:
        seed: All that is random follows from it.
        workers: Processes that render; 0 means one per core. The bytes do not depend on it.
        development: The footage that is split, trained and validated on.
        deployment: The footage of other cameras and days.
        label_period_s: The grid on which the annotators label, in seconds.
        overlap_frames: Frames that both annotators label.
        annotator_a: Errors of the first annotator.
        annotator_b: Errors of the second annotator.
        min_visible: People of whom a smaller share is visible have no truth box.
        min_pixels: People of whom fewer pixels (at 640x360) are visible have no truth box.
    """

    seed: int = Field(ge=0)
    workers: int = Field(ge=0)
    development: FootageParams
    deployment: FootageParams
    label_period_s: float = Field(gt=0.0)
    overlap_frames: int = Field(ge=0)
    annotator_a: AnnotatorParams
    annotator_b: AnnotatorParams
    min_visible: Share
    min_pixels: int = Field(ge=1)


class PortraitParams(_Model):
    """The base model's training images: people elsewhere, in other poses.

    Attributes:
        seed: All that is random follows from it.
        workers: Processes that draw; 0 means one per core.
        train: Number of training images.
        val: Number of validation images.
        size: Width and height of an image, in pixels.
        max_people: Most people in one image.
        empty_share: Share of the images without people.
        jpeg_quality: OpenCV's JPEG quality, 0 to 100.
    """

    seed: int = Field(ge=0)
    workers: int = Field(ge=0)
    train: int = Field(ge=1)
    val: int = Field(ge=1)
    size: int = Field(ge=64)
    max_people: int = Field(ge=1, le=8)
    empty_share: Share
    jpeg_quality: int = Field(ge=1, le=100)
