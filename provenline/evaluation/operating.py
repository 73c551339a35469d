"""The operating point: from which score on a detection counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from provenline.evaluation.matching import Matches, match


def best_threshold(
    truth: pd.DataFrame, predictions: pd.DataFrame, labels: Sequence[str], iou: float
) -> float | None:
    """Return the score threshold with the largest F1, all labels together; of equal ones the highest.

    Choose it on validation frames and apply it elsewhere (``score >= threshold``).

    Args:
        truth: Boxes that count (see ``tables.truth``), of the frames that are looked at.
        predictions: Of one model, of the same frames.
        labels: Labels that are looked at.
        iou: Intersection over union at which an object counts as found.

    Returns:
        None where no detection finds anything.
    """
    frame_ids = sorted(set(truth["frame_id"]) | set(predictions["frame_id"]))
    return best_score(match(frame_ids, truth, predictions, labels, [iou]), iou)


def best_score(matches: Matches, iou: float) -> float | None:
    """Return what ``best_threshold`` returns, from match records."""
    order = np.argsort(-matches.score, kind="stable")
    score = matches.score[order]
    hits = np.cumsum(matches.truth[matches.at(iou)][order] >= 0)
    if not len(hits) or not hits[-1]:
        return None
    # A threshold takes all detections of one score or none: judge at the last of each.
    last = np.flatnonzero(np.append(score[1:] != score[:-1], True))
    f1 = 2 * hits[last] / (last + 1 + len(matches.truth_frame))
    return float(score[last[np.argmax(f1)]])
