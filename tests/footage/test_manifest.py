from __future__ import annotations

import csv
import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from provenline.errors import InputError
from provenline.footage import manifest as room
from provenline.footage.journal import Journal
from provenline.footage.manifest import Scanned, known_sha256, scan
from provenline.footage.media import read_media_list
from provenline.footage.naming import expression, read_name

EXACT = ("a_b", "2024-05-06", "2024-05-06T08:15:07")
PATTERN = "{camera}/{day}/{hour}*.mp4"


def record(root: Path, name: str, content: str = "", age_s: float = 3600) -> Path:
    """A recording that was last written some time ago."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content or name)
    os.utime(file, (time.time() - age_s,) * 2)
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("c1/2024-05-06/08.mp4", "c1/2024-05-06/09.mp4", "c2/20240506/08-x.mp4"):
        record(tmp_path / "buffer", name)
    return tmp_path / "buffer"


def names(manifest: Path) -> list[str]:
    return [row["path"] for row in csv.DictReader(manifest.open())]


def left_behind(manifest: Path) -> list[str]:
    return [path.name for path in manifest.parent.iterdir() if path.name.startswith(".")]


def test_a_manifest_is_a_media_list_that_knows_its_files(root: Path, tmp_path: Path) -> None:
    found = scan(root, tmp_path / "buffer.csv", PATTERN, 60, "Collar")
    assert (found.added, found.listed, found.waiting) == (3, 0, 0)
    first, _, other = read_media_list(tmp_path / "buffer.csv", root)
    assert (first.name, first.camera, first.day) == ("c1/2024-05-06/08.mp4", "c1", "2024-05-06")
    assert (first.group, first.category) == ("c1/2024-05-06", "Collar")
    assert first.started == datetime(2024, 5, 6, 8)  # noqa: DTZ001
    assert (other.group, other.day) == ("c2/2024-05-06", "2024-05-06")
    assert first.size == first.file.stat().st_size
    assert first.modified is not None
    assert abs(first.modified.timestamp() - first.file.stat().st_mtime) < 1e-5
    assert first.sha256 == hashlib.sha256(first.file.read_bytes()).hexdigest() == known_sha256(first)
    assert left_behind(tmp_path / "buffer.csv") == []


def test_only_what_is_new_is_read_and_what_vanished_stays(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tmp_path / "buffer.csv"
    scan(root, manifest, PATTERN, 60)
    before = manifest.read_text()
    hashed: list[str] = []
    real = room.sha256_file
    monkeypatch.setattr(room, "sha256_file", lambda file: hashed.append(file.name) or real(file))
    untouched = manifest.stat().st_ino
    assert scan(root, manifest, PATTERN, 60).added == 0
    assert manifest.read_text() == before
    assert manifest.stat().st_ino == untouched
    (root / "c1/2024-05-06/08.mp4").unlink()
    record(root, "c1/2024-05-07/23.mp4")
    record(root, "c1/2024-05-07/24.mp4")  # no such hour
    record(root, "c1/notes/08.mp4")
    record(root, "c1/2024-05-07/10.txt")
    record(root, "c1/2024-05-07/.11.mp4")
    record(root, "c1/2024-05-07/12.mp4", age_s=5)
    record(root, "c1/2024-05-07/13.mp4", age_s=-500)  # a clock that is ahead
    record(root, "c1/2024-05-07/14.mp4").write_bytes(b"")
    record(root, "c1/2024-05-07/15\n.mp4")
    (root / "c1/2024-05-07/16.mp4").symlink_to("23.mp4")
    found = scan(root, manifest, PATTERN, 60)
    assert (found.added, found.listed, found.vanished, found.waiting, found.linked) == (1, 3, 1, 3, 1)
    assert sorted(found.unmatched) == ["c1/2024-05-07/15\n.mp4", "c1/2024-05-07/24.mp4", "c1/notes/08.mp4"]
    assert hashed == ["23.mp4"]
    assert manifest.read_text().startswith(before)
    assert names(manifest)[3:] == ["c1/2024-05-07/23.mp4"]
    os.utime(root / "c1/2024-05-07/12.mp4", (1e9, 1e9))
    assert scan(root, manifest, PATTERN, 60).added == 1


def test_a_row_that_names_no_file_is_named(root: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "buffer.csv"
    manifest.write_text("category,path\nCollar\n")  # a short row, as an editor may leave it
    with pytest.raises(InputError, match=r"buffer\.csv: row 2, path: no file is named"):
        scan(root, manifest, PATTERN, 60)


def test_a_changed_file_is_an_error_that_names_it(root: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "buffer.csv"
    scan(root, manifest, PATTERN, 60)
    media = read_media_list(manifest, root)[1]
    text = manifest.read_text()
    record(root, media.name, "longer than it was before, whatever the time")
    with pytest.raises(InputError, match=r"'c1/2024-05-06/09\.mp4' changed since it was listed"):
        scan(root, manifest, PATTERN, 60)
    with pytest.raises(InputError, match=r"c1/2024-05-06/09\.mp4: changed since it was listed"):
        known_sha256(media)
    record(root, media.name, age_s=7)  # the old content, written again
    with pytest.raises(InputError, match="changed"):
        known_sha256(media)
    media.file.unlink()
    with pytest.raises(InputError, match="file is missing"):
        known_sha256(media)
    assert manifest.read_text() == text


def test_without_size_and_time_a_hash_is_not_trusted(root: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"path,sha256\nc1/2024-05-06/08.mp4,{'0' * 64}\nc1/2024-05-06/09.mp4,\n")
    assert [known_sha256(one) for one in read_media_list(manifest, root)] == [None, None]


def test_a_file_that_changes_while_it_is_read_waits(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = room.sha256_file

    def growing(file: Path) -> str:
        with file.open("a") as stream:
            stream.write("more")
        return real(file)

    monkeypatch.setattr(room, "sha256_file", growing)
    found = scan(root, tmp_path / "buffer.csv", PATTERN, 60)
    assert (found.added, found.waiting) == (0, 3)


KILLED = """
import os, signal, sys
from pathlib import Path
from provenline.footage import manifest as room
from provenline.footage.journal import Journal
real = Journal.add
def add(self, row):
    if row["path"] == "c2/20240506/08-x.mp4":
        self._stream.write(b"c2/20240506/08-x.mp4,,c2,2024-")
        self._stream.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, row)
Journal.add = add
room.scan(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], 60)
"""


def test_a_kill_in_the_middle_of_a_line_loses_that_line_alone(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tmp_path / "buffer.csv"
    record(root, "c0/2024-05-01/08.mp4")
    scan(root, manifest, PATTERN, 60)
    before = manifest.read_text()
    assert len(names(manifest)) == 4
    # All but one again, as if the folder had grown since.
    manifest.write_text("".join(before.splitlines(keepends=True)[:2]))
    words = [sys.executable, "-c", KILLED, str(root), str(manifest), PATTERN]
    done = subprocess.run(words, cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(names(manifest)) == 1  # whole lines only: the list was not touched
    read_media_list(manifest, root)
    assert left_behind(manifest) == [".buffer.scan.tmp.csv"]
    hashed: list[str] = []
    real = room.sha256_file
    monkeypatch.setattr(room, "sha256_file", lambda file: hashed.append(file.name) or real(file))
    found = scan(root, manifest, PATTERN, 60)
    assert hashed == ["08-x.mp4"]  # what was read before the kill is not read again
    assert (found.added, found.listed) == (3, 1)
    assert manifest.read_text() == before
    assert left_behind(manifest) == []


def test_a_journal_cut_off_anywhere_gives_its_whole_lines(root: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "buffer.csv"
    scan(root, manifest, PATTERN, 60)
    text = manifest.read_bytes()
    header, *lines = text.splitlines(keepends=True)
    journal, whole = tmp_path / ".buffer.scan.tmp.csv", b"".join(lines)
    for length in {*range(0, len(whole), 13), *(len(b"".join(lines[:count])) for count in range(4))}:
        manifest.write_bytes(header)
        journal.write_bytes(whole[:length])
        with Journal(manifest) as opened:
            rows = opened.rows()
            assert journal.read_bytes() == b"".join(lines[: len(rows)])
        assert len(rows) == whole[:length].count(b"\n")
        journal.write_bytes(whole[:length])
        assert scan(root, manifest, PATTERN, 60).added == 3
        assert manifest.read_bytes() == text


def test_what_was_read_before_an_interruption_is_listed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = room.sha256_file

    def interrupted(file: Path) -> str:
        if "c2" in str(file):
            raise KeyboardInterrupt
        return real(file)

    monkeypatch.setattr(room, "sha256_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        scan(root, tmp_path / "buffer.csv", PATTERN, 60)
    assert len(names(tmp_path / "buffer.csv")) == 2
    monkeypatch.undo()
    assert scan(root, tmp_path / "buffer.csv", PATTERN, 60).added == 1
    assert len(read_media_list(tmp_path / "buffer.csv", root)) == 3
    assert left_behind(tmp_path / "buffer.csv") == []


def test_an_empty_folder_begins_an_empty_manifest(tmp_path: Path) -> None:
    (tmp_path / "buffer").mkdir()
    assert scan(tmp_path / "buffer", tmp_path / "a" / "buffer.csv", PATTERN, 60) == Scanned()
    assert read_media_list(tmp_path / "a" / "buffer.csv", tmp_path) == []


def test_a_scan_that_failed_before_it_read_anything_leaves_nothing(root: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text("nonsense\n")
    with pytest.raises(InputError, match="'path' is missing"):
        scan(root, manifest, PATTERN, 60)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["buffer", "list.csv"]


def test_two_scans_do_not_write_at_once(root: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "buffer.csv"
    with Journal(manifest), pytest.raises(InputError, match="another scan is at work on it"):
        scan(root, manifest, PATTERN, 60)
    assert scan(root, manifest, PATTERN, 60).added == 3


def test_a_journal_that_its_owner_has_just_removed_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = tmp_path / "buffer.csv"
    path = tmp_path / ".buffer.scan.tmp.csv"
    real = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lambda *words: (path.unlink(), real(*words)))
    with pytest.raises(InputError, match="another scan"):
        Journal(manifest)


def test_rows_of_hand_stay_as_they_are(root: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "buffer.csv"
    manifest.write_text("category,path,work_start_s,consent\nCuff,c1/2024-05-06/09.mp4,12.50,signed\n")
    assert scan(root, manifest, PATTERN, 60).added == 2
    by_name = {one.name: one for one in read_media_list(manifest, root)}
    one = by_name["c1/2024-05-06/09.mp4"]
    assert (one.category, one.work_start_s, one.consent, one.sha256) == ("Cuff", 12.5, "signed", "")


def test_recordings_that_start_together_are_counted(root: Path, tmp_path: Path) -> None:
    record(root, "c2/20240506/08-y.mp4")
    record(root, "c1/2024-05-06/08b.mp4")
    assert scan(root, tmp_path / "buffer.csv", PATTERN, 60).same_start == 2
    finer = "{camera}/{day}/{hour}{minute}.mp4"
    record(tmp_path / "other", "c1/2024-05-06/0800.mp4")
    record(tmp_path / "other", "c1/2024-05-06/0830.mp4")
    assert scan(tmp_path / "other", tmp_path / "other.csv", finer, 60).same_start == 0


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (PATTERN, "c1/2024-05-06/08.mp4", ("c1", "2024-05-06", "2024-05-06T08:00:00")),
        (PATTERN, "c1/2024-05-06/08-15.mp4", ("c1", "2024-05-06", "2024-05-06T08:00:00")),
        (PATTERN, "c1/2024-02-30/08.mp4", None),
        (PATTERN, "c1/2024-05-06/x/08.mp4", None),
        (PATTERN, "c1/2024-05-06/8.mp4", None),
        (PATTERN, "c1/2024-05-06/08.mp4x", None),
        ("{camera}_{day}_{hour}{minute}{second}.mkv", "a_b_20240506_081507.mkv", EXACT),
        ("{camera}/{camera}_{day}.mp4", "c1/c1_2024.05.06.mp4", ("c1", "2024-05-06", None)),
        ("{camera}/{camera}_{day}.mp4", "c1/c2_2024.05.06.mp4", None),
        ("{camera}/{hour}.mp4", "c1/08.mp4", ("c1", "", None)),
        ("*.mp4", "x.mp4", ("", "", None)),
        ("a+(b)/*.mp4", "a+(b)/x.mp4", ("", "", None)),
    ],
)  # fmt: skip
def test_patterns(pattern: str, name: str, expected: tuple[str, str, str | None] | None) -> None:
    told = read_name(expression(pattern), name)
    if expected is None:
        assert told is None
    else:
        assert told is not None
        started = told.started.isoformat() if told.started else None
        assert (told.camera, told.day, started) == expected


def test_a_category_may_stand_in_the_path_and_a_wrong_placeholder_is_named(tmp_path: Path) -> None:
    told = read_name(expression("{category}/{day}.mp4"), "Collar/20240506.mp4")
    assert told is not None and (told.category, told.group) == ("Collar", "2024-05-06")
    with pytest.raises(
        InputError, match=r"unknown placeholder \{cam\} in the pattern\. There are \{camera\}"
    ):
        expression("{cam}/*.mp4")
    with pytest.raises(InputError, match="folder is missing"):
        scan(tmp_path / "nowhere", tmp_path / "m.csv", PATTERN, 60)
