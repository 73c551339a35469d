"""Clocks and power mode: the same engine on the same board is twice as slow in another mode.

UNPROVEN on a Jetson: nvpmodel's answer is read in the form that NVIDIA documents.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from provenline.detectors.machine import said

_GPU = ("clocks.sm", "clocks.max.sm", "clocks.mem", "power.draw", "power.limit")
_MODE = re.compile(r"NV Power Mode:\s*(\S+)")


def power(root: Path = Path("/")) -> dict[str, Any]:
    """Return what the system tells of its clocks, now; what it does not tell is left out.

    Returns:
        ``governor`` (cpufreq's, all that are in use), ``cpu_mhz`` and ``cpu_max_mhz`` (of the fastest
        core), ``nvpmodel`` (a Jetson's power mode), ``gpu_pinned`` (whether a Jetson's GPU clock is held
        at its highest, as jetson_clocks does) and ``gpu`` (nvidia-smi's clocks in MHz and power in W).
    """
    cores = sorted((root / "sys/devices/system/cpu/cpufreq").glob("policy*"))
    found = {
        "governor": ", ".join(sorted({one for core in cores if (one := _text(core / "scaling_governor"))})),
        "cpu_mhz": max((_mhz(core / "scaling_cur_freq") for core in cores), default=0),
        "cpu_max_mhz": max((_mhz(core / "scaling_max_freq") for core in cores), default=0),
        "nvpmodel": _mode(said("nvpmodel", "-q")),
        "gpu_pinned": _pinned(root),
        "gpu": _gpu(),
    }
    return {name: value for name, value in found.items() if value or value is False}


def _mode(answer: str) -> str:
    found = _MODE.search(answer)
    return found[1] if found else ""


def _gpu() -> dict[str, float]:
    answer = said("nvidia-smi", f"--query-gpu={','.join(_GPU)}", "--format=csv,noheader,nounits")
    values = answer.splitlines()[0].split(",") if answer else []
    return {name: float(text) for name, text in zip(_GPU, values, strict=False) if _is_number(text)}


def _pinned(root: Path) -> bool | None:
    folders = [*(root / "sys/class/devfreq").glob("*.gpu"), *(root / "sys/class/devfreq").glob("*.ga10b")]
    for folder in folders:
        low, high = _text(folder / "min_freq"), _text(folder / "max_freq")
        if low and high:
            return low == high
    return None


def _mhz(path: Path) -> int:
    text = _text(path)
    return int(text) // 1000 if text.isdigit() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*\d+(\.\d+)?\s*", text) is not None
