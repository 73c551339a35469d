"""A cell's figures against those of `eval`, and the draws that all cells share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from provenline.ablation.measure import scores
from provenline.evaluation.compare import evaluate
from tests.evaluation.world import eval_params, line

METRICS = ("map50", "map", "precision", "recall", "f1")


def placed(frames: pd.DataFrame) -> pd.DataFrame:
    """Put every other group into val, the rest into deployment."""
    place = frames["group"].str[1:].astype(int) % 2
    return frames.assign(split=np.where(place == 0, "val", "deployment"))


@pytest.mark.parametrize("recall", [0.6, 0.9])
def test_figures_are_those_of_eval(recall: float) -> None:
    frames, boxes, found = line(1, 24, recall)
    _, _, base = line(2, 24, 0.5)
    frames, params = placed(frames), eval_params()
    told = evaluate(frames, boxes, {"base": base, "candidate": found}, ["person"], params)["splits"]
    here = scores(frames, boxes, found, ["person"], ("val", "deployment"), METRICS, params)
    assert set(here) == {"val", "deployment"}
    for name, metrics in here.items():
        for metric, one in metrics.items():
            theirs = told[name]["candidate"][metric]
            assert one.estimate == pytest.approx(theirs["estimate"], abs=1e-6)
            assert one.interval(params.interval).to_dict() == theirs


def test_cells_share_their_draws() -> None:
    """So that two cells may be subtracted replicate by replicate, as eval subtracts two models."""
    frames, boxes, one = line(1, 24, 0.9)
    _, _, other = line(2, 24, 0.5)
    frames, params = placed(frames), eval_params()
    told = evaluate(frames, boxes, {"base": other, "candidate": one}, ["person"], params)["splits"]
    cells = [
        scores(frames, boxes, table, ["person"], ("deployment",), METRICS, params) for table in (one, other)
    ]
    for metric in METRICS:
        first, second = (cell["deployment"][metric] for cell in cells)
        assert (first - second).interval(params.interval).to_dict() == told["deployment"]["difference"][
            metric
        ]


def test_a_set_without_frames_is_left_out() -> None:
    frames, boxes, found = line(1, 12, 0.9)
    frames = frames.assign(split="deployment")
    assert set(scores(frames, boxes, found, ["person"], ("val", "deployment"), ["map50"], eval_params())) == {
        "deployment"
    }
