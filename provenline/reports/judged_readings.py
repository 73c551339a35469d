"""Reads what `stageA-eval`, `train`, `trt-build` and `shadow-ab` say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from provenline.detectors.size import Size, parse
from provenline.errors import InputError
from provenline.reports import eval_readings, stage_a_readings
from provenline.reports.document import Document
from provenline.reports.evidence import (
    Engine,
    Estimate,
    FalsePositives,
    Following,
    Measured,
    Parity,
    Shadow,
    ShadowSample,
    ShadowSlice,
    StageA,
    Training,
    Verdict,
)
from provenline.reports.proofs import Standing
from provenline.reports.readings import gate, named, verdict
from provenline.shadow.params import Operating

STAGE_A_METRICS = ("recall", "operator_found", "median_confidence", "precision", "false_positives_per_frame")


def stage_a(given: Document) -> StageA:
    """Read metrics/stage_a_eval.json."""
    metrics = {name: given.estimate(f"metrics.{name}") for name in given.part("metrics").value}
    gates = tuple(gate(row, metrics.get(row.text("metric"))) for row in given.rows("gates"))
    words = {"ship": "pass", "fine_tune": "fail", "inconclusive": "inconclusive"}
    decision = given.text("decision")
    if decision not in words:
        raise InputError(f"unknown decision '{decision}'", file=given.file, place="decision")
    return StageA(
        decision=decision,
        verdict=cast("Verdict", words[decision]),
        gates=gates,
        overall=_measured("all", given, metrics),
        categories=tuple(
            _measured(name, part, {key: part.estimate(key) for key in STAGE_A_METRICS})
            for name, part in named(given.parts("by_category"))
        ),
        histogram=_histogram(given.part("confidence")),
        false_positives=_false_positives(given.part("false_positives")),
        score=given.number("score"),
        iou=given.number("iou"),
        more_groups=given.maybe_count("groups_needed"),
        warnings=given.texts("warnings"),
        closer=stage_a_readings.closer(given),
        plan=eval_readings.plan(given),
    )


def _measured(name: str, given: Document, metrics: Mapping[str, Estimate | None]) -> Measured:
    return Measured(name, given.count("groups"), given.count("frames"), given.count("objects"), metrics)


def _histogram(given: Document) -> tuple[tuple[float, float, int, int], ...]:
    edges = [float(edge) for edge in given.items("edges")]
    people, empty = given.items("frames_with_objects"), given.items("frames_without_objects")
    if not len(edges) == len(people) + 1 == len(empty) + 1:
        raise InputError("edges and counts do not fit together", file=given.file, place=given.place)
    return tuple(zip(edges, edges[1:], map(int, people), map(int, empty), strict=False))


def _false_positives(given: Document) -> FalsePositives:
    on_other = given.part("on_other_label").value
    return FalsePositives(
        count=given.count("count"),
        empty_frames=given.count("frames_without_objects.frames"),
        empty_frames_hit=given.count("frames_without_objects.frames_with_false_positives"),
        on_other_label={str(name): int(number) for name, number in on_other.items()},
    )


def training(given: Document) -> Training:
    """Read metrics/train.json."""
    differences = {
        name: (str(pair.value.get("asked")), str(pair.value.get("in_effect")))
        for name, pair in given.parts("arguments.differences")
    }
    warning = given.text("warning", "")
    return Training(
        trained=given.count("epochs") > 0,
        stage_a=given.text("stage_a", ""),
        best_epoch=given.count("best_epoch"),
        history=tuple(_numbers(row) for row in given.rows("history")),
        differences=differences,
        images=_counts(given, "images"),
        base_sha256=given.text("base_sha256"),
        sha256=given.text("sha256"),
        device=given.text("device", ""),
        seed=given.maybe_count("seed"),
        warnings=(warning,) if warning else (),
    )


def _counts(given: Document, key: str) -> dict[str, int]:
    return {name: given.part(key).count(name) for name in given.part(key).value} if given.has(key) else {}


def _numbers(given: Document) -> dict[str, float]:
    return {name: float(value) for name, value in given.value.items() if isinstance(value, (int, float))}


def engine(target: str, role: str, given: Document, measured: Document | None, behind: Standing) -> Engine:
    """Read one role of metrics/trt_build/<target>.json and its latency: the proven one if there is one."""
    measured = behind.latency or measured
    manifest = given.part("manifest")
    keys = ("p50_ms", "p95_ms", "images_per_s")
    latency = {key: measured.number(key) for key in keys if measured.has(key)} if measured else {}
    return Engine(
        target=target,
        role=role,
        onnx_sha256=manifest.text("onnx_sha256"),
        checkpoint_sha256=manifest.text("checkpoint_sha256"),
        dataset_sha256=manifest.text("dataset_sha256", "") or None,
        split_sha256=manifest.text("split_sha256", "") or None,
        precision=manifest.text("precision"),
        imgsz=_size(manifest, "imgsz"),
        parity=_parity(given.part("parity")) if given.has("parity") else None,
        latency=latency,
        machine=_machine(measured),
        device=behind.device,
        unproven=behind.why,
    )


def _size(given: Document, key: str) -> Size:
    try:
        return parse(given.value.get(key))
    except ValueError as error:
        raise InputError(str(error), file=given.file, place=f"{given.place}.{key}") from None


def _machine(measured: Document | None) -> str:
    if measured is None or not measured.has("machine"):
        return ""
    machine = measured.part("machine")
    # On a CPU target the GPU that happens to be there says nothing.
    if measured.text("device", "cpu") != "cpu" and machine.has("gpu"):
        return machine.text("gpu")
    cores = machine.maybe_count("cores")
    return machine.text("cpu", "unknown processor") + (f", {cores} cores" if cores else "")


def _parity(given: Document) -> Parity:
    return Parity(
        verdict=verdict(given, "verdict"),
        reasons=given.texts("reasons"),
        frames=given.count("frames"),
        matched=(given.maybe("matched_reference"), given.maybe("matched_engine")),
        iou_min=given.maybe("iou_min"),
        score_drift_max=given.maybe("score_drift_max"),
        ap_difference=given.maybe("ap_difference"),
    )


_GAINS = ("net_gain", "error_reduction", "recall", "precision", "presence_error")


def shadow(given: Document) -> Shadow:
    """Read metrics/shadow_ab.json."""
    compared = given.part("comparison") if given.has("comparison") else None
    rows = [(row.text("name"), row) for row in (compared.rows("by_category") if compared else [])]
    return Shadow(
        decision=given.text("decision"),
        reason=given.text("reason"),
        label_more=given.maybe_count("label_more") or 0,
        engines={role: part.text("fingerprint") for role, part in given.parts("engines")},
        scores={role: _operating(part) for role, part in given.parts("engines")},
        overall=_shadow_slice("all", compared.part("overall")) if compared else None,
        categories=tuple(_shadow_slice(name, row) for name, row in named(rows)),
        media=given.count("footage.media"),
        set_aside=tuple(
            (row.text("media"), row.text("why")) for row in given.rows("footage.set_aside_media")
        ),
        sample=_shadow_sample(given.part("sample")) if given.has("sample") else None,
        gains={name: found for name in _GAINS if (found := given.estimate(f"gain.{name}"))},
        following=_following(given.part("following.overall")) if given.has("following") else None,
    )


def _operating(given: Document) -> Operating:
    own = {}
    if given.has("thresholds"):  # a run of before engines brought any has none
        chosen = given.part("thresholds")
        # A label may hold a dot, which is no step of a key.
        own = {
            label: Document(given.file, {"score": score}, f"{chosen.place}.{label}").number("score")
            for label, score in chosen.value.items()
        }
    return Operating(own=own, otherwise=given.number("score"))


def _following(given: Document) -> Following:
    known = given.has("at_work")
    roles = ("production", "candidate")
    return Following(
        lost={role: given.count(f"lost_{role}") for role in roles},
        brief={role: given.count(f"brief_{role}") for role in roles},
        at_work=given.count("at_work.frames") if known else 0,
        differ=given.estimate("at_work.differ") if known else None,
        visits={role: given.count(f"at_work.visits.{role}") for role in roles} if known else {},
    )


def _shadow_sample(given: Document) -> ShadowSample:
    return ShadowSample(
        drawn={name: part.count("drawn") for name, part in given.parts("strata")},
        of=given.count("of"),
        labelled=given.maybe_count("labelled"),
        missing=given.maybe_count("missing") or 0,
        beyond=given.maybe_count("beyond_sample") or 0,
    )


def _shadow_slice(name: str, given: Document) -> ShadowSlice:
    return ShadowSlice(
        name=name,
        groups=given.count("groups"),
        frames=given.count("frames"),
        rate=given.estimate("disagreement") or Estimate(None),
        only_production=given.count("only_production"),
        only_candidate=given.count("only_candidate"),
        shifted=given.count("shifted"),
    )
