"""What an S3 remote lets this machine do, tried out one by one before a push or a pull of hours."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from provenline.errors import InputError
from provenline.residency import CONFIG, Remote, client

State = Literal["ok", "missing", "note"]
GUIDE = "docs/guide-remote.md"
_PROBE = b"provenline preflight: may be deleted\n"
_REASONS: dict[str, tuple[str, ...]] = {
    "{permission} is missing (the store says {code})": (
        *("AccessDenied", "403", "Forbidden", "UnauthorizedAccess", "AllAccessDisabled"),
    ),
    "the credentials are refused ({code})": (
        *("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthFailure"),
    ),
    "no credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY": (
        *("NoCredentialsError", "PartialCredentialsError"),
    ),
    "no such bucket in this region ({code})": ("NoSuchBucket", "PermanentRedirect"),
    "it is not there": ("NoSuchKey", "404", "NotFound"),
    "the store cannot be reached ({text}); endpoint, proxy and CA: {guide}": (
        *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"),
        *("ProxyConnectionError", "ConnectionClosedError", "SSLError"),
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was tried: the permission it takes, how it stands, and what it is for or what failed."""

    permission: str
    state: State
    text: str


def explain(error: Exception, permission: str) -> str:
    """Return why the store did not do it: the permission, credential or setting that is missing."""
    response = getattr(error, "response", None)
    code = str(response["Error"].get("Code", "")) if response else type(error).__name__
    text = " ".join(str(error).split())
    if "kms" in text.lower():
        return f"the key refuses: kms:GenerateDataKey (to push) or kms:Decrypt (to pull) is missing ({text})"
    for reason, codes in _REASONS.items():
        if code in codes:
            return reason.format(permission=permission, code=code, text=text, guide=GUIDE)
    return text


def preflight(remote: Remote, *, write: bool) -> list[Finding]:
    """Try what `dvc pull` and, with ``write``, `dvc push` need; at most 40 bytes are sent, and deleted again.

    Args:
        remote: An S3 remote.
        write: Try to push too.

    Returns:
        In the order of trying; ``missing`` are the ones without which it will not work.

    Raises:
        InputError: It is no S3 store, cannot be reached, has no such bucket, or knows no such credentials.
    """
    place = urlsplit(remote.url)
    if place.scheme != "s3":
        what = f"remote {remote.name!r} is {remote.url}: only S3 stores are tried out"
        raise InputError(what, file=CONFIG, mend="See `dvc remote list`")
    return _Trial(remote, place.netloc, place.path.strip("/")).all(write=write)


class _Trial:
    def __init__(self, remote: Remote, bucket: str, prefix: str) -> None:
        self._remote, self._bucket, self._prefix = remote, bucket, prefix
        self._store = client(remote)
        self._probe = "/".join(filter(None, [prefix, f".provenline-preflight-{secrets.token_hex(8)}"]))
        self._found: list[Finding] = []

    def all(self, *, write: bool) -> list[Finding]:
        listed = self._try(
            "s3:ListBucket",
            "sees what is there",
            lambda: self._store.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1),
        )
        known = [one["Key"] for one in (listed or {}).get("Contents", [])]
        if not write:
            self._readable(known[0] if known else "")
            return self._found
        if self._try("s3:PutObject", "pushes", self._put) is not None:
            self._readable(self._probe)
            self._try("s3:AbortMultipartUpload", "clears up after a large file cut off", self._multipart)
            self._delete()
        return self._found

    def _try(
        self, permission: str, purpose: str, work: Callable[[], Any], *, needed: bool = True
    ) -> Any | None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = work()
        except (BotoCoreError, ClientError) as error:
            reason = explain(error, permission)
            if not reason.startswith((permission, "the key", "it is not")):  # nothing else would go either
                mend = f"See {GUIDE}"
                raise InputError(f"remote {self._remote.name!r}: {reason}", file=CONFIG, mend=mend) from None
            self._found.append(Finding(permission, "missing" if needed else "note", reason))
            return None
        self._found.append(Finding(permission, "ok", purpose))
        return answer

    def _put(self) -> Any:
        return self._store.put_object(Bucket=self._bucket, Key=self._probe, Body=_PROBE, **self._encrypted())

    def _encrypted(self) -> dict[str, str]:
        """Return what DVC asks for with whatever it sends."""
        asked = {"ServerSideEncryption": "sse", "SSEKMSKeyId": "sse_kms_key_id"}
        given = self._remote.settings
        return {name: given[option] for name, option in asked.items() if given.get(option)}

    def _readable(self, key: str) -> None:
        if not key:
            self._found.append(Finding("s3:GetObject", "note", "nothing is there yet that could be read"))
            return
        answer = self._try(
            "s3:GetObject", "pulls", lambda: self._store.head_object(Bucket=self._bucket, Key=key)
        )
        if answer is not None:
            self._encryption(str(answer.get("ServerSideEncryption", "")))
        self._private(key)

    def _encryption(self, found: str) -> None:
        wanted = self._remote.settings.get("sse", "")
        if wanted and found != wanted:
            text = f"{wanted} is asked for, the store says {found or 'nothing'}: {GUIDE}"
            self._found.append(Finding("encryption", "missing", text))
        else:
            self._found.append(
                Finding("encryption", "ok" if found else "note", found or "the store says nothing")
            )

    def _private(self, key: str) -> None:
        """Ask once without credentials: whoever does must get nothing."""
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        stranger = client(self._remote, Config(signature_version=UNSIGNED))
        try:
            stranger.head_object(Bucket=self._bucket, Key=key)
        except (BotoCoreError, ClientError):
            self._found.append(Finding("private", "ok", "who has no credentials gets nothing"))
        else:
            text = f"anybody can read {key}: block public access of the bucket"
            self._found.append(Finding("private", "missing", text))

    def _multipart(self) -> Any:
        where = {"Bucket": self._bucket, "Key": f"{self._probe}-part"}
        begun = self._store.create_multipart_upload(**where, **self._encrypted())
        return self._store.abort_multipart_upload(**where, UploadId=begun["UploadId"])

    def _delete(self) -> None:
        gone = self._try(
            "s3:DeleteObject",
            "only `dvc gc --cloud` needs it",
            lambda: self._store.delete_object(Bucket=self._bucket, Key=self._probe),
            needed=False,
        )
        if gone is None:
            text = f"{self._probe} (40 bytes) stays behind"
            self._found.append(Finding("", "note", text))
