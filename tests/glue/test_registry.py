"""The model registry follows the record of promotions: versions, aliases, and a model that loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from provenline.engines import manifest
from provenline.promotion import act
from tests.promotion import test_act as given

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from glue import runtime

    root = given.checkout(tmp_path / "project")
    params = {"usecase": {"name": "lbzf_person"}, "target": given.TARGET}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    (root / "reports").mkdir()
    (root / "reports/dossier.json").write_text("{}")
    monkeypatch.chdir(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
    runtime._parameters.cache_clear()
    yield root
    runtime._parameters.cache_clear()


def test_aliases_follow_promotions_and_rollbacks(root: Path) -> None:
    import mlflow

    from glue.tracking.registry import follow

    assert follow() == "nothing was promoted yet"
    first = given.promoted(root).current
    follow()
    client = mlflow.MlflowClient()
    model = client.get_registered_model("lbzf_person")
    assert set(model.aliases) == {"production", "candidate"}
    version = client.get_model_version_by_alias("lbzf_person", "production")
    assert first is not None and version.tags["bundle_sha256"] == first.bundle_sha256
    given.another_candidate(root, 2.0, "c")
    given.promoted(root)
    follow()
    assert follow() and len(client.search_model_versions("name='lbzf_person'")) == 2  # twice adds nothing
    aliases = client.get_registered_model("lbzf_person").aliases
    assert aliases["previous"] == version.version and aliases["candidate"] == aliases["production"]
    act.rollback(root, given.PERSON, "")
    follow()
    aliases = client.get_registered_model("lbzf_person").aliases
    assert aliases["production"] == version.version != aliases["previous"]


def _context(run: Any) -> list[str]:
    """Return what MLflow says by itself of who ran what where."""
    said = {key: text for key, text in run.data.tags.items() if key.startswith("mlflow.")}
    said.pop("mlflow.log-model.history", None)  # of the model, as we gave it
    assert "somebody" not in said.values() and not any("git" in key for key in said)
    return [*said.values(), run.info.user_id]


def test_the_registered_model_is_the_engine_with_its_signature_and_dossier(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow
    import onnxruntime

    from glue.tracking.registry import main

    found = given.promoted(root).current
    assert found is not None
    monkeypatch.setattr("sys.argv", [str(ROOT / "glue/tracking/registry.py")])
    monkeypatch.setenv("LOGNAME", "somebody")
    main()
    made = manifest.verify(root / found.bundle)
    loaded = mlflow.onnx.load_model("models:/lbzf_person@production")
    image = np.zeros((1, 3, *made.imgsz), np.float32)
    outputs = [
        onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, {"images": image})[0]
        for data in (loaded.SerializeToString(), (root / found.bundle / "model.onnx").read_bytes())
    ]
    np.testing.assert_array_equal(*outputs)
    version = mlflow.MlflowClient().get_model_version_by_alias("lbzf_person", "production")
    described = mlflow.models.get_model_info("models:/lbzf_person@production").signature
    assert described.inputs.inputs[0].shape == (-1, 3, *made.imgsz)
    run = mlflow.MlflowClient().get_run(version.run_id)
    assert not any(str(root) in text or "/" in text for text in _context(run)), _context(run)
    files = {one.path for one in mlflow.MlflowClient().list_artifacts(version.run_id)}
    assert {"dossier.json", "manifest.json"} <= files


def test_the_pin_reaches_composed_parameters_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    from glue import compose, pin

    root = given.checkout(tmp_path)
    compose.compose(["profile=tiny"], root / "params.yaml")
    before = (root / "params.yaml").read_bytes()
    assert not pin.pin(root / "params.yaml")
    found = given.promoted(root).current
    assert found is not None and pin.pin(root / "params.yaml")
    content = yaml.safe_load((root / "params.yaml").read_text())
    wanted = {"checkpoint_sha256": found.checkpoint_sha256, "bundle": found.bundle}
    assert content["shadow_ab"]["production"] == wanted
    act.rollback(root, given.PERSON, "")
    assert pin.pin(root / "params.yaml")
    assert (root / "params.yaml").read_bytes() == before
