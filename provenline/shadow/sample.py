"""A probability sample of the compared frames: those on which the two differ densely, the rest thinly.

Every frame has a known chance above none to be drawn, so that what is found in the sample speaks for all
frames whatever the two detectors say about them. Pure functions of a label-free comparison.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.shadow.params import SampleParams

STRATA = ("differ", "agree", "empty")
COLUMNS = ("frame_id", "media", "time_ms", "group", "stratum", "weight")


@dataclass(frozen=True)
class Stratum:
    """One kind of frames.

    Attributes:
        frames: In the footage.
        drawn: Of those, in the sample.
        probability: With which each of them was drawn; 0 where none was to be.
    """

    frames: int
    drawn: int
    probability: float


def strata(table: pd.DataFrame) -> NDArray[np.str_]:
    """Return each frame's stratum: the two ``differ``, ``agree``, or both find nobody (``empty``).

    Args:
        table: What ``compare.compare_frames`` returned.
    """
    somebody = (table["production"] + table["candidate"]).to_numpy() > 0
    return np.where(table["disagrees"].to_numpy(bool), "differ", np.where(somebody, "agree", "empty"))


def sizes(table: pd.DataFrame, random: int, params: SampleParams) -> dict[str, int]:
    """Return how many frames of each stratum are as good as a simple random sample of ``random`` frames.

    What both say alike is right or wrong for both and adds nothing to the difference between them, so
    that a random sample knows as much as the disagreements in it: their share of ``random`` frames,
    drawn among the disagreements alone. The rest is for the denominators, and for what the comparison
    of boxes took for the same.

    Args:
        table: What ``compare.compare_frames`` returned.
        random: Frames that a simple random sample would take (``plan.Plan.frames``).
        params: Shares of the rest.
    """
    here = dict(zip(*np.unique(strata(table), return_counts=True), strict=True))
    differ = random * params.grow * float(table["disagrees"].mean())
    wanted = {"differ": differ, "agree": params.agree * differ, "empty": params.empty * differ}
    return {name: min(int(here.get(name, 0)), math.ceil(wanted[name])) for name in STRATA}


def draw(table: pd.DataFrame, wanted: dict[str, int], seed: int) -> pd.DataFrame:
    """Draw the sample.

    Within each group the frames of a stratum are put into a random order and given the places
    ``(rank + u) / n``, with one ``u`` in [0, 1) per group; what lies below the stratum's probability
    is drawn. A place is uniform in [0, 1), so the probability is exact; each group gives its share up
    to one frame; and a larger sample holds every frame of a smaller one, so that labels are never lost.
    The number drawn may differ from the number wanted by the rounding in each group; it is fixed
    before the first label.

    Args:
        table: What ``compare.compare_frames`` returned.
        wanted: Stratum -> frames; none are drawn of a stratum where it is 0.
        seed: Of the draw. What is drawn of a group does not depend on the other groups' frames.

    Returns:
        ``COLUMNS``, in a random order that follows from the seed and tells nothing of the strata;
        ``weight`` is 1 / probability.
    """
    kind = strata(table)
    chosen = [np.empty(0, dtype=np.intp)]
    weight = np.zeros(len(table))
    for name in STRATA:
        rows = np.flatnonzero(kind == name)
        if not len(rows) or not wanted.get(name):
            continue
        probability = min(1.0, wanted[name] / len(rows))
        taken = rows[_places(table["group"].to_numpy()[rows], name, seed) < probability]
        weight[taken] = 1 / probability
        chosen.append(taken)
    found = np.sort(np.concatenate(chosen))
    ids = table["frame_id"].to_numpy()
    found = np.array(sorted(found, key=lambda row: _rank(str(ids[row]), seed)), dtype=np.intp)
    sample = table.iloc[found].assign(stratum=kind[found], weight=weight[found])
    return sample[list(COLUMNS)].reset_index(drop=True)


def _places(groups: NDArray[np.object_], stratum: str, seed: int) -> NDArray[np.float64]:
    places = np.zeros(len(groups))
    for group in sorted(set(groups)):
        mine = np.flatnonzero(groups == group)
        key = zlib.crc32(f"{stratum}/{group}".encode())
        generator = np.random.default_rng([seed, key])
        places[mine] = (generator.permutation(len(mine)) + generator.random()) / len(mine)
    return places


def _rank(frame_id: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{frame_id}".encode()).digest()


def summarise(table: pd.DataFrame, sample: pd.DataFrame, wanted: dict[str, int]) -> dict[str, Any]:
    """Return the design: ``frames`` drawn, ``of`` all, and under ``strata`` each as ``Stratum``."""
    kind = strata(table)
    parts = {}
    for name in STRATA:
        here, drawn = int((kind == name).sum()), int((sample["stratum"] == name).sum())
        probability = min(1.0, wanted.get(name, 0) / here) if here else 0.0
        parts[name] = vars(Stratum(here, drawn, round(probability, 6)))
    return {"frames": len(sample), "of": len(table), "strata": parts}
