"""Files of a project that start containers with words of their own, or run programs in those that have started.

Pipelines, Makefiles and scripts call `docker exec app curl ...` or `docker run --rm app git ...`; some pipelines run
their own steps in the image. Files of Kubernetes, Fly, Render, Railway and the like name a program to start: which
image they speak of is not looked at.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.compose import COMPOSE_FILE, services_in
from rewriter.model.context.documents import load_yaml, mapping, sequence
from rewriter.model.context.told_files import commands_in, documents, files_that_run
from rewriter.model.slimming.words import programs_in_text, programs_in_words
from rewriter.syntax.text import decode

_ENDINGS: Final = (".yml", ".yaml", ".json", ".toml", ".tf", ".hcl", ".tpl")
_NOT_THESE: Final = re.compile(r"compose|lock|package\.json|pyproject\.toml|tsconfig|\.github|\.gitlab-ci")
_MOST_FILES: Final = 200
_LARGEST: Final = 128 * 1024
_WORDS: Final = (
    r"\b(?:command|args|entry_?point|docker_?command|start_?command|release_?command|processes)\b[\"']?\]?\s*[:=]?"
    r"[\s\S]{0,200}?[\s\"'\[/](%s)[\s\"',\]]"
)

_SCRIPTS: Final = re.compile(
    r"(?:\A|/)(?:[Mm]akefile|[Jj]ustfile|[Tt]askfile\.ya?ml|package\.json|Jenkinsfile|[^/]+\.(?:mk|sh))\Z"
    r"|\A\.github/workflows/[^/]+\.ya?ml\Z|\A\.circleci/config\.yml\Z"
    r"|(?:\A|/)(?:\.gitlab-ci|\.travis|azure-pipelines|bitbucket-pipelines)\.yml\Z"
)
_CALL: Final = re.compile(
    r"\b(?:(?:docker|podman|nerdctl)(?P<compose>-compose|[ \t]+compose)?|(?P<cluster>kubectl))\b"
    r"(?P<before>[^\n;&|]*?)[ \t](?P<action>exec|run)[ \t]+(?=(?P<rest>[^\n]+))"
)
_TOKEN: Final = re.compile(r"""(?:\$\{\{[^}]*\}\}|\$\([^)]*\)|"[^"]*"|'[^']*'|[^\s;&|"'])+|[;&|]""")
# https://docs.docker.com/reference/cli/docker/container/run/, https://docs.docker.com/reference/cli/docker/compose/exec/
_SWITCHES: Final = re.compile(
    r"-[ditqP]+\Z|--(?:rm|init|detach|interactive|tty|privileged|read-only|publish-all|no-healthcheck|quiet|no-deps"
    r"|no-TTY|service-ports|use-aliases|build|remove-orphans|quiet-pull|stdin|oom-kill-disable)\Z|-T\Z|-iT\Z|--?\w[\w-]*="
)
_TAG: Final = re.compile(
    r"(?:[ \t](?:-t|--tag)[ =]|^[ \t]*(?:-[ \t]+)?(?:tags|images|image_name)[ \t]*:[ \t]*(?:\|[ \t]*\n[ \t]*)?"
    r"|\bdocker\.build\()"
    r"[\"']?(?:type=\w+,)?(?P<image>[^\s\"',)]+)",
    re.MULTILINE,
)
_OWN_REGISTRY: Final = re.compile(r"\$\{?CI_REGISTRY_IMAGE\b|\bgithub\.repository\b")
_CONTAINER: Final = re.compile(r"--(?:container-)?name[ =][\"']?([^\s\"']+)")
_IN_AGENT: Final = re.compile(r"\bagent\s*\{\s*dockerfile\b|\.inside\b")
_STEP: Final = re.compile(
    r"""\bsh\s*\(?\s*(?:script\s*:\s*)?(?:'''(.*?)'''|\"\"\"(.*?)\"\"\"|'([^'\n]*)'|"([^"\n]*)")""", re.DOTALL
)


class ContainerCall(NamedTuple):
    """A command that a file runs in a container: `target` is the compose service, container or image that it names.

    `name` is that which a container gets that starts from an image.
    """

    file: str
    target: str
    words: tuple[str, ...]
    is_compose: bool = False
    is_image: bool = False
    name: str = ""


def programs_called(context: BuildContext, services: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The programs that pipelines, Makefiles and scripts call in containers, each with the file that does.

    Containers are taken for those of the project unless they are seen to be others; images only where a file says that
    the project builds them; services by their names.
    """
    wanted, scripts = frozenset(services), list(_scripts(context))
    own = [match["image"] for _, text in scripts for match in _TAG.finditer(text)]
    found = [call for path, text in scripts for call in _calls(path, text)]
    started = {one.name for one in found if one.name and "$" not in one.target and not _is_own(one.target, own)}
    others = started | (_other_services(context, wanted) if any(not one.is_image for one in found) else frozenset())
    for call in found:
        if call.is_compose:
            is_meant = call.target in wanted
        else:
            is_meant = _is_own(call.target, own) if call.is_image else not _is_one_of(call.target, others)
        if is_meant:
            yield from ((call.file, program) for program in dict.fromkeys(programs_in_words(call.words)))
    for path, text in scripts:
        yield from ((path, program) for program in sorted(_of_steps(path, text, own)))
    yield from _of_images(context, own)


def called_in_service(context: BuildContext, service: str) -> str:
    """A file that runs a command in a compose service; empty where none does."""
    found = (call for path, text in _scripts(context) for call in _calls(path, text))
    return next((call.file for call in found if call.is_compose and call.target == service), "")


def _other_services(context: BuildContext, own: frozenset[str]) -> frozenset[str]:
    """The names of the services of compose files, and of their containers, that run other images."""
    others: set[str] = set()
    for _, document in _compose_files(context):
        for name, service in services_in(document):
            if name not in own:
                others |= {name, str(service.get("container_name", name))}
    return frozenset(others)


def _is_one_of(container: str, services: Iterable[str]) -> bool:
    """Whether a container has the name of a service, or one that compose makes of it: `shop-db-1`."""
    return any(re.search(rf"(?:\A|[-_]){re.escape(name)}(?:[-_]\d+)?\Z", container) for name in services)


def other_start(context: BuildContext, programs: frozenset[str]) -> str:
    """A file that starts some programs by its own words; empty where there is none."""
    pattern = re.compile(_WORDS % "|".join(map(re.escape, sorted(programs))), re.IGNORECASE)
    files = context.host
    paths = files.walk("", lambda name: name.endswith(_ENDINGS))
    for path in [path for path in paths or () if not _NOT_THESE.search(path)][:_MOST_FILES]:
        if pattern.search(decode(files.head(path, _LARGEST) or b"")):
            return path
    return ""


def _scripts(context: BuildContext) -> Iterator[tuple[str, str]]:
    """The files that run commands, or tell people to, with what they say."""
    files = context.host
    below = [path for path in files.walk("", lambda _: True) or () if _SCRIPTS.search(path)][:_MOST_FILES]
    for path in dict.fromkeys((*below, *files_that_run(files), *documents(files))):
        yield path, commands_in(decode(files.head(path, _LARGEST) or b""))


# Commands of docker and kubectl


def _calls(path: str, text: str) -> Iterator[ContainerCall]:
    for match in _CALL.finditer(text):
        is_compose, is_run = match["compose"] is not None, match["action"] == "run"
        tokens = _first_command(match["rest"])
        if match["cluster"]:
            if not is_run and "--" in tokens:
                yield ContainerCall(path, tokens[0], tuple(tokens[tokens.index("--") + 1 :]))
            continue
        while tokens and tokens[0].startswith("-"):
            del tokens[: 1 if _SWITCHES.match(tokens[0]) else 2]
        if tokens:
            name = _CONTAINER.search(match["rest"]) if is_run and not is_compose else None
            is_image = is_run and not is_compose
            yield ContainerCall(path, tokens[0], tuple(tokens[1:]), is_compose, is_image, name[1] if name else "")


def _first_command(text: str) -> list[str]:
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        if match[0] in (";", "&", "|"):
            break
        found.append(match[0].strip("\"'"))
    return found


def _is_own(image: str, own: Iterable[str]) -> bool:
    """Whether an image is one that the project builds, by its name without registry and tag."""
    return bool(_OWN_REGISTRY.search(image)) or any(_is_same(image, one) for one in own)


def _is_same(image: str, built: str) -> bool:
    name = _name(built)
    if "$" in name:
        prefix = built.partition("$")[0]
        return image.startswith(prefix) if "/" in prefix else image == built
    return bool(name) and _name(image) == name


def _name(image: str) -> str:
    return posixpath.basename(re.sub(r"[:@][^/]*\Z", "", image))


# Pipelines that run their own steps in the image, and compose files that name it


def _of_steps(path: str, text: str, own: list[str]) -> frozenset[str]:
    """The programs of steps that a pipeline runs in the image.

    https://www.jenkins.io/doc/book/pipeline/docker/#dockerfile, https://docs.gitlab.com/ci/yaml/#image,
    https://docs.github.com/en/actions/how-tos/write-workflows/choose-where-workflows-run/run-jobs-in-a-container
    """
    if posixpath.basename(path) == "Jenkinsfile":
        steps = ["".join(filter(None, match.groups())) for match in _STEP.finditer(text)]
        return programs_in_text("\n".join(steps)) if _IN_AGENT.search(text) else frozenset()
    if path.startswith(".github/"):
        document = mapping(load_yaml(text)) if "container" in text else mapping(None)
        jobs = [*map(mapping, mapping(document.get("jobs")).values())]
        found = [_steps_of_job(job) for job in jobs if _is_own(_image(job.get("container")), own)]
        return programs_in_text("\n".join(found))
    if posixpath.basename(path) == ".gitlab-ci.yml":
        document = mapping(load_yaml(text))
        jobs = [job for job in map(mapping, document.values()) if job.get("script")]
        shared = document.get("image", mapping(document.get("default")).get("image"))
        found = [_lines_of_job(job) for job in jobs if _is_own(_image(job.get("image", shared)), own)]
        return programs_in_text("\n".join(found))
    return frozenset()


def _image(value: object) -> str:
    """The image that a job runs in, given by its name or with settings."""
    settings = mapping(value)
    return str(settings.get("image", settings.get("name", ""))) if settings else str(value or "")


def _steps_of_job(job: object) -> str:
    return "\n".join(str(mapping(step).get("run", "")) for step in sequence(mapping(job).get("steps")))


def _lines_of_job(job: object) -> str:
    parts = (mapping(job).get(key) for key in ("before_script", "script", "after_script"))
    return "\n".join(str(line) for part in parts for line in ([part] if isinstance(part, str) else sequence(part)))


def _of_images(context: BuildContext, own: list[str]) -> Iterator[tuple[str, str]]:
    """The programs by which compose files check a container of the image, which they start by its name."""
    for path, document in _compose_files(context) if own else ():
        for _, service in services_in(document):
            if "build" not in service and _is_own(str(service.get("image", "")), own):
                test = mapping(service.get("healthcheck")).get("test")
                form, *check = ["CMD-SHELL", test] if isinstance(test, str) else [*map(str, sequence(test)), ""]
                words = ["sh", *check] if form == "CMD-SHELL" else check
                yield from ((path, program) for program in sorted(set(programs_in_words(words))))


def _compose_files(context: BuildContext) -> Iterator[tuple[str, object]]:
    for path in context.host.walk("", lambda name: bool(COMPOSE_FILE.match(name))) or ():
        yield path, load_yaml(context.host.read(path) or "")
