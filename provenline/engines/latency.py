"""How fast an engine is on this machine, end to end on real frames.

Measured in a process of its own that holds nothing but the base package, so that the memory is
what an edge device would see and no trainer's thread pool is in the way::

    python -m provenline.engines.latency BUNDLE WARMUP REPEATS DEVICE < paths, one per line
"""

from __future__ import annotations

import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from provenline.detectors.base import Detector
from provenline.detectors.device import cores
from provenline.detectors.machine import machine as describe
from provenline.engines import power
from provenline.engines.params import LatencyParams
from provenline.errors import InputError
from provenline.images import read_image

Image = NDArray[np.uint8]


def time_detector(detector: Detector, images: Sequence[Image], params: LatencyParams) -> dict[str, Any]:
    """Time ``predict`` on one image at a time: preprocessing, inference and postprocessing.

    Args:
        detector: What is measured.
        images: Decoded frames, BGR, taken in turn.
        params: Calls that do not count, then calls that do.

    Returns:
        Milliseconds per image: ``p50_ms``, ``p95_ms``, ``p99_ms``, ``mean_ms``, ``first_ms`` (the very
        first call, in the warm-up or not) and ``images_per_s``.
    """
    times = []
    for turn in range(params.warmup + params.repeats):
        start = time.perf_counter()
        detector.predict([images[turn % len(images)]])
        times.append((time.perf_counter() - start) * 1000)
    counted = np.asarray(times[params.warmup :])
    p50, p95, p99 = (round(float(value), 3) for value in np.percentile(counted, [50, 95, 99]))
    return {
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "mean_ms": round(float(counted.mean()), 3),
        "first_ms": round(times[0], 3),
        "images_per_s": round(1000 / float(counted.mean()), 2),
        "warmup": params.warmup,
        "repeats": params.repeats,
    }


def measure(bundle: Path, images: Sequence[Path], params: LatencyParams, device: str) -> dict[str, Any]:
    """Measure an engine in a process of its own.

    Args:
        bundle: Folder with the engine and its manifest.
        images: Stored frames; decoded before the clock starts.
        params: Calls that do not count, then calls that do.
        device: ``cpu`` or ``cuda``.

    Returns:
        What ``time_detector`` returns, with ``load_ms``, ``peak_rss_bytes`` of the whole process and
        ``machine`` (processor, cores, GPU, versions) and ``power`` (clocks and power mode, right after
        the last call).

    Raises:
        InputError: The engine does not load or run; carries the process's last line.
    """
    command = [sys.executable, "-m", "provenline.engines.latency", str(bundle)]
    command += [str(params.warmup), str(params.repeats), device]
    paths = "\n".join(str(path) for path in images)
    done = subprocess.run(command, input=paths, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise InputError(f"the engine could not be measured ({last})", file=bundle)
    measured: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return measured


def _measure_here(bundle: Path, paths: Sequence[str], params: LatencyParams, device: str) -> dict[str, Any]:
    from provenline.detectors.open import open_engine

    images = [read_image(path) for path in paths]
    if not images:
        raise InputError("no frame to measure on", file=bundle)
    start = time.perf_counter()
    detector = open_engine(bundle, device)
    load_ms = round((time.perf_counter() - start) * 1000, 1)
    timed = time_detector(detector, images, params)
    shape = [images[0].shape[1], images[0].shape[0]]
    return {
        **timed,
        "load_ms": load_ms,
        "peak_rss_bytes": _peak_rss(),
        "batch": 1,
        "frame_size": shape,
        "device": device,
        "machine": machine(),
        "power": power.power(),
    }


def machine() -> dict[str, Any]:
    """Return the processor, the cores that this process may use, the GPU or None, and versions."""
    here = describe()
    return {
        "cpu": _cpu_name(),
        "cores": cores(),
        "gpu": ", ".join(filter(None, (here.gpu, here.driver))) or None,
        "l4t": here.l4t,
        "tensorrt": here.tensorrt,
        "onnxruntime": here.onnxruntime,
        "opencv": cv2.__version__,
        "python": platform.python_version(),
    }


def _peak_rss() -> int:
    # Not ru_maxrss on Linux: it keeps the size of the process that started this one.
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _main(arguments: Sequence[str]) -> int:
    bundle, warmup, repeats, device = arguments
    params = LatencyParams(warmup=int(warmup), repeats=int(repeats))
    try:
        measured = _measure_here(Path(bundle), sys.stdin.read().splitlines(), params, device)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(measured))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
