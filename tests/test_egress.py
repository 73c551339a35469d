"""Zero egress: nothing that trains, opens or exports even tries to reach another machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import egress
from tests.training.conftest import base, dataset  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[1]
CONNECT = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CONNECT!r}])"
FORKED = f"""
import multiprocessing
process = multiprocessing.get_context("fork").Process(target=exec, args=({CONNECT!r},))
process.start()
process.join()
"""
ATTEMPTS = {
    "connect": (CONNECT, "192.0.2.1"),
    "below the module": (
        "import _socket; s = _socket.socket(2, 1); s.connect(('192.0.2.2', 80))",
        "192.0.2.2",
    ),
    "datagram": ("import socket; socket.socket(type=2).sendto(b'x', ('192.0.2.3', 53))", "192.0.2.3"),
    "name": ("import socket; socket.getaddrinfo('example.org', 443)", "example.org"),
    "another name": ("import socket; socket.gethostbyname('example.org')", "example.org"),
    "in a child": (CHILD, "192.0.2.1"),
    "after a fork": (FORKED, "192.0.2.1"),
    "install": (
        "import subprocess, sys; subprocess.run([sys.executable, '-m', 'pip', 'install', 'x'])",
        " -m pip install",
    ),
    "shell": ("import os; os.system('curl http://192.0.2.4')", "curl"),
}


def run(folder: Path, code: str, *words: str, environment: dict[str, str] | None = None, **how: object):
    log = folder / "egress.log"
    given = {**os.environ, **egress.environment(folder / "denied", log), **(environment or {})}
    given["PYTHONPATH"] += os.pathsep + str(ROOT)
    command = [*words, sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
    return done, log.read_text() if log.exists() else ""


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_every_attempt_is_denied_and_written_down(tmp_path, attempt):
    code, written = ATTEMPTS[attempt]
    _, log = run(tmp_path, code)
    assert written in log


def test_this_machine_itself_is_reached(tmp_path):
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(('localhost', s.getsockname()[1]), 5); print('reached')"
    )
    done, log = run(tmp_path, code)
    assert (done.stdout.strip(), log) == ("reached", ""), done.stderr


RUNTIME = """
import onnxruntime
from onnx import TensorProto, helper
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "graph", ends[:1], ends[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
"""


@pytest.mark.parametrize(("before", "written"), [("import provenline", False), ("", True)])
def test_onnxruntime_keeps_no_account_of_who_runs_what(tmp_path, before, written):
    """It sends from native code, which no watch in Python sees; what it would send lies at home.

    The second is the control: left to itself it writes a device's number and a queue. It starts from
    an empty environment, as the runtime keeps quiet too where a variable speaks of continuous integration.
    """
    bare = ["env", "-i", f"HOME={tmp_path}", f"PYTHONPATH={tmp_path / 'denied'}{os.pathsep}{ROOT}"]
    done, log = run(tmp_path, f"{before}\n{RUNTIME}", *bare)
    assert (done.returncode, log) == (0, ""), done.stderr
    assert (tmp_path / ".cache/Microsoft").exists() == written


@pytest.mark.slow
def test_ultralytics_left_to_itself_is_noticed(tmp_path):
    """The control: the same watch, without what the library switches off."""
    code = "import ultralytics; from ultralytics.utils.checks import check_font; check_font('Arial.ttf')"
    settings = {"YOLO_CONFIG_DIR": str(tmp_path / "settings"), "YOLO_OFFLINE": "", "YOLO_AUTOINSTALL": ""}
    _, log = run(tmp_path, code, environment=settings)
    assert log


TRAIN = """
import os, sys
from pathlib import Path
from provenline.detectors.open import open_checkpoint
from provenline.detectors.size import Size
from provenline.engines.export import export_onnx
from provenline.errors import InputError
from provenline.training import train
from tests.detectors.conftest import model_params
from tests.training.conftest import params

dataset, base, sha256 = Path({dataset!r}), Path({base!r}), {sha256!r}
# Weights by name that are not there.
for name in ("yolov8n.pt", "yolo26n.pt", "rtdetr-l.pt"):
    try: open_checkpoint(model_params(Path(name)), "cpu")
    except InputError as error: assert "Nothing is downloaded" in str(error), error
    else: raise SystemExit("opened " + name)
# On a GPU FP16 would fetch weights for a check of itself: it is BF16 or nothing.
import torch
for able, wanted in ((True, "bf16"), (False, False)):
    torch.cuda.is_bf16_supported = lambda able=able, **_: able
    assert train._precision("cuda:0") == wanted
asked, settled = train.arguments, []
def drawn(*words, **more):
    settled.append({{**asked(*words, **more), "plots": True}})
    return settled[0]
train.arguments = drawn
places = Path("v0.pt"), Path("peaks"), Path("state")
result = train.fine_tune(dataset, base, sha256, params(1), *places, lambda *_: None)
assert settled and result["epochs"] == 1, result
export_onnx(Path("v0.pt"), Size(64, 64), opset=17, simplify=True, out=Path("v0.onnx"))
# What ultralytics would do at other times: fonts, versions, packages, telemetry.
from ultralytics.utils import checks, events
checks.check_font("Arial.ttf"); checks.check_font("Arial.Unicode.ttf")
checks.check_pip_update_available()
assert checks.check_requirements("provenline-has-no-such-package") is False
assert events.events.enabled is False
print("done")
"""


@pytest.mark.slow
def test_training_with_weights_fonts_versions_packages_and_telemetry(tmp_path, dataset, base):  # noqa: F811
    code = TRAIN.format(dataset=str(dataset), base=str(base[0]), sha256=base[1])
    done, log = run(tmp_path, code, *egress.alone())
    assert done.returncode == 0 and done.stdout.strip().endswith("done"), done.stderr[-3000:]
    assert log == ""
