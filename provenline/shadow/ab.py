"""The whole shadow comparison, from footage to a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from provenline import tables
from provenline.detectors.base import Detector
from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.footage.anonymise import blur_of
from provenline.footage.media import Media
from provenline.footage.params import PrivacyParams
from provenline.shadow import compare, decide, following, gain, mine, package, sample, verdict
from provenline.shadow.decide import Decision
from provenline.shadow.keeping import Kept
from provenline.shadow.labels import Labels, Reading, read
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
    reading: Reading,
    out: Path,
    kept: Kept | None = None,
) -> ShadowResult:
    """Run both engines over the footage, compare, sample, decide, mine, and write the folder ``out``.

    ``out`` holds ``frames.parquet`` (FRAMES), ``production.parquet`` and ``candidate.parquet``
    (PREDICTIONS), ``comparison.csv`` (one row per frame), ``sample.csv`` (what was drawn, with strata
    and weights: not for annotators), ``labelling/`` (what they get), ``outcomes.csv`` (per labelled
    frame), ``disagreements.csv`` and ``frames/``. It appears whole or not at all, with empty tables where
    nothing was run.

    Args:
        media: Deployment footage.
        production: The engine that runs today.
        candidate: The one that would replace it.
        params: Sampling, thresholds, and the precision that labels are to buy.
        privacy: What of the people in ``frames/`` may not be recognised.
        reading: Where the labels of the sample are, if there are any.
        out: Folder; replaced if it is there.
        kept: As in `side_by_side`.

    Raises:
        InputError: Too much footage is unreadable or some of it is listed twice, people are to be
            blurred whom no label names, or the labels cannot be read.
    """
    same = decide.same_model(production.fingerprint, candidate.fingerprint)
    side = side_by_side([] if same else media, production, candidate, params, kept)
    table = _compared(side, media, params)
    decided = _decide(same or decide.decide(table, params), table, side, params, reading)
    with atomic_path(out) as folder:
        folder.mkdir()
        mined = _write(side, table, media, params, privacy, folder)
        sent = _send(decided, side, media, privacy, reading, folder)
    engines = {"production": production, "candidate": candidate}
    metrics = {
        **decided.decision.to_dict(),
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
        "following": None if side.frames.empty else following.summarise(table, params),
        "sample": None if decided.design is None else {**decided.design, "pictures": sent},
        "gain": decided.gains,
        "gallery": mined,
        "anonymise": privacy.anonymise,
    }
    return ShadowResult(metrics=metrics, timing=side.timing)


def _compared(side: SideBySide, media: Sequence[Media], params: ShadowParams) -> pd.DataFrame:
    """Return the comparison, with what following says and, where the media list knows it, the hour."""
    said = side.frames, side.production, side.candidate
    table = compare.compare_frames(*said, params)
    _refuse_copies(table)
    for more in (following.follow(*said, params), following.at_work(*said, params)):
        table = table.merge(more, on="frame_id", how="left", validate="many_to_one")
    began = {one.name: one.started for one in media}
    table["hour"] = [
        "" if (start := began[name]) is None else f"{start + timedelta(milliseconds=int(time_ms)):%H}"
        for name, time_ms in zip(table["media"], table["time_ms"], strict=True)
    ]
    return table


@dataclass(frozen=True)
class _Decided:
    decision: Decision
    drawn: pd.DataFrame
    outcomes: pd.DataFrame
    design: dict[str, Any] | None = None
    gains: dict[str, Any] | None = None


def _decide(
    first: Decision, table: pd.DataFrame, side: SideBySide, params: ShadowParams, reading: Reading
) -> _Decided:
    """Draw the sample where labels would tell, and decide on it where there are some."""
    plan = first.plan
    wanted = sample.sizes(table, plan.frames, params.sample) if plan and plan.frames else {}
    drawn = sample.draw(table, wanted, params.sample.seed)
    if plan is None or drawn.empty:
        return _Decided(first, drawn, pd.DataFrame())
    design = sample.summarise(table, drawn, wanted)
    labels = read(reading, drawn, side.frames)
    if labels is None:
        return _Decided(decide.sampled(first, design), drawn, pd.DataFrame(), design)
    found, gains = _gain(labels, drawn, side, params, reading)
    differ = design["strata"]["differ"]
    counts = {"frames": len(drawn), "labelled": len(found), "missing": len(labels.missing)}
    counts["left"] = differ["frames"] - differ["drawn"]
    decision = verdict.judge(gains, int(found["group"].nunique()), counts, params, plan)
    shown = {name: None if one is None else one.to_dict() for name, one in gains.items()}
    return _Decided(decision, drawn, found, {**design, **labels.to_dict()}, shown)


def _refuse_copies(table: pd.DataFrame) -> None:
    twice = table[table["frame_id"].duplicated(keep=False)].sort_values("frame_id", kind="stable")
    if len(twice):
        one, other = twice["media"].iloc[:2]
        mend = "Unlist one of them: no frame may count twice"
        raise InputError(f"the same bytes as '{other}'", file=one, mend=mend)


def _gain(
    labels: Labels, drawn: pd.DataFrame, side: SideBySide, params: ShadowParams, reading: Reading
) -> tuple[pd.DataFrame, verdict.Gains]:
    said = {"production": side.production, "candidate": side.candidate}
    found = gain.outcomes(labels.frames, labels.boxes, said, reading.classes, params)
    found["weight"] = gain.weigh(found, drawn)
    groups = sorted(set(side.frames["group"]))
    return found, gain.estimate(found, found["weight"].to_numpy(), groups, params.interval)


def _send(
    decided: _Decided,
    side: SideBySide,
    media: Sequence[Media],
    privacy: PrivacyParams,
    reading: Reading,
    folder: Path,
) -> int:
    """Write the sample and its labelling package; return how many pictures that holds."""
    decided.drawn.to_csv(folder / "sample.csv", index=False, lineterminator="\n")
    decided.outcomes.to_csv(folder / "outcomes.csv", index=False, lineterminator="\n")
    if decided.drawn.empty:
        return 0
    to = folder / package.FOLDER
    return package.package(decided.drawn, side.frames, media, reading.names, privacy.anonymise, to)


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
