"""The whole shadow comparison, from footage to a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from provenline import tables
from provenline.detectors.base import Detector
from provenline.files import atomic_path
from provenline.footage.anonymise import blur_of
from provenline.footage.media import Media
from provenline.footage.params import PrivacyParams
from provenline.shadow import compare, decide, mine
from provenline.shadow.params import ShadowParams
from provenline.shadow.run import SideBySide, side_by_side


@dataclass(frozen=True)
class ShadowResult:
    """What a shadow run says.

    Attributes:
        metrics: Follows from the footage and the engines alone; hashed and compared by DVC.
        timing: Depends on the machine and its load; never part of a hashed output.
    """

    metrics: dict[str, Any]
    timing: dict[str, Any]


def shadow_ab(
    media: Sequence[Media],
    production: Detector,
    candidate: Detector,
    params: ShadowParams,
    privacy: PrivacyParams,
    out: Path,
) -> ShadowResult:
    """Run both engines over the footage, compare, decide, mine, and write the folder ``out``.

    ``out`` holds ``frames.parquet`` (FRAMES), ``production.parquet`` and ``candidate.parquet``
    (PREDICTIONS), ``comparison.csv`` (one row per frame), ``disagreements.csv`` and ``frames/``. It
    appears whole or not at all, with empty tables where nothing was run.

    Args:
        media: Deployment footage.
        production: The engine that runs today.
        candidate: The one that would replace it.
        params: Sampling, thresholds, and the precision that labels are to buy.
        privacy: What of the people in ``frames/`` may not be recognised.
        out: Folder; replaced if it is there.

    Raises:
        InputError: Too much footage is unreadable, or people are to be blurred whom no label names.
    """
    same = decide.same_model(production.fingerprint, candidate.fingerprint)
    side = side_by_side([] if same else media, production, candidate, params)
    table = compare.compare_frames(side.frames, side.production, side.candidate, params)
    decision = same or decide.decide(table, params)
    with atomic_path(out) as folder:
        folder.mkdir()
        mined = _write(side, table, media, params, privacy, folder)
    engines = {"production": production, "candidate": candidate}
    metrics = {
        **decision.to_dict(),
        "engines": {
            role: {
                "name": engine.name,
                "fingerprint": engine.fingerprint,
                "score": getattr(params, f"score_{role}"),
            }
            for role, engine in engines.items()
        },
        "footage": {
            "media": 0 if same else len(media),
            "set_aside": len(side.set_aside),
            "set_aside_media": side.set_aside,
            "frames": len(side.frames),
            "groups": int(side.frames["group"].nunique()),
            "period_s": params.period_s,
        },
        "comparison": None if side.frames.empty else compare.summarise(table, params),
        "gallery": mined,
        "anonymise": privacy.anonymise,
    }
    return ShadowResult(metrics=metrics, timing=side.timing)


def _write(
    side: SideBySide,
    table: pd.DataFrame,
    media: Sequence[Media],
    params: ShadowParams,
    privacy: PrivacyParams,
    folder: Path,
) -> int:
    tables.write(side.frames, folder / "frames.parquet", tables.FRAMES)
    tables.write(side.production, folder / "production.parquet", tables.PREDICTIONS)
    tables.write(side.candidate, folder / "candidate.parquet", tables.PREDICTIONS)
    table.to_csv(folder / "comparison.csv", index=False)
    blur = blur_of(privacy, [], [side.production, side.candidate])
    return len(mine.mine(mine.choose(table, params.gallery), media, blur, folder))
