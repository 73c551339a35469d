"""Which moment of which media every image of an export shows.

CVAT and Label Studio count frames; here a frame is the moment at which it is presented. The n-th
frame in presentation order is the one with number n, unless the pictures that the tool exported
show otherwise: decoders disagree on what counts as a frame, so an offset is looked for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from provenline.annotations.aligning import WINDOW, Alignment
from provenline.annotations.announced import Announced, announced
from provenline.annotations.comparing import Footage, compare, same_photo, spread
from provenline.annotations.model import ImageLabels
from provenline.annotations.resolving import Problem, Resolved, Resolver
from provenline.errors import InputError

# What CVAT calls the frames of a video; the number is that in the video.
_COUNTED = re.compile(r"(?:(?P<video>.+)/)?frame_(?P<number>\d{6,15})(?:\.[A-Za-z]+)?")

OffsetPolicy = Literal["apply", "stop"]
Place = Resolved | Problem


@dataclass(frozen=True)
class Located:
    """Where the images of all exports belong.

    Attributes:
        places: Annotator to what each of the images is, in the order of the export.
        numbering: For the report: one entry per annotator and video whose frames are counted.
        photos: For the report: exported pictures of photos that were compared with ours, and those
            that show something else.
        warnings: What a person should know before trusting the places.
    """

    places: dict[str, list[Place]] = field(default_factory=dict)
    numbering: list[dict[str, Any]] = field(default_factory=list)
    photos: dict[str, Any] = field(default_factory=lambda: {"compared": 0, "differ": []})
    warnings: list[str] = field(default_factory=list)


class _Frame(NamedTuple):
    media: str
    number: int


class _Counted(NamedTuple):
    at: int
    number: int
    image: ImageLabels


def locate(
    exports: Mapping[str, Sequence[ImageLabels]],
    resolvers: Mapping[str, Resolver],
    footage: Footage | None,
    offset: OffsetPolicy,
) -> Located:
    """Find the moment that each image shows.

    Args:
        exports: Annotator to images.
        resolvers: Annotator to what knows the names in that export.
        footage: Opened only where frames are counted, where a moment was not sampled, and for the
            exported pictures of photos. None where there is none to look at.
        offset: What happens where the pictures show that the tool's numbers are off: the offset is
            applied, with a warning, or the import stops.

    Raises:
        InputError: A name is ambiguous; frames are counted and the footage cannot be read; the offset
            changes along a video; the pictures fit at no offset, or at several but not at 0; numbers
            are off and the policy is to stop.
    """
    located = Located()
    heads: dict[Path, Announced] = {}
    for annotator, images in exports.items():
        resolver = resolvers[annotator]
        places: list[Place] = []
        counted: dict[str, list[_Counted]] = defaultdict(list)
        for index, image in enumerate(images):
            place = _place(image, resolver, heads)
            if isinstance(place, _Frame):
                counted[place.media].append(_Counted(index, place.number, image))
                place = Problem("no_such_frame", "")  # until the frames are counted
            places.append(place)
        for media, group in counted.items():
            if footage is None:
                what = f"frames of '{media}' are counted, and there is no footage to count them in"
                raise InputError(what, file=group[0].image.file)
            head = max((heads[one.image.file] for one in group), key=lambda one: one.frames or 0)
            entry = _number(media, group, places, resolver, footage, offset, head)
            located.numbering.append({"annotator": annotator, "media": media, **entry})
        if footage is not None:
            _snap(located, places, resolver, footage)
            _compare_photos(located, images, places, resolver, footage)
        located.places[annotator] = places
    located.warnings.extend(_warnings(located))
    return located


def _place(image: ImageLabels, resolver: Resolver, heads: dict[Path, Announced]) -> Place | _Frame:
    """Return what an image's name says it is: a moment, or a media and the number of a frame."""
    try:
        found = resolver.find(image.name) if image.number is None else None
        if found is not None:
            return found
        number, names = _count(image)
        if number is None:
            return Problem("unknown_image", "unknown image: no media of that name")
        if image.file not in heads:
            heads[image.file] = announced(image.file)
        names = [*names, heads[image.file].video, image.file.stem]
        media = next(filter(None, map(resolver.video, filter(None, names))), None)
    except InputError as error:
        raise InputError(error.what, file=image.file, place=image.place or None, mend=error.mend) from None
    # A video that the export names and nobody knows is not the only one there is.
    named = names[0] if image.number is not None else heads[image.file].video
    media = media or (None if named else resolver.only_video())
    if media is None:
        said = f"'{named}'" if named else "a video that the export does not name"
        return Problem("unknown_video", f"frame {number} of {said}: no media of that name was sampled")
    return _Frame(media, number)


def _count(image: ImageLabels) -> tuple[int | None, list[str]]:
    """Return the number of an image's frame, and the names by which the image itself calls its video."""
    if image.number is not None:
        return image.number, [image.name]
    match = _COUNTED.fullmatch(image.name)
    if match is None:
        return None, []
    return int(match["number"]), [match["video"] or ""]


def _number(
    media: str,
    group: list[_Counted],
    places: list[Place],
    resolver: Resolver,
    footage: Footage,
    policy: OffsetPolicy,
    head: Announced,
) -> dict[str, Any]:
    """Put the frames of one video at the moments of their numbers; return the report's entry."""
    times = footage.times_ms(media)
    exported = [(one.number, one.image.picture) for one in group if one.image.picture is not None]
    alignment = compare(media, exported, times, footage) if exported else None
    if alignment is not None:
        _refuse(alignment, media, group[0].image.file, policy)
    offset = alignment.offset if alignment else 0
    for at, number, _ in group:
        if 0 <= number + offset < len(times):
            places[at] = resolver.at(media, times[number + offset])
        else:
            what = f"frame {number} of '{media}', which has {len(times)} frames here"
            places[at] = Problem("no_such_frame", what if not offset else f"{what} (offset {offset:+d})")
    unchecked = {"verdict": "unchecked", "offset": 0, "pictures": 0}
    files = sorted({one.image.file for one in group})
    return {
        "file": (files[0] if len(files) == 1 else files[0].parent).as_posix(),
        "images": len(group),
        "our_frames": len(times),
        "tool_frames": head.frames,
        "tool_frames_whole": head.whole,
        **(alignment.to_dict() if alignment else unchecked),
    }


def _refuse(alignment: Alignment, media: str, file: Path, policy: OffsetPolicy) -> None:
    place, checked = f"frames of '{media}'", f"{alignment.pictures} pictures were compared"
    again = "Annotate the frames that `extract` writes: their names say the moment"
    if alignment.verdict == "changes":
        what = f"the numbers are off by {alignment.offset:+d} at first and by {alignment.later:+d} later"
        raise InputError(
            f"{what}: a decoder dropped or doubled frames ({checked})", file=file, place=place, mend=again
        )
    if alignment.verdict == "differs":
        what = f"the exported pictures fit our frames at no offset up to {WINDOW} ({checked}, "
        what += f"{alignment.fits} fit at {alignment.offset:+d})"
        raise InputError(what, file=file, place=place, mend="Is it the same video? Otherwise: " + again)
    if alignment.verdict == "unclear" and 0 not in alignment.fitting:
        first, last = alignment.fitting[0], alignment.fitting[-1]
        what = f"the numbers are off, by {first:+d}" + (f" to {last:+d}" if last != first else "") + " frames"
        few = "" if last != first else "Export more pictures with the labels: so few prove no offset. Or: "
        raise InputError(f"{what} ({checked})", file=file, place=place, mend=few + again)
    if alignment.verdict == "shifted" and policy == "stop":
        what = f"the numbers are off by {alignment.offset:+d} frames ({alignment.fits} of {checked} say so)"
        mend = "Set annotate_import.offset to apply to correct them"
        raise InputError(what, file=file, place=place, mend=mend)


def _snap(located: Located, places: list[Place], resolver: Resolver, footage: Footage) -> None:
    """Take moments at which no frame begins to the frame that is presented then."""
    closed: set[str] = set()
    for index, place in enumerate(places):
        if isinstance(place, Problem) or place.frame_id is not None or place.media in closed:
            continue
        try:
            times = footage.times_ms(place.media)
        except InputError as error:
            closed.add(place.media)
            located.warnings.append(
                f"moments of '{place.media}' that were not sampled stay as named: {error.what}"
            )
            continue
        last = bisect_right(times, place.time_ms) - 1
        usual = times[-1] // max(1, len(times) - 1)
        if place.time_ms > times[-1] + 2 * usual:
            reason = f"'{place.media}' ends before {place.time_ms} ms (its last frame is at {times[-1]} ms)"
            places[index] = Problem("no_such_frame", reason)
        else:
            places[index] = resolver.at(place.media, times[max(0, last)])


def _compare_photos(
    located: Located, images: Sequence[ImageLabels], places: list[Place], resolver: Resolver, footage: Footage
) -> None:
    pairs = [
        (place.media, image.picture, {"file": image.file.as_posix(), "image": image.name})
        for image, place in zip(images, places, strict=True)
        if image.picture and isinstance(place, Resolved) and resolver.is_photo(place.media)
    ]
    for media, picture, said in spread(pairs):
        same = same_photo(media, picture, footage)
        located.photos["compared"] += same is not None
        if same is False:
            located.photos["differ"].append({**said, "media": media})


def _warnings(located: Located) -> list[str]:
    warnings: list[str] = []
    unchecked = [entry["media"] for entry in located.numbering if entry["verdict"] == "unchecked"]
    if unchecked:
        videos = (
            f"{len(unchecked)} videos, '{unchecked[0]}' first," if len(unchecked) > 1 else f"'{unchecked[0]}'"
        )
        text = f"the frame numbers of {videos} rest on trust: no pictures were exported with the labels"
        warnings.append(text)
    for entry in located.numbering:
        of = f"{entry['annotator']}: the frame numbers of '{entry['media']}'"
        if entry["verdict"] == "shifted":
            said = f"{entry['fits']} of {entry['pictures']} pictures say so"
            warnings.append(f"{of} were off by {entry['offset']:+d} and have been corrected ({said})")
        if entry["verdict"] == "unclear":
            warnings.append(f"{of} cannot be checked: too little moves in the exported pictures")
        count, ours = entry["tool_frames"], entry["our_frames"]
        if count is not None and (count > ours or (entry["tool_frames_whole"] and count != ours)):
            text = (
                f"{entry['annotator']}: the tool counts {count} frames in '{entry['media']}', here are {ours}"
            )
            warnings.append(text)
    if differ := located.photos["differ"]:
        first = f"{differ[0]['image']} is not {differ[0]['media']}"
        warnings.append(f"{len(differ)} exported pictures do not show the photo of their name: {first}")
    return warnings
