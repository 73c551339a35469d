"""Archives from anywhere: unpacked without leaving their folder, and not beyond bounds."""

from __future__ import annotations

import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, NamedTuple

from provenline.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Self

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz")
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    gzip.BadGzipFile,
    UnicodeDecodeError,
)
# Of damaged offsets, names too long for a file system, bad bzip2 data; a full disk is another thing.
_DAMAGED_ERRNO = (None, errno.EINVAL, errno.ENAMETOOLONG)


class Limits(NamedTuple):
    """What an archive may become.

    Attributes:
        files: How many files.
        size: All of them together, in bytes.
        ratio: Unpacked bytes to bytes of the archive, looked at beyond 64 MiB: text packs well.
    """

    files: int = 200_000
    size: int = 64 << 30
    ratio: float = 200.0


LIMITS = Limits()
_RATIO_FROM = 64 << 20
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_MOST_HEADER = 1 << 20


class _Member(NamedTuple):
    name: str
    size: int
    info: zipfile.ZipInfo | tarfile.TarInfo


def is_archive(path: Path) -> bool:
    """Return whether a file is an archive by its name."""
    return path.is_file() and path.name.lower().endswith(ENDINGS)


def stem(path: Path) -> str:
    """Return the name of an archive without its ending.

    >>> stem(Path("a/anna.v2.tar.gz"))
    'anna.v2'
    """
    ending = next(ending for ending in sorted(ENDINGS, key=len)[::-1] if path.name.lower().endswith(ending))
    return path.name[: -len(ending)]


def unpack(path: str | Path, folder: str | Path, limits: Limits = LIMITS) -> None:
    """Unpack a zip or tar archive.

    Args:
        path: The archive.
        folder: Where to; nothing in it is overwritten.
        limits: What the archive may become; checked against what it announces and what it delivers.

    Raises:
        InputError: It is no archive, is damaged or encrypted, is larger than allowed, or holds something
            other than files and folders inside itself (links, devices, absolute paths, ``..``), or two
            files of one name.
    """
    path, folder = Path(path), Path(folder)
    try:
        with _open(path) as archive:
            members = list(_members(archive, path, limits))
            for member in members:
                _write(archive, member, folder, path)
    except FileNotFoundError:
        raise InputError("file is missing", file=path) from None
    except (*_DAMAGED, NotImplementedError) as error:
        raise InputError(f"not a readable archive ({error})", file=path, mend="Export it again") from None
    except OSError as error:
        if error.errno not in _DAMAGED_ERRNO:
            raise
        what = f"not a readable archive ({error.strerror or error})"
        raise InputError(what, file=path, mend="Export it again") from None


@contextmanager
def opened(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file that may lie in an archive, as in ``exports/anna.zip/annotations.xml``.

    Raises:
        OSError: There is no such file.
    """
    path = Path(path)
    packed = next((parent for parent in path.parents if is_archive(parent)), None)
    if packed is None:
        with path.open("rb") as file:
            yield file
        return
    name = path.relative_to(packed).as_posix()
    try:
        with _open(packed) as archive:
            # Packers write "./a.xml" and Windows' separators; the name is the one after unpacking.
            member = next((one for one in _members(archive, packed, LIMITS) if one.name == name), None)
            if member is None:
                raise KeyError(name)
            with _stream(archive, member) as stream:
                yield stream
    except (KeyError, *_DAMAGED) as error:
        raise FileNotFoundError(f"{packed} does not hold {name} ({error})") from None


def _open(path: Path) -> zipfile.ZipFile | tarfile.TarFile:
    if path.name.lower().endswith(".zip"):
        return zipfile.ZipFile(path)
    return tarfile.open(path, tarinfo=_TarInfo)


class _TarInfo(tarfile.TarInfo):
    """Refuses overlong headers of names and attributes: they are read whole, before any bound applies."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the member that a block of 512 bytes begins; named as the standard library calls it."""
        info = super().frombuf(buf, encoding, errors)
        if info.type in _HEADERS and info.size > _MOST_HEADER:
            raise tarfile.ReadError(f"a header of {info.size} bytes")
        return info


def _members(archive: zipfile.ZipFile | tarfile.TarFile, path: Path, limits: Limits) -> Iterator[_Member]:
    """Yield the files of an archive; stops as soon as they announce more than is allowed."""
    seen: set[str] = set()
    total, packed = 0, path.stat().st_size
    infos: Iterable[zipfile.ZipInfo | tarfile.TarInfo]
    infos = archive.infolist() if isinstance(archive, zipfile.ZipFile) else archive
    for info in infos:
        member = _zip_member(info, path) if isinstance(info, zipfile.ZipInfo) else _tar_member(info, path)
        if member is None:
            continue
        total += member.size
        if member.name in seen:
            raise InputError("two files have this name", file=path, place=member.name)
        seen.add(member.name)
        if len(seen) > limits.files or total > limits.size:
            what = f"more than {limits.files} files or {limits.size / 2**30:.2g} GiB"
            raise InputError(what, file=path, mend="Unpack it yourself if you trust it")
        if total > _RATIO_FROM and total > limits.ratio * packed:
            what = f"it would grow more than {limits.ratio:g} times when unpacked"
            raise InputError(what, file=path, mend="Unpack it yourself if you trust it")
        yield member


def _zip_member(info: zipfile.ZipInfo, path: Path) -> _Member | None:
    if info.is_dir():
        return None
    if info.flag_bits & 1:
        raise InputError("encrypted", file=path, place=info.filename, mend="Pack it without a password")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise InputError("a link or a device, not a file", file=path, place=info.filename)
    return _Member(_inside(info.filename, path), info.file_size, info)


def _tar_member(info: tarfile.TarInfo, path: Path) -> _Member | None:
    if info.isdir():
        return None
    if not info.isreg():
        raise InputError("a link or a device, not a file", file=path, place=info.name)
    return _Member(_inside(info.name, path), info.size, info)


def _inside(name: str, path: Path) -> str:
    """Return a member's name as a relative path that stays inside; Windows' separators and drives too."""
    plain = PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/")))
    if "\0" in name or plain.is_absolute() or ".." in plain.parts or not plain.parts or ":" in plain.parts[0]:
        raise InputError("the name leads out of the archive", file=path, place=name)
    return plain.as_posix()


def _stream(archive: zipfile.ZipFile | tarfile.TarFile, member: _Member) -> IO[bytes]:
    if isinstance(archive, zipfile.ZipFile):
        return archive.open(member.info)  # type: ignore[arg-type]
    found = archive.extractfile(member.info)  # type: ignore[arg-type]
    assert found is not None
    return found


def _write(archive: zipfile.ZipFile | tarfile.TarFile, member: _Member, folder: Path, path: Path) -> None:
    target = folder / member.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _stream(archive, member) as source, target.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    except (FileExistsError, NotADirectoryError):
        raise InputError("a file is in the way", file=path, place=member.name) from None
