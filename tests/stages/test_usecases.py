"""Every use case composes, is valid, and runs from photos and exports to a fine-tuned model on a tiny set."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from glue import compose, runtime
from provenline import sections
from provenline.annotations.importing import import_annotations
from provenline.annotations.params import AnnotateParams
from provenline.detectors.open import open_checkpoint
from provenline.detectors.params import ModelParams
from provenline.errors import InputError
from provenline.files import sha256_file
from provenline.training.params import TrainParams
from tests.annotations import world

ROOT = Path(__file__).parents[2]
USECASES = sorted(path.stem for path in (ROOT / "conf" / "usecase").glob("*.yaml"))
WIDTH, HEIGHT = 128, 96


def composed(folder: Path, *overrides: str) -> dict:
    compose.compose(list(overrides), folder / "params.yaml")
    value = yaml.safe_load((folder / "params.yaml").read_text())
    sections.check(value)
    return value


@pytest.mark.parametrize("name", USECASES)
def test_a_use_case_is_whole(name: str, tmp_path: Path) -> None:
    value = composed(tmp_path, f"usecase={name}")
    mapped = {rule["to"] for rule in value["annotate_import"]["labels"]}
    classes = set(value["usecase"]["classes"])
    assert value["usecase"]["name"] == name
    assert classes <= mapped, "nothing would ever be labelled so"
    assert set(value["model"]["labels"].values()) <= classes
    assert value["annotate_import"]["agreement"]["label"] in mapped


@pytest.mark.parametrize("profile", sorted(path.stem for path in (ROOT / "conf" / "profile").glob("*.yaml")))
def test_the_simulated_annotators_label_every_frame_that_a_shadow_run_may_draw(
    profile: str, tmp_path: Path
) -> None:
    """A frame that comes back without labels would be no accident, and no decision may rest on the rest."""
    value = composed(tmp_path, f"profile={profile}")
    assert value["shadow_ab"]["period_s"] % value["simulate"]["label_period_s"] == 0


def test_the_input_may_be_a_rectangle_and_training_stays_on_squares(tmp_path: Path) -> None:
    value = composed(tmp_path, "model.imgsz=[384,640]", "profile=gpu")
    assert value["model"]["imgsz"] == [384, 640] and value["train"]["recipe"]["imgsz"] == 640
    for override in ("model.imgsz=[640,640]", "model.imgsz=[384,630]", "train.recipe.imgsz=[384,640]"):
        with pytest.raises(InputError, match=rf"{override.partition('=')[0]}: ") as caught:
            composed(tmp_path, override)
        assert "\n" not in str(caught.value)


def test_the_recipes_are_what_they_say_they_are(tmp_path: Path) -> None:
    plan = composed(tmp_path, "profile=gpu")["train"]
    wanted = {"optimizer": "SGD", "lr0": 0.01, "cos_lr": True, "patience": 10, "epochs": 50, "batch": 32}
    assert {**plan["recipe"], **wanted, "imgsz": 640, "extra": {}, "task": "detect"} == plan["recipe"]
    assert plan["augment"]["fliplr"] == 0.0
    small = composed(tmp_path, "usecase=infra_inspection", "profile=gpu")
    wanted = {"optimizer": "AdamW", "lr0": 0.0001, "box": 10.0, "cls": 0.6, "dfl": 1.7, "extra": {"iou": 0.7}}
    assert {**small["train"]["recipe"], **wanted, "imgsz": 640} == small["train"]["recipe"]
    wanted = {"mosaic": 0.3, "mixup": 0.0, "copy_paste": 0.0, "hsv_h": 0.08, "hsv_s": 0.3, "hsv_v": 0.2}
    wanted |= {"degrees": 5.0, "scale": 0.7, "shear": 2.0, "perspective": 0.0001, "fliplr": 0.0}
    assert {**small["train"]["augment"], **wanted} == small["train"]["augment"]
    assert "yolo11s" in small["model"]["name"] and small["model"]["weights"].endswith("_best.pt")
    shelf = composed(tmp_path, "usecase=shelf", "profile=gpu")
    wanted = {"epochs": 100, "batch": 16, "imgsz": 640}
    assert {**shelf["train"]["recipe"], **wanted} == shelf["train"]["recipe"]
    assert "yolov8m" in shelf["model"]["name"]
    outlines = composed(tmp_path, "recipe=segmentation", "model=yolov8n_seg_coco")
    assert outlines["train"]["recipe"]["task"] == outlines["split"]["task"] == "segment"
    assert composed(tmp_path, "recipe=detection")["split"]["task"] == "detect"


def test_a_recipe_brings_its_augmentation_unless_another_is_asked_for(tmp_path: Path) -> None:
    assert composed(tmp_path, "recipe=small_objects")["train"]["augment"]["mosaic"] == 0.3
    asked = composed(tmp_path, "recipe=small_objects", "augment=none")
    assert asked["train"]["augment"]["mosaic"] == 0.0
    assert composed(tmp_path, "augment=flip")["train"]["augment"]["fliplr"] == 0.5


def test_small_machines_have_sizes_of_their_own(tmp_path: Path) -> None:
    for profile in ("cpu", "tiny"):
        train = composed(tmp_path, "usecase=shelf", f"profile={profile}")["train"]
        assert train["full"] == {"epochs": 100, "batch": 16, "nbs": 64}
        assert train["recipe"]["epochs"] < 100
    train = composed(tmp_path, "usecase=shelf", "train.recipe.epochs=3")["train"]
    assert train["recipe"]["epochs"] == 3


def test_flips_of_a_use_case_with_sides_do_not_compose(tmp_path: Path) -> None:
    sides = "usecase.classes=[left_glove,right_glove]"
    composed(tmp_path, sides)
    with pytest.raises(InputError, match=r"train\.augment: fliplr=0\.5 would turn 'left_glove' into"):
        composed(tmp_path, sides, "augment=flip")
    composed(tmp_path, sides, "augment=flip", "train.may_flip=[left_glove,right_glove]")


def test_a_wrong_extra_setting_does_not_compose(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such setting; near: warmup_momentum") as caught:
        composed(tmp_path, "+train.recipe.extra.warmup_moment=0.8")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name, said",
    [
        (
            "shelf",
            "fetch yolov8m.pt from https://github.com/ultralytics/assets/releases where there is a network",
        ),
        ("infra_inspection", "the round before left models/<use case>_<round>.pt"),
    ],
)
def test_weights_that_nobody_has_are_refused_in_one_line(name: str, said: str, tmp_path: Path) -> None:
    model = ModelParams.model_validate(composed(tmp_path, f"usecase={name}")["model"])
    with pytest.raises(InputError, match="weights are missing") as caught:
        open_checkpoint(model.model_copy(update={"weights": tmp_path / model.weights}), "cpu")
    assert said in str(caught.value) and "\n" not in str(caught.value)


# --- real exports -------------------------------------------------------------------------------

REAL = {
    "shelf": ("bottles_cans_yolo",),
    "infra_inspection": ("drain_slopes_yolo/boxes", "drain_slopes_yolo/polygons"),
}


@pytest.mark.parametrize("name", REAL)
def test_labels_of_real_exports_are_known(name: str, tmp_path: Path) -> None:
    params = AnnotateParams.model_validate(composed(tmp_path, f"usecase={name}")["annotate_import"])
    exports = tmp_path / "exports"
    exports.mkdir()
    for folder in REAL[name]:
        (exports / Path(folder).name).symlink_to(world.SHARED / folder)
    frames = world.photos_in(world.SHARED / REAL[name][0] / "images")
    done = import_annotations(exports, frames, params)
    texts = [path.read_text() for folder in REAL[name] for path in (world.SHARED / folder).glob("labels/*")]
    lines = sum(bool(line.strip()) for text in texts for line in text.splitlines())
    assert done.report["reconciliation_totals"]["read"] == lines > 200
    assert set(done.boxes["label"]) <= set(composed(tmp_path, f"usecase={name}")["usecase"]["classes"])


# --- the line, from photos to a model -----------------------------------------------------------


def shape(image: np.ndarray, number: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Draw a thing of the ``number``-th kind; return its box."""
    w, h = (int(rng.integers(24, 44)) for _ in range(2))
    x, y = int(rng.integers(2, WIDTH - w - 2)), int(rng.integers(2, HEIGHT - h - 2))
    colour = [int(value) for value in np.random.default_rng(number).integers(90, 255, 3)]
    cv2.rectangle(image, (x, y), (x + w - 1, y + h - 1), colour, -1)
    return x, y, x + w, y + h


def picture(folder: Path, name: str, labels: list[str], known: list[str], rng: np.random.Generator) -> dict:
    image = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    boxes = {label: shape(image, known.index(label), rng) for label in labels}
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / name), image)
    return boxes


def yolo_line(number: int, box: tuple[int, int, int, int]) -> str:
    x1, y1, x2, y2 = box
    centre = f"{(x1 + x2) / 2 / WIDTH} {(y1 + y2) / 2 / HEIGHT}"
    return f"{number} {centre} {(x2 - x1) / WIDTH} {(y2 - y1) / HEIGHT}\n"


def drawn(root: Path, rules: list[dict], form: str) -> Counter[str]:
    """Write photos and exports with every label of a use case; return objects per label of ours.

    YOLO: two data sets, each of which knows every other label, under numbers of its own.
    """
    rng = np.random.default_rng(4)
    sources = list(dict.fromkeys(rule["source"] for rule in rules))
    to = {rule["source"]: rule["to"] for rule in reversed(rules) if rule["attribute"] is None}
    photos, exports = root / "data/footage/development", root / "data/footage/development_annotations"
    known = {"north": sources[0::2], "south": sources[1::2] or sources}
    rows, counts, images = [], Counter[str](), []
    for number in range(24):
        part = ("north", "south")[number % 2]
        names = known[part]
        labels = [] if number == 3 else list(dict.fromkeys([names[number // 2 % len(names)], names[-1]]))
        name = f"{part}/{number:02d}.jpg"
        boxes = picture(photos / part, f"{number:02d}.jpg", labels, sources, rng)
        counts.update(to[label] for label in boxes)
        rows.append({"path": name, "group": f"site_{number // 2}", "category": part})
        if form == "yolo":
            lines = "".join(yolo_line(names.index(label), box) for label, box in boxes.items())
            world.yolo(exports / part, {name.removesuffix(".jpg"): lines}, names=json.dumps(names))
        else:
            shapes = [world.box(*box, label=label) for label, box in boxes.items()]
            images.append(world.image(name, *shapes, width=WIDTH, height=HEIGHT))
    if form == "cvat":
        world.cvat(exports / "ana.xml", *images)
    with (root / "data/footage/development.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["path", "group", "category"])
        writer.writeheader()
        writer.writerows(rows)
    return counts


def run_line(root: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> dict:
    """Run the stages from extract to train, in ``root``; return what composing gave."""
    from stages import annotate_import, extract, split, stage_a_eval, train

    for name in ("sample", "split", "stage_a"):
        head = (ROOT / f"data/{name}_ledger.csv").read_text().splitlines()[0]
        (root / f"data/{name}_ledger.csv").write_text(f"{head}\n")
    for name in ("provenline", "glue", "stages"):
        (root / name).symlink_to(ROOT / name)
    value = composed(root, "source=footage", "profile=tiny", "train.when=always", *overrides)
    monkeypatch.chdir(root)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
    runtime._parameters.cache_clear()
    try:
        extract.main("development")
        annotate_import.main("development")
        split.main()
        stage_a_eval.main()
        train.main()
    finally:
        runtime._parameters.cache_clear()
    return value


def base_of(root: Path, classes: tuple[str, ...], architecture: str = "yolov8n.yaml") -> tuple[str, str]:
    """Write an untrained base; return the overrides that name it."""
    from provenline.training.scratch import untrained

    path = root / "models/base/tiny.pt"
    untrained(architecture, classes, seed=0, imgsz=160, out=path)
    return "model.weights=models/base/tiny.pt", f"model.sha256={sha256_file(path)}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lbzf_person", "fuse_cutout", "infra_inspection", "shelf"])
def test_a_use_case_runs_on_a_tiny_set(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = composed(tmp_path, f"usecase={name}", "source=footage")
    counts = drawn(tmp_path, first["annotate_import"]["labels"], first["annotate_import"]["format"])
    base = base_of(tmp_path, tuple(first["model"]["labels"]) or ("nothing of ours",))
    value = run_line(tmp_path, monkeypatch, f"usecase={name}", *base)
    classes = value["usecase"]["classes"]
    dataset = yaml.safe_load(Path(f"data/dataset/{name}_v0.yaml").read_text())
    assert list(dataset["names"].values()) == classes
    written = Counter(
        classes[int(line.split()[0])]
        for label in Path("data/dataset/labels").rglob("*.txt")
        for line in label.read_text().splitlines()
    )
    assert written == {label: counts[label] for label in classes if counts[label]}
    assert set(written) == set(classes)
    said = json.loads(Path("metrics/annotate_import.json").read_text())["warnings"]
    if name == "infra_inspection":
        assert "'south' has no vegetation, which other exports have: its frames count as without" in said
    report = json.loads(Path("metrics/train.json").read_text())
    assert report["epochs"] == 1
    asked = TrainParams.model_validate(value["train"]).hyperparameters()
    assert report["arguments"]["asked"].items() >= asked.items()
    assert set(report["arguments"]["differences"]) <= {"warmup_epochs", "weight_decay"}
    model = ModelParams.model_validate(value["model"])
    weights = Path(f"models/{name}_v0.pt")
    candidate = model.with_weights("candidate", weights, sha256_file(weights), tuple(classes))
    assert open_checkpoint(candidate, "cpu").names == tuple(classes)


@pytest.mark.slow
def test_outlines_of_a_real_export_are_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = world.SHARED / "drain_slopes_yolo/polygons"
    photos = tmp_path / "data/footage/development"
    photos.mkdir(parents=True)
    names = sorted(path.name for path in (real / "images").iterdir())
    for name in names:
        (photos / name).symlink_to(real / "images" / name)
    (tmp_path / "data/footage/development_annotations").symlink_to(real)
    # All are of one flight, which no honest split cuts; here each is taken for a place of its own.
    (tmp_path / "data/footage/development.csv").write_text("\n".join(["path", *names]))
    use = ("usecase=infra_inspection", "recipe=segmentation")
    classes = tuple(composed(tmp_path, *use)["usecase"]["classes"])
    base = base_of(tmp_path, classes, "yolov8n-seg.yaml")
    run_line(tmp_path, monkeypatch, *use, *base)
    split = json.loads(Path("metrics/split.json").read_text())
    lines = [
        line.split()
        for label in Path("data/dataset/labels").rglob("*.txt")
        for line in label.read_text().splitlines()
    ]
    assert split["outlines"]["polygon"] == len(lines) > 100
    assert sum(split["outlines"].values()) == len(lines)
    assert all(len(line) >= 7 and len(line) % 2 == 1 for line in lines)
    history = json.loads(Path("metrics/train.json").read_text())["history"]
    assert {"train_seg_loss", "mask_mAP50", "mAP50"} <= set(history[0])
