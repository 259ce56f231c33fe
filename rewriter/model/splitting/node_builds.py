"""The RUNs of a stage that install a Node project's packages and build it, and what they leave behind."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.effects.shell import Step
from rewriter.model.installing.stage_installs import calls_of, simple_commands
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.stage_reading import Reading
from rewriter.syntax.shell_tree import SimpleCommand
from rewriter.syntax.tree import Run

MANAGERS: Final = names("npm yarn pnpm")
BUILDERS: Final = names("npx tsc node next nest vite webpack rollup esbuild tsup ng babel swc pnpx rimraf")
_ASKS: Final = names("-v --version version -h --help")
_OTHER_FOLDER: Final = ("--prefix", "--cwd", "-C", "--dir")
_REARRANGES: Final = names("cp mv ln rm sed")
_WITH_THEM: Final = names("mkdir touch echo cd set true")


class Builds:
    """Those of a stage, in order; false where it has none."""

    def __init__(self, reading: Reading) -> None:
        self._reading: Final = reading
        found = [run for run in reading.runs if self._is_of_project(run)]
        self.folder: Final = _common([folder for run in found for folder in self._folders(run)])
        self.runs: Final = [*found, *self._rearranging(found[-1])] if found else []
        self.installs: Final = [
            (run, call)
            for run in self.runs
            for call in self._calls(run)
            if call.manager.name in MANAGERS and call.installs and not is_global(call)
        ]

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.runs)

    def _calls(self, run: Run) -> Iterator[Call]:
        return (call for step in self._reading.steps(run) for call in calls_of(step))

    def _folders(self, run: Run) -> Iterator[str]:
        """Where a RUN installs or builds: behind `cd`, that is not the folder that WORKDIR says."""
        for step in self._reading.steps(run):
            if not self._works(step):
                continue
            yield step.folder
            for option in (option for call in calls_of(step) for option in call.options):
                if option.name in _OTHER_FOLDER:
                    yield posixpath.normpath(posixpath.join(step.folder, option.value)) if step.folder else ""

    def commands(self, run: Run) -> Iterator[SimpleCommand]:
        """The commands of a RUN."""
        return (command for step in self._reading.steps(run) for command in simple_commands(step))

    def _is_of_project(self, run: Run) -> bool:
        """Whether a RUN installs a project's packages, or builds it."""
        return any(self._works(step) for step in self._reading.steps(run))

    @staticmethod
    def _works(step: Step) -> bool:
        """Whether a step installs or builds something of a project, and does not only ask for a version."""
        calls = (call for call in calls_of(step) if call.manager.name in MANAGERS and not is_global(call))
        commands = [call.command for call in calls]
        commands += [command for command in simple_commands(step) if command.name in BUILDERS]
        return not all(map(_asks, commands))

    def only_asks(self, run: Run) -> bool:
        """Whether a RUN does nothing but print versions."""
        steps = self._reading.steps(run)
        asked = [[_asks(command) for command in simple_commands(step)] for step in steps]
        return not self._reading.unreadable(run) and bool(steps) and all(found and all(found) for found in asked)

    def _rearranging(self, last: Run) -> Iterator[Run]:
        """The RUNs behind the last build that do nothing but copy, move or remove what was built, or clear caches."""
        for run in self._reading.runs:
            if run.start <= last.start:
                continue
            cleans = {call.command.start for call in self._calls(run) if call.action == "cache clean"}
            called = {one.name for one in self.commands(run) if one.words and one.start not in cleans}
            steps = self._reading.steps(run)
            if self._reading.unreadable(run) or not steps or any(step.unknown for step in steps):
                return
            written = [path for step in steps for path in step.effects.writes]
            if not (cleans or _REARRANGES & called) or not called <= _REARRANGES | _WITH_THEM:
                return
            if called and not all(path.startswith(f"{self.folder}/") for path in written):
                return
            yield run

    @property
    def has_folders(self) -> bool:
        """Whether the installs run in more than one folder."""
        return len({folder for run, _ in self.installs for folder in self._folders(run)}) > 1

    def may_call(self, program: str) -> bool:
        """Whether a RUN, or a script that one may run, speaks of a program."""
        sources = self._reading.project.sources
        origin = sources.origin(posixpath.join(self.folder, "package.json"))
        text = sources.read(origin) if origin else ""
        return mentions(self.text, program) or not isinstance(text, str) or mentions(text, program)

    @property
    def text(self) -> str:
        """All of them, to look for words in."""
        return "\n".join(run.text for run in self.runs)

    @property
    def ship_developers(self) -> bool:
        """Whether packages for developers are installed, and not removed again."""
        found = False
        for run, call in self.installs:
            is_production = call.has("--production", "--prod", "-P") or any(
                option.name in ("--omit", "--only") and option.value in ("dev", "prod", "production")
                for option in call.options
            )
            sets = (self._reading.state(run).get("NODE_ENV") or "") == "production"
            found = not (is_production or (sets and not call.has("--include")))
        calls = (call for run in self.runs for call in self._calls(run))
        return found and not any(call.action in ("prune", "workspaces focus") for call in calls)

    @property
    def build(self) -> bool:
        """Whether a RUN builds the project."""
        commands = [command for run in self.runs for command in self.commands(run)]
        return any("build" in command.text or command.name in ("tsc", "npx") for command in commands)

    @property
    def global_packages(self) -> frozenset[str]:
        """The packages that a RUN of the stage installs beside the project."""
        calls = (call for run in self._reading.runs for call in self._calls(run))
        return frozenset(name for call in calls if is_global(call) and call.installs for name in named(call))


def _asks(command: SimpleCommand) -> bool:
    words = [word.value for word in command.words]
    return len(words) == 2 and words[0] in BUILDERS | MANAGERS | {"corepack"} and words[1] in _ASKS


def is_global(call: Call) -> bool:
    """Whether a call is about packages beside the project, or about settings."""
    return call.has("-g", "--global") or call.action in ("config", "config set", "cache clean", "global add", "set")


def named(call: Call) -> Iterator[str]:
    """The packages that a call names, without their versions."""
    return (re.sub(r"(?<=.)@.*", "", word.value) for word in call.packages)


def _common(folders: list[str]) -> str:
    """The folder that holds all of some; empty where one of them is not known."""
    return posixpath.commonpath(folders) if folders and all(folders) else ""
