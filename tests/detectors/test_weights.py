from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from provenline.detectors.open import open_checkpoint
from provenline.detectors.weights import resolve, verified
from provenline.errors import InputError
from provenline.files import sha256_file
from tests.detectors.conftest import model_params


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "some.pt"
    path.write_bytes(b"weights")
    return path


def test_known_hash(weights):
    assert verified(weights, sha256_file(weights)) == weights
    assert resolve(model_params(weights)) == weights


def test_other_hash_names_file_and_both_hashes(weights):
    with pytest.raises(InputError) as error:
        verified(weights, "0" * 64)
    assert str(weights) in str(error.value)
    assert "000000000000…" in str(error.value)
    assert sha256_file(weights)[:12] in str(error.value)


@pytest.mark.parametrize("sha256", ["0" * 64, ""])
def test_missing_file_says_how_to_get_it(tmp_path, sha256):
    with pytest.raises(InputError, match=r"weights are missing.*make base"):
        resolve(model_params(tmp_path / "none.pt", sha256=sha256))


def test_no_hash_is_refused_unless_loaded_by_name(weights, offline):
    with pytest.raises(InputError, match=r"no hash to hold the weights against.*sha256: "):
        resolve(model_params(weights, sha256=""))
    with pytest.raises(InputError, match="is not a published model"):
        resolve(model_params(weights, sha256="", download=True))
    named = weights.rename(weights.with_name("yolov8n.pt"))
    assert resolve(model_params(named, sha256="", download=True)) == named


def test_a_name_that_is_not_published_is_never_fetched(tmp_path, offline):
    with pytest.raises(InputError, match="is not a published model"):
        resolve(model_params(tmp_path / "mine.pt", sha256="", download=True))


def test_a_failed_download_is_one_line(tmp_path, monkeypatch):
    from ultralytics.utils import downloads

    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(downloads, "attempt_download_asset", fail)
    with pytest.raises(InputError, match=r"could not be fetched \(no route to host\)"):
        resolve(model_params(tmp_path / "yolov8n.pt", sha256="", download=True))


@pytest.mark.parametrize(
    "change", [{"sha256": "abc"}, {"score_floor": 0.25}, {"imgsz": 100}, {"colour": "red"}]
)
def test_bad_parameters(weights, change):
    with pytest.raises(ValidationError):
        model_params(weights, **change)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", pickle.dumps({"model": 3}, protocol=2)])
def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path, content, offline):
    path = tmp_path / "broken.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken.pt: not a checkpoint") as error:
        open_checkpoint(model_params(path), "cpu")
    assert "\n" not in str(error.value)


def test_pickle_with_code_in_it_does_not_run(tmp_path):
    import torch

    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "evil.pt"
    torch.save({"model": Evil()}, path)
    with pytest.raises(InputError):
        open_checkpoint(model_params(path), "cpu")
    assert not (tmp_path / "ran").exists()


def test_other_weights_keep_both_vocabularies(weights):
    other = model_params(weights, labels={"fall": "person"}).with_weights(
        "v0", Path("b.pt"), "1" * 64, ("person",)
    )
    assert other.labels == {"fall": "person", "person": "person"}
    assert (other.name, other.sha256, other.download) == ("v0", "1" * 64, False)
