from __future__ import annotations

import json
from pathlib import Path

import pytest

from provenline.errors import InputError
from provenline.files import read_json, write_json
from provenline.reports.gather import gather


def test_evidence_is_what_the_stages_wrote(line: Path) -> None:
    evidence = gather(line, "v0", "lbzf_person")
    written = read_json(line / "metrics/eval_v0.json")["splits"]["deployment"]
    assert evidence.missing == {}
    assert evidence.evaluation and evidence.evaluation.judged and evidence.stage_a and evidence.shadow
    recall = evidence.evaluation.judged.metrics["recall"].difference
    assert recall and recall.value == written["difference"]["recall"]["estimate"]
    assert [one.name for one in evidence.evaluation.categories] == sorted(written["by_category"])
    assert evidence.stage_a.decision == read_json(line / "metrics/stage_a_eval.json")["decision"]
    assert sum(n for *_, n, _ in evidence.stage_a.histogram) > 0
    assert set(evidence.curves) == {"base", "candidate"}
    assert evidence.shadow.overall and evidence.shadow.overall.rate.low is not None
    assert evidence.development.provenance and evidence.development.provenance.consent[""] == 1
    assert evidence.development.annotation and evidence.development.annotation.agreement
    assert len(evidence.engines) == 2
    assert evidence.split and sum(part.groups for part in evidence.split.parts) == 21


def test_nothing_there_is_said_by_name(tmp_path: Path) -> None:
    evidence = gather(tmp_path, "v0", "empty")
    assert evidence.missing["metrics/eval_v0.json"] == "eval"
    assert evidence.missing["metrics/extract_deployment.json"] == "extract"
    assert evidence.stage_a is None and evidence.shadow is None and evidence.engines == ()


def change(path: Path, dotted: str, value: object) -> None:
    content = read_json(path)
    inner = content
    *heads, last = dotted.split(".")
    for head in heads:
        inner = inner[head]
    inner[last] = value
    write_json(path, content)


@pytest.mark.parametrize(
    ("file", "dotted", "value"),
    [
        ("metrics/stage_a_eval.json", "decision", "perhaps"),
        ("metrics/stage_a_eval.json", "groups", "many"),
        ("metrics/stage_a_eval.json", "metrics.recall", "0.5"),
        ("metrics/stage_a_eval.json", "confidence.edges", [0.0, 1.0]),
        ("metrics/eval_v0.json", "improvement.value", "great"),
        ("metrics/eval_v0.json", "splits.deployment", 3),
        ("metrics/train.json", "sha256", None),
        ("metrics/split.json", "assignment", None),
        ("metrics/extract.json", "media.videos", 1.5),
        ("metrics/shadow_ab.json", "reason", None),
        ("metrics/trt_build/onnxruntime-cpu.json", "base.manifest.onnx_sha256", 7),
    ],
)
def test_a_malformed_file_is_one_line_that_names_the_place(
    copy: Path, file: str, dotted: str, value: object
) -> None:
    change(copy / file, dotted, value)
    with pytest.raises(InputError) as caught:
        gather(copy, "v0", "lbzf_person")
    assert Path(file).name in str(caught.value)
    assert dotted.rsplit(".", maxsplit=1)[-1] in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("metrics/eval_v0.json", "{"),
        ("metrics/eval_v0.json", "[]"),
        ("params.yaml", "a: [1"),
        ("plots/eval/precision_recall.csv", "model,split,category,recall,precision\nbase,deployment,,x,1\n"),
    ],
)
def test_a_file_of_another_kind_is_an_error(copy: Path, file: str, text: str) -> None:
    (copy / file).write_text(text)
    with pytest.raises(InputError, match=Path(file).name):
        gather(copy, "v0", "lbzf_person")


def test_footage_without_operations_has_no_table_of_them(copy: Path) -> None:
    path = copy / "metrics/stage_a_eval.json"
    content = json.loads(path.read_text())
    content["by_category"] = {"": content["by_category"]["Collar"]}
    write_json(path, content)
    stage_a = gather(copy, "v0", "lbzf_person").stage_a
    assert stage_a and stage_a.categories == ()
