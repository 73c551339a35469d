"""A JSON file that says where it is wrong: typed access by dotted keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from provenline.errors import InputError
from provenline.files import read_json
from provenline.reports.evidence import Estimate

T = TypeVar("T")
_MEND = "Run `dvc repro` to write it anew"


class Document:
    """A JSON object of a file, or a part of it.

    Args:
        file: Where it came from; named in every error.
        value: The object.
        place: The dotted key of this part; empty for the whole file.

    Raises:
        InputError: ``value`` is no object.
    """

    def __init__(self, file: Path, value: Any, place: str = "") -> None:
        if not isinstance(value, dict):
            raise InputError("is no JSON object", file=file, place=place or None, mend=_MEND)
        self.file, self.value, self.place = file, value, place

    def has(self, key: str) -> bool:
        """Return whether the dotted key is there and not null."""
        return self._find(key) is not None

    def number(self, key: str) -> float:
        """Return a number that must be there."""
        return float(self._typed(key, (int, float), "a number"))

    def maybe(self, key: str) -> float | None:
        """Return a number, or None where the key is absent or null."""
        return self.number(key) if self.has(key) else None

    def count(self, key: str) -> int:
        """Return a whole number that must be there."""
        return int(self._typed(key, (int,), "a whole number"))

    def maybe_count(self, key: str) -> int | None:
        """Return a whole number, or None where the key is absent or null."""
        return self.count(key) if self.has(key) else None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; the default where the key is absent or null and a default is given."""
        if default is not None and not self.has(key):
            return default
        return str(self._typed(key, (str,), "a text"))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; empty where the key is absent."""
        return tuple(str(item) for item in self.items(key))

    def items(self, key: str) -> list[Any]:
        """Return a list; empty where the key is absent or null."""
        found: list[Any] = self._typed(key, (list,), "a list") if self.has(key) else []
        return found

    def part(self, key: str) -> Document:
        """Return the object under a dotted key; it must be there."""
        return Document(self.file, self._typed(key, (dict,), "an object"), self._dotted(key))

    def parts(self, key: str) -> Iterator[tuple[str, Document]]:
        """Yield the objects under the object at ``key`` with their names; none where it is absent."""
        if self.has(key):
            whole = self.part(key)
            for name, value in whole.value.items():
                yield name, Document(self.file, value, f"{whole.place}.{name}")

    def rows(self, key: str) -> list[Document]:
        """Return the objects of the list at ``key``; none where it is absent."""
        dotted = self._dotted(key)
        return [Document(self.file, item, f"{dotted}.{n}") for n, item in enumerate(self.items(key))]

    def estimate(self, key: str) -> Estimate | None:
        """Return the number and interval under ``key``, or None where it is absent or null.

        The annotators' agreement calls the number ``value``, the evaluation ``estimate``.
        """
        if not self.has(key):
            return None
        part = self.part(key)
        return Estimate(
            value=part.maybe("estimate") if part.has("estimate") else part.maybe("value"),
            low=part.maybe("low"),
            high=part.maybe("high"),
            groups=part.maybe_count("groups"),
            reason=part.text("reason", ""),
        )

    def _dotted(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key

    def _find(self, key: str) -> Any:
        found: Any = self.value
        for name in key.split("."):
            if not isinstance(found, dict) or name not in found:
                return None
            found = found[name]
        return found

    def _typed(self, key: str, kinds: tuple[type, ...], wanted: str) -> Any:
        found = self._find(key)
        if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
            what = "is missing" if found is None else f"is not {wanted}"
            raise InputError(what, file=self.file, place=self._dotted(key), mend=_MEND)
        return found


def open_document(file: Path) -> Document | None:
    """Read a JSON object, or None where the file does not exist.

    Raises:
        InputError: The file is there but holds no JSON object.
    """
    return Document(file, read_json(file)) if file.is_file() else None
