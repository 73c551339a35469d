from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import pandas as pd
import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.footage.manifest import EPOCH
from provenline.footage.media import Media
from provenline.shadow.ab import shadow_ab
from tests.shadow import world
from tests.shadow.world import GREEN, RED, ColourDetector, UntouchedDetector, scene, side_by_side


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> list[Media]:
    """Three videos of three seconds and a photo; the green square is what the two differ on."""
    root = tmp_path_factory.mktemp("footage")
    scenes = {
        "a": [scene(10, None), scene(12, 60), scene(14, None)],
        "b": [scene(None, 60), scene(None, None), scene(20, 60)],
        "c": [scene(10, None)] * 3,
    }
    media = [
        world.media(world.video(root / f"{name}.mp4", drawn), name, category=f"operation {name}")
        for name, drawn in scenes.items()
    ]
    cv2.imwrite(str(root / "p.png"), scene(10, 60))
    return [*media, world.media(root / "p.png", "p", camera="c2")]


def pair() -> tuple[ColourDetector, ColourDetector]:
    return ColourDetector({RED: 0.9}), ColourDetector({RED: 0.9, GREEN: 0.8}, fingerprint="b" * 64)


def test_both_see_the_same_frames_and_differ_where_they_must(footage: list[Media], tmp_path: Path) -> None:
    production, candidate = pair()
    result = shadow_ab(
        footage, production, candidate, world.params(), world.privacy(), world.reading(), tmp_path / "shadow"
    )
    overall = result.metrics["comparison"]["overall"]
    assert result.metrics["footage"] | {"set_aside_media": None} == {
        "media": 4,
        "set_aside": 0,
        "set_aside_media": None,
        "frames": 10,
        "groups": 4,
        "period_s": 1.0,
    }
    assert (overall["production"], overall["candidate"], overall["both"]) == (8, 12, 8)
    assert (overall["only_production"], overall["only_candidate"]) == (0, 4)
    assert (overall["disagreeing_frames"], overall["presence_frames"]) == (4, 1)
    assert production.batches == candidate.batches
    assert max(production.batches) <= 2 and sum(production.batches) == 10
    by_camera = {part["name"]: part["only_candidate"] for part in result.metrics["comparison"]["by_camera"]}
    assert by_camera == {"c1": 3, "c2": 1}
    json.dumps(result.metrics, allow_nan=False)
    json.dumps(result.timing, allow_nan=False)
    assert result.media == {one.name: hashlib.sha256(one.file.read_bytes()).hexdigest() for one in footage}


def test_the_folder_holds_what_the_metrics_say(footage: list[Media], tmp_path: Path) -> None:
    out = tmp_path / "shadow"
    result = shadow_ab(footage, *pair(), world.params(), world.privacy(), world.reading(), out)
    frames = tables.read(out / "frames.parquet", tables.FRAMES)
    found = {
        name: tables.read(out / f"{name}.parquet", tables.PREDICTIONS) for name in ("production", "candidate")
    }
    assert len(frames) == 10 and not frames["annotated"].any()
    assert {name: set(table["model"]) for name, table in found.items()} == {n: {n} for n in found}
    assert len(pd.read_csv(out / "comparison.csv")) == 10
    index = pd.read_csv(out / "disagreements.csv")
    assert len(index) == result.metrics["gallery"] == 4
    # The one frame on which one sees somebody and the other nobody comes first in its group.
    assert index.loc[index["group"] == "b", "kind"].tolist() == ["presence", "only_candidate"]
    for row in index.itertuples():
        image = cv2.imread(str(out / row.image))
        assert image is not None and (ColourDetector({GREEN: 1.0})._one(image).boxes[:, 0] > 50).all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shadow"]


def test_two_runs_give_the_same_metrics_and_the_same_files(footage: list[Media], tmp_path: Path) -> None:
    from provenline.files import sha256_tree

    one, two = (
        shadow_ab(footage, *pair(), world.params(), world.privacy(), world.reading(), tmp_path / name)
        for name in ("one", "two")
    )
    assert one.metrics == two.metrics
    assert sha256_tree(tmp_path / "one") == sha256_tree(tmp_path / "two")


def test_the_same_model_is_not_run(footage: list[Media], tmp_path: Path) -> None:
    twins = UntouchedDetector("a" * 64), UntouchedDetector("a" * 64)
    result = shadow_ab(footage, *twins, world.params(), world.privacy(), world.reading(), tmp_path / "shadow")
    assert result.metrics["decision"] == "same_model" and result.metrics["comparison"] is None
    assert tables.read(tmp_path / "shadow" / "frames.parquet", tables.FRAMES).empty
    assert pd.read_csv(tmp_path / "shadow" / "disagreements.csv").empty
    json.dumps(result.metrics | result.timing, allow_nan=False)


def test_without_footage_production_stays(tmp_path: Path) -> None:
    result = shadow_ab([], *pair(), world.params(), world.privacy(), world.reading(), tmp_path / "shadow")
    assert result.metrics["decision"] == "hold" and "no deployment footage" in result.metrics["reason"]


def test_a_medium_that_cannot_be_decoded_is_set_aside_and_named(footage: list[Media], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(footage[0].file.read_bytes()[:300])
    bad = [
        world.media(broken, "x"),
        world.media(tmp_path / "gone.mp4", "y"),
        world.media(tmp_path / "no.png", "z"),
    ]
    cut = tmp_path / "cut.png"
    cut.write_bytes(footage[-1].file.read_bytes()[:-20])
    bad.append(world.media(cut, "w"))
    side = side_by_side([*bad, *footage], *pair(), world.params())
    assert [one["media"] for one in side.set_aside] == ["broken.mp4", "gone.mp4", "no.png", "cut.png"]
    assert all(one["media"] in one["why"] for one in side.set_aside)
    assert len(side.frames) == 10 and not set(side.frames["group"]) & {"w", "x", "y", "z"}
    shadow_ab([*bad, *footage], *pair(), world.params(), world.privacy(), world.reading(), tmp_path / "whole")


def test_a_hash_that_a_scan_wrote_down_is_taken_while_the_file_is_the_same(
    footage: list[Media], tmp_path: Path
) -> None:
    file = tmp_path / "listed.mp4"
    file.write_bytes(footage[0].file.read_bytes())
    status = file.stat()
    modified = EPOCH + timedelta(microseconds=status.st_mtime_ns // 1000)
    told = {"size": status.st_size, "modified": modified, "sha256": "f" * 64}
    listed = replace(world.media(file, "a"), **told)
    assert set(side_by_side([listed], *pair(), world.params()).frames["media_sha256"]) == {"f" * 64}
    file.write_bytes(file.read_bytes() + b"!")
    with pytest.raises(InputError, match=r"listed\.mp4: 1 of 1 media .*changed since it was listed"):
        side_by_side([listed], *pair(), world.params(tolerance=0.0))


def test_more_bad_media_than_tolerated_stop_the_run(footage: list[Media], tmp_path: Path) -> None:
    bad = [world.media(tmp_path / "gone.mp4", "y"), *footage]
    with pytest.raises(InputError, match=f"gone.mp4: 1 of {len(bad)} media"):
        side_by_side(bad, *pair(), world.params(tolerance=0.1))


def test_a_fault_leaves_the_old_folder_alone(footage: list[Media], tmp_path: Path) -> None:
    out = tmp_path / "shadow"
    shadow_ab(footage, *pair(), world.params(), world.privacy(), world.reading(), out)
    before = sorted(out.rglob("*"))
    with pytest.raises(AssertionError):
        shadow_ab(
            footage,
            pair()[0],
            UntouchedDetector("c" * 64),
            world.params(),
            world.privacy(),
            world.reading(),
            out,
        )
    assert sorted(out.rglob("*")) == before and sorted(tmp_path.iterdir()) == [out]


def test_a_shifted_box_is_the_same_object_in_another_place(footage: list[Media]) -> None:
    from provenline.shadow.compare import compare_frames

    still, moved = ColourDetector({RED: 0.9}), ColourDetector({RED: 0.9}, shift=12, fingerprint="b" * 64)
    side = side_by_side(footage, still, moved, world.params())
    table = compare_frames(side.frames, side.production, side.candidate, world.params())
    assert (table["shifted"].sum(), table["both"].sum(), table["only_candidate"].sum()) == (8, 0, 0)
