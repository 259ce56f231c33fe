"""Files of a project that start another command in its image than the image's own: tests of a pipeline, migrations.

docker run --rm shop npm test        docker compose exec web poetry run pytest        release_command = "npx knex ..."
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.compose import COMPOSE_FILE
from rewriter.model.context.image_names import is_called, names_of_image, without_tag
from rewriter.model.context.told_files import commands_in, documents, files_that_run

_PLATFORMS: Final = ("fly.toml", "render.yaml", "heroku.yml", "app.json", "railway.json", "railway.toml")
_TOOLS: Final = r"(?:npm|npx|yarn|pnpm|pnpx|poetry|uv|uvx|pytest|jest|vitest|mocha|tox|python3? -m|tsc|eslint)\b"
_RUN: Final = re.compile(rf"\b(?:docker|podman|nerdctl)\b[^\n|;&]*?[ \t](?:run|exec)[ \t][^\n]*?[ \t\"']{_TOOLS}")
_TOLD_RUN: Final = re.compile(
    r"(?m)(?:^[ \t>$#*-]*|`)(?:sudo )?(?:docker|podman|nerdctl)\b[^\n|;&`]*?[ \t](?:run|exec)[ \t][^\n`]*?"
    rf"[ \t\"']{_TOOLS}"
)
_ASKED_FOR: Final = re.compile(
    r"(?i)\b(?:release_?command|preDeployCommand|buildCommand|startCommand|postdeploy|release|command)\"?\s*[=:]"
)
_TOOL: Final = re.compile(rf"(?m)(?:^|[\s\"'&;]){_TOOLS}")
# https://docs.gitlab.com/ci/docker/using_docker_images/,
# https://docs.github.com/en/actions/how-tos/write-workflows/choose-where-workflows-run/run-jobs-in-a-container
_IMAGE_OF_JOB: Final = r"(?m)^[ \t-]*%s[ \t]*:[ \t]*(?:\n[ \t]*(?:name|image):[ \t]*)?[\"']?(?P<image>[^\s\"'#]+)"
_CONTAINER: Final = re.compile(_IMAGE_OF_JOB % "container")
_IMAGE: Final = re.compile(_IMAGE_OF_JOB % "image")
# https://www.jenkins.io/doc/book/pipeline/docker/, https://github.com/buildkite-plugins/docker-compose-buildkite-plugin
_IN_IMAGE: Final = re.compile(r"\.inside\b|\bagent\s*\{\s*dockerfile\b|docker-compose#[\s\S]{0,200}?\brun:")
# https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/
_MANIFEST_RUNS: Final = re.compile(
    r"(?m)^[ \t-]*(?:command|args):[^\n]*(?:\n[ \t]*-[^\n]*){0,6}?[\s\"'/\[](?:npx|pnpx|poetry|uvx?|pytest|jest|vitest|"
    r"mocha|tox|tsc|(?:npm|yarn|pnpm)(?![\s\"',-]*(?:run[\s\"',-]+)?start\b))[\s\"',]"
)
_MOST_MANIFESTS: Final = 100


def other_run(context: BuildContext) -> str:
    """The file that starts another command in the image; empty where none of those that usually do is seen to."""
    return next(_other_runs(context), "")


def _other_runs(context: BuildContext) -> Iterator[str]:
    host = context.host
    names = names_of_image(context)
    for path in files_that_run(host):
        text = commands_in(host.read(path) or "")
        if _RUN.search(text) or _runs_in_image(path, text, names):
            yield path
    yield from (path for path in documents(host) if _TOLD_RUN.search(commands_in(host.read(path) or "")))
    for path in _PLATFORMS:
        if host.status(path) == "present" and _ASKED_FOR.search(host.read(path) or ""):
            yield path
    endings = (".yaml", ".yml", ".tpl")
    manifests = host.walk("", lambda name: name.endswith(endings) and not COMPOSE_FILE.match(name)) or ()
    for path in manifests[:_MOST_MANIFESTS]:
        text = host.read(path) or ""
        if "ontainers:" in text and _MANIFEST_RUNS.search(text):
            yield path


def _runs_in_image(path: str, text: str, names: frozenset[str]) -> bool:
    """Whether jobs of a pipeline run in the image, and call what may come from development packages."""
    if not _TOOL.search(text):
        return False
    pattern = _CONTAINER if path.startswith(".github/") else _IMAGE
    images = (match["image"] for match in pattern.finditer(text))
    return _IN_IMAGE.search(text) is not None or any(
        is_called(image, names) or without_tag(image) == "$CI_REGISTRY_IMAGE" for image in images
    )
