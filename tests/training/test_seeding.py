"""What a training image becomes follows from seed, epoch and image, whoever reads it and whenever."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provenline.detectors.quiet import quiet_ultralytics
from provenline.training.seeding import NEWEST, STREAMS, Passes, seed_loader
from provenline.training.train import arguments
from provenline.training.view import build_view
from tests.training.conftest import params


def taken(passes: Passes, count: int) -> list[Any]:
    return list(itertools.islice(passes, count))


def test_an_epoch_is_a_permutation_of_its_own():
    batches = taken(Passes(10, 4, seed=0), 9)
    assert [batch.epoch for batch in batches] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert [len(batch.images) for batch in batches] == [4, 4, 2] * 3
    orders = [[i for batch in batches if batch.epoch == epoch for i in batch.images] for epoch in range(3)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    other = [image for batch in taken(Passes(10, 4, seed=1), 3) for image in batch.images]
    assert len({*map(tuple, orders), tuple(other)}) == 4


def test_an_epoch_begun_later_is_the_same():
    late = Passes(10, 4, seed=0)
    late.epoch = 30
    assert taken(late, 5) == taken(Passes(10, 4, seed=0), 95)[90:]


def test_those_that_have_begun_go_on_as_they_are():
    passes = Passes(10, 4, seed=0)
    begun = iter(passes)
    first = next(begun)
    passes.epoch = 7
    assert first.epoch == 0 and [next(begun).epoch for _ in range(3)] == [0, 0, 1]


def test_ranks_share_each_batch():
    passes = [iter(Passes(10, 4, seed=3, rank=rank, ranks=2)) for rank in (0, 1)]
    whole = iter(Passes(10, 4, seed=3))
    for _ in range(9):
        shares = [next(one).images for one in passes]
        assert shares[0] + shares[1] == next(whole).images
    uneven = [iter(Passes(7, 4, seed=3, rank=rank, ranks=2)) for rank in (0, 1)]
    epoch = [next(one).images for _ in range(2) for one in uneven]
    assert [len(images) for images in epoch] == [2, 2, 2, 2]
    images = [image for share in epoch for image in share]
    assert set(images) == set(range(7)) and images[7] == images[0]


@pytest.mark.parametrize("readers", [1, 2, 4, 8])
def test_a_mosaic_is_made_of_what_its_reader_read_last(readers):
    batches = taken(Passes(1000, 4, seed=0), 300)
    assert batches[0].partners == batches[0].images
    for number, batch in enumerate(batches):
        own = [one.images for one in batches[number % readers : number + 1 : readers]]
        read = {image for images in own[-(NEWEST * STREAMS // readers) :] for image in images}
        assert set(batch.images) <= set(batch.partners) <= read
    assert len(batches[-1].partners) == 4 * NEWEST


def loader(root: Path, dataset: Path, base: tuple[Path, str], workers: int, cache: str) -> Any:
    quiet_ultralytics()
    from ultralytics.data import build_dataloader
    from ultralytics.models.yolo.detect import DetectionTrainer

    view = build_view(dataset, root / "view", 0)
    chosen = params(cache=cache, mosaic=1.0, mixup=0.5, fliplr=0.5, hsv_h=0.1, scale=0.5)
    asked = arguments(chosen, view, root / "run", "cpu")
    trainer = DetectionTrainer(overrides={**asked, "model": str(base[0])})
    trainer.setup_model()
    images = trainer.build_dataset(str(root / "view" / "images" / "train"), mode="train", batch=2)
    found = build_dataloader(images, batch=2, workers=workers, device="cpu")
    assert found.num_workers == workers
    seed_loader(found, seed=5)
    return found


def epochs(loader: Any, first: int, last: int) -> list[Any]:
    """The images and boxes of some epochs, read one after another."""
    loader.batch_sampler.epoch = first
    found = []
    for _ in range(first, last + 1):
        found.append([(batch["im_file"], batch["img"].numpy(), batch["bboxes"].numpy()) for batch in loader])
        random.random()  # whatever the training process draws in between
    loader.close()
    return found


def same(one: Any, other: Any) -> bool:
    return all(
        [Path(file).name for file in ours[0]] == [Path(file).name for file in theirs[0]]
        and all(np.array_equal(own, their) for own, their in zip(ours[1:], theirs[1:], strict=True))
        for ours, theirs in zip(itertools.chain(*one), itertools.chain(*other), strict=True)
    )


@pytest.mark.parametrize("workers, cache", [(0, "ram"), (2, "none"), (2, "ram")])
def test_neither_readers_nor_memory_nor_what_was_read_before_changes_images(
    dataset, base, tmp_path, workers, cache
):
    one = epochs(loader(tmp_path / "one", dataset, base, 0, "none"), 0, 5)
    assert not any(same([first], [second]) for first, second in itertools.pairwise(one))
    other = epochs(loader(tmp_path / "other", dataset, base, workers, cache), 3, 5)
    assert same(one[3:], other)


def generators() -> Any:
    return random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002


@pytest.mark.parametrize("workers", [0, 2])
def test_reading_draws_nothing_from_the_training_process(dataset, base, tmp_path, workers):
    found = loader(tmp_path, dataset, base, workers, "none")
    before = generators()
    list(found)
    assert generators() == before
    found.close()
