"""A trainer for one of several ranks: what ultralytics leaves out where it did not start them itself."""

from __future__ import annotations

from typing import Any

from provenline.detectors.device import cores
from provenline.training.effect import Trainer
from provenline.training.families import TrainerClass


def distributed(kind: TrainerClass, devices: tuple[str, ...]) -> TrainerClass:
    """Return an `exact` trainer that trains with the other ranks, each on its device.

    The environment must name the rank and where ranks meet, as torch wants it.
    """
    parts = (_OnProcessor, _Rank) if devices[0] == "cpu" else (_Rank,)
    return type(f"Distributed{kind.__name__}", (*parts, kind), {"ranks": len(devices)})


class _Rank:
    """What every rank needs.

    Attributes:
        ranks: How many there are.
    """

    ranks: int
    add_callback: Any
    test_loader: Any
    device: Any

    def __init__(self, **given: Any) -> None:
        parent: Any = super()
        parent.__init__(**given)
        # Before whatever looks at losses: ultralytics' are those of rank 0 alone.
        self.add_callback("on_train_epoch_end", _share_losses)

    def validate(self) -> Any:
        """Validate; the losses are means over all batches.

        Ultralytics divides as if all ranks had as many as the first, which has more where they do not divide.
        """
        import torch
        from torch import distributed

        parent: Any = super()
        metrics, fitness = parent.validate()
        batches = torch.tensor(len(self.test_loader), device=self.device)
        distributed.all_reduce(batches)
        if metrics:
            taken = len(self.test_loader) * self.ranks
            losses = {name: value for name, value in metrics.items() if name.startswith("val/")}
            metrics |= {name: round(value * taken / int(batches), 5) for name, value in losses.items()}
        return metrics, fitness


class _OnProcessor:
    """What ultralytics does for GPUs alone, so that ranks can be tried out without any."""

    ranks: int
    world_size: int

    def __init__(self, **given: Any) -> None:
        parent: Any = super()
        parent.__init__(**given)
        self.world_size = self.ranks

    def _setup_ddp(self) -> None:
        import torch
        from torch import distributed, nn

        torch.set_num_threads(max(cores() // self.ranks, 1))
        distributed.init_process_group("gloo")
        wrapper: Any = nn.parallel.DistributedDataParallel
        begin = wrapper.__init__
        # The processor has no number that could be told.
        wrapper.__init__ = lambda self, *args, **given: begin(self, *args, **{**given, "device_ids": None})


def _share_losses(trainer: Trainer) -> None:
    """Make the epoch's mean losses those of all ranks: one that is no number anywhere is one everywhere."""
    import torch
    from torch import distributed

    means = torch.stack([value.detach().float().mean() for value in trainer.tloss.values()])
    distributed.all_reduce(means)
    trainer.tloss = dict(zip(trainer.tloss, means / distributed.get_world_size(), strict=True))
