"""The end of the chain: verdicts that follow from their intervals, and a page that shows this evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provenline.dossier import verdicts
from provenline.dossier.checks import Check, short
from provenline.dossier.reading import Reader, dotted
from provenline.dossier.record import Evidence, Verdict

PAGE = "index.html"


def check(evidence: Evidence, reader: Reader) -> Iterator[Check]:
    """Hold the verdicts of a dossier against the stages' files, and against their own intervals.

    Args:
        evidence: As the dossier has it.
        reader: Opens the stages' files.
    """
    now = {(one.file, one.place): one for one in verdicts.read(evidence.run, reader)}
    for one in evidence.verdicts:
        said = now.pop((one.file, one.place), None)
        about = f"{one.about} {one.says}{_measured(one.interval)}"
        if said is None:
            yield Check("verdict", about, *_unread(one, reader))
        elif said != one:
            now_said = f"{said.says}{_measured(said.interval)}"
            why = f"says {now_said}, the dossier {one.says}{_measured(one.interval)}"
            yield Check("verdict", about, "broken", one.file, one.place, one.says, said.says, why)
        else:
            yield Check("verdict", about, *_follows(one, reader))
    for one in now.values():
        why = f"says {one.says}, which the dossier leaves out"
        yield Check("verdict", one.about, "broken", one.file, one.place, why=why)


def _measured(interval: Mapping[str, Any]) -> str:
    estimate, low, high = (interval.get(key) for key in ("estimate", "low", "high"))
    if estimate is None:
        return ""
    return f" {estimate:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else "")


def _unread(one: Verdict, reader: Reader) -> tuple[Any, ...]:
    """Return why a verdict was not found again: its file is not here or altered, or says no such thing."""
    keys = [key for key, path in reader.paths.items() if path == one.file]
    if keys and keys[0] in reader.altered:
        return "unseen", one.file, one.place, "", "", "was altered, so it was not opened"
    if keys and not (reader.root / one.file).is_file():
        return "absent", one.file, "", "", "", "is not here"
    return "broken", one.file, one.place, one.says, "", "says no such thing"


def _follows(one: Verdict, reader: Reader) -> tuple[Any, ...]:
    """Return whether a gate's verdict is what its interval allows to say.

    Worked out here anew and not by the evaluator: ``pass`` takes an end beyond the bound, ``fail`` an
    interval wholly on the wrong side of it. ``inconclusive`` is always allowed to be said.
    """
    low, high = one.interval.get("low"), one.interval.get("high")
    if one.bound is None or one.says not in ("pass", "fail"):
        return ("holds",)
    key = next(key for key, path in reader.paths.items() if path == one.file)
    gate = dotted(reader.read(key), one.place)
    if low is None or high is None:
        return "broken", one.file, one.place, "", "", f"says {one.says} without an interval"
    higher = gate["better"] == "higher"
    end, best = low if gate["end"] == "low" else high, high if higher else low
    clears = end > one.bound if higher else end < one.bound
    misses = best < one.bound if higher else best > one.bound
    if clears if one.says == "pass" else misses:
        return ("holds",)
    why = f"says {one.says}, but the interval is{_measured(one.interval)} and the bound {one.bound:g}"
    return "broken", one.file, one.place, "", one.says, why


def page_shows(text: str, evidence_sha256: str) -> Check:
    """Return whether the page shows the hash of this evidence and of no other."""
    about = "the page shows the hash of this evidence"
    if evidence_sha256 in text:
        return Check("report", about)
    why = f"does not show {short(evidence_sha256)}"
    return Check("report", about, "broken", PAGE, expected=evidence_sha256, why=why)
