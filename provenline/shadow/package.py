"""The labelling package of a sample. Nothing in it tells what either detector said.

Images are named after their frames and stand in a random order; there are no boxes, no strata and no
weights. Where people are to be blurred there are no pictures in it: what is blurred is what the
detectors found, and a blurred region would say where. The annotator takes them out of the footage by
``images.csv``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from provenline.annotations import write_cvat
from provenline.annotations.model import ImageLabels
from provenline.footage.anonymise import Blur, Mode
from provenline.footage.media import Media
from provenline.shadow import mine

FOLDER = "labelling"
LISTED = "images.csv"


def package(
    sample: pd.DataFrame,
    frames: pd.DataFrame,
    media: Sequence[Media],
    labels: Mapping[str, Sequence[str]],
    mode: Mode,
    folder: Path,
) -> int:
    """Write ``annotations.xml`` (CVAT for images 1.1), ``images.csv`` and the pictures in ``images/``.

    Args:
        sample: What ``sample.draw`` returned; its order is kept.
        frames: FRAMES, of all that was compared.
        media: The footage; each frame is decoded again by its time.
        labels: That the annotators may give, with their attributes.
        mode: What is blurred in pictures that leave; with anything but ``none`` there are none.
        folder: To write into; not atomic, the caller renames it as a whole.

    Returns:
        How many pictures were written.
    """
    folder.mkdir(parents=True)
    known = frames.set_index("frame_id")[["width", "height"]].loc[sample["frame_id"].tolist()]
    names = [f"{frame_id}.jpg" for frame_id in sample["frame_id"]]
    images = [
        ImageLabels(name, int(width), int(height), (), Path(name))
        for name, width, height in zip(names, known["width"], known["height"], strict=True)
    ]
    write_cvat.write(folder, images, labels)
    listed = sample[["media", "time_ms"]].assign(image=names)
    listed[["image", "media", "time_ms"]].to_csv(folder / LISTED, index=False, lineterminator="\n")
    if mode != "none":
        return 0
    mine.save(sample, media, Blur("none", (), {}), folder / "images")
    return len(names)
