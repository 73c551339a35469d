"""Frames that were labelled in monthly rounds: what a round's folder holds, and the round's name.

They are chosen because a model finds them hard, so they train and never judge: all of a round's groups are
in the ledger as ``train``, and none of them counts as deployment footage any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from provenline.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"v\d+(\.\d+)*")
FRAMES, BOXES = "frames.parquet", "boxes.parquet"


class Taken(NamedTuple):
    """What rounds have brought.

    Attributes:
        frames: FRAMES, ``plan`` is ``round``; the pictures lie in the rounds' folders.
        boxes: BOXES, labels mapped as the development's are.
        groups: Of the footage that they are from.
    """

    frames: pd.DataFrame
    boxes: pd.DataFrame
    groups: frozenset[str]


def following(name: str) -> str:
    """Return the name of the round after this one.

    >>> following("v0"), following("v0.9"), following("v1.2.3")
    ('v0.1', 'v0.10', 'v1.2.4')
    """
    first, *rest = _numbers(name)
    return ".".join([f"v{first}", *map(str, [*rest[:-1], rest[-1] + 1] if rest else [1])])


def _numbers(name: str) -> list[int]:
    if not NAME.fullmatch(name):
        raise InputError(f"'{name}' is no name of a round", mend="It is v0, v0.1, v0.2, ...")
    return [int(part) for part in name[1:].split(".")]


def counting(names: Iterable[str], upto: str) -> list[str]:
    """Return those of some names that are rounds up to one, in their order.

    >>> counting(["v0.10", "v0.2", "v0.11", "other"], "v0.10")
    ['v0.2', 'v0.10']
    """
    rounds = (name for name in names if NAME.fullmatch(name))
    return sorted((name for name in rounds if _numbers(name) <= _numbers(upto)), key=_numbers)


def judge_nothing(groups: int) -> str:
    """Say that so many groups of deployment footage have taught."""
    return f"{groups} groups of deployment footage were labelled in rounds and judge nothing: add new footage"


def read(folder: Path | None, upto: str) -> Taken:
    """Read what the rounds up to one have brought.

    Args:
        folder: With a sub-folder per round; None where there was no round yet.
        upto: The last round that counts; later ones are passed over, so that an earlier state can be
            had again.

    Raises:
        InputError: The folder, that round or a table is missing, or two rounds hold the same frame.
    """
    import pandas as pd

    from provenline import tables

    both = ((FRAMES, tables.FRAMES), (BOXES, tables.BOXES))
    names: list[str] = []
    if folder is not None:
        if not folder.is_dir():
            raise InputError("folder is missing", file=folder, mend="Run `dvc pull`")
        names = counting((path.name for path in folder.iterdir() if path.is_dir()), upto)
        if upto not in names:
            raise InputError(
                f"does not hold round {upto}", file=folder, mend="Run `dvc pull` or `dvc checkout`"
            )
    parts = [
        [tables.read(Path(folder or "") / name / file, schema) for name in names] for file, schema in both
    ]
    frames, boxes = (
        pd.concat(part, ignore_index=True) if part else tables.table([], schema)
        for part, (_, schema) in zip(parts, both, strict=True)
    )
    _refuse_twice(frames, folder)
    return Taken(frames, boxes, frozenset(frames["group"]))


def files(folder: Path | None, upto: str) -> list[Path]:
    """Return the tables of frames that ``read`` reads."""
    names = [] if folder is None else counting((path.name for path in folder.iterdir()), upto)
    return [Path(folder or "") / name / FRAMES for name in names]


def _refuse_twice(frames: pd.DataFrame, folder: Path | None) -> None:
    twice = frames[frames["frame_id"].duplicated()]
    if len(twice):
        what = f"frame {twice['frame_id'].iloc[0]} was labelled in two rounds"
        raise InputError(what, file=folder, mend="Remove the folder of one of them")


def joined(frames: pd.DataFrame, boxes: pd.DataFrame, taken: Taken) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return development's tables with what rounds have brought.

    Raises:
        InputError: A round holds a frame of the development footage.
    """
    import pandas as pd

    both = sorted(set(frames["frame_id"]) & set(taken.frames["frame_id"]))
    if both:
        what = f"frame {both[0]} of the development footage was labelled in a round too"
        raise InputError(what, mend="Take its recording out of one of the two")
    if taken.frames.empty:
        return frames, boxes
    together = (pd.concat(pair, ignore_index=True) for pair in ((frames, taken.frames), (boxes, taken.boxes)))
    return next(together), next(together)
