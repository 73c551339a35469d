"""What a device measured of one engine, signed with its key.

The signature covers the statement's canonical JSON (sorted keys, no spaces, ASCII) behind a fixed prefix,
so that it can be taken for nothing else. What it proves: that whoever holds the device's key stated this of
exactly this bundle. Not that the device told the truth: a key that was copied signs as well.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from provenline.device.allowed import PublicKey, read_devices
from provenline.device.keys import fingerprint, public_text
from provenline.engines import manifest
from provenline.engines.manifest import Manifest
from provenline.errors import InputError
from provenline.files import read_json, write_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PREFIX = b"provenline engine proof 1\n"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Engine(_Strict):
    """Which engine it is about.

    Attributes:
        bundle_sha256: Identity of the bundle (``engines.manifest.identity``).
        target: Name of the bundle's target.
        runtime: ``onnxruntime`` or ``tensorrt``: what ran on the device.
        precision: Of what ran.
        plan_sha256: Of the plan, where TensorRT ran one.
    """

    bundle_sha256: Sha256
    target: str
    runtime: Literal["onnxruntime", "tensorrt"]
    precision: str
    plan_sha256: Sha256 | None


class Statement(_Strict):
    """What the device says.

    Attributes:
        format: Version of these keys.
        engine: Which engine.
        measured_at: When, in UTC, by the device's clock.
        golden: How far it was from the ONNX file (``engines.golden.Agreement``).
        latency: What ``engines.latency.measure`` returned, machine, clocks and power mode with it.
    """

    format: Literal[1]
    engine: Engine
    measured_at: AwareDatetime
    golden: dict[str, Any]
    latency: dict[str, Any]


class Proof(_Strict):
    """A statement and the signature of the device that made it."""

    statement: Statement
    public_key: PublicKey
    signature: str

    @property
    def signer(self) -> str:
        """The fingerprint of the key that signed."""
        return fingerprint(self.public_key)


def engine_of(made: Manifest) -> Engine:
    """Return what a proof of this engine says that it is about."""
    return Engine(
        bundle_sha256=manifest.identity(made.to_dict()),
        target=made.target["name"],
        runtime="tensorrt" if made.hardware else "onnxruntime",
        precision=made.runs_at,
        plan_sha256=made.hardware["plan_sha256"] if made.hardware else None,
    )


def write(engine: Engine, golden: Any, latency: Any, key: Ed25519PrivateKey, path: Path) -> Proof:
    """Sign what was measured just now, and write it, whole or not at all."""
    now = datetime.now(timezone.utc).replace(microsecond=0).isoformat()
    statement = {
        "format": 1,
        "engine": engine.model_dump(),
        "measured_at": now,
        "golden": golden,
        "latency": latency,
    }
    signature = base64.b64encode(key.sign(_signed(statement))).decode()
    content = {"statement": statement, "public_key": public_text(key), "signature": signature}
    write_json(path, content)
    return Proof.model_validate(content)


def read(path: Path) -> Proof:
    """Read a proof and check that its signature is that of the key it names; says nothing of whose key.

    Raises:
        InputError: It is malformed, or was changed after it was signed.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    content = read_json(path)
    try:
        proof = Proof.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or None
        raise InputError(f"no proof ({first['msg']})", file=path, place=place, mend=_AGAIN) from None
    try:
        signature = base64.b64decode(proof.signature, validate=True)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(proof.public_key))
        public.verify(signature, _signed(content["statement"]))
    except (InvalidSignature, ValueError):
        raise InputError("the signature does not hold", file=path, mend=_AGAIN) from None
    return proof


def check(path: Path, bundle_sha256: str, target: str, devices: Path) -> tuple[Proof, str]:
    """Check that a device on the allow-list signed a proof of exactly this bundle.

    Args:
        path: The proof.
        bundle_sha256: Identity of the bundle that it must be of.
        target: Name of the bundle's target.
        devices: The allow-list.

    Returns:
        The proof, and the device's name on the list.

    Raises:
        InputError: The signature does not hold, the key is not on the list, it is another engine's proof,
            or the engine was not within its tolerances.
    """
    proof = read(path)
    name = read_devices(devices).name_of(proof.public_key)
    if name is None:
        what = f"signed by {proof.signer}, which is not on the allow-list"
        raise InputError(what, file=path, mend=f"Name the device in {devices} if its word counts")
    stated = proof.statement.engine
    if stated.bundle_sha256 != bundle_sha256:
        what = f"is of the bundle {stated.bundle_sha256[:12]}…, not of {bundle_sha256[:12]}…"
        raise InputError(what, file=path, mend=_AGAIN)
    if stated.target != target:
        raise InputError(f"is of target {stated.target}, not of {target}", file=path, mend=_AGAIN)
    if not _within(proof.statement.golden):
        raise InputError("the device was not within the tolerances", file=path, mend=_AGAIN)
    return proof, name


_AGAIN = "Run `provenline engine verify` on the device again"


def _within(golden: Any) -> bool:
    pairs = (("score", "score_tolerance"), ("box", "box_tolerance"))
    values = [(golden.get(found), golden.get(allowed)) for found, allowed in pairs]
    numbers = all(isinstance(one, (int, float)) for pair in values for one in pair)
    return numbers and all(found <= allowed for found, allowed in values)


def _signed(statement: Any) -> bytes:
    """Return the bytes that are signed.

    Raises:
        ValueError: A number is none that JSON has.
    """
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return _PREFIX + text.encode()
