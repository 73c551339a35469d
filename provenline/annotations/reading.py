"""Opens the exports of all annotators, whatever their format, packed or not.

Exports of one file (CVAT, COCO, Label Studio) are named after their annotator: ``anna.xml``,
``anna.zip``, or a folder ``anna/`` with the file in it. Those of a folder (YOLO, VOC) are one folder or
archive per annotator; where there is only one annotator, the folder itself may be the export, and the
annotator is then called like the format.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from posixpath import splitext
from typing import NamedTuple

from provenline.annotations import archives, coco, cvat, cvat_video, label_studio, voc, yolo
from provenline.annotations.model import ImageLabels
from provenline.errors import InputError

Exports = dict[str, list[ImageLabels]]

_FILES: Mapping[str, str] = {"cvat": ".xml", "cvat_video": ".xml", "label_studio": ".json", "coco": ".json"}
_READERS: Mapping[str, Callable[[Path], Exports | list[ImageLabels]]] = {
    "cvat": cvat.read,
    "cvat_video": cvat_video.read,
    "label_studio": label_studio.read,
    "coco": coco.read,
}
_FOLDERS = ("images", "JPEGImages", "obj_train_data")
_PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


class _Source(NamedTuple):
    """One export.

    Attributes:
        name: Of the annotator.
        root: The folder that it lies in.
        said: How ``root`` is called in reports: unpacked archives lie elsewhere each time.
        files: Of it, where the format is one of files.
    """

    name: str
    root: Path
    said: Path
    files: Sequence[Path] = ()


@contextmanager
def open_exports(
    folder: Path, kind: str, voc_origin: voc.Origin = 0, only: str = "", passed: list[str] | None = None
) -> Iterator[tuple[Exports, dict[str, list[str]]]]:
    """Read the exports in a folder.

    A Label Studio file may hold the work of several people. Where one does, the annotators of all files
    are called ``annotator_<user number>``; where none does, after their files.

    Args:
        folder: Holds the exports. Not looked at for ``none``.
        kind: ``cvat``, ``cvat_video``, ``label_studio``, ``coco``, ``yolo``, ``voc`` or ``none``.
        voc_origin: See `voc.read`.
        only: Name of the file, archive or folder to read, where there is one of that name: the others
            may be of other formats.
        passed: Gets the names of what lies there and holds nothing of this format.

    Yields:
        Labels per annotator, and images without a label file per annotator where the format has a file
        per image. ``file`` of the labels may lie in an archive (`archives.opened`); ``picture`` is there
        until the block ends.

    Raises:
        InputError: There is no export, two have one name, or one cannot be read.
    """
    if kind == "none":
        yield {}, {}
        return
    with tempfile.TemporaryDirectory(prefix="provenline-") as temporary:
        find = _file_sources if kind in _FILES else _folder_sources
        sources = find(folder, kind, Path(temporary), only)
        if passed is not None:
            passed += _passed_over(_listed(folder, only), folder, sources)
        yield (_read_files(sources, kind), {}) if kind in _FILES else _read_folders(sources, kind, voc_origin)


def _read_files(sources: list[_Source], kind: str) -> Exports:
    found: list[tuple[str, Exports]] = []
    for source in sources:
        merged: Exports = defaultdict(list)
        pictures = _pictures({parent for file in source.files for parent in (file.parent, source.root)})
        for file in source.files:
            with _naming(source):
                images = _READERS[kind](file)
            for name, part in (images if isinstance(images, dict) else {source.name: images}).items():
                merged[name] += [_located(image, source, pictures) for image in part]
        found.append((source.name, merged))
    if all(len(exports) == 1 for _, exports in found):
        return {name: next(iter(exports.values())) for name, exports in found}
    together: Exports = defaultdict(list)
    for _, exports in found:
        for name, images in sorted(exports.items()):
            together[name] += images
    return dict(together)


def _read_folders(
    sources: list[_Source], kind: str, origin: voc.Origin
) -> tuple[Exports, dict[str, list[str]]]:
    exports: Exports = {}
    without: dict[str, list[str]] = {}
    for source in sources:
        pictures = _pictures({source.root})
        with _naming(source):
            images = yolo.read(source.root) if kind == "yolo" else voc.read(source.root, origin)
        exports[source.name] = [_located(image, source, pictures) for image in images]
        without[source.name] = (yolo if kind == "yolo" else voc).without_label_file(source.root)
    return exports, without


@contextmanager
def _naming(source: _Source) -> Iterator[None]:
    """Call the files of an export by their names in errors."""
    try:
        yield
    except InputError as error:
        file = _said(source, Path(error.file)) if error.file is not None else None
        raise InputError(error.what, file=file, place=error.place, mend=error.mend) from None


def _said(source: _Source, file: Path) -> Path:
    return source.said / file.relative_to(source.root) if file.is_relative_to(source.root) else file


def _located(image: ImageLabels, source: _Source, pictures: Mapping[str, Path]) -> ImageLabels:
    names = [image.name, splitext(image.name)[0]]
    if image.number is not None:
        frame = f"frame_{image.number:06d}"
        names = [f"{image.name}/{frame}", frame]
    picture = image.picture or next((pictures[name] for name in names if name in pictures), None)
    return replace(image, file=_said(source, image.file), picture=picture)


def _pictures(roots: Iterable[Path]) -> dict[str, Path]:
    """Return the pictures of an export, by their path in the folder for images, with and without ending."""
    found: dict[str, Path] = {}
    for folder in sorted(root / name for root in roots for name in _FOLDERS):
        for file in sorted(folder.rglob("*")):
            if file.suffix.lower() in _PICTURES:
                name = file.relative_to(folder)
                found[name.as_posix()] = found[name.with_suffix("").as_posix()] = file
    return found


def _file_sources(folder: Path, kind: str, temporary: Path, only: str) -> list[_Source]:
    ending = _FILES[kind]
    listed = _listed(folder, only)
    own_files = [path for path in listed if path.is_file() and _is_export(path, ending)]
    sources = [_Source(file.stem, folder, folder, [file]) for file in own_files]
    for name, root, said in _parts(listed, temporary):
        if files := sorted(file for file in root.rglob("*") if _is_export(file, ending)):
            # COCO exports keep their files in a folder of this name: no annotator's.
            own = root == folder / "annotations"
            sources.append(_Source(kind if own else name, root, said, files))
        else:
            _refuse_packed(root, said)
    if not sources:
        mend = f"Put each annotator's export there, as <annotator>{ending} or <annotator>.zip"
        raise InputError(f"no {ending[1:].upper()} export", file=folder, mend=mend)
    return _distinct(sources, folder)


def _folder_sources(folder: Path, kind: str, temporary: Path, only: str) -> list[_Source]:
    is_export = yolo.is_export if kind == "yolo" else voc.is_export
    if not only and is_export(folder):
        return [_Source(kind, folder, folder)]
    sources: list[_Source] = []
    for name, root, said in _parts(_listed(folder, only), temporary):
        if found := _only_export(root, said, is_export):
            sources.append(_Source(name, found, said / found.relative_to(root)))
        else:
            _refuse_packed(root, said)
    if not sources:
        what = "no data.yaml" if kind == "yolo" else "no label files"
        mend = f"Give a {kind.upper()} folder, or one that holds a {kind.upper()} folder per annotator"
        raise InputError(what, file=folder, mend=mend)
    return _distinct(sources, folder)


def _passed_over(listed: Iterable[Path], folder: Path, sources: Iterable[_Source]) -> list[str]:
    """Return the folders, archives and label files among ``listed`` that belong to no source."""
    used = {source.said for source in sources} | {file for source in sources for file in source.files}
    if folder in used and not any(file.parent == folder for source in sources for file in source.files):
        return []  # the folder itself is the export
    used |= {parent for path in used for parent in path.parents}
    endings = {*_FILES.values()}
    return [
        path.name
        for path in listed
        if path not in used
        and not path.name.startswith(".")
        and _is_own(path)
        and (path.is_dir() or path.suffix.lower() in endings or archives.is_archive(path))
        and path.name not in _FOLDERS
    ]


def _is_export(file: Path, ending: str) -> bool:
    return file.suffix.lower() == ending and _is_own(file)


def _is_own(file: Path) -> bool:
    """Return whether a file is none that macOS adds to the archives that it packs."""
    return not file.name.startswith("._")


def _only_export(root: Path, said: Path, is_export: Callable[[Path], bool]) -> Path | None:
    """Return the folder that is the export: ``root``, or the one in it that is."""
    if is_export(root):
        return root
    found = [path for path in sorted(root.iterdir()) if path.is_dir() and is_export(path)]
    if len(found) > 1:
        what = f"two exports, '{found[0].name}' and '{found[1].name}'"
        raise InputError(
            what, file=said, mend="Make them one, or give each a folder of its own beside this one"
        )
    return found[0] if found else None


def _listed(folder: Path, only: str) -> list[Path]:
    """Return what lies in a folder; where something there is called ``only``, that alone."""
    everything = sorted(folder.glob("*"))
    named = [path for path in everything if only and _name(path) == only]
    return named or everything


def _name(path: Path) -> str:
    if path.is_dir():
        return path.name
    return archives.stem(path) if archives.is_archive(path) else path.stem


def _refuse_packed(root: Path, said: Path) -> None:
    """Refuse archives where nobody looks for them: they would be left out without a word."""
    if packed := next(filter(archives.is_archive, sorted(root.rglob("*"))), None):
        mend = "Unpack it there, or put it beside the folder, named after its annotator"
        raise InputError("an archive inside of an export", file=said / packed.relative_to(root), mend=mend)


def _parts(paths: Iterable[Path], temporary: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield the folders and archives among some paths: name, where it lies, how it is called."""
    for index, path in enumerate(paths):
        if archives.is_archive(path):
            archives.unpack(path, temporary / str(index))
            yield archives.stem(path), temporary / str(index), path
        elif path.is_dir() and not path.name.startswith("."):
            yield path.name, path, path


def _distinct(sources: list[_Source], folder: Path) -> list[_Source]:
    names = [source.name for source in sources]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"two exports of '{twice}'", file=folder, mend="Keep one of them")
    return sources
