"""How long the questions of `split` take on many frames: `python -m benchmarks.split [--frames 100000]`.

Near duplicates run alternately with scipy's cdist (Hamming distance of unpacked bits) in the same
process; the peer takes a part of the pairs, and pairs a second are compared. The floor is one XOR and
one bit count of NumPy over the same pairs on all cores, with nothing done with the result.

At last the whole stage runs as DVC runs it, over stored pictures of 30 kB, alternately with its floor:
`cp -r` of the same pictures.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from provenline import tables
from provenline.splits.assign import assign, groups_of
from provenline.splits.audit import audit, near_duplicates, with_split
from provenline.splits.copies import search
from provenline.splits.hashes import Hashes, hamming, parse_hashes
from provenline.splits.params import CopyParams, Shares, SplitParams
from provenline.splits.scenes import scene_codes, static_cameras

PARAMS = SplitParams(
    unit="group",
    by=("group",),
    class_floor=0,
    copies=CopyParams(correlation=0.9, action="report"),
    shares=Shares(train=0.7, val=0.15, test=0.15),
    stratify="category",
    seed=0,
    near_duplicate_bits=4,
    task="detect",
)
PLANTS = 20
PERIOD_MS = 2000
PICTURE = 30_000  # bytes, as a JPEG of 640 x 360 has
ROOT = Path(__file__).parents[1]


def footage(frames: int, media: int, cameras: int, seed: int) -> pd.DataFrame:
    """Frames of static cameras with three people walking; the last ``PLANTS`` media are mirrored copies."""
    rng = np.random.default_rng(seed)
    each = frames // media
    rooms = rng.integers(40, 200, (cameras, 16, 16)).astype(np.float64)
    bits = np.frombuffer(rng.bytes(8 * cameras), dtype=np.uint64)
    rows, kept = [], []
    for number in range(media):
        camera = number % cameras
        pictures = _film(rooms[camera], each, rng)
        if number < PLANTS:
            kept.append((camera, pictures))
        elif number >= media - PLANTS:
            camera, pictures = kept[number - media + PLANTS]
            pictures = pictures[:, :, ::-1]
        noisy = np.clip(pictures + rng.normal(0, 1, pictures.shape), 0, 255).astype(np.uint8)
        flips = np.bitwise_or.reduce(np.uint64(1) << rng.integers(0, 64, (each, 2)).astype(np.uint64), axis=1)
        for step, (picture, value) in enumerate(zip(noisy, bits[camera] ^ flips, strict=True)):
            name, digest = f"v{number:05d}", f"{number:064x}"
            rows.append((name, digest, camera, step * PERIOD_MS, f"{int(value):016x}", picture.tobytes()))
    table = pd.DataFrame(rows, columns=["media", "media_sha256", "camera", "time_ms", "dhash", "thumbnail"])
    return table.assign(
        frame_id=table["media"] + "_" + table["time_ms"].astype(str).str.zfill(9),
        camera="c" + table["camera"].astype(str),
        day="2024-05-01",
        category="c" + (table["camera"] % 7).astype(str),
        group=table["media"],
        annotated=True,
    )


def _film(room: np.ndarray, frames: int, rng: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:16, :16]
    way = np.abs((np.cumsum(rng.normal(0, 2, (frames, 3, 2)), axis=0) + rng.uniform(0, 16, (3, 2))) % 32 - 16)
    pictures = np.repeat(room[None], frames, axis=0)
    for person, tone in enumerate(rng.choice([15, 240], 3)):
        at = way[:, person, :, None, None]
        shape = np.exp(-(((y - at[:, 0]) / 2.5) ** 2 + ((x - at[:, 1]) / 1.3) ** 2))
        pictures = pictures * (1 - shape) + shape * tone
    return pictures


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def store(frames: pd.DataFrame, folder: Path) -> None:
    """Lay out what the stage reads: pictures (random bytes: it never decodes them), tables, parameters."""
    filling = np.random.default_rng(0).bytes(PICTURE)
    # The made-up digests differ at their ends.
    names = ("data/frames/" + frames["media_sha256"].str[-12:] + "/" + frames["frame_id"] + ".jpg").tolist()
    for parent in sorted({Path(path).parent for path in names}):
        (folder / parent).mkdir(parents=True)
    for path in names:
        (folder / path).write_bytes(filling)
    stored = frames.assign(path=names, plan="every", width=640, height=360, annotator="a")
    tables.write(stored, folder / "data/annotated.parquet", tables.FRAMES)
    corners = np.random.default_rng(1).uniform(0, 300, (len(frames), 2))
    boxes = pd.DataFrame(np.hstack([corners, corners + 40]), columns=tables.BOX)
    boxes = boxes.assign(
        frame_id=frames["frame_id"].to_numpy(), annotator="a", label="person", attributes="{}"
    )
    tables.write(boxes, folder / "data/boxes.parquet", tables.BOXES)
    (folder / "data/split_ledger.csv").write_text("group,category,split\n", encoding="utf-8")
    shutil.copy(ROOT / "params.yaml", folder)


def stage(folder: Path) -> None:
    """Run the stage in its folder, in a process of its own: start, imports, tables, copies, audit."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "stages.split"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"stages.split: {done.stderr.strip().splitlines()[-1]}")


def whole_stage(frames: pd.DataFrame, rounds: int, disk: Path) -> dict[str, list[float]]:
    """Return the seconds of the stage and of its floor, by turns; outputs are deleted first, as DVC does."""
    copy = ["cp", "-r", "data/frames", "copy"]
    seconds: dict[str, list[float]] = {"floor: cp -r": [], "split, the whole stage": []}
    disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=disk) as place:
        folder = Path(place)
        store(frames, folder)
        for _ in range(rounds):
            os.sync()
            seconds["floor: cp -r"].append(timed(lambda: subprocess.run(copy, cwd=folder, check=True)))
            shutil.rmtree(folder / "copy")
            os.sync()
            seconds["split, the whole stage"].append(timed(lambda: stage(folder)))
            shutil.rmtree(folder / "data/dataset")
    return seconds


def floor(hashes: Hashes) -> None:
    """Count the bits of all pairs, half of each block row by row, and forget them."""
    blocks = range(0, len(hashes), 64)

    def one(top: int) -> None:
        for left in range(top // 4096 * 4096, len(hashes), 4096):
            hamming(hashes[top : top + 64], hashes[left : left + 4096])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, blocks))


def peer(hashes: Hashes, rows: int) -> None:
    """Find the near duplicates of some hashes by scipy's cdist, in blocks."""
    from scipy.spatial.distance import cdist

    bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1).astype(bool)
    for left in range(0, len(bits), 8192):
        near = (
            cdist(bits[:rows], bits[left : left + 8192], "hamming") * 64 <= PARAMS.near_duplicate_bits + 0.5
        )
        near.sum()


def main() -> None:
    """Build the footage, time each question and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--media", type=int, default=2000)
    parser.add_argument("--cameras", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--disk", type=Path, default=ROOT / ".state", help="a folder on the disk to write to")
    given = parser.parse_args()
    frames = footage(given.frames, given.media, given.cameras, seed=0)
    groups = groups_of(frames)
    empty = pd.DataFrame(columns=["group", "category", "split"])
    seconds: dict[str, list[float]] = {}

    def note(name: str, work: Callable[[], object]) -> None:
        seconds.setdefault(name, []).append(timed(work))

    assignment = assign(groups, empty, PARAMS)
    placed = with_split(frames, assignment).sort_values("frame_id").reset_index(drop=True)
    hashes = parse_hashes(placed)
    scenes = scene_codes(placed, static_cameras(placed, hashes, PARAMS.near_duplicate_bits))
    rows = max(1, min(1000, len(frames) // 10))
    found = None
    for _ in range(given.rounds):
        note("floor: XOR and bit count", lambda: floor(hashes))
        note("near duplicates", lambda: near_duplicates(placed, hashes, scenes, PARAMS))
        note("peer: scipy cdist, a part", lambda: peer(hashes, rows))
        note("copies", lambda: search(frames, PARAMS.copies))
        note("assign", lambda: assign(groups_of(frames), empty, PARAMS))
        note("audit, all of it", lambda: audit(placed, PARAMS))
    found = search(frames, PARAMS.copies)
    report(seconds, placed, rows, given.rounds)
    print(f"copies found: {len(found.copies)} of {PLANTS} planted; cannot tell: {len(found.cannot_tell)}")
    whole = {
        name: statistics.median(times)
        for name, times in whole_stage(frames, given.rounds, given.disk).items()
    }
    for name, middle in whole.items():
        print(f"  {name:28s} {middle:8.2f} s")
    below, ours = whole.values()
    print(
        f"  split, the whole stage: {ours / below:.2f} times its floor, the copying of {len(frames)} pictures"
    )


def report(seconds: dict[str, list[float]], placed: pd.DataFrame, rows: int, rounds: int) -> None:
    """Print the medians, pairs a second and ratios."""
    sides = placed["split"].value_counts().to_numpy()
    total = len(placed)
    across = (total**2 - int((sides**2).sum())) // 2
    # Mirrored pairs are looked at between splits only.
    pairs = {"near duplicates": total**2 // 2 + across, "floor: XOR and bit count": total**2 // 2}
    pairs["peer: scipy cdist, a part"] = rows * total
    print(f"{total} frames, {placed['media'].nunique()} media, {os.cpu_count()} cores, median of {rounds}")
    rate = {}
    for name, times in seconds.items():
        middle = statistics.median(times)
        rate[name] = pairs.get(name, 0) / middle
        shown = f"{rate[name] / 1e6:10.0f} million pairs/s" if rate[name] else ""
        print(f"  {name:28s} {middle:8.2f} s {shown}")
    ours = rate["near duplicates"]
    print(f"  near duplicates: {rate['floor: XOR and bit count'] / ours:.2f} times the floor's time a pair")
    print(
        f"  near duplicates: {ours / rate['peer: scipy cdist, a part']:.0f} times as quick as scipy's cdist"
    )


if __name__ == "__main__":
    main()
