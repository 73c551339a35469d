"""Whose word stands behind an engine's figures: a device's on the allow-list, or nobody's yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from provenline.errors import InputError
from provenline.reports.document import Document

PROOFS = "models/proofs"


@dataclass(frozen=True)
class Standing:
    """What stands behind the figures of one engine.

    Attributes:
        device: Name of the device that signed them, as the allow-list calls it; empty where none did.
        why: Why they are unproven; empty where they are not.
        latency: What that device measured; None where none did.
    """

    device: str
    why: str
    latency: Document | None


def standing(root: Path, target: str, role: str, manifest: Document) -> Standing:
    """Return what stands behind the figures of the engine with this manifest.

    Raises:
        InputError: The allow-list is malformed.
    """
    from provenline.device.allowed import DEVICES, read_devices
    from provenline.device.proof import check
    from provenline.engines.manifest import identity

    read_devices(root / DEVICES)
    path = root / PROOFS / target / f"{role}.json"
    if not path.is_file():
        return Standing("", "no device has signed them", None)
    try:
        proof, name = check(path, identity(manifest.value), target, root / DEVICES)
    except InputError as error:
        return Standing("", f"{PROOFS}/{target}/{role}.json: {error.what}", None)
    return Standing(name, "", Document(path, proof.statement.latency))
