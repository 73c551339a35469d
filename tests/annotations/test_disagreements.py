"""The gallery's list: what is on it, in which order, at most how much."""

from __future__ import annotations

import json

import numpy as np

from provenline.annotations.disagreements import disagreements
from provenline.annotations.pairs import pair_up
from provenline.annotations.ratings import Images
from tests.annotations.erring import Errors, annotate, truth
from tests.annotations.world import agreement_params

ONE, TWO, THREE = ([x, 0.0, x + 20, 40.0] for x in (0.0, 100.0, 200.0))


def array(*boxes: list[float]) -> np.ndarray:
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def pair_of(images: dict[str, tuple[np.ndarray, np.ndarray]]):
    drawn = tuple({(name, 0): both[side] for name, both in images.items()} for side in (0, 1))
    return pair_up(("ana", "bea"), drawn, 0.5), Images({(name, 0): name for name in images})


def test_kinds_and_order():
    wide = [0.0, 0.0, 34.0, 40.0]
    pair, images = pair_of(
        {
            "alike": (array(ONE), array(ONE)),
            "both empty": (array(), array()),
            "shifted": (array(ONE, TWO), array(wide, TWO)),
            "missed": (array(ONE, TWO, THREE), array(TWO)),
            "extra": (array(TWO), array(ONE, TWO)),
            "presence": (array(), array(ONE)),
            "count": (array(ONE, TWO), array(TWO, THREE)),
        }
    )
    shown, counts = disagreements([pair], images, agreement_params())
    assert [(one["media"], one["kind"]) for one in shown] == [
        ("presence", "extra"),  # somebody or nobody: what the gate counts
        ("count", "count"),  # two without a partner each
        ("missed", "missed"),
        ("extra", "extra"),
        ("shifted", "shifted"),
    ]
    assert counts == {"missed": 1, "extra": 2, "shifted": 1, "count": 1}
    assert shown[-1]["iou"] == 20 / 34
    assert shown[0]["iou"] is None
    assert shown[2] == {
        "media": "missed",
        "time_ms": 0,
        "annotators": ["ana", "bea"],
        "kind": "missed",
        "boxes": {"a": [ONE, TWO, THREE], "b": [TWO]},
        "iou": 1.0,
    }
    assert json.loads(json.dumps(shown)) == shown


def test_few_per_group_and_few_in_all():
    rng = np.random.default_rng(3)
    true = truth(rng, groups=8, each=10)
    drawn = tuple(annotate(rng, true, Errors(0.3, 0.2, 0.1)) for _ in range(2))
    pair = pair_up(("ana", "bea"), drawn, 0.5)
    images = Images({key: key[0] for key in true})
    shown, counts = disagreements([pair], images, agreement_params(gallery=100, gallery_per_group=3))
    groups = [one["media"] for one in shown]
    assert len(shown) == 24 and all(groups.count(name) == 3 for name in set(groups))
    assert sum(counts.values()) > 40
    few, same = disagreements([pair], images, agreement_params(gallery=5, gallery_per_group=3))
    assert few == shown[:5] and same == counts
    assert disagreements([pair], images, agreement_params(gallery=0))[0] == []
