from __future__ import annotations

import gzip
import io
import random
import stat
import tarfile
import tracemalloc
import zipfile

import pytest

from provenline.annotations import archives
from provenline.errors import InputError


def zipped(path, members, **how):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def tarred(path, *members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def tar_info(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_what_goes_in_comes_out(tmp_path):
    members = {"annotations.xml": b"<a/>", "images/sub/x y.png": b"123", "images\\win.png": b"4"}
    expected = {name.replace("\\", "/"): data for name, data in members.items()}
    archives.unpack(zipped(tmp_path / "a.zip", members.items()), tmp_path / "zip")
    assert tree(tmp_path / "zip") == expected
    rows = [(tar_info("images", tarfile.DIRTYPE), b""), *((tar_info(n), d) for n, d in members.items())]
    for ending, mode in ((".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz")):
        archives.unpack(tarred(tmp_path / f"a{ending}", *rows, mode=mode), tmp_path / ending)
        assert tree(tmp_path / ending) == expected


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "C:/x", "C:x", "..\\x", "\\x", "//host/x", "a/..\\..\\..\\x"]
)
def test_no_name_leads_out(tmp_path, name):
    for file in (
        zipped(tmp_path / "a.zip", [("ok.txt", b"1"), (name, b"2")]),
        tarred(tmp_path / "a.tar", (tar_info("ok.txt"), b"1"), (tar_info(name), b"2"), mode="w"),
    ):
        with pytest.raises(InputError, match="leads out of the archive"):
            archives.unpack(file, tmp_path / "in" / "side")
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "a.tar"}  # nothing was written at all


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_no_links_and_devices_in_tars(tmp_path, kind):
    file = tarred(tmp_path / "a.tar", (tar_info("x", kind, "/etc/passwd"), b""), mode="w")
    with pytest.raises(InputError, match="a link or a device"):
        archives.unpack(file, tmp_path / "out")


def test_no_links_in_zips(tmp_path):
    info = zipfile.ZipInfo("x")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(InputError, match="a link or a device"):
        archives.unpack(zipped(tmp_path / "a.zip", [(info, "/etc/passwd")]), tmp_path / "out")


def test_bounds(tmp_path):
    many = zipped(tmp_path / "many.zip", [(str(n), b"") for n in range(11)])
    big = zipped(tmp_path / "big.zip", [("a", b"x" * 600), ("b", b"x" * 600)])
    bomb = zipped(tmp_path / "bomb.zip", [("a", bytes(65 << 20))])
    limits = archives.Limits(files=10, size=1000)
    for file in (many, big):
        with pytest.raises(InputError, match="more than 10 files or"):
            archives.unpack(file, tmp_path / "out", limits)
    with pytest.raises(InputError, match="grow more than 200 times"):
        archives.unpack(bomb, tmp_path / "out")
    packed = tarred(tmp_path / "bomb.tgz", (tar_info("a"), bytes(65 << 20)))
    with pytest.raises(InputError, match="grow more than 200 times"):
        archives.unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_zip_that_lies_about_its_sizes_delivers_no_more_than_it_announced(tmp_path):
    data = b"x" * 100_000
    file = zipped(tmp_path / "a.zip", [("a", data)])
    raw = bytearray(file.read_bytes())
    for signature, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        where = raw.index(signature) + at
        raw[where : where + 4] = (10).to_bytes(4, "little")
    file.write_bytes(raw)
    with pytest.raises(InputError, match="not a readable archive"):
        archives.unpack(file, tmp_path / "out", archives.Limits(size=1000))
    assert sum(len(one) for one in tree(tmp_path / "out").values()) <= 10


def test_nothing_is_overwritten(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped(tmp_path / "a.zip", [("a", b"1"), ("a", b"2")])
    with pytest.raises(InputError, match="two files have this name"):
        archives.unpack(twice, tmp_path / "out")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a").write_bytes(b"old")
    with pytest.raises(InputError, match="a file is in the way"):
        archives.unpack(zipped(tmp_path / "b.zip", [("a", b"new")]), tmp_path / "there")
    with pytest.raises(InputError, match="a file is in the way"):
        archives.unpack(zipped(tmp_path / "c.zip", [("b", b"1"), ("b/c", b"2")]), tmp_path / "out2")
    assert (tmp_path / "there" / "a").read_bytes() == b"old"


def test_what_is_no_archive(tmp_path):
    for name in ("a.zip", "a.tar", "a.tgz"):
        with pytest.raises(InputError, match="file is missing"):
            archives.unpack(tmp_path / name, tmp_path / "out")
        for data in (b"", b"PK\x03\x04 and so on", bytes(range(256)) * 9):
            (tmp_path / name).write_bytes(data)
            with pytest.raises(InputError, match="not a readable archive"):
                archives.unpack(tmp_path / name, tmp_path / "out")
    cut = zipped(tmp_path / "cut.zip", [("a", bytes(range(256)) * 999)])
    raw = bytearray(cut.read_bytes())
    raw[60:64] = b"\xff\xff\xff\xff"
    cut.write_bytes(raw)
    with pytest.raises(InputError, match="not a readable archive"):
        archives.unpack(cut, tmp_path / "out")
    secret = zipped(tmp_path / "secret.zip", [("a", b"1")])
    raw = bytearray(secret.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    secret.write_bytes(raw)
    with pytest.raises(InputError, match="encrypted"):
        archives.unpack(secret, tmp_path / "out")


def test_files_in_archives_can_be_opened(tmp_path):
    zipped(tmp_path / "a.zip", [("d/a.xml", b"1")])
    tarred(tmp_path / "a.tar.gz", (tar_info("d/a.xml"), b"2"))
    (tmp_path / "a.xml").write_bytes(b"3")
    for name, data in (("a.zip/d/a.xml", b"1"), ("a.tar.gz/d/a.xml", b"2"), ("a.xml", b"3")):
        with archives.opened(tmp_path / name) as file:
            assert file.read() == data
    for name in ("a.zip/a.xml", "a.tar.gz/a.xml", "b.xml"):
        with pytest.raises(OSError, match=r"hold|No such"), archives.opened(tmp_path / name):
            pass


def test_names_that_no_file_can_have(tmp_path):
    for index, name in enumerate(("a" * 300, "a/" * 3000 + "b")):
        with pytest.raises(InputError, match="not a readable archive"):
            archives.unpack(zipped(tmp_path / f"{index}.zip", [(name, b"1")]), tmp_path / "out")
    info = tar_info("a")
    info.pax_headers = {"path": "a\0b"}
    with pytest.raises(InputError, match="leads out"):
        archives.unpack(tarred(tmp_path / "n.tar", (info, b""), mode="w"), tmp_path / "out")
    raw = zipped(tmp_path / "u.zip", [("ab\xe9.txt", b"1")]).read_bytes()
    (tmp_path / "u.zip").write_bytes(raw.replace("\xe9".encode(), b"\xff\xfe"))
    with pytest.raises(InputError, match="not a readable archive"):
        archives.unpack(tmp_path / "u.zip", tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_damaged_data_of_other_methods(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a", random.Random(0).randbytes(50_000))
    raw = bytearray((tmp_path / "a.zip").read_bytes())
    raw[60:160] = b"\xff" * 100
    (tmp_path / "a.zip").write_bytes(raw)
    with pytest.raises(InputError, match="not a readable archive"):
        archives.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_files_are_opened_by_their_names_after_unpacking(tmp_path):
    tarred(tmp_path / "a.tgz", (tar_info("./d/a.xml"), b"1"))
    zipped(tmp_path / "a.zip", [("d\\a.xml", b"1")])
    for name in ("a.tgz", "a.zip"):
        with archives.opened(tmp_path / name / "d" / "a.xml") as file:
            assert file.read() == b"1"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_of_a_tar_are_not_read_into_memory_whatever_their_size(tmp_path, kind):
    path = tmp_path / "a.tgz"
    with gzip.open(path, "wb") as file:
        header = tar_info("x", kind)
        header.size = 64 << 20
        file.write(header.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(header.size))
        file.write(tar_info("a").tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    tracemalloc.start()
    with pytest.raises(InputError, match="not a readable archive"):
        archives.unpack(path, tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
