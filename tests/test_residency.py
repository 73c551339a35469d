"""Where data may go: decided before a byte leaves, by where the bytes would really go."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from provenline import residency
from provenline.cli import app
from provenline.errors import InputError
from provenline.footage.params import Place, Residency
from provenline.residency import Remote, no_address

AWS = ""


def allowed(*places: tuple[str, str], regions: tuple[str, ...] = ()) -> Residency:
    return Residency(
        remotes=tuple(Place(url=url, endpoint=endpoint) for url, endpoint in places), regions=regions
    )


def remote(url: str, **settings: str) -> Remote:
    return Remote("storage", {"url": url, **settings})


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("url", "settings", "fits"),
    [
        ("s3://bucket/dvc", {}, True),
        ("s3://bucket/dvc/", {}, True),
        ("s3://bucket/dvc/team", {}, True),
        ("s3://bucket/dvc2", {}, False),
        ("s3://bucket", {}, False),
        ("s3://other/dvc", {}, False),
        ("s3://bucket/dvc/../secret", {}, False),
        ("gs://bucket/dvc", {}, False),
        ("s3://bucket/dvc", {"endpointurl": "https://elsewhere.example"}, False),
        ("s3://bucket/dvc", {"endpointurl": "https://amazonaws.com.evil.example"}, False),
        ("s3://bucket/dvc", {"region": "eu-central-1"}, True),
        ("/mnt/share", {}, False),
    ],
)
def test_only_allowed_places_pass(url: str, settings: dict[str, str], fits: bool) -> None:
    policy = allowed(("s3://bucket/dvc", AWS))
    if fits:
        residency.check([remote(url, **settings)], policy)
        return
    with pytest.raises(InputError, match=r"does not allow|is not checked"):
        residency.check([remote(url, **settings)], policy)


@pytest.mark.parametrize("url", ["gs://bucket/dvc", "azure://box/dvc", "oss://bucket/dvc"])
def test_a_store_whose_server_is_in_its_settings_is_refused_though_its_address_is_allowed(
    url: str,
) -> None:
    with pytest.raises(InputError, match="is not checked"):
        residency.check([remote(url, endpointurl="https://evil.example")], allowed((url, "")))


def test_an_empty_list_allows_nothing() -> None:
    with pytest.raises(InputError, match="nowhere"):
        residency.check([remote("s3://bucket/dvc")], allowed())


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_in_the_environment_counts(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "https://elsewhere.example")
    with pytest.raises(InputError, match=r"elsewhere\.example"):
        residency.check([remote("s3://bucket/dvc")], allowed(("s3://bucket/dvc", AWS)))
    residency.check([remote("s3://bucket/dvc")], allowed(("s3://bucket/dvc", "https://elsewhere.example")))


def test_an_endpoint_in_the_profile_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile p]\nendpoint_url = https://elsewhere.example\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    residency.check([remote("s3://bucket/dvc")], allowed(("s3://bucket/dvc", AWS)))
    with pytest.raises(InputError, match=r"elsewhere\.example"):
        residency.check([remote("s3://bucket/dvc", profile="p")], allowed(("s3://bucket/dvc", AWS)))


@pytest.mark.parametrize(
    ("option", "variable"),
    [("configpath", "AWS_CONFIG_FILE"), ("credentialpath", "AWS_SHARED_CREDENTIALS_FILE")],
)
def test_an_endpoint_in_a_file_that_the_remote_names_counts(
    option: str, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """DVC hands the file to the S3 client by the environment, unless that names one already."""
    (tmp_path / "own").write_text("[default]\nendpoint_url = https://elsewhere.example\n")
    own = remote("s3://bucket/dvc", **{option: str(tmp_path / "own")})
    monkeypatch.setenv(variable, str(tmp_path / "none"))
    residency.check([own], allowed(("s3://bucket/dvc", AWS)))
    monkeypatch.delenv(variable)
    with pytest.raises(InputError, match=r"elsewhere\.example"):
        residency.check([own], allowed(("s3://bucket/dvc", AWS)))


def project(folder: Path, url: str, more: str = "") -> Path:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=folder, check=True)
    core = "[core]\n    remote = storage\n    analytics = false\n"
    (folder / ".dvc" / "config").write_text(f"{core}['remote \"storage\"']\n    url = {url}\n{more}")
    return folder


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("data/clip.dvc", "outs:\n- path: clip\n  md5: '0'\n  remote: other\n"),
        (".hidden/clip.dvc", "outs:\n- path: clip\n  md5: '0'\n  remote: other\n"),
        ("side/dvc.yaml", "stages:\n  a:\n    cmd: 'true'\n    outs: [{clip: {remote: other}}]\n"),
    ],
)
def test_outputs_that_name_another_remote_are_seen(
    file: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, "s3://bucket/dvc", "['remote \"other\"']\n    url = s3://elsewhere/dvc\n")
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    found = residency.remotes_in_use(tmp_path, None)
    assert [one.url for one in found] == ["s3://elsewhere/dvc", "s3://bucket/dvc"]
    with pytest.raises(InputError, match="s3://elsewhere/dvc"):
        residency.check(found, allowed(("s3://bucket/dvc", AWS)))


def test_a_file_that_dvc_cannot_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, "s3://bucket/dvc")
    (tmp_path / "clip.dvc").write_text("outs: [\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"clip\.dvc: not YAML"):
        residency.remotes_in_use(tmp_path, None)


def test_a_target_is_no_option(tmp_path: Path) -> None:
    """Else `provenline push -- --remote=other` would go where nobody looked."""
    allowed_, other = tmp_path / "allowed", tmp_path / "other"
    here = tmp_path / "here"
    here.mkdir()
    project(here, str(allowed_), f"['remote \"other\"']\n    url = {other}\n")
    (here / "secret.bin").write_bytes(b"a frame")
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "secret.bin"], cwd=here, check=True)
    (here / "params.yaml").write_text(
        "footage: {anonymise: none, people: [], golden: synthetic, share: [], "
        f"residency: {{regions: [], remotes: [{{url: '{allowed_}', endpoint: ''}}]}}}}\n"
    )
    command = [sys.executable, "-c", "from provenline.cli import main; main()", "push", "--"]
    for target, fits in (("--remote=other", False), ("secret.bin", True)):
        done = subprocess.run([*command, target], cwd=here, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == fits, done.stderr
        assert (allowed_.exists(), other.exists()) == (fits, False)


@pytest.mark.parametrize("words", [["push"], ["push", "--check"], ["remote", "check"]], ids=" ".join)
def test_a_remote_without_an_address_is_said_as_the_doctor_says_it(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, "s3://SET-YOUR-BUCKET/dvc")
    (tmp_path / "params.yaml").write_text("round: v0\n")
    monkeypatch.chdir(tmp_path)
    assert str(CliRunner().invoke(app, words).exception) == str(no_address("storage"))


def test_no_remote_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no remote is named, and there is no \.dvc/config"):
        residency.remote_named(None)


def test_a_refused_push_opens_no_connection(tmp_path: Path) -> None:
    """The remote is a listening socket: a refused push must not even knock."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(0.2)
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
        project(tmp_path, "s3://bucket/dvc", f"    endpointurl = {url}\n")
        (tmp_path / "secret.bin").write_bytes(b"a frame")
        subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "secret.bin"], cwd=tmp_path, check=True)
        (tmp_path / "params.yaml").write_text(
            "footage: {anonymise: none, people: [], golden: synthetic, share: [], "
            "residency: {regions: [], remotes: [{url: 's3://bucket/dvc', endpoint: ''}]}}\n"
        )
        command = [sys.executable, "-c", "from provenline.cli import main; main()", "push"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "does not allow" in done.stderr and done.stderr.count("\n") == 1
        with pytest.raises(TimeoutError):
            door.accept()
