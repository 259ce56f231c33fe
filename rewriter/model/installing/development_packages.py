"""Development packages of a Node project, and the commands that need them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rewriter.model.installing.locks import npm
from rewriter.model.installing.manifests.node import INSTALL_SCRIPTS
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command
from rewriter.model.project.imports import BUILT_IN, package_of
from rewriter.syntax.shell import parse_shell
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.text import view_of

_NODE: Final = names("node nodejs")
_LOADS: Final = names("-r --require --import --loader --experimental-loader")
PLAIN_PROGRAMS: Final = names(
    "true false : echo exit test [ mkdir cp mv rm chmod chown cat ls sleep date env printf touch ln sed grep tr tini "
    "dumb-init wait-for-it.sh wait-for nc curl wget id tee sh"
)
"""Programs that come with no package of Node: each system has most of them, and the others are installed by name."""


class DevelopmentPackages:
    """What goes and what stays when packages for development are left out.

    `wanted` are those that package.json asks for beside them; `lock` is the text of npm's lock file, whose marks and
    programs tell more.
    """

    def __init__(self, wanted: frozenset[str], lock: str) -> None:
        self._wanted: Final = wanted | (npm.kept_packages(lock) or frozenset() if lock else frozenset())
        self._programs: Final = npm.programs(lock) if lock else None

    def keeps(self, package: str) -> bool:
        """Whether a package, or a module that Node has itself, can be imported without them."""
        return package in self._wanted or package in BUILT_IN

    @property
    def programs_that_go(self) -> list[str]:
        """The programs of packages that are not there without development packages."""
        return [name for name, stays in (self._programs or {}).items() if not stays]

    def needed_by(self, command: Command) -> str:
        """Why a command may need one of them; empty where it does not."""
        program = posixpath.basename(command.words[0].value)
        if program in _NODE:
            return self._loaded([word.known or "" for word in command.words[1:]])
        return "" if self.has_program(program) else f"`{program}` may come from a development package"

    def has_program(self, program: str) -> bool:
        """Whether a program is there without development packages."""
        if program in PLAIN_PROGRAMS:
            return True
        if self._programs is not None and program in self._programs:
            return self._programs[program]
        return program in self._wanted

    def _loaded(self, words: list[str]) -> str:
        """Why what `node -r MODULE` loads may be one of them."""
        for position, word in enumerate(words):
            name, equals, value = word.partition("=")
            if not word.startswith("-"):
                return ""
            if name in _LOADS:
                module = value if equals else next(iter(words[position + 1 :]), "")
                if module.startswith((".", "/")):
                    continue
                if package_of(module) not in self._wanted:
                    return f"`node {name} {module}` may load a development package"
        return ""


def script_needs(package: Mapping[str, Any], packages: DevelopmentPackages, manager: str) -> str:
    """Why a script that the install itself runs may need them: `npm ci --omit=dev` would fail with 127."""
    for name, text in _install_scripts(package, manager):
        view = view_of(text, 0, len(text))
        for item in parse_shell(view, 0, len(text)).items:
            for command in item.pipeline.commands:
                program = command.name if isinstance(command, SimpleCommand) else ""
                if not packages.has_program(program):
                    return f"the script `{name}`, which the install runs, may need them: {text}"
    return ""


def _install_scripts(package: Mapping[str, Any], manager: str) -> Iterator[tuple[str, str]]:
    scripts = package.get("scripts")
    for name in INSTALL_SCRIPTS:
        text = scripts.get(name) if isinstance(scripts, dict) else None
        if isinstance(text, str) and (name != "dependencies" or manager == "npm"):
            yield name, text
