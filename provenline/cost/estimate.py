"""What a training will take, from those before it; never from a guess."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provenline.cost.ledger import Entry

_RECENT = 5  # trainings that a rate is taken from: machines and loaders change
_ALIVE = 300.0  # seconds without a sign of life after which a training counts as killed


@dataclass(frozen=True)
class Job:
    """A training that is about to start.

    Attributes:
        training: See ``Entry``, as are the others.
        usecase: Name of the use case.
        machine: Name of the machine.
        usd_per_hour: What an hour costs.
        model: What is fine-tuned.
        device: As in the recipe.
        imgsz: Side of the input, in pixels.
        images: Training images of an epoch.
        asked: Epochs that are left to train, at most: patience may end it earlier.
    """

    training: str
    usecase: str
    machine: str
    usd_per_hour: float
    model: str
    device: str
    imgsz: int
    images: int
    asked: int


@dataclass(frozen=True)
class Estimate:
    """What a job will take at most.

    Attributes:
        hours: All epochs that are left.
        usd: At the job's rate.
        basis: How many earlier trainings it is taken from.
    """

    hours: float
    usd: float
    basis: int


def estimate(job: Job, entries: Iterable[Entry]) -> Estimate | None:
    """Return epochs x images x the seconds that an image took on the same machine, model and size.

    What validation and starting took is in those seconds.

    Returns:
        None where no such training has finished an epoch.
    """
    alike = [one for one in entries if one.epochs and one.images and _kind(one) == _kind(job)][-_RECENT:]
    images = sum(one.epochs * one.images for one in alike)
    if not images:
        return None
    seconds = sum(one.epoch_seconds for one in alike) / images * job.images * job.asked
    return Estimate(seconds / 3600, seconds / 3600 * job.usd_per_hour, len(alike))


def reserved(entries: Iterable[Entry], now: float) -> float:
    """Return what trainings that run at this moment are still expected to cost, in US dollars."""
    running = (one for one in entries if not one.ended and now - (one.started + one.seconds) < _ALIVE)
    return sum(max(0.0, (one.estimated_usd or 0.0) - one.usd) for one in running)


def _kind(one: Entry | Job) -> tuple[str, str, str, int]:
    return one.machine, one.device, one.model, one.imgsz
