"""What of this machine an engine can be bound to, read without loading any of it.

UNPROVEN on a Jetson: the forms of its files are NVIDIA's documented ones, and the tests hold them as texts.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_L4T = re.compile(r"# R(\d+) \(release\), REVISION: ([\d.]+)")


@dataclass(frozen=True)
class Machine:
    """Versions and names; None where there is no such thing here.

    Attributes:
        gpu: The first GPU's name; on a Jetson the board's, which tells its modules apart.
        driver: Of the GPU.
        l4t: Release of Jetson Linux, which a JetPack is one name for: ``R36.4.3`` is JetPack 6.2.
        tensorrt: Version of the installed package.
        onnxruntime: Version of the installed package.
    """

    gpu: str | None
    driver: str | None
    l4t: str | None
    tensorrt: str | None
    onnxruntime: str | None

    def to_dict(self) -> dict[str, str | None]:
        """Return a JSON object."""
        return asdict(self)


def differences(hardware: Mapping[str, str], here: Machine) -> list[str]:
    """Return in which way a machine is not the one that a plan was built on; empty if in none.

    Args:
        hardware: What the manifest says of it (``detectors.manifest.Hardware``).
        here: This machine.
    """
    pairs = (
        ("GPU", hardware["gpu"], here.gpu),
        ("driver", hardware["driver"], here.driver),
        ("JetPack (L4T)", hardware["l4t"], here.l4t),
        ("TensorRT", hardware["tensorrt"], here.tensorrt),
    )
    return [
        f"built for {name} {wanted or 'none'}, this machine has {found or 'none'}"
        for name, wanted, found in pairs
        if wanted != (found or "")
    ]


def machine(root: Path = Path("/")) -> Machine:
    """Return what this machine is; ``root`` is where its file system begins."""
    name, driver = gpu_and_driver()
    release = l4t(root)
    return Machine(
        gpu=_board(root) or name if release else name,
        driver=driver,
        l4t=release,
        tensorrt=_tensorrt(),
        onnxruntime=onnxruntime_version(),
    )


def onnxruntime_version() -> str | None:
    """Return the version of the ONNX Runtime that runs here, or None.

    Not of a package: where both of them are installed, their lists of files are no longer true.
    """
    try:
        import onnxruntime
    except ImportError:
        return None
    return str(onnxruntime.__version__)


def l4t(root: Path = Path("/")) -> str | None:
    """Return the release of Jetson Linux (``R36.4.3``), or None elsewhere."""
    found = _L4T.search(_text(root / "etc/nv_tegra_release"))
    return f"R{found[1]}.{found[2]}" if found else None


def gpu_and_driver() -> tuple[str | None, str | None]:
    """Return the first GPU's name and driver as its driver gives them; None without one."""
    answer = said("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
    if not answer:
        return None, None
    name, _, driver = answer.splitlines()[0].rpartition(",")
    return name.strip() or None, driver.strip() or None


def installed(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def said(*command: str) -> str:
    """Return what a program prints; empty where it is not there, fails or hangs."""
    words: Sequence[str] = command
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _tensorrt() -> str | None:
    found = installed("tensorrt")
    if found or importlib.util.find_spec("tensorrt") is None:
        return found
    import tensorrt  # a system's package may bring the module without its metadata

    return str(tensorrt.__version__)


def _board(root: Path) -> str | None:
    return _text(root / "proc/device-tree/model").strip("\0\n ") or None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
