"""Does this engine do on this device what its bundle promises, and how fast? Needs only the bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provenline.detectors.bundle import MANIFEST, PLAN
from provenline.detectors.machine import differences, machine, onnxruntime_version
from provenline.engines import manifest
from provenline.engines.manifest import Manifest
from provenline.errors import InputError

if TYPE_CHECKING:  # they bring pandas, and a rollback has no second to wait for it
    from provenline.engines.golden import Agreement
    from provenline.engines.params import LatencyParams

_HERE = "Build it on this device: `provenline engine build`"


@dataclass(frozen=True)
class Attested:
    """What was found of an engine that holds.

    Attributes:
        manifest: The engine's.
        golden: How far it is from the ONNX file.
        latency: As ``engines.latency.measure`` returns it, on the golden pictures.
    """

    manifest: Manifest
    golden: Agreement
    latency: dict[str, Any]


def attest(folder: Path, params: LatencyParams, wanted: str) -> Attested:
    """Check an engine's hashes and this machine before anything is opened, then compare and measure.

    Args:
        folder: The engine, or an ONNX Runtime bundle as it was fetched.
        params: Calls that do not count, then calls that do.
        wanted: Identity that the bundle must have; empty accepts any.

    Raises:
        InputError: A hash differs, the engine is not for this machine (all that differs is named), or its
            outputs are further from the expected ones than the bundle allows.
    """
    made = manifest.verify(folder, wanted)
    fits(made, folder)
    device = device_of(made)
    agreement = compare(folder, made, device)
    from provenline.engines import golden, latency

    measured = latency.measure(folder, golden.pictures_of(folder, made), params, device)
    return Attested(made, agreement, measured)


def compare(folder: Path, made: Manifest, device: str) -> Agreement:
    """Hold an engine against its golden inputs.

    Raises:
        InputError: It cannot be opened, or differs by more than the bundle allows.
    """
    from provenline.detectors.open import open_engine
    from provenline.engines import golden

    agreement = golden.compare(folder, made, open_engine(folder, device))
    if not agreement.holds:
        what = (
            f"the engine does not say what its ONNX file says: a score differs by {agreement.score:.4g} "
            f"({agreement.score_tolerance:g} is allowed), a box by {agreement.box:.4g} px "
            f"({agreement.box_tolerance:g} is allowed), at {made.runs_at}"
        )
        raise InputError(what, file=folder, mend="It must not run here; look at driver and runtime")
    return agreement


def device_of(made: Manifest) -> str:
    """Return what the engine is opened on: ``cpu`` or ``cuda``."""
    return "cuda" if made.hardware else made.target["device"]


def fits(made: Manifest, folder: Path) -> None:
    """Refuse an engine that was not made for this machine; opens nothing.

    Raises:
        InputError: Names everything that differs.
    """
    if made.hardware:
        if found := differences(made.hardware, machine()):
            raise InputError("; ".join(found), file=folder / PLAN, mend=_HERE)
        return
    if made.target["kind"] == "tensorrt":
        raise InputError("holds no TensorRT plan", file=folder, mend=_HERE)
    built, here = made.builder.get("onnxruntime", ""), onnxruntime_version() or "none"
    # Within a major version later runtimes run older files; nothing is promised beyond.
    if built and built.split(".")[0] != here.split(".")[0]:
        what = f"made with ONNX Runtime {built}, this machine has {here}"
        raise InputError(what, file=folder / MANIFEST, mend=f"Install ONNX Runtime {built.split('.')[0]}")
