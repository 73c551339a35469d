"""What a door needs of its surroundings: parameters, the list of what it read, errors in one line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

from provenline.errors import InputError
from provenline.line import NONE
from provenline.parameters import COMPOSE, PARAMS, at, read, section
from provenline.progress import console, notice

PIPELINE = Path("dvc.yaml")
INPUTS = Path("metrics/inputs")
Model = TypeVar("Model")


def home() -> Path:
    """Return the project's folder, also where DVC runs an experiment in a folder of its own."""
    return Path(os.environ.get("PROVENLINE_HOME", "")).resolve()


@lru_cache(maxsize=1)
def _parameters() -> dict[str, Any]:
    if not PARAMS.is_file():
        raise InputError("file is missing", file=PARAMS, mend=COMPOSE)
    return read()


def params(dotted: str, model: type[Model]) -> Model:
    """Return a section of params.yaml as a frozen typed object; see `parameters.section`."""
    return section(_parameters(), dotted, model)


def value(dotted: str) -> Any:
    """Return one plain value of params.yaml."""
    return at(_parameters(), dotted)


def rounds() -> Path | None:
    """Return the folder of what monthly rounds brought; None before the first."""
    folder = Path(value("rounds"))
    return None if folder == NONE else folder


def inputs(
    module: str, read: Iterable[Path | str], variant: str = "", media: Mapping[str, str] | None = None
) -> None:
    """Write what a stage read, file by file with its hash, its code included: ``metrics/inputs/*.sha256``.

    `provenline verify` holds the list against what is there, and `sha256sum --check` reads it too.

    Args:
        module: The stage's own name in ``stages/``.
        read: Files and folders that it read, and those of its outputs that it judged.
        variant: Which footage or target, where the stage runs on several; development's is not said.
        media: Footage by its hash, as the stage's tables name it: it is not read for this again.
    """
    from provenline.dossier import code, sums

    text = PIPELINE.read_text(encoding="utf-8") if PIPELINE.is_file() else ""
    places = [*map(Path, read), *map(Path, code.of_module(yaml.safe_load(text), module))]
    found = {
        path.as_posix(): path
        for place in places
        for path in ([place / name for name in sums.listed(place)] if place.is_dir() else [place])
    }
    hashes = {name: one.sha256 for name, one in sums.digests(found).items()}
    name = module if variant in ("", "development") else f"{module}_{variant}"
    sums.write(INPUTS / f"{name}.sha256", {**(media or {}), **hashes})


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what the user can mend into one line on stderr and exit status 2."""
    try:
        yield
    except InputError as error:
        console.print(f"error: {error}", style="bold red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        console.print("stopped", style="yellow")
        sys.exit(130)


def say_if_stale() -> None:
    """Say so when params.yaml is not what conf/ composes to."""
    from glue.compose import CONF, differences

    if not CONF.is_dir() or not PARAMS.exists():
        return
    try:
        found = differences()
    except (InputError, ImportError, yaml.YAMLError) as error:
        notice(f"params.yaml was not compared with conf/: {error}")
        return
    if not found:
        return
    if "DVC_EXP_NAME" in os.environ or "DVC_EXP_BASELINE_REV" in os.environ:
        notice(f"experiment: {', '.join(found[:6])}")
        return
    notice(
        f"params.yaml is not what conf/ composes to ({len(found)} differ: {', '.join(found[:3])}): "
        "overrides were given, or `make params` was not run"
    )


def run(stage: Callable[..., str]) -> None:
    """Run a stage with the words of the command line; print the sentence that it returns."""
    started = time.monotonic()
    with one_line_errors():
        say_if_stale()
        sentence = stage(*sys.argv[1:])
        seconds = time.monotonic() - started
        console.print(
            f"{sentence} ({seconds:.1f} s)", style="green", highlight=False, markup=False, soft_wrap=True
        )
