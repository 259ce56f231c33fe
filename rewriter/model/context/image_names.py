"""How the image of a Dockerfile is called, as the files of its project name it, and who may mean it by a name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.documents import load_yaml, mapping, sequence
from rewriter.model.context.evidence import TAKE_VALUES
from rewriter.model.context.told_files import commands_in, documents, files_that_run
from rewriter.model.image import parse_image

_DOCKERFILE: Final = re.compile(
    r"(?:docker|container)file(?:\.(?!dockerignore\Z|md\Z)[\w.-]+)?\Z|[\w.-]+\.(?:docker|container)file\Z",
    re.IGNORECASE,
)
_BUILD: Final = re.compile(r"\b(?:docker|podman|nerdctl|buildah)\b[^\n;&|]*?[ \t](?:build|bud)[ \t]([^\n;&|]*)")
# https://www.jenkins.io/doc/book/pipeline/docker/#building-containers
_JENKINS: Final = re.compile(r"\bdocker\.build\(\s*[\"']([^\"']+)[\"']\s*\)")
_EXPRESSION: Final = re.compile(r"\$(?:\{\{\s*([\w.-]*)[^{}]*\}\}|\((\w*)[^()]*\)|\{(\w*)[^{}]*\})")
_TAG: Final = re.compile(r"(?:@[^@]*|:[^:/]*)\Z")


def dockerfiles(context: BuildContext) -> tuple[str, ...]:
    """The Dockerfiles in a build context."""
    return tuple(context.host.walk("", lambda name: _DOCKERFILE.match(name) is not None) or ())


def names_of_image(context: BuildContext) -> frozenset[str]:
    """The names, without tags, that pipelines, scripts and documents give to the image, variables as `$name`."""
    host, found = context.host, set[str]()
    for path in (*files_that_run(host), *documents(host)):
        text = host.read(path) or ""
        if "build" not in text:
            continue
        found.update(_names_in(_plain(commands_in(text)), context))
        if "docker/build-push-action" in text:
            found.update(_names_in_workflow(load_yaml(text), context))
    return frozenset(filter(None, map(without_tag, found)))


def without_tag(name: str) -> str:
    """A name without its tag and digest; what a variable fills is left as `$name`."""
    return _TAG.sub("", _plain(name.strip()))


def _plain(text: str) -> str:
    """A text with every spelling of a variable as `$name`."""
    return _EXPRESSION.sub(lambda match: f"${next(filter(None, match.groups()), '')}", text)


def is_called(image: str, names: frozenset[str]) -> bool:
    """Whether an image may be meant by one of some names: with or without the registry, variables being anything."""
    wanted = without_tag(image)
    for name in names:
        if wanted == name:
            return True
        if "$" in name or "$" in wanted:
            last = posixpath.basename(wanted)
            if "$" not in last and last == posixpath.basename(name):
                return True
        elif wanted.endswith(f"/{name}") or ("/" in wanted and name.endswith(f"/{wanted}")):
            return True
    return False


def may_be_image(image: str, names: frozenset[str], context: BuildContext) -> bool:
    """Whether an image may be that of the Dockerfile.

    Where nothing names it, that is any which is not official, if the context has no other Dockerfile.
    """
    if any("$" not in posixpath.basename(name) for name in names):
        return is_called(image, names)
    return not parse_image(without_tag(image)).is_official and len(dockerfiles(context)) <= 1


def _names_in(text: str, context: BuildContext) -> Iterator[str]:
    """The names that the commands of a text build the image under."""
    for match in _BUILD.finditer(text):
        words = [word.strip("\"'") for word in match[1].partition("`")[0].split()]
        if _is_own(_value(words, "-f", "--file"), _folder(words), context):
            yield from _values(words, "-t", "--tag")
    if (context.dockerfile or "Dockerfile") == "Dockerfile":
        yield from (match[1] for match in _JENKINS.finditer(text))


def _values(words: list[str], *options: str) -> Iterator[str]:
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in options:
            yield value if equals else "".join(words[position + 1 : position + 2])


def _value(words: list[str], *options: str) -> str:
    return next(_values(words, *options), "")


def _folder(words: list[str]) -> str:
    """The build context of a command: the word that is neither an option nor the value of one."""
    pairs = pairwise(("", *words))
    return next((word for before, word in pairs if not word.startswith("-") and before not in TAKE_VALUES), ".")


def _is_own(file: str, folder: str, context: BuildContext) -> bool:
    """Whether a build reads the Dockerfile of a context: by its path, or by the folder in which it lies."""
    path = file or posixpath.join(folder if re.match(r"[\w.]", folder) else ".", "Dockerfile")
    return posixpath.normpath(path) == posixpath.normpath(context.dockerfile or "Dockerfile")


def _names_in_workflow(document: object, context: BuildContext) -> Iterator[str]:
    """The `tags` of the build steps, and the `images` that docker/metadata-action makes them from."""
    for job in mapping(mapping(document).get("jobs")).values():
        steps = [mapping(step) for step in sequence(mapping(job).get("steps"))]
        for step in steps:
            inputs = mapping(step.get("with"))
            folder = str(inputs.get("context", "."))
            is_build = str(step.get("uses")).startswith("docker/build-push-action")
            if is_build and _is_own(str(inputs.get("file", "")), folder, context):
                yield from _listed(inputs.get("tags"))
                for other in steps:
                    if str(other.get("uses")).startswith("docker/metadata-action"):
                        yield from _listed(mapping(other.get("with")).get("images"))


def _listed(value: object) -> Iterator[str]:
    entries = map(str, sequence(value)) if isinstance(value, list) else iter(re.split(r"[\n,]", str(value or "")))
    yield from (entry.strip() for entry in entries if "=" not in entry)
