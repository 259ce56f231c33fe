"""Additions to `.dockerignore`."""

from __future__ import annotations

from pathlib import Path

import pytest

from rewriter.fixing.fixer import FileEdit
from rewriter.fixing.ignore_file import ignore, refusal_to_ignore
from rewriter.model.context.build_context import BuildContext
from rewriter.syntax.parser import parse

PLAIN = parse("FROM node:20\nCOPY . .\nCOPY --from=other node_modules ./\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "node_modules\n"),
        ("", "node_modules\n"),
        (".git\n", ".git\nnode_modules\n"),
        (".git", ".git\nnode_modules"),
        ("# ours\r\n.git\r\n", "# ours\r\n.git\r\nnode_modules\r\n"),
        (".git\r\n.env", ".git\r\n.env\r\nnode_modules"),
    ],
)
def test_a_line_more_keeps_the_habits_of_the_file(tmp_path: Path, before: str | None, after: str) -> None:
    if before is not None:
        (tmp_path / ".dockerignore").write_bytes(before.encode())
    context = BuildContext(str(tmp_path))
    assert refusal_to_ignore(context, ["node_modules"], PLAIN) == ""
    assert ignore(context, ["node_modules"]) == FileEdit(".dockerignore", before, after)


def test_the_line_does_what_it_says(tmp_path: Path) -> None:
    context = BuildContext(str(tmp_path))
    edit = ignore(context, ["web/node_modules"])
    assert not context.ignores("web/node_modules")
    assert context.with_text(edit.path, edit.after).ignores("web/node_modules")


def test_exceptions_and_other_ignore_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("*\n!src\n")
    assert refusal_to_ignore(BuildContext(str(tmp_path)), ["a"], PLAIN) == ".dockerignore has exceptions"
    (tmp_path / "Dockerfile.dockerignore").write_text(".git\n")
    context = BuildContext(str(tmp_path), dockerfile="Dockerfile")
    assert refusal_to_ignore(context, ["a"], PLAIN) == "Dockerfile.dockerignore is the ignore file in force"
    assert refusal_to_ignore(BuildContext(None), ["a"], PLAIN) == "the build context is not known"


@pytest.mark.parametrize(
    ("line", "path", "is_refused"),
    [
        ("COPY node_modules ./m", "node_modules", True),
        ("COPY a ./web/node_modules/x ./m/", "web/node_modules", True),
        ("COPY node_module[s] ./m", "node_modules", True),
        ("COPY build/libs/*.jar ./", "build", True),
        ("COPY * ./", "build", True),
        ("COPY $FROM ./", "build", True),
        ("RUN --mount=type=bind,source=node_modules,target=/x ls", "node_modules", True),
        ("RUN --mount=type=bind,from=a,source=node_modules,target=/x ls", "node_modules", False),
        ("ONBUILD COPY node_modules ./m", "node_modules", True),
        ("COPY --from=a node_modules ./m", "node_modules", False),
        ("COPY web ./\nRUN npm ci", "web/node_modules", False),
        ("COPY *.json ./", "node_modules", False),
        ("COPY builder ./", "build", False),
    ],
)
def test_what_the_build_itself_takes_is_not_ignored(tmp_path: Path, line: str, path: str, is_refused: bool) -> None:
    text = f"FROM node:20\n{line}\n"
    reason = refusal_to_ignore(BuildContext(str(tmp_path)), [path], parse(text))
    assert reason == ("line 2 takes files from there" if is_refused else "")
    (tmp_path / "run.Dockerfile").write_text(text)
    reason = refusal_to_ignore(BuildContext(str(tmp_path)), [path], PLAIN)
    assert reason == ("run.Dockerfile takes files from there" if is_refused else "")


@pytest.mark.parametrize(
    ("lines", "is_refused"),
    [
        ("COPY . .", True),
        ("COPY web ./", True),
        ("COPY web/src ./", False),
        ("COPY *.json ./", False),
        ("RUN npm ci\nCOPY . .", False),
        ("RUN npm install -g pm2\nCOPY . .", True),
        ("COPY . .\nRUN npm run build", True),
        ("COPY . .\nRUN apt-get install -y git", True),
        ("COPY . .\nRUN go build", False),
        ("COPY --from=dependencies /web/node_modules ./node_modules\nCOPY . .", False),
    ],
)
def test_another_dockerfile_that_only_copies_what_is_installed(tmp_path: Path, lines: str, is_refused: bool) -> None:
    (tmp_path / "deploy.Dockerfile").write_text(f"FROM node:20\n{lines}\n")
    line = 2 + lines.split("\n").index(next(one for one in lines.split("\n") if one.startswith("COPY")))
    reason = f"deploy.Dockerfile takes files from there in line {line} and installs nothing by itself"
    refused = refusal_to_ignore(BuildContext(str(tmp_path)), ["web/node_modules"], PLAIN)
    assert refused == (reason if is_refused else "")
