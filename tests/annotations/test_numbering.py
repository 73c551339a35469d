from __future__ import annotations

import zipfile
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from provenline.annotations.aligning import align, distance, small
from provenline.annotations.announced import announced
from provenline.annotations.importing import import_annotations
from provenline.annotations.model import ImageLabels
from provenline.annotations.numbering import locate
from provenline.annotations.resolving import Problem, Resolver
from provenline.errors import InputError
from provenline.footage.clock import ListedFootage
from provenline.footage.decode import frames_at
from provenline.footage.media import Media
from tests.annotations import world
from tests.footage.film import SIZE, film, irregular, picture, steady
from tests.footage.test_decode import B_FRAMES, VIDEOS

VIDEO = "Collar/a.mp4"


class Reel:
    """Footage of pictures in memory; the name of the media is ``VIDEO``."""

    def __init__(self, images: list[np.ndarray], times: list[int] | None = None):
        self.images, self.times, self.opened = images, times or steady(len(images), 40), 0

    def times_ms(self, media: str) -> list[int]:
        self.opened += 1
        if media != VIDEO:
            raise InputError("file is missing", file=media)
        return self.times

    def pictures(self, media: str, times_ms: list[int]):
        for time in times_ms:
            yield time, self.images[self.times.index(time)]


def frames_of(times: list[int], media: str = VIDEO):
    return world.frames(*(world.frame(media, time, *SIZE) for time in times))


def export(
    folder: Path, shown: dict[int, np.ndarray] | None, numbers: list[int], quality: int = 80
) -> list[ImageLabels]:
    """Images of a tool that counts frames, with the pictures that it shows for their numbers."""
    found = []
    for number in numbers:
        path = None
        if shown is not None:
            path = folder / f"{number}.jpg"
            cv2.imwrite(str(path), shown[number], [cv2.IMWRITE_JPEG_QUALITY, quality])
        found.append(
            ImageLabels(VIDEO, *SIZE, file=folder / "ana.xml", place="line 1", number=number, picture=path)
        )
    return found


def place(images: list[ImageLabels], reel: Reel, policy: str = "apply", sampled: list[int] | None = None):
    resolver = Resolver(frames_of(sampled or reel.times), endings=True)
    return locate({"ana": images}, {"ana": resolver}, reel, policy)


@pytest.mark.parametrize("offset", [-2, -1, 0, 1, 2, 3])
def test_a_planted_offset_is_found_and_applied(tmp_path, offset):
    reel = Reel([picture(number) for number in range(90)], irregular(90, 4))
    numbers = list(range(5, 85, 4))
    shown = {number: picture(number + offset) for number in numbers}
    located = place(export(tmp_path, shown, numbers), reel)
    assert [one.time_ms for one in located.places["ana"]] == [reel.times[n + offset] for n in numbers]
    (entry,) = located.numbering
    assert (entry["offset"], entry["fits"], entry["pictures"]) == (offset, 20, 20)
    assert entry["verdict"] == ("shifted" if offset else "confirmed")
    assert entry["second_fits"] < 5
    assert entry["ratio"] < 0.5
    said = f"off by {offset:+d} and have been corrected (20 of 20 pictures say so)"
    assert [said in text for text in located.warnings] == ([True] if offset else [])
    if offset:
        with pytest.raises(InputError, match=r"frames of 'Collar/a.mp4'.*off by .* \(20 of 20 pictures"):
            place(export(tmp_path, shown, numbers), reel, "stop")


@pytest.mark.parametrize("dropped", [12, 45, 70])
def test_a_frame_dropped_in_between_stops_the_import(tmp_path, dropped):
    reel = Reel([picture(number) for number in range(90)])
    numbers = list(range(2, 82, 4))
    shown = {number: picture(number + (number >= dropped)) for number in numbers}
    with pytest.raises(InputError, match=r"off by \+0 at first and by \+1 later: a decoder dropped or"):
        place(export(tmp_path, shown, numbers), reel)


def test_a_frame_doubled_in_between_stops_the_import(tmp_path):
    reel = Reel([picture(number) for number in range(90)])
    shown = {number: picture(number - 2 * (number > 50) + 1) for number in (10, 20, 60, 80)}
    with pytest.raises(InputError, match=r"\+1 at first and by -1 later"):
        place(export(tmp_path, shown, [10, 20, 60, 80]), reel)


def test_a_static_film_is_unclear(tmp_path):
    rng = np.random.default_rng(0)
    still = picture(3).astype(int)
    noisy = [np.clip(still + rng.normal(0, 1.5, still.shape), 0, 255).astype(np.uint8) for _ in range(80)]
    numbers = list(range(30, 50))
    located = place(export(tmp_path, {n: noisy[n] for n in numbers}, numbers, 60), Reel(noisy))
    assert located.numbering[0]["verdict"] == "unclear"
    assert located.numbering[0]["offset"] == 0
    assert "cannot be checked" in located.warnings[0]


def test_a_scene_that_moves_at_times_is_clear(tmp_path):
    # Nothing moves but between the frames 40 and 46: most pictures say nothing, three decide.
    still = [picture(min(max(number, 40), 46)) for number in range(90)]
    reel = Reel(still)
    numbers = [5, 12, 20, 30, 39, 42, 44, 46, 60, 70, 80]
    located = place(export(tmp_path, {n: still[n + 1] for n in numbers}, numbers), reel)
    assert (located.numbering[0]["verdict"], located.numbering[0]["offset"]) == ("shifted", 1)


def test_pictures_of_another_video_fit_nowhere(tmp_path):
    reel = Reel([picture(number) for number in range(90)])
    shown = {number: picture(number)[:, ::-1] for number in range(10, 80, 7)}
    with pytest.raises(InputError, match=r"fit our frames at no offset up to 30 .*Is it the same video"):
        place(export(tmp_path, shown, sorted(shown)), reel)


def test_motion_that_excludes_zero_and_no_more_stops(tmp_path):
    # From frame 40 on the picture stands: a picture of then, numbered before, fits many offsets but not 0.
    reel = Reel([picture(min(number, 40)) for number in range(90)])
    with pytest.raises(InputError, match=r"the numbers are off, by \+5 to \+30 frames \(1 pictures"):
        place(export(tmp_path, {35: picture(40)}, [35]), reel)


def test_one_stranger_among_the_pictures_does_not_decide(tmp_path):
    reel = Reel([picture(number) for number in range(90)])
    shown = {number: picture(number) for number in range(4, 84, 4)}
    shown[40] = picture(41)
    located = place(export(tmp_path, shown, sorted(shown)), reel)
    assert (located.numbering[0]["verdict"], located.numbering[0]["fits"]) == ("confirmed", 19)


def test_numbers_beyond_the_video_are_set_aside(tmp_path):
    reel = Reel([picture(number) for number in range(20)])
    located = place(export(tmp_path, None, [0, 19, 20, -1]), reel, sampled=[0, 40])
    found = located.places["ana"]
    assert [one.frame_id is not None for one in found[:2]] == [True, False]
    assert found[2] == Problem("no_such_frame", "frame 20 of 'Collar/a.mp4', which has 20 frames here")
    assert found[3].kind == "no_such_frame"
    assert located.numbering[0]["verdict"] == "unchecked"
    assert "the frame numbers of 'Collar/a.mp4' rest on trust" in located.warnings[0]


META = (
    "<meta>{before}<{scope}><size>{size}</size><start_frame>{start}</start_frame>"
    "<stop_frame>{stop}</stop_frame><frame_filter>{filter}</frame_filter></{scope}>{after}</meta>"
)


def with_meta(file: Path, *images: str, **values: object) -> Path:
    world.cvat(file, *images)
    text = META.format(
        **{
            "scope": "task",
            "size": 9,
            "start": 0,
            "stop": 8,
            "filter": "",
            "before": "",
            "after": "",
            **values,
        }
    )
    file.write_text(file.read_text().replace("</version>", f"</version>{text}"))
    return file


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"after": "<source>a.mp4</source>"}, ("a.mp4", 9, True)),
        ({"after": "<source>C:\\clips\\a.mp4</source>", "filter": "step=5"}, ("a.mp4", 9, False)),
        ({"scope": "job", "start": 4}, ("", 9, False)),
        ({"stop": "x"}, ("", None, True)),
    ],
)
def test_what_an_export_announces(tmp_path, values, expected):
    assert announced(with_meta(tmp_path / "ana.xml", world.image("frame_000001"), **values)) == expected


def test_a_project_of_several_tasks_announces_nothing(tmp_path):
    tasks = "<task><source>a.mp4</source><stop_frame>8</stop_frame></task>" * 2
    file = tmp_path / "ana.xml"
    file.write_text(f"<annotations><meta><project><tasks>{tasks}</tasks></project></meta></annotations>")
    assert announced(file) == ("", None, False)
    file.write_text(
        file.read_text().replace("</task><task>", "</task><!--").replace("</task></tasks>", "--></tasks>")
    )
    assert announced(file) == ("a.mp4", 9, False)


def test_no_head_no_announcement(tmp_path):
    (tmp_path / "bad.xml").write_text("<annotations><meta>")
    (tmp_path / "evil.xml").write_text(
        "<!DOCTYPE a [<!ENTITY b 'c'>]><annotations><meta><task/></meta></annotations>"
    )
    for name in ("bad.xml", "evil.xml", "gone.xml", "ana.json"):
        assert announced(tmp_path / name) == ("", None, False)


OTHER = "Cuffs/b.mp4"


@pytest.mark.parametrize(
    ("file", "name", "source", "media"),
    [
        ("ana.xml", "frame_000003", VIDEO, VIDEO),
        ("ana.xml", "frame_000003.PNG", "b.mp4", OTHER),
        ("ana.xml", "a.mp4/frame_000003.PNG", "", VIDEO),
        ("ana.xml", "Cuffs/b/frame_000003", "", OTHER),
        ("b.xml", "frame_000003", "", OTHER),
        ("ana.xml", "frame_000003", "", None),
        ("ana.xml", "frame_000003", "c.mp4", None),
        ("ana.xml", "frame_03", "a.mp4", None),
    ],
)
def test_the_video_is_named_in_the_name_the_head_or_the_file(tmp_path, file, name, source, media):
    times = steady(5, 40)
    frames = world.frames(*(world.frame(one, time) for one in (VIDEO, OTHER) for time in times))
    path = with_meta(tmp_path / file, world.image(name), after=f"<source>{source}</source>" if source else "")
    reel = Reel([picture(0)] * 5, times)
    reel.times_ms = lambda media: times
    labels = [ImageLabels(name, 100, 80, file=path)]
    (found,) = locate({"x": labels}, {"x": Resolver(frames, endings=True)}, reel, "apply").places["x"]
    if media is None:
        assert found.kind in {"unknown_video", "unknown_image"}
        assert ("c.mp4" in found.reason) == (source == "c.mp4")
    else:
        assert found.key == (media, 120)


def test_the_only_video_needs_no_name(tmp_path):
    labels = [ImageLabels("frame_000002", *SIZE, file=tmp_path / "ana.xml")]
    located = place(labels, Reel([picture(n) for n in range(4)]))
    assert located.places["ana"][0].key == (VIDEO, 80)


def test_two_videos_of_one_name_are_told(tmp_path):
    frames = world.frames(*(world.frame(f"{one}/a.mp4", time) for one in "xy" for time in (0, 40)))
    labels = [ImageLabels("a.mp4", 100, 80, file=tmp_path / "ana.xml", place="line 3", number=1)]
    with pytest.raises(InputError, match=r"ana.xml: line 3: 'a.mp4' is 'x/a.mp4' or 'y/a.mp4'"):
        locate({"x": labels}, {"x": Resolver(frames, endings=True)}, Reel([]), "apply")


def test_without_footage_numbers_mean_nothing(tmp_path):
    resolver = Resolver(frames_of([0, 40]), endings=True)
    with pytest.raises(InputError, match=r"frames of 'Collar/a.mp4' are counted, and there is no footage"):
        locate({"x": export(tmp_path, None, [1])}, {"x": resolver}, None, "apply")


def test_the_tool_counts_other_frames_than_we_do(tmp_path):
    file = with_meta(
        tmp_path / "ana.xml", world.image("frame_000001"), stop=1078, after="<source>a.mp4</source>"
    )
    labels = [ImageLabels("frame_000001", *SIZE, file=file)]
    located = place(labels, Reel([picture(n % 900) for n in range(959)]))
    assert (located.numbering[0]["tool_frames"], located.numbering[0]["our_frames"]) == (1079, 959)
    assert "the tool counts 1079 frames in 'Collar/a.mp4', here are 959" in located.warnings[1]


def test_moments_between_frames_are_those_of_the_frame_then_shown():
    # 29.97 frames a second: 33 ms, 67 ms, 100 ms; an export that asked for 1000 ms shows the frame of 968 ms.
    times = [round(n * 1001 / 30) for n in range(60)]
    reel = Reel([picture(0)] * 60, times)
    sampled = [times[29], times[45]]
    names = {
        "1000": times[29],
        "1001": times[30],
        "1510": times[45],
        "0": 0,
        "34": 33,
        str(times[45]): times[45],
    }
    labels = [ImageLabels(f"{VIDEO}/{name}.jpg", *SIZE) for name in names]
    located = place(labels, reel, sampled=sampled)
    assert [one.time_ms for one in located.places["ana"]] == list(names.values())
    assert [one.frame_id is not None for one in located.places["ana"]] == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]
    late = place([ImageLabels(f"{VIDEO}/9000.jpg", *SIZE)], reel, sampled=sampled).places["ana"][0]
    assert late.kind == "no_such_frame"
    assert "its last frame is at 1969 ms" in late.reason


def test_footage_stays_shut_where_every_name_is_a_frame():
    reel = Reel([picture(0)] * 3)
    place([ImageLabels(f"{VIDEO}/{time}.jpg", *SIZE) for time in reel.times], reel)
    assert reel.opened == 0


def test_moments_of_footage_that_is_gone_stay_as_named(tmp_path):
    frames = frames_of([0, 40], "Collar/gone.mp4")
    labels = [ImageLabels("Collar/gone.mp4/41.jpg", *SIZE), ImageLabels("Collar/gone.mp4/42.jpg", *SIZE)]
    located = locate({"x": labels}, {"x": Resolver(frames, endings=True)}, Reel([]), "apply")
    assert [one.time_ms for one in located.places["x"]] == [41, 42]
    assert located.warnings == [
        "moments of 'Collar/gone.mp4' that were not sampled stay as named: file is missing"
    ]


def test_pictures_of_photos_are_compared(tmp_path):
    rng = np.random.default_rng(1)
    photos = {
        f"photos/{n}.png": cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (160, 64)) for n in range(3)
    }
    media, labels = [], []
    for number, (name, image) in enumerate(photos.items()):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(file), image)
        media.append(Media(name, file, "photo"))
        shown = tmp_path / f"export{number}.jpg"
        cv2.imwrite(str(shown), photos["photos/0.png"] if number == 2 else image)
        labels.append(ImageLabels(name, *SIZE, picture=shown))
    frames = world.frames(*(world.frame(name, 0, *SIZE) for name in photos))
    located = locate({"x": labels}, {"x": Resolver(frames, endings=True)}, ListedFootage(media), "apply")
    assert located.photos["compared"] == 3
    assert [one["media"] for one in located.photos["differ"]] == ["photos/2.png"]
    assert "1 exported pictures do not show the photo of their name" in located.warnings[0]


def test_an_export_of_a_film_comes_in_by_its_frame_numbers(tmp_path):
    """A variable rate, B-frames, a late start and a tool that skips the first two frames: all at once."""
    times = irregular(60, 9, start_ms=400)
    file = film(tmp_path / "footage" / "a.mp4", times, options=B_FRAMES)
    ours = [time - times[0] for time in times]
    annotations, numbers = tmp_path / "annotations", list(range(3, 53, 5))
    shapes = [
        world.image(f"frame_{n:06d}", world.box(n, 1, n + 20, 20), width=SIZE[0], height=SIZE[1])
        for n in numbers
    ]
    with_meta(annotations / "ana.xml", *shapes, stop=57, after="<source>a.mp4</source>")
    (annotations / "images").mkdir()
    with av.open(str(file)) as container:
        decoded = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    for n in numbers:
        cv2.imwrite(str(annotations / "images" / f"frame_{n:06d}.PNG"), decoded[n + 2])
    frames = frames_of([ours[n + 2] for n in numbers[:7]])
    footage = ListedFootage([Media(VIDEO, file, "video")])
    done = import_annotations(annotations, frames, world.params(), footage)
    (entry,) = done.report["numbering"]
    assert (entry["annotator"], entry["media"], entry["verdict"], entry["offset"]) == (
        "ana",
        VIDEO,
        "shifted",
        2,
    )
    assert done.report["images"] == {"read": 10, "sampled": 7, "not_sampled": 3, "set_aside": 0}
    by_id = done.frames.set_index("frame_id")["time_ms"]
    assert [ours[int(x1) + 2] for x1 in done.boxes["x1"]] == by_id[done.boxes["frame_id"]].tolist()
    assert any("counts 58 frames in 'Collar/a.mp4', here are 60" in text for text in done.report["warnings"])


@pytest.mark.parametrize("name", ["people/test_video_structuralize.mp4", "asl_gestures/milk.mkv"])
def test_real_footage_tells_its_frames_apart(name):
    footage = ListedFootage([Media("x", VIDEOS / name, "video")])
    times = footage.times_ms("x")[:120]
    ours = [small(image) for _, _, image in frames_at(VIDEOS / name, times)]
    shown = [image for _, _, image in frames_at(VIDEOS / name, times)]
    for offset in (0, 2):
        numbers = (
            np.linspace(30, len(ours) - 34, 8).round().astype(int) if len(ours) > 70 else [12, 20, 30, 35]
        )
        distances = np.full((len(numbers), 61), np.inf)
        for row, number in enumerate(numbers):
            _, jpeg = cv2.imencode(".jpg", shown[number + offset], [cv2.IMWRITE_JPEG_QUALITY, 60])
            exported = small(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))
            for k in range(-30, 31):
                if 0 <= number + k < len(ours):
                    distances[row, k + 30] = distance(exported, ours[number + k])
        found = align(distances)
        assert (found.verdict, found.offset) == ("shifted" if offset else "confirmed", offset)


def test_a_label_file_per_frame_is_one_video(tmp_path):
    reel = Reel([picture(number) for number in range(60)])
    folder = world.yolo(tmp_path / "set", {f"frame_{n:06d}": "0 0.5 0.5 0.2 0.4" for n in (3, 9, 30)})
    frames = frames_of(reel.times)
    done = import_annotations(folder, frames, world.params(format="yolo"), reel)
    (entry,) = done.report["numbering"]
    assert (entry["images"], entry["file"]) == (3, (folder / "labels").as_posix())
    by_id = frames.set_index("frame_id")["time_ms"]
    assert sorted(by_id[done.boxes["frame_id"]]) == [reel.times[n] for n in (3, 9, 30)]


def shifted_export(tmp_path, reel, numbers):
    """Write a packed export of three frames, with pictures of those numbers that show the next frame."""
    images = [world.image(f"frame_{n:06d}", width=SIZE[0], height=SIZE[1]) for n in (10, 20, 30)]
    file = with_meta(tmp_path / "a.xml", *images, stop=59)
    with zipfile.ZipFile(tmp_path / "ana.zip", "w") as archive:
        archive.writestr("annotations.xml", file.read_bytes())
        for number in numbers:
            _, png = cv2.imencode(".png", picture(number + 1))
            archive.writestr(f"images/frame_{number:06d}.PNG", png.tobytes())
    file.unlink()
    return tmp_path / "ana.zip"


def test_a_packed_export_is_read_where_it_lies(tmp_path):
    reel = Reel([picture(number) for number in range(60)])
    packed = shifted_export(tmp_path, reel, (10, 20, 30))
    done = import_annotations(tmp_path, frames_of(reel.times), world.params(), reel)
    (entry,) = done.report["numbering"]
    assert entry["file"] == (packed / "annotations.xml").as_posix()
    assert (entry["verdict"], entry["offset"], entry["tool_frames"]) == ("shifted", 1, 60)
    shown = done.frames.loc[done.frames["annotated"], "time_ms"].tolist()
    assert shown == [reel.times[n] for n in (11, 21, 31)]


@pytest.mark.parametrize("numbers", [(10,), (10, 30)])
def test_one_or_two_pictures_prove_no_offset(tmp_path, numbers):
    reel = Reel([picture(number) for number in range(60)])
    shifted_export(tmp_path, reel, numbers)
    with pytest.raises(InputError, match=r"off, by \+1 frames .*Export more pictures"):
        import_annotations(tmp_path, frames_of(reel.times), world.params(), reel)
