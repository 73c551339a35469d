"""Memory and disks that are full, recognised by what is said of them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from provenline.errors import InputError

# Seen in torch 2.15 (CUDA, cuBLAS, cuDNN, processor, shared memory of reading processes) and OpenCV 5.
_MEMORY = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "out of shared memory",
    "insufficient memory",
    "cublas_status_alloc_failed",
    "cudnn_status_internal_error",
    "unable to find an engine",
    "unable to allocate",
)
_DISK = ("no space left on device", "disk quota exceeded", "pytorchstreamwriter failed")


def out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory ran out, the device's or the machine's."""
    return any(
        isinstance(one, MemoryError)
        or _number(one) == errno.ENOMEM
        or any(words in str(one).lower() for words in _MEMORY)
        for one in _causes(error)
    )


def disk_full(error: BaseException) -> bool:
    """Return whether an exception says that there is no space left to write to."""
    return any(
        _number(one) in {errno.ENOSPC, errno.EDQUOT} or any(words in str(one).lower() for words in _DISK)
        for one in _causes(error)
    )


def smaller(batch: int, nbs: int, devices: int = 1) -> int | None:
    """Return the largest batch up to half of ``batch`` that divides the nominal one; None below 1.

    It can be shared by the ``devices``, as ``batch`` is.

    >>> smaller(32, 64), smaller(25, 75), smaller(1, 64)
    (16, 5, None)
    >>> smaller(12, 36, devices=3), smaller(2, 64, devices=2)
    (6, None)
    """
    sizes = range(batch // 2, 0, -1)
    return next((size for size in sizes if nbs % size == 0 and size % devices == 0), None)


@contextmanager
def one_line(kept: Path) -> Iterator[None]:
    """Say in one line what stopped a training from outside.

    Args:
        kept: Where the finished epochs lie.

    Raises:
        InputError: The disk is full, or a process that reads images was killed.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        left = any(kept.glob("epoch_*"))
        then = "finished epochs are kept, and gone on from" if left else "no epoch was finished yet"
        if disk_full(error):
            files = (one.filename for one in _causes(error) if isinstance(one, OSError) and one.filename)
            what, mend = f"no space left on the disk; {then}", "Free some space and start it again"
            raise InputError(what, file=next(files, None), mend=mend) from None
        if "DataLoader worker" in str(error):
            mend = "Start it again; if memory was short, with a lower batch or imgsz (another training)"
            raise InputError(f"a process that reads images was killed; {then}", mend=mend) from None
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    now: BaseException | None = error
    while now is not None:
        yield now
        now = now.__cause__ or now.__context__


def _number(error: BaseException) -> int | None:
    return error.errno if isinstance(error, OSError) else None
