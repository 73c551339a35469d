"""What training costs beside a plain `yolo train`: `python -m benchmarks.train [--device 0 --imgsz 640]`.

The same base, images and arguments go to the stage's own `fine_tune` and to ultralytics' `YOLO.train`, by
turns, each in a process of its own; wall time from the first call to the last file, imports left out. On
top stand two limits, measured in the same run: the network alone on one resident batch (forward, loss,
backward, optimizer), and the loader alone. What trains cannot be faster than the slower of the two.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from benchmarks.timing import Clock, Result, in_own_process, in_turns, machine, version_of
from provenline.progress import out

ROOT = Path(__file__).parents[1]
OURS, PEER = "fine_tune", "yolo train"
LIMITS = {"network": "the network alone, one resident batch", "loader": "the loader alone"}
AIM = 1.05


def main() -> None:
    """Draw the images, run limits and peers, and print what came out."""
    given = options()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="bench-train-"))
    if given.peer:
        print(json.dumps(PEERS[given.peer](given, folder)))
        return
    draw(given, folder)
    out.print(f"{machine()}; torch {version_of('torch')}, ultralytics {version_of('ultralytics')}")
    out.print(f"{given.images} images of {given.size} px, batch {given.batch} at {given.imgsz}")
    passed = [f"--{name}={value}" for name, value in vars(given).items() if name not in ("peer", "folder")]

    def run(peer: str) -> dict[str, Any]:
        arguments = [*passed, "--peer", peer, "--folder", str(folder)]
        found = in_own_process("benchmarks.train", arguments, {})
        seen.setdefault(peer, []).append(found)
        return (
            found if "reason" in found else {**found, "numbers": [found["epochs"]], "wanted": [given.epochs]}
        )

    seen: dict[str, list[dict[str, Any]]] = {}
    for name, title in LIMITS.items():
        found = run(name)
        out.print(f"  {title}: " + (found.get("reason") or f"{found['rate']:.0f} images/s"))
    results = in_turns([OURS, PEER], given.repeats, run, "training")
    _say(results, seen, given)


def _say(
    results: dict[str, Result], seen: dict[str, list[dict[str, Any]]], given: argparse.Namespace
) -> None:
    table = Table("", "s, median", "images/s", "images/s, epochs after the first", "GPU memory, GB", "mAP50")
    for name, result in results.items():
        if result.reason:
            out.print(f"{name}: {result.reason}")
            continue
        rate = given.images * given.epochs / result.median
        later = given.images / statistics.median(second for found in seen[name] for second in found["later"])
        memory, best = seen[name][0]["memory"], seen[name][0]["mAP50"]
        figures = (f"{result.median:.1f}", f"{rate:.0f}", f"{later:.0f}", f"{memory:.1f}", f"{best:.3f}")
        table.add_row(name, *figures)
    out.print(table)
    if any(result.reason for result in results.values()):
        return
    ratio = results[OURS].median / results[PEER].median
    kept = "kept" if ratio <= AIM else "missed"
    out.print(f"  {ratio:.3f} times the wall time of a plain `yolo train` (aim: at most {AIM}): {kept}")


def options() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", help="cpu, or a GPU: 0")
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--size", type=int, default=640, help="side of the drawn JPEGs, in pixels")
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--cache", default="none", help="none, ram or auto")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--architecture", default="yolov8n.yaml")
    parser.add_argument("--peer", choices=[OURS, PEER, *LIMITS], help=argparse.SUPPRESS)
    parser.add_argument(
        "--folder", type=Path, help="where images are drawn and kept; a temporary one if not given"
    )
    return parser.parse_args()


def draw(given: argparse.Namespace, folder: Path) -> None:
    """Draw the data set and a network with random weights, unless they are there."""
    from provenline.simline.params import PortraitParams
    from provenline.simline.portraits import render_portraits
    from provenline.training.scratch import untrained

    if not (folder / "set").is_dir():
        render_portraits(
            folder / "set",
            PortraitParams(
                seed=1,
                workers=0,
                train=given.images,
                val=max(given.images // 8, 8),
                size=given.size,
                max_people=4,
                empty_share=0.08,
                jpeg_quality=90,
            ),
        )
    untrained(given.architecture, ("person",), 1, given.imgsz, folder / "base.pt")


def params(given: argparse.Namespace) -> Any:
    """Return the plan's recipe at the sizes asked for."""
    from provenline.training.params import TrainParams

    recipe = yaml.safe_load((ROOT / "conf/recipe/plan.yaml").read_text(encoding="utf-8"))
    augment = yaml.safe_load((ROOT / "conf/augment/plan.yaml").read_text(encoding="utf-8"))
    sizes = {
        "epochs": given.epochs,
        "batch": given.batch,
        "nbs": max(64, given.batch),
        "imgsz": given.imgsz,
        "seed": 0,
    }
    mine = {
        "when": "always",
        "device": given.device,
        "workers": given.workers,
        "cache": given.cache,
        "limit": 0,
    }
    return TrainParams.model_validate(
        {**recipe, **mine, "recipe": {**recipe["recipe"], **sizes, "patience": 0}, "augment": augment}
    )


def ours(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train as the stage does."""
    from provenline.files import sha256_file
    from provenline.training.train import fine_tune

    base, times = folder / "base.pt", [0.0]
    _warm(given)
    with tempfile.TemporaryDirectory(dir=folder) as place, Clock() as clock:
        times[0] = time.perf_counter()
        report = fine_tune(
            folder / "set/data.yaml",
            base,
            sha256_file(base),
            params(given),
            Path(place) / "out.pt",
            Path(place) / "peaks",
            Path(place) / "state",
            lambda *_: times.append(time.perf_counter()),
        )
    best = report["history"][report["best_epoch"] - 1]["mAP50"]
    return {**_measured(clock, times), "epochs": report["epochs"], "mAP50": best}


def peer(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Train the same with ultralytics' own front door."""
    from provenline.training.train import arguments
    from provenline.training.view import build_view

    _warm(given)
    from ultralytics import YOLO

    device = "cpu" if given.device == "cpu" else f"cuda:{given.device}"
    with tempfile.TemporaryDirectory(dir=folder) as place:
        view = build_view(folder / "set/data.yaml", Path(place) / "view", 0)
        asked = arguments(params(given), view, Path(place) / "run", device)
        times: list[float] = []
        model = YOLO(str(folder / "base.pt"))
        model.add_callback("on_model_save", lambda _: times.append(time.perf_counter()))
        with Clock() as clock:
            times.append(time.perf_counter())
            model.train(**asked)
    best = float(model.trainer.metrics["metrics/mAP50(B)"])  # of best.pt, evaluated at the end
    return {**_measured(clock, times), "epochs": len(times) - 1, "mAP50": best}


def network(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Step the optimizer on one batch that lies on the device."""
    return _limit(given, folder, "network")


def loader(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Take a pass over the images from the loader and throw the batches away."""
    return _limit(given, folder, "loader")


class _EnoughError(Exception):
    """Ends ultralytics' training where the limits have been measured."""


def _limit(given: argparse.Namespace, folder: Path, which: str) -> dict[str, Any]:
    from provenline.training.train import arguments
    from provenline.training.view import build_view

    _warm(given)
    import torch
    from ultralytics.models.yolo.detect import DetectionTrainer

    rate = [0.0]

    def measure(trainer: Any) -> None:
        rate[0] = (_network_rate if which == "network" else _loader_rate)(trainer, torch)
        raise _EnoughError

    device = "cpu" if given.device == "cpu" else f"cuda:{given.device}"
    with tempfile.TemporaryDirectory(dir=folder) as place:
        view = build_view(folder / "set/data.yaml", Path(place) / "view", 0)
        asked = arguments(params(given), view, Path(place) / "run", device)
        trainer: Any = DetectionTrainer(overrides={**asked, "model": str(folder / "base.pt")})  # type: ignore[no-untyped-call]
        trainer.add_callback("on_train_start", measure)
        with contextlib.suppress(_EnoughError):
            trainer.train()
    return {"rate": rate[0], "seconds": 0.0, "cpu": 0.0, "epochs": given.epochs}


def _network_rate(trainer: Any, torch: Any) -> float:
    batch = next(iter(trainer.train_loader))
    batch = {k: v.to(trainer.device) if hasattr(v, "to") else v for k, v in batch.items()}
    trainer._model_train()
    image = batch["img"].float() / 255
    number = trainer.batch_size

    def step() -> None:
        with torch.autocast(trainer.device.type, torch.bfloat16, enabled=trainer.amp):
            loss, _ = trainer.model({**batch, "img": image})
        loss.sum().backward()
        trainer.optimizer_step()

    return number / _median_seconds(step, torch, trainer.device.type)


def _loader_rate(trainer: Any, torch: Any) -> float:
    del torch
    loader_ = trainer.train_loader
    iter(loader_)
    seconds = []
    for _ in range(2):  # the first pass starts the processes
        since = time.perf_counter()
        images = sum(len(batch["img"]) for batch in loader_)
        seconds.append((time.perf_counter() - since) / images)
    loader_.reset()
    return 1 / seconds[-1]


def _median_seconds(step: Callable[[], None], torch: Any, kind: str) -> float:
    seconds = []
    for _ in range(25 if kind == "cuda" else 5):
        since = time.perf_counter()
        step()
        if kind == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - since)
    return statistics.median(seconds[2:])


def _warm(given: argparse.Namespace) -> None:
    from provenline.detectors.quiet import quiet_ultralytics, seed_fonts

    quiet_ultralytics()
    seed_fonts()
    import torch
    from ultralytics.models.yolo.detect import DetectionTrainer  # noqa: F401 - imported before the clock runs

    if given.device != "cpu":
        torch.zeros(1, device=f"cuda:{given.device}")


def _measured(clock: Clock, times: list[float]) -> dict[str, Any]:
    import torch

    later = [after - before for before, after in itertools.pairwise(times[1:])]
    memory = torch.cuda.max_memory_reserved() / 2**30 if torch.cuda.is_available() else 0.0
    return {"seconds": clock.seconds, "cpu": clock.cpu, "later": later or [clock.seconds], "memory": memory}


PEERS: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    OURS: ours,
    PEER: peer,
    "network": network,
    "loader": loader,
}

if __name__ == "__main__":
    main()
