"""What TensorRT is handed: the graph, its types, the builder's flags. TensorRT itself is stood in for."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from provenline.detectors.size import Size
from provenline.engines import tensorrt_build
from provenline.engines.export import export_onnx
from provenline.engines.params import PlanParams
from provenline.engines.quantise import tail
from provenline.errors import InputError
from tests.engines import world


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tensorrt")
    model = world.checkpoint(folder / "weights" / "base.pt")
    export_onnx(model.weights, Size(64, 96), opset=17, simplify=True, out=folder / "plain.onnx")
    return folder / "plain.onnx"


class Builder:
    """Takes down what a real one would be told."""

    def __init__(self) -> None:
        self.flags: list[str] = []
        self.parsed = b""
        self.shape: tuple[int, ...] = ()

    def module(self, version: str) -> ModuleType:
        found: Any = ModuleType("tensorrt")
        found.__version__ = version
        found.Logger = type("Logger", (), {"WARNING": 1, "__init__": lambda self, level: None})
        found.MemoryPoolType = SimpleNamespace(WORKSPACE=0)
        if version.startswith("10"):
            found.BuilderFlag = SimpleNamespace(FP16="FP16", INT8="INT8")
        given = SimpleNamespace(shape=None)
        network = SimpleNamespace(get_input=lambda number: given)
        config = SimpleNamespace(set_memory_pool_limit=lambda pool, size: None, set_flag=self.flags.append)

        def build(network: object, config: object) -> bytes:
            self.shape = given.shape
            return b"plan"

        found.Builder = lambda logger: SimpleNamespace(
            create_network=lambda flags: network,
            create_builder_config=lambda: config,
            build_serialized_network=build,
        )

        def parse(data: bytes) -> bool:
            self.parsed = data
            return True

        found.OnnxParser = lambda network, logger: SimpleNamespace(parse=parse)
        return found


@pytest.mark.parametrize(
    ("version", "precision", "flags", "typed"),
    [
        ("10.3.0", "fp16", ["FP16"], False),
        ("10.3.0", "int8", ["FP16", "INT8"], False),
        ("11.0.0", "fp16", [], True),
        ("11.0.0", "int8", [], False),
    ],
)
def test_flags_choose_the_precision_of_version_10_and_the_graph_that_of_11(
    plain: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    precision: str,
    flags: list[str],
    typed: bool,
) -> None:
    told = Builder()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "tensorrt", told.module(version))
    plan = PlanParams.model_validate({"name": "t", "precision": precision, "workspace_mb": 64})
    bound = tensorrt_build.build_plan(plain, Size(64, 96), plan, tmp_path / "model.plan")
    assert told.flags == flags and told.shape == (1, 3, 64, 96)
    assert (told.parsed != plain.read_bytes()) == typed
    assert bound["precision"] == precision and (tmp_path / "model.plan").read_bytes() == b"plan"


def test_an_unknown_version_is_refused(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setitem(sys.modules, "tensorrt", Builder().module("12.0.0"))
    plan = PlanParams(name="t", precision="fp16", workspace_mb=64)
    with pytest.raises(InputError, match=r"TensorRT 12\.0\.0 is installed, and only 10 and 11"):
        tensorrt_build.build_plan(plain, Size(64, 96), plan, tmp_path / "model.plan")
    assert list(tmp_path.iterdir()) == []


def test_the_typed_graph_is_fp16_where_it_was_learned_and_says_the_same(plain: Path) -> None:
    data = tensorrt_build.graph(plain, "fp16", 11)
    model, left = onnx.load_from_string(data), set(tail(onnx.load(plain)))
    kinds = {one.name: one.data_type for one in model.graph.initializer}
    convolutions = [
        node for node in model.graph.node if node.op_type == "Conv" and node.name.split("#")[0] not in left
    ]
    assert len(convolutions) > 30
    assert {kinds[node.input[1]] for node in convolutions} == {onnx.TensorProto.FLOAT16}
    for end in (*model.graph.input, *model.graph.output):
        assert end.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    image = np.random.default_rng(0).random((1, 3, 64, 96), dtype=np.float32)
    before, after = (
        onnxruntime.InferenceSession(one, providers=["CPUExecutionProvider"]).run(None, {"images": image})[0]
        for one in (plain.read_bytes(), data)
    )
    tolerance = world.GOLDEN.tolerances.fp16
    assert np.abs(before[:, 4:] - after[:, 4:]).max() < tolerance.score
    assert 0 < np.abs(before[:, :4] - after[:, :4]).max() < tolerance.box
