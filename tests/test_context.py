"""The build context: what is in it, and which folder it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rewriter.model.context import BuildContext, discover, local_sources
from rewriter.syntax.parser import parse
from tests.ordinary_user import unprivileged


def make(root: Path, *paths: str) -> Path:
    for path in paths:
        place = root / path
        if path.endswith("/"):
            place.mkdir(parents=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(path)
    return root


def test_status(tmp_path: Path) -> None:
    make(tmp_path, "a/b.txt", "c d")
    (tmp_path / "dangling").symlink_to("nowhere")
    context = BuildContext(str(tmp_path))
    for path in ("a", "a/", "a/b.txt", "/a/b.txt", "./a/b.txt", "../a/b.txt", "c d", ".", "/", "dangling"):
        assert context.status(path) == "present", path
    for path in ("x", "a/x", "a/b.txt/x", "a\0b"):
        assert context.status(path) == "absent", path


def test_what_cannot_be_read_is_neither_present_nor_absent(public: Path) -> None:
    make(public, "shut/file", "file")
    (public / "file").chmod(0)
    (public / "shut").chmod(0)
    context = BuildContext(str(public))
    job = lambda: " ".join([*map(context.status, ("file", "shut/file", "shut")), str(context.read("file"))])  # noqa: E731
    assert unprivileged(job) == "unreadable unreadable unreadable None"


def test_without_a_root_nothing_is_known() -> None:
    context = BuildContext()
    assert (context.status("x"), context.find("*"), context.read("x")) == ("unknown", "unknown", None)


def test_read(tmp_path: Path) -> None:
    make(tmp_path, "in/file", "secret")
    (tmp_path / "in/bytes").write_bytes(b"\xff\r\n")
    (tmp_path / "in/out").symlink_to(tmp_path / "secret")
    (tmp_path / "in/link").symlink_to("file")
    context = BuildContext(str(tmp_path / "in"))
    assert context.read("file") == "in/file"
    assert context.read("link") == "in/file"
    assert context.read("bytes") == "\udcff\r\n"
    assert context.read("out") is None
    assert context.read("../secret") is None
    assert context.read(".") is None
    assert context.read("none") is None


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("*.txt", "present"),
        ("package*.json", "present"),
        ("yarn.lock*", "absent"),
        ("a/*.py", "present"),
        ("*/main.py", "present"),
        ("*/*/main.py", "absent"),
        ("a?txt", "present"),
        ("[ab].txt", "present"),
        ("[^a].txt", "absent"),
        ("*.md", "absent"),
        ("none/*", "absent"),
        ("a.txt/*", "absent"),
        ("[a", "absent"),
        ("a.txt", "present"),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, status: str) -> None:
    make(tmp_path, "a.txt", "package.json", "a/main.py")
    assert BuildContext(str(tmp_path)).find(pattern) == status


def test_what_copy_takes_from_the_context() -> None:
    text = (
        "FROM x AS y\nARG D=app\n"
        "COPY a b /x\nADD http://a/b git@github.com:a/b.git https://github.com/a/b.git c /x\n"
        'COPY --from=y d /x\nCOPY <<E e /x\nE\nCOPY $D/f $UNKNOWN/g /x\nCOPY ["h i", "/x"]\n'
        "COPY 'j' /x\nONBUILD COPY k /x\nCOPY l\n"
    )
    assert list(local_sources(parse(text))) == ["a", "b", "c", "e", "app/f", "h i", "j"]


def found(root: Path, dockerfile: str, text: str) -> str | None:
    context = discover(str(root / dockerfile), parse(text))
    return None if context.root is None else os.path.relpath(context.root, root)


def test_discovery_takes_the_only_folder_that_fits(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/Dockerfile", "web/package.json", "requirements.txt", "docker/Dockerfile")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY package.json .\n") == "web"
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY web/package*.json .\n") == "."
    assert found(tmp_path, "docker/Dockerfile", "FROM x\nCOPY requirements.txt .\n") == "."
    assert found(tmp_path, "Dockerfile", "FROM x\nCOPY . .\n") == "."


def test_discovery_does_not_guess(tmp_path: Path) -> None:
    make(tmp_path, ".git/", "web/package.json", "package.json")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY package.json .\n") is None
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY . .\n") is None
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY missing .\n") is None


def test_without_a_repository_only_the_own_folder_counts(tmp_path: Path) -> None:
    make(tmp_path, "web/a", "b")
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY a .\n") == "web"
    assert found(tmp_path, "web/Dockerfile", "FROM x\nCOPY b .\n") is None


def test_what_the_user_says_wins(tmp_path: Path) -> None:
    dockerfile = parse("FROM x\nCOPY missing .\n")
    path = str(tmp_path / "Dockerfile")
    assert discover(path, dockerfile, explicit="a", configured="b").root == "a"
    assert discover(path, dockerfile, configured="b").root == "b"
