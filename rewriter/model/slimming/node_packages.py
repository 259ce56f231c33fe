"""What Node packages need when they are installed and when they run, beyond what a slim image has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from rewriter.model.data.node_packages import node_knowledge
from rewriter.model.data.system_libraries import node_need
from rewriter.model.managers.call import Call
from rewriter.model.pip.files import History, places
from rewriter.model.slimming.node_locks import Locked, locked_packages
from rewriter.model.slimming.subject import Need, Subject
from rewriter.model.slimming.words import programs_in_text
from rewriter.syntax.tree import Run

MANAGERS: Final = frozenset({"npm", "yarn", "pnpm", "bun"})

_ELSEWHERE: Final = ("--prefix", "--cwd", "-C", "--dir", "--filter", "-F", "-w", "--workspace")
_GROUPS: Final = ("dependencies", "optionalDependencies", "devDependencies")
_PLACE: Final = re.compile(
    r"(?:git[+@:]|https?:|github:|gitlab:|bitbucket:|file:|link:|workspace:|[\w.-]+/[\w.-]+(?:#|\Z))"
)
_NAMED: Final = re.compile(r"(@?[^@]+)(?:@(.*))?\Z", re.DOTALL)
_SCRIPT_NAME: Final = re.compile(r"[\w:.-]+")
_INSTALLS: Final = re.compile(
    r"\b(?:npm|yarn|pnpm|bun|pip3?)\s+(?:--?\S+\s+)*(?:install|i|ci|add)\b|\byarn\s*(?:&&|\Z)|node-gyp"
)
_SHELL_SCRIPT: Final = re.compile(
    r"(?:^|[\s;&|(])(?:(?:ba|da|z)?sh\s+([\w./][\w./-]*)|((?!\.{0,2}/?node_modules/)(?:\.{1,2}/)[\w./-]+|[\w./-]+\.sh)(?=[\s;&|)]|\Z))"
)
_GOES_ON: Final = re.compile(r"\|\|\s*(?:true|:|exit 0|echo)(?:\s|\Z)")
"""Says that a script goes on where its command fails."""

_OF_INSTALL: Final = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
_NUMBERS: Final = re.compile(r"(\d+)(?:\.(\d+))?")
_RUNS: Final = frozenset({"run", "run-script", "start", "test", "build", "exec", "x", "dlx", "create"})
_HARMLESS: Final = frozenset({"config", "cache", "set", "version", "prune", "list", "view", "store", "import", "dedupe",
                              "audit", "fund", "root", "bin", "get", "login", "pkg", "explain", "env"})  # fmt: skip


def node_needs(call: Call, run: Run, subject: Subject, history: History, *, is_elsewhere: bool) -> Iterator[Need]:
    """What a call of npm, yarn, pnpm or bun needs. `is_elsewhere` says that it runs in another image."""
    if call.action in _HARMLESS or (not call.action and not call.installs):
        return
    project = _Project(call, run, subject, history, is_elsewhere=is_elsewhere)
    if call.has(*_ELSEWHERE):
        yield Need(run, f"which project `{call.manager.name}` works on is not looked at")
    elif call.installs and call.packages:
        yield from project.named()
    elif call.installs:
        yield from project.all()
    else:
        yield from project.scripts()


class _Project:
    """The package.json and the lock file that a call works on."""

    def __init__(self, call: Call, run: Run, subject: Subject, history: History, *, is_elsewhere: bool) -> None:
        self._call: Final = call
        self._run: Final = run
        self._subject: Final = subject
        self._history: Final = history
        self._is_elsewhere: Final = is_elsewhere
        self._folder: Final = places(run, subject.states.at(run).workdir)[call.command.start].folder

    def _need(self, reason: str) -> Need:
        return Need(self._run, reason)

    def named(self) -> Iterator[Need]:
        """`npm install -g typescript`"""
        known = node_knowledge()
        for word in self._call.packages:
            match = _NAMED.match(word.value)
            name, version = match.groups("") if match else ("", "")
            if not name or (_PLACE.match(word.value) and not name.startswith("@")):
                yield self._need(f"what {word.text} brings is not known")
            elif problem := self._problem_of(Locked(name, version, name in known.scripts, False, False)):
                yield self._need(problem)
            elif name not in known.tools | known.plain and name not in known.scripts and node_need(name) is None:
                yield self._need(f"whether {name} has to be compiled is not known")

    def all(self) -> Iterator[Need]:
        """`npm ci`"""
        package = self._package()
        if package is None:
            yield self._need("package.json is not there to be read")
            return
        yield from self._own_scripts(package, _OF_INSTALL)
        found = self._locked()
        if found is not None:
            for locked in found:
                if problem := self._problem_of(locked):
                    yield self._need(problem)
            return
        known = node_knowledge()
        for group in _GROUPS:
            for name, version in _table(package, group).items():
                is_for_developers, builds = group == "devDependencies", name in known.scripts
                locked = Locked(name, str(version), builds, is_for_developers, _is_place(version))
                if problem := self._problem_of(locked):
                    yield self._need(problem)
                elif name not in known.plain | known.tools and not builds and not name.startswith("@types/"):
                    yield self._need(f"without a lock file it is not known what {name} brings")

    def scripts(self) -> Iterator[Need]:
        """`npm run build`"""
        package = self._package()
        if package is None:
            yield self._need("package.json is not there to be read")
            return
        words = [word.value for word in self._call.packages[:1]]
        yield from self._own_scripts(package, [self._call.action, *words])

    def _own_scripts(self, package: dict[str, Any], called: Iterable[str]) -> Iterator[Need]:
        """What scripts of package.json need, and those that they call in turn."""
        scripts = {name: text for name, text in _table(package, "scripts").items() if isinstance(text, str)}
        pending, seen = list(called), set[str]()
        while pending:
            name = pending.pop()
            if name in seen or name not in scripts:
                continue
            seen.add(name)
            text = scripts[name]
            pending += [f"pre{name}", f"post{name}", *_SCRIPT_NAME.findall(text)]
            if not self._is_elsewhere:
                yield from self._programs(name, text)
                yield from self._shell_scripts(name, text)
            if _INSTALLS.search(text):
                yield self._need(f"the script `{name}` installs packages, too")

    def _programs(self, name: str, text: str) -> Iterator[Need]:
        """The programs that a script of package.json calls, and those that the commands of its packages call."""
        commands = {} if _GOES_ON.search(text) else node_knowledge().commands
        for program in sorted(programs_in_text(text)):
            if self._subject.lacks(program, self._run):
                yield self._need(f"the script `{name}` calls `{program}`, which {self._subject.name} lacks")
        for program in sorted(commands.keys() & set(_SCRIPT_NAME.findall(text))):
            if self._subject.lacks(commands[program], self._run):
                reason = f"calls `{program}`, which needs `{commands[program]}`, and {self._subject.name} lacks it"
                yield self._need(f"the script `{name}` {reason}")

    def _shell_scripts(self, name: str, text: str) -> Iterator[Need]:
        """What the shell scripts call that a script of package.json runs."""
        for match in _SHELL_SCRIPT.finditer(text):
            path = match[1] or match[2]
            script = self._history.read(self._run, self._folder, path)
            if script is None:
                yield self._need(f"what {path} calls, which the script `{name}` runs, cannot be read")
            for program in sorted(programs_in_text(script or "")):
                if self._subject.lacks(program, self._run):
                    yield self._need(f"{path} calls `{program}`, which {self._subject.name} lacks")

    def _package(self) -> dict[str, Any] | None:
        text = self._history.read(self._run, self._folder, "package.json")
        try:
            package = json.loads(text.removeprefix("\ufeff")) if text is not None else None
        except (ValueError, RecursionError):
            package = None
        return package if isinstance(package, dict) else None

    def _locked(self) -> list[Locked] | None:
        from rewriter.model.installing.manifests import locks_of

        for name in locks_of(self._call.manager.name):
            text = self._history.read(self._run, self._folder, name)
            found = locked_packages(name, text) if text is not None else None
            if found is not None:
                return found
        return None

    def _problem_of(self, locked: Locked) -> str:
        """Why a package may need more than the lighter image has; empty where it does not."""
        name, known, subject = locked.name, node_knowledge(), self._subject
        if locked.is_from_git:
            return "" if self._is_elsewhere and not locked.builds else f"{name} comes from a repository of git"
        need = node_need(name)
        if need is not None and need.ships != "all" and not (need.ships == "tools" and not locked.builds):
            return self._problem_of_need(name, is_for_developers=locked.is_for_developers)
        if name in known.programs and not locked.is_for_developers:
            program = known.programs[name]
            stage = subject.states.graph.stage_of(self._run)
            missing = (
                subject.lacks(program, self._run) if stage in subject.family else program in subject.twin.kind.lacks
            )
            return f"{name} calls `{program}`, which {subject.name} lacks" if missing else ""
        if locked.builds and not self._is_elsewhere and not _has_binary(locked):
            return f"{name} {locked.version}".rstrip() + " may have to be compiled"
        return ""

    def _problem_of_need(self, name: str, *, is_for_developers: bool) -> str:
        need, subject = node_need(name), self._subject
        assert need is not None
        if need.ships in ("sources", "tools") and not self._is_elsewhere:
            needed = need.headers | need.tools | (need.packages if need.ships == "tools" else frozenset())
            missing = sorted(needed - subject.debian_packages(self._run) - {"make"})
            if missing or not subject.has_compiler(self._run):
                return f"{name} is compiled, and no step installs {', '.join(missing) or 'a compiler'}"
        if is_for_developers:
            return ""
        libraries = need.at_run_time(subject.suites, is_compiled=need.ships == "sources")
        if libraries is None:
            return f"which libraries {name} needs here is not known"
        if not subject.brings_to_image(libraries, self._run):
            return f"{name} needs {', '.join(sorted(libraries)[:3])}, which no step installs"
        return ""


def _has_binary(locked: Locked) -> bool:
    """Whether an install script is known to need no compiler, for this version or any that a range may give."""
    first = node_knowledge().scripts.get(locked.name)
    if not first:
        return first is not None
    if locked.version in ("", "*", "latest"):
        return True
    numbers = _NUMBERS.search(locked.version)
    if numbers is None:
        return False
    return int(numbers[1] if numbers[1] != "0" else numbers[2] or 0) >= first


def _table(package: dict[str, Any], key: str) -> dict[str, Any]:
    found = package.get(key)
    return found if isinstance(found, dict) else {}


def _is_place(version: object) -> bool:
    return isinstance(version, str) and _PLACE.match(version.strip()) is not None
