from __future__ import annotations

import base64
import os
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from provenline.cli import app
from provenline.device import keys
from provenline.device.allowed import read_devices
from provenline.errors import InputError
from tests.device import world

run = CliRunner().invoke


def test_a_key_is_its_owners_alone_and_made_once(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = keys.create(tmp_path / "state")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == [keys.KEY]
    before = path.read_bytes()
    with pytest.raises(InputError, match="has a key already"):
        keys.create(tmp_path / "state")
    assert path.read_bytes() == before and len(list(path.parent.iterdir())) == 1
    keys.load(tmp_path / "state")
    path.chmod(0o640)
    with pytest.raises(InputError, match="others may read"):
        keys.load(tmp_path / "state")


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no key"):
        keys.load(tmp_path)
    rsa = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"nonsense", rsa):
        (tmp_path / keys.KEY).write_bytes(content)
        (tmp_path / keys.KEY).chmod(0o600)
        with pytest.raises(InputError, match="no Ed25519 key"):
            keys.load(tmp_path)


def test_openssl_reads_the_same_public_key(tmp_path: Path) -> None:
    path = keys.create(tmp_path)
    command = ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"]
    der = subprocess.run(command, capture_output=True, check=True).stdout
    assert base64.b64decode(keys.public_text(keys.load(tmp_path))) == der[-32:]


def test_no_key_is_put_into_a_project(tmp_path: Path) -> None:
    (tmp_path / "project/.dvc").mkdir(parents=True)
    with pytest.raises(InputError, match="must not lie in a project"):
        keys.create(tmp_path / "project/deep/state")
    assert not (tmp_path / "project/deep").exists()


def test_init_prints_what_the_allow_list_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.VARIABLE, str(tmp_path / "state"))
    done = run(app, ["device", "init", "--name", "cell 3"])
    assert done.exit_code == 0, done.output
    entry = done.output.strip().splitlines()[-1]
    (tmp_path / "devices.json").write_text(f'{{"format": 1, "devices": [{entry}]}}')
    public = keys.public_text(keys.load(tmp_path / "state"))
    assert read_devices(tmp_path / "devices.json").name_of(public) == "cell 3"
    assert "PRIVATE" not in done.output
    assert keys.fingerprint(public) in run(app, ["device", "show"]).output
    assert isinstance(run(app, ["device", "init"]).exception, InputError)


def test_where_the_key_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert keys.state_folder() == tmp_path / ".local/state/provenline"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "x"))
    assert keys.state_folder() == tmp_path / "x/provenline"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", "object|dictionary"),
        ('{"format": 2, "devices": []}', "1"),
        ('{"format": 1, "devices": [{"name": "a", "public_key": "AAAA"}]}', "no Ed25519 public key"),
        ('{"format": 1, "devices": [{"name": "", "public_key": "' + "A" * 43 + '="}]}', "at least 1"),
    ],
)
def test_an_ill_formed_allow_list_is_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "devices.json").write_text(content)
    with pytest.raises(InputError, match=says):
        read_devices(tmp_path / "devices.json")


def test_a_key_or_a_name_stands_there_once(tmp_path: Path) -> None:
    one, two = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
    world.allow(tmp_path / "devices.json", a=one, b=two)
    assert read_devices(tmp_path / "devices.json").name_of(two) == "b"
    world.allow(tmp_path / "devices.json", a=one, b=one)
    with pytest.raises(InputError, match="a key stands there twice"):
        read_devices(tmp_path / "devices.json")
    assert read_devices(tmp_path / "absent.json").devices == ()
