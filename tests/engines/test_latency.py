from __future__ import annotations

from pathlib import Path

import pytest

from provenline.engines import latency
from provenline.errors import InputError
from tests.engines import world


def test_an_engine_is_measured_without_torch(tmp_path: Path) -> None:
    folder, frames = world.bundle(tmp_path / "b"), world.frames(tmp_path)
    measured = latency.measure(folder, [tmp_path / path for path in frames["path"]], world.LATENCY, "cpu")
    assert 0 < measured["p50_ms"] <= measured["p95_ms"] <= measured["p99_ms"]
    assert measured["images_per_s"] == pytest.approx(1000 / measured["mean_ms"], rel=0.01)
    assert measured["repeats"] == 3 and measured["frame_size"] == [96, 64]
    assert measured["machine"]["onnxruntime"] and measured["machine"]["cpu"]
    # A process with torch in it takes several times as much.
    assert 20e6 < measured["peak_rss_bytes"] < 400e6


def test_the_runtime_side_imports_no_trainer() -> None:
    import subprocess
    import sys

    code = (
        "import provenline.engines.manifest, provenline.engines.latency, provenline.detectors.open, sys;"
        "print([n for n in ('torch', 'ultralytics', 'onnx', 'scipy', 'sklearn') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bundle_that_does_not_open_says_why_in_one_line(tmp_path: Path) -> None:
    folder, frames = world.bundle(tmp_path / "b"), world.frames(tmp_path)
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(InputError, match=r"model\.onnx") as caught:
        latency.measure(folder, [tmp_path / frames["path"][0]], world.LATENCY, "cpu")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no frame to measure on"):
        latency._measure_here(folder, [], world.LATENCY, "cpu")
