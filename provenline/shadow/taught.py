"""Deployment footage that a monthly round has taught from: it may not judge the candidate that learnt it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provenline.errors import InputError
from provenline.files import sha256_file
from provenline.footage.manifest import known_sha256
from provenline.footage.media import Media
from provenline.progress import track
from provenline.rounds import Taken, judge_nothing


def untaught(media: Sequence[Media], taken: Taken) -> list[Media]:
    """Return the media of groups that no round has taught from.

    Raises:
        InputError: The bytes of one of them have, in a group of another name.
    """
    left = [one for one in media if one.group not in taken.groups]
    hashes = set(taken.frames["media_sha256"])
    for one in track(left, "looking for what has taught") if hashes else ():
        if not one.file.is_file():
            continue  # the run sets it aside
        if (known_sha256(one) or sha256_file(one.file)) in hashes:
            what = "was labelled for training in a round, in a group of another name"
            mend = "Take it out of the deployment's media list: what trains cannot judge"
            raise InputError(what, file=one.file, mend=mend)
    return left


def note(metrics: dict[str, Any], media: Sequence[Media], left: Sequence[Media]) -> None:
    """Write into the metrics of a shadow run how many media were left out, and say so in its reason."""
    metrics["footage"]["taught"] = len(media) - len(left)
    if groups := len({one.group for one in media} - {one.group for one in left}):
        metrics["reason"] = f"{metrics['reason']} {judge_nothing(groups)}."
