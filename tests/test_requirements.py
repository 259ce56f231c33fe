"""Requirements as pip reads them, on the command line and in files."""

from __future__ import annotations

import pytest

from rewriter.model.pip.requirements import (
    MOST_FILES,
    Option,
    configures_uv,
    declares_build_system,
    find_option_refusal,
    find_refusal,
    follow,
    parse_requirement,
    read_requirements,
    undeclared_builds,
)


@pytest.mark.parametrize(
    ("text", "kind", "name", "is_pinned"),
    [
        ("flask", "name", "flask", False),
        ("Flask_SQLAlchemy == 3.1", "name", "flask-sqlalchemy", True),
        ("zope.interface>=5,<6", "name", "zope-interface", False),
        ("django==4.2.*", "name", "django", False),
        ("uvicorn[standard]===0.30 ; python_version < '3.12'", "name", "uvicorn", True),
        ("six @ https://example.org/six-1.16.0-py2.py3-none-any.whl", "wheel", "six", False),
        ("https://example.org/six-1.16.0-py2.py3-none-any.whl#sha256=0", "wheel", "", False),
        ("dist/six-1.16.0-py2.py3-none-any.whl", "wheel", "", False),
        ("https://example.org/shop-1.0.tar.gz", "archive", "", False),
        ("shop @ https://example.org/main.zip", "archive", "shop", False),
        ("git+https://example.org/shop.git@main#egg=shop", "vcs", "", False),
        ("shop @ git+ssh://git@example.org/shop.git", "vcs", "shop", False),
        (".", "path", "", False),
        (".[dev]", "path", "", False),
        ("./libs/shop", "path", "", False),
        ("/srv/shop", "path", "", False),
        ("libs/shop", "path", "", False),
        ("file:///srv/shop", "path", "", False),
    ],
)
def test_kind_and_name(text: str, kind: str, name: str, is_pinned: bool) -> None:
    read = parse_requirement(text)
    assert (read.kind, read.name, read.is_pinned) == (kind, name, is_pinned)


@pytest.mark.parametrize(
    ("text", "path"), [(".[dev]", "."), ("file:///srv/shop", "/srv/shop"), ("./a ; python_version > '3'", "./a")]
)
def test_path_is_without_what_follows_it(text: str, path: str) -> None:
    assert parse_requirement(text).path == path


@pytest.mark.parametrize("text", ["flask>=2.0.*", "flask ~= 1.*", "flask<3.*,>1"])
def test_wildcard_in_a_range_is_refused(text: str) -> None:
    assert "is an error to uv" in find_refusal(parse_requirement(text))


@pytest.mark.parametrize(
    "text", ["flask==2.0.*", "flask!=2.*", "flask~=2.0", "flask>=2", "./shop", "a-1-py3-none-any.whl"]
)
def test_what_uv_reads_alike_is_not_refused(text: str) -> None:
    assert find_refusal(parse_requirement(text)) == ""


@pytest.mark.parametrize(
    "text",
    ["git+https://example.org/shop.git", "https://example.org/shop-1.0.tar.gz", "Torch_Scatter", "madmom==0.16.1"],
)
def test_what_may_be_built_otherwise_is_refused(text: str) -> None:
    assert find_refusal(parse_requirement(text))


def test_editable_is_refused_unless_it_is_a_folder() -> None:
    assert find_refusal(parse_requirement("git+https://example.org/shop.git", is_editable=True))
    assert find_refusal(parse_requirement("shop", is_editable=True)) == ""


def test_names_in_the_data_are_normal() -> None:
    assert {parse_requirement(name).name for name in undeclared_builds()} == undeclared_builds()


def test_a_file_without_comments_and_continuations() -> None:
    file = read_requirements(
        "\ufeff# web\r\n"
        "flask  # the framework\r\n"
        "\n"
        "six==1.16.0 \\\n"
        "    --hash=sha256:00 \\\n"
        "    --hash=sha256:11\n"
        "shop @ https://example.org/shop-1-py3-none-any.whl#egg=shop\n"
        "   requests [socks] >= 2 ; sys_platform != 'win32'\n"
    )
    assert [one.text for one in file.requirements] == [
        "flask",
        "six==1.16.0",
        "https://example.org/shop-1-py3-none-any.whl#egg=shop",
        "requests [socks] >= 2 ; sys_platform != 'win32'",
    ]
    assert file.options == (Option("--hash", "sha256:00"), Option("--hash", "sha256:11"))


def test_options_of_a_file_have_their_long_names() -> None:
    file = read_requirements(
        "-i https://a.example.org --extra-index-url=https://b.example.org\n"
        "--pre\n-f wheels\n-rbase.txt\n-c constraints.txt\n--trusted-host c.example.org\n-e ./shop\n"
    )
    assert file.options == (
        Option("--index-url", "https://a.example.org"),
        Option("--extra-index-url", "https://b.example.org"),
        Option("--pre", ""),
        Option("--find-links", "wheels"),
        Option("--requirement", "base.txt"),
        Option("--constraint", "constraints.txt"),
        Option("--trusted-host", "c.example.org"),
    )
    assert [(one.text, one.is_editable) for one in file.requirements] == [("./shop", True)]


def test_variables_are_those_that_pip_expands() -> None:
    file = read_requirements("shop @ https://${USER}:${TOKEN}@example.org/a.whl\n$HOME/shop\n# ${COMMENT}\n")
    assert file.variables == ("USER", "TOKEN")


@pytest.mark.parametrize("name", ["--prefer-binary", "--use-feature", "--config-settings", "--global-option", "--none"])
def test_option_of_a_file_that_uv_does_not_obey_is_refused(name: str) -> None:
    assert find_option_refusal(Option(name, ""))


def test_includes_are_followed_from_the_folder_of_the_file_that_names_them() -> None:
    files = {
        "req/web.txt": "-r base.txt\n-c ../limits.txt\nflask\n-r gone.txt\n-r https://example.org/far.txt\n",
        "req/base.txt": "-r web.txt\njinja2\n--pre\n",
        "limits.txt": "-r more.txt\nnumpy<2\n",
        "more.txt": "six==1\n",
    }
    found = follow([("req/web.txt", False)], files.get)
    assert sorted(one.text for one in found.requirements) == ["flask", "jinja2"]
    assert sorted(one.text for one in found.constraints) == ["numpy<2", "six==1"]
    assert found.options == (Option("--pre", ""),)
    assert found.unread == ("req/gone.txt",)


def test_a_chain_of_includes_ends() -> None:
    found = follow([("0.txt", False)], lambda path: f"-r {int(path.split('.')[0]) + 1}.txt\n")
    assert found.unread == (f"{MOST_FILES}.txt",)


@pytest.mark.parametrize(("text", "is_text"), [("flask\n", True), ("fl\0a\0", False), ("caf\udce9\n", False)])
def test_bytes_that_are_no_text_are_seen(text: str, is_text: bool) -> None:
    assert follow([("a.txt", False)], {"a.txt": text}.get).is_text == is_text


@pytest.mark.parametrize(
    ("text", "declares", "configures"),
    [
        ("[build-system]\nrequires = []\n", True, False),
        ("  [ build-system ]\n", True, False),
        ("[project]\nname = 'a'\n# [build-system]\n", False, False),
        ("[tool.uv]\n", False, True),
        ("[[tool.uv.index]]\nurl = ''\n", False, True),
        ("[tool.uvicorn]\n", False, False),
    ],
)
def test_tables_of_a_pyproject(text: str, declares: bool, configures: bool) -> None:
    assert (declares_build_system(text), configures_uv(text)) == (declares, configures)
