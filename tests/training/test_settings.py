from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from provenline.training import settings
from provenline.training.params import Augment, Recipe, TrainParams
from tests.training.conftest import params

ROOT = Path(__file__).parents[2]
TYPED = dict.fromkeys((*Recipe.model_fields, *Augment.model_fields), "here")


def found(task: str = "detect", **extra: object) -> list[str]:
    return settings.faults(extra, task, TYPED)


@pytest.mark.parametrize(
    "extra",
    [
        {"iou": 0.7},
        {"multi_scale": 0.2, "cls_pw": 1, "bgr": 0.5, "cutmix": 0.1},
        {"warmup_bias_lr": 0.05, "warmup_momentum": 0.8},
        {"max_det": 100.0, "conf": None, "agnostic_nms": True},
        {"cls_remap": False},
    ],
)
def test_what_acts_in_training_is_let_through(extra):
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.cfg import get_cfg

    assert found(**extra) == []
    get_cfg(overrides=dict(extra))  # ultralytics accepts it, too


@pytest.mark.parametrize(
    "extra, fault",
    [
        ({"fliplr": 0.5}, "fliplr: set here"),
        ({"optimizer": "auto"}, "optimizer: set here"),
        ({"time": 1.0}, "time: it overrides epochs; set train.recipe.epochs"),
        ({"data": "coco8.yaml"}, "data: the line sets it itself"),
        ({"save_dir": "/tmp"}, "save_dir: the line sets it itself"),
        ({"pretrained": "yolov8n.pt"}, "pretrained: it loads weights that nobody checked; set model.weights"),
        ({"rect": True}, "rect: it switches mosaics and shuffling off in silence"),
        ({"opset": 17}, "opset: it does nothing when a model for detect is trained"),
        ({"mask_ratio": 4}, "mask_ratio: it does nothing when a model for detect is trained"),
        (
            {"warmup_moment": 0.8},
            "warmup_moment: ultralytics has no such setting; near: warmup_momentum, warmup_epochs",
        ),
        ({"label_smoothing": 0.1}, "label_smoothing: ultralytics has no such setting"),
        ({"multi_scale": 1.5}, "multi_scale: 1.5 is not a number from 0 to 1"),
        ({"bgr": True}, "bgr: True is not a number from 0 to 1"),
        ({"iou": None}, "iou: None is not a number from 0 to 1"),
        ({"max_det": 2.5}, "max_det: 2.5 is not a whole number from 1"),
        ({"max_det": 0}, "max_det: 0 is not a whole number from 1"),
        ({"agnostic_nms": 1}, "agnostic_nms: 1 is not true or false"),
    ],
)
def test_what_is_refused_says_why_in_one_line(extra, fault):
    assert found(**extra) == [fault]


def test_settings_of_outlines():
    assert found("segment", overlap_mask=True, mask_ratio=4, copy_paste_mode="mixup") == []
    assert found("segment", copy_paste_mode="paste") == ["copy_paste_mode: 'paste' is not one of flip, mixup"]
    assert found("segment", mask_ratio=0) == ["mask_ratio: 0 is not a whole number from 1"]


def test_every_setting_of_ultralytics_has_one_place():
    from provenline.detectors.quiet import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.cfg import CFG_FLOAT_KEYS, CFG_FRACTION_KEYS, CFG_INT_KEYS, CFG_INT_MIN
    from ultralytics.utils import DEFAULT_CFG_DICT

    known = settings.known_settings()
    assert known is not None
    assert known.defaults == DEFAULT_CFG_DICT
    assert known.kinds["FLOAT"] == CFG_FLOAT_KEYS and known.kinds["FRACTION"] == CFG_FRACTION_KEYS
    assert known.kinds["INT"] == CFG_INT_KEYS and known.least == CFG_INT_MIN
    places = [settings._OWNED.keys(), settings._IDLE, settings._ONLY_SEGMENT]
    assert sum(map(len, places)) == len(set().union(*places))
    passed = known.defaults.keys() - set().union(*places) - TYPED.keys()
    assert passed == {
        "warmup_momentum", "warmup_bias_lr", "cls_pw", "cls_remap", "multi_scale", "bgr", "cutmix", "iou",
        "conf", "max_det", "agnostic_nms",
    }  # fmt: skip
    # What it renamed or dropped is none of its settings any more.
    assert set().union(*places) - known.defaults.keys() <= {"save_dir", "augmentations"}


def test_where_ultralytics_is_missing_names_wait_for_training(monkeypatch):
    monkeypatch.setattr(settings, "known_settings", lambda: None)
    assert found(warmup_moment=0.8) == []
    assert found(time=1.0) == ["time: it overrides epochs; set train.recipe.epochs"]


def test_parameters_with_a_wrong_setting_are_no_parameters():
    value = params().model_dump()
    value["recipe"]["extra"] = {"iou": 7, "data": "x"}
    with pytest.raises(ValueError, match="data: the line sets it itself; iou: 7 is not a number from 0 to 1"):
        TrainParams.model_validate(value)
    value["recipe"]["extra"] = {"iou": 0.6}
    asked = TrainParams.model_validate(value).hyperparameters()
    assert asked["iou"] == 0.6 and asked["lr0"] == 0.01 and asked["mosaic"] == 0.5
    assert not {"task", "extra"} & asked.keys()


def test_parameters_are_checked_without_importing_ultralytics():
    code = (
        "import sys; from provenline.training.settings import faults\n"
        "assert faults({'lr_zero': 1}, 'detect', {}) != []\n"
        "assert not {'torch', 'ultralytics'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
