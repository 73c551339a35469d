"""All that Stage A sees: per frame, per annotated object, per detection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from provenline import tables
from provenline.evaluation.matching import BoolArray, IntArray, match
from provenline.evaluation.params import StageAParams
from provenline.evaluation.slices import annotated
from provenline.evaluation.stage_a_facts import Facts, facts
from provenline.evaluation.stage_a_finds import FALSE, OTHER_LABEL, Finds, finds
from provenline.evaluation.stage_a_misses import People, people

ROWS = ("frame_id", "category", "group", "objects", "missed", "false", "whom", "what")


@dataclass(frozen=True)
class Seen:
    """What was seen in some frames."""

    facts: Facts
    people: People
    finds: Finds

    def of(self, keep: BoolArray) -> Seen:
        """Return what was seen in the frames where ``keep`` (F,) is true."""
        return Seen(self.facts.of(keep), self.people.of(keep), self.finds.of(keep))


def see(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    params: StageAParams,
) -> Seen:
    """Match a detector's predictions with the annotation, and say what each of both is.

    Args:
        frames: Annotated frames, sorted by ``frame_id``.
        boxes: Boxes, all labels.
        predictions: Of one model, down to its score floor.
        labels: Labels that are looked for.
        params: See there.
    """
    others = sorted(set(boxes["label"]) - set(labels))
    truth = tables.truth(frames, boxes, [*labels, *others])
    matches = match(frames["frame_id"].tolist(), truth, predictions, labels, [params.iou])
    return Seen(
        facts(frames, truth, matches, params),
        people(frames, truth, matches, params),
        finds(frames, truth, predictions, matches, others, params),
    )


def frame_rows(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    predictions: pd.DataFrame,
    labels: Sequence[str],
    params: StageAParams,
) -> list[dict[str, Any]]:
    """Return a row per frame: how many were missed and how many finds are false, and which.

    Returns:
        Rows of ``ROWS``, sorted by ``frame_id``; ``whom`` names the failure modes of those who were
        missed, ``what`` the causes of the false finds (or the label that they lie on), each once.
    """
    kept = annotated(frames)
    seen = see(kept, boxes, predictions, labels, params)
    whom = _named(
        len(kept),
        {name: seen.people.frame[has & ~seen.people.found] for name, has in seen.people.modes.items()},
    )
    what = _named(len(kept), _false(seen.finds))
    numbers = zip(seen.facts.objects, seen.facts.objects - seen.facts.found, seen.facts.false, strict=True)
    names = kept[["frame_id", "category", "group"]].itertuples(index=False, name=None)
    return [
        dict(zip(ROWS, (*name, *map(int, number), whom[place], what[place]), strict=True))
        for place, (name, number) in enumerate(zip(names, numbers, strict=True))
    ]


def _false(given: Finds) -> dict[str, IntArray]:
    """Return the frames of the false finds by cause; what lies on another label, by that label."""
    false = np.isin(given.cause.astype(str), FALSE)
    name = np.where(given.cause == OTHER_LABEL, given.about, given.cause)[false].astype(str)
    frame = given.frame[false]
    return {str(one): frame[name == one] for one in np.unique(name)}


def _named(frames: int, places: dict[str, IntArray]) -> list[str]:
    """Return for each frame the names that it is among the places of."""
    found: list[list[str]] = [[] for _ in range(frames)]
    for name, where in places.items():
        for place in np.unique(where).tolist():
            found[place].append(name)
    return ["; ".join(names) for names in found]
