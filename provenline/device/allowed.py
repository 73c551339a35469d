"""Which devices' signatures count: ``models/devices.json``, in git, changed by a person's commit."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from provenline.errors import InputError
from provenline.files import read_json

DEVICES = Path("models/devices.json")
FORMAT = 1


def _key(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 32:
        raise ValueError("is no Ed25519 public key (32 bytes in Base64)")
    return text


PublicKey = Annotated[str, AfterValidator(_key)]


class Device(BaseModel):
    """One device whose proofs count.

    Attributes:
        name: As the report calls it.
        public_key: 32 bytes in Base64, as `provenline device show` prints it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    public_key: PublicKey


class Devices(BaseModel):
    """The allow-list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    devices: tuple[Device, ...]

    def name_of(self, public_key: str) -> str | None:
        """Return the name of the device with this key, or None where it is not on the list."""
        raw = base64.b64decode(public_key)
        same = (one.name for one in self.devices if base64.b64decode(one.public_key) == raw)
        return next(same, None)


def read_devices(path: Path) -> Devices:
    """Read the allow-list; where the file is missing, no device is on it.

    Raises:
        InputError: It is malformed, or names one device or one key twice.
    """
    if not path.is_file():
        return Devices(format=FORMAT, devices=())
    try:
        found = Devices.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(first["msg"], file=path, place=".".join(map(str, first["loc"]))) from None
    for what, values in (
        ("name", [one.name for one in found.devices]),
        ("key", [base64.b64decode(one.public_key) for one in found.devices]),
    ):
        if len(set(values)) != len(values):
            raise InputError(f"a {what} stands there twice", file=path, mend="Give every device its own")
    return found
