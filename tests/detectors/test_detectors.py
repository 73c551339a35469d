from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest

from provenline import tables
from provenline.detectors import onnx_model
from provenline.detectors.base import predict_frames
from provenline.detectors.device import device_index, each_device, torch_device, torch_devices
from provenline.detectors.open import open_checkpoint, open_engine
from provenline.errors import InputError
from tests.detectors.conftest import SHARED, model_params, write_bundle

REAL = SHARED / "data" / "real"


def photos(count: int) -> list[np.ndarray]:
    paths = sorted((REAL / "coco128_person" / "images").glob("*.jpg"))[:count]
    assert len(paths) == count
    return [cv2.imread(str(path)) for path in paths]


@pytest.fixture(scope="module")
def person():
    path = REAL / "base_person" / "yolov8n_person_real.pt"
    return open_checkpoint(model_params(path, imgsz=320), "cpu")


def test_agrees_with_ultralytics_own_prediction_on_squares(person, offline):
    from ultralytics import YOLO

    squares = [cv2.resize(image, (320, 320)) for image in photos(6)]
    peer = YOLO(str(REAL / "base_person" / "yolov8n_person_real.pt"))
    theirs = peer.predict(squares, imgsz=320, conf=0.01, iou=0.7, max_det=300, device="cpu", verbose=False)
    for ours, other in zip(person.predict(squares), theirs, strict=True):
        assert len(ours) == len(other.boxes) > 0
        assert np.abs(ours.boxes - other.boxes.xyxy.numpy()).max() < 0.05
        assert np.abs(ours.scores - other.boxes.conf.numpy()).max() < 1e-3


def test_a_batch_of_sizes_gives_what_each_alone_gives(person):
    images = [*photos(3), np.zeros((10, 300, 3), np.uint8)]
    together = person.predict(images)
    for image, found in zip(images, together, strict=True):
        alone = person.predict([image])[0]
        assert len(alone) == len(found)
        assert np.allclose(alone.boxes, found.boxes, atol=0.05)
        assert np.all(found.boxes <= [image.shape[1], image.shape[0]] * 2)
    assert person.predict([]) == []
    assert len(together[3]) == 0


@pytest.mark.parametrize("architecture", ["yolov8n", "yolo11n", "yolov10n"])
def test_architectures(make_checkpoint, architecture, offline):
    path = make_checkpoint(architecture, ("person", "dog"))
    detector = open_checkpoint(model_params(path, score_floor=0.0, max_detections=50), "cpu")
    found = detector.predict([np.full((48, 64, 3), 90, np.uint8)])[0]
    assert detector.names == ("person", "dog")
    assert set(found.labels) <= {"person"}
    assert len(found) <= 50
    assert np.all(np.diff(found.scores) <= 0)


def test_layouts(make_checkpoint):
    from provenline.detectors.ultralytics_model import load_network, output_layout

    assert output_layout(load_network(make_checkpoint("yolov8n", ("person", "dog")))) == "raw"
    assert output_layout(load_network(make_checkpoint("yolov10n", ("person", "dog")))) == "end2end"


def test_no_class_in_common(make_checkpoint):
    params = model_params(make_checkpoint("yolov8n"), labels={"operator": "person"})
    with pytest.raises(InputError, match=r"none of \['operator'\] is a class of it \(person\)"):
        open_checkpoint(params, "cpu")


def test_a_mere_start_for_training_finds_nothing(make_checkpoint):
    params = model_params(make_checkpoint("yolov8n"), labels={}, score_floor=0.0)
    (found,) = open_checkpoint(params, "cpu").predict([np.full((48, 64, 3), 90, np.uint8)])
    assert len(found) == 0


# --- engines ------------------------------------------------------------------------------------

ANSWER = np.array([[32, 32, 16, 24, 0.9, 0.0], [32, 32, 16, 24, 0.5, 0.0], [10, 10, 8, 8, 0.1, 0.6]]).T


@pytest.mark.parametrize("batch", ["batch", 1, 2])
def test_onnx_engine_answers_in_image_pixels(tmp_path, batch):
    engine = open_engine(write_bundle(tmp_path / "bundle", ANSWER, batch), "cpu")
    found = engine.predict([np.zeros((64, 128, 3), np.uint8)] * 3)
    assert len(found) == 3
    assert found[2].boxes == pytest.approx(np.array([[48, 8, 80, 56]]))
    assert found[2].scores == pytest.approx([0.9])
    assert engine.name == "cpu_target@abababab"
    assert len(engine.fingerprint) == 64


def test_on_a_gpu_the_size_of_a_batch_never_shrinks(tmp_path, monkeypatch):
    """cuDNN tunes itself anew for each size; the images that fill a batch up have no answers."""
    bundle = write_bundle(tmp_path / "bundle", ANSWER, "batch")
    on_cpu, opened = open_engine(bundle, "cpu"), onnx_model._session
    monkeypatch.setattr(onnx_model, "_session", lambda path, device, threads: opened(path, "cpu", threads))
    engine, sizes = onnx_model.OnnxDetector(bundle, "0"), []
    run = engine._session.run
    session = SimpleNamespace(run=lambda names, feed: sizes.append(len(*feed.values())) or run(names, feed))
    monkeypatch.setattr(engine, "_session", session)
    for count in (1, 1, 5, 3, 1, 6):
        images = [np.zeros((64, 128, 3), np.uint8)] * count
        found = engine.predict(images)
        assert [one.boxes.tolist() for one in found] == [one.boxes.tolist() for one in on_cpu.predict(images)]
    assert sizes == [1, 1, 5, 5, 5, 6]


def test_a_changed_engine_is_refused(tmp_path):
    bundle = write_bundle(tmp_path / "bundle", ANSWER, onnx_sha256="0" * 64)
    with pytest.raises(InputError, match=r"model.onnx: SHA-256 is .*the manifest says 000000000000"):
        open_engine(bundle, "cpu")


def test_an_engine_without_manifest_or_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing without its manifest"):
        open_engine(tmp_path, "cpu")
    bundle = write_bundle(tmp_path / "bundle", ANSWER)
    (bundle / "model.onnx").unlink()
    with pytest.raises(InputError, match=r"model.onnx: file is missing"):
        open_engine(bundle, "cpu")


def test_a_manifest_with_a_wrong_value_names_its_key(tmp_path):
    bundle = write_bundle(tmp_path / "bundle", ANSWER, layout="sideways", imgsz=100)
    with pytest.raises(InputError, match=r"imgsz: .*layout: "):
        open_engine(bundle, "cpu")


def test_a_file_that_is_no_onnx_is_one_line(tmp_path):
    from provenline.files import sha256_file

    bundle = write_bundle(tmp_path / "bundle", ANSWER)
    (bundle / "model.onnx").write_bytes(b"nonsense")
    manifest = (bundle / "manifest.json").read_text()
    old = manifest.split('"onnx_sha256": "')[1][:64]
    (bundle / "manifest.json").write_text(manifest.replace(old, sha256_file(bundle / "model.onnx")))
    with pytest.raises(InputError, match="ONNX Runtime cannot open it"):
        open_engine(bundle, "cpu")


def test_tensorrt_is_refused_where_it_is_not(tmp_path):
    from provenline.files import sha256_file

    bundle = write_bundle(tmp_path / "bundle", ANSWER)
    (bundle / "model.plan").write_bytes(b"plan")
    hardware = {
        "gpu": "Orin",
        "driver": "540",
        "l4t": "R36.4.3",
        "tensorrt": "10.3.0",
        "precision": "fp16",
        "plan_sha256": sha256_file(bundle / "model.plan"),
    }
    text = (bundle / "manifest.json").read_text()
    (bundle / "manifest.json").write_text(
        text.replace('"hardware": null', f'"hardware": {hardware}'.replace("'", '"'))
    )
    with pytest.raises(InputError, match="does not run on the processor"):
        open_engine(bundle, "cpu")
    with pytest.raises(InputError, match="TensorRT is not installed here"):
        open_engine(bundle, "0")
    (bundle / "model.plan").write_bytes(b"other")
    with pytest.raises(InputError, match=r"model.plan: SHA-256"):
        open_engine(bundle, "0")


def test_engines_need_no_torch(tmp_path):
    bundle = write_bundle(tmp_path / "bundle", ANSWER)
    code = (
        "import sys\nfrom provenline.detectors.open import open_engine\n"
        f"open_engine({str(bundle)!r}, 'cpu')\nprint({{'torch', 'ultralytics'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- tables -------------------------------------------------------------------------------------


def frames(root: Path, sizes: list[tuple[int, int]]) -> pd.DataFrame:
    rows = []
    for index, (width, height) in enumerate(sizes):
        cv2.imwrite(str(root / f"{index}.png"), np.zeros((height, width, 3), np.uint8))
        text = dict.fromkeys(
            ["plan", "media", "media_sha256", "camera", "day", "category", "group", "dhash"], "x"
        )
        row = {
            "frame_id": f"f{index}",
            "path": f"{index}.png",
            "width": width,
            "height": height,
            "time_ms": index,
        }
        rows.append({**text, **row, "annotated": False, "annotator": "", "workplace": None})
    return tables.table(rows, tables.FRAMES)


def test_frames_become_predictions(tmp_path):
    engine = open_engine(write_bundle(tmp_path / "bundle", ANSWER), "cpu")
    table = predict_frames(engine, frames(tmp_path, [(64, 64), (128, 64), (64, 64)]), tmp_path, batch=2)
    tables.write(table, tmp_path / "predictions.parquet", tables.PREDICTIONS)
    assert table["frame_id"].tolist() == ["f0", "f1", "f2"]
    assert table.loc[1, tables.BOX].tolist() == [48, 8, 80, 56]
    assert set(table["model"]) == {"cpu_target@abababab"}
    assert table["score"].tolist() == pytest.approx([0.9] * 3)


def test_no_frames_and_no_detections_are_empty_tables(tmp_path):
    silent = open_engine(write_bundle(tmp_path / "bundle", ANSWER * 0), "cpu")
    for part in (frames(tmp_path, [(64, 64)]), tables.table([], tables.FRAMES)):
        table = predict_frames(silent, part, tmp_path, batch=2)
        assert len(table) == 0
        assert list(table.columns) == tables.PREDICTIONS.names


def test_missing_damaged_or_resized_image_is_named(tmp_path):
    engine = open_engine(write_bundle(tmp_path / "bundle", ANSWER), "cpu")
    table = frames(tmp_path, [(64, 64), (64, 64)])
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((32, 64, 3), np.uint8))
    with pytest.raises(InputError, match=r"1.png: image is 64x32, the table says 64x64"):
        predict_frames(engine, table, tmp_path, batch=8)
    (tmp_path / "1.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1.png: image cannot be decoded"):
        predict_frames(engine, table, tmp_path, batch=8)
    (tmp_path / "1.png").unlink()
    with pytest.raises(InputError, match=r"1.png: image is missing"):
        predict_frames(engine, table, tmp_path, batch=8)


# --- devices ------------------------------------------------------------------------------------


def test_devices():
    assert [device_index(name) for name in ("cpu", "0", "cuda", "cuda:2")] == [None, 0, 0, 2]
    assert torch_device("cpu") == "cpu"
    for name in ("gpu", "0,1", ""):
        with pytest.raises(InputError, match="unknown device"):
            device_index(name)
    with pytest.raises(InputError, match="device 99 asked for, torch sees"):
        torch_device("99")


def test_several_devices(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert each_device("0, cuda:1") == torch_devices("0,1") == ("cuda:0", "cuda:1")
    assert each_device("cpu,cpu") == ("cpu", "cpu")
    assert torch_device("1,0") == "cuda:1"  # what is no training takes the first
    assert torch_device("1,7") == "cuda:1"
    with pytest.raises(InputError, match="device 7 asked for, torch sees 2 GPUs"):
        torch_devices("1,7")
    for name in ("0,0", "cuda:1,1", "cpu,0"):
        with pytest.raises(InputError, match="does not name different GPUs"):
            each_device(name)
    with pytest.raises(InputError, match="unknown device ''"):
        each_device("0,")


def test_ultralytics_stays_at_home():
    code = (
        "from provenline.detectors.quiet import quiet_ultralytics\nquiet_ultralytics()\n"
        "from ultralytics.utils import SETTINGS as s, ONLINE, AUTOINSTALL, USER_CONFIG_DIR\n"
        "from ultralytics.utils.events import events\n"
        "print(ONLINE, AUTOINSTALL, events.enabled, USER_CONFIG_DIR)\n"
        "print(sorted(k for k, v in s.items() if v is True))\n"
        "from io import BytesIO\nfrom PIL import Image\n"
        "try:\n    Image.open(BytesIO(b'no picture'))\n"
        "except Exception as error:\n    print(type(error).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second, third = done.stdout.strip().splitlines()
    assert third == "UnidentifiedImageError"  # and no package that would read it is asked for
    assert first.split()[:3] == ["False"] * 3
    assert first.split()[3].startswith(str(Path.cwd() / ".state"))
    assert second == "[]"
