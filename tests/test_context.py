"""The build context: what is in it, and what COPY sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.model.context.build_context import MOST_ENTRIES, BuildContext
from rewriter.model.context.files import Listed
from tests.ordinary_user import unprivileged


def make(root: Path, *paths: str, **texts: str) -> Path:
    """Files that hold their own names, folders, and `.dockerignore`s."""
    for path in paths:
        place = root / path
        if path.endswith("/"):
            place.mkdir(parents=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(path)
    if "ignore" in texts:
        (root / ".dockerignore").write_text(texts["ignore"])
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


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("*.txt", ("a.txt", "b.txt")),
        ("a/*", ("a/main.py",)),
        ("a.txt", ("a.txt",)),
        ("x*", ()),
        ("x", ()),
        (".", ("",)),
    ],
)
def test_what_a_pattern_stands_for(tmp_path: Path, pattern: str, paths: tuple[str, ...]) -> None:
    assert BuildContext(str(make(tmp_path, "a.txt", "b.txt", "a/main.py"))).matches(pattern) == paths


# What COPY sees


def test_what_is_ignored_is_absent_and_still_on_the_host(tmp_path: Path) -> None:
    make(
        tmp_path, "docs/a.md", "docs/README.md", "src/a.py", "logs/x.log", ignore="docs\n!docs/README.md\n*.py\nlogs\n"
    )
    context = BuildContext(str(tmp_path))
    assert [context.status(path) for path in ("docs", "docs/README.md", "src/a.py")] == ["present"] * 3
    assert [context.status(path) for path in ("docs/a.md", "logs", "logs/x.log")] == ["absent"] * 3
    assert (context.find("docs/*.md"), context.find("docs/a*"), context.find("l*")) == ("present", "absent", "absent")
    assert (context.read("docs/a.md"), context.head("docs/a.md", 3), context.is_folder("logs")) == (None, None, False)
    assert (context.list(""), context.list("docs")) == ((".dockerignore", "docs", "src"), ("README.md",))
    host = context.host
    assert host.status("logs/x.log") == "present"
    assert (host.read("docs/a.md"), host.list("docs")) == ("docs/a.md", ("README.md", "a.md"))
    assert host.host is host
    assert not host.ignores("logs")


def test_a_folder_that_exceptions_leave_empty_is_absent(tmp_path: Path) -> None:
    make(tmp_path, "web/a.js", "app/deep/a.py", ignore="*\n!**/*.py\n")
    context = BuildContext(str(tmp_path))
    assert context.list("") == ("app",)
    assert (context.status("web"), context.is_folder("app")) == ("absent", True)
    assert context.status(".") == "present"


def test_what_would_be_ignored(tmp_path: Path) -> None:
    context = BuildContext(str(make(tmp_path, "file", ignore="node_modules\nvenv\n!venv/keep\n**/*.pyc\n")))
    paths = ("node_modules", "./node_modules/a", "venv", "venv/lib", "venv/keep", "a/b.pyc", "file", ".")
    assert [path for path in paths if context.ignores(path)] == [
        "node_modules",
        "./node_modules/a",
        "venv/lib",
        "a/b.pyc",
    ]
    every = context.with_text(".dockerignore", "*\n!**/*.py\n")
    assert (every.ignores("file"), every.ignores("folder"), every.ignores("a.py")) == (True, False, False)
    assert not BuildContext().ignores("node_modules")


def test_a_bad_pattern_leaves_nothing_known_but_what_is_absent(tmp_path: Path) -> None:
    context = BuildContext(str(make(tmp_path, "a", "b/c", ignore="a[\n")))
    assert (context.status("a"), context.status("none"), context.find("*")) == ("unknown", "absent", "unknown")
    assert (context.read("a"), context.list("b"), context.walk("", bool), context.is_folder("b")) == (None,) * 4
    assert not context.ignores("a")
    assert context.host.status("a") == "present"


def test_an_ignore_file_that_cannot_be_read_leaves_nothing_known(public: Path) -> None:
    make(public, "file", ignore="x")
    (public / ".dockerignore").chmod(0)
    context = BuildContext(str(public))
    assert unprivileged(lambda: f"{context.status('file')} {context.status('none')}") == "unknown absent"


def test_the_ignore_file_beside_the_dockerfile_goes_first(tmp_path: Path) -> None:
    make(tmp_path, "context/web/Dockerfile", "context/a", "context/b", "docker/app.Dockerfile")
    make(tmp_path / "context", ignore="a\n")
    root = str(tmp_path / "context")
    context = BuildContext(root, dockerfile="web/Dockerfile")
    assert (context.ignore_path, context.ignore_text, context.list("")) == (
        ".dockerignore", "a\n", (".dockerignore", "b", "web")
    )  # fmt: skip
    (tmp_path / "context/web/Dockerfile.dockerignore").write_text("b\n")
    context = BuildContext(root, dockerfile="web/Dockerfile")
    assert (context.ignore_path, context.ignores("a"), context.ignores("b")) == (
        "web/Dockerfile.dockerignore", False, True
    )  # fmt: skip
    (tmp_path / "docker/app.Dockerfile.dockerignore").write_text("")
    context = BuildContext(root, dockerfile="../docker/app.Dockerfile")
    assert (context.ignore_path, context.ignores("a")) == ("../docker/app.Dockerfile.dockerignore", False)
    assert context.with_text(context.ignore_path, "a").ignores("a")
    assert BuildContext(root, dockerfile="../docker/other").ignore_path == ".dockerignore"


def test_a_text_that_is_not_written_yet_counts(tmp_path: Path) -> None:
    old = BuildContext(str(make(tmp_path, "a/b", "c")))
    new = old.with_text(".dockerignore", "c\n").with_text("./a/new/file", "text")
    assert (new.ignores("c"), new.status("c"), new.ignore_text) == (True, "absent", "c\n")
    assert (new.read("a/new/file"), new.head("/a/new/file", 2), new.status("a/new")) == ("text", b"te", "present")
    assert (new.list(""), new.list("a"), new.is_folder("a/new")) == ((".dockerignore", "a"), ("b", "new"), True)
    assert new.walk("", lambda name: name == "file") == ["a/new/file"]
    assert new.with_text(".dockerignore", "a/new").read("a/new/file") is None
    assert (old.ignores("c"), old.status("a/new/file"), old.ignore_text) == (False, "absent", "")


def test_the_ignore_file_can_ignore_itself(tmp_path: Path) -> None:
    context = BuildContext(str(make(tmp_path, "Dockerfile", ignore=".dockerignore\nDockerfile\n")))
    assert (context.status(".dockerignore"), context.status("Dockerfile")) == ("absent", "absent")
    assert context.ignore_text == ".dockerignore\nDockerfile\n"


def test_links_show_what_they_lead_to(tmp_path: Path) -> None:
    make(tmp_path, "in/real/file", "in/hidden/file", "out/file")
    make(tmp_path / "in", ignore="hidden\n")
    for name, target in (("ok", "real"), ("shy", "hidden"), ("away", "../out"), ("dangling", "none")):
        (tmp_path / "in" / name).symlink_to(target)
    context = BuildContext(str(tmp_path / "in"))
    assert (context.read("ok/file"), context.list("ok"), context.is_folder("ok")) == ("in/real/file", ("file",), True)
    assert (context.status("shy/file"), context.read("shy/file")) == ("absent", None)
    assert (context.status("away"), context.is_folder("away"), context.status("away/file")) == (
        "present",
        None,
        "unreadable",
    )
    assert (context.read("away/file"), context.list("away"), context.head("away/file", 1)) == (None, None, None)
    assert context.is_folder("dangling") is None
    assert context.walk("", lambda name: name == "file") == ["real/file"]


def test_walking(tmp_path: Path) -> None:
    paths = ["a/package.json", "package.json", "a/node_modules/b/package.json", ".git/package.json", "c/package.json"]
    context = BuildContext(str(make(tmp_path, *paths, "a/other", ignore="c\n")))
    assert context.walk("", lambda name: name == "package.json") == ["a/package.json", "package.json"]
    assert context.walk("a", lambda name: name == "other") == ["a/other"]
    assert context.host.walk("c", lambda _: True) == ["c/package.json"]
    assert (context.walk("c", bool), context.walk("none", bool), BuildContext().walk("", bool)) == ([], [], None)


def test_walking_has_a_bound() -> None:
    few = BuildContext.of_list(f"a/{number}" for number in range(MOST_ENTRIES - 2))
    many = BuildContext.of_list(f"a/{number}" for number in range(MOST_ENTRIES + 1))
    assert few.walk("", lambda name: name == "7") == ["a/7"]
    assert (many.walk("", lambda name: name == "7"), many.list("a"), many.status("a/7")) == (None, None, "unreadable")
    hidden = many.with_text(".dockerignore", "*\n!**/*.py\n")
    assert (hidden.status("a"), hidden.list("")) == ("unknown", None)


# Lists


def test_a_list_knows_what_exists_and_a_folder_what_it_says(tmp_path: Path) -> None:
    make(tmp_path, "kept", "unlisted", "shut/listed")
    paths = ["kept", "src/main.py", "src/lib/a.py", "shut/listed", ".dockerignore"]
    make(tmp_path, ignore="shut\n")
    context = BuildContext.of_list(paths, str(tmp_path))
    assert context.root == str(tmp_path)
    assert [context.status(path) for path in ("kept", "src", "src/lib", ".")] == ["present"] * 4
    assert [context.status(path) for path in ("src/main.py", "src/lib/a.py")] == ["unreadable"] * 2
    assert [context.status(path) for path in ("unlisted", "shut/listed", "kept/x", "s")] == ["absent"] * 4
    assert (context.read("kept"), context.read("src/main.py"), context.read("unlisted")) == ("kept", None, None)
    assert (context.list("src"), context.is_folder("src/main.py")) == (("lib", "main.py"), False)
    assert context.walk("", lambda name: name.endswith(".py")) == ["src/lib/a.py", "src/main.py"]
    assert (context.find("src/*.py"), context.matches("*/*.py")) == ("present", ("src/main.py",))
    assert context.host.read("shut/listed") == "shut/listed"


def test_a_list_without_a_folder() -> None:
    paths = {
        "link": Listed(0o120000),
        "module": Listed(0o160000),
        "empty": Listed(0o100644, 0),
        "run": Listed(0o100755),
    }
    context = BuildContext.of_list(paths, dockerfile="Dockerfile")
    assert [context.status(path) for path in ("link", "link/x", "empty", "run")] == [
        "present", "unreadable", "present", "unreadable"
    ]  # fmt: skip
    assert (context.is_folder("link"), context.is_folder("module"), context.list("module")) == (None, True, None)
    assert (context.read("empty"), context.head("empty", 9), context.read("run")) == ("", b"", None)
    assert context.walk("", lambda _: True) is None  # what the submodule holds is not known
    assert context.root is None


def test_a_listed_ignore_file_that_cannot_be_read() -> None:
    context = BuildContext.of_list(["a", ".dockerignore"])
    assert (context.status("a"), context.status("b"), context.list("")) == ("unknown", "absent", None)


def test_permissions(tmp_path: Path) -> None:
    for name, mode in (("run.sh", 0o755), ("main.py", 0o640)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    (tmp_path / ".dockerignore").write_text("secret.sh\n")
    (tmp_path / "secret.sh").touch()
    context = BuildContext(str(tmp_path))
    assert [context.mode(path) for path in ("run.sh", "main.py", "secret.sh", "absent")] == [0o755, 0o640, -1, -1]
    assert context.with_text("run.sh", "").mode("run.sh") == -1
    listed = BuildContext.of_list({"run.sh": Listed(0o100755), "link": Listed(0o120000)})
    assert [listed.mode("run.sh"), listed.mode("link"), BuildContext(None).mode("run.sh")] == [0o755, -1, -1]
