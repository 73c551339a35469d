from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from provenline.errors import InputError
from provenline.footage.media import COLUMNS, read_media_list, scan, write_media_list

SHARED = Path(__file__).parents[2].parent / "shared"


def listed(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "media.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_full_row(tmp_path: Path) -> None:
    file = listed(
        tmp_path,
        ",".join(COLUMNS) + "\n"
        "b/Cuello 01.MP4,Collar,cam1,2024-05-06,g1,10,70.5,0.1 0.2 0.8 0.9,staged,yes,CC BY 4.0\n"
        "\n"
        "./a//photo.JPG,,,,,,,,,,\n",
    )
    photo, video = read_media_list(file, tmp_path / "footage")
    assert (photo.name, photo.kind, photo.group, photo.workplace) == (
        "a/photo.JPG",
        "photo",
        "a/photo.JPG",
        None,
    )
    assert (video.name, video.kind, video.group) == ("b/Cuello 01.MP4", "video", "g1")
    assert video.file == tmp_path / "footage" / "b" / "Cuello 01.MP4"
    assert (video.work_start_s, video.work_end_s) == (10, 70.5)
    assert video.workplace == (0.1, 0.2, 0.8, 0.9)
    assert (video.provenance, video.consent, video.licence) == ("staged", "yes", "CC BY 4.0")


def test_only_a_header_is_no_media(tmp_path: Path) -> None:
    assert read_media_list(listed(tmp_path, "path,category\n"), tmp_path) == []


def test_a_spreadsheets_byte_order_mark_is_no_part_of_a_column(tmp_path: Path) -> None:
    assert read_media_list(listed(tmp_path, "\ufeffpath\r\na.mp4\r\n"), tmp_path)[0].name == "a.mp4"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"row 1: column 'path' is missing\. The columns are path, category"),
        ("category\nCollar\n", r"row 1: column 'path' is missing"),
        ("path;category\na.mp4;Collar\n", r"row 1: column 'path' is missing\. Separate columns by commas\.$"),
        (
            "path,operation\na.mp4,x\n",
            r"row 1: unknown column 'operation'\. The known columns are path, .*licence",
        ),
        ("path,day,day\na.mp4,x,y\n", r"row 1: column 'day' stands twice"),
        ("path\na.mp4\nb.mp4\na.mp4\n", r"row 4: 'a.mp4' is listed twice, first in row 2"),
        ("path\nx/a.mp4\nx/./y/../a.mp4\n", r"row 3: 'x/\./y/\.\./a\.mp4' is listed twice, first in row 2"),
        ("path\n../a.mp4\n", r"row 2, path: '\.\./a\.mp4' leads out of the footage folder"),
        ("path\nx/../../a.mp4\n", r"row 2, path: .* leads out of the footage folder"),
        ("path\n/data/a.mp4\n", r"row 2, path: '/data/a.mp4' is absolute"),
        ("path\nC:/a.mp4\n", r"row 2, path: 'C:/a.mp4' is absolute"),
        ("path\nx\\a.mp4\n", r"row 2, path: .*backslash.*with /"),
        ("path,day\n,Monday\n", r"row 2, path: no file is named\. Write it .*, or remove the row\.$"),
        ("category,path\nCollar,a.mp4\nCollar\n", r"row 3, path: no file is named"),
        ("path,work_start_s\na.mp4,\nb.mp4,soon\n", r"row 3, work_start_s: 'soon' is no number of seconds"),
        ("path,work_start_s\na.mp4,nan\n", r"row 2, work_start_s: 'nan' is no number"),
        ("path,work_start_s\na.mp4,-1\n", r"row 2, work_start_s: '-1' is no number"),
        (
            "path,work_start_s,work_end_s\na.mp4,20,10\n",
            r"row 2, work_end_s: the work ends at 10 s, before it st",
        ),
        ("path,workplace\na.mp4,0 0 1\n", r"row 2, workplace: '0 0 1' is no work place\. Write x1 y1 x2 y2"),
        ("path,workplace\na.mp4,0 0 640 480\n", r"row 2, workplace: .* as fractions"),
        ("path,workplace\na.mp4,0.5 0 0.4 1\n", r"row 2, workplace"),
        (
            "path,provenance\na.mp4,real\n",
            r"row 2, provenance: 'real' is no provenance. Write staged, production",
        ),
        ("path,size\na.mp4,1.5\n", r"row 2, size: '1.5' is no number of bytes"),
        ("path,sha256\na.mp4,ABC\n", r"row 2, sha256: 'ABC' is no SHA-256"),
        (
            "path,modified\na.mp4,2024-05-06\n",
            r"row 2, modified: .* Write for example 2024-05-06T08:00:00\+00",
        ),
        ("path,modified\na.mp4,soon\n", r"row 2, modified: 'soon' is no date and time"),
        ("path,started\na.mp4,2024-05-06T08:00:00+02:00\n", r"row 2, started: .* is no date and time"),
        ("path,day\na.mp4,May 6, 2024\n", r"row 2: 3 values for 2 columns\. Quote"),
        ('path\n"a.mp4\n', r"not a CSV that can be read"),
    ],
)
def test_a_wrong_list_is_one_line_with_file_and_row(tmp_path: Path, text: str, message: str) -> None:
    file = listed(tmp_path, text)
    with pytest.raises(InputError, match=message) as error:
        read_media_list(file, tmp_path)
    assert str(error.value).startswith(f"{file}: ")
    assert "\n" not in str(error.value)


def test_a_missing_and_a_binary_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"media.csv: file is missing\. .*media init"):
        read_media_list(tmp_path / "media.csv", tmp_path)
    (tmp_path / "media.csv").write_bytes(b"path\n\xff\xfe.mp4\n")
    with pytest.raises(InputError, match="not text in UTF-8"):
        read_media_list(tmp_path / "media.csv", tmp_path)


def test_one_file_under_two_spellings(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    with pytest.raises(InputError, match=r"row 3: 'b.mp4' is listed twice, first in row 2"):
        read_media_list(listed(tmp_path, "path\na.mp4\nb.mp4\n"), tmp_path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    rows = [{"path": 'x, "y"/a.mp4', "category": "Collar", "work_start_s": "1.5"}, {"path": "b.png"}]
    write_media_list(tmp_path / "media.csv", rows)
    photo, video = read_media_list(tmp_path / "media.csv", tmp_path)
    assert (video.name, video.category, video.work_start_s) == ('x, "y"/a.mp4', "Collar", 1.5)
    assert photo.kind == "photo"
    with pytest.raises(InputError, match="unknown column 'operation'"):
        write_media_list(tmp_path / "other.csv", [{"path": "a", "operation": "x"}])
    assert not (tmp_path / "other.csv").exists()


def test_what_a_scan_adds_is_written_only_where_there_is_something(tmp_path: Path) -> None:
    write_media_list(tmp_path / "plain.csv", [{"path": "a.mp4"}])
    assert "size" not in (tmp_path / "plain.csv").read_text()
    row = {
        "path": "a.mp4",
        "size": "12",
        "modified": "2024-05-06T08:00:00.000001+00:00",
        "sha256": "0" * 64,
        "started": "2024-05-06T08:00:00",
    }
    write_media_list(tmp_path / "scanned.csv", [row, {"path": "b.mp4"}])
    one, other = read_media_list(tmp_path / "scanned.csv", tmp_path)
    assert (one.size, one.sha256) == (12, "0" * 64)
    assert one.modified == datetime(2024, 5, 6, 8, 0, 0, 1, timezone.utc)
    assert one.started == datetime(2024, 5, 6, 8)  # noqa: DTZ001
    assert (other.size, other.modified, other.sha256, other.started) == (None, None, "", None)


def test_scan_finds_footage_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b/one.MP4", "a/one.mp4", "photo.jpeg", "notes.txt", ".cache/x.mp4", "b/._one.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    groups = tmp_path / "groups.csv"
    groups.write_text("file,group\na/one.mp4,g\nphoto.jpeg,g\n")
    assert scan(tmp_path, groups, "Collar") == [
        {"path": "a/one.mp4", "category": "Collar", "group": "g"},
        {"path": "b/one.MP4", "category": "Collar", "group": "b/one.MP4"},
        {"path": "photo.jpeg", "category": "Collar", "group": "g"},
    ]
    groups.write_text("file,group\nnone.mp4,g\n")
    with pytest.raises(InputError, match=r"groups.csv: row 2, file: 'none.mp4' is no media under the folder"):
        scan(tmp_path, groups)
    groups.write_text("file,group\nphoto.jpeg,g\nphoto.jpeg,h\n")
    with pytest.raises(InputError, match=r"row 3, group: 'photo.jpeg' is in two groups"):
        scan(tmp_path, groups)
    with pytest.raises(InputError, match="folder is missing"):
        scan(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", [b"bad-\xff.mp4", b"new\nline.mp4", b"back\\slash.mp4", b"end /a.mp4", b" a.mp4"]
)
def test_scan_refuses_a_name_that_would_not_be_read_back(tmp_path: Path, name: bytes) -> None:
    file = tmp_path / os.fsdecode(name)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"x")
    if name == b"end /a.mp4":  # blanks inside a path are kept
        assert [row["path"] for row in scan(tmp_path)] == ["end /a.mp4"]
        return
    with pytest.raises(InputError, match="cannot stand in a list"):
        scan(tmp_path)


def test_scan_does_not_guess_between_two_files_of_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.mp4").write_bytes(b"x")
    groups = tmp_path / "groups.csv"
    groups.write_text("file,group\none.mp4,g\n")
    with pytest.raises(InputError, match=r"'one.mp4' is in several folders"):
        scan(tmp_path, groups)


def test_real_groups() -> None:
    real = SHARED / "data" / "real" / "cctv_events_yolo"
    rows = scan(real / "images", real / "groups.csv", "events")
    assert len(rows) == 227
    assert len({row["group"] for row in rows}) == 23
