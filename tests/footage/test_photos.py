from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from provenline.errors import InputError
from provenline.footage.photos import read_photo


def scene() -> np.ndarray:
    """An RGB picture (48 x 64) without any symmetry."""
    y, x = np.mgrid[:48, :64]
    return np.stack([x * 4, y * 5, np.where((x < 20) & (y < 10), 255, 0)], axis=-1).astype(np.uint8)


def saved(file: Path, orientation: int = 1) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(scene()).save(file, exif=exif, quality=95)
    return file


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_photos_stand_upright(tmp_path: Path, suffix: str, orientation: int) -> None:
    from PIL import ImageOps

    file = saved(tmp_path / f"a{suffix}", orientation)
    image, data = read_photo(file)
    independent = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))[:, :, ::-1]
    assert image.shape == independent.shape
    assert np.abs(image.astype(int) - independent).mean() < 3
    assert (data is not None) == ((suffix, orientation) == (".jpg", 1))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_photo_says_nothing_of_place_and_camera(tmp_path: Path, progressive: bool) -> None:
    exif = Image.Exif()
    exif[0x0110] = "a camera's model"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 14.0)  # GPS latitude
    Image.fromarray(scene()).save(
        tmp_path / "a.jpg",
        exif=exif,
        comment="a comment",
        icc_profile=b"a profile" * 9,
        progressive=progressive,
    )
    plain = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(plain + b"ftypmp42 a motion photo's video")
    image, data = read_photo(tmp_path / "a.jpg")
    assert data is not None and data.endswith(b"\xff\xd9") and b"a profile" in data
    assert not any(word in data for word in (b"a camera", b"Exif", b"a comment", b"ftyp"))
    (tmp_path / "bare.jpg").write_bytes(data)
    np.testing.assert_array_equal(read_photo(tmp_path / "bare.jpg")[0], image)
    assert read_photo(tmp_path / "bare.jpg")[1] == data
    # A stray byte before a segment is read past by decoders: then the picture is encoded anew.
    at = plain.index(b"\xff\xe1")
    (tmp_path / "stray.jpg").write_bytes(plain[:at] + b"\0" + plain[at:])
    assert read_photo(tmp_path / "stray.jpg")[1] is None


@pytest.mark.parametrize("of", ["eps", "png"])
def test_what_no_decoder_should_see_is_no_photo(tmp_path: Path, of: str) -> None:
    """An EPS would be run by Ghostscript; a PNG may claim more pixels than OpenCV takes."""
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    png = head + struct.pack(">I", zlib.crc32(head[12:]))
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    (tmp_path / "a.jpg").write_bytes(eps if of == "eps" else png)
    with pytest.raises(InputError, match="no photo that can be read"):
        read_photo(tmp_path / "a.jpg")


def test_grey_and_deep_photos_become_three_channels_of_eight_bits(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "deep.png"), (scene().astype(np.uint16) * 257)[:, :, ::-1])
    Image.fromarray(scene()[:, :, 0]).save(tmp_path / "grey.png")
    for name in ("deep.png", "grey.png"):
        image, _ = read_photo(tmp_path / name)
        assert image.shape == (48, 64, 3)
        assert image.dtype == np.uint8


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_bad_photos(tmp_path: Path, suffix: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = saved(tmp_path / f"a{suffix}").read_bytes()
    cases = {
        "cut": (data[: len(data) // 2], "truncated"),
        "text": (b"hello", "no photo"),
        "empty": (b"", "empty"),
    }
    for name, (content, reason) in cases.items():
        file = tmp_path / f"{name}{suffix}"
        file.write_bytes(content)
        with pytest.raises(InputError, match=reason):
            read_photo(file)
    with pytest.raises(InputError, match="missing"):
        read_photo(tmp_path / f"gone{suffix}")
    assert capfd.readouterr() == ("", "")
