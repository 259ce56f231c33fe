"""What a stage needs of a fat image: words of shells, lock files, wheels, sources, and the tags of lighter twins."""

from __future__ import annotations

import pytest

from rewriter import engine
from rewriter.fixing.registry import load_fixers
from rewriter.model.context.build_context import BuildContext
from rewriter.model.data.node_packages import node_knowledge
from rewriter.model.data.official_tags import meaning_of_latest, runtime_twin
from rewriter.model.data.python_wheels import has_wheel, is_pure, upper_limit
from rewriter.model.data.system_libraries import python_need
from rewriter.model.image import parse_image
from rewriter.model.project.toolchain import Asked, versions_asked_for
from rewriter.model.slimming.java_sources import OF_THE_KIT, problem_of_java
from rewriter.model.slimming.node_locks import locked_packages as node_packages
from rewriter.model.slimming.python_locks import locked_packages as python_packages
from rewriter.model.slimming.python_projects import build_problem, dependencies_of
from rewriter.model.slimming.started import programs_started
from rewriter.model.slimming.words import programs_in_text


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("git log", {"git"}),
        ("for one in a b; do git -C $one gc; done", {"for", "git", "done"}),
        ("if ! command -v curl >/dev/null; then wget x; fi", {"-v", "wget", "fi"}),
        ('x="$(curl -s localhost)"', {"x=", "curl"}),
        ("sh -c 'ps aux | grep x'", {"sh", "ps", "grep"}),
        ("A=1 B=2 /usr/bin/git gc", {"git"}),
        ("# git\nls  # curl", {"ls"}),
        ("find . -exec file {} +", {"find", "file"}),
        ("echo make", {"echo"}),
    ],
)
def test_programs_are_found_where_a_command_may_stand(text: str, names: set[str]) -> None:
    found = programs_in_text(text)
    lacking = {"git", "curl", "wget", "ps", "file", "make"}
    assert found & lacking == names & lacking


@pytest.mark.parametrize(
    ("specifiers", "limit"),
    [
        ("", None),
        (">=1.2", None),
        ("==1.2.3", ((1, 2, 3), True)),
        ("==1.2.*", ((1, 3), False)),
        ("~=1.4.2", ((1, 5), False)),
        (">=1,<2", ((2,), False)),
        ("<=1.9,!=1.5", ((1, 9), True)),
        ("==2.0.post1", ((2, 0), True)),
    ],
)
def test_specifiers_end_at_a_version(specifiers: str, limit: object) -> None:
    assert upper_limit(specifiers) == limit


@pytest.mark.parametrize(
    ("name", "specifiers", "python", "has"),
    [
        ("numpy", "==1.26.4", "3.12", True),
        ("numpy", "==1.25.2", "3.12", False),
        ("numpy", "<2", "3.12", True),
        ("numpy", "<2", "3.13", False),
        ("numpy", "", "3.13", True),
        ("numpy", "", "2.7", False),
        ("numpy", "", "3.99", False),
        ("robyn", "", "3.14", False),
        ("xgboost", "==1.2.1", "3.11", False),
        ("twisted", "==20.3.0", "3.11", False),
        ("numpy", "==1.26.4", "", False),
        ("uvicorn[standard]", "==0.15.0", "3.11", False),
        ("uvicorn[standard]", "==0.30.6", "3.11", True),
        ("streamlit", "==1.0", "3.11", False),
        ("streamlit", "", "3.11", True),
        ("nobody-knows", "", "3.11", None),
    ],
)
def test_wheels_by_version(name: str, specifiers: str, python: str, has: bool | None) -> None:
    assert has_wheel(name, specifiers, python) is has


def test_no_package_that_needs_the_system_is_called_pure() -> None:
    from rewriter.model.data.python_wheels import _tables

    pure, wheels = _tables()
    bare = {name.partition("[")[0] for name in pure}
    needy = {name for name in bare if (need := python_need(name)) and need.ships != "all"}
    assert not needy
    assert not pure & wheels.keys()


def test_names_are_spelled_as_the_registries_do() -> None:
    from rewriter.model.data.python_wheels import _tables

    for name in (*_tables()[0], *_tables()[1]):
        assert name == name.lower().replace("_", "-")
    assert is_pure("flask")


def test_no_node_package_is_in_two_minds() -> None:
    known = node_knowledge()
    assert not known.helpers & known.plain
    assert not known.programs.keys() & known.plain


def test_lock_files_of_npm_say_which_packages_have_scripts() -> None:
    lock = """{"lockfileVersion": 3, "packages": {"": {"name": "shop"},
      "node_modules/a": {"version": "1.0.0"},
      "node_modules/a/node_modules/@b/c": {"version": "2.0.0", "hasInstallScript": true, "dev": true},
      "packages/own": {"name": "own"}, "node_modules/own": {"link": true, "resolved": "packages/own"}}}"""
    found = {one.name: one for one in node_packages("package-lock.json", lock) or ()}
    assert set(found) == {"a", "@b/c", "own"}
    assert found["@b/c"][1:] == ("2.0.0", True, True, False)
    assert not found["a"].builds


def test_the_first_format_of_npm_is_read_by_helpers() -> None:
    lock = """{"dependencies": {"a": {"version": "1.0.0", "requires": {"nan": "^2"}},
      "b": {"version": "git+ssh://x", "dependencies": {"c": {"version": "3.0.0", "dev": true}}}}}"""
    found = {one.name: one for one in node_packages("package-lock.json", lock) or ()}
    assert found["a"].builds
    assert found["b"].is_from_git
    assert found["c"].is_for_developers


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("yarn.lock", 'a@^1.0.0:\n  version "1.2.0"\n  dependencies:\n    nan "^7"\n\n"@b/c@^2":\n  version "2.1.0"\n'),
        ("yarn.lock", '"a@npm:^1":\n  version: 1.2.0\n  dependencies:\n    nan: "npm:2"\n\n"@b/c@npm:^2":\n'),
        ("pnpm-lock.yaml", "packages:\n\n  /a@1.2.0:\n    requiresBuild: true\n\n  /@b/c@2.1.0:\n    dev: false\n"),
        ("pnpm-lock.yaml", "snapshots:\n\n  a@1.2.0:\n    dependencies:\n      nan: 2.20.0\n\n  '@b/c@2.1.0': {}\n"),
        ("bun.lock", '    "a": ["a@1.2.0", "", {"dependencies": {"nan": "2"}}],\n    "@b/c": ["@b/c@2.1.0", ""],\n'),
    ],
)  # fmt: skip
def test_other_lock_files_show_addons_by_what_they_depend_on(name: str, text: str) -> None:
    found = {one.name: one for one in node_packages(name, text) or ()}
    assert found["a"].builds
    assert found["a"].version == "1.2.0"
    if "c" in "".join(found):
        assert not any(one.builds for key, one in found.items() if key == "@b/c")


@pytest.mark.parametrize(("name", "text"), [("package-lock.json", "{"), ("package-lock.json", "[]"), ("bun.lockb", "")])
def test_a_lock_file_may_be_unreadable(name: str, text: str) -> None:
    assert node_packages(name, text) is None


@pytest.mark.parametrize(
    ("files", "is_built"),
    [
        (("x-1-py3-none-any.whl", "x-1.tar.gz"), False),
        (
            ("x-1-cp311-cp311-manylinux_2_17_x86_64.whl", "x-1-cp311-cp311-manylinux_2_17_aarch64.whl", "x-1.tar.gz"),
            False,
        ),
        (("x-1-cp39-abi3-manylinux2014_x86_64.whl", "x-1-cp39-abi3-manylinux2014_aarch64.whl", "x-1.tar.gz"), False),
        (("x-1-cp312-cp312-manylinux2014_x86_64.whl", "x-1-cp312-cp312-manylinux2014_aarch64.whl", "x-1.tar.gz"), True),
        (("x-1-cp311-cp311-manylinux2014_x86_64.whl", "x-1.tar.gz"), True),
        (
            ("x-1-cp311-cp311-manylinux_2_39_x86_64.whl", "x-1-cp311-cp311-manylinux_2_39_aarch64.whl", "x-1.tar.gz"),
            True,
        ),
        (("x-1-cp311-cp311-win_amd64.whl",), False),
        (("x-1.tar.gz",), True),
    ],
)
def test_lock_files_of_python_name_the_wheels(files: tuple[str, ...], is_built: bool) -> None:
    listed = ", ".join(f'{{file = "{file}"}}' for file in files)
    lock = f'[[package]]\nname = "x"\nversion = "1"\nfiles = [{listed}]\n'
    assert [one.is_built for one in python_packages(lock, "3.11") or ()] == [is_built]


def test_lock_files_of_python_may_name_folders_and_repositories() -> None:
    lock = (
        '[[package]]\nname = "shop"\nversion = "1"\nsource = { editable = "." }\n\n'
        '[[package]]\nname = "tool"\nversion = "1"\nsource = { git = "https://example.com/tool" }\n'
    )
    found = [one.requirement for one in python_packages(lock, "3.11") or ()]
    assert found == [".", "tool @ git+https://example.com/tool"]
    assert python_packages("[[package", "3.11") is None


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"pyproject.toml": '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'}, ""),
        ({"setup.py": "from setuptools import setup\nsetup(name='x')\n"}, ""),
        ({"setup.py": "setup(ext_modules=[])"}, "the project in . compiles"),
        (
            {"pyproject.toml": '[build-system]\nrequires = ["hatch-vcs"]\nbuild-backend = "hatchling.build"\n'},
            "git",
        ),
        (
            {"pyproject.toml": '[build-system]\nrequires = ["own"]\nbuild-backend = "own.build"\n'},
            "what the project in . is built with may compile",
        ),
        ({}, "what the project in . is built with cannot be read"),
    ],
)
def test_what_a_project_is_built_with(files: dict[str, str], problem: str) -> None:
    assert build_problem(".", lambda path: files.get(path.removeprefix("./"))) == problem


def test_dependencies_of_poetry_end_below_the_next_major() -> None:
    text = (
        '[tool.poetry.dependencies]\npython = "^3.11"\nflask = "^2.1"\nrequests = "2.31.0"\nclick = ">=8"\n'
        'uvicorn = { version = "~0.30", extras = ["standard"] }\n'
    )
    found = dependencies_of(".", lambda path: text if path.endswith("pyproject.toml") else None)
    assert found == ["flask<3", "requests==2.31.0", "click>=8", "uvicorn[standard]<0.31"]
    assert dependencies_of(".", lambda _: '[project]\nname = "x"\ndynamic = ["dependencies"]\n') is None


def started(text: str, name: str = "main.py") -> tuple[set[str], int]:
    context = BuildContext.of_list([name]).with_texts({name: text})
    found = programs_started(context, "python" if name.endswith(".py") else "javascript")
    return set(found.programs), len(found.unread)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import subprocess\nsubprocess.run(['ffmpeg', '-i', x])\n", ({"ffmpeg"}, 0)),
        ("from subprocess import check_output as run\nrun('git log | head', shell=True)\n", ({"git", "head"}, 0)),
        ("import os\nos.system(f'convert {name} x.png')\n", ({"convert"}, 0)),
        ("import os\nos.system(f'{tool} x')\n", (set(), 1)),
        ("import subprocess\nCMD = ['git', 'log']\nsubprocess.Popen(CMD + more)\n", ({"git"}, 0)),
        ("import shutil\nshutil.which('pdftotext')\n", ({"pdftotext"}, 0)),
        ("import asyncio\nasyncio.create_subprocess_exec('curl', url)\n", ({"curl"}, 0)),
        ("import ctypes\nctypes.CDLL('libc.so.6')\n", (set(), 0)),
        ("import ctypes.util\nctypes.util.find_library('magic')\n", (set(), 1)),
        ("import subprocess\nexcept subprocess.Error", (set(), 1)),
        ("import json\n", (set(), 0)),
    ],
)
def test_programs_that_python_starts(text: str, expected: tuple[set[str], int]) -> None:
    assert started(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("const { exec } = require('child_process')\nexec('git log')\n", ({"git"}, 0)),
        ("import { spawn } from 'node:child_process'\nspawn(\"ffmpeg\", [a])\n", ({"ffmpeg"}, 0)),
        ("const cp = require('child_process')\ncp.execSync(`curl ${url}`)\n", ({"curl"}, 0)),
        ("const { spawn } = require('child_process')\nspawn(tool)\n", (set(), 1)),
        ("const { spawn } = require('child_process')\nspawn(process.execPath, [a])\n", ({"node"}, 0)),
        ("const m = /x/.exec(text)\n", (set(), 0)),
    ],
)
def test_programs_that_javascript_starts(text: str, expected: tuple[set[str], int]) -> None:
    assert started(text, "server.js") == expected


def test_tests_start_what_they_like() -> None:
    assert started("import subprocess\nsubprocess.run(['git'])\n", "tests/test_it.py") == (set(), 0)


def test_sources_of_java_are_searched_for_the_compiler() -> None:
    context = BuildContext.of_list(["A.java"]).with_texts({"A.java": "import javax.tools.JavaCompiler;"})
    assert problem_of_java(context, OF_THE_KIT, ".") == "A.java uses javax.tools."
    assert problem_of_java(BuildContext(None), OF_THE_KIT, ".") == "its sources are not in the build context"


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("eclipse-temurin:21", "21-jre"),
        ("eclipse-temurin:21-jdk-alpine", "21-jre-alpine"),
        ("eclipse-temurin:21-jre", ""),
        ("python:3.11", ""),
    ],
)
def test_runtimes_of_java(image: str, tag: str) -> None:
    assert runtime_twin(parse_image(image)) == tag


@pytest.mark.parametrize(
    ("image", "numbers"), [("alpine", 2), ("node:latest", 1), ("ubuntu", 2), ("centos", 0), ("example/x", 0)]
)
def test_what_latest_meant(image: str, numbers: int) -> None:
    tag = meaning_of_latest(parse_image(image))
    assert len(list(filter(None, tag.split(".")))) == numbers


def test_versions_that_a_project_asks_for() -> None:
    texts = {
        ".nvmrc": "\n# ours\nv20.11.1\n",
        ".tool-versions": "nodejs 20.11.1\n",
        "package.json": '{"engines": {"node": "^20"}}',
    }
    context = BuildContext.of_list(list(texts)).with_texts(texts)
    assert list(versions_asked_for("node", context)) == [
        Asked("20.11.1", ".nvmrc", True),
        Asked("20.11.1", ".tool-versions", True),
        Asked("20", "package.json", False),
    ]
    assert list(versions_asked_for("node", BuildContext(None))) == []


@pytest.mark.parametrize(("path", "changes"), [("Dockerfile", True), (".devcontainer/Dockerfile", False)])
def test_people_develop_in_a_dev_container(path: str, changes: bool) -> None:
    text = 'FROM python:3.11\nRUN pip install mkdocs\nENTRYPOINT ["mkdocs"]\n'
    fixers = [one for one in load_fixers() if one.code == "DF102"]
    context = BuildContext.of_list(["README.md"], dockerfile=path)
    assert (engine.fix(text, fixers, context=lambda _: context).after != text) is changes
