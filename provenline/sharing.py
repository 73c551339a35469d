"""One version of a dataset for a partner: signed addresses that expire, and what they must give.

Whoever holds the list can read the files until it expires, and nothing else: no credentials are in it.
"""

from __future__ import annotations

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from provenline.errors import InputError
from provenline.files import atomic_path
from provenline.remote import explain
from provenline.residency import Remote, client

FORMAT = 1
_BLOCK = 1 << 20
_AT_A_TIME = 8
_TIMEOUT_S = 60


class File(BaseModel):
    """One shared file: its place below the output (empty for a single file), MD5, size and address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    md5: str = Field(pattern=r"^[0-9a-f]{32}$")
    size: int = Field(ge=0)
    url: str = Field(pattern=r"^https?://")


class Share(BaseModel):
    """What a partner gets.

    Attributes:
        format: Of this file.
        output: What was shared, as the pipeline names it.
        version: DVC's hash of it; the same version has the same files.
        expires: Until when the addresses work, by the store's clock.
        files: All of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    output: str
    version: str
    expires: AwareDatetime
    files: tuple[File, ...]


def share(output: str, remote: Remote, root: Path, valid: timedelta) -> Share:
    """Sign an address for every file of an output that a push has sent to a remote.

    Args:
        output: As `dvc.lock` or a `.dvc` file names it, such as ``data/dataset``.
        remote: An S3 remote; the caller has checked that data may be there.
        root: The project's folder.
        valid: How long the addresses work; the store allows seven days at most.

    Raises:
        InputError: Nothing of that name is tracked, the remote is no S3 store or lacks a file.
    """
    place = urlsplit(remote.url)
    if place.scheme != "s3":
        what = f"remote {remote.name!r} is {remote.url}: only an S3 store signs addresses"
        raise InputError(what, mend="Name an S3 remote with --remote")
    from botocore.config import Config

    # Left alone, the client signs addresses the old way, which newer regions and stores refuse.
    version, store = _version(output, root), client(remote, Config(signature_version="s3v4"))
    listed = [("", version)]
    if version.endswith(".dir"):
        entries = json.loads(_body(store, remote, place.netloc, _key(place.path, version)))
        listed = [(str(entry["relpath"]), str(entry["md5"])) for entry in entries]
    one = partial(_signed, store, remote, place.netloc, place.path, int(valid.total_seconds()))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        files = tuple(pool.map(one, listed))
    until = datetime.now(timezone.utc).replace(microsecond=0) + valid
    return Share(format=FORMAT, output=output, version=version, expires=until, files=files)


def write(made: Share, path: Path) -> None:
    """Write a share for its owner's eyes alone: it opens the data for whoever holds it."""
    with atomic_path(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(made.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Share:
    """Read what somebody sent.

    Raises:
        InputError: It is no share, or names a path outside the folder it is fetched to.
    """
    try:
        made = Share.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError("is missing", file=path) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(first["msg"], file=path, place=place, mend="Ask for the share again") from None
    for one in made.files:
        place = _place(made, one)
        parts = PurePosixPath(place).parts
        if not parts or ".." in parts or place.startswith("/") or "\\" in place or "\0" in place:
            mend = "Do not trust it"
            raise InputError("names no file below the folder", file=path, place=repr(place), mend=mend)
    return made


def _place(made: Share, one: File) -> str:
    """Return where a file lies below the folder that it is fetched to."""
    return one.path or PurePosixPath(made.output).name


def fetch(made: Share, folder: Path) -> Iterator[File]:
    """Fetch what is not there yet, and yield each file that is whole; the same call again goes on.

    Raises:
        InputError: The share has expired, the store refuses, or the bytes are others than promised.
    """
    if made.expires <= datetime.now(timezone.utc):
        raise InputError(f"the share expired at {made.expires:%Y-%m-%d %H:%M} UTC", mend="Ask for a new one")
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield from pool.map(partial(_fetched, made, folder), made.files)


def _fetched(made: Share, folder: Path, one: File) -> File:
    target = folder / _place(made, one)
    if target.is_dir():  # it would be replaced as a whole
        what = "is a folder, where the share has a file"
        raise InputError(what, file=target, mend="Fetch it into another folder")
    if target.is_file() and _md5(target) == one.md5:
        return one
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.md5(usedforsecurity=False)
    with atomic_path(target) as temporary:
        try:
            # The pattern of File lets no other scheme through.
            with urllib.request.urlopen(one.url, timeout=_TIMEOUT_S) as stream, temporary.open("wb") as out:  # noqa: S310
                while block := stream.read(_BLOCK):
                    digest.update(block)
                    out.write(block)
        except urllib.error.HTTPError as error:
            what = f"the store refuses ({error.code} {error.reason})"
            raise InputError(what, place=one.path or made.output, mend="Ask for a new share") from None
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            what = f"cannot be fetched ({error})"
            mend = "Run the same command again: what is there stays"
            raise InputError(what, place=one.path or made.output, mend=mend) from None
        if digest.hexdigest() != one.md5:
            mend = "Run the same command again; if it stays so, ask for a new share"
            raise InputError("the bytes are others than promised", place=one.path or made.output, mend=mend)
    return one


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _version(output: str, root: Path) -> str:
    """Return DVC's hash of a tracked output."""
    found: list[str] = []
    lock = root / "dvc.lock"
    stages = _yaml(lock).get("stages", {}) if lock.is_file() else {}
    outs = [entry for stage in stages.values() for entry in stage.get("outs", [])]
    file = root / f"{output}.dvc"
    if file.is_file():
        outs += [{**entry, "path": output} for entry in _yaml(file).get("outs", [])]
    found = [str(entry["md5"]) for entry in outs if entry.get("path") == output and entry.get("md5")]
    if not found:
        raise InputError("is no output that DVC tracks", file=output, mend="See `dvc list . --dvc-only -R`")
    return found[-1]


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError:
        raise InputError("not YAML that can be read", file=path, mend="See `dvc status`") from None


def _key(prefix: str, md5: str) -> str:
    return "/".join(filter(None, [prefix.strip("/"), "files", "md5", md5[:2], md5[2:]]))


def _signed(
    store: Any, remote: Remote, bucket: str, prefix: str, seconds: int, entry: tuple[str, str]
) -> File:
    path, md5 = entry
    where = {"Bucket": bucket, "Key": _key(prefix, md5)}
    size = int(_asked(lambda: store.head_object(**where), remote, path)["ContentLength"])
    url = store.generate_presigned_url("get_object", Params=where, ExpiresIn=seconds)
    return File(path=path, md5=md5, size=size, url=url)


def _body(store: Any, remote: Remote, bucket: str, key: str) -> bytes:
    found: bytes = _asked(lambda: store.get_object(Bucket=bucket, Key=key), remote, key)["Body"].read()
    return found


def _asked(ask: Any, remote: Remote, place: str) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return ask()
    except (BotoCoreError, ClientError) as error:
        what = f"remote {remote.name!r}: {explain(error, 's3:GetObject')}"
        raise InputError(what, place=place or None, mend="Push it first: `provenline push`") from None


__all__ = ["File", "Share", "fetch", "read", "share", "write"]
