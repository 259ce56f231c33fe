"""What becomes of the steps of a stage where nothing can be run: users, owners, folders and packages.

A RUN goes where the image has what it makes: a user, packages, the owner of files that COPY can set. WORKDIR makes its
folder, with those above it, for the user in force, which is that of the image: so one more WORKDIR stands for `mkdir`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.data.distroless import NONROOT, DistrolessImage
from rewriter.model.distroless.candidate import Candidate
from rewriter.model.distroless.move import StaysError, Steps
from rewriter.model.managers.call import Call, call_of
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.running.as_whom import doubt_of_earlier_users, doubt_of_user, runs_as_root
from rewriter.model.running.needs_root import doubt_of_root
from rewriter.model.running.new_user import Runner, is_root
from rewriter.model.running.owned_paths import find_ownership
from rewriter.model.running.shipped import Doubt
from rewriter.model.running.written_folders import is_inside, is_of_system
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Copy, Instruction, Run, User, Volume, Workdir

_RUNNER: Final = Runner(NONROOT, NONROOT, "nonroot", "/home/nonroot")
_PLAIN: Final = re.compile(r"/[\w./@+-]+\Z")
_MAKES_USERS: Final = names("useradd adduser groupadd addgroup usermod")
_HARMLESS: Final = names("set true echo : cd export")
_LISTS: Final = ("/var/lib/apt/lists", "/var/cache/apt", "/var/cache/apk", "/tmp/", "/etc/apt/apt.conf.d/docker-clean")
_ADDS_NOTHING: Final = names("update clean autoclean autoremove")


def steps_on(image: DistrolessImage, candidate: Candidate) -> Steps:
    """What becomes of the steps; raises StaysError where they need more than the image has."""
    return _Reader(image, candidate).read()


class _Reader:
    """Reads the steps of a stage.

    `given` are the folders that the user gets with all that is in them, `made` those that must be there for it.
    """

    def __init__(self, image: DistrolessImage, candidate: Candidate) -> None:
        self._image: Final = image
        self._candidate: Final = candidate
        self._shipped: Final = candidate.shipped
        self._workdir: Final = candidate.shipped.workdir
        self._given: Final[set[str]] = set()
        self._made: Final[dict[str, Instruction]] = {}

    def read(self) -> Steps:
        own = self._candidate.stage.instructions
        runs = tuple(one for one in own if isinstance(one, Run))
        for run in runs:
            self._read_run(run)
        copies = {copy for copy in self._shipped.copies if self._is_given(copy)}
        changed: list[tuple[User, str]] = []
        if runs_as_root(self._shipped):
            copies.update(self._owned_by_program())
        else:
            user = self._candidate.only(User)
            if user is not None and user.arguments != NONROOT:
                changed.append((user, NONROOT))
        for volume in (one for one in own if isinstance(one, Volume)):
            for path in volume.paths:
                self._make(self._path(path, volume), volume)
        if self._given or copies or not runs_as_root(self._shipped):
            self._require_own_workdir()
        given = tuple(sorted(copies, key=lambda one: one.start))
        made = self._folders()
        return Steps(runs, given, tuple(changed), made, self._anchor(made) if made else None)

    def _owned_by_program(self) -> tuple[Copy, ...]:
        """The COPYs of what the program may write, as where a user is given to an image that runs as root."""
        shipped = self._shipped
        doubt = doubt_of_user(shipped) or doubt_of_root(shipped) or doubt_of_earlier_users(shipped, _RUNNER)
        ownership = doubt or find_ownership(shipped, _RUNNER)
        if isinstance(ownership, Doubt):
            raise StaysError(f"it may need root: {ownership.reason}", ownership.mentions)
        for path in (*ownership.owned, *ownership.missing):
            self._make(path, self._candidate.stage.from_)
        self._given.update(ownership.owned)
        return ownership.copies

    # What RUNs do

    def _read_run(self, run: Run) -> None:
        if run.json is not None or run.heredocs or any(run.script.opaques()):
            raise StaysError("line {line} runs a command, which takes a shell", run)
        for command in run.script.simple_commands():
            if command.words:
                self._read_command(command, run)

    def _read_command(self, command: SimpleCommand, run: Run) -> None:
        name, call = posixpath.basename(command.name), call_of(command)
        if call is not None and call.manager.name in SYSTEM_MANAGERS:
            self._read_call(call, run)
        elif name in ("mkdir", "chown"):
            self._read_folders(command, run)
        elif name == "update-ca-certificates":
            if any("ca-certificates" in copy.destination for copy in self._shipped.copies):
                raise StaysError("line {line} makes certificates of its own trusted", run)
        elif name == "rm":
            paths = [word.value or word.text for word in command.arguments if not word.text.startswith("-")]
            if not all(path.startswith(_LISTS) for path in paths):
                raise StaysError("line {line} removes files, which takes a shell", run)
        elif name not in _HARMLESS | _MAKES_USERS or command.redirects:
            raise StaysError(f"line {{line}} runs `{command.name or command.text}`, which takes a shell", run)

    def _read_call(self, call: Call, run: Run) -> None:
        if call.action in _ADDS_NOTHING:
            return
        if not call.installs or call.unknown:
            raise StaysError("what line {line} installs is not known", run)
        wanted = frozenset(word.value.partition("=")[0] for word in call.packages)
        if missing := sorted(self._image.lacks(wanted)):
            raise StaysError(f"line {{line}} installs {missing[0]}, which {self._image.text} lacks", run)

    def _read_folders(self, command: SimpleCommand, run: Run) -> None:
        plain = [word for word in command.arguments if not word.text.startswith("-")]
        is_deep = any(word.text in ("-R", "--recursive") for word in command.arguments)
        for word in plain[1:] if command.name == "chown" else plain:
            path = self._path(word.text, run)
            self._make(path, run)
            if command.name == "chown" and is_deep:
                self._given.add(path)

    # Folders

    def _path(self, text: str, at: Instruction) -> str:
        state = self._shipped.states.at(at)
        return posixpath.normpath(posixpath.join(state.workdir or "/", state.expand(text) or "?"))

    def _make(self, path: str, why: Instruction) -> None:
        if path == self._workdir:
            return
        if not _PLAIN.match(path) or is_of_system(path):
            raise StaysError(f"{path} of line {{line}} cannot be made for a user", why)
        self._made[path] = why

    def _folders(self) -> tuple[str, ...]:
        """The folders that a WORKDIR has to make: with one come those above it."""
        found = sorted(self._made)
        return tuple(path for path in found if not any(one != path and is_inside(one, path) for one in found))

    def _anchor(self, made: tuple[str, ...]) -> Instruction:
        """The WORKDIR that counts in the end, above which others may stand; FROM where there is none."""
        stage = self._candidate.stage
        last = next((one for one in reversed(stage.instructions) if isinstance(one, Workdir)), None)
        for one in stage.instructions:
            is_above = isinstance(one, Copy) and last is not None and one.start < last.start
            target = self._candidate.target_of(one) if is_above and isinstance(one, Copy) else "?"
            if any(is_inside(path, target) for path in made):
                raise StaysError("line {line} makes a folder for root that the user needs", one)
        if last is None:
            return stage.from_
        if not last.path.text.startswith("/"):
            raise StaysError("line {line} is relative to another WORKDIR", last)
        return last

    # What belongs to the user

    def _is_given(self, copy: Copy) -> bool:
        flag = copy.flag("chown")
        if flag is not None:
            return not is_root(flag.value) and flag.value != NONROOT
        target = self._candidate.target_of(copy)
        has = self._candidate.project.sources.has
        return any(is_inside(target, folder) or (is_inside(folder, target) and has(folder)) for folder in self._given)

    def _require_own_workdir(self) -> None:
        """Raise unless it is WORKDIR that makes the folder: COPY makes folders for root."""
        folder = self._workdir
        for one in self._candidate.stage.instructions:
            if isinstance(one, Workdir) and folder in self._made_by(one):
                return
            if isinstance(one, Copy) and is_inside(self._candidate.target_of(one), folder) and folder in self._given:
                raise StaysError(f"line {{line}} makes {folder} for root", one)

    def _made_by(self, workdir: Workdir) -> Iterator[str]:
        path = self._shipped.states.at(workdir).expand(workdir.path.text) or ""
        yield posixpath.normpath(posixpath.join(self._shipped.states.at(workdir).workdir or "/", path))
