"""Every section of params.yaml and the typed model that checks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provenline import line
from provenline.annotations.params import AnnotateParams
from provenline.cost.params import CostParams
from provenline.detectors.params import ModelParams
from provenline.engines.params import GoldenParams, Target
from provenline.errors import InputError
from provenline.evaluation.params import EvalParams, IntervalParams, StageAParams
from provenline.footage.params import ExtractParams, PrivacyParams
from provenline.parameters import PARAMS, missing, section
from provenline.reports.params import ReportParams
from provenline.shadow.params import ShadowParams
from provenline.simline.params import SimlineParams
from provenline.splits.params import SplitParams
from provenline.training.flips import refuse_mixed_up
from provenline.training.params import TrainParams

SECTIONS: dict[str, Any] = {
    "usecase": line.UseCase,
    "source": line.Source,
    "footage": PrivacyParams,
    "tracking": line.Tracking,
    "simulate": SimlineParams | None,
    "extract": ExtractParams,
    "annotate_import": AnnotateParams,
    "split": SplitParams,
    "model": ModelParams,
    "stage_a_eval": StageAParams,
    "train": TrainParams,
    "eval": EvalParams,
    "trt_build.*": Target,
    "golden": GoldenParams,
    "shadow_ab": ShadowParams,
    "report": ReportParams,
    "line": line.Line,
    "interval": IntervalParams,
    "profile": line.Profile,
    "cost": CostParams,
}
PLAIN = ("round", "rounds", "seed", "target")


def check(value: dict[str, Any]) -> int:
    """Check every section of composed parameters and return how many were checked.

    Raises:
        InputError: With all faults at once: unknown sections, missing values, ill-typed values.
    """
    known = set(PLAIN) | {dotted.split(".")[0] for dotted in SECTIONS}
    faults = [f"{name}: unknown section" for name in value if name not in known]
    faults += [f"{name}: section is missing" for name in sorted(known - {"line"}) if name not in value]
    faults += [f"{key}: no value was given" for key in missing(value)]
    found: dict[str, Any] = {}
    alone = {"line": {name: value.get(name) for name in PLAIN}}
    if value.get("target") not in (value.get("trt_build") or {}):
        faults.append(f"target: {value.get('target')} is not one of trt_build")
    for dotted, model in _expanded(value):
        try:
            found[dotted] = section(value | alone, dotted, model)
        except InputError as error:
            faults.append(error.what)
    if {"usecase", "train"} <= found.keys():
        try:
            refuse_mixed_up(found["usecase"].classes, found["train"])
        except InputError as error:
            faults.append(f"train.augment: {error.what} ({error.mend})")
    if faults:
        raise InputError("; ".join(faults), file=PARAMS, mend="Mend it in conf/ and run `make params`")
    return len(found)


def _expanded(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for dotted, model in SECTIONS.items():
        head = dotted.removesuffix(".*")
        if head == dotted:
            yield dotted, model
        else:
            yield from ((f"{head}.{key}", model) for key in value.get(head, {}))
