"""What the run came to, read from the stages' own files, with the intervals that it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provenline.dossier.plan import ROLES, Run
from provenline.dossier.reading import AlteredError, Reader, dotted
from provenline.dossier.record import Verdict
from provenline.errors import InputError

INTERVAL = ("estimate", "low", "high", "groups")
_GATE = ("metric", "bound", "end", "better", "value")


def read(run: Run, reader: Reader) -> list[Verdict]:
    """Return every verdict of a run; those of files that are not here are left out."""
    parts = [_plain(reader), _stage_a(reader), _evaluation(reader), _engines(reader, run), _last(reader)]
    return [verdict for part in parts for verdict in part]


def _content(reader: Reader, key: str) -> Any:
    try:
        return reader.read(key)
    except (AlteredError, InputError):
        return None


def _word(reader: Reader, key: str, place: str, about: str) -> Iterator[Verdict]:
    """Yield a verdict that is one word; or true, which is yes, or false: then it is not shown."""
    said = dotted(_content(reader, key), place)
    if isinstance(said, bool):
        said = "yes" if said else "not shown"
    if isinstance(said, str):
        yield Verdict(file=reader.name(key), place=place, about=about, says=said, bound=None, interval={})


def _plain(reader: Reader) -> Iterator[Verdict]:
    yield from _word(reader, "import.development", "agreement.verdict", "do the annotators agree?")
    yield from _word(reader, "split_metrics", "certificate.verdict", "does the split leak?")


def _stage_a(reader: Reader) -> Iterator[Verdict]:
    yield from _word(reader, "stage_a", "decision", "is the off-the-shelf detector good enough?")
    content = _content(reader, "stage_a")
    measured = dotted(content, "metrics")
    for place, gate in gates(content, "gates"):
        yield gate_verdict(reader.name("stage_a"), place, gate, dotted(measured, str(gate["metric"])))


def _evaluation(reader: Reader) -> Iterator[Verdict]:
    content, file = _content(reader, "eval"), reader.name("eval")
    judged = dotted(content, f"splits.{dotted(content, 'judged_on')}")
    for place, gate in gates(content, "targets"):
        yield gate_verdict(file, place, gate, dotted(judged, f"candidate.{gate['metric']}"), "candidate")
    improvement = dotted(content, "improvement")
    if _is_gate(improvement):
        measured = dotted(judged, f"difference.{improvement['metric']}")
        yield gate_verdict(file, "improvement", improvement, measured, "candidate - base")
    yield from _word(reader, "eval", "better", "is the candidate better than the base?")
    for place, about in (
        ("non_inferiority.value", "is it at least no worse?"),
        ("rule.value", "what to do next?"),
    ):
        yield from _word(reader, "eval", place, about)


def _engines(reader: Reader, run: Run) -> Iterator[Verdict]:
    for role in ROLES:
        about = f"is the {role}'s engine for {run.target} the same model?"
        yield from _word(reader, "trt_build", f"{role}.parity.verdict", about)


def _last(reader: Reader) -> Iterator[Verdict]:
    yield from _word(reader, "shadow_metrics", "decision", "is it better than what runs now?")


def gates(content: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the gates of a list, with their dotted keys."""
    rows = dotted(content, place)
    for number, row in enumerate(rows if isinstance(rows, list) else []):
        if _is_gate(row):
            yield f"{place}.{number}", row


def _is_gate(value: Any) -> bool:
    if not isinstance(value, dict) or not all(key in value for key in _GATE):
        return False
    return _number(value["bound"]) is not None


def gate_verdict(file: str, place: str, gate: Mapping[str, Any], measured: Any, of: str = "") -> Verdict:
    """Return a gate's verdict with what was measured."""
    asked = f"{gate['metric']} {'>' if gate['better'] == 'higher' else '<'} {gate['bound']:g}"
    return Verdict(
        file=file,
        place=place,
        about=f"{of}: {asked}" if of else asked,
        says=str(gate["value"]),
        bound=float(gate["bound"]),
        interval=_interval(measured),
    )


def _interval(measured: Any) -> dict[str, float | int | None]:
    if not isinstance(measured, dict):
        return {}
    return {key: _number(measured.get(key)) for key in INTERVAL}


def _number(value: Any) -> float | int | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
