"""Bad input: each kind has a clear message with its place, the exit code of the design, and stays as it is."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewriter import batch, files
from rewriter.batch import Batch, Problem, Result
from rewriter.discovery import Found
from tests.command import PROGRAM, dfix, process
from tests.ordinary_user import unprivileged

LOOSE = b"FROM debian:12-slim\nrun true\n"
TIDY = b"FROM debian:12-slim\nRUN true\n"
MODES = ("--diff", "--check", "--write")


@pytest.fixture
def file(here: Path) -> Path:
    """A Dockerfile with one thing to fix."""
    return put(here / "Dockerfile", LOOSE)


def put(path: Path, data: bytes = LOOSE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# What is no Dockerfile, or none that BuildKit would take

CONTENTS = {
    "empty": (b"", ":1:1: no FROM instruction"),
    "blank": (b"\n \n\t\n", ":1:1: no FROM instruction"),
    "only comments": (b"# syntax=docker/dockerfile:1\n# run\n", ":1:1: no FROM instruction"),
    "no FROM": (b"# for later\nrun true\n", ":2:1: RUN before the first FROM"),
    "unknown instruction": (b"FROM debian:12-slim\nrun true\nfoo x\n", ":3:1: unknown instruction: FOO"),
    "template": (b"FROM {{ base }}\nrun true\n", ":1:1: a template placeholder"),
    "NUL": (b"FROM debian:12-slim\nrun tr\0ue\n", ":2:7: a NUL character"),
    "UTF-16": ("\ufeffFROM debian:12-slim\nrun true\n".encode("utf-16-le"), ":1:4: a NUL character"),
    "not UTF-8, and no FROM": (b"# caf\xe9\nrun true\n", ":2:1: RUN before the first FROM"),
    "10 MB of one line": (b"FROM debian:12-slim\nrun " + b"x" * 10_000_000, ":2:1: a line of more than 65,534 bytes"),
    "10 MB of one comment": (
        b"FROM debian:12-slim\nrun true\n#" + b" x" * 5_000_000,
        ":3:1: a line of more than 65,534",
    ),
}


@pytest.mark.parametrize("kind", CONTENTS)
def test_it_is_refused_and_stays_as_it_is(here: Path, kind: str) -> None:
    data, message = CONTENTS[kind]
    path = put(here / "Dockerfile", data)
    before = path.stat()
    for mode in MODES:
        named = dfix(mode, "Dockerfile")
        assert (named.code, named.out) == (2, b"")
        assert named.err.startswith(f"error: Dockerfile{message}")
        assert named.err.count("\n") == 1
        found = dfix(mode, ".")
        assert (found.code, found.out) == (0, b"")
        assert found.err.startswith(f"warning: Dockerfile{message}")
    assert path.read_bytes() == data
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    piped = dfix("--write", "-", stdin=data)
    assert (piped.code, piped.out) == (2, data)
    assert piped.err.startswith(f"error: <stdin>{message}")


def test_bytes_that_are_not_utf8_are_said_and_kept(here: Path) -> None:
    path = put(here / "Dockerfile", b"FROM debian:12-slim\n# \xe9\nrun echo '\xff'\n")
    for mode in MODES:
        ran = dfix(mode, "Dockerfile")
        assert ran.code == (0 if mode == "--write" else 1)
        assert ran.err.startswith("warning: Dockerfile:2:3: a byte that is not UTF-8 (0xe9); dfix keeps such bytes")
    assert path.read_bytes() == b"FROM debian:12-slim\n# \xe9\nRUN echo '\xff'\n"


def test_a_hundred_thousand_lines(here: Path) -> None:
    lines = [b"FROM debian:12-slim\n", *[b"# nothing\n", b"\n"] * 49_999, b"run true\n"]
    path = put(here / "Dockerfile", b"".join(lines))
    diff = dfix("--diff", "Dockerfile")
    assert (diff.code, diff.out.count(b"\n")) == (1, 8)
    assert b"@@ -99997,4 +99997,4 @@" in diff.out
    assert dfix("--write", "Dockerfile").code == 0
    assert path.read_bytes() == b"".join([*lines[:-1], b"RUN true\n"])


def test_a_hundred_thousand_continuation_lines(here: Path) -> None:
    text = b"FROM debian:12-slim\nrun true \\\n" + b"    && true \\\n" * 99_996 + b"    && true\nEXPOSE 80\nEXPOSE 81\n"
    path = put(here / "Dockerfile", text)
    assert dfix("--write", "--select", "DF601", "Dockerfile").code == 0
    assert path.read_bytes() == text.replace(b"run", b"RUN", 1)


# What is no file


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "nowhere: no such file; check the path"),
        ("", "'': no such file"),
        ("Dockerfile/", "Dockerfile/: Not a directory"),
        ("pipe", "pipe: it is a pipe, socket or device, not a file"),
        ("/dev/null", "/dev/null: it is a pipe, socket or device, not a file"),
        ("/dev/zero", "/dev/zero: it is a pipe, socket or device, not a file"),
        ("dangling", "dangling: no such file"),
        ("loop", "loop: the symbolic links lead in a circle"),
        ("x" * 300, f"{'x' * 300}: File name too long"),
        ("huge", "huge: too large for a Dockerfile"),
    ],
)
@pytest.mark.usefixtures("file")
def test_what_is_no_file(name: str, message: str) -> None:
    os.mkfifo("pipe")
    os.symlink("nowhere", "dangling")
    os.symlink("loop", "loop")
    with open("huge", "wb") as huge:
        huge.truncate(files.LARGEST + 1)
    for mode in MODES:
        ran = dfix(mode, name)
        assert (ran.code, ran.out) == (2, b"")
        assert ran.err.startswith(f"error: {message}")
        assert ran.err.count("\n") == 1


def test_a_folder_called_dockerfile_is_searched(here: Path) -> None:
    put(here / "Dockerfile/Dockerfile")
    assert dfix("--check", "Dockerfile").out.startswith(b"Dockerfile/Dockerfile:2:1: ")
    assert dfix("--check", ".").out.startswith(b"Dockerfile/Dockerfile:2:1: ")


@pytest.mark.usefixtures("here")
def test_a_pipe_found_in_a_folder_is_not_waited_for() -> None:
    os.mkfifo("Dockerfile")
    ran = dfix(".")
    assert "Dockerfile: it is a pipe" in ran.err


def test_very_deep_folders(here: Path) -> None:
    depth, name = 60, "d" * 100
    folder = os.open(".", os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    descriptor = os.open("Dockerfile", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
    os.close(descriptor)
    os.close(folder)
    put(here / "Dockerfile")
    ran = dfix("--check", ".")
    assert (ran.code, ran.out.count(b"\n")) == (1, 1)
    assert ": the folder cannot be searched: File name too long\n" in ran.err
    shutil.rmtree(name)


def test_hundreds_of_folders_in_one_another(here: Path) -> None:
    put(here.joinpath(*["d"] * 500, "Dockerfile"))
    assert dfix("--check", ".").out.count(b"\n") == 1


def test_two_arguments_for_one_file(file: Path) -> None:
    os.symlink("Dockerfile", "link")
    os.symlink(".", "folder")
    ran = dfix("--write", "link", "Dockerfile", "./Dockerfile", "folder/Dockerfile", ".")
    assert (ran.code, ran.err.splitlines()[0]) == (0, "rewrote link: 1 fix")
    assert ran.err.count("rewrote") == 1
    assert Path("link").is_symlink()
    assert file.read_bytes() == TIDY


def test_a_symbolic_link_stays_one(here: Path) -> None:
    target = put(here / "docker/main.txt")
    target.chmod(0o640)
    Path("Dockerfile").symlink_to("docker/main.txt")
    diff = dfix("--diff", "Dockerfile")
    assert diff.out.startswith(b"--- a/docker/main.txt\n"), "git patches no file behind a link"
    assert dfix("--write", "Dockerfile").code == 0
    assert Path("Dockerfile").is_symlink()
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (TIDY, 0o640)


def test_a_link_out_of_the_searched_folder_is_not_followed(here: Path) -> None:
    outside = put(here.parent / "outside")
    (here / "Dockerfile").symlink_to(outside)
    ran = dfix("--write", ".")
    assert (ran.code, outside.read_bytes()) == (0, LOOSE)
    assert ran.err.startswith("warning: Dockerfile: it is a symbolic link to ")
    assert "name the file to work on it" in ran.err
    assert dfix("--write", "Dockerfile").code == 0
    assert outside.read_bytes() == TIDY


# What happens meanwhile


def test_a_file_that_vanishes_between_search_and_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = Batch.find

    def find_and_remove(self: Batch, paths: list[str]) -> Iterator[Found]:
        for found in list(find(self, paths)):
            os.unlink(found.path)
            yield found

    monkeypatch.setattr(Batch, "find", find_and_remove)
    searched = dfix("--write", ".")
    assert (searched.code, searched.err.split(";")[0]) == (0, "warning: Dockerfile: no such file")
    put(file)
    named = dfix("--write", "Dockerfile")
    assert (named.code, named.err.split(";")[0]) == (2, "error: Dockerfile: no such file")
    assert not file.exists()


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_file_that_changes_before_it_is_written(
    file: Path, is_removed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:

    def meddle(result: Result) -> Problem | None:
        file.unlink() if is_removed else file.write_bytes(b"FROM theirs\n")
        return batch.save(result)

    monkeypatch.setattr("rewriter.session.save", meddle)
    ran = dfix("--write", ".")
    assert ran.code == 2
    assert ran.err.startswith(
        f"error: Dockerfile: {'no such file' if is_removed else 'it changed while dfix was running'}"
    )
    assert file.exists() is not is_removed
    assert is_removed or file.read_bytes() == b"FROM theirs\n"
    assert len(list(file.parent.iterdir())) == (0 if is_removed else 1)


# Runs dfix and dies without a chance to clean up: before the new file is written, half-way, and when it is complete.
KILLED = """
import os, signal, sys
from rewriter import files
from rewriter.__main__ import main
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
class Half:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def fileno(self): return self.file.fileno()
    def write(self, data): self.file.write(data[:9]); self.file.flush(); die()
moment = sys.argv.pop(1)
if moment == "half-way":
    really_open = open
    files.open = lambda name, mode: Half(really_open(name, mode)) if mode == "wb" else really_open(name, mode)
else:
    setattr(os, moment, die)
main()
"""


@pytest.mark.parametrize("moment", ["chmod", "half-way", "fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file(file: Path, moment: str) -> None:
    file.chmod(0o640)
    ran = process(moment, "--write", "Dockerfile", program=[*PROGRAM[:2], KILLED])
    assert ran.returncode == -signal.SIGKILL
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (LOOSE, 0o640)
    assert len(list(file.parent.iterdir())) == 2, "what was begun lies beside it"
    assert dfix("--check", ".").out.count(b"\n") == 1, "and is not taken for a Dockerfile"
    assert dfix("--write", ".").code == 0
    assert file.read_bytes() == TIDY


# What the system forbids


def test_one_of_several_hard_links(file: Path) -> None:
    os.link("Dockerfile", "other")
    ran = dfix("--write", "Dockerfile")
    assert (ran.code, file.read_bytes()) == (2, LOOSE)
    assert "other hard links to it would keep the old text" in ran.err


def as_nobody(*arguments: str) -> tuple[int, bytes, str]:
    """What an ordinary user gets."""
    dfix("--write", "-", stdin=LOOSE)  # loads what that user may have no right to read
    code, out, err = eval(unprivileged(lambda: repr(tuple(dfix(*arguments)))))
    return code, out, err


def test_files_without_permission(public: Path) -> None:
    unreadable, readonly = put(public / "Dockerfile.a"), put(public / "Dockerfile.b")
    shut = put(public / "shut/Dockerfile")
    unreadable.chmod(0)
    readonly.chmod(0o444)
    (public / "shut").chmod(0)
    for path in (str(unreadable), str(shut)):
        code, _, err = as_nobody("--check", path)
        assert (code, err.split(";")[0]) == (2, f"error: {path}: permission denied")
    code, out, err = as_nobody("--check", str(public))
    assert (code, out.count(b"\n")) == (2, 1), "a Dockerfile that nobody looked at is not fine"
    assert f"error: {unreadable}: permission denied" in err
    assert f"warning: {public}/shut: the folder cannot be searched: permission denied" in err
    code, _, err = as_nobody("--write", str(readonly))
    assert (code, err.split(";")[0]) == (2, f"error: {readonly}: permission denied")
    (public / "shut").chmod(0o755)
    assert unreadable.stat().st_size == len(LOOSE)
    assert readonly.read_bytes() == shut.read_bytes() == LOOSE


def test_a_folder_that_may_not_be_written_to(public: Path) -> None:
    path = put(public / "shut/Dockerfile")
    path.chmod(0o666)
    (public / "shut").chmod(0o555)
    code, _, err = as_nobody("--write", str(path))
    assert (code, err.split(";")[0]) == (2, f"error: {path}: permission denied")
    assert path.read_bytes() == LOOSE


def test_a_read_only_file_system(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_open = os.open

    def refuse(path: str, flags: int, *rest: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)
        return really_open(path, flags, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        ran = dfix("--write", "Dockerfile")
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err == "error: Dockerfile: the file system is read-only\n"
    assert file.read_bytes() == LOOSE


def test_a_real_read_only_file_system(here: Path) -> None:
    def mount(*options: str) -> bool:
        command = ["mount", *options, "-t", "tmpfs", "dfix", str(here)]
        return (
            shutil.which("mount") is not None
            and not subprocess.run(command, capture_output=True, check=False).returncode
        )

    if os.geteuid() != 0 or not mount():
        pytest.skip("nothing can be mounted here")
    try:
        path = put(here / "Dockerfile")
        assert mount("-o", "remount,ro")
        for mode in MODES:
            ran = dfix(mode, str(here))
            assert (ran.code, path.read_bytes()) == (2 if mode == "--write" else 1, LOOSE)
        assert dfix("--write", str(path)).err == f"error: {path}: the file system is read-only\n"
    finally:
        subprocess.run(["umount", str(here)], check=True)
