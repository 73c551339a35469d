"""Promotion and rollback: what is refused, what is switched, and that a kill leaves one or the other."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from provenline.engines import manifest
from provenline.errors import InputError
from provenline.files import write_json
from provenline.promotion import act, pinning, record
from provenline.shadow import decide
from tests.engines import world

PERSON = act.Person("Ada")
SEAL = "e" * 64
TARGET = "onnxruntime-cpu"


def checkout(root: Path, decision: str = "promote") -> Path:
    """Write what promotion looks at: two bundles, and what shadow-ab decided on them."""
    engines = root / "models/engines" / TARGET
    target = {"kind": "onnxruntime", "name": TARGET, "device": "cpu"}
    for role, shift, digit in (("base", 0.0, "a"), ("candidate", 1.0, "b")):
        world.bundle(engines / role, shift, checkpoint_sha256=digit * 64, target=target)
    decided(root, decision)
    return root


def decided(root: Path, decision: str = "promote") -> None:
    """Write the decision on what is production and candidate now."""
    current = record.read(root).current
    production = root / (current.bundle if current else f"models/engines/{TARGET}/base")
    engines = {"production": production, "candidate": root / "models/engines" / TARGET / "candidate"}
    seen = {role: {"fingerprint": act.runs(manifest.verify(folder))} for role, folder in engines.items()}
    content = {"decision": decision, "reason": "gain 0.1 [0.05, 0.15]", "engines": seen}
    write_json(root / act.SHADOW, content)


def another_candidate(root: Path, shift: float, digit: str) -> None:
    folder = root / "models/engines" / TARGET / "candidate"
    shutil.rmtree(folder)
    target = {"kind": "onnxruntime", "name": TARGET, "device": "cpu"}
    world.bundle(folder, shift, checkpoint_sha256=digit * 64, target=target)
    decided(root)


def promoted(root: Path, person: act.Person = PERSON) -> record.Production:
    return act.promote(root, act.candidate(root, TARGET, person), SEAL, person, lambda folder: None)


def pin(root: Path) -> dict[str, str]:
    return yaml.safe_load((root / pinning.FILE).read_text())  # type: ignore[no-any-return]


def test_a_promotion_pins_the_candidate_and_shadow_then_sees_the_same_model(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    found = promoted(root)
    assert found.current is not None and found.previous is None
    assert record.read(root) == found
    assert (found.current.model_version, found.current.by) == (f"{TARGET}@bbbbbbbb", "Ada")
    assert found.current.seal == SEAL and found.current.override == ""
    assert pin(root) == {"checkpoint_sha256": "b" * 64, "bundle": found.current.bundle}
    bundle = root / found.current.bundle
    decide.pinned(bundle, pin(root)["checkpoint_sha256"])  # what the stage checks
    at_hand = manifest.verify(root / "models/engines" / TARGET / "candidate")
    same = decide.same_model(act.runs(manifest.verify(bundle)), act.runs(at_hand))
    assert same is not None and same.decision == "same_model"


def test_where_the_decision_says_promote_nothing_is_overridden(tmp_path: Path) -> None:
    found = promoted(checkout(tmp_path), act.Person("Ada", "it is Friday"))
    assert found.current is not None and found.current.override == ""
    assert found.history[0].why == found.current.reason


def test_promote_promote_rollback_rollback(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    first = promoted(root).current
    another_candidate(root, 2.0, "c")
    second = promoted(root)
    assert second.previous == first and second.current is not None
    back = act.rollback(root, PERSON, "worse at night")
    assert back.current == first and back.previous == second.current
    assert pin(root)["checkpoint_sha256"] == "b" * 64
    again = act.rollback(root, PERSON, "")
    assert again.current == second.current
    assert [one.act for one in again.history] == ["promote", "promote", "rollback", "rollback"]
    assert again.history[2].why == "worse at night"


def test_the_first_promotion_can_be_rolled_back_to_the_base(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    promoted(root)
    found = act.rollback(root, PERSON, "")
    assert found.current is None and pin(root)["checkpoint_sha256"] == ""
    assert (root / pinning.FILE).read_text() == pinning.text(record.NOTHING)
    assert act.rollback(root, PERSON, "").current is not None


@pytest.mark.parametrize("decision", ["hold", "reject", "label"])
def test_another_decision_is_refused_unless_somebody_overrides_it(tmp_path: Path, decision: str) -> None:
    root = checkout(tmp_path, decision)
    with pytest.raises(InputError, match=f"the decision is '{decision}': gain") as error:
        promoted(root)
    assert "\n" not in str(error.value) and record.read(root) == record.NOTHING
    found = promoted(root, act.Person("Ada", "the line stands still"))
    assert found.current is not None and found.current.override == "the line stands still"
    assert found.current.decision == decision
    assert found.history[0].why == "override: the line stands still"


def test_a_decision_on_other_engines_is_refused(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    for role in ("production", "candidate"):
        content = json.loads((root / act.SHADOW).read_text())
        content["engines"][role]["fingerprint"] = "f" * 64
        write_json(root / act.SHADOW, content)
        with pytest.raises(InputError, match=f"decided on {role} ffffffffffff"):
            promoted(root)
        decided(root)
    write_json(root / act.SHADOW, {"decision": "promote"})
    with pytest.raises(InputError, match="is no decision"):
        promoted(root)


def test_what_runs_already_is_not_promoted_twice(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    promoted(root)
    decided(root)
    with pytest.raises(InputError, match="runs already"):
        promoted(root)


def test_a_damaged_bundle_is_neither_promoted_nor_rolled_back_to(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    first = promoted(root).current
    another_candidate(root, 2.0, "c")
    second = promoted(root)
    assert first is not None
    with (root / first.bundle / "model.onnx").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(InputError, match=r"model\.onnx"):
        act.rollback(root, PERSON, "")
    assert record.read(root) == second
    another_candidate(root, 3.0, "d")
    with (root / "models/engines" / TARGET / "candidate/model.onnx").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(InputError, match=r"model\.onnx"):
        promoted(root)
    assert record.read(root) == second


def test_nothing_to_roll_back_and_a_malformed_record_are_one_line(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    with pytest.raises(InputError, match="nothing was promoted"):
        act.rollback(root, PERSON, "")
    (root / record.FILE).write_text('{"format": 1}')
    with pytest.raises(InputError, match="Take it from git again") as error:
        record.read(root)
    assert "\n" not in str(error.value)


def test_a_cut_off_switch_is_finished(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    found = promoted(root)
    pinning.write(root, record.NOTHING)  # killed between the record and the pin
    assert act.settle(root) and pinning.holds(root, found) and not act.settle(root)


def test_whatever_fails_before_the_switch_changes_nothing(tmp_path: Path) -> None:
    root = checkout(tmp_path)

    def full(folder: Path) -> None:
        raise InputError("dvc add: no space left", file=folder)

    with pytest.raises(InputError, match="no space left"):
        act.promote(root, act.candidate(root, TARGET, PERSON), SEAL, PERSON, full)
    assert record.read(root) == record.NOTHING and not (root / pinning.FILE).exists()
    assert promoted(root).current is not None  # and the same command again goes on


CODE = """
import sys
from pathlib import Path
from tests.promotion.test_act import PERSON, another_candidate, promoted
from provenline.promotion import act
root = Path(sys.argv[1])
print("ready", flush=True)
act.settle(root)
act.rollback(root, PERSON, "") if sys.argv[2] == "rollback" else promoted(root)
"""


@pytest.mark.slow
@pytest.mark.parametrize("what", ["promote", "rollback"])
def test_killed_at_random_instants_the_one_or_the_other_counts(tmp_path: Path, what: str) -> None:
    start = checkout(tmp_path / "start")
    first = promoted(start)
    if what == "promote":
        another_candidate(start, 2.0, "c")
    chance, seen, spent = random.Random(0), set(), [0.03]
    for turn in range(20):
        root = tmp_path / f"turn{turn}"
        shutil.copytree(start, root)
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(root), what],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        begun = time.monotonic()
        if turn < 3:
            process.wait()
            spent.append(time.monotonic() - begun)
        else:
            time.sleep(chance.random() ** 3 * min(spent[1:]))
            process.send_signal(signal.SIGKILL)
            process.wait()
        process.stdout.close()
        found = record.read(root)  # whole, whichever it is
        act.settle(root)
        assert pinning.holds(root, found)
        current = found.current
        seen.add(current.checkpoint_sha256[:1] if current else "base")
        assert found == first or (found.previous == first.current and len(found.history) == 2)
        if current:
            manifest.verify(root / current.bundle, current.bundle_sha256)
        shutil.rmtree(root)
    assert seen <= ({"b", "c"} if what == "promote" else {"b", "base"})
