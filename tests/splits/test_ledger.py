from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from provenline.errors import InputError
from provenline.splits.assign import assign
from provenline.splits.dataset import write_assignment
from provenline.splits.ledger import accept, facts, read_ledger, reseal, write_ledger
from provenline.splits.placing import assign_frames
from tests.splits import world

HEAD = "group,category,split\n"


def test_a_header_alone_is_an_empty_ledger(tmp_path):
    (tmp_path / "l.csv").write_text(HEAD)
    ledger = read_ledger(tmp_path / "l.csv")
    assert ledger.empty
    assert list(ledger.columns) == ["group", "category", "split", "unit"]
    assert facts(ledger)["rows"] == 0 and not facts(ledger)["sealed"]
    assert len(assign(world.random_groups(0, 5), ledger, world.params())) == 5


def test_rows_are_sorted_and_may_be_quoted_or_repeated(tmp_path):
    text = HEAD + '"b, c",Cuffs,val\na,,train\na,,train\n'
    (tmp_path / "l.csv").write_text(text, encoding="utf-8-sig")
    assert reseal(tmp_path / "l.csv") == {"rows": 2, "changed": ["a", "b, c"]}
    assert read_ledger(tmp_path / "l.csv").to_numpy().tolist() == [
        ["a", "", "train", "a"],
        ["b, c", "Cuffs", "val", "b, c"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column group, category, split"),
        ("group,split\n", "line 1: no column category"),
        (HEAD + "a,x,train\n\na,x,val\n", "line 4: group 'a' is in val here and in train in line 2"),
        (HEAD + "a,x,valid\n", "line 2: unknown split 'valid'"),
        (HEAD + "a\n", "line 2: unknown split ''"),
        (HEAD + ",x,train\n", "line 2: a row without a group"),
    ],
)
def test_a_bad_ledger_names_the_line(tmp_path, text, message):
    file = tmp_path / "l.csv"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read_ledger(file)
    assert str(error.value).startswith(f"{file}: {message}")


def test_a_missing_or_binary_ledger(tmp_path):
    with pytest.raises(
        InputError, match=r"file is missing\. Start one that holds only the line group,category,split"
    ):
        read_ledger(tmp_path / "no.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        read_ledger(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text(f"{HEAD}{'x' * 200_000},x,train\n")
    for path in (tmp_path, tmp_path / "c.csv"):
        with pytest.raises(InputError, match="not a CSV that can be read"):
            read_ledger(path)


def test_accept_round_trip(tmp_path):
    frames = world.frames([world.frame(f"v{n}.mp4", t) for n in range(9) for t in (0, 500)])
    groups = world.groups([(f"v{n}.mp4", "Collar", 2) for n in range(9)])
    assignment = assign(groups, world.EMPTY, world.params())
    csv, ledger = tmp_path / "split.csv", tmp_path / "ledger.csv"
    write_assignment(frames, assignment, csv)
    assert accept(csv, ledger) == {"added": 9, "kept": 0, "absent": 0}
    before = ledger.read_bytes()
    assert accept(csv, ledger) == {"added": 0, "kept": 9, "absent": 0}
    assert ledger.read_bytes() == before
    rows = read_ledger(ledger)
    assert rows.to_numpy().tolist() == assignment[list(rows.columns)].to_numpy().tolist()
    digest = re.search("sha256=([0-9a-f]+)", before.decode())
    assert digest and facts(rows) == {"rows": 9, "sha256": digest[1], "sealed": True}


def test_accept_never_moves_and_leaves_the_ledger_alone(tmp_path):
    csv, ledger = tmp_path / "split.csv", tmp_path / "ledger.csv"
    ledger.write_text(HEAD + "a,x,train\nz,x,val\n")
    reseal(ledger)
    csv.write_text("frame_id,media,group,category,split\n1,a,a,x,test\n2,b,b,x,val\n")
    before = ledger.read_bytes()
    with pytest.raises(InputError, match="group 'a' is in test, the ledger has accepted it in train"):
        accept(csv, ledger)
    assert ledger.read_bytes() == before
    csv.write_text("frame_id,media,group,category,split\n1,a,a,x,train\n2,b,b,x,val\n3,b,b,x,val\n")
    assert accept(csv, ledger) == {"added": 1, "kept": 2, "absent": 1}
    lines = ledger.read_text().splitlines()
    assert lines[0] == "group,category,split,unit,check"
    assert [line.rpartition(",")[0] for line in lines[1:-1]] == ["a,x,train,a", "b,x,val,b", "z,x,val,z"]
    assert lines[-1].startswith("# seal rows=3 sha256=")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.csv", "split.csv"]


def sealed(path: Path, *rows: str) -> list[str]:
    """Write a sealed ledger and return its lines."""
    table = pd.DataFrame([row.split() for row in rows], columns=["group", "split"])
    write_ledger(table.assign(category="x", unit=table["group"]), path)
    return path.read_text().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace("b,x,val", "b,x,test"), "line 3: the row of group 'b' was changed"),
        (lambda text: text.replace("b,x,val,b", "b,y,val,b"), "line 3: the row of group 'b' was changed"),
        (lambda text: text.replace("c,x,test,c", "c,x,test,d"), "line 4: the row of group 'c' was changed"),
        (lambda text: text.replace("# seal", "d,x,val\n# seal"), "line 5: the row of group 'd' was added"),
        (lambda text: re.sub("b,x.*\n", "", text), "line 4: 3 rows were sealed, 2 are there"),
        (lambda text: re.sub("# seal.*\n", "", text), "rows without a seal"),
        (lambda text: re.sub("(# seal.*\n)", r"\1\1", text), "two seals: two versions were merged"),
        (lambda text: text.replace("rows=3", "rows=4"), "line 5: 4 rows were sealed, 3 are there"),
        (lambda text: re.sub("sha256=.{4}", "sha256=0000", text), "line 5: the rows are not those"),
        (lambda text: re.sub("[abc],x.*\n", "", text), "line 2: 3 rows were sealed, 0 are there"),
    ],
)
def test_an_edit_by_hand_is_noticed_and_can_be_sealed(tmp_path, edit, message):
    file, csv = tmp_path / "l.csv", tmp_path / "split.csv"
    sealed(file, "a train", "b val", "c test")
    file.write_text(edited := edit(file.read_text()))
    csv.write_text(HEAD)
    for use in (read_ledger, lambda path: accept(csv, path)):
        with pytest.raises(InputError) as error:
            use(file)
        assert str(error.value).startswith(f"{file}: {message}")
        assert "git diff" in str(error.value) and "--reseal" in str(error.value)
    assert file.read_text() == edited
    reseal(file)
    read_ledger(file)


@pytest.mark.parametrize("seed", range(20))
def test_every_single_changed_character_is_noticed(tmp_path, seed):
    """Any digit or letter of any row or of the seal; the header's are columns."""
    rng, file = np.random.default_rng(seed), tmp_path / "l.csv"
    sealed(file, "ga train", "gb val", "gc test", "gd train")
    text = file.read_text()
    places = [n for n in range(text.index("\n"), len(text)) if text[n].isalnum()]
    at = int(rng.choice(places))
    file.write_text(text[:at] + ("q" if text[at] != "q" else "r") + text[at + 1 :])
    with pytest.raises(InputError):
        read_ledger(file)


def test_what_a_spreadsheet_does_to_the_file_is_no_edit(tmp_path):
    file = tmp_path / "l.csv"
    lines = sealed(file, "a train", "b val")
    changed = [lines[0], lines[2], lines[1], lines[3].strip() + ",,,,\n"]
    file.write_bytes("".join(changed).replace("\n", "\r\n").encode("utf-8-sig"))
    assert read_ledger(file)["group"].tolist() == ["a", "b"]


def test_two_branches_are_merged(tmp_path):
    """Each branch accepts a video; git's own union keeps both lines and both seals."""
    base, ours, theirs = (tmp_path / name for name in ("base", "ours", "theirs"))
    sealed(base, "a train", "m test")
    sealed(ours, "a train", "m test", "b val")
    sealed(theirs, "a train", "m test", "z train")
    words = ["git", "merge-file", "--union", str(ours), str(base), str(theirs)]
    subprocess.run(words, cwd=tmp_path, check=True)
    with pytest.raises(InputError, match="two seals: two versions were merged"):
        read_ledger(ours)
    assert reseal(ours) == {"rows": 4, "changed": []}
    assert read_ledger(ours)["group"].tolist() == ["a", "b", "m", "z"]


def test_branches_that_disagree_cannot_be_sealed(tmp_path):
    file = tmp_path / "l.csv"
    first, second = sealed(file, "a train", "b val"), sealed(file, "b test")
    file.write_text("".join([*first[:3], second[1], first[3]]))
    before = file.read_bytes()
    with pytest.raises(InputError, match="line 4: group 'b' is in test here and in val in line 3"):
        reseal(file)
    assert file.read_bytes() == before
    file.write_text("".join([*first[:2], "<<<<<<< HEAD\n", *first[2:]]))
    with pytest.raises(InputError, match="line 3: unknown split ''"):
        reseal(file)


def test_single_frames_are_not_accepted(tmp_path):
    frames = world.frames([world.frame(f"v{n}.mp4", t) for n in range(9) for t in (0, 500)])
    csv, ledger = tmp_path / "split.csv", tmp_path / "ledger.csv"
    write_assignment(frames, assign_frames(frames, world.params()), csv)
    with pytest.raises(InputError, match=r"single frames were placed at random .* split=by_video"):
        accept(csv, ledger)
    assert not ledger.exists()
