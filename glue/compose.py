"""Compose conf/ into params.yaml: `python -m glue.compose` (`make params`).

`dvc exp run` composes by itself; `dvc repro` never does. This uses DVC's own composer, so that
both write the same bytes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file, sha256_tree

CONF, PARAMS = Path("conf"), Path("params.yaml")
STAMP = Path(".state/composed")  # of what was composed last: a second `make repro` need not do it again


def compose(overrides: list[str], target: Path) -> None:
    """Write what conf/ composes to, with Hydra overrides, into ``target``.

    Raises:
        InputError: An override or a file of conf/ is wrong.
    """
    from dvc.utils.hydra import compose_and_dump
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException

    folder = str(CONF.resolve())
    try:
        compose_and_dump(target, folder, None, "config", folder, overrides)
    except MissingConfigException as error:
        raise _unknown(error.missing_cfg_file or "", error.options or ()) from None
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
        raise InputError(
            f"does not compose ({error})", file=CONF, mend="Mend conf/ or the overrides"
        ) from None


def _unknown(asked: str, options: Sequence[str]) -> InputError:
    """Return the error of a config that is not there; ``asked`` is ``group/option``."""
    group, _, option = asked.rpartition("/")
    what = f"has no option '{option}'"
    if not options:
        return InputError(what, file=CONF / group, mend="Mend conf/ or the overrides")
    near = ", ".join(get_close_matches(option, options))
    mend = f"{f'Nearest: {near}. ' if near else ''}Known: {', '.join(sorted(options))}"
    return InputError(what, file=CONF / group, mend=mend)


def differences() -> list[str]:
    """Return ``key: composed -> present`` for each parameter in params.yaml that conf/ does not give.

    None where params.yaml is what `make params` wrote, whatever overrides it was given: it said so then.
    """
    if STAMP.exists() and STAMP.read_text(encoding="utf-8").splitlines()[:1] == [_stamp()]:
        return []
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "params.yaml"
        compose([], fresh)
        return changes(fresh, PARAMS)


def _stamp() -> str:
    models = sha256_tree("provenline", "*/params.py")
    return f"{sha256_tree(CONF)} {models} {sha256_file(PARAMS) if PARAMS.exists() else ''}"


def changes(old: Path, new: Path) -> list[str]:
    """Return ``key: old -> new`` for each parameter in which two files differ."""
    before, after = (flat(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in (old, new))
    missing = object()
    return [
        f"{key}: {_short(before.get(key, 'absent'))} -> {_short(after.get(key, 'absent'))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key, missing) != after.get(key, missing)
    ]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to dotted keys; lists are leaves.

    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    nested = (flat(child, f"{prefix}.{key}" if prefix else str(key)) for key, child in value.items())
    return {key: leaf for part in nested for key, leaf in part.items()}


def main() -> None:
    """Compose, check every section, and replace params.yaml only by something that is valid."""
    overrides = sys.argv[1:]
    if not overrides and STAMP.exists() and STAMP.read_text(encoding="utf-8") == _stamp():
        return
    from glue import runtime
    from glue.sections import check

    STAMP.unlink(missing_ok=True)
    with runtime.one_line_errors(), atomic_path(PARAMS) as temporary:
        compose(overrides, temporary)
        check(yaml.safe_load(temporary.read_text(encoding="utf-8")))
        if PARAMS.exists() and (found := changes(PARAMS, temporary)):
            runtime.notice(f"params.yaml changes ({len(found)}): {', '.join(found[:4])}")
    with atomic_path(STAMP) as temporary:
        temporary.write_text("\n".join([_stamp(), *overrides]), encoding="utf-8")


if __name__ == "__main__":
    main()
