from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provenline.simline.params import AnnotatorParams, FootageParams, SimlineParams
from provenline.simline.simulate import simulate

ERRORS: dict[str, Any] = {
    "jitter": 0.02, "tightness": 0.0, "miss_operator": 0.01, "miss_hands_only": 0.05, "miss_passer_by": 0.05,
    "miss_mannequin": 0.05, "mannequin_as_person": 0.05, "invented": 0.003, "attribute_slip": 0.05,
}  # fmt: skip


def footage(**changes: Any) -> FootageParams:
    values: dict[str, Any] = {
        "videos": (1, 1, 1), "seconds": (6.0, 6.5), "lead_in_s": (1.0, 2.0), "lead_out_s": (0.5, 1.0),
        "break_share": 0.3, "mannequin_share": 0.5, "passers_by": 10.0, "photos": 1, "width": 320,
        "height": 180,
        "fps": 10, "crf": 28,
    }  # fmt: skip
    return FootageParams(**{**values, **changes})


def annotator(**changes: float) -> AnnotatorParams:
    return AnnotatorParams(**{**ERRORS, **changes})


def line(**changes: Any) -> SimlineParams:
    values: dict[str, Any] = {
        "seed": 5, "workers": 1, "development": footage(), "deployment": footage(photos=0),
        "label_period_s": 0.5,
        "overlap_frames": 12, "annotator_a": annotator(), "annotator_b": annotator(), "min_visible": 0.01,
        "min_pixels": 60,
    }  # fmt: skip
    return SimlineParams(**{**values, **changes})


@pytest.fixture(scope="session")
def development(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("simline") / "development"
    return folder, simulate("development", line(), folder)
