from __future__ import annotations

from pathlib import Path

import pytest

from tests.dossier.world import build


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run with its report; whoever alters it puts it back."""
    return build(tmp_path_factory.mktemp("run"))
