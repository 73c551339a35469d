"""Which processor or GPU a detector runs on."""

from __future__ import annotations

import os

from provenline.errors import InputError


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device_index(device: str) -> int | None:
    """Return the number of the GPU that ``device`` names, or None for the processor.

    >>> device_index("cpu"), device_index("0"), device_index("cuda:1")
    (None, 0, 1)

    Raises:
        InputError: ``device`` is neither `cpu` nor one GPU.
    """
    if device == "cpu":
        return None
    digits = device.removeprefix("cuda:") if device != "cuda" else "0"
    if not digits.isdigit():
        raise InputError(f"unknown device {device!r}", mend="Use cpu, 0 or cuda:0")
    return int(digits)


def torch_device(device: str) -> str:
    """Return ``device`` as torch names it (`cpu`, `cuda:0`).

    Raises:
        InputError: It is a GPU that torch does not see.
    """
    index = device_index(device)
    if index is None:
        return "cpu"
    import torch

    if index >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise InputError(f"device {device} asked for, torch sees {found} GPUs", mend="Use profile=cpu")
    return f"cuda:{index}"
