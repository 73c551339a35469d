"""Queue a three-cell sweep, run it, and say which cells have results: `make sweep`."""

from __future__ import annotations

import sys

from stages import _runtime as runtime
from stages._experiments import run_all

CELLS = {"plan": "augment=plan", "flip": "augment=flip", "no-mosaic": "augment=no_mosaic"}


def main() -> None:
    """Run the cells; arguments are overrides for all of them."""
    with runtime.one_line_errors():
        run_all({name: (override, *sys.argv[1:]) for name, override in CELLS.items()})


if __name__ == "__main__":
    main()
