"""The frames that models are judged on: development's by split, and the deployment's that taught nothing."""

from __future__ import annotations

import pandas as pd

from provenline.errors import InputError


def judged(development: pd.DataFrame, deployment: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Return the frames of both footages with a column ``split``; the deployment's is ``deployment``.

    Monthly rounds label frames of deployment footage, and what is in the split without being development
    footage is theirs: deployment frames of their groups judge nothing any more.

    Args:
        development: FRAMES.
        deployment: FRAMES.
        split: ``frame_id``, ``group`` and ``split`` of all that is trained and judged on.

    Raises:
        InputError: A recording stands in both footages.
    """
    of_rounds = split.loc[~split["frame_id"].isin(development["frame_id"]), "group"]
    left = deployment[~deployment["group"].isin(of_rounds)]
    both = left[left["media_sha256"].isin(development["media_sha256"])]
    if len(both):
        what = f"deployment's '{both['media'].iloc[0]}' is in the development footage too"
        raise InputError(what, mend="Take it out of one of the media lists: what trains cannot judge")
    own = development.merge(split[["frame_id", "split"]], on="frame_id")
    return pd.concat([own, left.assign(split="deployment")], ignore_index=True)
