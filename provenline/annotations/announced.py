"""What a CVAT export says about the video whose frames it counts: its name, and how many there are."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from provenline.annotations.archives import opened


class Announced(NamedTuple):
    """The head of an export of one video.

    Attributes:
        video: File name of the video, "" where the export does not name it.
        frames: How many frames the tool found, None where the export does not say; a lower bound
            where only a part of the video was annotated.
        whole: Whether all of the video was annotated, so that ``frames`` is no lower bound.
    """

    video: str = ""
    frames: int | None = None
    whole: bool = False


NOTHING = Announced()


def announced(file: Path) -> Announced:
    """Read the head of a CVAT export.

    Args:
        file: Any file, also one in an archive. What is no XML with such a head says nothing; whether it
            is a good export is for the reader of its format to check.
    """
    if file.suffix.lower() != ".xml":
        return NOTHING
    try:
        with opened(file) as stream:
            for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
                if event == "end" and element.tag == "meta":
                    return _head(element)
                if event == "start" and element.tag in ("image", "track"):
                    break
    except (OSError, ParseError, DefusedXmlException, LookupError, ValueError):
        pass
    return NOTHING


def _head(meta: Element) -> Announced:
    # A project of several tasks counts the frames of each from 0: its head speaks of no one video.
    scopes = [*meta.findall("task"), *meta.findall("job"), *meta.findall("project/tasks/task")]
    if len(scopes) != 1:
        return NOTHING
    scope = scopes[0]
    source = meta.findtext("source") or scope.findtext("source") or ""
    stop = scope.findtext("stop_frame") or ""
    filtered = bool((scope.findtext("frame_filter") or "").strip())
    whole = scope.tag == "task" and scope.findtext("start_frame") == "0" and not filtered
    return Announced(
        video=PurePosixPath(source.strip().replace("\\", "/")).name,
        frames=int(stop) + 1 if stop.strip().isdecimal() else None,
        whole=whole,
    )
