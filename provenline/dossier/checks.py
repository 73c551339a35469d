"""One thing that was looked at, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from provenline.dossier.plan import STEPS
from provenline.dossier.record import Link

State = Literal["holds", "broken", "absent", "unseen"]
ORDER = ("dossier", *STEPS, "verdict", "report")


@dataclass(frozen=True)
class Check:
    """One link of the chain.

    Attributes:
        step: Of the chain.
        about: What was looked at.
        state: ``holds``; ``broken``; ``absent`` where something of it is not on this machine;
            ``unseen`` where it was not looked at because what it is about was altered.
        file: Which file is wrong, or missing.
        place: Where in it.
        expected: What it should be.
        found: What it is.
        why: What is wrong, where it is not one hash against another.
        link: What is written into the dossier.
        of_bytes: Whether an artifact's own bytes were looked at, and not how it hangs together with another.
    """

    step: str
    about: str
    state: State = "holds"
    file: str = ""
    place: str = ""
    expected: str = ""
    found: str = ""
    why: str = ""
    link: Link | None = None
    of_bytes: bool = False

    @property
    def sentence(self) -> str:
        """Return what is wrong with it, in one line.

        >>> Check("split", "the split", "broken", "a.csv", expected="0" * 64, found="1" * 64).sentence
        'a.csv: expected 000000000000…, found 111111111111…'
        """
        where = f"{self.file} ({self.place})" if self.place else self.file
        return f"{where}: {self._what}" if where else self._what

    @property
    def said(self) -> str:
        """Return it in one line: what was looked at, and what is wrong where something is."""
        if self.state == "holds":
            return self.about
        known = not self.place and self.file and self.about.startswith(self.file)
        return f"{self.about}: {self._what if known else self.sentence}"

    @property
    def _what(self) -> str:
        return self.why or f"expected {short(self.expected)}, found {short(self.found)}"


def short(text: str) -> str:
    """Return a hash's first digits; other texts, and what is missing, as they are.

    >>> short("0123456789abcdef" * 4), short("")
    ('0123456789ab…', 'nothing')
    """
    if len(text) == 64 and not set(text) - set("0123456789abcdef"):
        return f"{text[:12]}…"
    return text or "nothing"


def in_order(checks: Iterable[Check]) -> list[Check]:
    """Return the checks in the order of the chain; within a step as they came."""
    return sorted(checks, key=lambda one: ORDER.index(one.step))
