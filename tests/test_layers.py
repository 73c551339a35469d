"""Who may import whom, read from the code's own import statements."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
OUTSIDE = {"dvc", "dvc_task", "hydra", "omegaconf", "mlflow"}
BOTTOM = {
    "errors", "files", "progress", "tables", "images", "bootstrap", "hands", "rounds", "line", "parameters"
}  # fmt: skip
BESIDE = {"footage", "annotations", "splits", "evaluation", "detectors"}
ABOVE = {"training", "engines", "shadow", "labelling"}
MAY = {
    **dict.fromkeys(BOTTOM | BESIDE, BOTTOM),
    "simline": BOTTOM,
    **dict.fromkeys(ABOVE, BOTTOM | BESIDE),
    "labelling": BOTTOM | BESIDE | {"shadow"},
    "device": BOTTOM | {"detectors", "engines"},
    "promotion": BOTTOM | {"detectors", "engines"},
    "reports": BOTTOM | BESIDE | ABOVE | {"dossier", "device"},
    "ablation": BOTTOM | {"evaluation"},
    "dossier": BOTTOM,
    "cost": BOTTOM,
    "outgoing": BOTTOM,
    "sections": BOTTOM | BESIDE | ABOVE | {"simline", "cost", "reports"},
    "residency": BOTTOM | {"footage"},
    "doctor": BOTTOM | {"residency"},
    "remote": BOTTOM | {"residency"},
    "sharing": BOTTOM | {"residency", "remote"},
    "commands": BOTTOM
    | BESIDE
    | ABOVE
    | {"dossier", "reports", "residency", "remote", "sharing", "device", "cost", "promotion"},
    "cli": BOTTOM | BESIDE | ABOVE | {"reports", "doctor", "summary", "commands"},
}


def imports(path: Path) -> set[str]:
    """Return the dotted names that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else ""


def test_no_arrow_runs_back() -> None:
    seen = 0
    for path in sorted((ROOT / "provenline").rglob("*.py")):
        own = path.relative_to(ROOT / "provenline").with_suffix("").parts[0]
        for name in imports(path):
            other = room(name) if name.startswith("provenline.") else ""
            if other and other != own:
                seen += 1
                assert other in MAY.get(own, BOTTOM), f"{path.relative_to(ROOT)} imports {name}"
    assert seen > 50


def heads(folder: str) -> dict[Path, set[str]]:
    """Return file -> the packages that it imports, of all code in a folder."""
    files = sorted((ROOT / folder).rglob("*.py"))
    return {path: {name.split(".")[0] for name in imports(path)} for path in files}


def test_only_glue_knows_dvc_hydra_and_mlflow() -> None:
    for path, names in {**heads("provenline"), **heads("stages")}.items():
        assert not names & OUTSIDE, path.relative_to(ROOT)
    known = {name for names in heads("glue").values() for name in names}
    assert known >= OUTSIDE


def test_the_library_knows_neither_glue_nor_doors_and_glue_no_door() -> None:
    for path, names in heads("provenline").items():
        assert not names & {"glue", "stages"}, path.relative_to(ROOT)
    for path, names in heads("glue").items():
        assert "stages" not in names, path.relative_to(ROOT)


def test_glue_decides_nothing_by_figures() -> None:
    """Tables of figures are the library's; an array that describes an engine's input is none."""
    for path, names in heads("glue").items():
        assert not names & {"pandas", "scipy", "sklearn", "statsmodels"}, path.relative_to(ROOT)


def lines(node: ast.AST) -> int:
    """Return how many lines a function has from its `def` on, its docstring included."""
    assert isinstance(node, ast.FunctionDef) and node.end_lineno
    return node.end_lineno - node.lineno + 1


def test_stages_are_doors() -> None:
    doors = [path for path in sorted((ROOT / "stages").rglob("*.py")) if path.name != "__init__.py"]
    commands = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    assert {path.stem for path in doors} == {one.get("do", one)["cmd"].split()[1] for one in commands}
    for path in doors:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        (main,) = (one for one in ast.walk(tree) if isinstance(one, (ast.FunctionDef, ast.ClassDef)))
        assert main.name == "main" and lines(main) <= 40, f"{path.name}: main has {lines(main)} lines"
        rest = {type(one) for one in tree.body if one is not main}
        assert rest <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.If}, path.name


def test_each_module_of_glue_stays_small() -> None:
    for path in sorted((ROOT / "glue").rglob("*.py")):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 170, path.relative_to(ROOT)
