"""As whom an image runs, and what for that it must own: what fixtures cannot show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rewriter import engine
from rewriter.fixing.registry import load_fixers
from rewriter.model.context.build_context import BuildContext
from rewriter.model.project.answers import Start
from rewriter.model.project.start import start_of
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.model.users import created_users
from rewriter.syntax.parser import parse
from tests.inline_project import PYTHON, project_of

DOCKERFILE = 'FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "app.py"]\n'


def fixed(root: Path) -> str:
    fixers = [fixer for fixer in load_fixers() if fixer.code == "DF401"]
    return engine.fix(DOCKERFILE, fixers, context=lambda _: BuildContext(str(root), dockerfile="Dockerfile")).after


@pytest.mark.parametrize("closed", ["app.py", "data", "data/a.txt", ""])
def test_what_others_may_not_read_is_given_to_the_user(tmp_path: Path, closed: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("a", encoding="utf-8")
    (tmp_path / "app.py").write_text("print(1)\n", encoding="utf-8")
    if closed:
        os.chmod(tmp_path / closed, 0o750 if closed == "data" else 0o640)
    text = fixed(tmp_path)
    assert ("COPY --chown=10001:10001 . ." in text) is bool(closed)
    assert "USER 10001:10001" in text


def test_closed_paths_of_a_context(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o700)
    (tmp_path / "a/b").write_text("", encoding="utf-8")
    (tmp_path / "c").write_text("", encoding="utf-8")
    context = BuildContext(str(tmp_path))
    assert context.is_closed("a")
    assert context.is_closed("")
    assert not context.is_closed("c")
    assert not context.is_closed("absent")
    assert not BuildContext(None).is_closed("a")
    assert not BuildContext.of_list(["a/b"]).is_closed("a")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("useradd -m -u 1234 shop", ("shop", "shop", 1234, True)),
        ("useradd --system shop", ("shop", "shop", None, False)),
        ("useradd -g www-data -m shop", ("shop", "www-data", None, True)),
        ("adduser -D -u 9 shop", ("shop", "shop", 9, True)),
        ("adduser -S -G web shop", ("shop", "web", None, True)),
        ("adduser -S shop", ("shop", "", None, True)),
        ("adduser --system --group shop", ("shop", "", None, False)),
        ("adduser -D -H shop", ("shop", "shop", None, False)),
    ],
)
def test_created_users(command: str, expected: tuple[str, str, int | None, bool]) -> None:
    graph = StageGraph(parse(f"FROM node:20-alpine\nRUN {command}\n"))
    (user,) = created_users(States(graph).at_end(graph.stages[-1]))
    assert (user.name, user.group, user.account.uid if user.account else None, user.has_home) == expected


def test_what_a_service_starts() -> None:
    project = project_of(PYTHON + 'ENTRYPOINT ["tini", "--"]\nCMD ["python", "app.py"]', {"app.py": ""})

    def commands(**words: tuple[str, ...]) -> list[str]:
        start = start_of(project.sources, **words)
        assert isinstance(start, Start), start
        return [command.text for command in start.commands]

    assert commands() == ["python app.py"]
    assert commands(command=("celery", "worker")) == ["celery worker"]
    assert commands(entrypoint=("python", "other.py")) == ["python other.py"]
    assert commands(entrypoint=("sh", "-c"), command=("exec nginx",)) == ["nginx"]
    assert not start_of(project.sources, command=("$PROGRAM",)).commands[0].words[0].known  # type: ignore[union-attr]  # a Start
