"""Bundles, a device with a key, and an allow-list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from provenline.device import attest, keys, proof
from provenline.device.proof import Proof
from provenline.engines.params import LatencyParams
from tests.engines import world

LATENCY = LatencyParams(warmup=1, repeats=3)


def bundle(folder: Path, number: int = 0, padding: int = 0) -> Path:
    """A bundle that differs from every other number's."""
    return world.bundle(folder, shift=0.25 * number, padding=padding, checkpoint_sha256=f"{number:064x}")


def prove(folder: Path, state: Path, path: Path | None = None) -> Proof:
    """Have the device whose key lies in ``state`` sign a proof of an engine."""
    if not (state / keys.KEY).exists():
        keys.create(state)
    found = attest.attest(folder, LATENCY, "")
    about = proof.engine_of(found.manifest)
    place = path or folder / "proof.json"
    return proof.write(about, found.golden.to_dict(), found.latency, keys.load(state), place)


def allow(path: Path, **devices: str) -> Path:
    """Write an allow-list of public keys by name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    listed = [{"name": name, "public_key": key} for name, key in devices.items()]
    path.write_text(json.dumps({"format": 1, "devices": listed}))
    return path


def change(path: Path, *keys_: str | int, value: Any) -> None:
    """Change one value of a JSON file in place."""
    content = json.loads(path.read_text())
    part = content
    for key in keys_[:-1]:
        part = part[key]
    part[keys_[-1]] = value
    path.write_text(json.dumps(content))


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def leaves(value: Any, *place: str | int) -> list[tuple[str | int, ...]]:
    """Return where the plain values of a JSON value stand."""
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        return [place]
    return [leaf for key, child in items for leaf in leaves(child, *place, key)]
