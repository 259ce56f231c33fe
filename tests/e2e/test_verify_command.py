"""`dfix verify` as a user calls it: what it prints, writes and answers, with a real engine."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from tests.command import ROOT, dfix

pytestmark = pytest.mark.e2e

SCHEMA: Final = json.loads((ROOT / "rewriter/output/verify.schema.json").read_text("utf-8"))
README: Final = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small project, and the current folder: some fixers have something to do."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        "from python:3.11-slim\nworkdir /app\nCOPY . .\nENV GREETING hello\nCMD python main.py\n"
    )
    (folder / "main.py").write_text("import os\nprint(os.environ['GREETING'])\n")
    monkeypatch.chdir(folder)
    return folder


def verified(*words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the only report."""
    run = dfix("verify", "--output-format", "json", *words)
    Draft202012Validator(SCHEMA).validate(run.document)
    (report,) = run.document["reports"]
    return run.code, report


def test_what_dfix_does_is_proven_and_then_written(project: Path) -> None:
    code, report = verified("--write")
    assert (code, report["verdict"]) == (0, "proven"), report
    assert {check["name"] for check in report["checks"]} == {
        "build",
        "configuration",
        "files",
        "libraries",
        "behaviour",
    }
    assert report["costs"]["after"]["rebuild_after_source"] > 0
    text = (project / "Dockerfile").read_text()
    assert text.startswith("FROM python:3.11-slim\n")
    assert "\nWORKDIR /app\n" in text
    code, report = verified()
    assert (code, report["verdict"]) == (0, "unchanged")


def test_two_files_of_the_user_are_compared(project: Path) -> None:
    (project / "new.Dockerfile").write_text((project / "Dockerfile").read_text().replace("hello", "good-bye"))
    code, report = verified("Dockerfile", "--against", "new.Dockerfile", "--quick")
    assert (code, report["verdict"]) == (1, "different")
    failed = {check["name"] for check in report["checks"] if check["status"] == "failed"}
    assert failed == {"configuration", "behaviour"}


def test_what_cannot_be_built_as_it_is_says_so(project: Path) -> None:
    (project / "Dockerfile").write_text("from python:3.11-slim\nRUN false\n")
    code, report = verified()
    assert (code, report["verdict"]) == (2, "untested")
    assert report["failed_step"]["line"] == 2


@pytest.mark.usefixtures("project")
def test_no_engine_is_a_message_and_not_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    run = dfix("verify")
    assert run.code == 2
    assert "Start Docker, or install it" in " ".join(run.text.split())
    assert not run.err


@pytest.mark.parametrize("line", re.findall(r"^    (dfix verify.*?)(?: +#.*)?$", README, re.MULTILINE))
def test_the_commands_of_the_readme_run(line: str, project: Path) -> None:
    shutil.copy(project / "Dockerfile", project / "new.Dockerfile")
    run = dfix(*line.split()[1:])
    assert run.code == 0, run.text + run.err


@pytest.mark.usefixtures("project")
def test_markdown_is_for_a_pull_request() -> None:
    run = dfix("verify", "--output-format", "markdown", "--quick")
    assert run.code == 0
    assert "| behaviour |" in run.text
