from __future__ import annotations

import os
import pickle
import subprocess
import sys
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


def test_no_hash_is_refused_with_the_hash_that_was_found(weights):
    with pytest.raises(InputError, match=f"no hash to hold the weights against.*{sha256_file(weights)}"):
        resolve(model_params(weights, sha256=""))
    named = weights.rename(weights.with_name("yolov8n.pt"))
    with pytest.raises(InputError, match="no hash to hold the weights against"):
        resolve(model_params(named, sha256=""))


@pytest.mark.parametrize("name", ["yolov8n.pt", "yolo26s.pt", "rtdetr-l.pt"])
def test_published_weights_are_asked_for_and_never_fetched(tmp_path, offline, name):
    with pytest.raises(InputError, match=f"Nothing is downloaded here: fetch {name} from .*sha256sum"):
        resolve(model_params(tmp_path / name))


def test_a_folder_is_held_against_the_hash_of_all_its_files(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    params = model_params(folder)
    assert resolve(params) == folder
    (folder / "more.bin").write_bytes(b"more")
    with pytest.raises(InputError, match="SHA-256 is"):
        resolve(params)


@pytest.mark.parametrize(
    "change",
    [{"sha256": "abc"}, {"score_floor": 0.25}, {"imgsz": 100}, {"imgsz": [384, 100]}, {"colour": "red"}],
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


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A checkpoint that leaves the file `ran` beside itself when it is unpickled."""
    import torch

    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    path = tmp_path / "evil.pt"
    torch.save({"model": Evil()}, path)
    return path


def test_pickle_with_code_in_it_does_not_run(evil):
    with pytest.raises(InputError, match="not a checkpoint"):
        open_checkpoint(model_params(evil), "cpu")
    assert not evil.with_name("ran").exists()


DOORS = {
    "detectors": "from provenline.detectors.ultralytics_model import load_network as door",
    "training": "from provenline.training.families import trainer_of as door",
    "strip": (
        "from provenline.training.strip import strip_checkpoint\n"
        "door = lambda path: strip_checkpoint(path, path.with_name('out.pt'), 64)"
    ),
    "engines": (
        "from provenline.engines.export import export_onnx\n"
        "from provenline.detectors.size import Size\n"
        "how = {'opset': 17, 'simplify': False}\n"
        "door = lambda path: export_onnx(path, Size(64, 64), out=path.with_name('a.onnx'), **how)"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("room", DOORS)
def test_it_does_not_run_either_where_ultralytics_was_imported_before_us(evil, room):
    """Ultralytics reads its switch once, at import; here it is imported without it."""
    code = (
        "import sys; from pathlib import Path; import ultralytics; from ultralytics.nn import tasks\n"
        f"assert tasks.SAFE_LOAD is False\n{DOORS[room]}\npath = Path(sys.argv[1])\n"
        "try: door(path)\nexcept Exception as error: print(type(error).__name__)\n"
        "assert not path.with_name('ran').exists()\n"
        # The file is what it seems: without the lock it runs.
        "tasks.SAFE_LOAD = False\n"
        "try: tasks.load_checkpoint(str(path))\nexcept Exception: pass\nprint(path.with_name('ran').exists())"
    )
    environment = {key: value for key, value in os.environ.items() if key != "ULTRALYTICS_SAFE_LOAD"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(evil)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    refused, ran = done.stdout.split()[-2:]
    assert refused in {"InputError", "TypeError"} and ran == "True"


def test_other_weights_keep_both_vocabularies(weights):
    other = model_params(weights, labels={"fall": "person"}).with_weights(
        "v0", Path("b.pt"), "1" * 64, ("person",)
    )
    assert other.labels == {"fall": "person", "person": "person"}
    assert (other.name, other.sha256, other.family) == ("v0", "1" * 64, "ultralytics")
