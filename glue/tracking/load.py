"""How busy the machine is while a training runs: processor, memory, and NVIDIA's GPUs if there are any."""

from __future__ import annotations

import os
import time
from typing import Any

_SECONDS = 10.0  # MLflow's own default


class Load:
    """Means over some seconds each, by MLflow's own monitors and under the names that its page knows."""

    def __init__(self) -> None:
        from mlflow.system_metrics.metrics import cpu_monitor

        processor: Any = cpu_monitor.CPUMonitor
        self._monitors: list[Any] = [processor(), *_gpus()]
        self._seconds = float(os.environ.get("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", _SECONDS))
        self._collect()
        self._clear()  # psutil's first answer means nothing: it counts from the question before

    def sample(self) -> dict[str, float]:
        """Look once; return the means since the last ones if it is time for them."""
        self._collect()
        if time.monotonic() - self._since < self._seconds:
            return {}
        found = {
            f"system/{key}": float(value)
            for monitor in self._monitors
            for key, value in monitor.aggregate_metrics().items()
        }
        self._clear()
        return found

    def _collect(self) -> None:
        for monitor in self._monitors:
            monitor.collect_metrics()

    def _clear(self) -> None:
        for monitor in self._monitors:
            monitor.clear_metrics()
        self._since = time.monotonic()


def _gpus() -> list[Any]:
    from mlflow.system_metrics.metrics import gpu_monitor

    monitor: Any = gpu_monitor.GPUMonitor
    try:
        return [monitor()]
    except (ImportError, RuntimeError):  # no GPU, or nothing that could read it
        return []
