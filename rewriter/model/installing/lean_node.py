"""Installs of Node's packages without what only development needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rewriter.model.installing.development_packages import DevelopmentPackages, script_needs
from rewriter.model.installing.lean_guards import FullError, LeanInstall, Reader
from rewriter.model.installing.locks.package_json import group, read_object
from rewriter.model.installing.manifests import Project as Files
from rewriter.model.installing.named_packages import driver_by_name
from rewriter.model.installing.node_versions import manager_version
from rewriter.model.installing.stage_installs import Install
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.imports import imported_packages
from rewriter.syntax.shell_tree import Word

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
_PRELOADS: Final = re.compile(r"-r\b|--require|--import|loader")


class NodeReader(Reader):
    """What is to be found out about an install by npm, Yarn or pnpm."""

    managers = _MANAGERS | {"bun"}
    folder = "node_modules"
    speaks_of_packages = re.compile(r"node_modules|\b(?:npx|npm|yarn|pnpm|bunx?)\b")

    @classmethod
    def brings_everything(cls, install: Install, files: Files) -> bool:
        """Whether a call installs a project of Node with no word about what is to be left out."""
        call, state = install.call, files.state
        name = call.manager.name
        if name not in _MANAGERS or call.action not in ("install", "ci") or call.packages:
            return False
        if any(option.name in _OMITS[name] | _ASKS for option in call.options):
            return False
        if state.get("NODE_ENV") == "production" or any(state.is_set(variable) for variable in _VARIABLES):
            return False
        return not any(one.name == "NODE_ENV" and one.value.value == "production" for one in call.command.assignments)

    def lean(self) -> LeanInstall | None:
        """The install without development packages; None where there are none. Raises FullError."""
        files, call = self._files, self._install.call
        brought = files.brought_by(files.path("package.json"))
        if brought is None and self._all.context.status("package.json") == "unknown":
            raise FullError("the build context is not known")
        if brought is None:
            return None
        package = self._package()
        wanted = {**group(package, "dependencies"), **group(package, "optionalDependencies")}
        development = tuple(name for name in group(package, "devDependencies") if name not in wanted)
        if not development:
            return None
        if package.get("workspaces"):
            raise FullError("package.json has workspaces, which may need them")
        option = self._option(package)
        packages = DevelopmentPackages(frozenset(wanted), self._lock())
        scripts = package.get("scripts")
        if isinstance(scripts, dict) and any(_PRELOADS.search(str(text)) for text in scripts.values()
                                             if "NODE_OPTIONS" in str(text)):  # fmt: skip
            raise FullError("NODE_OPTIONS may load one of them")
        if "prisma" in development and "@prisma/client" in wanted:
            raise FullError("the install of @prisma/client runs prisma")
        if driver := driver_by_name(development, wanted):
            raise FullError(f"{driver} may be loaded by its name")
        self.require_production(call.unknown)
        self.require_no_other_install()
        self.require_no_builds()
        self.require_no_other_users()
        if not call.has("--ignore-scripts") and (reason := script_needs(package, packages, call.manager.name)):
            raise FullError(reason)
        self._require_start(packages, development)
        behind = call.subcommand or call.program
        text = f" {option}" if call.subcommand else f" install {option}"
        return LeanInstall(self._install, behind, text, development, (brought[0].instruction,))

    def _package(self) -> Mapping[str, Any]:
        value = read_object(self._files.read("package.json"))
        if value is None:
            raise FullError("package.json cannot be understood")
        return value

    def _option(self, package: Mapping[str, Any]) -> str:
        manager = self._install.call.manager.name
        version = manager_version(manager, self._files.state, package, self._install.run)
        if manager == "pnpm":
            return "--prod"
        if not version:
            raise FullError(f"which version of {manager} runs is not known")
        if manager == "yarn":
            if version > 1 or self._files.has(".yarnrc.yml"):
                raise FullError("Yarn 2 and newer leave them out by `workspaces focus` only")
            return "--production"
        return "--omit=dev" if version > 6 else "--only=production"

    def _lock(self) -> str:
        """The text of npm's lock file, empty where there is none."""
        files = self._files
        return files.read("package-lock.json") if files.has("package-lock.json") else ""

    def require_production(self, unknown: Sequence[Word]) -> None:
        """Neither variables nor settings of npm may say that the image is for developers."""
        files = self._files
        mode = self._project.environment.get("NODE_ENV", "production")
        if files.state.is_set("NODE_ENV") or mode not in ("production", "prod"):
            raise FullError("NODE_ENV says that the image is not for production")
        if files.has(".npmrc") and _SETTING.search(files.read(".npmrc")):
            raise FullError(".npmrc says what is to be installed")
        options = self._project.environment.get("NODE_OPTIONS", "")
        if options is None or _PRELOADS.search(options):
            raise FullError("NODE_OPTIONS may load one of them")
        super().require_production(unknown)

    def _require_start(self, packages: DevelopmentPackages, development: Sequence[str]) -> None:
        """The commands that a container starts with, and the sources they run, must do without the packages."""
        start, program = self.known_start()
        for command in start.commands:
            if reason := packages.needed_by(command):
                raise FullError(reason)
        imported = imported_packages(self._project, program)
        if not imported:
            raise FullError(f"which packages the program imports is not known: {imported.reason}")
        for file, name in imported.packages:
            if not packages.keeps(name):
                raise FullError(f"{file} imports {name}, which may be gone")
        gone = [name for name in development if not packages.keeps(name)]
        self.require_unnamed(imported.files, gone, packages.programs_that_go)
