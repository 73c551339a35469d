"""Class floors: how many objects of each class val and test need, and how new units are exchanged for it.

A class with three validation objects measures nothing. Which units change sides is a small integer
programme, solved exactly: as many floors met as can be, with as few units moved as can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from provenline.splits.params import SPLITS, SplitParams

JUDGED = ("val", "test")
_NODES = 20_000  # of the search tree: a limit in seconds would make the result depend on the machine

Counts = NDArray[np.int64]


def objects_of(truth: pd.DataFrame, names: pd.Series, classes: Sequence[str]) -> pd.DataFrame:
    """Return the objects per class (columns) that each name (index) holds.

    Args:
        truth: Boxes that count, with columns frame_id and label.
        names: What each frame belongs to (its unit, its split), by frame id.
        classes: The labels.
    """
    rows = truth[truth["label"].isin(classes)]
    table = pd.crosstab(rows["frame_id"].map(names).to_numpy(), rows["label"].to_numpy())
    return table.reindex(index=sorted(set(names)), columns=list(classes), fill_value=0)


def rebalance(
    units: pd.DataFrame,
    split: Mapping[str, str],
    held: Mapping[str, str],
    objects: pd.DataFrame,
    params: SplitParams,
) -> dict[str, str]:
    """Exchange new units between the splits where that meets more class floors.

    Every split, and every split within every category, keeps its number of units to within one; none
    is emptied; what the ledger holds stays; no class has less than before in any split, up to its
    floor (in train too: a class that leaves train cannot be learnt). Where the floors are met already
    nothing moves.

    Args:
        units: Columns unit and category, sorted by unit.
        split: The assignment so far, by unit.
        held: The units that the ledger decides.
        objects: Objects per class (columns) by unit (index).
        params: ``class_floor`` and shares.

    Returns:
        The assignment, by unit.
    """
    problem = _Problem.of(units, split, held, objects, params)
    if not problem.unmet or not problem.new.any():
        return dict(split)
    sides = problem.solve()
    return {unit: SPLITS[side] for unit, side in zip(units["unit"], sides.tolist(), strict=True)}


def measure(
    by_split: pd.DataFrame, by_unit: pd.DataFrame, held: Mapping[str, str], params: SplitParams
) -> list[dict[str, Any]]:
    """Return what val and test hold of each class against the floor, JSON-able.

    Args:
        by_split: Objects per class (columns) by split (index).
        by_unit: Likewise by unit.
        held: The units that the ledger decides.
        params: ``class_floor`` and shares; a split without a share is left out.

    Returns:
        Per class and split ``class``, ``split``, ``objects``, ``floor``, ``met`` and ``reason`` (why it
        is not met; null where it is).
    """
    counts = by_split.reindex(SPLITS, fill_value=0)
    rows = []
    for label in by_split.columns:
        for split in (one for one in JUDGED if params.shares.of(one)):
            found = int(counts[label][split])
            reason = None if found >= params.class_floor else _reason(by_unit, label, held, params)
            row = {"class": label, "split": split, "objects": found, "floor": params.class_floor}
            rows.append({**row, "met": reason is None, "reason": reason})
    return rows


def _reason(by_unit: pd.DataFrame, label: str, held: Mapping[str, str], params: SplitParams) -> str:
    total, holders = int(by_unit[label].sum()), int((by_unit[label] > 0).sum())
    wanted = [split for split in SPLITS if params.shares.of(split)]
    if not total:
        return "no frame shows an object of this class"
    if total < params.class_floor * len(wanted) or holders < len(wanted):
        return f"{total} objects in {holders} units are too few for {', '.join(wanted)}"
    if params.unit == "frame":
        return "single frames were placed at random"
    if len(held) == len(by_unit):
        return "every unit is in the ledger, and what was accepted stays"
    stays = f" ({len(held)} of {len(by_unit)} units are in the ledger and stay)" if held else ""
    return f"no exchange of new units that keeps shares and categories to within one unit meets it{stays}"


@dataclass
class _Problem:
    """Units by row number, splits by their place in ``SPLITS``."""

    side: Counts  # (units,) the assignment so far
    new: NDArray[np.bool_]  # (units,)
    strata: list[NDArray[np.bool_]]  # (units,) each: all units, then those of each category
    objects: Counts  # (units, classes), no more than the floor, which is all that counts
    have: Counts  # (classes, splits), likewise
    floor: int
    allowed: NDArray[np.bool_]  # (splits,)

    @classmethod
    def of(
        cls,
        units: pd.DataFrame,
        split: Mapping[str, str],
        held: Mapping[str, str],
        objects: pd.DataFrame,
        params: SplitParams,
    ) -> _Problem:
        side = np.array([SPLITS.index(split[unit]) for unit in units["unit"]])
        category = units["category"].to_numpy()
        capped = np.minimum(objects.reindex(units["unit"]).to_numpy(np.int64), params.class_floor)
        sums = np.stack([capped[side == s].sum(axis=0) for s in range(len(SPLITS))], axis=1)
        return cls(
            side=side,
            new=~units["unit"].isin(list(held)).to_numpy(),
            strata=[np.full(len(units), True), *(category == one for one in np.unique(category))],
            objects=capped,
            have=np.minimum(sums, params.class_floor),
            floor=params.class_floor,
            allowed=np.array([params.shares.of(one) > 0 for one in SPLITS]),
        )

    @property
    def unmet(self) -> list[tuple[int, int]]:
        """Class and split of every floor that is not met."""
        judged = [s for s, name in enumerate(SPLITS) if name in JUDGED and self.allowed[s]]
        return [(c, s) for c in range(len(self.have)) for s in judged if self.have[c, s] < self.floor]

    def solve(self) -> Counts:
        """Return the sides after the exchange; method: branch and bound (HiGHS, in SciPy).

        One variable per new unit and split (1: it lies there), then one per unmet floor (1: met).
        """
        from scipy import sparse
        from scipy.optimize import Bounds, LinearConstraint, milp

        moving, unmet = np.flatnonzero(self.new), self.unmet
        n, splits = len(moving), len(SPLITS)
        rows, low, high = self._counts()
        more, floors = self._floors()
        matrix = sparse.vstack(
            [
                sparse.hstack([sparse.kron(sparse.eye(n), np.ones((1, splits))), np.zeros((n, len(unmet)))]),
                sparse.hstack([sparse.csr_matrix(rows), sparse.csr_matrix((len(rows), len(unmet)))]),
                sparse.csr_matrix(more),
            ]
        )
        bounds = LinearConstraint(
            matrix,
            np.concatenate([np.ones(n), low, floors]),
            np.concatenate([np.ones(n), high, np.full(len(floors), np.inf)]),
        )
        stays = -np.eye(splits)[self.side[moving]].ravel()
        result = milp(
            # One floor more is worth moving every unit; among equals the fewest units move.
            np.concatenate([stays, np.full(len(unmet), -(n + 1.0))]),
            integrality=np.ones(n * splits + len(unmet)),
            bounds=Bounds(0, np.concatenate([np.tile(self.allowed, n), np.ones(len(unmet))])),
            constraints=bounds,
            options={"mip_rel_gap": 0, "node_limit": _NODES},
        )
        sides = self.side.copy()
        if result.x is not None:
            sides[moving] = result.x[: n * splits].reshape(n, splits).argmax(axis=1)
        return sides

    def _counts(self) -> tuple[NDArray[np.float64], list[float], list[float]]:
        """Rows that keep the number of units per split, overall and per category, to within one."""
        rows, low, high = [], [], []
        for number, members in enumerate(self.strata):
            for s in range(len(SPLITS)):
                now = int((members & (self.side == s)).sum())
                fixed = int((members & ~self.new & (self.side == s)).sum())
                least = max(now - 1, min(now, 1)) if number == 0 else now - 1
                rows.append(np.kron(members[self.new].astype(float), np.eye(len(SPLITS))[s]))
                low.append(float(least - fixed))
                high.append(float(now + 1 - fixed))
        return np.array(rows), low, high

    def _floors(self) -> tuple[NDArray[np.float64], list[float]]:
        """Rows that keep what each split has of each class, and those of the floors to be met."""
        rows, low = [], []
        unmet, splits = self.unmet, np.eye(len(SPLITS))
        wanted = [(c, s, int(self.have[c, s]), -1) for c, s in np.ndindex(*self.have.shape)]
        wanted += [(c, s, 0, number) for number, (c, s) in enumerate(unmet)]
        for c, s, least, number in wanted:
            fixed = self.objects[~self.new & (self.side == s), c].sum()
            met = np.zeros(len(unmet))
            if number >= 0:
                met[number] = -self.floor
            rows.append(np.concatenate([np.kron(self.objects[self.new, c], splits[s]), met]))
            low.append(float(least - fixed))
        return np.array(rows), low
