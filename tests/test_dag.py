"""The pipeline's declared dependencies against what the code really reaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_layers import ROOT, imports

# What all stages share: to edit a message there must not run the line again.
EXEMPT = {
    "provenline/__init__.py",
    "provenline/errors.py",
    "provenline/files.py",
    "provenline/line.py",
    "provenline/progress.py",
    "stages/__init__.py",
}


def exempt(path: str) -> bool:
    """Whether no stage has to name it. What glue reaches is not followed: it checks every section."""
    return path in EXEMPT or path.startswith("glue/")


@pytest.fixture(scope="module")
def line() -> dict[str, tuple[str, set[str], set[str]]]:
    """Return address -> (command, dependencies, outputs), as DVC itself resolves them."""
    from dvc.repo import Repo

    with Repo(str(ROOT)) as repo:
        return {
            stage.addressing: (
                str(stage.cmd),
                {str(dep.def_path) for dep in stage.deps},
                {str(out.def_path) for out in stage.outs},
            )
            for stage in repo.index.stages
        }


def module_file(dotted: str) -> Path | None:
    base = ROOT / dotted.replace(".", "/")
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def reached(start: Path) -> set[str]:
    """Return the project's own files that ``start`` imports, directly or not, lazily or not."""
    todo, done = [start], set()
    while todo:
        path = todo.pop()
        if path in done:
            continue
        done.add(path)
        if exempt(path.relative_to(ROOT).as_posix()):
            continue
        for name in imports(path):
            if name.split(".")[0] in {"provenline", "glue", "stages"}:
                todo += [found for found in [module_file(name)] if found]
    return {path.relative_to(ROOT).as_posix() for path in done}


def test_every_stage_declares_the_code_behind_it(line: dict[str, tuple[str, set[str], set[str]]]) -> None:
    wanted = {"extract", "annotate-import", "split", "stageA-eval", "train", "eval", "trt-build", "shadow-ab"}
    assert wanted | {"report"} <= {address.split("@")[0] for address in line}
    for address, (command, deps, _) in line.items():
        module = ROOT / "stages" / f"{command.split()[1]}.py"
        undeclared = {
            path
            for path in reached(module)
            if not exempt(path) and not any(path == dep or path.startswith(f"{dep}/") for dep in deps)
        }
        assert not undeclared, f"{address} misses deps: {sorted(undeclared)}"


def test_declared_code_exists(line: dict[str, tuple[str, set[str], set[str]]]) -> None:
    for address, (_, deps, _) in line.items():
        for dep in deps:
            if dep.startswith(("provenline", "glue", "stages")):
                assert (ROOT / dep).exists(), f"{address}: {dep}"


def test_only_eval_and_shadow_see_the_deployment_footage(
    line: dict[str, tuple[str, set[str], set[str]]],
) -> None:
    readers = {
        address.split("@")[0]
        for address, (_, deps, _) in line.items()
        if any("deployment" in dep and not dep.startswith("metrics/") for dep in deps)
        and not address.endswith("@deployment")
    }
    assert readers == {"eval", "shadow-ab"}
