from __future__ import annotations

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
    assert (data == file.read_bytes()) if (suffix, orientation) == (".jpg", 1) else data is None


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
