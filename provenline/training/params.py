"""Parameters of fine-tuning: when, by what recipe, with what augmentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from provenline.detectors.device import each_device
from provenline.training.settings import faults

Watched = Literal["fitness", "mAP50", "mAP50_95", "precision", "recall"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Gain = Annotated[float, Field(ge=0.0)]


class Recipe(BaseModel):
    """How the weights are moved. The names are ultralytics' own.

    Attributes:
        task: Boxes (`detect`), or boxes and outlines (`segment`), which takes a base for segmentation.
        optimizer: Never `auto`, which overrides `lr0` and `momentum` in silence.
        lr0: Learning rate after the warm-up.
        lrf: Last learning rate, as a share of `lr0`.
        cos_lr: Fall along a cosine instead of a line.
        momentum: Of SGD; the first beta of Adam.
        weight_decay: Per `nbs` images.
        warmup_epochs: Epochs of rising learning rate. By definition at most one less than `epochs`.
        patience: Stop after so many epochs without a better validation; 0 never stops.
        freeze: Number of layers, from the input, that are kept as they are.
        box: Weight of the box loss.
        cls: Weight of the class loss.
        dfl: Weight of the distribution focal loss.
        close_mosaic: The last so many epochs go without mosaics.
        seed: Of everything random in training.
        epochs: Passes over the training frames.
        batch: Images at a time, on all devices together; halved where memory runs out.
        nbs: Nominal batch: images per step of the optimizer, whose gradients gather over `nbs / batch`
            batches. By definition at most the images of all epochs. The plan says nothing of it, so it
            is ultralytics' own unless conf does.
        imgsz: Side of the square input, in pixels; a multiple of 32.
        extra: Whatever else ultralytics can be told, by its own names; see `settings.faults` for what is
            refused.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Literal["detect", "segment"]
    optimizer: Literal["SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSprop"]
    lr0: float = Field(gt=0.0, le=1.0)
    lrf: float = Field(gt=0.0, le=1.0)
    cos_lr: bool
    momentum: float = Field(ge=0.0, lt=1.0)
    weight_decay: Gain
    warmup_epochs: Gain
    patience: int = Field(ge=0)
    freeze: int = Field(ge=0)
    box: Gain
    cls: Gain
    dfl: Gain
    close_mosaic: int = Field(ge=0)
    seed: int = Field(ge=0)
    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    nbs: int = Field(ge=1)
    imgsz: int = Field(ge=32, multiple_of=32)
    extra: dict[str, Any]

    @model_validator(mode="after")
    def _a_step_holds_a_batch(self) -> Recipe:
        if self.nbs < self.batch:
            raise ValueError(f"nbs {self.nbs} is less than batch {self.batch}: a step holds whole batches")
        return self


class Augment(BaseModel):
    """How training frames are varied. The names are ultralytics' own.

    For boxes, ultralytics 8.4 uses neither `copy_paste` (needs masks) nor `erasing` (classification).

    Attributes:
        fliplr: Share mirrored left to right.
        flipud: Share mirrored top to bottom.
        mosaic: Share made of four frames.
        mixup: Share made of two frames laid over each other.
        copy_paste: Share of objects copied into other frames.
        hsv_h: Largest shift of hue, as a share of the circle.
        hsv_s: Largest change of saturation, as a share.
        hsv_v: Largest change of brightness, as a share.
        degrees: Largest rotation, in degrees.
        translate: Largest shift, as a share of the side.
        scale: Largest change of size, as a share.
        shear: Largest shear, in degrees.
        perspective: Largest perspective coefficient.
        erasing: Share with a part erased.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fliplr: Share
    flipud: Share
    mosaic: Share
    mixup: Share
    copy_paste: Share
    hsv_h: Share
    hsv_s: Share
    hsv_v: Share
    degrees: float = Field(ge=0.0, le=180.0)
    translate: Share
    scale: Share
    shear: float = Field(ge=0.0, le=180.0)
    perspective: float = Field(ge=0.0, le=0.001)
    erasing: Share


class Keep(BaseModel):
    """Which epochs outlive training.

    Attributes:
        metrics: The best epochs by each of these are kept beside the candidate.
        top: How many by each.
        choose: The best epoch by this one becomes the candidate. `fitness` is ultralytics' own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: tuple[Watched, ...]
    top: int = Field(ge=1)
    choose: Watched


class Sizes(BaseModel):
    """What a recipe was meant for: `profile=gpu` takes these, smaller machines have sizes of their own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(ge=1)
    batch: int = Field(ge=1)
    nbs: int = Field(ge=1)


class TrainParams(BaseModel):
    """All of fine-tuning.

    Attributes:
        when: `auto`: as Stage A decided; `always`; `never`: the base is passed through.
        device: `cpu`, one GPU (`0`, `cuda:0`), or several (`0,1`), which share each batch.
        workers: Processes that read images, for each GPU; ultralytics uses none without one.
        cache: Keep shrunk images in memory between epochs: `none`, `ram`, or `auto` (if half of what is
            free holds them). What is learnt does not depend on it.
        limit: Most training frames, spread evenly over all; 0 takes all of them.
        allow: Hyperparameters that may be in effect otherwise than asked; any other that is stops the stage.
        keep: Which epochs outlive training.
        full: The recipe's own sizes. What is trained with is `recipe.epochs`, `batch` and `nbs`.
        recipe: How the weights are moved.
        augment: How training frames are varied.
        may_flip: Classes that mirrored frames may take for one another; see `flips.mixed_up`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: Literal["auto", "always", "never"]
    device: str
    workers: int = Field(ge=0)
    cache: Literal["none", "ram", "auto"]
    limit: int = Field(ge=0)
    allow: tuple[str, ...]
    keep: Keep
    full: Sizes
    recipe: Recipe
    augment: Augment
    may_flip: tuple[str, ...]

    @model_validator(mode="after")
    def _extra_is_known(self) -> TrainParams:
        typed = {
            **{name: f"train.recipe.{name}" for name in Recipe.model_fields},
            **{name: f"train.augment.{name}" for name in Augment.model_fields},
        }
        if found := faults(self.recipe.extra, self.recipe.task, typed):
            raise ValueError("; ".join(found))
        return self

    @model_validator(mode="after")
    def _devices_share_a_batch(self) -> TrainParams:
        count, batch = len(each_device(self.device)), self.recipe.batch
        if batch % count:
            raise ValueError(f"batch {batch} cannot be shared evenly by {count} devices ({self.device})")
        return self

    def hyperparameters(self) -> dict[str, Any]:
        """Return what is asked of ultralytics, by its own names: recipe, augmentation, and `extra`."""
        recipe = self.recipe.model_dump(exclude={"task", "extra"})
        return {**recipe, **self.augment.model_dump(), **self.recipe.extra}
