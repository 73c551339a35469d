"""Every picture that leaves the machine, walked: whom annotators or detectors found is not to be seen."""

from __future__ import annotations

import base64
import re
import shutil
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from provenline import tables
from provenline.errors import InputError
from provenline.files import read_json, sha256_tree, write_json
from provenline.footage.anonymise import FACE_SHARE, FLOOR, MARGIN, blur_of
from provenline.footage.media import Media
from provenline.reports.report import write_report
from provenline.shadow import mine
from tests.reports.beyond import label_errors
from tests.reports.conftest import PARAMS, PEOPLE, PLAIN
from tests.reports.test_report import Reader

Image = NDArray[np.uint8]
Mode = Literal["faces", "persons"]
FIGURE = re.compile(r'<img src="data:image/jpeg;base64,([^"]+)"[^>]*>\s*<figcaption>([^<]*)</figcaption>')
FRAME = re.compile(r".*? · [\d.]+ s\b")  # what follows says what is to be seen


@pytest.fixture(scope="module")
def played(line: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with doubted labels, whose shadow gallery is not there yet."""
    root = tmp_path_factory.mktemp("privacy") / "line"
    shutil.copytree(line, root, ignore=shutil.ignore_patterns("reports"))
    shutil.rmtree(root / "data/shadow/frames")
    judged = root / "metrics/eval_v0.json"
    write_json(judged, read_json(judged) | {"label_errors": label_errors(root)})
    return root


def publish(root: Path, mode: str) -> dict[str, list[tuple[str, Image]]]:
    """Mine the gallery and write the report; return every picture that leaves, with its frame's id."""
    privacy = PLAIN.model_copy(update={"anonymise": mode})
    both = [tables.read(root / f"data/shadow/{name}.parquet", tables.PREDICTIONS) for name in MODELS]
    index = pd.read_csv(root / "data/shadow" / mine.INDEX, keep_default_na=False)
    stored = stills(root)
    names = index["frame_id"].map(lambda one: str(stored[one]))
    media = [Media(name, Path(name), "photo") for name in names]
    mine.mine(index.assign(media=names, time_ms=0), media, blur_of(privacy, [], both), root / "data/shadow")
    index.to_csv(root / "data/shadow" / mine.INDEX, index=False)
    write_report(root, PARAMS, privacy, "v0", "lbzf_person", root / "reports")
    return {"reports": embedded(root), "data/shadow": gallery(root)}


MODELS = ("production", "candidate")


def stills(root: Path) -> dict[str, Path]:
    return {path.stem: path for path in root.glob("data/**/frames/*/*.jpg")}


def embedded(root: Path) -> list[tuple[str, Image]]:
    """Return the pictures inside the pages; there must be no others under reports/ but drawn figures."""
    files = {path for path in (root / "reports").rglob("*") if path.is_file()}
    pages = {path for path in files if path.suffix == ".html"}
    texts = {".svg", ".csv", ".tex", ".md", ".json", ".sha256"}
    assert {path.suffix for path in files - pages} <= texts | {".png"}
    assert all(path.parent.name == "figures" for path in files if path.suffix in {".svg", ".png"})
    assert not any("data:image" in path.read_text("utf-8") for path in files if path.suffix in texts)
    ids = {
        (side, caption): frame_id
        for side in ("", "deployment/")
        for caption, frame_id in captions(root, side)
    }
    found = []
    for page in sorted(pages):
        text = page.read_text("utf-8")
        pairs = FIGURE.findall(text)
        assert len(pairs) == text.count("<img")
        cut = text.index('<section id="shadow"') if '<section id="shadow"' in text else len(text)
        end = text.index('<section id="data"') if '<section id="data"' in text else len(text)
        for data, caption in pairs:
            side = "deployment/" if cut < text.index(data) < end else ""
            named = FRAME.match(caption)
            assert named, caption
            frame_id = ids[side, named[0]]
            image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
            found.append((frame_id, np.asarray(image, dtype=np.uint8)))
    return found


def captions(root: Path, side: str) -> list[tuple[str, str]]:
    """Return what a frame of one footage is called below its picture, and its id."""
    frames = tables.read(root / f"data/{side}annotated.parquet", tables.FRAMES)
    return [
        (f"{row.category} · {row.media} · {row.time_ms / 1000:g} s".replace("&", "&amp;"), str(row.frame_id))
        for row in frames.itertuples()
    ]


def gallery(root: Path) -> list[tuple[str, Image]]:
    paths = sorted((root / "data/shadow/frames").iterdir())
    others = {path.suffix for path in (root / "data/shadow").rglob("*") if path.is_file()} - {".jpg"}
    assert others <= {".parquet", ".csv"}
    return [(path.stem, np.asarray(cv2.imread(str(path)), dtype=np.uint8)) for path in paths]


def people(root: Path, frame_id: str, *, drawn: bool) -> NDArray[np.float64]:
    """Return whom annotators (where they may be read) or detectors found; gathered by hand."""
    names = (
        ["predictions/base", "predictions/candidate"] if drawn else ["shadow/production", "shadow/candidate"]
    )
    found = [pd.read_parquet(root / f"data/{name}.parquet") for name in names]
    parts = [one[one["score"] >= FLOOR] for one in found]
    parts += [pd.read_parquet(root / "data/boxes.parquet")] if drawn else []
    rows = [one[(one["frame_id"] == frame_id) & one["label"].isin(PEOPLE)] for one in parts]
    return np.vstack([one[tables.BOX].to_numpy(dtype=float) for one in rows])


def hidden(box: NDArray[np.float64], mode: Mode) -> tuple[slice, slice]:
    """Return what must not be seen of one person: the inside of the box, or of its upper part."""
    x1, y1, x2, y2 = box
    bottom = y2 if mode == "persons" or x2 - x1 > y2 - y1 else y1 + FACE_SHARE * (y2 - y1)
    return slice(max(0, round(y1)), max(0, round(bottom))), slice(max(0, round(x1)), max(0, round(x2)))


def detail(image: Image) -> NDArray[np.float64]:
    """Return what is finer than about 8 pixels: what tells one from another here."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float64)
    return grey - cv2.GaussianBlur(grey, (0, 0), 4)


def likeness(original: Image, shown: Image, place: tuple[slice, slice]) -> float:
    """Correlation of the detail; boxes that were drawn are not on a person's inside."""
    a, b = detail(original)[place], detail(shown)[place]
    edge = 5
    a, b = (part[edge + 12 : -edge - 12, edge:-edge].ravel() for part in (a, b))  # scores stand at both ends
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 1 and b.std() > 0 else 0.0


def judged(root: Path, mode: Mode, shown: dict[str, list[tuple[str, Image]]]) -> list[float]:
    stored = stills(root)
    development = set(pd.read_parquet(root / "data/annotated.parquet")["frame_id"])
    found = []
    for pictures in shown.values():
        for frame_id, image in pictures:
            original = cv2.imread(str(stored[frame_id]))
            assert original.shape == image.shape, "nothing was shrunk in this test"
            boxes = people(root, frame_id, drawn=frame_id in development)
            assert len(boxes)
            for box in boxes:
                place = hidden(box, mode)
                found.append(likeness(np.asarray(original, dtype=np.uint8), image, place))
    return found


@pytest.mark.parametrize("mode", ["persons", "faces"])
def test_nobody_who_was_found_can_be_recognised_in_anything_that_leaves(played: Path, mode: Mode) -> None:
    frames = sha256_tree(played / "data/frames")
    plain = judged(played, mode, publish(played, "none"))
    shown = publish(played, mode)
    blurred = judged(played, mode, shown)
    assert len(shown["reports"]) >= 8 and len(shown["data/shadow"]) == 24
    assert len(blurred) == len(plain) > 60
    assert np.median(plain) > 0.8, "the measure sees people where they are not blurred"
    # Some 25 squares make up a face here: of a hundred, chance alone gives one a correlation of 0.5.
    assert np.median(np.abs(blurred)) < 0.12 and max(np.abs(blurred)) < 0.6
    assert sha256_tree(played / "data/frames") == frames, "what trains is never touched"


def test_what_is_not_a_person_stays_as_it_was(played: Path) -> None:
    stored, shown = stills(played), publish(played, "persons")["data/shadow"]
    for frame_id, image in shown:
        away = np.ones(image.shape[:2], dtype=bool)
        for x1, y1, x2, y2 in people(played, frame_id, drawn=False):
            wide, high = 8 + 2 * MARGIN * (x2 - x1), 8 + 2 * MARGIN * (y2 - y1)
            rows = slice(max(0, int(y1 - high)), int(y2 + high) + 1)
            away[rows, max(0, int(x1 - wide)) : int(x2 + wide) + 1] = False
        difference = np.abs(image.astype(int) - cv2.imread(str(stored[frame_id])))[away]
        assert difference.mean() < 2 if difference.size else True  # JPEG once more


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        ("none", "Pictures show people as they were filmed"),
        (
            "faces",
            "the upper 45% of the boxes that any annotator of the development footage drew",
        ),
        ("persons", "Whole people are averaged away in every picture"),
    ],
)
def test_page_and_card_say_what_was_used_and_where_it_ends(played: Path, mode: str, text: str) -> None:
    publish(played, mode)
    page = Reader((played / "reports/index.html").read_text(encoding="utf-8")).text
    card = (played / "reports/dataset_card.md").read_text(encoding="utf-8")
    assert text in page and text in card
    limit = "Somebody whom neither annotators nor detectors found is not blurred."
    assert (limit in page) == (limit in card) == (mode != "none")


def test_people_whom_no_label_names_stop_the_report(played: Path, tmp_path: Path) -> None:
    privacy = PLAIN.model_copy(update={"anonymise": "persons", "people": ("worker",)})
    with pytest.raises(InputError, match="nobody would be blurred"):
        write_report(played, PARAMS, privacy, "v0", "lbzf_person", tmp_path / "reports")
    assert not (tmp_path / "reports").exists()
