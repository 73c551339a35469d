"""Who may import whom, read from the code's own import statements."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOTTOM = {"errors", "files", "progress", "tables", "images", "bootstrap", "hands", "rounds"}
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


def test_the_library_knows_nothing_of_dvc_hydra_and_mlflow() -> None:
    for path in sorted((ROOT / "provenline").rglob("*.py")):
        outside = {name.split(".")[0] for name in imports(path)}
        assert not outside & {"dvc", "hydra", "omegaconf", "mlflow", "glue", "stages"}, path.relative_to(ROOT)


def test_stages_are_doors() -> None:
    for path in sorted((ROOT / "stages").glob("*.py")):
        lines = [
            line
            for line in path.read_text().splitlines()
            if line.strip() and not line.lstrip().startswith("#")
        ]
        assert len(lines) <= 50, f"{path.name} has {len(lines)} lines"
