"""So many videos of each category: those accepted before, then others by a seeded rank."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from provenline.files import atomic_path
from provenline.footage.media import Media
from provenline.footage.params import SamplePlan
from provenline.footage.values import read_rows
from provenline.progress import notice

COLUMNS = ("media", "category")


def sample(plan: SamplePlan, videos: list[Media]) -> list[Media]:
    """Choose videos of each category.

    What the ledger holds is chosen, also where it is more than asked for; places that are left go to the
    videos of the lowest rank, the SHA-256 of seed and name. So the choice does not depend on the order,
    and footage that is added moves nothing that was accepted.

    Args:
        plan: How many, which seed, and the ledger.
        videos: All that there are.

    Returns:
        The chosen ones, in the order of ``videos``.

    Raises:
        InputError: The ledger is missing or malformed.
    """
    held = read_ledger(Path(plan.ledger))
    places: dict[str, list[Media]] = {}
    for video in videos:
        places.setdefault(video.category, []).append(video)
    chosen: set[str] = set()
    for category, candidates in sorted(places.items()):
        if len(candidates) < plan.per_category:
            name = category or "without a name"
            notice(f"sample: category {name} has {len(candidates)} of {plan.per_category} videos")
        ranked = sorted(candidates, key=lambda one: (one.name not in held, _rank(plan.seed, one.name)))
        accepted = sum(one.name in held for one in candidates)
        chosen |= {one.name for one in ranked[: max(accepted, plan.per_category)]}
    return [video for video in videos if video.name in chosen]


def read_ledger(ledger: Path) -> dict[str, str]:
    """Read which media were accepted, and in which category.

    Raises:
        InputError: It is missing or malformed, or names a media twice or not at all.
    """
    held: dict[str, str] = {}
    mend = f"Start one that holds only the line {','.join(COLUMNS)}"
    for row in read_rows(ledger, COLUMNS, COLUMNS, mend):
        name = row.text("media")
        if not name or name in held:
            what = f"{name!r} stands twice" if name else "no media"
            raise row.error(what, "Remove one of the rows" if name else "Remove the row", "media")
        held[name] = row.text("category")
    return held


def accept(ledger: Path, chosen: list[Media]) -> dict[str, int]:
    """Write chosen videos into the ledger; what it holds stays, also what is no longer listed.

    Returns:
        Counts: ``added`` and ``kept``.

    Raises:
        InputError: The ledger is malformed.
    """
    held = read_ledger(ledger) if ledger.exists() else {}
    now = {one.name: one.category for one in chosen if one.kind == "video"}
    with atomic_path(ledger) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(sorted((held | now).items()))
    return {"added": len(now.keys() - held.keys()), "kept": len(held)}


def _rank(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()
