"""The files that a call of pip reads, as far as the build context holds them, and what stood in front of a RUN."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import Final, Generic, NamedTuple, TypeVar

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.pip.requirements import Closure, follow, parse_requirement
from rewriter.model.stages import StageGraph
from rewriter.model.state import States
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Copy, Dockerfile, Instruction, Run

_CONFIGURES: Final = re.compile(r"\bpip\.(?:conf|ini)\b|\bpip[0-9.]*\s+config\s+(?:\S+\s+)*(?:set|edit)\b")
_CERTIFICATES: Final = re.compile(
    r"update-ca-certificates|update-ca-trust|/ca-certificates/|\b(?:REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PIP_CERT)\b"
)
_HELD_PIP: Final = re.compile(r"[\"']?(?:pip|setuptools)\s*(?=[<>=!~])[^;]*?(?:<|==|~=)")

_ACTIVATION: Final = re.compile(r"bin/activate[\"']?\Z")
CHANGES_PATH: Final = frozenset({"PATH", "VIRTUAL_ENV", "PYTHONHOME"})
"""The variables that decide which Python is found."""

UNKNOWN: Final = "\0"
"""A path that a variable leaves open."""

PIP_FILES: Final = (
    "/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/root/.pip/pip.conf", "/root/.config/pip/pip.conf",
    "/usr/local/pip.conf",
)  # fmt: skip
"""Where pip looks for its configuration: https://pip.pypa.io/en/stable/topics/configuration/#location"""

MOST_COPIES: Final = 100
"""How many COPYs, from the latest up, are asked for a file."""

_I = TypeVar("_I", bound=Instruction)


class Place(NamedTuple):
    """Where in a RUN a command stands: its working folder, and the environment that was activated in front of it.

    `problem` says why it cannot be told which Python is found there.
    """

    folder: str
    activated: str = ""
    problem: str = ""


def places(run: Run, workdir: str) -> dict[int, Place]:
    """The place of each simple command of a RUN, by where it starts. A folder that is not known is empty."""
    place = Place(workdir)
    found: dict[int, Place] = {}
    for command in run.script.simple_commands():
        found[command.start] = place
        if command.name == "cd":
            path = command.arguments[0].value if len(command.arguments) == 1 else ""
            known = bool(path) and (bool(place.folder) or path.startswith("/"))
            place = place._replace(folder=posixpath.normpath(posixpath.join(place.folder, path)) if known else "")
        elif command.name in ("pushd", "popd"):
            place = place._replace(folder="")
        elif command.name in (".", "source") and command.arguments and _ACTIVATION.search(command.arguments[0].text):
            place = place._replace(activated=command.arguments[0].text)
        elif command.name in ("deactivate", "conda", "activate"):
            place = place._replace(problem=f"`{command.name}` changes where Python is found")
        elif _changes_path(command):
            place = place._replace(problem="the RUN changes where Python is found")
    return found


def _changes_path(command: SimpleCommand) -> bool:
    if not command.words:
        return any(one.name in CHANGES_PATH for one in command.assignments)
    return command.name == "export" and any(one.text.split("=")[0] in CHANGES_PATH for one in command.arguments)


class _ByStage(Generic[_I]):
    """Instructions of some sort, by the stage that they stand in."""

    __slots__ = ("_found", "_graph")

    def __init__(self, graph: StageGraph) -> None:
        self._graph: Final = graph
        self._found: Final[dict[int, list[_I]]] = {}

    def add(self, instruction: _I) -> None:
        """Take one in; they come in the order of the file."""
        if (stage := self._graph.stage_of(instruction)) is not None:
            self._found.setdefault(stage.index, []).append(instruction)

    def before(self, run: Run) -> Iterator[_I]:
        """Those that have run when a RUN begins, and the RUN itself; the latest first."""
        stage = self._graph.stage_of(run) if self._found else None
        for one in stage.lineage if stage else ():
            found = self._found.get(one.index, [])
            for position in range(bisect_right(found, run.start, key=_start) - 1, -1, -1):
                yield found[position]


class History:
    """What the instructions of a file may mean to a later pip; each is looked at once."""

    __slots__ = ("_certificates", "_configurations", "_contexts", "_copies", "_pins", "context", "states")

    def __init__(self, dockerfile: Dockerfile, states: States, context: BuildContext) -> None:
        self.states: Final = states
        self.context: Final = context
        self._configurations: Final = _ByStage[Instruction](states.graph)
        self._certificates: Final = _ByStage[Instruction](states.graph)
        self._copies: Final = _ByStage[Copy](states.graph)
        self._pins: Final = _ByStage[Instruction](states.graph)
        self._contexts: Final[dict[int, CopiedFiles]] = {}
        for instruction in dockerfile.instructions:
            text = instruction.text if instruction.heredocs else instruction.view.text
            if "pip" in text and _CONFIGURES.search(text):
                self._configurations.add(instruction)
            if _CERTIFICATES.search(text):
                self._certificates.add(instruction)
            if isinstance(instruction, Copy) and _is_from_context(instruction):
                self._copies.add(instruction)
            if isinstance(instruction, Run) and any(map(_holds_pip, calls(instruction))):
                self._pins.add(instruction)

    def is_configured(self, run: Run) -> bool:
        """Whether a file or a command configures pip up to here."""
        return any(self._configurations.before(run))

    def holds_pip(self, run: Run) -> bool:
        """Whether pip or setuptools is kept at a version, by this RUN or up to here."""
        return any(self._pins.before(run))

    def has_certificates(self, run: Run) -> bool:
        """Whether certificates are set up for this RUN."""
        return any(self._certificates.before(run))

    def read(self, run: Run, folder: str, path: str) -> str | None:
        """The text of a file by its path in the image, as seen from a folder; None where that cannot be told."""
        if UNKNOWN in path or not (folder or path.startswith("/")):
            return None
        whole = posixpath.normpath(posixpath.join(folder or "/", path))
        for mount in run.mounts:
            fields = dict(field.partition("=")[::2] for field in mount.value.split(","))
            target = fields.get("target", fields.get("dst", ""))
            if fields.get("type", "bind") == "bind" and "from" not in fields and target:
                place = posixpath.normpath(posixpath.join(self.states.at(run).workdir, target))
                if whole == place or whole.startswith(f"{place}/"):
                    source = fields.get("source", fields.get("src", ""))
                    return self.context.read(posixpath.normpath(f"{source}/{whole[len(place) :]}"))
        for copy in islice(self._copies.before(run), MOST_COPIES):
            origin = self._copied(copy).origin(whole)
            text = self.context.read(origin) if origin is not None else None
            if text is not None:
                return text
        return None

    def _copied(self, copy: Copy) -> CopiedFiles:
        if copy.start not in self._contexts:
            self._contexts[copy.start] = CopiedFiles(copy, self.states.at(copy), self.context)
        return self._contexts[copy.start]

    def requirements(self, call: Call, run: Run, folder: str) -> Closure:
        """What the requirements and constraints files of a call say, includes followed."""
        paths: list[tuple[str, bool]] = []
        for option in call.options:
            is_constraint = option.name in ("-c", "--constraint")
            if (is_constraint or option.name in ("-r", "--requirement")) and "://" not in option.value:
                paths.append((option.value or UNKNOWN, is_constraint))
        return follow(paths, lambda path: self.read(run, folder, path))


def _is_from_context(copy: Copy) -> bool:
    return len(copy.paths) > 1 and copy.source_stage is None and not copy.heredocs


def _start(instruction: Instruction) -> int:
    return instruction.start


def _holds_pip(call: Call) -> bool:
    """Whether a call asks for an exact or not too new pip or setuptools: a plain upgrade, a lower bound, does not."""
    if call.manager.name not in ("pip", "uv") or not call.installs:
        return False
    return any(_HELD_PIP.match(word.text) for word in call.packages)


def names_of(call: Call) -> set[str]:
    """The names of what a call of pip installs; an empty one stands for what is not known by its name."""
    named = {parse_requirement(word.value).name for word in call.packages}
    more = ("-r", "--requirement", "-e", "--editable")
    return named | {"" for option in call.options if option.name in more}
