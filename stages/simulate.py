"""Render the simulated apparel line: `dvc repro simulate`."""

from __future__ import annotations

from pathlib import Path

from glue import runtime
from provenline import line
from provenline.simline.params import SimlineParams
from provenline.simline.simulate import simulate


def main(side: line.Side) -> str:
    """Write videos, photos, the media list and two annotators' exports of one footage."""
    params = runtime.params("simulate", SimlineParams)
    report = simulate(side, params, Path("data/simline") / side)
    return f"simulated {side}: {report['videos']} videos, {report['photos']} photos"


if __name__ == "__main__":
    runtime.run(main)
