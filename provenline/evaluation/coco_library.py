"""faster-coco-eval at our tables: the library that counts COCO's metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from provenline.evaluation.crowds import crowds
from provenline.evaluation.pairing import FloatArray


def accumulated(
    frames: pd.DataFrame,
    truth: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    ious: FloatArray,
) -> dict[str, Any] | None:
    """Return what the library accumulates; None where there is no object at all.

    Args:
        frames: The frames that are looked at: ``frame_id``, ``width``, ``height``.
        truth: Boxes that count, crowds among them.
        predictions: Predictions; those of other frames and labels are left out.
        labels: Labels that are looked at.
        ious: Thresholds, (T,).

    Returns:
        ``precision`` (T, 101, labels, areas, detections per frame) and ``recall`` (T, labels, areas,
        detections per frame); -1 where there is nothing to find. Areas: all, small, medium, large.
        Detections per frame and label: 1, 10, 100.
    """
    from faster_coco_eval import COCO
    from faster_coco_eval.core.faster_eval_api import COCOeval_faster

    image = {frame_id: place + 1 for place, frame_id in enumerate(frames["frame_id"])}
    objects = _annotations(truth, image, labels)
    if not objects:
        return None
    sizes = zip(frames["width"], frames["height"], strict=True)
    truths = COCO(
        {
            "images": [
                {"id": place + 1, "width": int(width), "height": int(height)}
                for place, (width, height) in enumerate(sizes)
            ],
            "annotations": objects,
            "categories": [{"id": place + 1, "name": label} for place, label in enumerate(labels)],
        },
        print_function=_silent,
    )
    found = truths.loadRes(_annotations(predictions, image, labels))
    evaluation = COCOeval_faster(truths, found, "bbox", print_function=_silent)
    evaluation.params.iouThrs = ious
    evaluation.evaluate()
    evaluation.accumulate()
    return dict(evaluation.eval)


def _annotations(boxes: pd.DataFrame, image: dict[str, int], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the boxes in COCO's form: x, y, width, height in pixels. An object's area is its box's."""
    category = {label: place + 1 for place, label in enumerate(labels)}
    boxes = boxes[boxes["frame_id"].isin(list(image)) & boxes["label"].isin(list(labels))]
    scores = boxes["score"] if "score" in boxes else pd.Series(1.0, index=boxes.index)
    columns = [boxes[name].tolist() for name in ("frame_id", "label", "x1", "y1", "x2", "y2")]
    columns += [scores.tolist(), crowds(boxes).tolist()]
    return [
        {
            "id": place + 1,
            "image_id": image[frame],
            "category_id": category[label],
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "area": (x2 - x1) * (y2 - y1),
            "iscrowd": int(crowd),
            "score": score,
        }
        for place, (frame, label, x1, y1, x2, y2, score, crowd) in enumerate(zip(*columns, strict=True))
    ]


def _silent(*_: object) -> None:
    """Take the place of print."""
