from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from provenline import tables
from provenline.errors import InputError
from provenline.footage.anonymise import FLOOR, regions
from provenline.shadow.ab import shadow_ab
from provenline.shadow.mine import choose
from provenline.shadow.params import ROLES
from tests.shadow import world
from tests.shadow.world import GREEN, HEIGHT, RED, WIDTH, ColourDetector, comparison, scene


def test_groups_take_turns_so_that_no_clip_fills_the_gallery() -> None:
    table = comparison({"a": [1] * 20, "b": [0, 1, 1], "c": [0] * 5, "d": [1]})
    chosen = choose(table, 6)
    assert list(chosen["group"]) == ["a", "b", "d", "a", "b", "a"]
    assert list(chosen["rank"]) == [1, 2, 3, 4, 5, 6]
    assert chosen["disagrees"].all()
    assert choose(table, 0).empty and len(choose(table, 999)) == 23


def test_the_gravest_come_first_within_a_group() -> None:
    table = comparison({"a": [1, 1, 1, 1]})
    table.loc[1, "kind"] = "presence"
    table.loc[2, ["kind", "only_candidate"]] = ["only_candidate", 3]
    table.loc[3, "kind"] = "shifted"
    assert list(choose(table, 4)["time_ms"]) == [1000, 2000, 0, 3000]


def test_the_gallery_shows_nobody_whom_a_detector_found(tmp_path: Path) -> None:
    clip = world.video(tmp_path / "a.mp4", [scene(10, 60), scene(None, 30), scene(12, None)])
    cv2.imwrite(str(tmp_path / "p.png"), scene(10, 60))
    media = [world.media(clip, "a"), world.media(tmp_path / "p.png", "p")]
    engines = ColourDetector({RED: 0.9}), ColourDetector({RED: 0.1, GREEN: 0.8}, fingerprint="b" * 64)
    for mode in ("none", "persons"):
        result = shadow_ab(
            media, *engines, world.params(), world.privacy(mode), world.reading(), tmp_path / mode
        )
        assert result.metrics["anonymise"] == mode
    pictures = sorted((tmp_path / "none/frames").iterdir())
    assert len(pictures) >= 3
    found = [tables.read(tmp_path / f"none/{name}.parquet", tables.PREDICTIONS) for name in ROLES]
    for path in pictures:
        plain, blurred = (
            cv2.imread(str(one)).astype(int) for one in (path, tmp_path / "persons/frames" / path.name)
        )
        boxes = np.vstack(
            [one.loc[(one["frame_id"] == path.stem) & (one["score"] >= FLOOR), tables.BOX] for one in found]
        )
        inside = np.zeros((HEIGHT, WIDTH), dtype=bool)
        for x1, y1, x2, y2 in regions(boxes, HEIGHT, WIDTH, "persons"):
            inside[y1:y2, x1:x2] = True
            assert np.abs(plain - blurred)[y1:y2, x1:x2].mean() > 10
        away = cv2.dilate(inside.astype(np.uint8), np.ones((17, 17))) == 0  # JPEG's blocks reach over edges
        assert np.abs(plain - blurred)[away].mean() < 1


def test_people_that_the_engines_call_otherwise_are_refused(tmp_path: Path) -> None:
    media = [world.media(world.video(tmp_path / "a.mp4", [scene(10, 60)]), "a")]
    engines = ColourDetector({RED: 0.9}), ColourDetector({GREEN: 0.8}, fingerprint="b" * 64)
    privacy = world.privacy("faces").model_copy(update={"people": ("worker",)})
    with pytest.raises(InputError, match="nobody would be blurred"):
        shadow_ab(media, *engines, world.params(), privacy, world.reading(), tmp_path / "shadow")
    assert not (tmp_path / "shadow").exists()
