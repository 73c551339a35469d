"""Which processor or GPUs a detector runs on."""

from __future__ import annotations

import os

from provenline.errors import InputError


def cores() -> int:
    """Return the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def each_device(device: str) -> tuple[str, ...]:
    """Return the devices that ``device`` names, as torch names them.

    >>> each_device("cpu"), each_device("0"), each_device("0,cuda:1")
    (('cpu',), ('cuda:0',), ('cuda:0', 'cuda:1'))

    `cpu,cpu` is the processor twice: what several GPUs do can be tried out with it.

    Raises:
        InputError: ``device`` is neither the processor nor GPUs, each once.
    """
    indices = [device_index(one.strip()) for one in device.split(",")]
    gpus = [index for index in indices if index is not None]
    if gpus and (len(gpus) < len(indices) or len(set(gpus)) < len(gpus)):
        raise InputError(f"device {device!r} does not name different GPUs", mend="Use cpu, 0 or 0,1")
    return tuple("cpu" if index is None else f"cuda:{index}" for index in indices)


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
    """Return ``device`` as torch names it (`cpu`, `cuda:0`); of several, the first.

    Raises:
        InputError: It is a GPU that torch does not see.
    """
    return _seen(each_device(device)[0])


def torch_devices(device: str) -> tuple[str, ...]:
    """Return all that ``device`` names, as torch names them.

    Raises:
        InputError: One is a GPU that torch does not see.
    """
    return tuple(_seen(one) for one in each_device(device))


def _seen(device: str) -> str:
    index = device_index(device)
    if index is None:
        return device
    import torch

    if index >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        mend = "Use profile=cpu" if not found else "Name those that are here: profile.device"
        raise InputError(f"device {index} asked for, torch sees {found} GPUs", mend=mend)
    return device
