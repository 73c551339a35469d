"""What somebody sends as a share is not trusted: it names files below a folder, and replaces no folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provenline import sharing
from provenline.errors import InputError

FILE = {"path": "a/b.txt", "md5": "0" * 32, "size": 4, "url": "http://127.0.0.1:9/x"}
SHARE: dict[str, Any] = {
    "format": 1,
    "output": "data/dataset",
    "version": "v",
    "expires": "2999-01-01T00:00:00+00:00",
    "files": [FILE],
}


def listed(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "share.json"
    path.write_text(json.dumps({**SHARE, **changes}))
    return path


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("x", "."),
        ("x", "./"),
        ("x", "../y"),
        ("x", "a/../../y"),
        ("x", "/y"),
        ("x", "a\\..\\y"),
        ("x", "a\0"),
        (".", ""),
        ("..", ""),
        ("", ""),
    ],
)
def test_a_share_leads_nowhere_else(tmp_path: Path, output: str, path: str) -> None:
    file = listed(tmp_path, output=output, files=[{**FILE, "path": path}])
    with pytest.raises(InputError, match="names no file below the folder"):
        sharing.read(file)


@pytest.mark.parametrize("changes", [{"expires": "2999-01-01T00:00:00"}, {"files": 3}, {"more": 1}])
def test_what_is_no_share_is_one_line(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"share\.json.*Ask for the share again") as caught:
        sharing.read(listed(tmp_path, **changes))
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_there_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "a/b.txt").mkdir(parents=True)
    (out / "a/b.txt/precious").write_text("mine")
    with pytest.raises(InputError, match="is a folder, where the share has a file"):
        list(sharing.fetch(sharing.read(listed(tmp_path)), out))
    assert (out / "a/b.txt/precious").read_text() == "mine"
