"""Finding, reading and replacing files, with everything that a disk may do to us."""

from __future__ import annotations

import errno
import os
import pickle
import re
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pathspec  # noqa: F401  (loaded before a test gives up the right to read it)
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rewriter import files
from rewriter.discovery import Found, find, is_dockerfile_name
from rewriter.files import FileError, read, write, write_all
from tests.ordinary_user import NOBODY, unprivileged


def tree(root: Path, *paths: str, **texts: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("FROM scratch\n")
    for name, text in texts.items():
        (root / name).write_text(text)


def ignore(folder: Path, text: str) -> None:
    (folder / ".gitignore").write_text(text)


def names(*paths: str, exclude: tuple[str, ...] = ()) -> list[str]:
    found = list(find(paths, exclude))
    assert not [item for item in found if item.error]
    return [item.path for item in found]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Names


DOCKERFILES = (
    "Dockerfile dockerfile DOCKERFILE Containerfile containerfile Dockerfile.dev Dockerfile.3.11 Dockerfile.arm64 "
    "Dockerfile.ubuntu20.04 Dockerfile.alpine-icu Dockerfile.prod.gpu Dockerfile.python Dockerfile.java Dockerfile.1 "
    "Containerfile.fedora app.Dockerfile app.dockerfile web.v1.2.Containerfile .Dockerfile dockerfile.test"
)
OTHERS = (
    "Dockerfile.dockerignore .dockerignore app.Dockerfile.dockerignore Dockerfile.j2 Dockerfile.dev.tmpl Dockerfile.in "
    "Dockerfile.erb Dockerfile.template Dockerfile.md dockerfile.rst Dockerfile.txt Dockerfile.bak Dockerfile.orig "
    "Dockerfile.rej .Dockerfile.swp Dockerfile.dev.swp Dockerfile~ Dockerfile.dev~ app.Dockerfile~ dockerfile.py "
    "Dockerfile.sh dockerfile.go Dockerfile.json Dockerfile.yml ._app.Dockerfile .#app.Dockerfile Dockerfiles "
    "MyDockerfile docker-compose.yml dockerfile_test.go Dockerfile. README"
)


@pytest.mark.parametrize("name", DOCKERFILES.split())
def test_names_of_dockerfiles(name: str) -> None:
    assert is_dockerfile_name(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_names_of_other_files(name: str) -> None:
    assert not is_dockerfile_name(name)


# Finding


def test_folders_are_searched_in_one_order(here: Path) -> None:
    tree(here, "b/Dockerfile", "a/z/Dockerfile", "a/Dockerfile.b", "a/Dockerfile.a", "Dockerfile", "a/x.py")
    expected = ["Dockerfile", "a/Dockerfile.a", "a/Dockerfile.b", "a/z/Dockerfile", "b/Dockerfile"]
    assert names(".") == names("./") == expected
    assert names("b", "a/") == ["b/Dockerfile", *expected[1:4]]
    assert names(str(here)) == [str(here / path) for path in expected]


def test_a_named_file_is_always_taken(here: Path) -> None:
    tree(here, "odd.txt", "Dockerfile.j2", "build/Dockerfile")
    (here / ".git").mkdir()
    ignore(here, "*\n")
    assert names("odd.txt", "./Dockerfile.j2", "build/Dockerfile", exclude=("*",)) == [
        "odd.txt",
        "./Dockerfile.j2",
        "build/Dockerfile",
    ]


def test_one_file_is_given_once_and_its_own_name_counts(here: Path) -> None:
    tree(here, "a/Dockerfile", "b/Dockerfile")
    (here / "link").symlink_to("a/Dockerfile")
    (here / "folder").symlink_to("a")
    assert list(find(["a/Dockerfile", "./a/../a/Dockerfile", "link", "folder/Dockerfile", "a"])) == [
        Found("a/Dockerfile", named=True)
    ]
    assert list(find([".", "folder"])) == [Found("a/Dockerfile", named=False), Found("b/Dockerfile", named=False)]
    assert list(find([".", "b/Dockerfile"])) == [Found("a/Dockerfile", named=False), Found("b/Dockerfile", named=True)]


def test_what_is_missing_is_reported_and_the_rest_found(here: Path) -> None:
    tree(here, "Dockerfile")
    first, second = find(["nowhere/Dockerfile", "Dockerfile"])
    assert first.named
    assert "no such file" in first.error
    assert second == Found("Dockerfile", named=True)


def test_some_folders_are_never_entered(here: Path) -> None:
    tree(here, ".git/Dockerfile", "node_modules/x/Dockerfile", "a/.venv/Dockerfile", ".github/Dockerfile")
    assert names(".") == [".github/Dockerfile"]
    assert names("node_modules") == ["node_modules/x/Dockerfile"], "unless named"


def test_linked_folders_are_not_followed_unless_named(here: Path) -> None:
    tree(here, "a/Dockerfile")
    (here / "a/loop").symlink_to("..")
    (here / "link").symlink_to("a")
    assert names("a") == ["a/Dockerfile"]
    assert names("link") == ["link/Dockerfile"]


def test_links_to_files_are_followed_within_the_repository(here: Path) -> None:
    tree(here, "repo/docker/main.df", "elsewhere/Dockerfile", "repo/x/.git")
    (here / "repo/.git").mkdir()
    (here / "repo/x/Dockerfile").symlink_to("../docker/main.df")
    (here / "repo/Dockerfile.out").symlink_to("../elsewhere/Dockerfile")
    (here / "repo/Dockerfile.gone").symlink_to("nothing")
    gone, out, inside = find(["repo"])
    assert (gone.path, gone.named, gone.error) == ("repo/Dockerfile.gone", False, "it is a symbolic link to nothing")
    assert "outside" in out.error
    assert inside == Found("repo/x/Dockerfile", named=False)
    assert names("repo/Dockerfile.out") == ["repo/Dockerfile.out"]
    assert Found("elsewhere/Dockerfile", named=False) in find(["repo", "elsewhere"])


def test_gitignore(here: Path) -> None:
    tree(here, "Dockerfile", "build/Dockerfile", "sub/build/Dockerfile", "sub/Dockerfile.tmp1", "sub/Dockerfile.keep")
    tree(here, "sub/deep/Dockerfile.tmp2", "other/Dockerfile.tmp3")
    ignore(here, "/build/\n*.tmp?\n!Dockerfile.tmp3\n")
    ignore(here / "sub", "\ufeffbuild\r\n!*.tmp2\r\n")
    assert names(".") == [
        "Dockerfile",
        "other/Dockerfile.tmp3",
        "sub/Dockerfile.keep",
        "sub/deep/Dockerfile.tmp2",
    ]


def test_gitignore_of_parents_counts_up_to_the_repository(here: Path) -> None:
    tree(here, "repo/a/b/Dockerfile", "repo/a/b/Dockerfile.x", "repo/a/b/Dockerfile.y")
    ignore(here, "Dockerfile\n")
    ignore(here / "repo", "/a/b/*.x\n")
    ignore(here / "repo/a", "*.y\n")
    assert names("repo/a/b") == [f"repo/a/b/Dockerfile{end}" for end in ("", ".x", ".y")], "no repository"
    (here / "repo/.git").mkdir()
    assert names("repo/a/b") == ["repo/a/b/Dockerfile"]


def test_a_named_folder_is_searched_although_ignored(here: Path) -> None:
    tree(here, "build/Dockerfile", "build/out/Dockerfile")
    (here / ".git").mkdir()
    ignore(here, "build/\n")
    ignore(here / "build", "out\n")
    assert names(".") == []
    assert names("build", exclude=("build",)) == ["build/Dockerfile"]


def test_a_repository_within_another_has_its_own_rules(here: Path) -> None:
    tree(here, ".git/x", "sub/.git/x", "sub/Dockerfile.a", "Dockerfile.a")
    ignore(here, "*.a\n")
    assert names(".") == ["sub/Dockerfile.a"]


def test_exclude_patterns(here: Path) -> None:
    tree(here, "a/Dockerfile", "a/b/Dockerfile", "c/Dockerfile", "c/Dockerfile.x")
    assert names(".", exclude=("/a/b/", "*.x")) == ["a/Dockerfile", "c/Dockerfile"]
    assert [item.path for item in find(["a"], ["/b"], exclude_base="a")] == ["a/Dockerfile"]
    ignore(here, "!c\n")
    assert names(".", exclude=("c", "/a/*", "!/a/b")) == ["a/b/Dockerfile"], "a .gitignore takes nothing back"


def test_a_broken_pattern_does_not_switch_off_the_others(here: Path) -> None:
    tree(here, "Dockerfile.a", "Dockerfile.b")
    ignore(here, "!\n/\n*.a\n[\n\\\n")
    assert names(".") == ["Dockerfile.b"]


def test_folders_and_ignore_files_that_cannot_be_read(public: Path) -> None:
    tree(public, "a/Dockerfile", "b/Dockerfile", "c/Dockerfile")
    ignore(public / "b", "Dockerfile\n")
    (public / "a").chmod(0)
    (public / "b/.gitignore").chmod(0)
    found = unprivileged(lambda: repr(list(find([str(public)]))))
    a, b, dockerfile, c = eval(found)
    assert (a.path, a.named) == (f"{public}/a", False)
    assert a.error.startswith("the folder cannot be searched: permission denied")
    assert b.path == f"{public}/b/.gitignore"
    assert b.error.startswith("permission denied")
    assert (dockerfile.path, c.path) == (f"{public}/b/Dockerfile", f"{public}/c/Dockerfile")
    (named,) = eval(unprivileged(lambda: repr(list(find([str(public / "a")])))))
    assert named.named


PATTERN = st.builds(
    str.__add__,
    st.sampled_from(["", "", "!", "/", "**/", "\\", "#", "!/"]),
    st.lists(
        st.sampled_from(["a", "b", "*", "?", "/", "/", "**", "*/", "Dockerfile", ".x", "[ab]", "\\ ", " "]), max_size=5
    ).map("".join),
)
# Git and pathspec differ on three stars in a row, which mean nothing, and on two that share a part with something else,
# of which gitignore(5) says that they are a single one: git lets those of `Dockerfile**/.x` match no slash at all.
_ODD_STARS = re.compile(r"\*\*\*|[^/!]\*\*|\*\*[^/]")
IGNORE = st.lists(PATTERN.filter(lambda pattern: not _ODD_STARS.search(pattern)), max_size=5).map("\n".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example({"": "*\n!*/\n!Dockerfile*"})
@example({"": "/*\n!/a\n/a/**\n!/a/b/\n!/a/b/*.x"})
@example({"": "a\n!/b", "b": "!/a"})
@given(st.dictionaries(st.sampled_from(["", "a", "a/b", "b"]), IGNORE, min_size=1))
def test_git_agrees_on_what_is_ignored(rules: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for place in ("", "a/", "a/b/", "b/", "b/a/b/"):
            tree(root, *(f"{place}Dockerfile{end}" for end in ("", ".a", ".x")))
        for place, text in rules.items():
            ignore(root / place, text)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        command = ["git", "-c", "core.excludesFile=", "ls-files", "-o", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
        theirs = sorted(path for path in listed.split("\0") if "Dockerfile" in path)
        assert sorted(item.path for item in find([folder])) == [f"{folder}/{path}" for path in theirs]


# Reading


def test_read_gives_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfFROM a\r\n\xff")
    assert read(str(tmp_path / "f")) == b"\xef\xbb\xbfFROM a\r\n\xff"


def test_read_explains_what_it_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "big").write_bytes(b"")
    os.truncate(tmp_path / "big", files.LARGEST + 1)
    for name, message in {
        "missing": "no such file",
        ".": "it is a folder",
        "pipe": 'it is a pipe, socket or device, not a file; use "-"',
        "loop": "lead in a circle",
        "big": "too large",
        "nul\0": "null",
        "x" * 300: "name too long",
    }.items():
        with pytest.raises(FileError) as caught:
            read(f"{tmp_path}/{name}")
        assert message in caught.value.message.lower().replace("embedded null", "null")
        assert caught.value.path == f"{tmp_path}/{name}"
        assert str(pickle.loads(pickle.dumps(caught.value))) == f"{tmp_path}/{name}: {caught.value.message}"
    with pytest.raises(FileError, match="pipe, socket or device"):
        read("/dev/zero")
    monkeypatch.setattr(files, "LARGEST", 10)
    (tmp_path / "big").write_bytes(b"12345678901")
    with pytest.raises(FileError, match="too large"):
        read(str(tmp_path / "big"))


def test_read_without_permission(public: Path) -> None:
    (public / "f").write_text("x")
    (public / "f").chmod(0)

    def job() -> str:
        with pytest.raises(FileError) as caught:
            read(str(public / "f"))
        return caught.value.message

    assert unprivileged(job).startswith("permission denied")


# Replacing


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob(".dfix-*"))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "Dockerfile"
    path.write_bytes(b"old")
    yield path
    assert not leftovers(tmp_path)


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o4755, 0o666])
def test_write_keeps_mode_and_owner(file: Path, mode: int) -> None:
    if os.geteuid() == 0:
        os.chown(file, 1234, 4321)
    file.chmod(mode)
    before = file.stat()
    write(str(file), b"new", b"old")
    after = file.stat()
    assert file.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "replaced, not written over"


def test_write_keeps_extended_attributes(file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"mine")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    write(str(file), b"new", b"old")
    assert os.getxattr(file, "user.note") == b"mine"


def test_write_follows_a_link_and_keeps_it(file: Path) -> None:
    (file.parent / "sub").mkdir()
    link = file.parent / "sub/link"
    link.symlink_to("../Dockerfile")
    write(str(link), b"new", b"old")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


def test_write_leaves_a_file_alone_that_changed_meanwhile(file: Path) -> None:
    with pytest.raises(FileError, match="changed while dfix was running"):
        write(str(file), b"new", b"older")
    assert file.read_bytes() == b"old"


def test_write_refuses_one_of_several_hard_links(file: Path) -> None:
    os.link(file, file.parent / "other")
    with pytest.raises(FileError, match="hard links"):
        write(str(file), b"new", b"old")
    assert file.read_bytes() == b"old"


def test_equal_bytes_are_not_written(file: Path) -> None:
    before = file.stat()
    write(str(file), b"old", b"old")
    assert file.stat().st_ino == before.st_ino


def test_write_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, message in {"missing": "no such file", "pipe": "pipe", ".": "folder", "nul\0": "null"}.items():
        with pytest.raises(FileError, match=message):
            write(str(tmp_path / name), b"new", b"old")


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["open", "fsync", "chmod", "replace"])
@pytest.mark.parametrize("trouble", [interrupt, full])
def test_trouble_at_any_step_leaves_the_old_file(
    file: Path, call: str, trouble: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = file.stat()
    with monkeypatch.context() as patch:
        patch.setattr(os, call, trouble)
        expected = KeyboardInterrupt if trouble is interrupt else FileError
        with pytest.raises(expected) as caught:
            write(str(file), b"new", b"old")
    if trouble is full:
        assert "no space left" in str(caught.value)
    assert file.read_bytes() == b"old"
    assert file.stat().st_ino == status.st_ino
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(status.st_mode)


def refused(path: Path) -> str:
    def job() -> str:
        try:
            write(str(path), b"new", b"old")
        except FileError as error:
            return error.message
        return "written"

    return unprivileged(job)


def test_write_without_permission(public: Path) -> None:
    (public / "shut").mkdir(mode=0o755)
    for name, mode in {"readonly": 0o444, "shut/f": 0o666, "fine": 0o666}.items():
        (public / name).write_bytes(b"old")
        if os.geteuid() == 0:
            os.chown(public / name, NOBODY, NOBODY)
        (public / name).chmod(mode)
    (public / "shut").chmod(0o555)
    assert refused(public / "fine") == "written"
    assert refused(public / "readonly").startswith("permission denied")
    assert refused(public / "shut/f").startswith("permission denied")
    assert (public / "shut/f").read_bytes() == b"old"
    assert not leftovers(public)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that belongs to someone else")
def test_write_refuses_to_take_a_file_from_its_owner(public: Path) -> None:
    (public / "f").write_bytes(b"old")
    os.chown(public / "f", 1234, NOBODY)
    (public / "f").chmod(0o666)
    assert "may not keep its owner (user 1234, group 65534)" in refused(public / "f")
    assert (public / "f").stat().st_uid == 1234
    assert (public / "f").read_bytes() == b"old"
    assert not leftovers(public)


def test_write_all_writes_all(file: Path) -> None:
    new = file.parent / ".dockerignore"
    mask = os.umask(0o027)
    try:
        write_all({str(file): (b"old", b"new"), str(new): (None, b".git\n")})
    finally:
        os.umask(mask)
    assert (file.read_bytes(), new.read_bytes()) == (b"new", b".git\n")
    assert stat.S_IMODE(new.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "bad", [("missing", b"old"), ("second", b"other"), ("first", None), ("no/folder", None), ("dangling", None)]
)
def test_write_all_writes_nothing_when_one_is_bad(file: Path, bad: tuple[str, bytes | None]) -> None:
    for name in ("first", "second"):
        (file.parent / name).write_bytes(b"old")
    (file.parent / "dangling").symlink_to("target")
    before = sorted(file.parent.iterdir())
    with pytest.raises(FileError):
        write_all({str(file): (b"old", b"new"), str(file.parent / bad[0]): (bad[1], b"new")})
    assert sorted(file.parent.iterdir()) == before
    assert file.read_bytes() == (file.parent / "second").read_bytes() == b"old"


@pytest.mark.parametrize("failing", range(4))
@pytest.mark.parametrize("trouble", [interrupt, full])
@pytest.mark.parametrize("is_late", [False, True])
def test_write_all_undoes_what_it_did(
    file: Path, failing: int, trouble: Callable[..., None], is_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [file, file.parent / "b", file.parent / "new", file.parent / "c"]
    for path in (paths[1], paths[3]):
        path.write_bytes(b"old")
        path.chmod(0o640)
    move, moves = os.replace, iter(range(100))

    def replace(source: str, target: str) -> None:
        number = next(moves)
        if number == failing and not is_late:
            trouble()
        move(source, target)
        if number == failing and is_late:
            trouble()

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt if trouble is interrupt else FileError):
        write_all({str(path): (None if path.name == "new" else b"old", b"new") for path in paths})
    assert [path.read_bytes() for path in paths if path.exists()] == [b"old"] * 3
    assert not paths[2].exists()
    assert stat.S_IMODE(paths[1].stat().st_mode) == 0o640


def test_undoing_does_not_overwrite_a_later_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = file.parent / "second"
    second.write_bytes(b"old")
    move = os.replace

    def replace(source: str, target: str) -> None:
        if target == str(second):
            file.write_bytes(b"theirs")
            full()
        move(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(FileError, match=f"no space left.*; could not be undone: {file}"):
        write_all({str(file): (b"old", b"new"), str(second): (b"old", b"new")})
    assert file.read_bytes() == b"theirs"
    assert second.read_bytes() == b"old"


def test_one_file_under_two_names_is_not_written_twice(file: Path) -> None:
    link = file.parent / "link"
    link.symlink_to("Dockerfile")
    with pytest.raises(FileError, match="changed while"):
        write_all({str(file): (b"old", b"new"), str(link): (b"old", b"newer")})
    assert file.read_bytes() == b"old"
