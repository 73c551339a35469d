from __future__ import annotations

import doctest
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from provenline.dossier import checks, code, holding, paths, reading, sealing, sums
from provenline.errors import InputError
from provenline.files import sha256_tree

NAMES = ("a.txt", "b c/d.txt", "b-c.txt", "back\\slash", "line\nbreak", "é.txt", "b c/e/f", "b c.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * number * 100_000)
    return tmp_path / "folder"


def hashed(folder: Path) -> dict[str, str]:
    names = sums.listed(folder)
    return {name: one.sha256 for name, one in sums.digests({name: folder / name for name in names}).items()}


def test_a_tree_is_the_one_that_manifests_name(folder: Path) -> None:
    assert set(hashed(folder)) == set(NAMES)
    assert sums.tree(hashed(folder)) == sha256_tree(folder)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum on this machine")
def test_sha256sum_reads_our_lists_and_we_read_its(folder: Path) -> None:
    listed = folder.parent / "folder.sha256"
    sums.write(listed, {f"folder/{name}": digest for name, digest in hashed(folder).items()})
    words = ["sha256sum", "--strict", "--check", listed.name]
    done = subprocess.run(words, cwd=folder.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "a.txt").write_bytes(b"other")
    assert subprocess.run(words, cwd=folder.parent, capture_output=True, check=False).returncode == 1
    theirs = subprocess.run(
        ["sha256sum", *(f"folder/{name}" for name in NAMES)],
        cwd=folder.parent,
        capture_output=True,
        check=True,
    )
    (folder.parent / "theirs").write_bytes(theirs.stdout)
    assert sums.under(sums.read(folder.parent / "theirs"), "folder") == hashed(folder)


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zeros").symlink_to("/dev/zero")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "there").write_bytes(b"x")
    assert set(hashed(tmp_path)) == {"there"}


def test_links_to_files_are_followed_and_links_to_folders_are_not(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "linked").symlink_to(folder / "a.txt")  # as DVC links into its cache
    (other / "up").symlink_to(tmp_path)
    assert sums.listed(other) == ["linked"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0123  short", "line 1"),
        (f"{'0' * 64}  a\n{'1' * 64}  a\n", "line 2: 'a' is named twice"),
        (f"{'0' * 64} a\n", "line 1"),
        ("\0\n", "line 1"),
    ],
)
def test_a_list_that_is_none_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "list").write_text(text)
    with pytest.raises(InputError, match=said) as caught:
        sums.read(tmp_path / "list")
    assert "\n" not in str(caught.value)


def test_a_list_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "list").open("wb") as stream:
        stream.truncate(sums.LONGEST + 1)
    with pytest.raises(InputError, match="too many"):
        sums.read(tmp_path / "list")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'{"format": 1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe{}",
        b'{"format": ' + b"9" * 5000 + b"}",
        b'{"format": NaN}',
        b"{" + b'"x": 1, ' * 1000 + b'"y": 2}',
    ],
)
def test_odd_dossiers_are_one_clear_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "dossier.json").write_bytes(data)
    with pytest.raises(InputError, match="dossier") as caught:
        sealing.read(tmp_path / "dossier.json")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_a_dossier_of_before_is_not_called_broken(tmp_path: Path) -> None:
    (tmp_path / "dossier.json").write_text('{"format": 1, "seal": "x"}', encoding="utf-8")
    with pytest.raises(InputError, match=r"dossier of format 1, this version reads 2\. Verify it"):
        sealing.read(tmp_path / "dossier.json")


def test_a_huge_dossier_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "dossier.json").open("wb") as stream:
        stream.truncate(sealing.LARGEST + 1)
    with pytest.raises(InputError, match="too many for a dossier"):
        sealing.read(tmp_path / "dossier.json")


@pytest.mark.parametrize("module", [checks, code, holding, paths, reading, sealing, sums])
def test_examples(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted and not found.failed
