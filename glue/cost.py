"""The seam to the cost ledger: trainings are counted in the project's own, wherever DVC runs them.

The ledger is never an input nor an output of a stage: a stage that added to its own output would never be up
to date, and DVC removes outputs before it runs a stage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glue import runtime
from provenline.cost.estimate import Job
from provenline.cost.ledger import Ledger
from provenline.cost.meter import Meter, metered
from provenline.cost.params import CostParams
from provenline.progress import notice
from provenline.training.keeping import Keeper
from provenline.training.params import TrainParams
from provenline.training.view import training_images


@contextmanager
def counted(dataset: Path, params: TrainParams, state: Path) -> Iterator[Meter]:
    """Count the training inside the block; see ``meter.metered``.

    Args:
        dataset: The data set's YAML.
        params: Of the training.
        state: Its working folder, named after its inputs: a training that goes on has epochs there.
    """
    cost = runtime.params("cost", CostParams)
    notes = Keeper(state / "kept", params.keep).notes()
    job = Job(
        training=state.name,
        usecase=str(runtime.value("usecase.name")),
        machine=cost.machine.name,
        usd_per_hour=cost.usd_per_hour,
        model=str(runtime.value("model.name")),
        device=params.device,
        imgsz=params.recipe.imgsz,
        images=training_images(dataset, params.limit),
        asked=0 if notes.done else params.recipe.epochs - len(notes.history),
    )
    with metered(Ledger.of(runtime.home()), job, cost.ceiling_usd, notice) as meter:
        yield meter
