"""Deployment footage that a monthly round has taught from: it may not judge the candidate that learnt it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from provenline.errors import InputError
from provenline.footage.media import Media
from provenline.progress import notice
from provenline.rounds import Taken


def untaught(media: Sequence[Media], taken: Taken) -> list[Media]:
    """Return the media of groups that no round has taught from, and say how many are left out."""
    left = [one for one in media if one.group not in taken.groups]
    if len(left) < len(media):
        notice(f"{len(media) - len(left)} of {len(media)} media were labelled in rounds: they judge nothing")
    return left


def refuse(frames: pd.DataFrame, taken: Taken) -> None:
    """Refuse frames of recordings that a round has taught from, whatever group they are listed in.

    Raises:
        InputError: There is one.
    """
    both = frames[frames["media_sha256"].isin(taken.frames["media_sha256"])]
    if len(both):
        what = f"'{both['media'].iloc[0]}' was labelled for training in a round, in a group of another name"
        raise InputError(what, mend="Take it out of the deployment's media list: what trains cannot judge")
