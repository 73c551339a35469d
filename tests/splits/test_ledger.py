from __future__ import annotations

import pytest

from provenline.errors import InputError
from provenline.splits.assign import assign
from provenline.splits.dataset import write_assignment
from provenline.splits.ledger import accept, read_ledger
from tests.splits import world

HEAD = "group,category,split\n"


def test_a_header_alone_is_an_empty_ledger(tmp_path):
    (tmp_path / "l.csv").write_text(HEAD)
    ledger = read_ledger(tmp_path / "l.csv")
    assert ledger.empty
    assert list(ledger.columns) == ["group", "category", "split"]
    assert len(assign(world.random_groups(0, 5), ledger, world.params())) == 5


def test_rows_are_sorted_and_may_be_quoted_or_repeated(tmp_path):
    text = HEAD + '"b, c",Cuffs,val\na,,train\na,,train\n'
    (tmp_path / "l.csv").write_text(text, encoding="utf-8-sig")
    assert read_ledger(tmp_path / "l.csv").to_numpy().tolist() == [
        ["a", "", "train"],
        ["b, c", "Cuffs", "val"],
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
    assert read_ledger(ledger).to_numpy().tolist() == assignment.to_numpy().tolist()


def test_accept_never_moves_and_leaves_the_ledger_alone(tmp_path):
    csv, ledger = tmp_path / "split.csv", tmp_path / "ledger.csv"
    ledger.write_text(HEAD + "a,x,train\nz,x,val\n")
    csv.write_text("frame_id,media,group,category,split\n1,a,a,x,test\n2,b,b,x,val\n")
    before = ledger.read_bytes()
    with pytest.raises(InputError, match="group 'a' is in test, the ledger has accepted it in train"):
        accept(csv, ledger)
    assert ledger.read_bytes() == before
    csv.write_text("frame_id,media,group,category,split\n1,a,a,x,train\n2,b,b,x,val\n3,b,b,x,val\n")
    assert accept(csv, ledger) == {"added": 1, "kept": 2, "absent": 1}
    assert ledger.read_text() == HEAD + "a,x,train\nb,x,val\nz,x,val\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.csv", "split.csv"]
