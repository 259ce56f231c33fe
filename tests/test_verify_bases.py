"""Two versions of a Dockerfile that start from different images: what those bring is told apart from what is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from rewriter.verify.bases import recipe_of_base, recipes_of_bases
from rewriter.verify.engine.recipe import Recipe
from rewriter.verify.files.compare_files import compare_files
from rewriter.verify.files.image import Bases, Image
from rewriter.verify.files.libraries import compare_libraries
from rewriter.verify.files.steady import STEADY
from rewriter.verify.report import Allowed, Status
from tests.images import Files, elf, image

ALLOWED: Final = Allowed({"base-image": ("DF1",)})
FAT: Files = {"/etc/group": "root:x:0:\n_ssh:x:101:\n", "/etc/mercurial/hgrc": "generated", "/etc/issue": "fat"}
SLIM: Files = {"/etc/group": "root:x:0:\n", "/etc/issue": "slim", "/etc/slim": "it is"}
APP: Files = {"/app/main.py": "print()", "/app/data.txt": "1"}


def made(files: Files) -> Image:
    return Image(image(files), {})


def failures(before: Files, after: Files, allowed: Allowed = ALLOWED) -> list[str]:
    """What is not allowed, and reasons of nobody but the fixer."""
    found = compare_files(made(before), made(after), allowed, STEADY, Bases(made(FAT), made(SLIM)))
    assert {it.reason for it in found.differences} <= {"DF1", ""}
    return [it.subject for it in found.failures]


def test_what_only_one_of_the_base_images_holds() -> None:
    assert failures({**FAT, **APP}, {**SLIM, **APP}) == []
    assert failures({**FAT, **APP}, {**SLIM, **APP}, Allowed({})) != []


def test_what_the_application_holds_must_stay() -> None:
    after = {**SLIM, **APP, "/app/data.txt": "2"}
    before = {**FAT, **APP, "/app/more.txt": "3", "/etc/group": f"{FAT['/etc/group']!s}app:x:7:\n"}
    assert failures(before, after) == ["/app/data.txt", "/app/more.txt", "app in /etc/group"]


def test_a_library_that_the_base_image_lacks_itself() -> None:
    needs = {"/usr/local/lib/python3.11/lib-dynload/_tkinter.so": elf(["libtk.so.1"])}
    fat = {**needs, "/usr/lib/libtk.so.1": elf()}
    bases = Bases(made(fat), made(needs))
    assert compare_libraries(made(fat), made(needs)).status is Status.FAILED
    assert compare_libraries(made(fat), made(needs), bases).status is Status.PASSED
    mine = {"/app/mine.so": elf(["libtk.so.1"])}
    check = compare_libraries(made({**fat, **mine}), made({**needs, **mine}), bases)
    assert [it.after for it in check.differences] == ["not found for /app/mine.so"]


def test_a_library_that_came_with_the_compilers() -> None:
    """What the base image lacks came by chance, for files of its own: the application keeps what it has."""
    base: Files = {"/usr/local/lib/python3.11/lib-dynload/nis.so": elf(["libnsl.so.2"])}
    fat = {**base, "/usr/lib/libnsl.so.2": elf()}
    assert compare_libraries(made(fat), made(base), Bases(made(base), made(base))).status is Status.PASSED


def recipe(text: str, target: str = "") -> Recipe:
    return Recipe(text, Path(), target=target, build_args=(("A", "b"),))


@pytest.mark.parametrize(
    ("before", "after", "names"),
    [
        ("FROM python:3.11\n", "FROM python:3.11-slim\n", ("python:3.11", "python:3.11-slim")),
        ("FROM a AS x\nFROM x\n", "FROM b AS x\nFROM x\n", ("a", "b")),
        ("FROM a AS x\nFROM c\n", "FROM b AS x\nFROM c\n", None),
        ("ARG V\nFROM a:$V\n", "FROM b\n", None),
        ("FROM scratch\n", "FROM b\n", None),
    ],
)
def test_the_images_that_both_versions_start_from(before: str, after: str, names: tuple[str, str] | None) -> None:
    found = recipes_of_bases(recipe(before), recipe(after))
    assert (found and tuple(it.dockerfile for it in found)) == (names and tuple(f"FROM {it}\n" for it in names))


def test_a_target_has_a_base_image_of_its_own() -> None:
    found = recipes_of_bases(recipe("FROM a AS x\nFROM c\n", "x"), recipe("FROM b AS x\nFROM c\n", "x"))
    assert found is not None
    assert [(it.dockerfile, it.target, it.build_args) for it in found] == [("FROM a\n", "", ()), ("FROM b\n", "", ())]


def test_the_image_that_one_version_starts_from() -> None:
    found = recipe_of_base(recipe("FROM a AS x\nFROM c:1 AS y\nFROM y\n"))
    assert found is not None
    assert found.dockerfile == "FROM c:1\n"
    assert recipe_of_base(recipe("FROM scratch\n")) is None
