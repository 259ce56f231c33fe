"""The configuration: where it is found, what it may say, and how it says what is wrong."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewriter import config
from rewriter.config import Config, ConfigError, load
from rewriter.model.settings import UV_IMAGE, Settings


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    config.forget()
    yield
    config.forget()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a folder in it."""
    (tmp_path / "repo/.git").mkdir(parents=True)
    (tmp_path / "repo/a/b").mkdir(parents=True)
    return tmp_path / "repo"


def test_defaults(root: Path) -> None:
    assert load(str(root)) == Config((), (), (), "guarded", (), "", "auto", UV_IMAGE, "")


def test_every_key(root: Path) -> None:
    (root / "dfix.toml").write_text(
        'select = ["DF2", "copy-order"]\nextend-select = ["DF1"]\nignore = ["DF201"]\nlevel = "opt-in"\n'
        'exclude = ["vendor/", "!vendor/ours"]\ncontext = "a"\nbuilder = "legacy"\nuv = "pip"\nprobe = "/up"\n'
    )
    source = str(root / "dfix.toml")
    assert load(str(root / "a/b")) == Config(
        ("DF2", "copy-order"),
        ("DF1",),
        ("DF201",),
        "opt-in",
        ("vendor/", "!vendor/ours"),
        str(root / "a"),
        "legacy",
        "pip",
        "/up",
        source,
    )
    assert load(str(root)).settings == Settings("legacy", "pip")
    assert load(str(root)).folder == str(root)


def test_the_nearest_wins_and_within_a_folder_the_plainest_name(root: Path) -> None:
    (root / "pyproject.toml").write_text('[tool.dfix]\nlevel = "opt-in"\n')
    (root / "a/.dfix.toml").write_text('level = "safe"\n')
    assert load(str(root)).level == "opt-in"
    assert load(str(root / "a/b")).level == "safe"
    (root / "a/dfix.toml").write_text('level = "guarded"\n')
    assert load(str(root / "a/b")).level == "safe", "read once per folder"
    config.forget()
    assert load(str(root / "a/b")).source == str(root / "a/dfix.toml")


def test_a_project_file_without_our_table_is_passed_over(root: Path) -> None:
    (root / "dfix.toml").write_text('level = "safe"\n')
    (root / "a/pyproject.toml").write_text("this is not even TOML")
    (root / "a/b/pyproject.toml").write_text('[project]\ndependencies = ["dfix"]\n')
    assert load(str(root / "a/b")).level == "safe"


def test_the_search_ends_at_the_repository(root: Path) -> None:
    (root.parent / "dfix.toml").write_text('level = "safe"\n')
    assert load(str(root / "a")).level == "guarded"
    assert load(str(root.parent)).level == "safe"


def test_a_folder_that_does_not_exist_has_the_configuration_of_its_parent(root: Path) -> None:
    (root / "dfix.toml").write_text('level = "safe"\n')
    assert load(str(root / "not/there")).level == "safe"


def test_explicit_file(root: Path) -> None:
    (root / "other.toml").write_text('level = "safe"\n')
    assert load(str(root), str(root / "other.toml")).level == "safe"
    (root / "pyproject.toml").write_text("[tool.other]\n")
    with pytest.raises(ConfigError, match=r"there is no \[tool.dfix\]"):
        load(str(root), str(root / "pyproject.toml"))
    with pytest.raises(ConfigError, match="no such file"):
        load(str(root), str(root / "missing.toml"))


def test_one_read_per_folder(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "dfix.toml").write_text('level = "safe"\n')
    load(str(root / "a/b"))
    monkeypatch.setattr(config, "read", None)
    assert load(str(root / "a/b")) is load(str(root / "a")) is load(str(root))


PROJECT = '[tool.other]\nselct = 1\n[tool.dfix]\nlevel = "safe"\n'


@pytest.mark.parametrize(
    ("name", "text", "place", "message"),
    [
        ("dfix.toml", 'level = "safe"\nselct = []\n', ":2", 'unknown key "selct"; did you mean "select"?'),
        (
            "dfix.toml",
            "\n\n[fixers]\nx = 1\n",
            ":3",
            'unknown key "fixers" (known: select, extend-select, ignore, level',
        ),
        ("dfix.toml", '"a b" = 1\n', ":1", 'unknown key "a b"'),
        ("dfix.toml", '# c\n[tool.dfix]\nlevel = "safe"\n', ":2", "without [tool.dfix]"),
        ("pyproject.toml", PROJECT + "selct = []\n", ":5", 'did you mean "select"?'),
        ("pyproject.toml", "[tool]\ndfix = { selct = [] }\n", ":2", 'did you mean "select"?'),
        ("pyproject.toml", "[tool]\ndfix = 3\n", ":2", "tool.dfix must be a table"),
        ("dfix.toml", 'level = "opt_in"\n', ":1", 'must be "safe" or "guarded" or "opt-in"; did you mean "opt-in"?'),
        ("dfix.toml", "level = 3\n", ":1", "level must be"),
        ("dfix.toml", 'uv = "an image"\n', ":1", 'uv must be an image or "pip", as in uv = "'),
        ("dfix.toml", 'builder = "kaniko"\n', ":1", 'builder must be "auto" or "buildkit" or "legacy"'),
        ("dfix.toml", 'select = "DF201"\n', ":1", 'select must be a list of strings, as in select = ["DF201"]'),
        ("dfix.toml", "extend-select = 1\n", ":1", "extend-select must be a list of strings"),
        ("dfix.toml", "extend_select = []\n", ":1", 'did you mean "extend-select"?'),
        ("dfix.toml", "ignore = [1]\n", ":1", "ignore must be a list of strings"),
        ("dfix.toml", 'exclude = [""]\n', ":1", 'exclude must be a list of strings, as in exclude = ["vendor/"]'),
        ("dfix.toml", 'context = "nowhere"\n', ":1", "context: there is no folder"),
        ("dfix.toml", "context = []\n", ":1", "context must be a folder"),
        ("dfix.toml", 'level = "safe\n', ":1:14", "not valid TOML: Illegal character"),
        ("dfix.toml", "level = 'safe\n\n", ":1", "not valid TOML: "),
        ("dfix.toml", "level = 1\nlevel = 2\n", ":2:10", "not valid TOML: Cannot overwrite a value"),
        ("dfix.toml", "select = " + "[" * 5000, "", "nested too deeply"),
    ],
)
def test_mistakes_are_shown_where_they_are(root: Path, name: str, text: str, place: str, message: str) -> None:
    (root / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(str(root))
    assert str(caught.value).startswith(f"{root / name}{place}: ")
    assert message in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_not_utf8(root: Path) -> None:
    (root / "dfix.toml").write_bytes(b'level = "safe"\n# \xe9\n')
    with pytest.raises(ConfigError, match=r"dfix\.toml:2:3: this is not UTF-8"):
        load(str(root))


def test_a_byte_order_mark_and_windows_newlines_are_fine(root: Path) -> None:
    (root / "dfix.toml").write_bytes(b'\xef\xbb\xbflevel = "safe"\r\nselect = ["DF1"]\r\n')
    assert load(str(root)).level == "safe"


def test_a_configuration_that_cannot_be_read_is_not_ignored(root: Path) -> None:
    (root / "dfix.toml").mkdir()
    with pytest.raises(ConfigError, match="it is a folder"):
        load(str(root))
    (root / "dfix.toml").rmdir()
    os.mkfifo(root / "dfix.toml")
    with pytest.raises(ConfigError, match="it is a pipe"):
        load(str(root))


def test_the_command_line_goes_over_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "dfix.toml").write_text('select = ["DF1"]\nignore = ["DF201", "DF301"]\nexclude = ["x"]\nlevel = "safe"\n')
    monkeypatch.chdir(root)
    file = load(".")
    assert file.merge() == file
    merged = file.merge(select=["DF201"], ignore=["DF4"], level="opt-in", exclude=["y"], context="a", builder="legacy")
    assert merged == Config(
        ("DF201",),
        (),
        ("DF301", "DF4"),
        "opt-in",
        ("x", "y"),
        str(root / "a"),
        "legacy",
        UV_IMAGE,
        source=str(root / "dfix.toml"),
    )


def test_a_selection_of_the_command_line_replaces_what_the_file_selects_besides(root: Path) -> None:
    (root / "dfix.toml").write_text('select = ["DF1"]\nextend-select = ["DF2"]\nignore = ["DF104", "DF3"]\n')
    file = load(str(root))
    added = file.merge(extend_select=["DF104"])
    assert (added.select, added.extend_select, added.ignore) == (("DF1",), ("DF2", "DF104"), ("DF3",))
    replaced = file.merge(select=["DF6"], extend_select=["DF104"])
    assert (replaced.select, replaced.extend_select) == (("DF6",), ("DF104",))


def test_patterns_given_in_a_folder_below_keep_their_meaning(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "dfix.toml").write_text("")
    (root / "a/b[1]").mkdir()
    monkeypatch.chdir(root / "a")
    patterns = ["x/", "/x", "x/y", "!x"]
    assert load(".").merge(exclude=patterns).exclude == ("/a/**/x/", "/a/x", "/a/x/y", "!/a/**/x")
    monkeypatch.chdir(root / "a/b[1]")
    assert load(".").merge(exclude=["x"]).exclude == (r"/a/b\[1\]/**/x",)
