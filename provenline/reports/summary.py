"""The last lines of a run, for the terminal: what came out, and where the page is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from provenline.dossier import sealing
from provenline.errors import InputError
from provenline.parameters import read
from provenline.reports import eval_readings, gather, judged_story
from provenline.reports import judged_readings as judged
from provenline.reports.ceilings import reach
from provenline.reports.conclusion import conclusion
from provenline.reports.evidence import (
    Engine,
    Estimate,
    Evaluation,
    Evidence,
    Footage,
    Gate,
    Shadow,
    StageA,
)
from provenline.reports.footage_readings import annotation, extraction
from provenline.reports.gather import Gatherer
from provenline.reports.outdated import outdated
from provenline.reports.words import asked, difference, estimate, in_units, losses, metric, plural

PAGE, DOSSIER = "reports/index.html", "reports/dossier.json"
_DECISIONS = {
    "ship": "good enough as it is",
    "fine_tune": "not good enough: fine-tune",
    "inconclusive": "not settled",
}
_SHADOW = {"same_model": "same model", "label": "label more"}


def lines(root: Path) -> list[tuple[str, str]]:
    """Return what the last run of the line came to, as (what it is about, one sentence).

    Raises:
        InputError: A metrics file or the dossier is there but malformed.
    """
    parameters = read(root)
    round_, gatherer = parameters.get("round", "v0"), Gatherer(root)
    stage_a = gatherer.read("metrics/stage_a_eval.json", "stageA-eval", judged.stage_a)
    evaluation = gatherer.read(f"metrics/eval_{round_}.json", "eval", eval_readings.evaluation)
    shadow = gatherer.read("metrics/shadow_ab.json", "shadow-ab", judged.shadow)
    engines = gather.engines(gatherer, tuple(parameters.get("trt_build") or ()))
    evidence = _footages(gatherer, round_)
    unit = evidence.unit
    absent = "no result yet: run `dvc repro {}`"
    page = PAGE if (root / PAGE).is_file() else absent.format("report")
    stale = outdated(root, parameters) if stage_a or evaluation or shadow else []
    short = conclusion(stage_a, evaluation, shadow)
    return [
        *([("In short", short)] if short else []),
        ("Stage A", stage_a_line(stage_a, unit) if stage_a else absent.format("stageA-eval")),
        ("Fine-tuned", evaluation_line(evaluation, evidence) if evaluation else absent.format("eval")),
        *((name, in_units(text, unit)) for name, text in (follow_ups(evaluation) if evaluation else [])),
        ("Engine", engine_line(engines) if engines else absent.format("trt-build")),
        ("Shadow", shadow_line(shadow) if shadow else absent.format("shadow-ab")),
        ("Page", page),
        *_seal(root / DOSSIER),
        *([("Out of date", f"{', '.join(stale)}: run `dvc repro` (or `dvc pull`)")] if stale else []),
    ]


def _seal(dossier: Path) -> list[tuple[str, str]]:
    """Return the seal as the report wrote it: what to write down, and to hand to `verify`."""
    if not dossier.is_file():
        return []
    found = sealing.read(dossier)[0]
    return [("Seal", f"{found.seal} ({DOSSIER}, as the last report wrote it: `provenline verify`)")]


def _footages(gatherer: Gatherer, round_: str) -> Evidence:
    sides = [
        Footage(
            extraction=gatherer.read(f"metrics/extract{suffix}.json", "extract", extraction),
            annotation=gatherer.read(f"metrics/annotate_import{suffix}.json", "annotate-import", annotation),
        )
        for suffix in ("", "_deployment")
    ]
    return Evidence(usecase="", round=round_, development=sides[0], deployment=sides[1])


def stage_a_line(given: StageA, unit: str) -> str:
    """Say whether the off-the-shelf detector is good enough, with its interval."""
    head = f"{_DECISIONS[given.decision]} ({given.verdict})"
    return f"{head}: {'; '.join(map(gate_text, given.gates))}; {plural(given.overall.groups, unit)}"


def gate_text(gate: Gate) -> str:
    """Write a gate: what was measured, and what was asked for."""
    return f"{metric(gate.metric)} {estimate(gate.estimate)} ({asked(gate)})"


def evaluation_line(given: Evaluation, evidence: Evidence) -> str:
    """Say whether the candidate is better than its base, with the paired difference and the ceiling."""
    if given.same_model:
        return "the base was passed through: nothing to compare"
    compared, gate = given.judged, given.improvement
    if compared is None or gate is None:
        return "not judged: " + "; ".join(given.warnings)
    pair = compared.metrics.get(gate.metric)
    if pair is None:
        raise InputError(f"no {gate.metric} in the comparison", mend="Run `dvc repro eval`")
    groups, frames = plural(compared.groups, evidence.unit), plural(compared.frames, "frame")
    rests = f"{compared.name} set, {groups}, {frames}"
    limit = reach(evidence, gate.metric, compared.name)
    ceiling = f"; at most about {estimate(limit)} against these labels" if limit else ""
    return (
        f"{_than_base(pair.difference, gate)}: {metric(gate.metric)} {estimate(pair.base)} → "
        f"{estimate(pair.candidate)}, difference {estimate(pair.difference, sign=True)}"
        f"{f'; but {losses(given)}' if given.losses else ''}{ceiling}; {rests}"
    )


def follow_ups(given: Evaluation) -> list[tuple[str, str]]:
    """Return what is beside the verdict: other seeds, the rule, thresholds, what would settle the rest."""
    if given.same_model:
        return []
    planned = judged_story.planning(given)
    more = f" ({len(planned) - 1} more on the page)" if len(planned) > 1 else ""
    told = [
        ("Seeds", judged_story.seeds_sentence(given)),
        ("Rule", judged_story.rule_sentence(given).removeprefix(judged_story.RULE)),
        ("Thresholds", judged_story.threshold_sentence(given)),
        ("Planning", f"{planned[0]}{more}" if planned else ""),
    ]
    return [(name, text) for name, text in told if text]


def _than_base(given: Estimate | None, gate: Gate) -> str:
    if gate.verdict == "inconclusive":
        return "not settled (inconclusive)"
    words = difference(given)
    return (
        f"{words} than the base ({gate.verdict})"
        if words in ("better", "worse")
        else f"{words} ({gate.verdict})"
    )


def engine_line(given: Sequence[Engine]) -> str:
    """Say how fast the candidate's engines are, and whose word stands behind that."""
    return "; ".join(_engine(one) for one in given if one.role == "candidate")


def _engine(given: Engine) -> str:
    p50, rate = (given.latency.get(key) for key in ("p50_ms", "images_per_s"))
    fast = "not measured" if p50 is None or rate is None else f"p50 {p50:g} ms, {rate:g} images/s"
    behind = f"proven by {given.device}" if given.device else f"unproven: {given.unproven}"
    return f"{given.target} {fast}, {behind}"


def shadow_line(given: Shadow) -> str:
    """Say what to do with the candidate, and why."""
    return f"{_SHADOW.get(given.decision, given.decision)}: {given.reason}"
