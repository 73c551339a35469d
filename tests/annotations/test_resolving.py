from __future__ import annotations

import unicodedata

import pytest

from provenline.annotations.resolving import Resolver
from provenline.errors import InputError
from tests.annotations import world

VIDEO = "Cuello/unión.mp4"


@pytest.fixture
def frames():
    return world.frames(
        world.frame(VIDEO, 1000, group="g"),
        world.frame(VIDEO, 1500, group="g"),
        world.frame("photos/wide.jpg", group=""),
        world.frame("a/same.jpg"),
        world.frame("b/same.jpg"),
        world.frame("b/same.png"),
    )


@pytest.mark.parametrize(
    ("name", "media", "time_ms", "sampled"),
    [
        (f"{world.sha(VIDEO)[:12]}_000001000.jpg", VIDEO, 1000, True),
        (f"any/folder/{world.sha(VIDEO)[:12]}_000001000.png", VIDEO, 1000, True),
        (f"{world.sha(VIDEO)[:12]}_000009999.jpg", VIDEO, 9999, False),
        (f"{VIDEO}/1500.jpg", VIDEO, 1500, True),
        (f"{VIDEO}/000001500.jpg", VIDEO, 1500, True),
        (f"{VIDEO}/000001501.jpg", VIDEO, 1501, False),
        (unicodedata.normalize("NFD", f"{VIDEO}/1000.jpg"), VIDEO, 1000, True),
        ("photos/wide.jpg", "photos/wide.jpg", 0, True),
        ("upload/wide.jpg", "photos/wide.jpg", 0, True),
        ("wide.jpg", "photos/wide.jpg", 0, True),
        ("a/same.jpg", "a/same.jpg", 0, True),
    ],
)
def test_names_find_their_frames(frames, name, media, time_ms, sampled):
    found = Resolver(frames, endings=True).find(name)
    assert found.key == (media, time_ms)
    assert (found.frame_id is not None) == sampled
    if sampled:
        assert found.frame_id == f"{world.sha(media)[:12]}_{time_ms:09d}"
    assert found.group == ("g" if media == VIDEO else media)


@pytest.mark.parametrize(
    "name", ["nobody.jpg", "other.mp4/1000.jpg", VIDEO, f"{VIDEO}/first.jpg", f"{'0' * 12}_000001000.jpg", ""]
)
def test_unknown_images(frames, name):
    assert Resolver(frames, endings=True).find(name) is None


def test_an_ambiguous_basename_names_both(frames):
    with pytest.raises(InputError, match=r"'a/same.jpg' or 'b/same.jpg'"):
        Resolver(frames, endings=True).find("same.jpg")


def test_without_endings(frames):
    resolver = Resolver(frames, endings=False)
    assert resolver.find("wide").media == "photos/wide.jpg"
    assert resolver.find("train/wide").media == "photos/wide.jpg"
    assert resolver.find("a/same").media == "a/same.jpg"
    assert resolver.find(f"{VIDEO}/000001500").key == (VIDEO, 1500)
    assert resolver.find("wide.jpg") is None
    with pytest.raises(InputError, match=r"'a/same.jpg' or 'b/same.jpg'"):
        resolver.find("same")
    with pytest.raises(InputError, match=r"'b/same.jpg' or 'b/same.png'"):
        resolver.find("b/same")


@pytest.mark.parametrize(
    ("name", "media"),
    [
        (VIDEO, VIDEO),
        ("unión.mp4", VIDEO),
        (unicodedata.normalize("NFD", "unión"), VIDEO),
        ("upload/unión.mp4", VIDEO),
        ("Cuello/unión", VIDEO),
        ("photos/wide.jpg", "photos/wide.jpg"),
        ("nobody.mp4", None),
        ("", None),
    ],
)
def test_videos_by_name(frames, name, media):
    assert Resolver(frames, endings=True).video(name) == media


def test_two_videos_of_one_name():
    frames = world.frames(*(world.frame(f"{day}/a.mp4", time) for day in "xy" for time in (0, 40)))
    resolver = Resolver(frames, endings=True)
    assert resolver.video("x/a") == "x/a.mp4"
    assert resolver.only_video() is None
    with pytest.raises(InputError, match=r"'a' is 'x/a.mp4' or 'y/a.mp4'.*Name the video by its path"):
        resolver.video("a")


def test_the_only_video_and_photos(frames):
    resolver = Resolver(frames, endings=True)
    assert resolver.only_video() == VIDEO
    assert [resolver.is_photo(media) for media in (VIDEO, "a/same.jpg")] == [False, True]
