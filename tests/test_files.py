from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provenline.errors import InputError
from provenline.files import atomic_path, read_json, sha256_file, sha256_tree, write_json


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    write_json(target, {"a": 1})
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(target) == {"a": 1}
    assert names(tmp_path) == ["out.json"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with atomic_path(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / name).touch()
    assert names(tmp_path / "folder") == ["new"]
    assert names(tmp_path) == ["folder"]


def test_killed_while_writing_there_is_no_half_file(tmp_path: Path) -> None:
    code = (
        "import time; from provenline.files import atomic_path\n"
        f"with atomic_path({str(tmp_path / 'big.bin')!r}) as path, path.open('wb') as out:\n"
        "    out.write(b'x' * 1000); out.flush(); print('half', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "half\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    time.sleep(0.01)
    assert not (tmp_path / "big.bin").exists()


def test_json_refuses_what_json_has_not(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_broken_and_missing_json_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{\n,")
    with pytest.raises(InputError, match="line 2"):
        read_json(tmp_path / "a.json")
    with pytest.raises(InputError, match="missing"):
        read_json(tmp_path / "b.json")


@pytest.mark.parametrize(
    "data",
    ['{"a": 1}'.encode("utf-16"), b"[" * 100_000, b"9" * 5000, b"\xff"],
    ids=["utf-16", "deep", "digits", "byte"],
)
def test_json_that_somebody_else_wrote_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(InputError, match="not JSON") as caught:
        read_json(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_hashes(tmp_path: Path) -> None:
    data = b"a" * 3_000_000
    (tmp_path / "a").write_bytes(data)
    assert sha256_file(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    before = sha256_tree(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert sha256_tree(tmp_path) != before
