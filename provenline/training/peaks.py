"""Which epochs were the best, and by what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from provenline.training.params import Keep

Scores = Sequence[Mapping[str, float]]  # one per epoch, the first is epoch 1


def ranked(scores: Scores, metric: str) -> list[int]:
    """Return the epochs, from 1, best first. Of equals the later comes first, as in ultralytics.

    >>> ranked([{"recall": 0.2}, {"recall": 0.5}, {"recall": 0.2}], "recall")
    [2, 3, 1]
    """
    epochs = [epoch for epoch, row in enumerate(scores, start=1) if metric in row]
    return sorted(epochs, key=lambda epoch: (scores[epoch - 1][metric], epoch), reverse=True)


def peaks(scores: Scores, keep: Keep, whole: Collection[int] | None = None) -> dict[int, dict[str, int]]:
    """Return epoch -> metric -> rank (from 1), for the best `keep.top` epochs by each watched metric.

    Args:
        scores: Of all epochs.
        keep: What is watched.
        whole: Epochs to choose from, where some are lost.
    """
    found: dict[int, dict[str, int]] = {}
    for metric in keep.metrics:
        there = [epoch for epoch in ranked(scores, metric) if whole is None or epoch in whole]
        for rank, epoch in enumerate(there[: keep.top], start=1):
            found.setdefault(epoch, {})[metric] = rank
    return dict(sorted(found.items()))


def wanted(scores: Scores, keep: Keep) -> set[int]:
    """Return the epochs whose weights must not be lost: the one chosen so far, and the peaks."""
    return {*ranked(scores, keep.choose)[:1], *peaks(scores, keep)}


def sentences(report: Mapping[str, Any]) -> list[str]:
    """Return a line for each metric that was higher in another epoch than in the chosen one.

    Args:
        report: What `fine_tune` or `pass_through` returned.
    """
    rows = {row["epoch"]: row for row in report["history"]}
    best = report["best_epoch"]
    said = []
    for peak in report["peaks"]:
        for metric, rank in peak["best_by"].items():
            top, has = peak[metric], rows[best].get(metric, 0.0)
            if rank == 1 and top > has:
                what = f"{metric} peaked at epoch {peak['epoch']} ({top:.3f}), "
                said.append(f"{what}the chosen epoch {best} has {has:.3f}: kept as {peak['file']}")
    return said
