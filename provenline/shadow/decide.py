"""The decision of a shadow run that nobody has labelled yet: same model, hold, or label K frames.

Which of two engines is better cannot be known from what they say alone. What can be known is how
often they differ, and from that how many labelled frames would tell. Pure functions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from provenline.detectors.bundle import MANIFEST
from provenline.detectors.manifest import Manifest, read_manifest
from provenline.errors import InputError
from provenline.shadow.params import LabelPlan, ShadowParams
from provenline.shadow.plan import Plan, plan_labels

Word = Literal["same_model", "hold", "label", "promote", "reject"]


@dataclass(frozen=True)
class Decision:
    """What to do now.

    Attributes:
        decision: ``same_model`` (nothing was run), ``hold``, ``label``, and with labels ``promote`` or
            ``reject`` (see ``verdict``).
        reason: One sentence with the numbers.
        label_more: Frames to label now; 0 unless the decision is ``label``.
        plan: Where the number comes from; None without a comparison.
    """

    decision: Word
    reason: str
    label_more: int = 0
    plan: Plan | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return asdict(self)


def pinned(bundle: Path, checkpoint_sha256: str) -> Manifest:
    """Return what a bundle is, if it is the production engine that a person pinned.

    Args:
        bundle: Folder with ``manifest.json``.
        checkpoint_sha256: The pin; empty before anything was promoted, which every bundle satisfies.

    Raises:
        InputError: There is no bundle, or it was made of another checkpoint.
    """
    made = read_manifest(bundle)
    found = made.checkpoint_sha256
    if checkpoint_sha256 and found != checkpoint_sha256:
        what = f"made of checkpoint {found[:12]}…, production is pinned to {checkpoint_sha256[:12]}…"
        mend = "Set shadow_ab.production to the engine that really runs"
        raise InputError(what, file=bundle / MANIFEST, mend=mend)
    return made


def same_model(production: str, candidate: str) -> Decision | None:
    """Return the decision ``same_model`` when both fingerprints (SHA-256) are equal, else None."""
    if production != candidate:
        return None
    return Decision(
        "same_model", f"Production and candidate are the same model ({production[:12]}): nothing was run."
    )


def decide(table: pd.DataFrame, params: ShadowParams) -> Decision:
    """Decide on a comparison without labelled samples.

    Args:
        table: What ``compare.compare_frames`` returned, of all deployment footage.
        params: Least number of groups, and the precision that labels are to buy.

    Returns:
        ``hold`` without footage, under ``interval.min_groups`` groups, without a disagreement, or
        where not even the largest possible gain could be shown by labelling all of it; else
        ``label``.
    """
    frames, groups, least = len(table), int(table["group"].nunique()), params.interval.min_groups
    if not frames:
        return Decision("hold", "There is no deployment footage to compare on: production stays.")
    if groups < least:
        text = f"{groups} groups of deployment footage carry no decision, {least} are needed: add footage."
        return Decision("hold", text)
    if not table["disagrees"].any():
        text = f"Both say the same on all {frames} frames of {groups} groups: labels would teach nothing."
        return Decision("hold", text)
    return _from_plan(plan_labels(table, params.plan), table, params.plan)


def sampled(decision: Decision, design: dict[str, Any]) -> Decision:
    """Return the decision to label, with the number of frames that were really drawn.

    Args:
        decision: What ``decide`` returned: ``label``.
        design: What ``sample.summarise`` returned.
    """
    parts = {name: part["drawn"] for name, part in design["strata"].items()}
    text = (
        f"Drawn densely where they differ, {design['frames']} are as good: {parts['differ']} on which they "
    )
    text += f"differ, {parts['agree']} on which both find the same, {parts['empty']} with nobody found."
    return replace(decision, reason=f"{decision.reason} {text}", label_more=design["frames"])


def _from_plan(plan: Plan, table: pd.DataFrame, wanted: LabelPlan) -> Decision:
    differ = f"{int(table['disagrees'].sum())} of {len(table)} frames ({plan.discordant_rate:.1%})"
    head = f"The two differ on {differ} in {plan.groups} groups"
    sure = f"{wanted.confidence:.0%} confidence, {wanted.power:.0%} power"
    sure += f", design effect {plan.design_effect:.1f}"
    if not plan.frames:
        text = (
            f"{head}: all of them labelled would tell a net gain of {plan.gain:.3f} from none ({sure}), more "
            f"than is possible; {wanted.gain:g} takes about {plan.groups_wanted} such groups: add footage."
        )
        return Decision("hold", text, plan=plan)
    text = f"{head}: {plan.frames} frames labelled at random tell a net gain of {plan.gain:.3f} from none"
    text += f" ({sure})"
    if plan.gain > wanted.gain:
        text += f"; {wanted.gain:g} is asked for and takes about {plan.groups_wanted} such groups"
    return Decision("label", f"{text}.", label_more=plan.frames, plan=plan)
