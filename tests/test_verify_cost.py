"""Which files a measurement changes, and how."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from rewriter.model.context.build_context import BuildContext
from rewriter.verify.cost import Edited, copied_context, manifest_file, source_file


def context(*paths: str) -> BuildContext:
    return BuildContext.of_list(paths)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["main.py", "setup.py", "tests/main.py"], "main.py"),
        (["src/app/main.py", "src/app/models.py", "conftest.py"], "conftest.py"),
        (["entrypoint.sh", "server.js"], "server.js"),
        (["start.sh"], "start.sh"),
        (["lib/a.rb", "lib/b.rb", "vendor/index.rb"], "lib/a.rb"),
        (["cmd/api/main.go", "cmd/api/other.go"], "cmd/api/main.go"),
    ],
)
def test_a_source_file_of_the_program_is_chosen(paths: list[str], expected: str) -> None:
    found = source_file(context(*paths))
    assert found is not None
    assert found.path == expected


def test_what_is_no_source_file_is_not_changed() -> None:
    assert source_file(context("README.md", "data.csv", "logo.png")) is None
    assert source_file(BuildContext(None)) is None


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["requirements.txt", "package.json"], "requirements.txt"),
        (["frontend/package.json", "go.mod"], "go.mod"),
        (["requirements-dev.txt"], "requirements-dev.txt"),
        (["requirements/prod.txt"], ""),
        (["pom.xml"], "pom.xml"),
    ],
)
def test_the_manifest_is_chosen(paths: list[str], expected: str) -> None:
    found = manifest_file(context(*paths))
    assert (found.path if found else "") == expected


def test_a_changed_manifest_says_what_it_said(tmp_path: Path) -> None:
    for name, text, read in (
        ("package.json", '{"name": "a"}', json.loads),
        ("pyproject.toml", '[project]\nname = "a"', tomllib.loads),
    ):
        place = tmp_path / name
        place.write_text(text)
        found = manifest_file(context(name))
        assert found is not None
        found.apply(tmp_path, "0a1b2c3d")
        first = place.read_text()
        found.apply(tmp_path, "4e5f6071")
        assert read(first) == read(place.read_text()) == read(text)
        assert len({text, first, place.read_text()}) == 3


def test_the_copy_is_changed_and_the_users_file_is_not(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/main.py").write_text("print()\n")
    (tmp_path / "own/main.py").chmod(0o755)
    (tmp_path / "own/link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "own/pipe")
    copied_context(tmp_path / "own", tmp_path / "copy")
    Edited("main.py", "# {}\n").apply(tmp_path / "copy", "mark")
    assert (tmp_path / "own/main.py").read_text() == "print()\n"
    assert (tmp_path / "copy/main.py").read_text() == "print()\n# mark\n"
    assert (tmp_path / "copy/main.py").stat().st_mode & 0o777 == 0o755
    assert sorted(os.listdir(tmp_path / "copy")) == ["link", "main.py"]
