"""A size is written in one way, and nothing else is one."""

from __future__ import annotations

import pytest

from provenline.detectors.size import Size, parse
from tests.detectors.conftest import model_params


@pytest.mark.parametrize(("written", "size"), [(32, (32, 32)), (640, (640, 640)), ([384, 640], (384, 640))])
def test_what_is_written_is_what_is_read(written, size):
    assert parse(written) == size and parse(written).plain == written
    assert parse(parse(written)) == size


def test_a_rectangle_its_quarter_turn_and_the_square_differ():
    texts = {(str(parse(one)), str(parse(one).plain)) for one in (640, 384, [384, 640], [640, 384])}
    assert len({text for text, _ in texts}) == len({plain for _, plain in texts}) == 4


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -32, 100, 640.0, "640", "[384, 640]", {}, [], [640], [384, 640, 3], [384, "640"],
        [384, 100], [384, 640.0], [384, None], [[384], [640]], [True, 640], [640, 640], (384, 640),
    ],
)  # fmt: skip
def test_nothing_else_is_a_size(value, tmp_path):
    with pytest.raises(ValueError, match="not a positive multiple of 32, or"):
        parse(value)
    with pytest.raises(ValueError, match=r"imgsz\n.*not a positive multiple of 32, or"):
        model_params(tmp_path / "none.pt", imgsz=value)


def test_the_parameters_of_a_model_hold_a_size(tmp_path):
    assert model_params(tmp_path / "none.pt", imgsz=[384, 640]).imgsz == Size(height=384, width=640)
    assert model_params(tmp_path / "none.pt", imgsz=640).imgsz == Size(640, 640)
