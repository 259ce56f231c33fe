"""Which build contexts a project names itself: `build:` in its compose files, build steps in its workflows.

A value with a variable in it, and a context that is not a local folder, say nothing. Nor does a file that cannot be
read. Sources: https://github.com/compose-spec/compose-spec/blob/main/build.md,
https://github.com/docker/build-push-action#inputs, https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from rewriter.model.context.compose import COMPOSE_FILE, build_of, services_in
from rewriter.model.context.documents import load_yaml, mapping, sequence
from rewriter.syntax.shell import parse_shell
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.text import View

REMOTE: Final = re.compile(r"(?:https?|git|ssh|ftp)://|[\w.-]+@[\w.-]+:|.*\.git(?:#|\Z)|github\.com/")
"""What the builder fetches instead of reading it from a folder."""

_LARGEST: Final = 512 * 1024
_MOST_WORKFLOWS: Final = 200
_BUILDS: Final = re.compile(rb"docker/build-push-action|docker\s+(?:buildx\s+|image\s+|builder\s+)?build\b")
_EXPRESSION: Final = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_MOVES: Final = re.compile(r"\b(?:cd|pushd|popd)\b")
_SWITCHES: Final = frozenset(
    (
        "--check", "--compress", "--debug", "--disable-content-trust", "--force-rm", "--load", "--no-cache", "--pull",
        "--push", "--quiet", "--rm", "--squash", "-D", "-q",
    )
)  # fmt: skip
TAKE_VALUES: Final = frozenset(
    (
        "--add-host", "--allow", "--annotation", "--attest", "--build-arg", "--build-context", "--builder",
        "--cache-from", "--cache-to", "--call", "--cgroup-parent", "--cpu-period", "--cpu-quota", "--cpu-shares",
        "--cpuset-cpus", "--cpuset-mems", "--file", "--iidfile", "--isolation", "--label", "--memory",
        "--memory-swap", "--metadata-file", "--network", "--no-cache-filter", "--output", "--platform", "--policy",
        "--progress", "--provenance", "--sbom", "--secret", "--security-opt", "--shm-size", "--ssh", "--tag",
        "--target", "--ulimit", "-c", "-f", "-m", "-o", "-t",
    )
)  # fmt: skip
"""The options of `docker build` whose value stands behind them."""


class Claim(NamedTuple):
    """That a Dockerfile is built with a folder as its context; both are real paths."""

    dockerfile: str
    context: str


def named_contexts(dockerfile_path: str, folders: list[str]) -> set[str]:
    """The contexts that the files of a project name for a Dockerfile.

    `folders` are those where compose files may lie, from the Dockerfile's own up to that of the project.
    """
    own = os.path.realpath(dockerfile_path)
    return {
        claim.context
        for place in _evidence(folders)
        for claim in _claims_of(place)
        if claim.dockerfile == own and os.path.isdir(claim.context)
    }


def _evidence(folders: list[str]) -> Iterator[str]:
    for folder in folders:
        yield from (os.path.join(folder, name) for name in _names(folder) if COMPOSE_FILE.match(name))
    workflows = os.path.join(folders[-1], ".github", "workflows")
    found = [name for name in _names(workflows) if name.endswith((".yml", ".yaml"))]
    yield from (os.path.join(workflows, name) for name in found[:_MOST_WORKFLOWS])


def _names(folder: str) -> tuple[str, ...]:
    try:
        return _names_at(folder, os.stat(folder).st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=256)
def _names_at(folder: str, _: int) -> tuple[str, ...]:
    return tuple(sorted(name for name in os.listdir(folder) if name.endswith((".yml", ".yaml"))))


def _claims_of(path: str) -> tuple[Claim, ...]:
    """What a compose file or workflow says. Many Dockerfiles ask for the same one, so answers are kept."""
    try:
        status = os.stat(path)
        return _claims_at(path, status.st_mtime_ns, status.st_size) if status.st_size <= _LARGEST else ()
    except OSError:
        return ()


@lru_cache(maxsize=512)
def _claims_at(path: str, _modified: int, _size: int) -> tuple[Claim, ...]:
    with open(path, "rb") as file:
        data = file.read()
    folder, name = os.path.split(path)
    if compose := COMPOSE_FILE.match(name):
        document = load_yaml(data) if b"build" in data else None
        claims = _compose_claims(document, folder, is_override=bool(compose["part"]))
    else:
        document = load_yaml(data) if _BUILDS.search(data) else None
        claims = _workflow_claims(document, os.path.dirname(os.path.dirname(folder)))
    return tuple(dict.fromkeys(claims))


def _is_local(*values: object) -> bool:
    return all(isinstance(value, str) and "$" not in value and not REMOTE.match(value) for value in values)


def _claim(folder: str, context: object, dockerfile: object, *, below: str = "") -> Iterator[Claim]:
    """A claim as it is written; the Dockerfile's path starts at `below`, mostly the context."""
    if not _is_local(context, dockerfile) or context in ("", "-") or "{{" in str(context):
        return
    place = os.path.join(folder, str(context))
    yield Claim(os.path.realpath(os.path.join(below or place, str(dockerfile))), os.path.realpath(place))


def _compose_claims(document: object, folder: str, *, is_override: bool) -> Iterator[Claim]:
    """What `build:` of the services says."""
    for _, service in services_in(document):
        if build := build_of(service, is_override=is_override):
            yield from _claim(folder, build.context, build.dockerfile)


def _workflow_claims(document: object, root: str) -> Iterator[Claim]:
    workflow = mapping(document)
    for value in mapping(workflow.get("jobs")).values():
        job = mapping(value)
        steps = [mapping(step) for step in sequence(job.get("steps"))]
        if any(_checks_out_elsewhere(step) for step in steps):
            continue
        folder = _working_directory(job) or _working_directory(workflow) or "."
        for step in steps:
            if str(step.get("uses")).startswith("docker/build-push-action@"):
                yield from _action_claim(step, root)
            elif isinstance(script := step.get("run"), str) and _is_local(own := step.get("working-directory", folder)):
                yield from _script_claims(script, os.path.join(root, str(own)))


def _working_directory(owner: Mapping[object, object]) -> object:
    return mapping(mapping(owner.get("defaults")).get("run")).get("working-directory")


def _checks_out_elsewhere(step: Mapping[object, object]) -> bool:
    inputs = mapping(step.get("with"))
    return str(step.get("uses")).startswith("actions/checkout@") and ("path" in inputs or "repository" in inputs)


def _action_claim(step: Mapping[object, object], root: str) -> Iterator[Claim]:
    if str(step.get("uses")).partition("@")[2].startswith("v1"):
        return  # its inputs had other names
    inputs = mapping(step.get("with"))
    context = inputs.get("context", ".")  # the default is the repository as git has it
    if "file" in inputs:
        yield from _claim(root, context, inputs["file"], below=root)
    else:
        yield from _claim(root, context, "Dockerfile")


def _script_claims(script: str, folder: str) -> Iterator[Claim]:
    """What the `docker build` commands of a script say, if the script stays in its folder."""
    if _MOVES.search(script) or "build" not in script:
        return
    text = _EXPRESSION.sub("$EXPRESSION", script.replace("\\\n", " "))
    for command in parse_shell(View(text, (0,), (0,)), 0, len(text)).simple_commands():
        yield from _command_claim(command, folder)


def _command_claim(command: SimpleCommand, folder: str) -> Iterator[Claim]:
    words = list(command.words)
    while words and words[0].value == "sudo":
        words.pop(0)
    names = [word.value for word in words[:3]]
    if names[:2] == ["docker", "build"]:
        words = words[2:]
    elif names[:1] == ["docker"] and names[1:] in (["buildx", "build"], ["image", "build"], ["builder", "build"]):
        words = words[3:]
    else:
        return
    files: list[str] = []
    contexts: list[str] = []
    while words:
        word = words.pop(0)
        name, equals, value = word.text.partition("=")
        if not name.startswith("-") or word.text == "-":
            contexts.append(word.value)
        elif not equals and name in _SWITCHES:
            continue
        elif equals or (name in TAKE_VALUES and words):
            taken = value if equals else words.pop(0).value
            if name in ("-f", "--file"):
                files.append(taken if word.is_literal or not equals else "")
        else:
            return
    if len(contexts) != 1 or not contexts[0] or len(files) > 1 or "" in files:
        return
    if files:
        yield from _claim(folder, contexts[0], files[0], below=folder)
    else:
        yield from _claim(folder, contexts[0], "Dockerfile")
