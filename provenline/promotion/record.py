"""``models/production.json``: which engine counts as production, since when, by whom and why. In git.

Nothing of it is an input of the line: that is the pin in ``conf/``, which follows from it (`pinning`). A
device has a file of the same name for what runs on it (`provenline.device.production`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from provenline.errors import InputError
from provenline.files import atomic_path

FILE = Path("models/production.json")
FORMAT = 1
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Engine(_Part):
    """An engine that was promoted, and what spoke for it.

    Attributes:
        model_version: Target and the checkpoint's first digits: the ``model`` of every prediction.
        target: What it was built for.
        bundle: Its folder, relative to the project's.
        bundle_sha256: Identity of the bundle.
        onnx_sha256: Of its network.
        checkpoint_sha256: Of what it was made of.
        dataset_sha256: Of what that was trained on; None where it was not trained here.
        split_sha256: Of the split.
        decision: Of `shadow-ab`: ``promote``, unless somebody overrode it.
        reason: The decision's own sentence.
        override: Why somebody promoted it all the same; empty where the decision said so.
        seal: Of the dossier that held when it was promoted.
        promoted: When, and ``by`` whom, as git knows them.
    """

    model_version: str
    target: str
    bundle: str
    bundle_sha256: Sha256
    onnx_sha256: Sha256
    checkpoint_sha256: Sha256
    dataset_sha256: Sha256 | None
    split_sha256: Sha256 | None
    decision: str
    reason: str
    override: str
    seal: Sha256
    promoted: datetime
    by: str


class Event(_Part):
    """One line of the history: nothing that happened is taken out of it."""

    act: Literal["promote", "rollback"]
    model_version: str | None
    at: datetime
    by: str
    why: str


class Production(_Part):
    """What counts as production.

    Attributes:
        format: Of this file.
        current: What runs; None: nothing was promoted, the base counts.
        since: When it was switched to.
        previous: What `rollback` brings back; None: the base.
        history: All acts, oldest first.
    """

    format: Literal[1]
    current: Engine | None
    since: datetime | None
    previous: Engine | None
    history: tuple[Event, ...]


NOTHING = Production(format=FORMAT, current=None, since=None, previous=None, history=())


def read(root: Path) -> Production:
    """Return what counts as production; before the first promotion nothing does.

    Raises:
        InputError: The file is malformed.
    """
    path = root / FILE
    if not path.exists():
        return NOTHING
    try:
        return Production.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], file=path, place=place, mend="Take it from git again") from None


def write(root: Path, production: Production) -> None:
    """Switch: whoever reads sees what was before or what comes after, whole."""
    with atomic_path(root / FILE) as temporary:
        temporary.write_text(production.model_dump_json(indent=2) + "\n", encoding="utf-8")
