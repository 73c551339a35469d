from __future__ import annotations

import numpy as np
import pytest

from provenline.detectors.postprocess import Decoder, suppress
from provenline.detectors.preprocess import placement
from provenline.detectors.size import Size

SAME = placement(320, 320, Size(320, 320))


def decoder(**changes):
    values = {
        "layout": "raw",
        "names": ("person", "dog", "fall"),
        "labels": {"person": "person", "fall": "person"},
        "score_floor": 0.01,
        "nms_iou": 0.7,
        "max_detections": 300,
    }
    return Decoder(**{**values, **changes})


def raw(*rows):
    """Rows of cx cy w h and class scores, as a network lays them out."""
    return np.array(rows, dtype=np.float32).T


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("iou", [0.3, 0.7])
def test_suppression_agrees_with_torchvision(seed, iou):
    import torch
    from torchvision.ops import batched_nms

    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 200, (800, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 80, (800, 2))], axis=1)
    scores = np.sort(rng.uniform(0, 1, 800))[::-1].copy()
    labels = rng.integers(0, 3, 800)
    expected = batched_nms(torch.tensor(boxes), torch.tensor(scores), torch.tensor(labels), iou).numpy()
    assert suppress(boxes, labels, iou, 800).tolist() == expected.tolist()
    assert suppress(boxes, labels, iou, 20).tolist() == expected[:20].tolist()


def test_suppression_of_nothing():
    assert suppress(np.zeros((0, 4)), np.zeros(0, np.int64), 0.5, 10).tolist() == []


def test_best_class_counts_and_other_classes_are_dropped():
    found = decoder()(
        raw([50, 60, 20, 40, 0.2, 0.1, 0.0], [150, 60, 20, 40, 0.3, 0.8, 0.0], [250, 60, 20, 40, 0, 0, 0.9]),
        SAME,
    )
    assert found.labels == ["person", "person"]
    assert found.scores == pytest.approx([0.9, 0.2])
    assert found.boxes == pytest.approx(np.array([[240, 40, 260, 80], [40, 40, 60, 80]]))


def test_classes_of_one_label_suppress_each_other():
    twice = raw([50, 60, 20, 40, 0.6, 0, 0], [50, 60, 20, 40, 0, 0, 0.5])
    assert len(decoder()(twice, SAME)) == 1
    assert len(decoder(labels={"person": "person", "fall": "fall"})(twice, SAME)) == 2


def test_floor_is_kept_and_what_is_below_goes():
    output = raw([50, 60, 20, 40, 0.01, 0, 0], [150, 60, 20, 40, 0.0099, 0, 0])
    assert len(decoder(score_floor=float(np.float32(0.01)))(output, SAME)) == 1


def test_boxes_are_clipped_to_the_image_and_padding_gives_none():
    place = placement(640, 320, Size(320, 320))  # 80 grey rows above and below
    output = raw([10, 160, 60, 400, 0.9, 0, 0], [160, 20, 30, 30, 0.8, 0, 0])
    found = decoder()(output, place)
    assert found.boxes.tolist() == [[0, 0, 80, 320]]


def test_at_most_so_many_and_strongest_first():
    scores = np.linspace(0.1, 0.9, 30)
    output = raw(*[[10 * i + 5, 50, 8, 8, score, 0, 0] for i, score in enumerate(scores)])
    found = decoder(max_detections=7)(output, SAME)
    assert found.scores == pytest.approx(scores[::-1][:7])


def test_end_to_end_output_is_taken_as_it_is():
    rows = np.array([[10, 10, 50, 50, 0.9, 0], [11, 10, 50, 50, 0.8, 2], [10, 10, 50, 50, 0.7, 1], [0] * 6])
    found = decoder(layout="end2end")(rows.astype(np.float32), SAME)
    assert found.scores == pytest.approx([0.9, 0.8])
    assert found.boxes[1] == pytest.approx([11, 10, 50, 50])


def test_nothing_found():
    found = decoder()(raw([50, 60, 20, 40, 0, 0, 0]), SAME)
    assert (found.boxes.shape, found.scores.shape, found.labels) == ((0, 4), (0,), [])
