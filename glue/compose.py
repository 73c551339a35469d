"""Compose conf/ into params.yaml: `python -m glue.compose` (`make params`).

`dvc exp run` composes by itself; `dvc repro` never does. This uses DVC's own composer, so that
both write the same bytes.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from glue.runtime import one_line_errors
from provenline.errors import InputError
from provenline.files import atomic_path, sha256_file, sha256_tree
from provenline.parameters import PARAMS, changes, flat, read, section, unknown_key, unknown_option
from provenline.progress import notice

CONF = Path("conf")
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
        raise unknown_option(error.missing_cfg_file or "", error.options or (), CONF) from None
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
        if overrides and (asked := re.match(r"Could not override '([^']+)'", str(error))):
            raise unknown_key(asked[1], flat(_composed()), CONF) from None
        raise InputError(
            f"does not compose ({error})", file=CONF, mend="Mend conf/ or the overrides"
        ) from None


def differences() -> list[str]:
    """Return ``key: composed -> present`` for each parameter in params.yaml that conf/ does not give.

    None where params.yaml is what `make params` wrote, whatever overrides it was given: it said so then.
    """
    if STAMP.exists() and STAMP.read_text(encoding="utf-8").splitlines()[:1] == [_stamp()]:
        return []
    return changes(_composed(), _read(PARAMS))


def _composed() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "params.yaml"
        compose([], fresh)
        return _read(fresh)


def _stamp() -> str:
    models = sha256_tree("provenline", "*/params.py")
    return f"{sha256_tree(CONF)} {models} {sha256_file(PARAMS) if PARAMS.exists() else ''}"


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _before() -> Any:
    """Return the parameters that are there; none where nobody can read them, such as after a merge."""
    try:
        return read()
    except InputError:
        return {}


def _say_what_is_not_built_here(value: Any) -> None:
    """Say before a training what `trt-build` would refuse after it."""
    from provenline.engines.params import Target
    from provenline.engines.tensorrt_build import require

    for name in value["trt_build"]:
        target: Any = section(value, f"trt_build.{name}", Target)  # type: ignore[arg-type]
        try:
            if target.kind == "tensorrt":
                require(target)
        except InputError as error:
            notice(f"trt-build will refuse: {error}")


def main() -> None:
    """Compose, check every section, and replace params.yaml only by something that is valid."""
    overrides = sys.argv[1:]
    if not overrides and STAMP.exists() and STAMP.read_text(encoding="utf-8") == _stamp():
        return
    from provenline.sections import check  # it reaches every room

    STAMP.unlink(missing_ok=True)
    with one_line_errors(), atomic_path(PARAMS) as temporary:
        compose(overrides, temporary)
        value = _read(temporary)
        check(value)
        if PARAMS.exists() and (found := changes(_before(), value)):
            notice(f"params.yaml changes ({len(found)}): {', '.join(found[:4])}")
    _say_what_is_not_built_here(value)
    with atomic_path(STAMP) as temporary:
        temporary.write_text("\n".join([_stamp(), *overrides]), encoding="utf-8")


if __name__ == "__main__":
    main()
