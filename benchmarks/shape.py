"""What a detector loses or gains by an input that is no square: `python -m benchmarks.shape --imgsz 192 320`.

The base of the composed parameters looks at all annotated development frames of the last run, once in the
square of the longer side and once in the rectangle (height and width), with the same weights. Prints AP of
both and their difference, paired, with its interval over groups, and by how much the scores of boxes that
are in both move: whether a threshold may be carried over.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.engine import add_imgsz, imgsz_of, square_around
from provenline import line, tables
from provenline.commands.project import at, section
from provenline.detectors.base import predict_frames
from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.evaluation.compare import evaluate
from provenline.evaluation.params import EvalParams
from provenline.progress import out
from provenline.shadow.compare import assign, each_with_each

ROOT = Path()
SAME = 0.5  # overlap from which on a box is the same in both inputs


def main() -> None:
    """Judge both inputs and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_imgsz(parser)
    imgsz = imgsz_of(parser.parse_args())
    shapes = {"square": square_around(imgsz), "rectangle": imgsz}
    frames = tables.read("data/annotated.parquet", tables.FRAMES)
    frames = frames[frames["annotated"]].reset_index(drop=True)
    model, device = section(ROOT, "model", ModelParams), str(at(ROOT, "profile", "device"))
    said = {
        name: predict_frames(
            open_checkpoint(model.model_copy(update={"imgsz": one}), device), frames, ROOT, line.BATCH
        )
        for name, one in shapes.items()
    }
    boxes, classes = tables.read("data/boxes.parquet", tables.BOXES), tuple(at(ROOT, "usecase", "classes"))
    sides, params = (
        {"base": said["square"], "candidate": said["rectangle"]},
        section(ROOT, "eval", EvalParams),
    )
    found = evaluate(frames.assign(split="test"), boxes, sides, classes, params)["splits"]["test"]
    out.print(f"{model.name}: {len(frames)} frames of {frames['group'].nunique()} groups", highlight=False)
    names = {"base": f"square {tuple(shapes['square'])}", "candidate": f"rectangle {tuple(imgsz)}"}
    for metric in ("map50", "map"):
        for side in ("base", "candidate", "difference"):
            one = found[side][metric]
            ends = f" [{one['low']:+.3f}, {one['high']:+.3f}]" if one["low"] is not None else " (no interval)"
            out.print(
                f"{metric:<6} {names.get(side, side):<24} {one['estimate']:+.3f}{ends}", highlight=False
            )
    moves = moved(said["square"], said["rectangle"], float(at(ROOT, "usecase", "score")))
    if len(moves):
        text = f"median {np.median(moves):.3f}, at most {moves.max():.3f}"
        out.print(f"scores of {len(moves)} boxes that are in both move: {text}", highlight=False)


def moved(square: pd.DataFrame, rectangle: pd.DataFrame, least: float) -> np.ndarray[Any, Any]:
    """Return by how much the score of each box of the square from ``least`` on differs in the rectangle."""
    keys, moves = ["frame_id", "label"], [np.empty(0)]
    others = dict(list(rectangle.groupby(keys)))
    for key, rows in square[square["score"] >= least].groupby(keys):
        if (other := others.get(key)) is None:
            continue
        left, right = assign(
            each_with_each(rows[tables.BOX].to_numpy(float), other[tables.BOX].to_numpy(float)), SAME
        )
        moves.append(np.abs(rows["score"].to_numpy()[left] - other["score"].to_numpy()[right]))
    return np.concatenate(moves)


if __name__ == "__main__":
    main()
