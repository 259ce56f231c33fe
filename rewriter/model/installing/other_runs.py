"""Files of a project that start another command in its image than the image's own: tests of a pipeline, migrations.

docker run --rm shop npm test        docker compose exec web poetry run pytest        release_command = "npx knex ..."
"""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.told_files import commands_in, files_that_run

_PLATFORMS: Final = ("fly.toml", "render.yaml", "heroku.yml", "app.json", "railway.json", "railway.toml")
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
    for path in files_that_run(host):
        text = host.read(path)
        if text is not None and _RUN.search(commands_in(text)):
            return path
    for path in _PLATFORMS:
        text = host.read(path) if host.status(path) == "present" else None
        if text is not None and _ASKED_FOR.search(text):
            return path
    return ""
