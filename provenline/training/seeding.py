"""What is random in training, drawn by the seed, the epoch and the image, and by nothing else.

Ultralytics' loader draws from one generator in each process that reads. What an image becomes then depends
on how many processes there are and on all that was drawn before, which a resumed training cannot know.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

# Batches take turns in so many streams, and a mosaic is made of its stream's newest batches: as many images
# as ultralytics' buffer holds. Where 1, 2, 4 or 8 processes read, each has its streams' images in memory.
STREAMS, NEWEST = 8, 8


class Batch(NamedTuple):
    """What is read at a time.

    Attributes:
        epoch: From 0.
        images: Numbers of its images in the data set.
        partners: Numbers of those that its mosaics draw from.
    """

    epoch: int
    images: list[int]
    partners: list[int]


class Passes:
    """Batches of one epoch after another, without end; each epoch's order follows from seed and epoch alone.

    Args:
        images: How many there are.
        batch: How many are read at a time.
        seed: Of the training.
        rank: Whose share of each batch is read, where several ranks read.
        ranks: How many do. Their batches are of one size: an epoch's first images come again in its last.

    Attributes:
        sampler: As long as an epoch has batches: where ultralytics' loader looks for its own length.
        epoch: The one, from 0, that an iteration begins with. Those that have begun go on as they are: the
            loader is one epoch ahead of what is trained.
    """

    def __init__(self, images: int, batch: int, seed: int, rank: int = 0, ranks: int = 1) -> None:
        self._images, self._batch, self._seed = images, batch, seed
        self._rank, self._ranks = rank, ranks
        self.sampler = range(math.ceil(images / batch))
        self.epoch = 0
        self._order = lru_cache(STREAMS * NEWEST // len(self.sampler) + 2)(self._ordered)

    def __iter__(self) -> Iterator[Batch]:
        for number in itertools.count(self.epoch * len(self.sampler)):
            stream = range(number, -1, -STREAMS)[:NEWEST]
            partners = [image for one in stream for image in self._read(one)]
            yield Batch(number // len(self.sampler), self._read(number), partners)

    def _read(self, number: int) -> list[int]:
        epoch, place = divmod(number, len(self.sampler))
        images = self._order(epoch)[place * self._batch : (place + 1) * self._batch]
        share = len(images) // self._ranks
        return images[self._rank * share : (self._rank + 1) * share]

    def _ordered(self, epoch: int) -> list[int]:
        order = np.random.default_rng([self._seed, epoch]).permutation(self._images)
        shared: list[int] = np.resize(order, math.ceil(self._images / self._ranks) * self._ranks).tolist()
        return shared


class Samples:
    """Reads batches, each image with random numbers of its own."""

    def __init__(self, dataset: Any, seed: int) -> None:
        self._dataset, self._seed = dataset, seed

    def __call__(self, batch: Batch) -> list[Any]:
        """Return a batch's images, augmented; torch's loader calls it as the data set's `__getitems__`."""
        self._dataset.buffer.partners = batch.partners
        with _put_back():
            return [self._read(batch.epoch, image) for image in batch.images]

    def _read(self, epoch: int, image: int) -> Any:
        random.seed(f"{self._seed} {epoch} {image}")
        np.random.seed([self._seed, epoch, image])  # noqa: NPY002 - the one that ultralytics draws from
        return self._dataset[image]


class Buffer(list[int]):
    """Ultralytics' list of the images in memory, which mosaics are told other images from."""

    partners: Sequence[int] = ()

    def __iter__(self) -> Iterator[int]:
        return iter(self.partners)


def seed_loader(loader: Any, seed: int, rank: int = -1, ranks: int = 1) -> None:
    """Let what ultralytics' loader reads follow from seed, epoch and image, however many processes read.

    Args:
        loader: Of a rank's share, where several train together.
        seed: Of the training.
        rank: -1 where there are no others.
        ranks: How many train together.
    """
    dataset, batch = loader.dataset, loader.batch_size
    streams = math.ceil(STREAMS / max(loader.num_workers, 1))
    dataset.buffer = Buffer()
    dataset.max_buffer_length = min(len(dataset), streams * NEWEST * batch)
    for mosaic in _mosaics(dataset.transforms):
        mosaic.buffer_enabled = True  # else what is learnt would depend on how much memory was free
    dataset.__getitems__ = Samples(dataset, seed)
    # As ultralytics does it: torch lets nobody change this of a loader.
    together = max(ranks, 1)
    passes = Passes(len(dataset), batch * together, seed, max(rank, 0), together)
    object.__setattr__(loader, "batch_sampler", passes)


def seed_epoch(seed: int, epoch: int) -> None:
    """Seed what the training process itself draws in an epoch, from 0: sizes, noise on queries."""
    import torch

    random.seed(f"{seed} {epoch}")
    np.random.seed([seed, epoch])  # noqa: NPY002 - the one that ultralytics draws from
    torch.manual_seed(random.getrandbits(63))


@contextmanager
def _put_back() -> Iterator[None]:
    """Leave the generators as they were: without other processes, the training process reads."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def _mosaics(transform: Any) -> Iterator[Any]:
    if type(transform).__name__ == "Mosaic":
        yield transform
    for part in (*getattr(transform, "transforms", ()), getattr(transform, "pre_transform", None)):
        if part is not None:
            yield from _mosaics(part)
