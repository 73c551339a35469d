"""Train on a grouped and on a leaking split, and print what the leak would have added: `make leakage`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from glue import runtime
from glue.experiments.commits import fetch
from glue.experiments.queue import DvcQueue
from provenline.ablation.running import run_all
from provenline.evaluation.leakage import counterfactual, lines
from provenline.files import read_json, write_json
from provenline.progress import out

CELLS = {"leakage-grouped": "split=by_video", "leakage-random": "split=random_frames"}
RESULT = Path("metrics/leakage.json")


def main() -> None:
    """Run both experiments up to eval; arguments are overrides for both."""
    with runtime.one_line_errors():
        cells = {name: (one, *sys.argv[1:]) for name, one in CELLS.items()}
        found = run_all(cells, ["eval"], DvcQueue())
        grouped, random = (found[name] for name in CELLS)
        evaluations = [_read(one, f"eval_{runtime.value('round')}.json") for one in (grouped, random)]
        # The report shows it only beside the split that it was measured on.
        split = _read(grouped, "split.json")["assignment"]["sha256"]
        result = {"split_sha256": split, **counterfactual(*evaluations)}
        write_json(RESULT, result)
        for line in lines(result):
            out.print(line, highlight=False)


def _read(revision: str, name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        return read_json(fetch(revision, f"metrics/{name}", Path(folder)))


if __name__ == "__main__":
    main()
