"""Figures of engines, with and without a device's word behind them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provenline.device import keys, proof
from provenline.engines.manifest import identity
from provenline.errors import InputError
from provenline.reports import gather, limits, rows, summary
from provenline.reports.evidence import Engine, Evidence
from tests.device import world

TARGET = "onnxruntime-cpu"
GOLDEN = {"inputs": 2, "score": 0.0, "box": 0.0, "score_tolerance": 0.001, "box_tolerance": 0.1}
LATENCY = {
    "p50_ms": 88.0,
    "p95_ms": 91.0,
    "images_per_s": 11.4,
    "device": "cpu",
    "machine": {"cpu": "Cortex-A78AE", "cores": 6, "gpu": None},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What `trt-build` leaves: the identity of two engines, and their latency on the machine of the build."""
    identity_, measured = {}, {}
    for role in ("base", "candidate"):
        digest = ("d" if role == "base" else "e") * 64
        made = {"onnx_sha256": digest, "checkpoint_sha256": digest, "precision": "fp32", "imgsz": 320}
        identity_[role] = {"manifest": {**made, "target": {"name": TARGET}, "hardware": None}}
        machine = {"cpu": "Some Processor 3000", "cores": 2, "gpu": None}
        measured[role] = {"p50_ms": 21.4, "p95_ms": 24.9, "images_per_s": 46.1, "machine": machine}
    for path, content in (
        (f"metrics/trt_build/{TARGET}.json", identity_),
        (f"models/engines/{TARGET}/measurements.json", measured),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(content))
    (tmp_path / "params.yaml").write_text(f"round: v0\ntrt_build: {{{TARGET}: {{}}}}\n")
    return tmp_path


def sign(project: Path, role: str, state: str = "state") -> Path:
    """Lay a proof of one role's engine into the project, by the device whose key lies in ``state``."""
    if not (project / state).exists():
        keys.create(project / state)
    content = json.loads((project / f"metrics/trt_build/{TARGET}.json").read_text())[role]["manifest"]
    about = proof.Engine(
        bundle_sha256=identity(content),
        target=TARGET,
        runtime="onnxruntime",
        precision="fp32",
        plan_sha256=None,
    )
    path = project / f"models/proofs/{TARGET}/{role}.json"
    proof.write(about, GOLDEN, LATENCY, keys.load(project / state), path)
    return path


def allow(project: Path) -> None:
    public = keys.public_text(keys.load(project / "state"))
    world.allow(project / "models/devices.json", cell3=public)


def engines(project: Path) -> dict[str, Engine]:
    found = gather.engines(gather.Gatherer(project), (TARGET,))
    return {one.role: one for one in found}


def said(project: Path) -> tuple[list[tuple[object, ...]], str, str]:
    """Return what the table, the limits and the summary say."""
    found = tuple(engines(project).values())
    evidence = Evidence(usecase="u", round="v0", engines=found)
    table = [row[-3:] for row in rows.engines(found).rows]
    return table, " ".join(limits.limits(evidence)), dict(summary.lines(project))["Engine"]


def test_figures_that_no_device_has_signed_read_unproven_everywhere(project: Path) -> None:
    table, limited, summed = said(project)
    assert table == [(21.4, 24.9, "unproven")] * 2
    for role in ("base", "candidate"):
        assert f"latency of the {role}'s engine for {TARGET} is unproven: no device has signed" in limited
    assert summed == f"{TARGET} p50 21.4 ms, 46.1 images/s, unproven: no device has signed them"


def test_a_devices_proof_brings_its_own_figures(project: Path) -> None:
    sign(project, "candidate")
    allow(project)
    table, limited, summed = said(project)
    assert table == [(21.4, 24.9, "unproven"), (88.0, 91.0, "proven by cell3")]
    assert "the candidate's engine" not in limited and "the base's engine" in limited
    assert summed == f"{TARGET} p50 88 ms, 11.4 images/s, proven by cell3"
    assert engines(project)["candidate"].machine == "Cortex-A78AE, 6 cores"


@pytest.mark.parametrize("fault", ["unknown", "tampered", "truncated", "other bundle", "off the list"])
def test_a_proof_that_does_not_hold_leaves_the_figures_unproven(project: Path, fault: str) -> None:
    path = sign(project, "candidate")
    allow(project)
    reasons = {
        "unknown": "not on the allow-list",
        "tampered": "signature does not hold",
        "truncated": "not JSON",
        "other bundle": "is of the bundle",
        "off the list": "not on the allow-list",
    }
    if fault == "unknown":
        sign(project, "candidate", "other")
    elif fault == "tampered":
        world.change(path, "statement", "latency", "p50_ms", value=8.0)
    elif fault == "truncated":
        path.write_bytes(path.read_bytes()[:-9])
    elif fault == "other bundle":
        sign(project, "base").replace(path)
    else:
        world.allow(project / "models/devices.json")
    found = engines(project)["candidate"]
    assert (found.device, found.latency["p50_ms"]) == ("", 21.4)
    assert reasons[fault] in found.unproven
    table, limited, summed = said(project)
    assert table[1] == (21.4, 24.9, "unproven")
    assert reasons[fault] in limited and reasons[fault] in summed


def test_an_allow_list_that_cannot_be_read_stops_the_report(project: Path) -> None:
    (project / "models").mkdir(exist_ok=True)
    (project / "models/devices.json").write_text("{}")
    with pytest.raises(InputError, match=r"devices\.json"):
        engines(project)


@pytest.mark.parametrize(("written", "shown"), [(320, "fp32 320"), ([384, 640], "fp32 384x640")])
def test_the_table_names_the_input(project: Path, written: object, shown: str) -> None:
    path = project / f"metrics/trt_build/{TARGET}.json"
    content = json.loads(path.read_text())
    content["base"]["manifest"]["imgsz"] = written
    path.write_text(json.dumps(content))
    assert [row[2] for row in rows.engines([engines(project)["base"]]).rows] == [shown]
    content["base"]["manifest"]["imgsz"] = [384]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"base\.manifest\.imgsz: is \[384\], not a positive multiple of 32"):
        engines(project)
