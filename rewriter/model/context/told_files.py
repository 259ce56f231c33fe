"""The files of a project that run commands of Docker, or tell people to: pipelines, scripts, documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext

_FILES: Final = ("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "Taskfile.yml", "Taskfile.yaml",
                 "package.json", "Jenkinsfile", ".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml",
                 "bitbucket-pipelines.yml", "cloudbuild.yaml", ".circleci/config.yml", ".drone.yml",
                 ".woodpecker.yml", ".woodpecker.yaml")  # fmt: skip
_FOLDERS: Final = (".github/workflows", ".buildkite", ".woodpecker", "scripts", "script", "bin", "ci")
_SCRIPTS: Final = (".yml", ".yaml", ".sh")
_README: Final = re.compile(r"readme(?:\.\w+)?\Z", re.IGNORECASE)
_DOCUMENTS: Final = (".md", ".rst", ".adoc")
_MOST_DOCUMENTS: Final = 50

_LINE_ENDS: Final = re.compile(r"\\\r?\n[ \t]*")
_ASSIGNMENT: Final = re.compile(
    r"(?m)^[ \t-]*(?:export[ \t]+)?(?:(?P<name>[A-Za-z_]\w*)[ \t]*[:?]*=|(?P<key>[A-Z_][A-Z\d_]*):)"
    r"[ \t]*[\"']?(?P<value>[^\s\"'][^\n\"'#]{0,200})"
)
_EXPRESSION: Final = re.compile(r"\$\{\{\s*(\S*?)\s*\}\}")
_VARIABLE: Final = re.compile(r"\$(?:\{\{env\.(\w+)\}\}|\((\w+)\)|\{(\w+)\}|(\w+))")


def files_that_run(host: BuildContext) -> Iterator[str]:
    """Those that run commands: pipelines, task runners and scripts."""
    yield from (path for path in _FILES if host.status(path) == "present")
    yield from (name for name in host.list("") or () if name.endswith(".sh"))
    for folder in _FOLDERS:
        for name in host.list(folder) or () if host.status(folder) == "present" else ():
            if name.endswith(_SCRIPTS):
                yield f"{folder}/{name}"


def documents(host: BuildContext) -> Iterator[str]:
    """Those that tell people what to run: the README, and what lies in `docs`."""
    yield from (name for name in host.list("") or () if _README.match(name))
    if host.status("docs") == "present":
        yield from (host.walk("docs", lambda name: name.endswith(_DOCUMENTS)) or ())[:_MOST_DOCUMENTS]


def commands_in(text: str) -> str:
    """A text whose commands stand on one line each, with the variables replaced that it sets itself."""
    text = _EXPRESSION.sub(r"${{\1}}", _LINE_ENDS.sub(" ", text))
    values = {found["name"] or found["key"]: found["value"].strip() for found in _ASSIGNMENT.finditer(text)}
    for _ in range(2):
        text = _VARIABLE.sub(lambda found: values.get(next(filter(None, found.groups())), found[0]), text)
    return text
