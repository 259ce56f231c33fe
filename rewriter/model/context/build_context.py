"""The build context: the files that COPY and ADD can reach, when it can be told where they are."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from rewriter.model.context.dockerignore import IgnoreRules
from rewriter.model.context.files import ContextFiles, Entry, Kind, Listed, ListedFiles, LocalFiles
from rewriter.model.context.globs import GLOB, matcher
from rewriter.syntax.text import decode, encode

Status = Literal["present", "absent", "unreadable", "unknown"]
_Paths: TypeAlias = list[str]

MOST_ENTRIES: Final = 20_000
"""How many files and folders one question may look at."""

_LARGEST: Final = 16 * 1024 * 1024
_IGNORE_FILE: Final = ".dockerignore"
_NEVER_WALKED: Final = frozenset({".git", "node_modules"})


class _IgnoreFile(NamedTuple):
    """An ignore file: its text, None where it cannot be read."""

    exists: bool
    text: str | None


_NO_FILE: Final = _IgnoreFile(False, "")


class _TooManyError(Exception):
    """A question that would look at more than MOST_ENTRIES."""


class BuildContext:
    """The files that a build can copy. `root` is their folder, None where it is not known which one.

    Paths are as COPY takes them: relative to the root, a leading slash means nothing, `..` does not leave the root.
    What the ignore file keeps out is absent, save for `host`. Nothing is read before it is asked for.
    """

    __slots__ = ("_below", "_dockerfile", "_files", "_folders", "_host", "_ignore_path", "_is_host", "_rules", "_texts")

    def __init__(
        self, root: str | None = None, texts: Mapping[str, str] = MappingProxyType({}), *, dockerfile: str = ""
    ) -> None:
        """The context of a folder.

        `dockerfile` is the path of the Dockerfile from there: an ignore file beside it goes before `.dockerignore`.
        `texts` are files as they will be, by path.
        """
        self._files: ContextFiles | None = LocalFiles(root) if root is not None else None
        self._dockerfile: Final = dockerfile
        self._is_host = False
        self._host: BuildContext | None = None
        self._below: Final[dict[str, _Paths | None]] = {}
        self._texts: dict[str, str] = {}
        self._folders: dict[str, set[str]] = {}
        self._rules: IgnoreRules | None = None
        self._ignore_path = ""
        self._add(texts)

    @classmethod
    def of_list(
        cls, paths: Mapping[str, Listed] | Iterable[str], root: str | None = None, *, dockerfile: str = ""
    ) -> BuildContext:
        """The context of files that a list names. Only those that the folder `root` holds can be read."""
        context = cls(dockerfile=dockerfile)
        context._files = ListedFiles(paths if isinstance(paths, Mapping) else dict.fromkeys(paths, Listed()), root)
        return context

    @property
    def root(self) -> str | None:
        """The folder of the context, None where there is none or it is not known."""
        return self._files.root if self._files else None

    @property
    def dockerfile(self) -> str:
        """The path of the Dockerfile from the root, which may start with `../`; empty where it is not known."""
        return self._dockerfile

    def _copy(self) -> BuildContext:
        copy = BuildContext(dockerfile=self._dockerfile)
        copy._files, copy._texts, copy._folders = self._files, self._texts, self._folders
        copy._is_host = self._is_host
        return copy

    def _add(self, texts: Mapping[str, str]) -> None:
        self._texts = {**self._texts, **{self._key(path): text for path, text in texts.items()}}
        self._folders = {}
        for path in self._texts:
            while path:
                path, _, name = path.rpartition("/")
                self._folders.setdefault(path, set()).add(name)

    def with_text(self, path: str, text: str) -> BuildContext:
        """The context as it will be once a file holds a text that is not written yet."""
        return self.with_texts({path: text})

    def with_texts(self, texts: Mapping[str, str]) -> BuildContext:
        """The context as it will be once files hold texts that are not written yet."""
        context = self._copy()
        context._add(texts)
        return context

    @property
    def host(self) -> BuildContext:
        """The same files without an ignore file, for those that no COPY needs to see."""
        if self._is_host:
            return self
        if self._host is None:
            self._host = self._copy()
            self._host._is_host = True
        return self._host

    # The ignore file

    @property
    def ignore_path(self) -> str:
        """The ignore file in force, or that would be: `.dockerignore` where there is none.

        One beside the Dockerfile that is named after it goes before it, even if it is empty. Its path may start with
        `../`. Source: https://github.com/moby/buildkit/blob/master/frontend/dockerui/config.go
        """
        if not self._ignore_path:
            beside = f"{self._dockerfile}.dockerignore" if self._dockerfile else ""
            self._ignore_path = beside if beside and self._ignore_file(beside) != _NO_FILE else _IGNORE_FILE
        return self._ignore_path

    @property
    def ignore_text(self) -> str:
        """The text of the ignore file in force, empty where there is none that can be read."""
        return self._ignore_file(self.ignore_path).text or ""

    def _ignore_file(self, path: str) -> _IgnoreFile:
        if path in self._texts:
            return _IgnoreFile(True, self._texts[path])
        if self._files is None:
            return _NO_FILE
        files: ContextFiles = self._files
        if path.startswith("../"):
            if self.root is None:
                return _IgnoreFile(True, None)
            files = LocalFiles(os.path.join(self.root, posixpath.dirname(path)))
            path = posixpath.basename(path)
        if files.kind(path) not in ("file", "unreadable"):
            return _NO_FILE
        data = files.head(path, _LARGEST)
        return _IgnoreFile(True, None if data is None else decode(data))

    def _patterns(self) -> IgnoreRules:
        if self._rules is None:
            file = _NO_FILE if self._is_host else self._ignore_file(self.ignore_path)
            self._rules = IgnoreRules(file.text or "", "" if file.text is not None else "cannot be read")
        return self._rules

    def ignores(self, path: str) -> bool:
        """Whether the ignore file keeps a path out, whether it exists or not.

        False for a folder of which an exception may let a part in, and where the ignore file cannot be followed.
        """
        path, rules = self._key(path), self._patterns()
        if not rules.excludes(path):
            return False
        return not rules.may_readmit(path) or (self._files is not None and self._kind(path) == "file")

    def _sees(self, path: str, budget: Iterator[int]) -> bool:
        """Whether COPY sees what stands at a path: a folder also for the sake of what an exception lets in below."""
        rules = self._patterns()
        if not rules.excludes(path):
            return True
        if not rules.may_readmit(path) or self._kind(path) != "folder":
            return False
        return any(self._sees(f"{path}/{name}", _next(budget)) for name in self._names(path) or ())

    # Single files

    def _key(self, path: str) -> str:
        if path.startswith("../") and path == f"{self._dockerfile}.dockerignore":
            return path
        return clean(path)

    def _kind(self, path: str) -> Kind:
        if path in self._texts:
            return "file"
        if path in self._folders:
            return "folder"
        return self._files.kind(path) if self._files else "absent"

    def _visible(self, path: str) -> Kind | Literal["unknown"]:
        """What COPY sees at a path."""
        if self._files is None and not self._texts:
            return "unknown"
        if self._files is None and self._kind(path) == "absent":
            return "unknown"
        kind = self._kind(path)
        if kind == "absent" or not path:
            return kind
        if self._patterns().problem:
            return "unknown"
        try:
            budget = iter(range(MOST_ENTRIES))
            real = path if path in self._texts or self._files is None else self._files.resolve(path)
            seen = self._sees(path, budget) and (not real or real == path or self._sees(real, budget))
        except _TooManyError:
            return "unknown"
        return kind if seen else "absent"

    def status(self, path: str) -> Status:
        """Whether a file or folder is there. `unreadable` is one that exists, or may exist, but cannot be looked at."""
        path = self._key(path)
        match self._visible(path):
            case "unknown" | "absent" | "unreadable" as status:
                return status
            case "link":
                return "present"
        if path in self._texts or path in self._folders or self._files is None or self._files.is_readable(path):
            return "present"
        return "unreadable"

    def is_folder(self, path: str) -> bool | None:
        """Whether COPY sees a folder at a path; None where that is not known."""
        kind = self._visible(self._key(path))
        return None if kind in ("unknown", "unreadable", "link") else kind == "folder"

    def head(self, path: str, size: int) -> bytes | None:
        """The first bytes of a file; None where COPY sees none, or none inside the root can be read."""
        path = self._key(path)
        if (text := self._texts.get(path)) is not None:
            return encode(text)[:size] if self._visible(path) == "file" else None
        if self._files is None or self._visible(path) != "file":
            return None
        return self._files.head(path, size)

    def mode(self, path: str) -> int:
        """The permissions of a file, such as 0o755; -1 where COPY sees none, or they are not known."""
        path = self._key(path)
        if self._files is None or path in self._texts or self._visible(path) != "file":
            return -1
        return self._files.mode(path)

    def is_closed(self, path: str) -> bool:
        """Whether a file, or anything in a folder, is of a mode that keeps others than its owner and group from it.

        What is not known, -1, keeps nobody out: all its bits are set.
        """
        path = self._key(path)
        if self._files is None:
            return False
        found = self.walk(path, lambda _: True) if self.is_folder(path) else [path]
        folders = {folder for file in found or () for folder in _folders_above(file, path)}
        return any(not self._files.mode(file) & 0o004 for file in found or () if file not in self._texts) or any(
            self._files.mode(folder) & 0o005 != 0o005 for folder in folders if folder not in self._folders
        )

    def read(self, path: str) -> str | None:
        """The text of a file, bytes that are not UTF-8 as surrogates; None where COPY sees none that can be read."""
        path = self._key(path)
        return self._read(path) if self._visible(path) == "file" else None

    def _read(self, path: str) -> str | None:
        if (text := self._texts.get(path)) is not None:
            return text
        if self._files is None or self._files.size(path) > _LARGEST:
            return None
        data = self._files.head(path, _LARGEST)
        return None if data is None else decode(data)

    # Folders

    def _names(self, folder: str) -> tuple[str, ...] | None:
        names = self._files.names(folder) if self._files else None
        added = self._folders.get(folder)
        return names if added is None else tuple(sorted({*(names or ()), *added}))

    def _children(self, folder: str, budget: Iterator[int]) -> Iterator[str] | None:
        names = self._names(folder)
        if names is None:
            return None
        prefix = folder and f"{folder}/"
        return (name for name in names if self._sees(prefix + name, _next(budget)))

    def list(self, folder: str) -> tuple[str, ...] | None:
        """The names that COPY sees in a folder, in order, none where it is absent; None where that is not known."""
        folder = self._key(folder)
        kind = self._visible(folder)
        if kind != "folder":
            return () if kind in ("absent", "file", "other") else None
        try:
            names = self._children(folder, iter(range(MOST_ENTRIES)))
            return None if names is None or self._patterns().problem else tuple(names)
        except _TooManyError:
            return None

    def walk(self, folder: str, wanted: Callable[[str], bool]) -> _Paths | None:
        """The paths of all files below a folder whose names are wanted, in order; None where that is not known.

        What COPY does not see is not looked at, nor is what lies in `.git` and `node_modules`, nor behind links.
        """
        folder = self._key(folder)
        if folder not in self._below:
            self._below[folder] = self._found_below(folder)
        found = self._below[folder]
        return None if found is None else [path for path in found if wanted(path[path.rfind("/") + 1 :])]

    def _found_below(self, folder: str) -> _Paths | None:
        is_folder = self.is_folder(folder)
        if is_folder is not True or self._patterns().problem:
            return None if is_folder is not False else []
        found: _Paths = []
        budget = iter(range(MOST_ENTRIES))
        pending = [folder]
        try:
            while pending:
                place = pending.pop()
                entries = self._entries(place)
                if entries is None:
                    return None
                for name, kind, is_link in entries:
                    path = f"{place}/{name}" if place else name
                    if not self._sees(path, _next(budget)):
                        continue
                    if kind == "folder" and name not in _NEVER_WALKED and not is_link:
                        pending.append(path)
                    elif kind == "file":
                        found.append(path)
        except _TooManyError:
            return None
        return sorted(found)

    def _entries(self, folder: str) -> tuple[Entry, ...] | None:
        """What a folder holds, texts that are not written yet included."""
        entries = self._files.entries(folder) if self._files else None
        added = self._folders.get(folder)
        if added is None:
            return entries
        prefix = folder and f"{folder}/"
        kept = (entry for entry in entries or () if entry.name not in added)
        return tuple(sorted([*kept, *(Entry(name, self._kind(prefix + name)) for name in added)]))

    def find(self, pattern: str) -> Status:
        """Whether anything matches a source of COPY, which may be a pattern of Go's filepath.Match."""
        if not GLOB.search(pattern):
            return self.status(pattern)
        found, is_complete = self._matches(pattern)
        if found:
            return "present"
        return (
            "absent" if is_complete else "unknown" if self._files is None or self._patterns().problem else "unreadable"
        )

    def matches(self, pattern: str) -> tuple[str, ...] | None:
        """The paths that match a source of COPY, in order; None where they are not all known."""
        if not GLOB.search(pattern):
            status = self.status(pattern)
            return None if status == "unknown" else () if status == "absent" else (self._key(pattern),)
        found, is_complete = self._matches(pattern)
        return found if is_complete else None

    def _matches(self, pattern: str) -> tuple[tuple[str, ...], bool]:
        """Follow a pattern part by part; no part matches a slash. Also whether all folders could be looked into."""
        found, is_complete = [""], True
        for part in filter(None, clean(pattern).split("/")):
            folders, found = found, []
            matches = matcher(part) if GLOB.search(part) else None
            for folder in folders:
                prefix = folder and f"{folder}/"
                if matches is None:
                    status = self.status(prefix + part)
                    found += [prefix + part] if status in ("present", "unreadable") else []
                    is_complete = is_complete and status != "unknown"
                    continue
                names = self.list(folder)
                is_complete = is_complete and names is not None
                found += [prefix + name for name in names or () if matches(name)]
        return tuple(found), is_complete


def clean(path: str) -> str:
    """The path below the root: `/a`, `./a` and `../a` are all `a`; empty for the root itself."""
    return posixpath.normpath("/" + path).lstrip("/")


def _folders_above(file: str, top: str) -> Iterator[str]:
    """The folders between a file and the folder `top`, which the root is not among."""
    while (file := posixpath.dirname(file)) and len(file) >= len(top):
        yield file


def _next(budget: Iterator[int]) -> Iterator[int]:
    """The budget with one entry less. Raises _TooManyError."""
    if next(budget, None) is None:
        raise _TooManyError
    return budget
