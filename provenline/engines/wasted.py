"""What an input wastes on grey where all pictures have one shape."""

from __future__ import annotations

import pandas as pd

from provenline.detectors.bundle import Layout
from provenline.detectors.preprocess import fit_of, tightest
from provenline.detectors.size import Size
from provenline.progress import notice

_WORTH_SAYING = 2 / 3  # of the work: above it the gain is not worth another model


def say(name: str, frames: pd.DataFrame, layout: Layout, imgsz: Size) -> None:
    """Name in one line the input that shows all frames as large for much less work, if there is one.

    Args:
        name: Of the checkpoint.
        frames: With ``width`` and ``height``.
        layout: Of the network's output: a stretched picture leaves no grey.
        imgsz: Of the network's input.
    """
    shapes = frames[["width", "height"]].drop_duplicates().itertuples(index=False)
    inputs = {tightest(int(width), int(height), imgsz) for width, height in shapes}
    if fit_of(layout) == "stretch" or len(inputs) != 1:
        return
    share = (smaller := inputs.pop()).area / imgsz.area
    if share < _WORTH_SAYING:
        notice(
            f"{name}: model.imgsz={smaller.plain} shows all {len(frames)} frames as large as {imgsz} does, "
            f"for {share:.2f} of the work (another detector: `eval` judges it anew)"
        )
