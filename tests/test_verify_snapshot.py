"""Reading an image's file system from a tar stream."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from rewriter.verify.files.elf import Linkage
from rewriter.verify.files.snapshot import Entry, Kind, read
from tests.images import Files, Item, elf, folder, hard_link, image, link, stream


def test_every_path_is_an_entry() -> None:
    entries = image({"/app/run": Item(b"data", 0o755, 10, 20), "/app/now": link("run")}).entries
    assert entries == {
        "/app": Entry(Kind.FOLDER, 0o755, 0, 0),
        "/app/run": Entry(Kind.FILE, 0o755, 10, 20, 4, hashlib.sha256(b"data").digest()),
        "/app/now": Entry(Kind.LINK, 0o777, 0, 0, target="run"),
    }


def test_times_are_nothing() -> None:
    assert image({"/a": Item(b"x", mtime=1)}).entries == image({"/a": Item(b"x", mtime=2)}).entries


def test_a_hard_link_is_the_file_that_it_names() -> None:
    found = image({"/a/package.json": "{}", "/b/package.json": hard_link("/a/package.json")})
    assert found.entries["/b/package.json"] == found.entries["/a/package.json"]
    assert found.text("/b/package.json") == "{}"


def test_the_content_of_pnpms_store_is_known_under_the_name_of_the_module() -> None:
    stored = "/root/.local/share/pnpm/store/v3/files/ab/cdef0123"
    assert image({stored: "{}", "/srv/package.json": hard_link(stored)}).text("/srv/package.json") == "{}"


def test_what_the_engine_and_the_kernel_add_is_left_out() -> None:
    files: Files = {
        "/.dockerenv": "",
        "/etc/hosts": "x",
        "/dev/console": "",
        "/proc/1": "",
        "/sys": folder(),
        "/device": "x",
    }
    assert set(image(files).entries) == {"/etc", "/device"}


def test_a_pipe_is_there_too() -> None:
    assert image({"/run/pipe": Item(kind=tarfile.FIFOTYPE)}).entries["/run/pipe"].kind is Kind.OTHER


def test_links_are_followed_as_the_kernel_does() -> None:
    found = image(
        {
            "/usr/lib/x/libfoo.so.1": "",
            "/lib": link("usr/lib"),
            "/usr/lib/libfoo.so": link("/lib/x/../x/libfoo.so.1"),
            "/loop": link("loop"),
            "/nowhere": link("/gone"),
        }
    )
    assert found.real("/lib/libfoo.so") == "/usr/lib/x/libfoo.so.1"
    assert found.place("/lib/libfoo.so") == "/usr/lib/libfoo.so"
    assert [found.real(path) for path in ("/loop", "/nowhere", "/gone/x", "/")] == ["", "", "", "/"]


def test_only_small_files_that_matter_are_kept() -> None:
    found = image({"/etc/passwd": "root:x:0:0", "/app/secret": "x", "/app/package.json": b"x" * 300_000})
    assert [found.text(path) for path in ("/etc/passwd", "/app/secret", "/app/package.json")] == ["root:x:0:0", "", ""]


def test_a_large_database_of_packages_is_kept() -> None:
    text = "Package: x\n" * 200_000
    assert image({"/var/lib/dpkg/status": text}).text("/var/lib/dpkg/status") == text


def test_the_linkage_of_a_library_is_read() -> None:
    data = elf(["libpq.so.5", "libc.so.6"], runpath="$ORIGIN/../lib:/opt", loader="/lib64/ld-linux-x86-64.so.2")
    assert image({"/app/x.so": data}).objects["/app/x.so"] == Linkage(
        "EM_X86_64", 64, ("libpq.so.5", "libc.so.6"), "", (), ("$ORIGIN/../lib", "/opt"), "/lib64/ld-linux-x86-64.so.2"
    )


def test_a_library_larger_than_a_piece_is_read_whole() -> None:
    data = elf(["libm.so.6"]) + bytes(40 << 20)
    found = image({"/app/x.so": data})
    assert found.objects["/app/x.so"].needed == ("libm.so.6",)
    assert found.entries["/app/x.so"].digest == hashlib.sha256(data).digest()


@pytest.mark.parametrize("cut", [4, 16, 40, 64, 70, 150, 230, 260])
def test_a_damaged_library_is_a_file_like_any_other(cut: int) -> None:
    data = elf(["libm.so.6"])[:cut]
    found = image({"/x.so": data})
    assert found.entries["/x.so"].size == len(data)


@pytest.mark.parametrize("seed", range(40))
def test_no_bytes_in_a_library_break_the_reader(seed: int) -> None:
    data = bytearray(elf(["libm.so.6"], runpath="/opt"))
    for step in range(4):
        data[4 + (seed * 37 + step * 53) % (len(data) - 4)] = (seed * 91 + step * 17) % 256
    assert "/x.so" in image({"/x.so": bytes(data)}).entries


def test_names_need_not_be_text() -> None:
    name = b"/caf\xe9".decode("utf-8", "surrogateescape")
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", errors="surrogateescape", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(name.lstrip("/")))
    written.seek(0)
    assert list(read(written).entries) == [name]


def test_a_stream_that_ends_too_early_is_an_error() -> None:
    whole = stream({"/a": b"x" * 5000, "/b": b"y" * 5000}).getvalue()
    for length in (0, 100, 3000, 7000):
        with pytest.raises(tarfile.TarError):
            read(io.BytesIO(whole[:length]))
