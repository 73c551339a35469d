"""params.yaml once it is read: nested mappings, their dotted keys, and typed sections of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from provenline.errors import InputError

PARAMS = Path("params.yaml")
COMPOSE = "Run `make params`"
Model = TypeVar("Model")


def read(root: Path = Path()) -> dict[str, Any]:
    """Return the project's params.yaml; empty where there is none.

    Raises:
        InputError: It is not YAML.
    """
    path = root / PARAMS
    if not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        value = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"not YAML ({error})", file=path, mend=COMPOSE) from None
    return value if isinstance(value, dict) else {}


def section(value: Any, dotted: str, model: type[Model]) -> Model:
    """Return ``dotted`` of the parameters as a frozen typed object.

    Raises:
        InputError: With all missing, unknown and ill-typed keys at once, each by its dotted name.
    """
    value = _at(value, dotted, "section is missing")
    if given := missing(value, f"{dotted}."):
        raise InputError(f"{', '.join(given)}: no value was given", file=PARAMS, mend="Give it in conf/")
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join([dotted, *map(str, fault['loc'])])}: {fault['msg']}" for fault in error.errors()
        )
        raise InputError(faults, file=PARAMS, mend="Mend it in conf/ and run `make params`") from None


def at(value: Any, dotted: str) -> Any:
    """Return one plain value.

    Raises:
        InputError: There is none of that name.

    >>> at({"a": {"b": 1}}, "a.b")
    1
    """
    return _at(value, dotted, "parameter is missing")


def _at(value: Any, dotted: str, what: str) -> Any:
    for key in dotted.split("."):
        if not isinstance(value, dict) or key not in value:
            raise InputError(what, file=PARAMS, place=dotted, mend=COMPOSE)
        value = value[key]
    return value


def missing(value: Any, prefix: str = "") -> list[str]:
    """Return the dotted keys whose value is the mark for "must be given".

    >>> missing({"a": {"b": "???", "c": 1}})
    ['a.b']
    """
    if isinstance(value, dict):
        return [key for name, child in value.items() for key in missing(child, f"{prefix}{name}.")]
    return [prefix.rstrip(".")] if value == "???" else []


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to dotted keys; lists are leaves.

    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    nested = (flat(child, f"{prefix}.{key}" if prefix else str(key)) for key, child in value.items())
    return {key: leaf for part in nested for key, leaf in part.items()}


def changes(old: Any, new: Any) -> list[str]:
    """Return ``key: old -> new`` for each parameter in which two differ.

    >>> changes({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2})
    ['a.b: 1 -> 3']
    """
    before, after = flat(old), flat(new)
    absent = object()
    return [
        f"{key}: {_short(before.get(key, 'absent'))} -> {_short(after.get(key, 'absent'))}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key, absent) != after.get(key, absent)
    ]


def moved(old: Any, new: Any, keys: Sequence[str]) -> list[str]:
    """Return which of some dotted keys, leaves or sections, differ; what is not there counts as null.

    >>> moved({"a": {"b": 1}}, {"a": {"b": 1}, "c": 2}, ["a", "c", "d.e"])
    ['c']
    """
    return [key for key in keys if get(old, key) != get(new, key)]


def get(value: Any, dotted: str) -> Any:
    """Return a leaf or a section, None where there is none.

    >>> get({"a": {"b": 1}}, "a.b"), get({}, "a.b")
    (1, None)
    """
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def unknown_key(asked: str, known: Iterable[str], conf: Path) -> InputError:
    """Return the error of an override whose key is not there.

    Args:
        asked: Dotted.
        known: All dotted keys that there are.
        conf: Folder of the groups.
    """
    keys = list(known)
    last = asked.rpartition(".")[2]
    near = [key for key in keys if key.rpartition(".")[2] == last] + get_close_matches(asked, keys)
    mend = f"Nearest: {', '.join(dict.fromkeys(near[:3]))}" if near else f"See {PARAMS} for what there is"
    return InputError(f"has no parameter '{asked}'", file=conf, mend=mend)


def unknown_option(asked: str, options: Sequence[str], conf: Path) -> InputError:
    """Return the error of a config that is not there.

    Args:
        asked: ``group/option``.
        options: That the group has; empty where there is no such group.
        conf: Folder of the groups.
    """
    group, _, option = asked.rpartition("/")
    what = f"has no option '{option}'"
    if not options:
        return InputError(what, file=conf / group, mend="Mend conf/ or the overrides")
    near = ", ".join(get_close_matches(option, options))
    mend = f"{f'Nearest: {near}. ' if near else ''}Known: {', '.join(sorted(options))}"
    return InputError(what, file=conf / group, mend=mend)
