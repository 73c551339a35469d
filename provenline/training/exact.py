"""A trainer that goes on from a kept epoch as if it had never been interrupted.

Ultralytics goes on from its checkpoint: from averaged weights instead of the weights, in FP16, the optimizer
likewise, without the gradients that were gathered since the last step. Here all of that is kept as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from provenline.training.families import TrainerClass
from provenline.training.seeding import seed_epoch, seed_loader


def exact(kind: TrainerClass) -> TrainerClass:
    """Return a trainer of ultralytics' that can save all of its state and go on from it."""
    return type(f"Exact{kind.__name__}", (_Exact, kind), {})


class _Exact:
    """What `exact` adds.

    Attributes:
        goes_on_from: What `save_state` wrote; None starts at the beginning.
    """

    goes_on_from: Path | None = None
    # Of ultralytics' trainer.
    args: Any
    ema: Any
    model: Any
    optimizer: Any
    scaler: Any
    stopper: Any
    train_loader: Any
    best_fitness: Any
    add_callback: Any
    batch_size: int
    epoch: int
    start_epoch: int
    world_size: int

    def __init__(self, **given: Any) -> None:
        self._nominal, self._gathered, self._catches_up = 1, 0, False
        self._gradients: dict[str, Any] | None = None  # to be put back
        parent: Any = super()
        parent.__init__(**given)
        self.add_callback("on_train_epoch_start", lambda _: self._begin_epoch())
        self.add_callback("on_train_batch_start", lambda _: self._gather())

    def save_state(self, out: Path) -> None:
        """Write all that the next epochs depend on, at the end of an epoch."""
        import torch

        network = _unwrapped(self.model)
        gradients = {name: one.grad for name, one in network.named_parameters() if one.grad is not None}
        state = {
            "epochs": self.epoch + 1,
            "model": network.state_dict(),
            "ema": self.ema.ema.state_dict(),
            "updates": self.ema.updates,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "best_fitness": float(self.best_fitness),
            "stopper": {
                "best_fitness": float(self.stopper.best_fitness),
                "best_epoch": self.stopper.best_epoch,
            },
            "gradients": gradients,
            "gathered": self._gathered * self.batch_size,
        }
        with out.open("wb") as stream:  # given a path, torch does not say that the disk is full
            torch.save(state, stream)

    def resume_training(self, _: Any) -> None:
        """Take over the kept state, where there is one: ultralytics calls it when all else is built."""
        if self.goes_on_from is None:
            return
        import torch

        state = torch.load(self.goes_on_from, map_location="cpu", weights_only=True)
        network = _unwrapped(self.model)
        network.load_state_dict(state["model"])
        self.ema.ema.load_state_dict(state["ema"])
        self.ema.updates = state["updates"]
        for kept, group in zip(state["optimizer"]["param_groups"], self.optimizer.param_groups, strict=True):
            kept["weight_decay"] = group["weight_decay"]  # another if the batch was halved in between
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.best_fitness = state["best_fitness"]
        vars(self.stopper).update(state["stopper"])
        self.start_epoch = state["epochs"]
        self._gathered = state["gathered"] // self.batch_size
        self._gradients = state["gradients"]
        # Of networks with two heads: how the loss is shared between them depends on the epoch.
        criterion = network.init_criterion()
        if hasattr(criterion, "update"):
            criterion.updates = self.start_epoch - 1
            criterion.update()
            network.criterion = criterion

    def get_dataloader(self, *args: Any, **given: Any) -> Any:
        """Return ultralytics' loader; what the training images become follows from seed and epoch alone."""
        parent: Any = super()
        loader = parent.get_dataloader(*args, **given)
        if given["mode"] == "train":
            seed_loader(loader, self.args.seed, given["rank"], self.world_size)
        return loader

    @property
    def accumulate(self) -> int:
        """Batches to a step of the optimizer.

        Ultralytics counts them from the first batch of the process on. So until a resumed training has made
        its first step, each batch is taken for a step, and `optimizer_step` counts for itself.
        """
        return 1 if self._catches_up else self._nominal

    @accumulate.setter
    def accumulate(self, batches: int) -> None:
        self._nominal = batches

    def optimizer_step(self) -> None:
        """Step, if enough batches are gathered."""
        if self._gathered < self._nominal:
            return
        parent: Any = super()
        parent.optimizer_step()
        self._gathered, self._catches_up = 0, False

    def _begin_epoch(self) -> None:
        seed_epoch(self.args.seed, self.epoch)
        self.train_loader.batch_sampler.epoch = self.epoch
        if self._gradients is None:
            return
        # Not sooner: ultralytics clears all gradients before the first epoch.
        for name, one in _unwrapped(self.model).named_parameters():
            if name in self._gradients:
                one.grad = self._gradients[name].to(one.device)
        self._gradients, self._catches_up = None, True

    def _gather(self) -> None:
        self._gathered += 1


def _unwrapped(model: Any) -> Any:
    """Return the network itself: of several ranks, each holds it in a wrapper."""
    from ultralytics.utils.torch_utils import unwrap_model

    return unwrap_model(model)
