from __future__ import annotations

import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from provenline.errors import InputError
from provenline.images import decoded, read_bytes, read_image


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, Path, np.ndarray]:
    """The same picture as a file and in an archive."""
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    file = tmp_path / "clip" / "a.png"
    file.parent.mkdir()
    cv2.imwrite(str(file), image)
    with zipfile.ZipFile(tmp_path / "clip.zip", "w") as archive:
        archive.writestr("other.png", b"x" * 100)
        member = zipfile.ZipInfo("a.png")
        member.extra = b"\x99\x99\x04\x00abcd"
        archive.writestr(member, file.read_bytes())
    return file, tmp_path / "clip.zip" / "a.png", image


def test_a_picture_reads_alike_from_a_folder_and_from_an_archive(
    stored: tuple[Path, Path, np.ndarray],
) -> None:
    file, member, image = stored
    assert read_bytes(file) == read_bytes(member)
    assert (read_image(file) == image).all() and (read_image(member) == image).all()


def test_an_archive_that_was_replaced_is_read_anew(stored: tuple[Path, Path, np.ndarray]) -> None:
    _, member, _ = stored
    read_bytes(member)
    with zipfile.ZipFile(member.parent.with_suffix(".new"), "w") as archive:
        archive.writestr("a.png", b"something else")
    shutil.move(member.parent.with_suffix(".new"), member.parent)
    assert read_bytes(member) == b"something else"


def test_what_is_missing_or_damaged_is_said(stored: tuple[Path, Path, np.ndarray]) -> None:
    file, member, _ = stored
    for missing in (
        file.with_name("b.png"),
        member.with_name("b.png"),
        file.parent.with_name("no") / "a.png",
    ):
        with pytest.raises(InputError, match="image is missing"):
            read_bytes(missing)
    whole = bytearray(member.parent.read_bytes())
    start = whole.index(file.read_bytes()[:40])
    whole[start + 50] ^= 255
    member.parent.write_bytes(whole)
    with pytest.raises(InputError, match="cannot be read"):
        read_bytes(member)
    file.write_bytes(b"text")
    with pytest.raises(InputError, match="image cannot be decoded"):
        read_image(file)


def test_bytes_that_opencv_does_not_take_are_no_picture() -> None:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    assert decoded(head + struct.pack(">I", zlib.crc32(head[12:]))) is None
    assert decoded(b"") is None and decoded(b"text") is None
