from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from pydantic import ValidationError

from provenline import tables
from provenline.annotations.adjudicating import clusters, decide
from provenline.annotations.importing import import_annotations
from provenline.errors import InputError
from tests.annotations import world

A = "Collar/a.mp4"
RANK = {"ana": 0, "bea": 1, "cyd": 2}


def row(annotator: str, *box: float, label: str = "person", frame: str = "f", **attributes: str) -> dict:
    sides = dict(zip(tables.BOX, map(float, box), strict=True))
    said = json.dumps(attributes)
    return {
        "frame_id": frame,
        "annotator": annotator,
        "label": label,
        **sides,
        "polygon": None,
        "attributes": said,
    }


def rule(kind: str, **values: object):
    return world.params(adjudication={"kind": kind, **values}).adjudication


def consensus(rows: list[dict], seen: dict[str, set[str]] | None = None, votes: int = 2, iou: float = 0.5):
    seen = seen or {"f": {one["annotator"] for one in rows}}
    names = sorted(set().union(*seen.values()))
    return decide(seen, rows, rule("consensus", votes=votes, iou=iou), ("bea",), names)


def test_named_takes_the_first_of_primary_then_by_name():
    seen = {"x": {"ana", "bea"}, "y": {"cyd", "ana"}, "z": {"cyd"}}
    done = decide(seen, [], rule("named"), ("bea",), ["ana", "bea", "cyd"])
    assert done.reference == {"x": "bea", "y": "ana", "z": "cyd"}
    assert done.report == {"kind": "named", "frames": {"named": 3}}
    assert done.boxes == []


def test_an_adjudicated_export_wins_where_it_has_the_frame():
    seen = {"x": {"ana", "bea", "judge"}, "y": {"ana", "bea"}}
    done = decide(seen, [], rule("adjudicated", annotator="judge"), ("ana",), ["ana", "bea", "judge"])
    assert done.reference == {"x": "judge", "y": "ana"}
    assert done.report["frames"] == {"adjudicated": 1, "named": 1}
    with pytest.raises(InputError, match=r"no export of 'judy'.*There are exports of ana, bea, judge"):
        decide(seen, [], rule("adjudicated", annotator="judy"), (), ["ana", "bea", "judge"])


def test_two_annotators_meet_in_the_middle():
    done = consensus([
        row("ana", 10, 10, 30, 50, occluded="true", seated="no"),
        row("bea", 12, 10, 32, 54, occluded="true", seated="yes"),
        row("bea", 60, 10, 70, 20),
    ])  # fmt: skip
    (box,) = done.boxes
    assert [box[side] for side in tables.BOX] == [11, 10, 31, 52]
    assert json.loads(box["attributes"]) == {"occluded": "true", "agreed_by": "bea ana"}
    assert done.reference == {"f": "consensus"}
    assert done.report["objects"] == {"drawn": 3, "merged": 2, "outvoted": 1, "agreed": 1, "label_differs": 0}


def test_of_three_the_median_side_and_the_label_of_most():
    done = consensus([
        row("ana", 10, 10, 30, 50, label="mannequin"),
        row("bea", 10, 11, 31, 50),
        row("cyd", 14, 9, 30, 58, label="mannequin"),
    ])  # fmt: skip
    (box,) = done.boxes
    assert [box[side] for side in tables.BOX] == [10, 10, 30, 50]
    assert box["label"] == "mannequin"
    assert done.report["objects"]["label_differs"] == 1
    # One against one: the annotator who wins elsewhere wins here.
    (box,) = consensus([row("ana", 0, 0, 9, 9, label="x"), row("bea", 0, 0, 9, 9, label="y")]).boxes
    assert box["label"] == "y"


def test_the_whole_does_not_take_the_place_of_its_part():
    # A group drawn tightly around its only large member: same boxes, other labels.
    rows = [
        row("ana", 0, 0, 40, 40, label="Cat"), row("ana", 0, 0, 44, 40, label="Cats"),
        row("bea", 0, 0, 43, 40, label="Cat"), row("bea", 0, 0, 41, 40, label="Cats"),
    ]  # fmt: skip
    found = clusters(rows, 0.5, RANK)
    assert [{one["label"] for one in members} for members in found] == [{"Cat"}, {"Cats"}]


def test_too_few_looked():
    seen = {"f": {"ana", "bea", "cyd"}, "g": {"ana", "bea"}, "h": {"ana", "bea", "cyd"}}
    rows = [row(name, 0, 0, 9, 9) for name in ("ana", "bea", "cyd")] + [row("ana", 0, 0, 9, 9, frame="g")]
    done = consensus(rows, seen, votes=3)
    assert done.reference == {"f": "consensus", "g": "bea", "h": "consensus"}
    assert done.report["frames"] == {"consensus": 2, "named": 1}
    # Nobody drew anything on h: the consensus is that nothing is there.
    assert [one["frame_id"] for one in done.boxes] == ["f"]


@pytest.mark.parametrize("seed", range(5))
def test_the_truth_is_recovered(seed):
    """Objects far apart, three annotators with jitter, slips and inventions: majorities are known."""
    rng = np.random.default_rng(seed)
    rows, expected = [], []
    for column, line in itertools.product(range(6), range(4)):
        truth = np.array([column * 100, line * 100, column * 100 + 60, line * 100 + 70], dtype=float)
        drawn = [truth + rng.uniform(-4, 4, 4) for _ in RANK]
        who = [name for name in RANK if rng.random() < 0.7]
        rows += [row(name, *box) for name, box in zip(RANK, drawn, strict=True) if name in who]
        if len(who) >= 2:
            sides = [box for name, box in zip(RANK, drawn, strict=True) if name in who]
            expected.append(np.sort(sides, axis=0)[[(len(who) - 1) // 2, len(who) // 2]].mean(axis=0))
    order = rng.permutation(len(rows))
    done = consensus([rows[index] for index in order], {"f": set(RANK)})
    found = sorted([one[side] for side in tables.BOX] for one in done.boxes)
    assert np.allclose(found, sorted(box.tolist() for box in expected))
    objects = done.report["objects"]
    assert objects["drawn"] == len(rows) == objects["merged"] + objects["outvoted"]


@pytest.mark.parametrize("seed", range(20))
def test_matching_is_the_best_that_there_is(seed):
    """Against all permutations: as many pairs as possible, and of those the largest total overlap."""
    rng = np.random.default_rng(seed)
    boxes = {}
    for name in ("ana", "bea"):
        corner = rng.uniform(0, 30, (4, 2))
        boxes[name] = np.hstack([corner, corner + rng.uniform(15, 40, (4, 2))])
    rows = [row(name, *box) for name, found in boxes.items() for box in found]
    pairs = [members for members in clusters(rows, 0.3, RANK) if len(members) == 2]

    def iou(a, b):
        low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
        inter = np.prod(np.clip(high - low, 0, None))
        return inter / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inter)

    def worth(order):
        found = [iou(a, boxes["bea"][index]) for a, index in zip(boxes["ana"], order, strict=True)]
        return sum(one >= 0.3 for one in found), sum(one for one in found if one >= 0.3)

    best = max(map(worth, itertools.permutations(range(4))))
    sides = [[np.array([one[side] for side in tables.BOX]) for one in members] for members in pairs]
    assert (len(pairs), sum(iou(a, b) for a, b in sides)) == pytest.approx(best)


@pytest.fixture
def folder(tmp_path):
    world.cvat(
        tmp_path / "ana.xml",
        world.image(f"{A}/1000.jpg", world.box(10, 10, 30, 50), world.box(60, 10, 80, 50)),
        world.image(f"{A}/1500.jpg", world.box(10, 10, 30, 50)),
    )
    world.cvat(tmp_path / "bea.xml", world.image(f"{A}/1000.jpg", world.box(12, 10, 32, 50)))
    return tmp_path


@pytest.fixture
def frames():
    return world.frames(world.frame(A, 1000), world.frame(A, 1500))


def test_a_consensus_counts_in_the_tables(folder, frames):
    rule = {"kind": "consensus", "iou": 0.5, "votes": 2}
    done = import_annotations(folder, frames, world.params(adjudication=rule))
    assert done.frames["annotator"].tolist() == ["consensus", "ana"]
    truth = tables.truth(done.frames, done.boxes, ["person"])
    assert sorted(truth["x1"]) == [10, 11]
    assert len(done.boxes) == 5
    assert done.report["objects"]["kept"] == 4
    assert done.report["frames"]["reference"] == {"ana": 1, "consensus": 1}
    assert done.report["adjudication"]["frames"] == {"consensus": 1, "named": 1}
    assert done.report["agreement"]["pairs"][0]["annotators"] == ["ana", "bea"]


def test_an_adjudicator_does_not_take_part_in_the_agreement(folder, frames):
    world.cvat(folder / "judge.xml", world.image(f"{A}/1500.jpg", world.box(50, 10, 70, 50)))
    rule = {"kind": "adjudicated", "annotator": "judge"}
    done = import_annotations(folder, frames, world.params(adjudication=rule, primary=("bea",)))
    assert done.frames["annotator"].tolist() == ["bea", "judge"]
    assert [pair["annotators"] for pair in done.report["agreement"]["pairs"]] == [["ana", "bea"]]
    assert done.report["adjudication"] == {
        "kind": "adjudicated", "annotator": "judge", "frames": {"adjudicated": 1, "named": 1},
    }  # fmt: skip


def test_a_rule_that_decides_nothing_is_said(folder, frames):
    rule = {"kind": "consensus", "iou": 0.5, "votes": 3}
    done = import_annotations(folder, frames, world.params(adjudication=rule))
    assert any("no frame was decided by consensus" in text for text in done.report["warnings"])


def test_nobody_may_be_called_consensus(folder, frames):
    (folder / "ana.xml").rename(folder / "consensus.xml")
    with pytest.raises(InputError, match="an annotator is called 'consensus'"):
        import_annotations(
            folder, frames, world.params(adjudication={"kind": "consensus", "iou": 0.5, "votes": 2})
        )


@pytest.mark.parametrize(
    "rule", [{"kind": "consensus", "iou": 0.5, "votes": 1}, {"kind": "judge"}, {"kind": "named", "votes": 2}]
)
def test_rules_that_mean_nothing_are_refused(rule):
    with pytest.raises(ValidationError):
        world.params(adjudication=rule)
