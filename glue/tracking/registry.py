"""The model registry follows `models/production.json`: `python -m glue.tracking.registry` (`make track` too).

One registered model per use case; a version is a bundle, found by its identity, so that following twice adds
nothing. Aliases: ``production`` and ``previous`` as the record has them, ``candidate`` the bundle at hand.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from glue import runtime
from glue.tracking import sender
from provenline.detectors.bundle import ONNX
from provenline.engines import manifest
from provenline.engines.manifest import Manifest
from provenline.errors import InputError
from provenline.progress import notice
from provenline.promotion import record

EXPERIMENT = "provenline-registry"
DOSSIER = Path("reports/dossier.json")
_TIMEOUT = "10"  # seconds for an answer: whoever promotes waits


def follow() -> str:
    """Bring the registry to what the record says; return what was done, in one line.

    Raises:
        Exception: Whatever MLflow raises where it cannot be reached; nothing is lost, the record stands.
    """
    found = record.read(Path())
    if not found.history:
        return "nothing was promoted yet"
    from mlflow.tracking import MlflowClient

    client, name = MlflowClient(), str(runtime.value("usecase")["name"])
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    target = str(runtime.value("target"))
    places = {
        "production": found.current.bundle if found.current else "",
        "previous": found.previous.bundle if found.previous else "",
        "candidate": f"models/engines/{target}/candidate",
    }
    known = set(client.get_registered_model(name).aliases)
    said = []
    for alias, place in places.items():
        if place and Path(place).is_dir():
            version = _version(client, name, Path(place))
            client.set_registered_model_alias(name, alias, version)
            said.append(f"{alias} is version {version}")
        elif alias in known:
            client.delete_registered_model_alias(name, alias)
    return f"{name}: {', '.join(said)}"


def _version(client: Any, name: str, bundle: Path) -> str:
    """Return the version that a bundle is registered as, and register it if it is none yet."""
    made = manifest.verify(bundle)
    identity = manifest.identity(made.to_dict())
    versions = client.search_model_versions(f"name='{name}'")
    known = [one.version for one in versions if one.tags.get("bundle_sha256") == identity]
    return str(known[0] if known else _registered(client, name, bundle, made, identity))


def _registered(client: Any, name: str, bundle: Path, made: Manifest, identity: str) -> str:
    import mlflow
    import numpy as np
    import onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    floats = np.dtype(np.float32)
    image = TensorSpec(floats, (-1, 3, *made.imgsz), "images")
    signature = ModelSignature(Schema([image]), Schema([TensorSpec(floats, (-1, -1, -1), "output0")]))
    mlflow.set_experiment(EXPERIMENT)
    tags = {
        "bundle_sha256": identity,
        "checkpoint_sha256": made.checkpoint_sha256,
        "dataset_sha256": made.dataset_sha256 or "",
        "split_sha256": made.split_sha256 or "",
        "target": made.target["name"],
        "precision": made.precision,
    }
    with mlflow.start_run(run_name=f"{made.target['name']}@{made.checkpoint_sha256[:8]}", tags=tags):
        if DOSSIER.is_file():
            mlflow.log_artifact(str(DOSSIER))
        mlflow.log_artifact(str(bundle / "manifest.json"))
        logged = mlflow.onnx.log_model(
            onnx.load(bundle / ONNX),
            name="model",
            signature=signature,
            registered_model_name=name,
            pip_requirements=["onnxruntime", "numpy"],
        )
    version = str(logged.registered_model_version)
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value)
    return version


def main() -> None:
    """Follow, and say in one line what was done, or why not; then the exit status is 1."""
    # MLflow would tag its run with who ran which file of which repository.
    sys.argv[0], os.environ["LOGNAME"] = "glue.tracking.registry", "provenline"
    for key, value in sender.tracker().items():
        os.environ.setdefault(key, value)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", _TIMEOUT)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    try:
        said = follow()
    except InputError as error:
        sys.exit(f"registry: {error}")
    except Exception as error:  # noqa: BLE001 - whatever a tracker raises, the record stands
        sys.exit(f"registry: {' '.join(str(error).split())[:300] or type(error).__name__}")
    notice(f"registry: {said}")


if __name__ == "__main__":
    main()
