"""What Python packages need when they are installed and when they run, beyond what a slim image has."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rewriter.model.data.debian import runtime_libraries
from rewriter.model.data.package_roles import IN_PYTHON_IMAGES
from rewriter.model.data.python_wheels import has_wheel, is_pure, is_told_of, upper_limit
from rewriter.model.data.system_libraries import python_need
from rewriter.model.managers.call import Call
from rewriter.model.pip.files import History, places
from rewriter.model.pip.requirements import Requirement, parse_requirement
from rewriter.model.slimming.python_locks import locked_packages
from rewriter.model.slimming.python_projects import build_problem, dependencies_of, names_libraries
from rewriter.model.slimming.subject import Need, Subject
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Run

MANAGERS: Final = frozenset({"pip", "uv", "poetry", "pipenv"})

_PYTHON: Final = re.compile(r"(\d+\.\d+)(?:\.\d+)?(?:[a-z]+\d+)?(?:-|\Z)")
_NAME: Final = re.compile(r"\s*[A-Za-z0-9][\w.-]*\s*(?:\[([^\]]*)\])?\s*([^;#@]*)")
_ELSEWHERE: Final = re.compile(
    r"(?:sys_platform|platform_system|os_name)\s*==\s*['\"](?:win32|Windows|nt|darwin|Darwin|cygwin)['\"]"
)
_ANY_WHEEL: Final = re.compile(r"-none-any\.whl(?:[#?;\s]|\Z)")
_INSTALLS: Final = frozenset({"install", "pip install", "pip sync", "wheel", "download", "sync"})
_NO_BINARY: Final = ("PIP_NO_BINARY", "UV_NO_BINARY")
_LOCKS: Final = {"poetry": "poetry.lock", "uv": "uv.lock", "pipenv": "Pipfile.lock"}


def python_needs(call: Call, run: Run, subject: Subject, history: History, *, is_elsewhere: bool) -> Iterator[Need]:
    """What a call of pip, uv, poetry or pipenv needs. `is_elsewhere` says that it runs in another image.

    What is compiled in another image needs its libraries here, where it is copied to.
    """
    if call.action not in _INSTALLS and not call.installs:
        return
    folder = places(run, subject.states.at(run).workdir)[call.command.start].folder
    checker = _Checker(run, subject, lambda path: history.read(run, folder, path), is_elsewhere=is_elsewhere)
    is_project = call.manager.name in _LOCKS and not call.action.startswith("pip ") and not call.packages
    if is_project:
        name = _LOCKS[call.manager.name]
        text = history.read(run, folder, name)
        if text is None:
            yield Need(run, f"{name} is not there to say what `{call.manager.name}` installs")
            return
        if call.manager.name == "pipenv":
            yield from checker.all(parse_requirement(one) for one in _pinned(text))
        else:
            yield from checker.locked(text, name)
        if call.manager.name == "poetry" and not call.has("--no-root"):
            yield from checker.all([parse_requirement(".")], with_dependencies=False)
        return
    state = subject.states.at(run)
    if call.has("--no-binary") or any(name in run.text or state.is_set(name) for name in _NO_BINARY):
        yield Need(run, "`--no-binary` has packages compiled")
    if call.has("--group"):
        yield Need(run, "which packages are in a dependency group is not looked at")
    for word in call.packages:
        if word.value:
            yield from checker.all([parse_requirement(word.value)])
        else:
            yield Need(run, f"a variable says what is installed: {word.text}")
    closure = history.requirements(call, run, folder)
    for path in closure.unread:
        yield Need(run, f"{posixpath.basename(path).replace(chr(0), 'a requirements file')} cannot be read")
    if any(option.name == "--no-binary" for option in closure.options):
        yield Need(run, "`--no-binary` has packages compiled")
    checker.constrain(closure.constraints)
    yield from checker.all(closure.requirements)
    for option in call.options:
        if option.name in ("-e", "--editable"):
            yield from checker.all([parse_requirement(option.value, is_editable=True)])


def _pinned(text: str) -> Iterator[str]:
    """The packages of a Pipfile.lock with their versions."""
    import json

    try:
        entries = json.loads(text).get("default", {})
    except (ValueError, AttributeError):
        entries = {"Pipfile.lock": {}}
    for name, entry in entries.items():
        version = entry.get("version", "") if isinstance(entry, dict) else ""
        extras = ",".join(entry.get("extras", ())) if isinstance(entry, dict) else ""
        yield f"{name}[{extras}]{version}" if extras else f"{name}{version}"


def python_of(stage: Stage) -> str:
    """The version of Python in an official image, such as `3.11`; empty where its tag does not tell."""
    image = stage.origin
    match = _PYTHON.match(image.tag) if image and image.family == "python" else None
    return match[1] if match else ""


class _Checker:
    """Goes through requirements."""

    def __init__(self, run: Run, subject: Subject, read: Callable[[str], str | None], *, is_elsewhere: bool) -> None:
        self._read: Final = read
        self._run: Final = run
        self._subject: Final = subject
        self._is_elsewhere: Final = is_elsewhere
        stage = subject.states.graph.stage_of(run)
        self.python: Final = python_of(stage) if stage else ""
        self._names: frozenset[str] = frozenset()
        self._bounds: dict[str, str] = {}

    def constrain(self, constraints: Iterable[Requirement]) -> None:
        """Take in what a constraints file says of versions."""
        for one in constraints:
            if one.kind == "name" and (match := _NAME.match(one.text)):
                self._bounds[one.name] = f"{self._bounds.get(one.name, '')},{match[2]}"

    def all(self, requirements: Iterable[Requirement], *, with_dependencies: bool = True) -> Iterator[Need]:
        """What some requirements need, and what the projects among them depend on."""
        found = list(requirements)
        self._names |= {one.name for one in found}
        for requirement in found:
            if problem := self.problem(requirement):
                yield Need(self._run, problem)
            elif requirement.kind == "path" and with_dependencies:
                names = dependencies_of(requirement.path, self._read, _extras_of_project(requirement))
                if names is None:
                    yield Need(self._run, f"what the project in {requirement.path} depends on cannot be read")
                else:
                    yield from self.all((parse_requirement(one) for one in names), with_dependencies=False)

    def locked(self, text: str, name: str) -> Iterator[Need]:
        """What the packages of uv.lock or poetry.lock need."""
        packages = locked_packages(text, self.python)
        if packages is None:
            yield Need(self._run, f"{name} cannot be read")
            return
        for package in packages:
            requirement = parse_requirement(package.requirement)
            need = python_need(requirement.name) if requirement.name else None
            if package.is_built or requirement.kind == "path" or (need is not None and need.ships != "all"):
                yield from self.all([requirement], with_dependencies=False)

    def problem(self, requirement: Requirement) -> str:
        """Why a requirement may need more than the lighter image has; empty where it does not."""
        if _ELSEWHERE.search(requirement.text):
            return ""
        match requirement.kind:
            case "wheel":
                is_any = _ANY_WHEEL.search(requirement.text)
                return "" if is_any else f"what {requirement.text} needs is not known"
            case "vcs":
                missing = not self._is_elsewhere and self._subject.lacks("git", self._run)
                why = "needs git" if missing else "may have to be compiled"
                return f"{requirement.text} {why}"
            case "archive":
                return f"{requirement.text} may have to be compiled"
            case "path":
                return self._problem_of_project(requirement)
        match = _NAME.match(requirement.text)
        extras, specifiers = match.groups("") if match else ("", "")
        specifiers = specifiers.strip() + self._bounds.get(requirement.name, "")
        return self._problem_of_name(
            requirement.name, frozenset(filter(None, re.split(r"[\s,]+", extras.lower()))), specifiers
        )

    def _problem_of_project(self, requirement: Requirement) -> str:
        problem = build_problem(requirement.path, self._read)
        if problem == "git":
            missing = not self._is_elsewhere and self._subject.lacks("git", self._run)
            return "its version is read from git" if missing else ""
        # Compiled elsewhere, it needs what it is linked with, and no compiler.
        return problem if not self._is_elsewhere or names_libraries(self._subject.context) else ""

    def _problem_of_name(self, name: str, extras: frozenset[str], specifiers: str) -> str:
        if name == "psycopg" and ("binary" in extras or "psycopg-binary" in self._names):
            name, extras = "psycopg-binary", frozenset()
        if self.python and not is_told_of(self.python):
            return f"what {name} brings for Python {self.python} is not known"
        need = python_need(name)
        is_all = need is None or need.ships == "all"
        if need is not None and not is_all:
            return self._problem_of_need(name)
        for one in (name, *(f"{name}[{extra}]" for extra in sorted(extras))):
            if not is_pure(one):
                known = has_wheel(one, specifiers, self.python)
                if known is None and need is not None and upper_limit(specifiers) is None and one == name:
                    continue
                if known is None:
                    return f"whether {one} has to be compiled is not known"
                if not known:
                    return f"{one}{specifiers} may have no wheel for this Python"
        return ""

    def _problem_of_need(self, name: str) -> str:
        need, subject = python_need(name), self._subject
        assert need is not None
        if need.ships in ("sources", "tools") and not self._is_elsewhere:
            needed = need.headers | need.tools | (need.packages if need.ships == "tools" else frozenset())
            missing = sorted(needed - subject.debian_packages(self._run))
            if missing:
                return f"{name} needs {', '.join(missing)}, which no step installs"
            if not subject.has_compiler(self._run):
                return f"{name} is compiled, and no step installs a compiler"
        libraries = need.at_run_time(subject.suites, is_compiled=need.ships == "sources")
        if libraries is None:
            return f"which libraries {name} needs here is not known"
        libraries -= _carried(subject)
        if not subject.brings_to_image(libraries, self._run):
            return f"{name} needs {', '.join(sorted(libraries))}, which no step installs"
        return ""


def _carried(subject: Subject) -> frozenset[str]:
    """The libraries that Python itself is linked with, which its lighter images have."""
    if subject.twin.image.family != "python":
        return frozenset()
    found = (runtime_libraries(name, suite) or () for name in IN_PYTHON_IMAGES for suite in subject.suites)
    return frozenset(library for libraries in found for library in libraries)


def _extras_of_project(requirement: Requirement) -> frozenset[str]:
    """`.[web]` installs an extra of the project."""
    match = re.search(r"\[([^\]]*)\]\s*(?:[;#].*)?\Z", requirement.text)
    return frozenset(filter(None, re.split(r"[\s,]+", match[1]))) if match else frozenset()
