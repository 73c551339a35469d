"""How long AP with intervals takes: `python -m benchmarks.evaluate [--frames 20000 --groups 800]`.

Matching and 1000 replicates of recall, AP50 and AP50-95 (leave-one-group-out values for BCa included)
run alternately with ONE evaluation by pycocotools and by faster-coco-eval in the same process. What a
bootstrap by re-evaluation would take is a thousand of those. The peers are asked for area "all" and 100
detections alone, and only their own evaluate() and accumulate() are timed, not the reading of boxes.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.timing import Clock, machine, version_of
from provenline.evaluation.average_precision import COCO_IOUS, average_precision
from provenline.evaluation.matching import FloatArray, match, per_frame
from provenline.evaluation.params import IntervalParams
from provenline.evaluation.slices import Slice, cut

LABEL = "person"
BOX = ["x1", "y1", "x2", "y2"]
AIMS = {250: {"all three": 0.5}, 20_000: {"recall and AP50": 3.0, "AP50-95": 20.0}}
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def world(frames: int, groups: int, objects: int, detections: int, seed: int) -> Tables:
    """Build frames in groups, objects and detections: near ones to most objects, the rest anywhere."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"f{number:06d}" for number in range(frames)])
    group = np.array([f"g{number % groups:04d}" for number in range(frames)])
    table = pd.DataFrame({"frame_id": ids, "group": group, "annotated": True, "width": 1920, "height": 1080})

    def boxes(many: int) -> FloatArray:
        corner, side = rng.uniform(0, 900, (many, 2)), rng.uniform(16, 220, (many, 2))
        return np.concatenate([corner, corner + side], axis=1)

    there = np.repeat(np.arange(frames), rng.poisson(objects, frames))
    truth = pd.DataFrame(boxes(len(there)), columns=BOX).assign(frame_id=ids[there], label=LABEL)
    ease = rng.normal(0, 0.7, groups)[there % groups]
    seen = np.flatnonzero(rng.random(len(there)) < 1 / (1 + np.exp(-1.5 - ease)))
    shift = rng.normal(0, 1, (len(seen), 4)) * rng.gamma(2, 4, (len(seen), 1))
    near = truth[BOX].to_numpy()[seen] + shift
    elsewhere = np.repeat(np.arange(frames), rng.poisson(max(detections - 0.8 * objects, 0), frames))
    places = np.concatenate([near, boxes(len(elsewhere))])
    places[:, 2:] = np.maximum(places[:, 2:], places[:, :2] + 2)
    score = 1 / (1 + np.exp(-rng.normal(np.r_[np.full(len(seen), 1.0), np.full(len(elsewhere), -2.0)], 1)))
    found = pd.DataFrame(places, columns=BOX).assign(
        frame_id=ids[np.concatenate([there[seen], elsewhere])], label=LABEL, score=score
    )
    return table, truth, found.sample(frac=1, random_state=seed, ignore_index=True)


def _coco(tables: Tables) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return objects and detections in COCO's form."""
    frames, truth, found = tables
    image = {name: place + 1 for place, name in enumerate(frames["frame_id"])}

    def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
        places = table[BOX].to_numpy(copy=True)
        places[:, 2:] -= places[:, :2]
        names, score = table["frame_id"], table["score"] if "score" in table else np.ones(len(table))
        return [
            {"id": place + 1, "image_id": image[name], "category_id": 1, "bbox": xywh.tolist(),
             "area": float(xywh[2] * xywh[3]), "iscrowd": 0, "score": float(confidence)}
            for place, (name, xywh, confidence) in enumerate(zip(names, places, score, strict=True))
        ]  # fmt: skip

    images = [{"id": number, "width": 1920, "height": 1080} for number in image.values()]
    whole = {
        "images": images,
        "annotations": rows(truth),
        "categories": [{"id": 1, "name": LABEL}],
        "info": {},
    }
    return whole, rows(found)


def peer(name: str, tables: Tables) -> Callable[[], tuple[float, float]]:
    """Return what evaluates once, with boxes read beforehand, and gives AP50 and AP50-95."""
    whole, found = _coco(tables)
    with contextlib.redirect_stdout(io.StringIO()):
        if name == "pycocotools":
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval as Evaluation

            truths = COCO()
            truths.dataset = whole
            truths.createIndex()
        else:
            from faster_coco_eval import COCO
            from faster_coco_eval.core.faster_eval_api import COCOeval_faster as Evaluation

            truths = COCO(whole)
        results = truths.loadRes(found)

    def once() -> tuple[float, float]:
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = Evaluation(truths, results, "bbox")
            evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
            evaluation.params.maxDets = [100]
            evaluation.evaluate()
            evaluation.accumulate()
        precision = np.asarray(evaluation.eval["precision"])[:, :, 0, 0, -1]
        return float(precision[0].mean()), float(precision.mean())

    return once


def copied(tables: Tables, part: Slice, weights: FloatArray) -> Tables:
    """Return the world of one replicate: every group as often as it was drawn."""
    frames, truth, found = tables
    times = weights[part.group].astype(int)
    copies = [
        f"{name}#{number}"
        for name, many in zip(part.frames["frame_id"], times, strict=True)
        for number in range(many)
    ]
    key = pd.DataFrame({"copy": copies})
    key["frame_id"] = key["copy"].str.split("#").str[0]
    grown = [table.merge(key, on="frame_id").drop(columns="frame_id") for table in (frames, truth, found)]
    return tuple(table.rename(columns={"copy": "frame_id"}) for table in grown)  # type: ignore[return-value]


class Ours:
    """Our own way, piece by piece, with the seconds that each took."""

    def __init__(self, tables: Tables, params: IntervalParams) -> None:
        self.tables, self.params = tables, params
        self.seconds: dict[str, list[float]] = {}
        self.found: dict[str, Any] = {}

    def _timed(self, name: str, work: Callable[[], Any]) -> Any:
        with Clock() as clock:
            result = work()
        self.seconds.setdefault(name, []).append(clock.seconds)
        return result

    def run(self) -> None:
        """Match, and make all three figures with their intervals."""
        frames, truth, found = self.tables
        ids, labels = frames["frame_id"].tolist(), (LABEL,)
        part = self._timed("draw replicates", lambda: self._cut(frames))
        one = self._timed("match at 0.5", lambda: match(ids, truth, found, labels, [0.5]))
        ten = self._timed("match at ten thresholds", lambda: match(ids, truth, found, labels, COCO_IOUS))
        counts = per_frame(one, 0.5, 0.25)
        works = {
            "recall": lambda: part.ratio(counts.found, counts.objects, proportion=True),
            "AP50": lambda: part.average_precision(one, [0.5]),
            "AP50-95": lambda: part.average_precision(ten, COCO_IOUS),
        }
        for name, work in works.items():
            self.found[name] = self._timed(name, lambda work=work: (s := work(), s.interval(self.params)))
        self.found["part"], self.found["matches"] = part, ten

    def _cut(self, frames: pd.DataFrame) -> Slice:
        part = cut(frames, self.params)
        _ = part.resamples.left_out
        return part

    def middles(self) -> dict[str, float]:
        """Return the median seconds of each piece."""
        return {name: statistics.median(times) for name, times in self.seconds.items()}

    def totals(self) -> dict[str, float]:
        """Return the median seconds of what is asked for together, matching included."""
        piece = self.middles()
        draws = piece["draw replicates"]
        single = draws + piece["match at 0.5"] + piece["recall"] + piece["AP50"]
        several = draws + piece["match at ten thresholds"] + piece["AP50-95"]
        # One matching serves all three.
        every = several + piece["recall"] + piece["AP50"]
        return {"recall and AP50": single, "AP50-95": several, "all three": every}


def main() -> None:
    """Build the world, run ours and the peers in turns, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--groups", type=int, default=800)
    parser.add_argument("--objects", type=int, default=5)
    parser.add_argument("--detections", type=int, default=30)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(machine())
    tables = world(given.frames, given.groups, given.objects, given.detections, seed=0)
    params = IntervalParams(
        method="bca", confidence=0.95, replicates=given.replicates, seed=0, warn_groups=20, min_groups=10
    )
    Ours(world(20, 4, 2, 4, seed=0), params).run()  # importing is not what is measured
    ours, peers = Ours(tables, params), ("pycocotools", "faster-coco-eval")
    once = {name: peer(name, tables) for name in peers}
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    values: dict[str, tuple[float, float]] = {}
    for number in range(given.rounds):
        for name in [("ours", *peers)[(number + place) % 3] for place in range(3)]:
            gc.collect()
            if name == "ours":
                ours.run()
                continue
            with Clock() as clock:
                values[name] = once[name]()
            seconds[name].append(clock.seconds)
    report(given, tables, ours, {name: statistics.median(times) for name, times in seconds.items()})
    equality(tables, ours, values)


def report(given: argparse.Namespace, tables: Tables, ours: Ours, peers: dict[str, float]) -> None:
    """Print seconds and ratios."""
    boxes = f"{len(tables[1])} objects, {len(tables[2])} detections"
    print(f"{given.frames} frames in {given.groups} groups, {boxes}, median of {given.rounds}")
    print(f"with {given.replicates} replicates and every group left out once:")
    for name, value in ours.middles().items():
        print(f"    {name:26s} {value:9.3f} s")
    totals = ours.totals()
    for name, value in totals.items():
        print(f"  {name:28s} {value:9.3f} s, matching included")
    for name, value in peers.items():
        print(f"  {name + ' ' + version_of(name):28s} {value:9.3f} s for one evaluation")
        many = value * given.replicates
        for asked in ("recall and AP50", "AP50-95"):
            print(f"    {given.replicates} of them: {many / totals[asked]:.0f} times our {asked}")
    for name, aim in AIMS.get(given.frames, {}).items():
        kept = "kept" if totals[name] < aim else "MISSED"
        print(f"  aim: {name} in {aim:g} s: {kept}")


def equality(tables: Tables, ours: Ours, values: dict[str, tuple[float, float]]) -> None:
    """Print how far our numbers are from the peers', also for a replicate made of copied groups."""
    for name in ("recall", "AP50", "AP50-95"):
        print(f"  {name}: {ours.found[name][1]}")
    mine = [ours.found[name][0].estimate for name in ("AP50", "AP50-95")]
    for name, theirs in values.items():
        print(f"  from {name}: {max(abs(a - b) for a, b in zip(mine, theirs, strict=True)):.1e}")
    part, matches = ours.found["part"], ours.found["matches"]
    weights = part.resamples.weights[0]
    again = peer("faster-coco-eval", copied(tables, part, weights))()
    kept = [float(ours.found[name][0].replicates[0]) for name in ("AP50", "AP50-95")]
    exact = [average_precision(matches, part.group, weights[None], ious)[0] for ious in ([0.5], COCO_IOUS)]
    for what, numbers in (("as used", kept), ("in double precision", exact)):
        apart = max(abs(a - b) for a, b in zip(numbers, again, strict=True))
        print(f"  first replicate against faster-coco-eval on copied groups, {what}: {apart:.1e}")


if __name__ == "__main__":
    main()
