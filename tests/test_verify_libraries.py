"""Which libraries programs find in images."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest

from rewriter.verify.files.image import Image
from rewriter.verify.files.libraries import compare_libraries
from rewriter.verify.files.linker import Linker, Missing
from rewriter.verify.report import Check, Status
from tests.images import Files, elf, image, link

APP = "/app/x.so"
GNU = "/lib/x86_64-linux-gnu"
LOADER = "/lib64/ld-linux-x86-64.so.2"


def compare(before: Files, after: Files, **environment: str) -> Check:
    """The comparison of two images with the same environment."""
    configuration = {"Env": [f"{name}={value}" for name, value in environment.items()]}
    return compare_libraries(Image(image(before), configuration), Image(image(after), configuration))


def finds(place: str, needs: bytes, more: Files | None = None, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a library that needs `libfoo.so.1` finds it at a place, and does not without it."""
    files: Files = {APP: needs, "/usr/bin/libfoo.so.1": elf(), **(more or {})}
    environment = environment or {}
    found = compare({**files, f"{GNU}/libfoo.so.1": elf()}, {**files, place: elf()}, **environment)
    lost = compare({**files, f"{GNU}/libfoo.so.1": elf()}, files, **environment)
    assert lost.status is Status.FAILED, lost
    return found.status is Status.PASSED


NEEDS = elf(["libfoo.so.1"])


@pytest.mark.parametrize(
    ("place", "needs", "environment"),
    [
        ("/usr/lib/x86_64-linux-gnu/libfoo.so.1", NEEDS, {}),
        ("/lib64/libfoo.so.1", NEEDS, {}),
        ("/usr/lib/libfoo.so.1", NEEDS, {}),
        ("/app/lib/libfoo.so.1", elf(["libfoo.so.1"], runpath="$ORIGIN/lib"), {}),
        ("/lib/own/libfoo.so.1", elf(["libfoo.so.1"], rpath="/nowhere:${ORIGIN}/../lib/own"), {}),
        ("/opt/libfoo.so.1", NEEDS, {"LD_LIBRARY_PATH": ":relative:/opt"}),
    ],
)
def test_where_a_library_is_found(place: str, needs: bytes, environment: dict[str, str]) -> None:
    assert finds(place, needs, environment=environment)


@pytest.mark.parametrize("place", ["/opt/libfoo.so.1", "/usr/local/lib/libfoo.so.1", "/app/libfoo.so.1"])
def test_where_it_is_not(place: str) -> None:
    assert not finds(place, NEEDS)


def cache(*paths: str) -> bytes:
    """A cache as ldconfig writes it."""
    strings = b""
    rows = []
    start = 48 + 24 * len(paths)
    for path in paths:
        name = path.rsplit("/", 1)[-1]
        rows.append((3, start + len(strings), start + len(strings) + len(name) + 1, 0, 0))
        strings += f"{name}\0{path}\0".encode()
    header = struct.pack("<20sIIB3xI12x", b"glibc-ld.so.cache1.1", len(paths), len(strings), 0, 0)
    return header + b"".join(struct.pack("<iIIIQ", *row) for row in rows) + strings


def test_what_ldconfig_noted_is_found_elsewhere() -> None:
    place = "/usr/local/lib/libfoo.so.1"
    assert finds(place, NEEDS, {"/etc/ld.so.cache": cache("/a/libbar.so", place)})
    assert not finds(place, NEEDS, {"/etc/ld.so.cache": cache("/a/libbar.so")})
    for length in (3, 30, 60, 75):
        assert not finds(place, NEEDS, {"/etc/ld.so.cache": cache(place)[:length]})


def test_musl_has_folders_of_its_own() -> None:
    place = "/usr/local/lib/libfoo.so.1"
    musl = {"/lib/ld-musl-x86_64.so.1": elf()}
    assert finds(place, NEEDS, musl)
    assert not finds(place, NEEDS, {**musl, "/etc/ld-musl-x86_64.path": "/lib\n"})
    assert finds("/opt/libfoo.so.1", NEEDS, {**musl, "/etc/ld-musl-x86_64.path": "/lib:/opt\n"})


def test_musl_needs_no_file_for_what_it_is() -> None:
    files: Files = {APP: elf(["libc.so", "libpthread.so"]), "/lib/ld-musl-x86_64.so.1": elf()}
    assert compare(files, files).status is Status.PASSED


def test_a_link_leads_to_a_library() -> None:
    both: Files = {APP: NEEDS, "/usr/lib/libfoo.so.1.2": elf()}
    before: Files = {**both, "/usr/lib/libfoo.so.1": link("libfoo.so.1.2")}
    found = compare(before, both)
    assert found.status is Status.FAILED
    assert found.failures[0][:3] == ("libfoo.so.1", "/usr/lib/libfoo.so.1.2", f"not found for {APP}")
    assert compare(before, before).status is Status.PASSED


@pytest.mark.parametrize("other", [elf(bits=32, machine=3), elf(machine=183), b"text"])
def test_a_library_of_another_machine_is_none(other: bytes) -> None:
    before: Files = {APP: NEEDS, "/usr/lib/libfoo.so.1": elf()}
    assert compare(before, {**before, "/usr/lib/libfoo.so.1": other}).status is Status.FAILED


def test_a_library_behind_another_counts() -> None:
    before: Files = {APP: NEEDS, f"{GNU}/libfoo.so.1": elf(["libbar.so.2"]), f"{GNU}/libbar.so.2": elf()}
    after = {APP: NEEDS, f"{GNU}/libfoo.so.1": elf(["libbar.so.2"])}
    found = compare(before, after)
    assert found.summary == f"libbar.so.2 is not found for {APP} through {GNU}/libfoo.so.1 and 1 more file"


def test_the_folders_of_rpath_are_inherited_and_those_of_runpath_are_not() -> None:
    behind: Files = {"/opt/libfoo.so.1": elf(["libbar.so.2"]), "/opt/libbar.so.2": elf()}
    by_rpath, by_runpath = elf(["libfoo.so.1"], rpath="/opt"), elf(["libfoo.so.1"], runpath="/opt")
    linkers = [Linker(image({APP: app, **behind}), {}) for app in (by_rpath, by_runpath)]
    assert [linker.missing(APP) for linker in linkers] == [(), (Missing("libbar.so.2", "/opt/libfoo.so.1"),)]


def test_what_did_not_work_before_is_no_loss() -> None:
    before = {APP: elf(["libfoo.so.1", "libcuda.so.1"]), f"{GNU}/libfoo.so.1": elf()}
    assert compare(before, {APP: before[APP]}).status is Status.PASSED


def test_libraries_that_need_each_other() -> None:
    files: Files = {APP: elf(["liba.so"]), "/lib/liba.so": elf(["libb.so"]), "/lib/libb.so": elf(["liba.so"])}
    assert compare(files, files).status is Status.PASSED


def test_a_program_without_its_loader_cannot_start() -> None:
    program = {"/app/run": elf([], loader=LOADER)}
    found = compare({**program, LOADER: elf()}, program)
    assert found.failures[0].subject == LOADER


def test_a_library_that_moved_is_known_by_its_content() -> None:
    before = {"/usr/local/lib/venv/x.so": NEEDS, "/lib/libfoo.so.1": elf()}
    assert compare(before, {"/opt/venv/x.so": NEEDS}).status is Status.FAILED
    assert compare(before, {"/opt/venv/x.so": NEEDS, "/lib/libfoo.so.1": elf()}).status is Status.PASSED


def test_many_files_that_lack_the_same_are_one_difference() -> None:
    files = {f"/app/{number}.so": NEEDS for number in range(5)}
    found = compare({**files, "/lib/libfoo.so.1": elf()}, files)
    assert [it.after for it in found.differences] == ["not found for /app/0.so and 4 more files"]


def test_programs_on_the_path_count_and_libraries_of_the_system_do_not() -> None:
    lists: Files = {
        "/var/lib/dpkg/status": "Package: a\nStatus: install ok installed\nVersion: 1\n\n",
        "/var/lib/dpkg/info/a.list": "/usr/bin/tool\n/usr/lib/liba.so\n",
        "/usr/bin/tool": NEEDS,
        "/usr/lib/liba.so": elf(["libodd.so"]),
    }
    before: Files = {**lists, "/lib/libfoo.so.1": elf(), "/lib/libodd.so": elf()}
    assert [it.subject for it in compare(before, lists).failures] == ["libfoo.so.1"]
    assert compare(before, lists, PATH="/app").status is Status.PASSED


def test_an_image_without_programs_passes() -> None:
    assert compare({"/app/x": "text"}, {}).summary == "no program of the application needs libraries"
