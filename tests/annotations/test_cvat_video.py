from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from provenline.annotations import cvat_video
from provenline.errors import InputError
from tests.annotations import world


def row(frame, *box, keyframe=1, outside=0, inner="", **extra):
    more = "".join(f' {name}="{value}"' for name, value in extra.items())
    sides = " ".join(f'{n}="{v}"' for n, v in zip(("xtl", "ytl", "xbr", "ybr"), box, strict=True))
    return f'<box frame="{frame}" keyframe="{keyframe}" outside="{outside}" {sides}{more}>{inner}</box>'


def track(*rows, label="person"):
    return f'<track id="7" label="{label}">\n' + "\n".join(rows) + "\n</track>"


def export(path, *tracks, scope="task", first=0, last=9, step="", source="sub/a.mp4", size=(100, 80)):
    path.write_text(
        f"<annotations><meta><{scope}><start_frame>{first}</start_frame><stop_frame>{last}</stop_frame>"
        f"<frame_filter>{step}</frame_filter></{scope}><source>{source}</source>"
        f"<original_size><width>{size[0]}</width><height>{size[1]}</height></original_size></meta>\n"
        + "\n".join(tracks)
        + "</annotations>"
    )
    return path


def boxes(images):
    return {one.number: [thing.box for thing in one.objects] for one in images}


def test_frames_without_a_box_are_frames_without_an_object(tmp_path):
    images = cvat_video.read(
        export(tmp_path / "a.xml", track(row(2, 1, 2, 30, 40), row(3, 0, 0, 1, 1, outside=1)))
    )
    assert [one.number for one in images] == list(range(10))
    assert {(one.name, one.width, one.height) for one in images} == {("a.mp4", 100, 80)}
    found = boxes(images)
    assert found.pop(2) == [(1, 2, 30, 40)]
    assert not any(found.values())


def test_rows_that_are_missing_are_interpolated_until_outside(tmp_path):
    attribute = world.attribute("pose", "bent")
    rows = (
        row(0, 0, 0, 10, 10, inner=attribute, occluded=1),
        row(4, 8, 4, 22, 18),
        row(6, 8, 4, 22, 18, outside=1),
        row(8, 0, 0, 10, 10),
    )
    images = cvat_video.read(export(tmp_path / "a.xml", track(*rows)))
    found = boxes(images)
    assert found[1] == [(2, 1, 13, 12)]
    assert found[2] == [(4, 2, 16, 14)]
    assert found[5] == [(8, 4, 22, 18)]
    assert found[6] == found[7] == []
    assert found[8] == [(0, 0, 10, 10)]
    assert found[9] == []
    said = [one.objects[0].attributes for one in images[:6]]
    assert all(one["pose"] == "bent" for one in said)
    assert [one["occluded"] for one in said] == ["true"] * 4 + ["false"] * 2


def test_rotation_takes_the_shorter_arc(tmp_path):
    rows = (row(0, 10, 10, 30, 20, rotation="350"), row(2, 10, 10, 30, 20, rotation="10"))
    images = cvat_video.read(export(tmp_path / "a.xml", track(*rows)))
    assert boxes(images)[1] == [(10, 10, 30, 20)]
    assert images[0].objects[0].polygon is not None


def test_frame_numbers_are_those_of_the_source(tmp_path):
    rows = (row(100, 0, 0, 10, 10), row(106, 6, 0, 16, 10), row(112, 6, 0, 16, 10, outside=1))
    file = export(tmp_path / "a.xml", track(*rows), first=100, last=113, step="step=3", scope="job")
    found = boxes(cvat_video.read(file))
    assert list(found) == [100, 103, 106, 109, 112]
    assert found[103] == [(3, 0, 13, 10)]
    assert found[109] == [(6, 0, 16, 10)]
    assert found[112] == []


def test_what_cannot_be_read_is_named(tmp_path):
    polygon = '<polygon frame="{}" keyframe="1" outside="0" points="1,1;9,1;9,9"/>'
    file = export(
        tmp_path / "a.xml",
        track(row(1, 1, "x", 3, 4), row(40, 1, 2, 3, 4)),
        track(polygon.format(2), polygon.format(4), row(5, 0, 0, 1, 1, outside=1), label="sign"),
        track('<points frame="3" outside="0" points="1,1"/>'),
    )
    images = cvat_video.read(file)
    bad = {(one.number, shape.label): shape.reason for one in images for shape in one.bad}
    assert "could not convert" in bad[1, "person"]
    assert "frame 40 is none of those" in bad[0, "person"]
    assert "no row between two keyframes, at frame 3" in bad[3, "sign"]
    assert dict(images[3].skipped) == {"points": 1}
    assert [one.number for one in images if one.objects] == [2, 4]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<annotations><image/></annotations>", "CVAT for images"),
        ("<annotations/>", "does not say which frames"),
        ("<annotations><track><box/></track></annotations>", "without a frame number"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><annotations/>", "declares a document type"),
        ("<html/>", "not a CVAT export"),
    ],
)
def test_what_is_no_export(tmp_path, text, what):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(InputError, match=what):
        cvat_video.read(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"last": 10**12}, "claims"),
        ({"last": -1}, "claims frames 0 to -1"),
        ({"step": "every=2"}, "not of the form step=N"),
        ({"step": "step=0"}, "not of the form step=N"),
        ({"size": ("", 80)}, "does not say"),
    ],
)
def test_broken_heads(tmp_path, changes, what):
    with pytest.raises(InputError, match=what):
        cvat_video.read(export(tmp_path / "a.xml", **changes))


def test_a_real_export_against_elementtree():
    file = world.SHARED / "cvat_video_tracks_xml_only" / "annotations.xml"
    images = cvat_video.read(file)
    tracks = list(ET.parse(file).getroot().iter("track"))
    expected = Counter(
        (int(one.get("frame")), track.get("label"), float(one.get("xtl")), float(one.get("ybr")))
        for track in tracks
        for one in track
        if one.get("outside") == "0"
    )
    found = Counter(
        (image.number, one.label, one.box[0], one.box[3]) for image in images for one in image.objects
    )
    assert found == expected
    assert (len(tracks), sum(len(track) for track in tracks)) == (20, 1751)
    assert len(images) == 221
    assert not [one for image in images for one in image.bad]


def test_interpolation_gives_back_the_rows_that_a_tool_interpolated(tmp_path):
    file = world.SHARED / "cvat_video_tracks_xml_only" / "annotations.xml"
    tree = ET.parse(file)
    removed = 0
    for one in tree.getroot().iter("track"):
        for shape in list(one):
            if shape.get("keyframe") == "0":
                one.remove(shape)
                removed += 1
    tree.write(tmp_path / "a.xml")
    assert removed == 10
    full, thinned = boxes(cvat_video.read(file)), boxes(cvat_video.read(tmp_path / "a.xml"))
    for number, expected in full.items():
        for ours, theirs in zip(thinned[number], expected, strict=True):
            assert ours == pytest.approx(theirs, abs=0.011)  # the file has two decimals


def test_a_project_of_several_videos_is_refused_not_laid_over_the_first(tmp_path):
    task = (
        "<task><start_frame>0</start_frame><stop_frame>9</stop_frame><source>a.mp4</source>"
        "<original_size><width>100</width><height>80</height></original_size></task>"
    )
    for tasks in (1, 2):
        text = f"<annotations><meta><project><tasks>{task * tasks}</tasks></project></meta>\n"
        (tmp_path / "a.xml").write_text(text + track(row(0, 1, 2, 30, 40)) + "</annotations>")
        if tasks == 1:
            assert boxes(cvat_video.read(tmp_path / "a.xml"))[0] == [(1, 2, 30, 40)]
    with pytest.raises(InputError, match="a project of 2 tasks"):
        cvat_video.read(tmp_path / "a.xml")


def test_a_step_of_thousands_of_digits(tmp_path):
    with pytest.raises(InputError, match="not of the form"):
        cvat_video.read(export(tmp_path / "a.xml", step=f"step={'9' * 5000}"))
