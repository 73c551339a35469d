"""How long frames take to get out of a film: `python -m benchmarks.extract [--minutes 10] [--repeats 3]`.

Three tasks: one frame per 5 s in a 60-s window in the middle; one frame per 2 s over the whole film; and
the whole of `extract` over 8 films of an eighth each, with 1 and 2 workers. The asked moments lie 0.5 and
1 s off the keyframes, so that on average half a group of pictures lies before a frame. Peers take turns
in processes of their own; the clock runs around the work, without Python's start and imports. The film
is in the system's memory by then. `benchmarks/peers.py` says what each peer does and a floor counts.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from rich.table import Table

from benchmarks import peers
from benchmarks.film import FRAME_MS, film, number_in, parts
from benchmarks.timing import Clock, Result, in_own_process, in_turns, machine, version_of
from provenline.errors import InputError
from provenline.progress import out

ROOT = Path(__file__).parents[1]
TASKS = {
    "window": "One frame per 5 s in a 60-s window in the middle",
    "whole": "One frame per 2 s over the whole film",
    "processes": "extract: one frame per 2.5 s, 8 films of an eighth each, JPEGs stored",
}
FILMS = 8
PERIOD_S = 2.5  # meets the four quarters of a group of pictures in turn
# Name in the table: value of PROVENLINE_WORKERS, and whether the process is kept on one core.
WORKERS = {"1 worker on 1 core": ("1", True), "1 worker": ("1", False), "2 workers": ("2", False)}
AIM, AIM_SCALE = 1.15, 1.8
PACKAGES = ("av", "opencv-python", "imageio-ffmpeg", "torchcodec", "torch")


def asked_ms(task: str, length_ms: int) -> list[int]:
    """Return the moments, in milliseconds, that a task asks for in a film of that length."""
    if task == "whole":
        return list(range(1000, length_ms, 2000))
    start = max(0, length_ms // 2 - 30_000) // 2000 * 2000
    return list(range(start + 500, min(start + 60_000, length_ms), 5000))


def main() -> None:
    """Make the film, run all peers and print a table for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the film")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each peer")
    parser.add_argument("--tasks", default=",".join(TASKS), help=f"some of {','.join(TASKS)}")
    parser.add_argument("--cache", type=Path, default=ROOT / ".state/bench", help="where films are kept")
    parser.add_argument("--peer", help=argparse.SUPPRESS)
    given = parser.parse_args()
    tasks = given.tasks.split(",")
    if unknown := set(tasks) - set(TASKS):
        parser.error(f"unknown task {min(unknown)!r}: take some of {','.join(TASKS)}")
    if given.repeats < 1:
        parser.error("--repeats must be at least 1")
    try:
        file = film(given.minutes, given.cache)
    except InputError as error:
        parser.error(str(error))
    if given.peer:
        found = _extract(given.peer, file) if tasks == ["processes"] else _frames(given.peer, tasks[0], file)
        print(json.dumps(found))
    else:
        _compare(tasks, given, file)


def _frames(peer: str, task: str, file: Path) -> dict[str, Any]:
    """Run a peer here: its seconds, the numbers that it read, and those that it should have read."""
    asked = asked_ms(task, peers.length_ms(file))
    clock, numbers = peers.timed(peer, file, asked)
    wanted = [moment // FRAME_MS for moment in asked]
    return {"seconds": clock.seconds, "cpu": clock.cpu, "numbers": numbers, "wanted": wanted}


def _extract(peer: str, file: Path) -> dict[str, Any]:
    """Run the stage's own function here, and read the numbers in the JPEGs that it stored."""
    import yaml

    from provenline.footage.extract import extract
    from provenline.footage.media import Media
    from provenline.footage.params import ExtractParams

    workers, on_one_core = WORKERS[peer]
    os.environ["PROVENLINE_WORKERS"] = workers
    if on_one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    values = yaml.safe_load((ROOT / "conf/sampling/every.yaml").read_text(encoding="utf-8"))
    params = ExtractParams.model_validate(
        {**values, "sampling": {**values["sampling"], "period_s": PERIOD_S}}
    )
    starts = parts(file, FILMS)
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        media = [Media(part.name, part, "video") for part in starts]
        with Clock() as clock:
            frames, _ = extract(media, params, Path(folder) / "frames")
        numbers = _numbers(frames)
    wanted = {
        (part.name, moment // FRAME_MS): start + moment // FRAME_MS
        for part, start in starts.items()
        for moment in range(0, peers.length_ms(part), round(PERIOD_S * 1000))
    }
    found = [numbers.get(place, -1) for place in wanted]
    return {"seconds": clock.seconds, "cpu": clock.cpu, "numbers": found, "wanted": list(wanted.values())}


def _numbers(frames: pd.DataFrame) -> dict[tuple[str, int], int]:
    """Return what the stored pictures show, by the media's name and the frame's place in it."""
    import cv2

    numbers = {}
    for name, time_ms, path in zip(frames["media"], frames["time_ms"], frames["path"], strict=True):
        picture = cv2.imread(path)
        numbers[name, int(time_ms) // FRAME_MS] = -1 if picture is None else number_in(picture)
    return numbers


def _compare(tasks: list[str], given: argparse.Namespace, file: Path) -> None:
    parts(file, FILMS)
    megabits = len(file.read_bytes()) * 8 / 1000 / peers.length_ms(file)  # and now it is in memory
    out.print(f"{given.minutes:g} minutes of 1080p25 H.264, GOP 50, {megabits:.1f} Mbit/s", highlight=False)
    out.print(f"median of {given.repeats}; {machine()}", highlight=False)
    out.print(", ".join(f"{name} {version_of(name)}" for name in PACKAGES), highlight=False)
    # torchcodec brings no FFmpeg: it gets the one that ours and the floors use.
    places = [str(peers.libraries(given.cache).resolve()), os.environ.get("LD_LIBRARY_PATH", "")]
    borrowed = {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, places))}
    for task in tasks:

        def run(peer: str, task: str = task) -> dict[str, Any]:
            arguments = ["--peer", peer, "--tasks", task, "--minutes", str(given.minutes)]
            environment = borrowed if peer == peers.TORCHCODEC else {}
            return in_own_process(
                "benchmarks.extract", [*arguments, "--cache", str(given.cache)], environment
            )

        names = list(WORKERS if task == "processes" else peers.PEERS)
        _show(task, in_turns(names, given.repeats, run, task))


def _show(task: str, results: dict[str, Result]) -> None:
    first, ours = list(WORKERS)[::2] if task == "processes" else (peers.FLOOR, peers.OURS)
    beside = "that of 1 core" if task == "processes" else "the floor"
    table = Table(title=TASKS[task], title_justify="left", title_style="bold")
    table.add_column("")
    for head in ("median s", "from - to", "CPU s", f"times {beside}", f"times {ours}", "exact"):
        table.add_column(head, justify="right")
    for name, result in results.items():
        if result.reason:
            table.add_row(name, f"could not run: {result.reason}")
            continue
        ratios = [
            "" if results[one].reason else f"{result.median / results[one].median:.2f}"
            for one in (first, ours)
        ]
        spread = f"{min(result.seconds):.2f} - {max(result.seconds):.2f}"
        table.add_row(
            name, f"{result.median:.2f}", spread, f"{median(result.cpu):.2f}", *ratios, f"{result.exact:.1%}"
        )
    out.print(table)
    if not (results[first].reason or results[ours].reason):
        ratio = results[ours].median / results[first].median
        if task == "processes":
            out.print(f"2 workers are {1 / ratio:.2f} times as quick as 1 on 1 core (aim: {AIM_SCALE})")
        else:
            cpu = median(results[ours].cpu) / median(results[first].cpu)
            out.print(f"ours takes {ratio:.2f} times as long as the floor (aim: {AIM}); CPU: {cpu:.2f} times")


if __name__ == "__main__":
    main()
