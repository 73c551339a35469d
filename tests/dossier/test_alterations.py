"""Whatever is altered is noticed: of any artifact, any byte."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from provenline.dossier.plan import items
from provenline.dossier.sealing import FILE, read
from provenline.dossier.verifying import Outcome, verify
from provenline.files import sha256_tree

DOSSIER = Path("reports") / FILE


def outcome(root: Path, seal: str = "") -> Outcome:
    return verify(root, root / DOSSIER, seal)


def files(root: Path) -> list[Path]:
    """Every file of the run. What dvc.yaml says of each stage's code is held, but not its bytes."""
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != "dvc.yaml")


@contextmanager
def put_back(*paths: Path) -> Iterator[None]:
    """Restore these files afterwards; those that were not there go."""
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    finally:
        for path, data in before.items():
            if data is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(data)


def flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(bytes(data))


def cut(path: Path, rng: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def append(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes() + rng.randbytes(rng.randrange(1, 9)))


def remove(path: Path, rng: random.Random) -> None:
    path.unlink()


KINDS = {"flipped": flip, "truncated": cut, "appended": append, "removed": remove}


def test_an_untouched_run_holds_whole(run: Path) -> None:
    before = sha256_tree(run)
    found = outcome(run)
    assert [one.sentence for one in (*found.broken, *found.absent)] == []
    assert found.files == len(files(run)) - 1  # the dossier names itself by its seal
    assert sha256_tree(run) == before  # so it may be killed at any moment


def test_every_file_of_the_run_is_an_artifact(run: Path) -> None:
    dossier, _ = read(run / DOSSIER)
    plan = items(dossier.evidence.run)
    places = {run / one.path for one in plan} | {run / "reports"}
    assert [path for path in files(run) if not places & {path, *path.parents}] == []


def test_any_byte_of_any_artifact_100_of_100(run: Path) -> None:
    rng, noticed, states = random.Random(0), 0, Counter[str]()
    for turn in range(100):
        path = rng.choice(files(run))
        kind = "flipped" if turn % 2 else rng.choice(sorted(KINDS))
        with put_back(path):
            KINDS[kind](path, rng)
            try:
                found = outcome(run)
            except Exception as error:  # noqa: BLE001 - a dossier that cannot be read is named by its error
                assert type(error).__name__ == "InputError" and path == run / DOSSIER, (kind, path)
                noticed += 1
                continue
        named = [one.file for one in (*found.broken, *found.absent)]
        said = [name for name in named if path.as_posix().endswith(name.removesuffix("/"))]
        assert said, f"{kind} {path.relative_to(run)}: {named[:5]}"
        states[found.broken[0].state if found.broken else "absent"] += 1
        noticed += 1
    assert noticed == 100
    assert states["broken"] > 80 and outcome(run).broken == ()


def test_a_file_swapped_with_its_sibling(run: Path) -> None:
    rng = random.Random(1)
    for _ in range(15):
        one = rng.choice(files(run))
        siblings = [path for path in files(run) if path.parent == one.parent and path != one]
        if not siblings or one == run / DOSSIER:
            continue
        other = rng.choice([path for path in siblings if path.name != FILE] or siblings)
        first, second = one.read_bytes(), other.read_bytes()
        if first == second or other.name == FILE:
            continue
        with put_back(one, other):
            one.write_bytes(second)
            other.write_bytes(first)
            assert outcome(run).broken


FOLDERS = (
    "data/frames",
    "data/deployment/frames",
    "data/dataset/images/train",
    "data/dataset/labels/new",
    "data/shadow",
    "data/simline/development/annotations",
    "models/engines/onnxruntime-cpu/candidate",
    "provenline",
    "glue",
    "stages",
    "reports",
    "reports/tables",
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_that_is_added(run: Path, folder: str) -> None:
    added = run / folder / "another.bin"
    added.parent.mkdir(exist_ok=True)
    with put_back(added):
        added.write_bytes(b"x")
        broken = outcome(run).broken
    assert added.as_posix().endswith(broken[0].file) and "not named by the dossier" in broken[0].why


def test_what_ultralytics_leaves_beside_labels_is_no_evidence(run: Path) -> None:
    cache = run / "data/dataset/labels/train.cache"
    with put_back(cache):
        cache.write_bytes(b"x")
        assert outcome(run).broken == ()


def test_the_first_link_is_named_in_the_order_of_the_chain(run: Path) -> None:
    late, early = run / "metrics/shadow_ab.json", run / "data/simline/deployment/footage/collar/video_1.mp4"
    with put_back(late, early):
        append(late, random.Random(2))
        flip(early, random.Random(2))
        first = outcome(run).broken[0]
    assert first.step == "footage" and early.as_posix().endswith(first.file)
    assert len(first.expected) == len(first.found) == 64 and first.expected != first.found


def test_an_altered_table_is_not_opened(run: Path) -> None:
    path = run / "data/annotated.parquet"
    with put_back(path):
        path.write_bytes(b"PAR1 no table PAR1")
        found = outcome(run)
    assert {one.about for one in found.checks if one.state == "unseen"} >= {
        "labels of development are of its frames",
        "the split places the annotated frames",
    }
    assert found.broken[0].file == "data/annotated.parquet"


def test_the_dossiers_own_spelling_counts(run: Path) -> None:
    path = run / DOSSIER
    with put_back(path):
        path.write_bytes(path.read_bytes().replace(b'"files": 9', b'"files":  9', 1))
        first = outcome(run).broken[0]
    assert first.step == "dossier" and "is not written as the report writes it" in first.why
