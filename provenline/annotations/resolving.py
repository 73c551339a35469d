"""Which frame an image of an export is."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import pandas as pd

from provenline.errors import InputError

_FRAME_ID = re.compile(r"([0-9a-f]{12})_(\d{9,15})")


class Problem(NamedTuple):
    """Why an image or an object is set aside.

    Attributes:
        kind: In a word, for counting.
        reason: In a sentence, for a person.
    """

    kind: str
    reason: str


@dataclass(frozen=True)
class Resolved:
    """An image of known media.

    Attributes:
        media: Name of the media.
        time_ms: Presentation time that the image shows.
        frame_id: Of the frame at that time; None where it was not sampled.
        width: Of the media's frames, in pixels.
        height: Likewise.
        group: Of the media; its name where the Frames table has none.
    """

    media: str
    time_ms: int
    frame_id: str | None
    width: int
    height: int
    group: str

    @property
    def key(self) -> tuple[str, int]:
        """What identifies the image across exports that name it differently."""
        return self.media, self.time_ms


class Resolver:
    """Resolves the names of an export's images against the Frames table.

    In this order: (1) the stem is a frame_id; (2) the parent path is a media name and the stem a
    time in milliseconds; (3) the name, else its basename, is the name of a photo. Unicode forms
    (accents typed as one character or as two) do not matter.

    Args:
        frames: Frames table.
        endings: Whether names carry the image's ending. Label files of YOLO do not.
    """

    def __init__(self, frames: pd.DataFrame, *, endings: bool) -> None:
        self._endings = endings
        self._media: dict[str, tuple[str, int, int, str]] = {}
        self._ids: dict[tuple[str, int], str] = {}
        self._by_hash: dict[str, str] = {}
        self._photos: dict[str, set[str]] = defaultdict(set)
        columns = ["frame_id", "media", "media_sha256", "time_ms", "width", "height", "group"]
        for frame_id, media, sha256, time_ms, width, height, group in frames[columns].itertuples(index=False):
            self._media.setdefault(_plain(media), (media, int(width), int(height), group or media))
            self._ids[media, int(time_ms)] = frame_id
            self._by_hash.setdefault(sha256[:12], media)
        longest = frames.groupby("media")["time_ms"].max()
        for media in longest.index[longest == 0]:
            whole = PurePosixPath(self._photo_key(_plain(media)))
            # A set of media per key: with endings dropped, even whole names can be ambiguous.
            for key in {whole.as_posix(), whole.name}:
                self._photos[key].add(media)
        self._moving = set(longest.index[longest > 0])
        self._videos: dict[str, set[str]] = defaultdict(set)
        for media in self._moving:
            path = PurePosixPath(_plain(media))
            for key in {path.as_posix(), path.with_suffix("").as_posix(), path.name, path.stem}:
                self._videos[key].add(media)

    def find(self, name: str) -> Resolved | None:
        """Return the image behind a name, None where its media is unknown.

        Raises:
            InputError: The basename belongs to several photos.
        """
        name = _plain(name)
        path = PurePosixPath(name)
        stem = path.stem if self._endings else path.name
        if match := _FRAME_ID.fullmatch(stem):
            media = self._by_hash.get(match[1])
            if media is not None:
                return self.at(media, int(match[2]))
        parent = path.parent.as_posix()
        if parent in self._media and re.fullmatch(r"[0-9]{1,15}", stem):
            return self.at(self._media[parent][0], int(stem))
        photo = self._photo(name, path.name)
        return None if photo is None else self.at(photo, 0)

    def at(self, media: str, time_ms: int) -> Resolved:
        """Return the image that a media of the Frames table shows at a time."""
        _, width, height, group = self._media[_plain(media)]
        return Resolved(media, time_ms, self._ids.get((media, time_ms)), width, height, group)

    def video(self, name: str) -> str | None:
        """Return the media of a video's name: as it is called here, or its file name, with ending or without.

        Raises:
            InputError: The name belongs to several.
        """
        name = _plain(name)
        if name in self._media:
            return self._media[name][0]
        basename = PurePosixPath(name).name
        by_key = (self._videos.get(name), self._videos.get(basename), self._photos.get(basename))
        found = sorted(next(filter(None, by_key), ()))
        if len(found) > 1:
            both = f"'{found[0]}' or '{found[1]}'"
            raise InputError(f"'{name}' is {both}", mend="Name the video by its path under the footage")
        return found[0] if found else None

    def only_video(self) -> str | None:
        """Return the one video that was sampled, None where there are several or none."""
        return next(iter(self._moving)) if len(self._moving) == 1 else None

    def is_photo(self, media: str) -> bool:
        """Return whether nothing but a media's beginning was sampled, as of every photo."""
        return media not in self._moving

    def _photo(self, name: str, basename: str) -> str | None:
        for key in (name, basename):
            found = sorted(self._photos.get(key, ()))
            exact = [media for media in found if self._photo_key(_plain(media)) == key]
            if len(exact) == 1:
                return exact[0]
            if len(found) > 1:
                both = f"'{found[0]}' or '{found[1]}'"
                raise InputError(f"'{name}' is {both}", mend="Name the image by its path under the footage")
            if found:
                return found[0]
        return None

    def _photo_key(self, media: str) -> str:
        return media if self._endings else PurePosixPath(media).with_suffix("").as_posix()


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)
