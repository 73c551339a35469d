from __future__ import annotations

import json
from pathlib import Path

import pytest

from provenline.detectors.open import open_engine
from provenline.detectors.size import Size
from provenline.engines import manifest
from provenline.errors import InputError
from tests.engines import world


def change(folder: Path, **values: object) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    for key, value in values.items():
        if value is ...:
            del content[key]
        else:
            content[key] = value
    path.write_text(json.dumps(content))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "b")
    read = manifest.verify(folder)
    assert read == world.identity(read.onnx_sha256, golden=read.golden)
    assert manifest.read(folder).to_dict() == json.loads((folder / "manifest.json").read_text())


def test_a_square_engine_is_described_as_it_always_was(tmp_path: Path) -> None:
    content = json.loads((world.bundle(tmp_path / "b") / "manifest.json").read_text())
    pixels = "BGR to RGB, HWC to CHW, float32, divided by 255; input 'images' (N,3,S,S), output 'output0'"
    assert content["imgsz"] == 32 and content["preprocessing"] == (
        f"letterbox to imgsz x imgsz (proportions kept, bilinear, centred, grey 114), {pixels}"
    )
    assert manifest.preprocessing("queries", Size(640, 640)) == (
        f"stretch to imgsz x imgsz (proportions not kept, bilinear), {pixels}"
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"nms_iou": ...}, "nms_iou"),
        ({"colour": "red"}, "colour"),
        ({"onnx_sha256": "abc"}, "64 hexadecimal digits"),
        ({"checkpoint_sha256": None}, "64 hexadecimal digits"),
        ({"imgsz": 100}, "multiple of 32"),
        ({"imgsz": [384, 100]}, "multiple of 32"),
        ({"imgsz": [384, 640, 3]}, "multiple of 32"),
        ({"imgsz": [640, 640]}, "two that differ"),
        ({"imgsz": {"height": 384}}, "multiple of 32"),
        ({"imgsz": True}, "multiple of 32"),
        ({"layout": "sideways"}, "raw"),
        ({"score_floor": 7}, "0..1"),
        ({"format": 99}, "format"),
        ({"names": []}, "class names"),
        ({"precision": "fp8"}, "precision"),
        ({"golden": {}}, "golden"),
        (
            {"golden": {"inputs": "synthetic", "files": {"../../etc/00.png": "0" * 64}, "tolerances": {}}},
            "golden",
        ),
        ({"hardware": {"gpu": "Orin"}}, "hardware"),
    ],
)
def test_an_ill_formed_manifest_is_refused(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    folder = world.bundle(tmp_path / "b")
    change(folder, **changes)
    with pytest.raises(InputError, match=says) as caught:
        manifest.verify(folder)
    assert "manifest.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_manifest_that_is_no_object_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="keys missing"):
        manifest.read(tmp_path)


def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "b")
    held = json.loads((folder / "manifest.json").read_text())["golden"]
    for name in (
        "../model.onnx",
        "/etc/passwd",
        "golden/../model.onnx",
        "golden/00.png/../../x",
        "model.onnx",
    ):
        change(folder, golden={**held, "files": {name: "0" * 64}})
        with pytest.raises(InputError, match="golden"):
            manifest.read(folder)


def test_the_identity_covers_all_but_what_a_device_adds(tmp_path: Path) -> None:
    made = manifest.read(world.bundle(tmp_path / "b")).to_dict()
    name = manifest.identity(made)
    assert name == manifest.identity(dict(reversed(made.items())))
    assert name == manifest.identity({**made, "hardware": {"gpu": "Orin"}})
    for key in set(made) - {"hardware"}:
        assert manifest.identity({**made, key: "another"}) != name, key
    with pytest.raises(InputError, match="was asked for"):
        manifest.verify(tmp_path / "b", "0" * 64)
    assert manifest.verify(tmp_path / "b", name).to_dict() == made


def test_a_tampered_bundle_is_refused_by_all_who_open_it(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "b")
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)
    for opens in (manifest.verify, lambda path: open_engine(path, "cpu")):
        with pytest.raises(InputError, match=r"model\.onnx"):
            opens(folder)


def test_a_bundle_without_its_model_is_refused(tmp_path: Path) -> None:
    folder = world.bundle(tmp_path / "b")
    (folder / "model.onnx").unlink()
    with pytest.raises(InputError, match=r"model\.onnx: file is missing"):
        manifest.verify(folder)
