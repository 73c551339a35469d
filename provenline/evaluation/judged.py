"""The frames that models are judged on: development's by split, and the deployment's that taught nothing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from provenline.errors import InputError


def read_split(file: Path) -> pd.DataFrame:
    """Return ``frame_id``, ``group`` and ``split`` of all that was placed; as text: groups may be numbers.

    Raises:
        InputError: It is not such a CSV.
    """
    columns = ["frame_id", "group", "split"]
    try:
        return pd.read_csv(file, usecols=columns, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", file=file, mend="Run `dvc repro split`") from None


def judged(development: pd.DataFrame, deployment: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    """Return the frames of both footages with a column ``split``; the deployment's is ``deployment``.

    Monthly rounds label frames of deployment footage, and what is in the split without being development
    footage is theirs: deployment frames of their groups judge nothing any more.

    Args:
        development: FRAMES.
        deployment: FRAMES.
        split: ``frame_id``, ``group`` and ``split`` of all that is trained and judged on.

    Raises:
        InputError: A recording stands in both footages, or a round has taught from it under another group.
    """
    of_rounds = split[~split["frame_id"].isin(development["frame_id"])]
    left = deployment[~deployment["group"].isin(of_rounds["group"])]
    renamed = left[left["frame_id"].str[:12].isin(of_rounds["frame_id"].str[:12])]
    if len(renamed):
        what = (
            f"'{renamed['media'].iloc[0]}' was labelled for training in a round, in a group of another name"
        )
        raise InputError(what, mend="Take it out of the deployment's media list: what trains cannot judge")
    both = left[left["media_sha256"].isin(development["media_sha256"])]
    if len(both):
        what = f"deployment's '{both['media'].iloc[0]}' is in the development footage too"
        raise InputError(what, mend="Take it out of one of the media lists: what trains cannot judge")
    own = development.merge(split[["frame_id", "split"]], on="frame_id")
    return pd.concat([own, left.assign(split="deployment")], ignore_index=True)
