"""The whole shadow comparison, from footage to a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from provenline.progress import notice
from provenline.shadow import compare, decide, following, gain, mine, package, sample, verdict
from provenline.shadow.comparison import FILE, Writer, read_comparison
from provenline.shadow.decide import Decision
from provenline.shadow.keeping import Kept
from provenline.shadow.labels import Labels, Reading, read
from provenline.shadow.params import ROLES, ShadowParams
from provenline.shadow.run import Log, Recording, recordings


@dataclass(frozen=True)
class ShadowResult:
    """What a shadow run says.

    Attributes:
        metrics: Follows from the footage and the engines alone; hashed and compared by DVC.
        timing: Depends on the machine and its load; never part of a hashed output.
        media: Name -> SHA-256 of each recording that both saw.
    """

    metrics: dict[str, Any]
    timing: dict[str, Any]
    media: dict[str, str]


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
        kept: As in `recordings`.

    Raises:
        InputError: Too much footage is unreadable or some of it is listed twice, people are to be
            blurred whom no label names, or the labels cannot be read.
    """
    same, log = decide.same_model(production.fingerprint, candidate.fingerprint), Log()
    own = [bool(getattr(params, f"score_{role}").own) for role in ROLES]
    if any(own) and not all(own):
        old = ROLES[own.index(False)]
        notice(f"{old} brings no thresholds of its own: it counts from {_otherwise(params, old):g}")
    with atomic_path(out) as folder:
        folder.mkdir()
        found = recordings([] if same else media, production, candidate, params, log, kept)
        side = _compared(found, media, params, folder)
        table = side.table
        decided = _decide(same or decide.decide(table, params), side, params, reading)
        chosen = mine.choose(table, params.gallery)
        blur = blur_of(privacy, [], [side.said(role, chosen["frame_id"]) for role in ROLES])
        mined = len(mine.mine(chosen, media, blur, folder))
        sent = _send(decided, side, media, privacy, reading)
    engines = {"production": production, "candidate": candidate}
    metrics = {
        **decided.decision.to_dict(),
        "engines": {
            role: {
                "name": engine.name,
                "fingerprint": engine.fingerprint,
                "score": getattr(params, f"score_{role}").otherwise,
                "thresholds": getattr(params, f"score_{role}").own,
            }
            for role, engine in engines.items()
        },
        "footage": {
            "media": 0 if same else len(media),
            "set_aside": len(log.set_aside),
            "set_aside_media": log.set_aside,
            "frames": len(table),
            "groups": int(table["group"].nunique()),
            "period_s": params.period_s,
        },
        "comparison": None if table.empty else compare.summarise(table, params),
        "following": None if table.empty else following.summarise(table, params),
        "sample": None if decided.design is None else {**decided.design, "pictures": sent},
        "gain": decided.gains,
        "gallery": mined,
        "anonymise": privacy.anonymise,
    }
    kept = kept or Kept(None)
    if not same:
        kept.forget_rest()
    timing = kept.timing(log.timing)
    return ShadowResult(metrics, timing, {name: digest for digest, name in side.media.items()})


def _otherwise(params: ShadowParams, role: str) -> float:
    return float(getattr(params, f"score_{role}").otherwise)


@dataclass(frozen=True)
class _Side:
    """What both said: on disk, since a day of it is much; and their comparison, narrow, a row per frame.

    Attributes:
        folder: Holds it.
        table: As `read_comparison` returns it.
        media: SHA-256 -> name of each recording.
    """

    folder: Path
    table: pd.DataFrame
    media: dict[str, str]

    def said(self, role: str, frame_ids: Iterable[str]) -> pd.DataFrame:
        """Return the predictions of one engine on some frames."""
        return tables.read(self.folder / f"{role}.parquet", tables.PREDICTIONS, list(frame_ids))

    @property
    def frames(self) -> pd.DataFrame:
        """All frames."""
        return tables.read(self.folder / "frames.parquet", tables.FRAMES)


def _compared(
    found: Iterable[Recording], media: Sequence[Media], params: ShadowParams, folder: Path
) -> _Side:
    """Write what both say and how they compare, recording by recording; nothing of it stays in memory.

    The comparison holds what following says and, where the media list knows it, the hour.

    Raises:
        InputError: Two recordings are the same bytes.
    """
    began, seen = {one.name: one.started for one in media}, dict[str, str]()
    compared = Writer(folder / FILE, _of_nothing(params).columns)
    with ExitStack() as stack:
        written = {
            name: stack.enter_context(tables.Appender(folder / f"{name}.parquet", schema))
            for name, schema in (("frames", tables.FRAMES), *((role, tables.PREDICTIONS) for role in ROLES))
        }
        for one in found:
            _refuse_copy(one, seen)
            for name, appender in written.items():
                appender.add(getattr(one, name))
            compared.add(_table(one, params).assign(hour=_hours(one.frames, began)))
    return _Side(folder, read_comparison(folder / FILE), seen)


def _table(one: Recording, params: ShadowParams) -> pd.DataFrame:
    said = one.frames, one.production, one.candidate
    parts = [part(*said, params) for part in (compare.compare_frames, following.follow, following.at_work)]
    # Each has a row per frame, in the order of the frames.
    return pd.concat([parts[0], *(part.drop(columns="frame_id") for part in parts[1:])], axis=1)


def _of_nothing(params: ShadowParams) -> pd.DataFrame:
    empty = tables.table([], tables.FRAMES), *(tables.table([], tables.PREDICTIONS) for _ in ROLES)
    return _table(Recording(*empty), params).assign(hour="")


def _hours(frames: pd.DataFrame, began: Mapping[str, datetime | None]) -> list[str]:
    return [
        "" if (start := began[name]) is None else f"{start + timedelta(milliseconds=int(time_ms)):%H}"
        for name, time_ms in zip(frames["media"], frames["time_ms"], strict=True)
    ]


@dataclass(frozen=True)
class _Decided:
    decision: Decision
    drawn: pd.DataFrame
    outcomes: pd.DataFrame
    design: dict[str, Any] | None = None
    gains: dict[str, Any] | None = None


def _decide(first: Decision, side: _Side, params: ShadowParams, reading: Reading) -> _Decided:
    """Draw the sample where labels would tell, and decide on it where there are some."""
    plan, table = first.plan, side.table
    wanted = sample.sizes(table, plan.frames, params.sample) if plan and plan.frames else {}
    drawn = sample.draw(table, wanted, params.sample.seed)
    if plan is None or drawn.empty:
        return _Decided(first, drawn, pd.DataFrame())
    design = sample.summarise(table, drawn, wanted)
    labels = None if reading.folder is None else read(reading, drawn, side.frames)
    if labels is None:
        return _Decided(decide.sampled(first, design), drawn, pd.DataFrame(), design)
    found, gains = _gain(labels, drawn, side, params, reading)
    differ = design["strata"]["differ"]
    counts = {"frames": len(drawn), "labelled": len(found), "missing": len(labels.missing)}
    counts["left"] = differ["frames"] - differ["drawn"]
    decision = verdict.judge(gains, int(found["group"].nunique()), counts, params, plan)
    shown = {name: None if one is None else one.to_dict() for name, one in gains.items()}
    return _Decided(decision, drawn, found, {**design, **labels.to_dict()}, shown)


def _refuse_copy(one: Recording, seen: dict[str, str]) -> None:
    """Refuse a recording whose bytes are another's; ``seen`` is SHA-256 -> name of those before."""
    name, digest = (str(one.frames[column].iloc[0]) for column in ("media", "media_sha256"))
    if digest in seen:
        mend = "Unlist one of them: no frame may count twice"
        raise InputError(f"the same bytes as '{name}'", file=seen[digest], mend=mend)
    seen[digest] = name


def _gain(
    labels: Labels, drawn: pd.DataFrame, side: _Side, params: ShadowParams, reading: Reading
) -> tuple[pd.DataFrame, verdict.Gains]:
    said = {role: side.said(role, labels.frames["frame_id"]) for role in ROLES}
    found = gain.outcomes(labels.frames, labels.boxes, said, reading.classes, params)
    found["weight"] = gain.weigh(found, drawn)
    groups = sorted(set(side.table["group"]))
    return found, gain.estimate(found, found["weight"].to_numpy(), groups, params.interval)


def _send(
    decided: _Decided, side: _Side, media: Sequence[Media], privacy: PrivacyParams, reading: Reading
) -> int:
    """Write the sample and its labelling package; return how many pictures that holds."""
    drawn = decided.drawn
    drawn.to_csv(side.folder / "sample.csv", index=False, lineterminator="\n")
    decided.outcomes.to_csv(side.folder / "outcomes.csv", index=False, lineterminator="\n")
    if drawn.empty:
        return 0
    to = side.folder / package.FOLDER
    frames = tables.read(side.folder / "frames.parquet", tables.FRAMES, list(drawn["frame_id"]))
    return package.package(drawn, frames, media, reading.names, privacy.anonymise, to)
