"""Installs of a shipped stage that bring what only development needs, though nothing there needs it.

    FROM node:20                          FROM node:20
    COPY . .                              COPY . .
    RUN npm ci                     ->     RUN npm ci --omit=dev
    CMD ["node", "server.js"]             CMD ["node", "server.js"]

What needs such packages: steps that build or test, scripts that the install itself runs, the program that a container
starts with, its sources, stages that are based on this one, and services that run another command.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.effects.shell import Step, steps
from rewriter.model.installing.development_packages import DevelopmentPackages, script_needs
from rewriter.model.installing.locks.package_json import group, read_object
from rewriter.model.installing.manifests import NotMovableError
from rewriter.model.installing.manifests import Project as Files
from rewriter.model.installing.node_versions import manager_version
from rewriter.model.installing.stage_installs import Install, StageInstalls
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import names
from rewriter.model.project import Project
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.shell_tree import Word
from rewriter.syntax.tree import Copy, Healthcheck, Instruction, Run


class LeanInstall(NamedTuple):
    """An install that can do without development packages: what to write behind a word of it.

    `packages` are those that package.json names for development only.
    """

    install: Install
    behind: Word
    option: str
    packages: tuple[str, ...]
    relied_on: tuple[Instruction, ...]


class Full(NamedTuple):
    """Why an install keeps its development packages; `{line}` stands for the line of the culprit."""

    install: Install
    reason: str
    culprit: Instruction | None = None


class _FullError(Exception):
    def __init__(self, reason: str, culprit: Instruction | None = None) -> None:
        super().__init__(reason)
        self.reason: Final = reason
        self.culprit: Final = culprit


_MANAGERS: Final = names("npm yarn pnpm")
_OMITS: Final[Mapping[str, frozenset[str]]] = {
    "npm": names("--production --prod --omit --only"),
    "yarn": names("--production --prod"),
    "pnpm": names("--prod -P --production"),
}
"""The options that leave development packages out, or say by their value that they are wanted."""
_ASKS: Final = names("--include --also --dev -D --save-dev --no-production")
_VARIABLES: Final = ("NPM_CONFIG_PRODUCTION", "NPM_CONFIG_OMIT", "NPM_CONFIG_ONLY", "NPM_CONFIG_INCLUDE",
                     "npm_config_production", "npm_config_omit", "npm_config_only", "npm_config_include",
                     "YARN_PRODUCTION")  # fmt: skip
_SETTING: Final = re.compile(r"(?m)^\s*(?:omit|only|production|prod|include|dev)\b")
_SPEAKS_OF_PACKAGES: Final = re.compile(r"node_modules|\b(?:npx|npm|yarn|pnpm|bunx?)\b")
_FOR_DEVELOPERS: Final = re.compile(r"(?:^|[._/-])(?:dev|devel|development|test|tests|testing|debug|ci)(?:$|[._/-])")


def lean_installs(
    stage: Stage, states: States, context: BuildContext, project: Project, services: Services
) -> Iterator[LeanInstall | Full]:
    """What becomes of the installs that end in the image of a stage."""
    for way in _ways(stage, states):
        all_ = StageInstalls(way.stages[0], states, context)
        for install in all_.installs:
            if install.project is None or not _brings_everything(install, install.project):
                continue
            if way.copied and not _is_copied(install.project.path("node_modules"), way.copied):
                continue
            reader = _Reader(all_, install, install.project, way.stages, project, services)
            try:
                found = reader.lean()
            except _FullError as error:
                yield Full(install, error.reason, error.culprit)
            except NotMovableError as error:
                yield Full(install, str(error), error.culprit)
            else:
                if found is not None:
                    yield found


class _Way(NamedTuple):
    """How packages come into the shipped image: the stages from the one that installs them to the shipped one.

    `copied` are the folders that a COPY takes from the stage that ends the first part; empty where none does.
    """

    stages: tuple[Stage, ...]
    copied: tuple[str, ...] = ()


def _ways(shipped: Stage, states: States) -> Iterator[_Way]:
    """The ways that end in a stage: through the stages below it, and those that it copies from."""
    own = tuple(reversed(list(shipped.lineage)))
    taken: dict[int, list[str]] = {}
    for stage in own:
        for copy in stage.instructions:
            flag = copy.source_stage if isinstance(copy, Copy) and copy.words else None
            other = states.graph.find(flag.value) if flag else None
            if isinstance(copy, Copy) and other is not None and other not in own:
                state = states.at(copy)
                sources = filter(None, map(state.expand, copy.sources))
                paths = [posixpath.normpath(posixpath.join("/", source)) for source in sources]
                taken.setdefault(other.index, []).extend(paths)
    for index, paths in sorted(taken.items()):
        chain = tuple(one for one in reversed(list(states.graph.stages[index].lineage)) if one not in own)
        for number in range(len(chain)):
            yield _Way((*chain[number:], *own), tuple(paths))
    for number in range(len(own)):
        yield _Way(own[number:])


def _is_copied(folder: str, paths: tuple[str, ...]) -> bool:
    return any(path == "/" or f"{folder}/".startswith(f"{path}/") for path in paths)


def _brings_everything(install: Install, files: Files) -> bool:
    """Whether a call installs a project of Node with no word about what is to be left out."""
    call, state = install.call, files.state
    name = call.manager.name
    if name not in _MANAGERS or call.action not in ("install", "ci") or call.packages:
        return False
    if call.command.start not in {one.command.start for one in calls(install.run)}:
        return False  # it stands in an `if`
    if any(option.name in _OMITS[name] | _ASKS for option in call.options):
        return False
    if state.get("NODE_ENV") == "production" or any(state.is_set(variable) for variable in _VARIABLES):
        return False
    return not any(one.name == "NODE_ENV" and one.value.value == "production" for one in call.command.assignments)


class _Reader:
    """What is to be found out about one install."""

    def __init__(
        self,
        all_: StageInstalls,
        install: Install,
        files: Files,
        stages: tuple[Stage, ...],
        project: Project,
        services: Services,
    ) -> None:
        self._all: Final = all_
        self._install: Final = install
        self._files: Final = files
        self._project: Final = project
        self._services: Final = services
        self._stages: Final = stages

    def lean(self) -> LeanInstall | None:
        """The install without development packages; None where there are none. Raises _FullError."""
        files, call = self._files, self._install.call
        brought = files.brought_by(files.path("package.json"))
        if brought is None and self._all.context.status("package.json") == "unknown":
            raise _FullError("the build context is not known")
        if brought is None:
            return None
        package = self._package()
        wanted = {**group(package, "dependencies"), **group(package, "optionalDependencies")}
        development = tuple(name for name in group(package, "devDependencies") if name not in wanted)
        if not development:
            return None
        if package.get("workspaces"):
            raise _FullError("package.json has workspaces, which may need them")
        option = self._option(package)
        packages = DevelopmentPackages(frozenset(development), frozenset(wanted), self._lock())
        self._require_production(call.unknown)
        self._require_no_builds()
        self._require_no_other_users()
        if not call.has("--ignore-scripts") and (reason := script_needs(package, packages, call.manager.name)):
            raise _FullError(reason)
        self._require_start(packages)
        behind = call.subcommand or call.program
        text = f" {option}" if call.subcommand else f" install {option}"
        return LeanInstall(self._install, behind, text, development, (brought[0].instruction,))

    def _package(self) -> Mapping[str, Any]:
        value = read_object(self._files.read("package.json"))
        if value is None:
            raise _FullError("package.json cannot be understood")
        return value

    def _option(self, package: Mapping[str, Any]) -> str:
        manager = self._install.call.manager.name
        version = manager_version(manager, self._files.state, package, self._install.run)
        if manager == "pnpm":
            return "--prod"
        if not version:
            raise _FullError(f"which version of {manager} runs is not known")
        if manager == "yarn":
            if version > 1 or self._files.has(".yarnrc.yml"):
                raise _FullError("Yarn 2 and newer leave them out by `workspaces focus` only")
            return "--production"
        return "--omit=dev" if version > 6 else "--only=production"

    def _lock(self) -> str:
        """The text of npm's lock file, empty where there is none."""
        files = self._files
        return files.read("package-lock.json") if files.has("package-lock.json") else ""

    def _require_production(self, unknown: tuple[Word, ...]) -> None:
        """Nothing may say that the image is one for developers, or leave that to a variable."""
        if unknown:
            raise _FullError(f"a variable is involved: {unknown[0].text}")
        files = self._files
        mode = self._project.environment.get("NODE_ENV", "production")
        if files.state.is_set("NODE_ENV") or mode not in ("production", "prod"):
            raise _FullError("NODE_ENV says that the image is not for production")
        if self._install.call.command.assignments:
            raise _FullError("variables are set for the install")
        if files.has(".npmrc") and _SETTING.search(files.read(".npmrc")):
            raise _FullError(".npmrc says what is to be installed")
        name = posixpath.basename(self._all.context.dockerfile)
        for text in (name.lower(), self._stages[-1].name):
            if _FOR_DEVELOPERS.search(text):
                raise _FullError(f"`{text}` sounds like an image for developers")

    def _require_no_builds(self) -> None:
        """No step behind the install may need the packages, in this stage and in those down to the shipped one."""
        is_behind = False
        for stage in self._stages:
            if stage.triggers:
                raise _FullError("ONBUILD may need them")
            for instruction in stage.instructions:
                if isinstance(instruction, Healthcheck) and _SPEAKS_OF_PACKAGES.search(instruction.view.text):
                    raise _FullError("the health check in line {line} may need them", instruction)
                if not isinstance(instruction, Run):
                    continue
                found = self._all.steps.get(instruction)
                found = list(steps(instruction, self._all.states.at(instruction))) if found is None else found
                if is_behind and not found:
                    raise _FullError("what line {line} does is not known", instruction)
                for step in found:
                    if is_behind:
                        self._require_harmless(step, instruction)
                    is_behind = is_behind or step is self._install.step

    def _require_harmless(self, step: Step, run: Run) -> None:
        for call in step.calls:
            if call.manager.name not in (*_MANAGERS, "bun"):
                continue
            is_same = call.action in ("install", "ci") and not call.packages
            if not is_same and call.action not in ("cache", "cache clean", "cache verify", "prune", "config"):
                raise _FullError(f"line {{line}} runs `{call.command.text}`, which may need them", run)
        if step.effects.unknown:
            raise _FullError(f"line {{line}} may need them: {step.effects.unknown}", run)
        if "node_modules" in step.item.pipeline.text:
            raise _FullError("line {line} does something in node_modules", run)

    def _require_no_other_users(self) -> None:
        graph = self._all.states.graph
        own = {one.index for one in (*self._stages, *self._stages[-1].lineage)}
        for stage in self._stages:
            for reference in graph.references(stage):
                user = graph.stage_of(reference.instruction)
                if user is None or user.index not in own:
                    raise _FullError("the stage is used in line {line} as well, which may need them",
                                     reference.instruction)  # fmt: skip
        if self._services.unread:
            raise _FullError(f"which services run the image is not known: {self._services.unread[0]}")
        for service in (it for stage in self._stages for it in self._services.of(stage)):
            if service.command is not None or service.entrypoint is not None:
                raise _FullError(f"{service} runs another command")
        if processes := self._project.processes:
            raise _FullError(f"the Procfile names other commands: {', '.join(processes)}")

    def _require_start(self, packages: DevelopmentPackages) -> None:
        """The commands that a container starts with, and the sources they run, must do without the packages."""
        start = self._project.start
        if not start:
            raise _FullError(f"what a container runs is not known: {start.reason}")
        if start.unread:
            raise _FullError(f"what a container runs is not known: {start.unread[0]}")
        for command in start.commands:
            if reason := packages.needed_by(command):
                raise _FullError(reason)
        program = self._project.program
        if not program:
            raise _FullError(f"what a container runs is not known: {program.reason}")
        from rewriter.model.project.imports import imported_packages

        imported = imported_packages(self._project, program)
        if not imported:
            raise _FullError(f"which packages the program imports is not known: {imported.reason}")
        for file, name in imported.packages:
            if name in packages.names:
                raise _FullError(f"{file} imports {name}")
