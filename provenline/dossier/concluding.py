"""The end of the chain: verdicts that follow from their intervals, and a page that shows this evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from provenline.dossier import verdicts
from provenline.dossier.checks import Check, short
from provenline.dossier.reading import AlteredError, Reader, dotted
from provenline.dossier.record import Evidence, Verdict
from provenline.errors import InputError

PAGE = "index.html"
_LESS_IS_BETTER = ("count_mae",)  # said here anew: a verifier believes no evaluator


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
    """Return whether a verdict is what its interval, or the gates beside it, allow to say.

    Worked out here anew and not by the evaluator: ``pass`` takes an end beyond the bound, ``fail`` an
    interval wholly on the wrong side of it, and both enough groups. ``inconclusive`` is always allowed.
    """
    low, high, groups = (one.interval.get(name) for name in ("low", "high", "groups"))
    key = next(key for key, path in reader.paths.items() if path == one.file)
    content, params = reader.read(key), _params(reader)
    if one.bound is None:
        why = _WORDS[key, one.place](content, params) if (key, one.place) in _WORDS else ""
        return ("broken", one.file, one.place, "", one.says, why) if why else ("holds",)
    if one.says not in ("pass", "fail"):
        return ("holds",)
    gate = dotted(content, one.place)
    if low is None or high is None:
        return "broken", one.file, one.place, "", "", f"says {one.says} without an interval"
    if (least := dotted(params, "interval.min_groups")) and (groups or 0) < least:
        why = f"says {one.says} over {groups or 0} groups, where {least} are needed"
        return "broken", one.file, one.place, "", one.says, why
    higher = gate["better"] == "higher"
    end, best = low if gate["end"] == "low" else high, high if higher else low
    clears = end > one.bound if higher else end < one.bound
    misses = best < one.bound if higher else best > one.bound
    if clears if one.says == "pass" else misses:
        return ("holds",)
    why = f"says {one.says}, but the interval is{_measured(one.interval)} and the bound {one.bound:g}"
    return "broken", one.file, one.place, "", one.says, why


def _params(reader: Reader) -> Any:
    """Return the parameters; None where they are not here, which is said elsewhere."""
    try:
        return reader.read("params")
    except (AlteredError, InputError):
        return None


def _decision(content: Any, _: Any) -> str:
    said = [str(gate["value"]) for _, gate in verdicts.gates(content, "gates")]
    must = "fine_tune" if "fail" in said else "ship" if said and set(said) == {"pass"} else "inconclusive"
    word = content["decision"]
    return "" if word == must else f"says {word}, but its gates {', '.join(said)}"


def _better(content: Any, params: Any) -> str:
    metric = dotted(content, "improvement.metric")
    gain = dotted(content, f"splits.{content.get('judged_on')}.difference.{metric}")
    low, groups, least = dotted(gain, "low"), dotted(gain, "groups"), dotted(params, "interval.min_groups")
    if not content["better"] or (low is not None and low > 0 and (groups or 0) >= (least or 0)):
        return ""
    return f"says better, but the difference in {metric} is not above 0: from {low} over {groups} groups"


def _no_worse(content: Any, _: Any) -> str:
    said = content["non_inferiority"]
    moved = dotted(content, f"splits.{content.get('judged_on')}.difference.{said.get('metric')}")
    low, high, margin = dotted(moved, "low"), dotted(moved, "high"), said.get("margin")
    if said["value"] not in ("pass", "fail"):
        return ""
    if not all(isinstance(one, (int, float)) for one in (low, high, margin)):
        return f"says {said['value']} without an interval"
    if said.get("metric") in _LESS_IS_BETTER:
        low, high = -high, -low
    if low > -margin if said["value"] == "pass" else high < -margin:
        return ""
    return f"says {said['value']}, but the difference is [{low:.3f}, {high:.3f}] and the margin {margin:g}"


def _rule(content: Any, params: Any) -> str:
    said, bounds = content["rule"], dotted(params, "eval.rule")
    low, high = (dotted(said, f"relative.{end}") for end in ("low", "high"))
    if said["value"] == "inconclusive" or not isinstance(bounds, dict):
        return ""
    if low is None or high is None:
        return f"says {said['value']} without an interval"
    allowed = {
        "deploy": low > bounds["deploy"],
        "more_data": high < bounds["more_data"],
        "training_problem": high < 0,
    }
    return "" if allowed.get(said["value"]) else f"says {said['value']} of a gain of [{low:.3f}, {high:.3f}]"


_WORDS: dict[tuple[str, str], Callable[[Any, Any], str]] = {
    ("stage_a", "decision"): _decision,
    ("eval", "better"): _better,
    ("eval", "non_inferiority.value"): _no_worse,
    ("eval", "rule.value"): _rule,
}


def page_shows(text: str, evidence_sha256: str) -> Check:
    """Return whether the page shows the hash of this evidence."""
    about = "the page shows the hash of this evidence"
    if evidence_sha256 in text:
        return Check("report", about)
    why = f"does not show {short(evidence_sha256)}"
    return Check("report", about, "broken", PAGE, expected=evidence_sha256, why=why)
