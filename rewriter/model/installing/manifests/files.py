"""The files of a project as an install finds them in the image, and what an install needs of them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from rewriter.model.context.build_context import BuildContext, Status
from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.instructions import common_path
from rewriter.model.managers.call import Call
from rewriter.model.state import State
from rewriter.syntax.tree import Instruction

_OF_PROJECTS: Final = ("pyproject.toml", "setup.py", "setup.cfg")


class NotMovableError(Exception):
    """An install that cannot be shown to need nothing but its manifests, and why: mostly because of a `culprit`."""

    def __init__(self, reason: str, culprit: Instruction | None = None) -> None:
        super().__init__(reason)
        self.culprit: Final = culprit


class Needs(NamedTuple):
    """What an install needs, by paths in the image.

    `files` are the manifests in the order in which a COPY lists them, `folders` those that go along as a whole.
    `fills` are the folders that it fills, which a later COPY of the same folder would lay the host's own over.
    `added` are options that the install above the sources gets, `below` the commands that must run once they are
    there; an empty one among them is the install as it was.
    """

    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()
    added: str = ""
    below: tuple[str, ...] = ()


class Project:
    """A call of a package manager, where it runs, and the files that it finds there.

    `start` is where it runs, `folder` where it works: options may say so.
    `take` notes a file as needed. What cannot be told raises NotMovableError. `goes_along` says that projects which are
    installed from their folders are needed as a whole, instead of keeping the install where it is.
    """

    __slots__ = ("_context", "_copies", "_files", "_folders", "call", "folder", "goes_along", "start", "state")

    def __init__(
        self, call: Call, folder: str, state: State, copies: Sequence[CopiedFiles], context: BuildContext
    ) -> None:
        self.call: Final = call
        self.start: Final = folder
        self.folder = folder
        self.goes_along = False
        self.state: Final = state
        self._copies: Final = copies
        self._context: Final = context
        self._files: dict[str, None] = {}
        self._folders: dict[str, None] = {}

    def path(self, name: str, base: str = "") -> str:
        """The absolute path of a name, relative to the folder of the project or to another one."""
        return "/" + posixpath.normpath(posixpath.join(base or self.folder, name)).lstrip("/")

    def brought_by(self, path: str) -> tuple[CopiedFiles, str] | None:
        """The COPY that brings a file or folder, and its path in the context. Raises where that is not known."""
        for copied in reversed(self._copies):
            if copied.problem and (not copied.target or common_path([path], [copied.target])):
                raise NotMovableError(
                    f"{copied.instruction.name} in line {{line}}: {copied.problem}", copied.instruction
                )
            origin = copied.origin(path)
            if origin is None:
                continue
            match self._context.status(origin):
                case "unknown":
                    raise NotMovableError("the build context is not known")
                case "present" | "unreadable":
                    return copied, origin
        return None

    def status(self, path: str) -> Status:
        """Whether the install finds a file or folder at a path."""
        found = self.brought_by(path)
        return self._context.status(found[1]) if found else "absent"

    def has(self, name: str) -> bool:
        """Whether a file or folder is there, by its name in the folder of the project or by its path."""
        return self.brought_by(self.path(name)) is not None

    def is_folder(self, name: str) -> bool:
        """Whether a folder is there."""
        found = self.brought_by(self.path(name))
        return found is not None and self._context.is_folder(found[1]) is True

    def read(self, name: str) -> str:
        """The text of a file that must be there."""
        path = self.path(name)
        found = self.brought_by(path)
        if found is None:
            raise NotMovableError(f"{self.shown(path)} is not in the build context")
        text = self._context.read(found[1])
        if text is None:
            raise NotMovableError(f"{found[1]} cannot be read")
        return text

    def shown(self, path: str) -> str:
        """A path of the image as its user knows it: by where it comes from."""
        for copied in reversed(self._copies):
            if origin := copied.origin(path):
                return origin
        return path

    def names(self, name: str = ".") -> tuple[str, ...]:
        """The names in a folder, none where there is none."""
        found = self.brought_by(self.path(name))
        names = self._context.list(found[1]) if found else ()
        if names is None:
            raise NotMovableError(f"{self.shown(self.path(name))} cannot be listed")
        return names

    def walk(self, name: str, wanted: Callable[[str], bool]) -> list[str]:
        """The files below a folder whose names are wanted, by their paths in the image."""
        folder = self.path(name)
        found = self.brought_by(folder)
        if found is None:
            return []
        paths = self._context.walk(found[1], wanted)
        if paths is None:
            raise NotMovableError(f"{self.shown(folder)} cannot be listed")
        start = len(found[1]) + 1 if found[1] else 0
        return [self.path(path[start:], folder) for path in paths]

    def take(self, name: str) -> bool:
        """Note a file as needed if it is there."""
        path = self.path(name)
        if self.brought_by(path) is None:
            return False
        if self.is_folder(path):
            self._folders[path] = None
        else:
            self._files[path] = None
        return True

    def take_project(self, name: str, reason: str) -> None:
        """Note the folder of a project that is installed as it lies there. Gives the reason where that is none."""
        path = self.path(re.split(r"[\[;#\s]", name)[0])
        if not self.goes_along or not any(self.has(posixpath.join(path, one)) for one in _OF_PROJECTS):
            raise NotMovableError(reason)
        self._folders[path] = None

    def require(self, name: str) -> str:
        """Note a file as needed, and read it."""
        text = self.read(name)
        self.take(name)
        return text

    def json(self, name: str) -> dict[str, Any]:
        """The object of a JSON file that must be there, noted as needed."""
        import json

        try:
            value = json.loads(self.require(name).removeprefix("\ufeff"))
        except ValueError:
            raise NotMovableError(f"{self.shown(self.path(name))} cannot be understood") from None
        if not isinstance(value, dict):
            raise NotMovableError(f"{self.shown(self.path(name))} cannot be understood")
        return value

    def toml(self, name: str) -> dict[str, Any]:
        """The tables of a TOML file that must be there, noted as needed."""
        import tomllib

        try:
            return tomllib.loads(self.require(name).removeprefix("\ufeff").replace("\r\n", "\n"))
        except tomllib.TOMLDecodeError:
            raise NotMovableError(f"{self.shown(self.path(name))} cannot be understood") from None

    def needs(self, *, fills: Sequence[str] = (), added: str = "", below: Sequence[str] = ()) -> Needs:
        """What has been noted."""
        filled = tuple(self.path(name) for name in fills)
        return Needs(tuple(self._files), tuple(self._folders), filled, added, tuple(below))

    def forbid_variables(self, *names: str) -> None:
        """Give up if the file sets one of these variables: they say that other files are read."""
        if found := next((name for name in names if self.state.is_set(name)), ""):
            raise NotMovableError(f"{found} changes what {self.call.manager.name} reads")

    def forbid_options(self, *names: str) -> None:
        """Give up if one of these options is given."""
        if found := next((option.name for option in self.call.options if option.name in names), ""):
            raise NotMovableError(f"`{found}` changes what {self.call.manager.name} reads")

    def option(self, *names: str) -> str:
        """The value of the last of these options, empty where none is given."""
        return next((option.value for option in reversed(self.call.options) if option.name in names), "")

    def move_to(self, *options: str) -> None:
        """Work in the folder that one of these options names."""
        for option in self.call.options:
            if option.name in options:
                if not option.value or (option.value_word is not None and not option.value_word.is_literal):
                    raise NotMovableError(f"`{option.name}` names a folder by a variable")
                self.folder = self.path(option.value)
