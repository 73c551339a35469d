"""Opens what artifacts say, without trusting that they are what they should be."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from provenline.dossier.plan import Item
from provenline.errors import InputError

LARGEST = 1 << 26  # bytes of a JSON or YAML file that is parsed


class AlteredError(Exception):
    """The artifact is not the one that the dossier names, so it is not opened."""


def parse(path: Path) -> Any:
    """Read a JSON or YAML file, by its ending.

    Raises:
        InputError: It is larger than any of ours, is no text in UTF-8, or cannot be parsed.
    """
    if (size := path.stat().st_size) > LARGEST:
        raise InputError(f"{size} bytes are too many for a file of this kind", file=path)
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix in (".yaml", ".yml"):
            return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        return json.loads(text)
    except RecursionError:
        raise InputError("is nested too deeply", file=path) from None
    except UnicodeDecodeError:
        raise InputError("not a text file in UTF-8", file=path) from None
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"cannot be parsed ({reason})", file=path) from None


def dotted(value: Any, place: str) -> Any:
    """Return what stands at a dotted key; None where nothing does.

    >>> dotted({"a": [{"b": 3}]}, "a.0.b"), dotted({"a": 1}, "a.b")
    (3, None)
    """
    for key in place.split("."):
        if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


class Reader:
    """Opens artifacts by their names in the plan; each file once.

    Args:
        root: The project's folder.
        plan: What belongs to the run.
        altered: Artifacts that are not what they should be. Parsers of binary files are no place for those.
        closed: Artifacts that lie where nobody may look; as if they were not here.
    """

    def __init__(
        self, root: Path, plan: Iterable[Item], altered: Collection[str] = (), closed: Collection[str] = ()
    ) -> None:
        self.root, self.altered, self.closed = root, altered, closed
        self.paths = {one.id: one.path for one in plan}
        self._parsed = lru_cache(maxsize=None)(parse)

    def name(self, key: str, member: str = "") -> str:
        """Return the path of an artifact, or of a file in it, relative to the project's folder."""
        path = self.paths.get(key, "")
        return f"{path}/{member}" if path and member else path

    def place(self, key: str, member: str = "") -> Path | None:
        """Return where it lies; None where it is not here.

        Raises:
            AlteredError: It is not the one that it should be.
        """
        if key in self.altered:
            raise AlteredError(self.name(key, member))
        name = "" if key in self.closed else self.name(key, member)
        return self.root / name if name and (self.root / name).is_file() else None

    def read(self, key: str, member: str = "") -> Any:
        """Return what a JSON or YAML file holds; None where it is not here.

        Raises:
            AlteredError: It is not the one that it should be.
            InputError: It cannot be parsed.
        """
        place = self.place(key, member)
        return None if place is None else self._parsed(place)

    def columns(self, key: str, names: Sequence[str], member: str = "") -> list[tuple[Any, ...]] | None:
        """Return the rows of a Parquet table or a CSV, of these columns only; None where it is not here.

        Raises:
            AlteredError: It is not the one that it should be.
            InputError: It cannot be read, or lacks a column.
        """
        place = self.place(key, member)
        if place is None:
            return None
        import pyarrow as pa

        try:
            return _csv(place, names) if place.suffix == ".csv" else _parquet(place, names)
        except (pa.ArrowException, csv.Error, OSError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(f"cannot be read ({reason})", file=self.name(key, member)) from None


def _csv(place: Path, names: Sequence[str]) -> list[tuple[Any, ...]]:
    with place.open(encoding="utf-8", newline="") as stream:
        return [tuple(row[name] for name in names) for row in csv.DictReader(stream)]


def _parquet(place: Path, names: Sequence[str]) -> list[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(place) as opened:
        table = opened.read(columns=list(names))
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))
