"""Ultralytics, kept quiet and at home: no telemetry, no tracking, no installing, no downloads.

Seen in the source of ultralytics 8.4.190: `sync` posts the data set's name, the model's name and the
fitness to an analytics service; `mlflow` and `dvc` are on by default; missing packages are installed in
mid-run, and Pillow's `Image.open` is replaced by one that asks for such a package wherever a picture cannot
be read; `check_det_dataset` fetches a font whatever is plotted; the automatic mixed precision check
fetches weights; without OMP_NUM_THREADS torch is held to one thread.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from provenline.detectors.device import cores
from provenline.errors import InputError
from provenline.files import atomic_path

STATE = Path(".state") / "ultralytics"
_OFF: dict[str, bool | str] = {
    "sync": False,
    "api_key": "",
    "clearml": False,
    "comet": False,
    "dvc": False,
    "mlflow": False,
    "raytune": False,
    "tensorboard": False,
    "wandb": False,
    "vscode_msg": False,
    "openvino_msg": False,
}
_SWITCHES = {"ONLINE": False, "AUTOINSTALL": False, "SAFE_LOAD": True, "_pil_plugins_registered": True}


def quiet_ultralytics() -> None:
    """Import ultralytics with everything off that talks to others or writes outside the project.

    May be called any number of times. The settings are changed in memory only, so that parallel
    processes do not write over each other's file, nor over the user's own.

    Raises:
        InputError: Ultralytics is not installed.
    """
    os.environ["YOLO_CONFIG_DIR"] = str(STATE.resolve())
    os.environ["YOLO_OFFLINE"] = "1"
    os.environ["YOLO_AUTOINSTALL"] = "False"
    os.environ["YOLO_VERBOSE"] = "False"
    os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", str(cores()))
    os.environ.pop("ULTRALYTICS_API_KEY", None)
    try:
        from ultralytics.nn import tasks
        from ultralytics.utils import LOGGER, SETTINGS
        from ultralytics.utils.events import events
    except ImportError as error:
        mend = "Install the training extra: pip install 'provenline[train]'"
        raise InputError(f"ultralytics cannot be imported ({error})", mend=mend) from None
    _held(tasks)
    dict.update(SETTINGS, {key: value for key, value in _OFF.items() if key in SETTINGS})
    events.enabled = False
    LOGGER.setLevel(logging.WARNING)


def _held(tasks: Any) -> None:
    """Hold ultralytics to the switches above, whoever imported it before us, from its next load on.

    It reads them once, when it is imported, and its modules keep copies. `SAFE_LOAD` is the second lock
    beside the hash: known model classes alone are unpickled, by its trainer and its exporter too.
    """
    if not hasattr(tasks, "SAFE_LOAD") or not tasks._SafeLoad.SUPPORTED:
        mend = "Install the versions that requirements.lock names"
        raise InputError("this ultralytics cannot be held to unpickling known classes alone", mend=mend)
    for name in [name for name in sys.modules if name.split(".")[0] == "ultralytics"]:
        for switch, value in _SWITCHES.items():
            if switch in vars(sys.modules[name]):
                setattr(sys.modules[name], switch, value)


def seed_fonts() -> None:
    """Put a font where ultralytics looks for its own, which it would fetch otherwise."""
    import matplotlib as mpl
    from ultralytics.utils import USER_CONFIG_DIR

    source = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        font = Path(USER_CONFIG_DIR) / name
        if not font.exists():
            with atomic_path(font) as temporary:
                shutil.copyfile(source, temporary)
