"""What belongs to a run, step by step from the footage to the verdict, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["file", "folder", "list"]
STEPS = (
    "run",
    "footage",
    "frames",
    "labels",
    "split",
    "weights",
    "predictions",
    "evaluation",
    "engines",
    "measurements",
    "shadow",
)
SIDES = ("development", "deployment")
ROLES = ("base", "candidate")
NONE = "data/none"  # stands where there is nothing
LISTS = "metrics/inputs"  # what stages read, file by file: see glue/runtime.inputs
# They become parts of paths, so a dossier cannot name what it likes.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")]
Round = Annotated[str, Field(pattern=r"^(v\d+(\.\d+)*)?$")]


class Side(BaseModel):
    """Where one footage lies, as params.yaml says; empty where it does not."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    root: str = Field(max_length=1000)
    media_list: str = Field(max_length=1000)
    annotations: str = Field(max_length=1000)


class Run(BaseModel):
    """Which run, and the places that its parameters name.

    Attributes:
        round: ``v0``, ...
        usecase: Its name.
        target: Where the engine runs.
        weights: The base's checkpoint.
        production: The bundle that runs today.
        rounds: What monthly rounds brought; empty before the first.
        development: Footage that is trained and judged on.
        deployment: Footage of other cameras and days.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    round: Round
    usecase: Name
    target: Name
    weights: str = Field(max_length=1000)
    production: str = Field(max_length=1000)
    rounds: str = Field(default="", max_length=1000)  # older dossiers have none
    development: Side
    deployment: Side

    def side(self, name: str) -> Side:
        """Return one of the two footages."""
        return self.development if name == "development" else self.deployment


def run_of(parameters: Mapping[str, Any]) -> Run:
    """Return the run that composed parameters describe; what they do not say stays empty.

    Raises:
        ValidationError: A name is none (pydantic's own).
    """
    target = _text(parameters, "target")
    production = _path(parameters, "shadow_ab", "production", "bundle")
    rounds = _path(parameters, "rounds")
    return Run(
        round=_text(parameters, "round"),
        usecase=_text(parameters, "usecase", "name"),
        target=target,
        weights=_path(parameters, "model", "weights"),
        production=production.replace("{target}", target),
        rounds="" if rounds == NONE else rounds,
        development=_side(parameters, "development"),
        deployment=_side(parameters, "deployment"),
    )


def _side(parameters: Mapping[str, Any], name: str) -> Side:
    return Side(**{key: _path(parameters, "source", name, key) for key in Side.model_fields})


def _path(parameters: Any, *keys: str) -> str:
    given = _text(parameters, *keys)
    return PurePosixPath(given).as_posix() if given else ""


def _text(parameters: Any, *keys: str) -> str:
    for key in keys:
        parameters = parameters.get(key) if isinstance(parameters, Mapping) else None
    return "" if parameters is None else str(parameters)


@dataclass(frozen=True)
class Item:
    """One thing that a run leaves.

    Attributes:
        id: Its name in the dossier.
        step: Of the chain.
        kind: File, folder or list.
        path: Where it lies; "" where the parameters do not say.
        label: What it is called on the page; empty for what stands only in the full list.
        named_in: The item whose list names its hashes, where the report may not read it itself.
        needed: Whether the chain has a hole without it.
    """

    id: str
    step: str
    kind: Kind
    path: str
    label: str = ""
    named_in: str = ""
    needed: bool = True


def items(run: Run) -> list[Item]:
    """Return everything that belongs to a run, in the order of the chain."""
    parts = (*_run(), *_footage(run), *_frames(), *_labels(run), *_split(run), *_weights(run))
    found = [*parts, *_judged(run), *_engines(run), *_shadow()]
    return sorted(found, key=lambda one: STEPS.index(one.step))


def deliverables(run: Run) -> dict[str, str]:
    """Return what the plan promises by name: path -> the item that it is, or lies in."""
    engine = f"models/engines/{run.target}/candidate"
    return {
        f"data/dataset/{run.usecase}_{run.round}.yaml": "dataset",
        f"data/dataset_split_{run.round}.csv": "split",
        f"metrics/eval_{run.round}.json": "eval",
        f"models/{run.usecase}_{run.round}.pt": "weights.candidate",
        f"{engine}/model.onnx": "engine.candidate",
        f"{engine}/manifest.json": "engine.candidate",
    }


def _suffix(side: str) -> str:
    return "" if side == "development" else f"_{side}"


def data(side: str) -> str:
    """Return the folder of one footage's tables."""
    return "data" if side == "development" else f"data/{side}"


def _inputs(step: str, stage: str) -> Item:
    return Item(f"inputs.{stage}", step, "file", f"{LISTS}/{stage}.sha256")


def _run() -> Iterator[Item]:
    yield Item("params", "run", "file", "params.yaml", "Parameters")
    yield Item("packages", "run", "file", "requirements.lock", needed=False)
    yield Item("code", "run", "folder", "provenline", "Code")
    yield Item("glue", "run", "folder", "glue")
    yield Item("stages", "run", "folder", "stages")


def _footage(run: Run) -> Iterator[Item]:
    for side in SIDES:
        given, named = run.side(side), f"inputs.annotate_import{_suffix(side)}"
        yield Item(f"extract.{side}", "footage", "file", f"metrics/extract{_suffix(side)}.json")
        yield Item(f"media_list.{side}", "footage", "file", given.media_list, f"Media list, {side}", named)
        yield Item(f"media.{side}", "footage", "list", given.root, f"Footage, {side}", named)
    yield Item("sample_ledger", "footage", "file", "data/sample_ledger.csv", needed=False)


def _frames() -> Iterator[Item]:
    for side in SIDES:
        apart = side != "development"
        read_by = "inputs.eval" if apart else ""
        imported = "inputs.annotate_import_deployment" if apart else ""
        yield Item(f"frames_table.{side}", "frames", "file", f"{data(side)}/frames.parquet", "", imported)
        yield Item(f"frames.{side}", "frames", "folder", f"{data(side)}/frames", f"Frames, {side}", read_by)


def _labels(run: Run) -> Iterator[Item]:
    for side in SIDES:
        stage, read_by = f"annotate_import{_suffix(side)}", "inputs.eval" if side != "development" else ""
        yield _inputs("labels", stage)
        yield Item(f"exports.{side}", "labels", "folder", run.side(side).annotations, "", f"inputs.{stage}")
        yield Item(f"import.{side}", "labels", "file", f"metrics/{stage}.json")
        yield Item(f"annotated.{side}", "labels", "file", f"{data(side)}/annotated.parquet", "", read_by)
        yield Item(
            f"boxes.{side}", "labels", "file", f"{data(side)}/boxes.parquet", f"Boxes, {side}", read_by
        )


def _split(run: Run) -> Iterator[Item]:
    yield Item("ledger", "split", "file", "data/split_ledger.csv")
    if run.rounds:
        yield Item("rounds", "split", "folder", run.rounds, "Rounds")
    yield Item("split", "split", "file", f"data/dataset_split_{run.round}.csv", "Split")
    yield Item("dataset", "split", "folder", "data/dataset", "Dataset")
    yield Item("split_metrics", "split", "file", "metrics/split.json")
    yield Item("leakage", "split", "file", "metrics/leakage.json", needed=False)


def _weights(run: Run) -> Iterator[Item]:
    yield Item("weights.base", "weights", "file", run.weights, "Weights, base")
    yield Item(
        "weights.candidate", "weights", "file", f"models/{run.usecase}_{run.round}.pt", "Weights, candidate"
    )
    yield Item("weights.peaks", "weights", "folder", "models/peaks", needed=False)
    yield Item("train", "weights", "file", "metrics/train.json")
    yield Item("plots.train", "weights", "file", "plots/train/epochs.csv", needed=False)


def _judged(run: Run) -> Iterator[Item]:
    for role in ROLES:
        yield Item(
            f"predictions.{role}",
            "predictions",
            "file",
            f"data/predictions/{role}.parquet",
            f"Predictions, {role}",
        )
    yield _inputs("evaluation", "stage_a_eval")
    yield Item("stage_a", "evaluation", "file", "metrics/stage_a_eval.json", "Stage A")
    yield Item("decision", "evaluation", "file", "data/stage_a_decision.json")
    yield Item("stage_a_ledger", "evaluation", "file", "data/stage_a_ledger.csv", needed=False)
    yield Item("stage_a_sample", "evaluation", "file", "data/stage_a_sample.csv", needed=False)
    yield Item("plots.stage_a", "evaluation", "file", "plots/stage_a_eval/confidence.csv", needed=False)
    yield _inputs("evaluation", "eval")
    yield Item("eval", "evaluation", "file", f"metrics/eval_{run.round}.json", "Evaluation")
    yield Item("plots.eval", "evaluation", "file", "plots/eval/precision_recall.csv", needed=False)
    yield Item("ablation", "evaluation", "file", "metrics/ablation.json", needed=False)
    yield Item("seed_spread", "evaluation", "file", "data/seed_spread.json", needed=False)
    yield Item("review", "evaluation", "folder", "data/review", needed=False)


def _engines(run: Run) -> Iterator[Item]:
    target = run.target
    for role in ROLES:
        yield Item(
            f"engine.{role}", "engines", "folder", f"models/engines/{target}/{role}", f"Engine, {role}"
        )
    if run.production not in ("", f"models/engines/{target}/base"):
        yield Item("engine.production", "engines", "folder", run.production, "Engine, production")
    yield _inputs("engines", f"trt_build_{target}")
    yield Item("trt_build", "engines", "file", f"metrics/trt_build/{target}.json")
    measured = f"models/engines/{target}/measurements.json"
    yield Item("measurements", "measurements", "file", measured, "Latency")
    yield Item("devices", "measurements", "file", "models/devices.json", needed=False)
    for role in ROLES:
        proof = f"models/proofs/{target}/{role}.json"
        yield Item(f"proof.{role}", "measurements", "file", proof, needed=False)


def _shadow() -> Iterator[Item]:
    yield _inputs("shadow", "shadow_ab")
    yield Item("shadow", "shadow", "folder", "data/shadow", "Shadow run")
    yield Item("shadow_metrics", "shadow", "file", "metrics/shadow_ab.json")
