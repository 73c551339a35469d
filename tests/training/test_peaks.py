"""The best epoch by each metric outlives training, whatever the fitness prefers."""

from __future__ import annotations

from typing import Any

import pytest

from provenline.files import read_json, sha256_file
from provenline.training.peaks import sentences
from provenline.training.watching import Watcher
from tests.training.conftest import params

# What the validation is made to say: recall peaks in epoch 1, mAP50 in 2, and the fitness in 3 of 4.
SAID = {
    "metrics/recall(B)": [0.9, 0.5, 0.6, 0.2],
    "metrics/mAP50(B)": [0.1, 0.895, 0.872, 0.3],
    "metrics/mAP50-95(B)": [0.1, 0.2, 0.5, 0.3],
}
FITNESS = [0.1, 0.2, 0.5, 0.3]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Watcher._saved

    def saved(self: Watcher, trainer: Any) -> None:
        trainer.metrics.update({name: values[trainer.epoch] for name, values in SAID.items()})
        trainer.fitness = FITNESS[trainer.epoch]
        real(self, trainer)

    monkeypatch.setattr(Watcher, "_saved", saved)


def weights(checkpoint: Any) -> dict[str, Any]:
    from ultralytics.nn.tasks import load_checkpoint

    return {name: value.half() for name, value in load_checkpoint(str(checkpoint))[0].state_dict().items()}


@pytest.mark.usefixtures("played")
def test_each_peak_is_kept_once_with_its_numbers(work):
    result = work.train(params(4))
    assert result["best_epoch"] == 3 and result["chosen_by"] == "fitness"
    assert work.kept() == [f"epoch_0000{epoch}" for epoch in (1, 2, 3, 4)]
    names = ["epoch_0001.recall.pt", "epoch_0002.mAP50.pt", "epoch_0003.mAP50_95.pt"]
    assert sorted(path.name for path in work.peaks.iterdir()) == [*names, "peaks.json"]
    assert read_json(work.peaks / "peaks.json") == result["peaks"]
    for peak, name in zip(result["peaks"], names, strict=True):
        file, epoch = work.peaks / name, peak["epoch"]
        assert peak["file"] == name and peak["sha256"] == sha256_file(file)
        assert peak["mAP50"] == SAID["metrics/mAP50(B)"][epoch - 1] and peak["fitness"] == FITNESS[epoch - 1]
        own, kept = weights(file), weights(work.state / "kept" / f"epoch_{epoch:05d}" / "last.pt")
        assert own.keys() == kept.keys() and all(bool((own[key] == kept[key]).all()) for key in own)
        assert file.stat().st_size < 7e6
    assert len({peak["sha256"] for peak in result["peaks"]}) == 3
    assert result["peaks"][2]["sha256"] == result["sha256"] == sha256_file(work.out)
    assert sentences(result) == [
        "recall peaked at epoch 1 (0.900), the chosen epoch 3 has 0.600: kept as epoch_0001.recall.pt",
        "mAP50 peaked at epoch 2 (0.895), the chosen epoch 3 has 0.872: kept as epoch_0002.mAP50.pt",
    ]


@pytest.mark.usefixtures("played")
def test_another_metric_may_choose_and_more_may_be_kept(work):
    keep = {"metrics": ["mAP50", "recall"], "top": 2, "choose": "mAP50"}
    result = work.train(params(4, keep=keep))
    assert result["best_epoch"] == 2
    assert [(peak["epoch"], peak["best_by"]) for peak in result["peaks"]] == [
        (1, {"recall": 1}),
        (2, {"mAP50": 1}),
        (3, {"mAP50": 2, "recall": 2}),
    ]
    assert result["sha256"] == sha256_file(work.peaks / "epoch_0002.mAP50.pt")
