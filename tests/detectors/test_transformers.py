"""A detector of transformers from a local folder: a tiny one with random weights, made here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from provenline.detectors import transformers_model
from provenline.detectors.open import open_checkpoint
from provenline.detectors.size import parse
from provenline.detectors.transformers_model import quiet_transformers
from provenline.errors import InputError
from provenline.files import sha256_tree
from tests.detectors.conftest import model_params
from tests.detectors.test_detectors import photos

NAMES = {0: "person", 1: "dog"}
OURS = {"person": "person", "dog": "animal"}
SIDE = 160


def rtdetr():
    """Return a small RT-DETR with random weights, and its image processor."""
    transformers = quiet_transformers()
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=32, encoder_in_channels=[16, 24, 32], encoder_layers=1,
        encoder_ffn_dim=32, encoder_attention_heads=2, d_model=32, num_queries=30, decoder_ffn_dim=32,
        decoder_in_channels=[32, 32, 32], decoder_layers=2, decoder_attention_heads=2, id2label=NAMES,
    )  # fmt: skip
    processor = transformers.RTDetrImageProcessor(size={"height": SIDE, "width": SIDE})
    return transformers.RTDetrForObjectDetection(config), processor


def detr():
    """Return a small DETR with random weights, and its image processor, which pads."""
    transformers = quiet_transformers()
    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = transformers.DetrConfig(
        backbone_config=backbone, d_model=32, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=32,
        decoder_ffn_dim=32, encoder_attention_heads=2, decoder_attention_heads=2, num_queries=20,
        id2label=NAMES,
    )  # fmt: skip
    processor = transformers.DetrImageProcessor(size={"shortest_edge": SIDE, "longest_edge": 2 * SIDE})
    return transformers.DetrForObjectDetection(config), processor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that saves a model whose scores are spread, as `save_pretrained` does."""
    root = tmp_path_factory.mktemp("transformers")

    def make(kind) -> Path:
        import torch

        path = root / kind.__name__
        if not path.is_dir():
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(2)
                model, processor = kind()
                for name, value in model.named_parameters():
                    if any(part in name for part in ("class_", "score", "bbox", "query_position")):
                        torch.nn.init.normal_(value.data, std=0.1 if "bbox" in name else 0.5)
            model.save_pretrained(path)
            processor.save_pretrained(path)
        return path

    return make


def opened(path: Path, **changes: object):
    params = model_params(path, **{"family": "transformers", "imgsz": SIDE, "labels": OURS, **changes})
    return open_checkpoint(params, "cpu")


@pytest.mark.parametrize("kind", [rtdetr, detr])
def test_agrees_with_its_own_post_processing(folder, kind, offline):
    import torch
    import transformers

    path, images = folder(kind), photos(3)
    detector = opened(path)
    assert (detector.names, detector.imgsz) == (tuple(NAMES.values()), (SIDE, SIDE))
    assert detector.fingerprint == sha256_tree(path)
    processor = transformers.AutoImageProcessor.from_pretrained(path)
    model = transformers.AutoModelForObjectDetection.from_pretrained(path).eval()
    for image, ours in zip(images, detector.predict(images), strict=True):
        height, width = image.shape[:2]
        with torch.no_grad():
            outputs = model(**processor(images=image[..., ::-1].copy(), return_tensors="pt"))
        theirs = processor.post_process_object_detection(
            outputs, threshold=0.01, target_sizes=[(height, width)]
        )[0]
        order = theirs["scores"].argsort(descending=True, stable=True)
        edge = torch.tensor([width, height, width, height])
        boxes = torch.minimum(theirs["boxes"][order].clamp(min=0), edge).numpy()
        assert len(ours) == len(boxes) > 5
        assert ours.scores == pytest.approx(theirs["scores"][order].numpy(), abs=1e-5)
        assert np.abs(ours.boxes - boxes).max() < 0.01
        assert ours.labels == [OURS[NAMES[int(one)]] for one in theirs["labels"][order]]


@pytest.mark.parametrize("kind", [rtdetr, detr])
def test_a_batch_of_sizes_gives_what_each_alone_gives(folder, kind):
    detector, images = opened(folder(kind)), photos(3)
    assert len({image.shape for image in images}) > 1
    for image, found in zip(images, detector.predict(images), strict=True):
        alone = detector.predict([image])[0]
        assert np.allclose(alone.boxes, found.boxes, atol=0.05) and alone.labels == found.labels
    assert detector.predict([]) == []


def copied(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


def test_another_hash_or_size_or_class_is_refused(folder):
    path = folder(rtdetr)
    with pytest.raises(InputError, match="SHA-256 is"):
        opened(path, sha256="0" * 64)
    with pytest.raises(InputError, match=r"not of 320\. Write imgsz: 160"):
        opened(path, imgsz=320)
    with pytest.raises(InputError, match=r"not of 96x160\. Write imgsz: 160"):
        opened(path, imgsz=[96, 160])
    with pytest.raises(InputError, match=r"none of \['cat'\] is a class of it \(person, dog\)"):
        opened(path, labels={"cat": "cat"})


@pytest.mark.parametrize(
    ("told", "imgsz", "asked"),
    [
        ({"height": 384, "width": 640}, [384, 640], None),
        ({"height": 384, "width": 640}, 384, r"imgsz: \[384, 640\]"),
        ({"height": 640, "width": 640}, [384, 640], "imgsz: 640 "),
        ({"shortest_edge": 480}, 480, None),
    ],
)
def test_the_processors_size_is_the_one(told, imgsz, asked, tmp_path):
    processor = SimpleNamespace(size=told)
    if asked is None:
        transformers_model._same_size(processor, parse(imgsz), tmp_path)
        return
    with pytest.raises(InputError, match=asked):
        transformers_model._same_size(processor, parse(imgsz), tmp_path)


def test_a_folder_without_weights_or_with_pickled_ones_is_refused(folder, tmp_path):
    path = copied(folder(rtdetr), tmp_path / "model")
    (path / "model.safetensors").rename(path / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"model\.safetensors missing\. .*pickled weights are not read"):
        opened(path)


def test_weights_that_the_file_lacks_are_not_made_up(folder, tmp_path):
    from safetensors.numpy import load_file, save_file

    path = copied(folder(rtdetr), tmp_path / "model")
    weights = load_file(path / "model.safetensors")
    del weights[next(name for name in weights if "enc_score_head" in name)]
    save_file(weights, path / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"weights missing, the first is .*enc_score_head"):
        opened(path)


def test_code_in_the_folder_does_not_run(folder, tmp_path):
    path = copied(folder(rtdetr), tmp_path / "model")
    (path / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = json.loads((path / "config.json").read_text())
    named = {"AutoConfig": "mine.Mine", "AutoModelForObjectDetection": "mine.Mine"}
    (path / "config.json").write_text(json.dumps({**config, "model_type": "mine", "auto_map": named}))
    with pytest.raises(InputError, match="not a detection model of transformers"):
        opened(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json"])
def test_an_incomplete_or_damaged_folder_is_one_line(folder, tmp_path, name):
    path = copied(folder(rtdetr), tmp_path / "model")
    (path / name).write_text("no JSON")
    with pytest.raises(InputError, match="not a detection model of transformers") as caught:
        opened(path)
    assert "\n" not in str(caught.value)
    (path / name).unlink()
    with pytest.raises(InputError, match=f"{name} missing"):
        opened(path)
