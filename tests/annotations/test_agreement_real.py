"""Agreement on real labels: one person in two tools, and eighteen people on one street image."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np

from provenline.annotations import agreement, cvat
from tests.annotations.world import SHARED, agreement_params

CATS = SHARED / "dual_annotation_cvat_labelstudio"
STREET = SHARED / "multi_annotator_street" / "image1_FC_34243_judgements.json"
STREET_SIZE = (1920, 1208)


def boxes_of(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def label_studio(label: str) -> dict[tuple[str, int], np.ndarray]:
    (file,) = (CATS / "label_studio").glob("*.json")
    images = {}
    for task in json.loads(file.read_text(encoding="utf-8")):
        rows = []
        for shape in task["annotations"][0]["result"]:
            value = shape["value"]
            if value["rectanglelabels"] == [label]:
                scale = np.array([shape["original_width"], shape["original_height"]]) / 100
                corner = np.array([value["x"], value["y"]]) * scale
                rows.append([*corner, *(corner + np.array([value["width"], value["height"]]) * scale)])
        images[task["file_upload"].split("-", 1)[1], 0] = boxes_of(rows)
    return images


def test_two_annotators_of_cats():
    exported = cvat.read(CATS / "cvat" / "annotations.xml")
    ratings = {
        "cvat": {
            (image.name, 0): boxes_of([list(one.box) for one in image.objects if one.label == "Cat"])
            for image in exported
        },
        "label_studio": label_studio("Cat"),
    }
    sizes = {(image.name, 0): (image.width, image.height) for image in exported}
    groups = {key: key[0] for key in sizes}
    result, reason = agreement.measure(
        ratings, groups, agreement_params(regions=(3, 3)), sizes=sizes, categories=dict.fromkeys(sizes, "cat")
    )
    (pair,) = result["pairs"]
    print(json.dumps({**result, "disagreements": len(result["disagreements"])}, indent=1))
    assert reason == "" and pair["images"] == 8
    assert pair["objects"] == {"first": 11, "second": 11, "matched": 11}
    assert 0.83 <= pair["mean_matched_iou"]["value"] <= 0.99  # as the set's own description says
    assert pair["object_f1"]["value"] == 1 and result["ceiling"]["ap50"]["value"] == 1
    assert 0.7 < result["ceiling"]["human_ap50_95"]["value"] < result["ceiling"]["ap50_95"]["value"] < 1
    assert pair["regions"]["kappa_presence"]["value"] > 0.9
    assert result["verdict"] == "inconclusive"  # eight groups are too few to say


def test_eighteen_annotators_of_a_street():
    judgements = json.loads(STREET.read_text(encoding="utf-8"))
    key = ("image1_FC_34243.jpg", 0)
    ratings = {}
    for name, objects in judgements.items():
        rows = []
        for one in objects:
            points = {p["edge"]: p["coords"] for shape in one["boundaries"] for p in shape["boundaryPoints"]}
            if len(points) == 4:
                xs, ys = zip(*points.values(), strict=True)
                rows.append([min(xs), min(ys), max(xs), max(ys)])
        ratings[f"judge_{int(name):02d}"] = {key: boxes_of(rows)}
    result, _ = agreement.measure(
        ratings, {key: "street"}, agreement_params(regions=(4, 6)), sizes={key: STREET_SIZE}
    )
    alpha = result["krippendorff"]
    f1 = {tuple(pair["annotators"]): pair["object_f1"]["value"] for pair in result["pairs"]}
    print(len(f1), "pairs, F1", np.quantile(list(f1.values()), [0, 0.25, 0.5, 0.75, 1]).round(3))
    print(json.dumps(alpha), json.dumps(result["ceiling"]), result["disagreement_counts"])
    assert set(f1) == set(combinations(sorted(ratings), 2))
    assert alpha["annotators"] == 18
    assert alpha["count"]["reason"] == "one image: alpha is not defined"
    regions = alpha["regions"]
    assert 0.3 < regions["presence"]["value"] < 1 and regions["presence"]["low"] is None
    assert result["verdict"] == "inconclusive"
    assert len(result["disagreements"]) == 2  # one group gives a few at most
    assert sum(len(images[key]) for images in ratings.values()) == 105  # and one without any edge
