"""Files of a project that start another command in its image than the image's own: tests of a pipeline, migrations.

docker run --rm shop npm test        docker compose exec web poetry run pytest        release_command = "npx knex ..."
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext

_FILES: Final = ("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "Taskfile.yml", "Taskfile.yaml",
                 "package.json", "Jenkinsfile", ".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml",
                 "bitbucket-pipelines.yml", "cloudbuild.yaml", ".circleci/config.yml")  # fmt: skip
_FOLDERS: Final = (".github/workflows", "scripts", "bin")
_SCRIPTS: Final = (".yml", ".yaml", ".sh")
_PLATFORMS: Final = ("fly.toml", "render.yaml", "heroku.yml", "app.json", "railway.json", "railway.toml")
_LINE_ENDS: Final = re.compile(r"\\\r?\n[ \t]*")
_RUN: Final = re.compile(
    r"\b(?:docker|podman|nerdctl)\b[^\n|;&]*?[ \t](?:run|exec)[ \t][^\n]*?"
    r"[ \t\"'](?:npm|npx|yarn|pnpm|pnpx|poetry|uv|uvx|pytest|jest|vitest|mocha|tox|python3? -m|tsc|eslint)\b"
)
_ASKED_FOR: Final = re.compile(
    r"(?i)\b(?:release_?command|preDeployCommand|buildCommand|startCommand|postdeploy|release|command)\"?\s*[=:]"
)


def other_run(context: BuildContext) -> str:
    """The file that starts another command in the image; empty where none of those that usually do is seen to."""
    host = context.host
    for path in _pipelines(host):
        text = host.read(path)
        if text is not None and _RUN.search(_LINE_ENDS.sub(" ", text)):
            return path
    for path in _PLATFORMS:
        text = host.read(path) if host.status(path) == "present" else None
        if text is not None and _ASKED_FOR.search(text):
            return path
    return ""


def _pipelines(host: BuildContext) -> Iterator[str]:
    yield from (path for path in _FILES if host.status(path) == "present")
    for folder in _FOLDERS:
        for name in host.list(folder) or () if host.status(folder) == "present" else ():
            if name.endswith(_SCRIPTS):
                yield f"{folder}/{name}"
