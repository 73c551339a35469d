"""How many pictures the page shows, and how large."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ReportParams(BaseModel):
    """Sizes of the page.

    Attributes:
        pictures: At most so many frames per kind of example (found, newly found, false, missed).
        seed: Which examples are drawn where there are more.
        picture_width: Width in pixels that frames are shrunk to before they enter the page.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pictures: int = Field(ge=0)
    seed: int
    picture_width: int = Field(ge=64, le=1920)
