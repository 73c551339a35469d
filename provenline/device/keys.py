"""The device's own Ed25519 key: made once, kept in the user's state folder, never in a project."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from provenline.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = "device_key.pem"
VARIABLE = "PROVENLINE_STATE"  # another folder for the key, where the home folder does not last


def state_folder() -> Path:
    """Return the folder of this device's key: of ``PROVENLINE_STATE``, else the user's state folder."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "provenline"


def create(folder: Path) -> Path:
    """Make the device's key; the file is readable by its owner alone, and appears whole or not at all.

    Raises:
        InputError: There is one already, or the folder lies in a project.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    _outside_projects(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    final = folder / KEY
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".key.", suffix=".tmp")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(pem)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(temporary, final)  # unlike a rename it never replaces a key that is there
    except FileExistsError:
        what = "this device has a key already"
        raise InputError(what, file=final, mend="`provenline device show` prints it") from None
    finally:
        Path(temporary).unlink()
    return final


def load(folder: Path) -> Ed25519PrivateKey:
    """Return the device's key.

    Raises:
        InputError: There is none, others may read it, or it is no Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = folder / KEY
    if not path.is_file():
        raise InputError("this device has no key", file=path, mend="Make it: `provenline device init`")
    if path.stat().st_mode & 0o077:
        raise InputError("others may read this key", file=path, mend="chmod 600, or make another")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError("no Ed25519 key", file=path, mend="Remove it and run `provenline device init`")
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """Return the public key as the allow-list and the proofs write it: 32 bytes in Base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def fingerprint(public: str) -> str:
    """Return a public key's fingerprint, to be compared by eye: as ssh writes them.

    >>> fingerprint("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    'SHA256:Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU'
    """
    digest = hashlib.sha256(base64.b64decode(public)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _outside_projects(folder: Path) -> None:
    absolute = folder.absolute()
    for parent in (absolute, *absolute.parents):
        if (parent / ".dvc").is_dir() or (parent / "dvc.yaml").is_file():
            what = f"a key must not lie in a project ({parent})"
            raise InputError(what, file=folder, mend=f"Set {VARIABLE} to a folder outside")
