"""Where data and models may go: checked against an allow-list before a byte leaves.

What counts is where the bytes would really go: the address with its endpoint as the S3 client resolves
it (configuration, environment and profile), not what a configuration file seems to say.
"""

from __future__ import annotations

import os
import posixpath
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from provenline.errors import InputError
from provenline.footage.params import Residency

CONFIG = Path(".dvc/config")
PLACEHOLDER = "s3://SET-YOUR-BUCKET"  # as the project comes: each team names its own
_NOT_THE_PROJECT = frozenset({".git", ".dvc", ".venv"})
# What DVC puts into the environment, unless it is there, for the S3 client to read.
_OWN_FILES = (
    ("config_file", "configpath", "AWS_CONFIG_FILE"),
    ("credentials_file", "credentialpath", "AWS_SHARED_CREDENTIALS_FILE"),
)
_ALLOW = "Name it in footage.residency.remotes (conf/config.yaml) if the data may go there"


@dataclass(frozen=True)
class Remote:
    """A remote as DVC is configured.

    Attributes:
        name: As `dvc remote list` names it.
        settings: Its options, ``url`` among them, in lower case as DVC prints them.
    """

    name: str
    settings: Mapping[str, str]

    @property
    def url(self) -> str:
        """Its address."""
        return self.settings.get("url", "")


def no_address(name: str) -> InputError:
    """Return the error of a remote that still has the address that the project comes with."""
    mend = f"Run `dvc remote modify {name} url s3://YOUR-BUCKET/dvc`"
    return InputError(f"remote '{name}' has no address yet", file=CONFIG, mend=mend)


def addressed(remote: Remote) -> Remote:
    """Return a remote that has an address of somebody's own.

    Raises:
        InputError: It has not.
    """
    if remote.url.startswith(PLACEHOLDER):
        raise no_address(remote.name)
    return remote


def dvc(*words: str) -> str:
    """Run DVC of this environment and return what it prints.

    Raises:
        InputError: It fails; its last line says why.
    """
    done = subprocess.run([sys.executable, "-m", "dvc", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        last = ((done.stderr or done.stdout).strip() or "no message").splitlines()[-1]
        raise InputError(f"dvc {words[0]}: {last}")
    return done.stdout


def remote_named(asked: str | None) -> Remote:
    """Return one remote of the project in the working folder by its name, or the default one.

    Raises:
        InputError: There is no default, or the name is not configured.
    """
    config, name = _configured(asked)
    return _remote(name, config)


def remotes_in_use(root: Path, asked: str | None) -> list[Remote]:
    """Return the remotes that a push would write to: the asked or default one, and those that outputs name.

    Args:
        root: The project's folder, which is the working folder.
        asked: Name given on the command line; None means the default.

    Raises:
        InputError: There is no default, or a name is not configured.
    """
    config, default = _configured(asked)
    return [_remote(name, config) for name in sorted({default, *_named_by_outputs(root)})]


def _configured(asked: str | None) -> tuple[dict[str, str], str]:
    config = dict(line.split("=", 1) for line in dvc("config", "--list").splitlines() if "=" in line)
    name = asked or config.get("core.remote", "")
    if not name:
        if not CONFIG.is_file():
            mend = "Run it in the folder of the project"
            raise InputError(f"no remote is named, and there is no {CONFIG}", file=Path.cwd(), mend=mend)
        mend = "Name one: `dvc remote default NAME`, or --remote NAME"
        raise InputError("no default remote", file=CONFIG, mend=mend)
    return config, name


def _remote(name: str, config: Mapping[str, str]) -> Remote:
    head = f"remote.{name}."
    settings = {key.removeprefix(head): value for key, value in config.items() if key.startswith(head)}
    if not settings.get("url"):
        raise InputError(f"no remote {name!r}", file=CONFIG, mend="See `dvc remote list`")
    return Remote(name, settings)


def _named_by_outputs(root: Path) -> set[str]:
    """Return the remotes that single outputs name: DVC sends those there, whatever is asked for."""
    found: set[str] = set()
    for folder, folders, files in os.walk(root):
        # The cache and temporary copies of experiments hold DVC files as well, which nobody pushes.
        folders[:] = [name for name in folders if name not in _NOT_THE_PROJECT]
        for file in (Path(folder, name) for name in files if name == "dvc.yaml" or name.endswith(".dvc")):
            try:
                found |= set(_values(yaml.safe_load(file.read_text(encoding="utf-8")), "remote"))
            except (OSError, UnicodeDecodeError, yaml.YAMLError):
                raise InputError("not YAML that can be read", file=file, mend="See `dvc status`") from None
    return found


def _values(value: Any, key: str) -> Iterable[str]:
    if isinstance(value, dict):
        for name, child in value.items():
            if name == key and isinstance(child, str):
                yield child
            yield from _values(child, key)
    elif isinstance(value, list):
        for child in value:
            yield from _values(child, key)


def endpoint(remote: Remote) -> str:
    """Return the server that an S3 remote's requests go to, as the S3 client resolves it; "" for others.

    No request is made.
    """
    if urlsplit(remote.url).scheme != "s3":
        return ""
    return str(client(remote).meta.endpoint_url).rstrip("/")


def region(remote: Remote) -> str:
    """Return the region in which an S3 remote's bucket lies, as the store answers; "" where it does not say.

    One request without data.

    Raises:
        InputError: The store does not answer, or refuses.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket = urlsplit(remote.url).netloc
    try:
        answer = client(remote).head_bucket(Bucket=bucket)
    except (BotoCoreError, ClientError) as error:
        raise InputError(
            f"remote {remote.name!r}: {error}", file=CONFIG, mend="Check address and credentials"
        ) from None
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return str(headers.get("x-amz-bucket-region", ""))


def client(remote: Remote, config: Any = None) -> Any:
    """Return an S3 client as DVC would make it for a remote; ``config`` is botocore's. No request is made.

    Raises:
        InputError: The profile or the address is wrong.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError

    given = remote.settings
    try:
        session = botocore.session.Session(profile=given.get("profile"))
        for variable, option, environment in _OWN_FILES:
            if given.get(option) and environment not in os.environ:
                session.set_config_variable(variable, given[option])
        return session.create_client(
            "s3",
            region_name=given.get("region") or session.get_config_variable("region") or "us-east-1",
            endpoint_url=given.get("endpointurl"),
            aws_access_key_id=given.get("access_key_id"),
            aws_secret_access_key=given.get("secret_access_key"),
            aws_session_token=given.get("session_token"),
            verify=_verify(given),
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise InputError(f"remote {remote.name!r}: {error}", file=CONFIG) from None


def _verify(given: Mapping[str, str]) -> bool | str | None:
    """Return what DVC's ``ssl_verify`` says: a bundle of certificates, whether to check, or nothing."""
    asked = given.get("ssl_verify", "")
    return {"": None, "true": None, "false": False}.get(asked.lower(), asked)


# The others (gs, azure, oss, ...) take a server from settings of their own.
_CHECKED = {"", "file", "s3", "ssh", "http", "https", "webdav", "webdavs"}


def check(remotes: Iterable[Remote], allowed: Residency) -> None:
    """Check that every remote is one of the allowed places.

    An address is allowed where it is an allowed address or lies below one, at the same server. Names are
    compared as written: letters differ, ``..`` is refused.

    Raises:
        InputError: A remote is somewhere else, or in another region; names the first.
    """
    for remote in remotes:
        if urlsplit(remote.url).scheme not in _CHECKED:
            what = f"remote {remote.name!r} is {remote.url}: where such a store really sends is not checked"
            raise InputError(what, file=CONFIG, mend="Use S3, or a store whose address names its server")
        server = endpoint(remote)
        place = f"{remote.url} at {server}" if server else remote.url
        if not any(
            _covers(one.url, remote.url) and _same_server(one.endpoint, server) for one in allowed.remotes
        ):
            known = ", ".join(
                f"{one.url}{f' at {one.endpoint}' if one.endpoint else ''}" for one in allowed.remotes
            )
            what = f"remote {remote.name!r} is {place}, which footage.residency does not allow"
            raise InputError(what, file="params.yaml", mend=f"Allowed: {known or 'nowhere'}. {_ALLOW}")
        if allowed.regions and urlsplit(remote.url).scheme == "s3":
            found = region(remote)
            if found not in allowed.regions:
                what = f"remote {remote.name!r} lies in region {found or 'unknown'}"
                mend = f"Allowed regions: {', '.join(allowed.regions)}"
                raise InputError(what, file="params.yaml", place="footage.residency.regions", mend=mend)


def _covers(allowed: str, url: str) -> bool:
    """Say whether a url is an allowed one or lies below it, by whole path components.

    >>> _covers("s3://bucket/dvc", "s3://bucket/dvc/team"), _covers("s3://bucket/dvc", "s3://bucket/dvc2")
    (True, False)
    """
    one, other = urlsplit(allowed), urlsplit(url)
    if (one.scheme, one.netloc) != (other.scheme, other.netloc) or ".." in other.path.split("/"):
        return False
    path, below = (posixpath.normpath(f"/{split.path}").rstrip("/") for split in (one, other))
    return below == path or below.startswith(f"{path}/")


def _same_server(allowed: str, server: str) -> bool:
    """Say whether the server is the allowed one; an allowed place without a server means the store's own."""
    if allowed:
        return allowed.rstrip("/").lower() == server.lower()
    host = urlsplit(server).hostname or ""
    return not server or host == "amazonaws.com" or host.endswith((".amazonaws.com", ".amazonaws.com.cn"))
