"""The README tells the truth: its outputs are what its commands print, and what it names exists.

A block behind `<!-- output: COMMAND -->` holds what that command prints in the root of the repository;
`pytest --update-fixtures` (`make fixtures`) writes it anew.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Final

import pytest

from rewriter import config
from rewriter.fixing.registry import load_fixers
from tests.command import ENVIRONMENT, PROGRAM, ROOT, dfix

README: Final = ROOT / "README.md"
TEXT: Final = README.read_text("utf-8")
BLOCK: Final = re.compile(
    r"^(<!-- output: (?P<command>.+) -->\n```\w*\n)(?P<output>(?s:.*?))(?P<end>^```$)", re.MULTILINE
)
# Lines of the indented blocks, without their comments.
LINES: Final = [line.split("  #")[0].strip() for line in re.findall(r"^    (\S.*)$", TEXT, re.MULTILINE)]
OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """An environment in which `dfix` is the one of this folder, installed or not."""
    command = tmp_path / "bin/dfix"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.join(PROGRAM)} "$@"\n')
    command.chmod(0o755)
    return {**ENVIRONMENT, "PATH": f"{command.parent}:{ENVIRONMENT['PATH']}"}


def test_every_output_is_what_the_command_prints(shell: dict[str, str], update_fixtures: bool) -> None:
    def printed(block: re.Match[str]) -> str:
        run = subprocess.run(block["command"], shell=True, cwd=ROOT, env=shell, stdout=subprocess.PIPE, check=False)
        assert run.returncode in (0, 1), block["command"]
        return f"{block[1]}{run.stdout.decode()}{block['end']}"

    truth = BLOCK.sub(printed, TEXT)
    if update_fixtures:
        README.write_text(truth, encoding="utf-8")
    else:
        assert truth == TEXT, "run `make fixtures` and read what changed"


def test_every_marker_has_its_block() -> None:
    assert len(BLOCK.findall(TEXT)) == TEXT.count("<!-- output:") >= 3


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("dfix ") and "verify" not in line])
def test_every_command_runs(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Dockerfile").write_bytes((ROOT / "examples/hello/Dockerfile").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert dfix(*shlex.split(line)[1:]).code in (0, 1)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z][a-z0-9-]*)", TEXT, re.MULTILINE))
    assert named >= {"demo", "test", "new-fixer", "fixtures"}
    assert named <= targets


def test_every_option_exists_and_none_is_forgotten() -> None:
    prose = "\n".join(line for line in BLOCK.sub("", TEXT).split("\n") if "docker build" not in line)
    foreign = {"--fix", "--from", "--mount", "--platform"}  # of ruff and of Dockerfiles
    known = set(OPTION.findall(dfix("--help").text + dfix("verify", "--help").text)) - {"--help", "--version"}
    assert set(OPTION.findall(prose)) - foreign == known


def test_every_code_is_answered_for() -> None:
    fixers = load_fixers()
    fictitious = {"DF650"}  # the one that the reader is to write
    for code in set(re.findall(r"\bDF\d+|\bDL\d{4}", TEXT)) - fictitious:
        assert any(fixer.answers_to(code) for fixer in fixers), code


def test_every_path_exists() -> None:
    house = TEXT[TEXT.index("## The house") :]
    for path in re.findall(r"^    ([a-z]+/[\w/.]*)", house, re.MULTILINE):
        assert (ROOT / path).exists(), path
    for path in set(re.findall(r"`((?:rewriter|examples|tests|fixers)/[\w/.-]+)`", TEXT)) - {"fixers/double_blank.py"}:
        assert (ROOT / path.split("<")[0]).exists() or path.startswith("tests/fixtures/double-blank"), path


def test_the_configuration_shown_is_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```toml\n((?s:.*?))^```", TEXT, re.MULTILINE)
    (tmp_path / "dfix.toml").write_text(block, encoding="utf-8")
    config.forget()
    shown = config.load(str(tmp_path))
    assert (shown.level, shown.context) == (config.Config().level, str(tmp_path))
    fields = {field.replace("_", "-") for field in config.Config._fields}
    assert set(tomllib.loads(block)) == fields - {"source"}


def test_the_command_is_installed_under_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {"dfix": "rewriter.__main__:main"}
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in TEXT
    assert f"`{config.NAMES[0]}`, `{config.NAMES[1]}`" in TEXT


def test_the_changelog_has_a_place_for_what_is_new() -> None:
    assert re.search(r"^## Unreleased$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
