from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenline.cli import app
from provenline.device import keys, proof
from provenline.engines import manifest
from provenline.errors import InputError
from tests.device import world

run = CliRunner().invoke


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, a device that proved it, and an allow-list with that device."""
    folder = tmp_path_factory.mktemp("proof")
    made = world.prove(world.bundle(folder / "bundle"), folder / "state")
    world.allow(folder / "devices.json", cell3=made.public_key)
    return folder


def identity(folder: Path) -> str:
    return manifest.identity(manifest.verify(folder).to_dict())


def check(place: Path, path: Path | None = None) -> str:
    bundle = place / "bundle"
    path = path or bundle / "proof.json"
    return proof.check(path, identity(bundle), "onnxruntime_cpu", place / "devices.json")[1]


def test_an_allowed_devices_proof_of_this_bundle_holds(place: Path) -> None:
    assert check(place) == "cell3"
    found = proof.read(place / "bundle" / "proof.json").statement
    assert found.engine.bundle_sha256 == identity(place / "bundle")
    assert (found.engine.runtime, found.engine.precision, found.engine.plan_sha256) == (
        "onnxruntime", "fp32", None,
    )  # fmt: skip
    assert 0 < found.latency["p50_ms"] <= found.latency["p95_ms"] <= found.latency["p99_ms"]
    assert found.latency["machine"]["cpu"] and "power" in found.latency
    assert found.golden["inputs"] == 2 and found.golden["score"] <= 1e-6


def test_the_signature_is_plain_ed25519_over_canonical_json(place: Path, tmp_path: Path) -> None:
    """Checked by OpenSSL, which knows nothing of this project."""
    import subprocess

    content = json.loads((place / "bundle" / "proof.json").read_text())
    text = json.dumps(content["statement"], sort_keys=True, separators=(",", ":"))
    (tmp_path / "message").write_bytes(b"provenline engine proof 1\n" + text.encode())
    (tmp_path / "signature").write_bytes(base64.b64decode(content["signature"]))
    der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(content["public_key"])
    (tmp_path / "key.der").write_bytes(der)
    command = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-keyform",
        "DER",
        "-inkey",
        str(tmp_path / "key.der"),
    ]
    command += ["-rawin", "-in", str(tmp_path / "message"), "-sigfile", str(tmp_path / "signature")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (tmp_path / "message").write_bytes((tmp_path / "message").read_bytes() + b" ")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_any_value_that_is_changed_breaks_the_proof(place: Path, tmp_path: Path) -> None:
    original = json.loads((place / "bundle" / "proof.json").read_text())
    places = world.leaves(original)
    assert len(places) > 25
    for leaf in places:
        changed = tmp_path / "proof.json"
        changed.write_text(json.dumps(original))
        part = original
        for key in leaf:
            part = part[key]
        other = 0.5 if isinstance(part, float) else 7 if isinstance(part, int) else f"{part or ''}0"
        world.change(changed, *leaf, value=other)
        with pytest.raises(InputError):
            check(place, changed)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"statement": {}, "public_key": "", "signature": ""}']
)
def test_what_is_no_proof_is_one_line(place: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "proof.json").write_text(text)
    with pytest.raises(InputError) as caught:
        check(place, tmp_path / "proof.json")
    assert "\n" not in str(caught.value)


def test_a_truncated_proof_is_refused_wherever_it_ends(place: Path, tmp_path: Path) -> None:
    data = (place / "bundle" / "proof.json").read_bytes()
    for length in range(0, len(data) - 2, 97):
        (tmp_path / "proof.json").write_bytes(data[:length])
        with pytest.raises(InputError):
            check(place, tmp_path / "proof.json")


def test_a_proof_by_an_unknown_device_does_not_count(place: Path, tmp_path: Path) -> None:
    stranger = world.prove(place / "bundle", tmp_path / "other", tmp_path / "proof.json")
    with pytest.raises(InputError, match="not on the allow-list") as caught:
        check(place, tmp_path / "proof.json")
    assert stranger.signer in str(caught.value)
    # Its statement under the allowed device's name is no better.
    allowed = keys.public_text(keys.load(place / "state"))
    world.change(tmp_path / "proof.json", "public_key", value=allowed)
    with pytest.raises(InputError, match="signature does not hold"):
        check(place, tmp_path / "proof.json")


def test_a_proof_of_another_bundle_does_not_count(place: Path, tmp_path: Path) -> None:
    other = world.bundle(tmp_path / "other", 1)
    world.prove(other, place / "state", tmp_path / "proof.json")
    with pytest.raises(InputError, match="is of the bundle"):
        check(place, tmp_path / "proof.json")


def test_a_device_that_was_out_of_tolerance_proves_nothing(place: Path, tmp_path: Path) -> None:
    about = proof.engine_of(manifest.verify(place / "bundle"))
    golden = proof.read(place / "bundle" / "proof.json").statement.golden
    for changed in ({**golden, "box": 5.0}, {**golden, "score": None}, {}):
        proof.write(about, changed, {}, keys.load(place / "state"), tmp_path / "proof.json")
        with pytest.raises(InputError, match="not within the tolerances"):
            check(place, tmp_path / "proof.json")


def test_the_command_verifies_signs_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = world.bundle(tmp_path / "bundle")
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "state"))
    written = tmp_path / "proof.json"
    words = ["engine", "verify", str(bundle), "--repeats", "3", "--warmup", "1", "--proof", str(written)]
    assert "has no key" in str(run(app, words).exception)
    assert run(app, ["device", "init"]).exit_code == 0
    done = run(app, words)
    assert done.exit_code == 0, (done.output, done.exception)
    assert "p99" in done.output and "signed by SHA256:" in done.output
    devices = tmp_path / "devices.json"
    words = ["engine", "check-proof", str(written), str(bundle), "--devices", str(devices)]
    assert "not on the allow-list" in str(run(app, words).exception)
    world.allow(devices, cell3=keys.public_text(keys.load(tmp_path / "state")))
    done = run(app, words)
    assert done.exit_code == 0 and "signed by cell3" in done.output
    world.change(bundle / "manifest.json", "nms_iou", value=0.6)
    assert "is of the bundle" in str(run(app, words).exception)
