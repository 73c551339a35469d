"""Whatever else ultralytics can be told: names, kinds and ranges, held against its own configuration.

Read from the files of the installed package: importing it takes seconds, and parameters are composed often.
Where it is not installed, only what the line sets itself is known here; training needs it anyway.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

_OWNED = {
    **dict.fromkeys(
        (
            *("mode", "model", "data", "split", "val", "project", "name", "save_dir", "exist_ok"),
            *("resume", "save", "save_period", "save_json", "verbose", "plots", "deterministic", "amp"),
            "profile",
        ),
        "the line sets it itself",
    ),
    "device": "set train.device",
    "workers": "set train.workers",
    "cache": "set train.cache",
    "fraction": "set train.limit, which leaves all videos in",
    "augmentations": "transforms of other packages are not applied",
    "time": "it overrides epochs; set train.recipe.epochs",
    "cfg": "a file would override everything; write its values into conf/recipe",
    "pretrained": "it loads weights that nobody checked; set model.weights",
    "distill_model": "it loads weights that nobody checked",
    "quantize": "engines are quantised after training; see conf/target",
    "single_cls": "it would train other classes than the use case names",
    "classes": "it would drop labels in silence; set usecase.classes",
    "rect": "it switches mosaics and shuffling off in silence",
    "compile": "it is left out in silence where it cannot be had",
    "channels_last": "it is on where it helps, and left out in silence elsewhere",
}
_IDLE = {
    # Of other tasks.
    *("dropout", "auto_augment", "pose", "kobj", "rle", "angle", "dlog", "dgrad", "dlam", "dis"),
    # Of prediction and display.
    *("source", "vid_stride", "stream_buffer", "visualize", "augment", "retina_masks", "embed", "show"),
    *("save_frames", "save_txt", "save_conf", "save_crop", "show_labels", "show_conf", "show_boxes"),
    *("line_width", "tracker", "dnn", "nms"),
    # Of export.
    *("format", "optimize", "dynamic", "simplify", "opset", "workspace"),
}
_ONLY_SEGMENT = {"overlap_mask", "mask_ratio", "copy_paste_mode"}
_CHOICES = {"copy_paste_mode": ("flip", "mixup")}


@dataclass(frozen=True)
class Known:
    """What the installed ultralytics accepts.

    Attributes:
        defaults: Name to value.
        kinds: ``FLOAT``, ``FRACTION``, ``INT``, ``BOOL`` or ``STR`` to the names of that kind.
        least: Name to least value.
    """

    defaults: Mapping[str, Any]
    kinds: Mapping[str, frozenset[str]]
    least: Mapping[str, int]


def faults(extra: Mapping[str, Any], task: str, typed: Mapping[str, str]) -> list[str]:
    """Return what is wrong with settings that are handed to ultralytics as they are.

    Refused are names that it does not know, names that the line sets itself or that do nothing in
    training, whatever changes other settings in silence, and values of another kind or out of range.

    Args:
        extra: Name to value.
        task: ``detect`` or ``segment``.
        typed: Names that have a place of their own, to that place.

    >>> faults({"lr0": 0.1, "time": 2}, "detect", {"lr0": "train.recipe.lr0"})
    ['lr0: set train.recipe.lr0', 'time: it overrides epochs; set train.recipe.epochs']
    """
    known = known_settings()
    found = ((name, _fault(name, value, task, typed, known)) for name, value in sorted(extra.items()))
    return [f"{name}: {fault}" for name, fault in found if fault]


def _fault(name: str, value: Any, task: str, typed: Mapping[str, str], known: Known | None) -> str:
    if name in typed:
        return f"set {typed[name]}"
    if name in _OWNED:
        return _OWNED[name]
    if name in _IDLE or (name in _ONLY_SEGMENT and task != "segment"):
        return f"it does nothing when a model for {task} is trained"
    if known is None:
        return ""
    if name not in known.defaults:
        near = difflib.get_close_matches(name, sorted({*known.defaults, *typed} - _OWNED.keys() - _IDLE))
        return "; near: ".join(["ultralytics has no such setting", *filter(None, [", ".join(near)])])
    return _misfit(name, value, known)


def _misfit(name: str, value: Any, known: Known) -> str:
    """Return why a value does not fit: the rules of ultralytics' own `check_cfg`, read from its source."""
    kind = next((kind for kind, names in known.kinds.items() if name in names), "")
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    whole = number and float(value).is_integer()
    wrong = {
        "FLOAT": (not number, "a number"),
        "FRACTION": (not (number and 0.0 <= value <= 1.0), "a number from 0 to 1"),
        "INT": (not whole or value < known.least.get(name, value), _whole(name, known)),
        "BOOL": (not isinstance(value, bool), "true or false"),
        "STR": (not isinstance(value, str), "text"),
    }
    if value is None and known.defaults[name] is None:
        return ""
    misfits, wanted = wrong.get(kind, (False, ""))
    if not misfits and value not in (choices := _CHOICES.get(name, (value,))):
        misfits, wanted = True, f"one of {', '.join(choices)}"
    return f"{value!r} is not {wanted}" if misfits else ""


def _whole(name: str, known: Known) -> str:
    least = known.least.get(name)
    return "a whole number" if least is None else f"a whole number from {least}"


@lru_cache(maxsize=1)
def known_settings() -> Known | None:
    """Return what the installed ultralytics accepts; None where it is not installed."""
    spec = find_spec("ultralytics")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "cfg"
    defaults = yaml.safe_load((folder / "default.yaml").read_text(encoding="utf-8"))
    literals = dict(_literals((folder / "__init__.py").read_text(encoding="utf-8")))
    kinds = {
        kind: frozenset(literals.get(f"CFG_{kind}_KEYS", ()))
        for kind in ("FLOAT", "FRACTION", "INT", "BOOL", "STR")
    }
    return Known(defaults, kinds, literals.get("CFG_INT_MIN", {}))


def _literals(source: str) -> list[tuple[str, Any]]:
    """Return the names ``CFG_...`` that a module's source assigns literals to, and the literals."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
            value = node.value
            if isinstance(value, ast.Call) and value.args:  # frozenset({...})
                value = value.args[0]
            if target.id.startswith("CFG_") and isinstance(value, (ast.Set, ast.Dict)):
                found.append((target.id, ast.literal_eval(value)))
    return found
