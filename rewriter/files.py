"""Finding, reading and replacing files on the user's disk.

Replacing is atomic: a reader sees the old text or the new one, and whatever goes wrong leaves the old file as it was.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

LARGEST: Final = 64 * 1024 * 1024
_TOO_LARGE: Final = f"too large for a Dockerfile (more than {LARGEST:,} bytes)"

_WORDS: Final = ("dockerfile", "containerfile")
_NEVER_ENTERED: Final = frozenset({".git", "node_modules", ".venv"})

# Endings under which a "Dockerfile.x" is something else. Languages that go by the same word as their files
# (Dockerfile.java, Dockerfile.php) are left out: such files are mostly images for that language.
_OTHER_ENDINGS: Final = (
    "dockerignore containerignore gitignore "  # then templates, documents, leftovers, programs, data and archives
    "j2 jinja jinja2 tmpl gotmpl tpl template erb mustache hbs handlebars ejs liquid twig mako m4 in jsonnet cue "
    "md mdx markdown rst txt adoc html htm pdf log "
    "bak backup bck bkp old orig rej save swp swo swn tmp diff patch snap "
    "py pyi pyc sh bash zsh fish ps1 bat cmd go js mjs cjs jsx ts tsx rb rs c h cc cpp cxx hpp cs kt pl el lua vim "
    "json jsonc json5 yml yaml toml ini cfg conf xml csv env lock sum md5 sha1 sha256 sha512 asc sig gz zip tar png svg"
)
# Without these Windows would translate line ends, and opening a pipe would wait for its other side.
_RAW: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)

_REASONS: Final = {
    errno.ENOENT: "no such file; check the path (or was it removed while dfix was running?)",
    errno.EACCES: "permission denied; check the permissions of the file and its folder",
    errno.EPERM: "operation not permitted; the file may be immutable or belong to someone else",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "no space left on the device",
    errno.ELOOP: "the symbolic links lead in a circle",
    errno.EBUSY: "the file is in use or is a mount point; mount its folder instead of the file",
}


class FileError(Exception):
    """A file that cannot be found, read or replaced, with what to do about it."""

    def __init__(self, path: str, message: str) -> None:
        # Both arguments go to Exception, so that the error survives pickling between processes.
        super().__init__(path, message)
        self.path: Final = path
        self.message: Final = message

    def __str__(self) -> str:
        return ": ".join(self.args)


class Found(NamedTuple):
    """A file to work on, or what stood in the way of finding it. `named`: the user named this very file."""

    path: str
    named: bool
    error: str = ""


def is_dockerfile_name(name: str) -> bool:
    """Whether a file of this name is taken for a Dockerfile when dfix searches a folder."""
    lower = name.lower()
    # "._x" are macOS resource forks, ".#x" are Emacs locks.
    if lower.endswith("~") or lower.startswith(("._", ".#")):
        return False
    first, ending = lower.partition(".")[0], lower.rpartition(".")[2]
    if ending in _WORDS:
        return True
    return first in _WORDS and bool(ending) and ending not in _OTHER_ENDINGS.split()


def find(
    paths: Iterable[str],
    exclude: Sequence[str] = (),
    *,
    exclude_base: str = ".",
    excludes_of: Callable[[str], tuple[Sequence[str], str]] | None = None,
) -> Iterator[Found]:
    """Yield each file that the paths stand for once, in the order of the paths, sorted within a folder.

    A named file is always taken. Within a folder, Dockerfiles count by name, unless a .gitignore or an `exclude`
    pattern (gitignore syntax, relative to `exclude_base`) leaves them out. Naming an ignored folder searches it.
    `excludes_of` gives both for a folder, where they are not the same everywhere.
    """
    arguments = list(paths)
    named = {os.path.realpath(path) for path in arguments if not os.path.isdir(path)}
    compiled: dict[tuple[tuple[str, ...], str], _Ignore] = {}

    def excluded(folder: str) -> _Ignore | None:
        patterns, base = excludes_of(folder) if excludes_of else (exclude, exclude_base)
        key = (tuple(patterns), base)
        if patterns and key not in compiled:
            compiled[key] = _compile(base, patterns)
        return compiled.get(key)

    seen: set[str] = set()
    for argument in arguments:
        pairs = _search(argument, excluded) if os.path.isdir(argument) else _take(argument)
        for found, real in pairs:
            # A file that is also named waits for its own turn, where its name is taken without question.
            if real not in seen and (found.named or real not in named):
                seen.add(real)
                yield found


def _take(path: str) -> Iterator[tuple[Found, str]]:
    error = ""
    try:
        os.stat(path)
    except OSError as problem:
        error = _reason(problem)
    yield Found(path, named=True, error=error), os.path.realpath(path)


class _Pattern(NamedTuple):
    """One line of an ignore file."""

    compiled: GitIgnoreSpecPattern
    is_tied: bool  # a slash ties it to its folder; without one it is matched with names
    is_inside: bool  # "x/**": all that is in x, but not x

    def matches(self, path: str, *, is_folder: bool) -> bool:
        """Whether it names this very path. A pathspec pattern also takes what is in a folder that it names."""
        parent, _, name = path.rpartition("/")
        if self.is_tied and parent and not self.is_inside and self.compiled.match_file(f"{parent}/"):
            return False
        end = "/" if is_folder and not self.is_inside else ""
        return bool(self.compiled.match_file((path if self.is_tied else name) + end))


class _Ignore(NamedTuple):
    """The patterns of one ignore file, the last one first, and the folder they are relative to."""

    folder: str
    patterns: list[_Pattern]

    def verdict(self, path: str, *, is_folder: bool) -> bool | None:
        """True: ignored, False: taken back by a `!` pattern, None: nothing said."""
        prefix = os.path.join(self.folder, "")
        inside = path[len(prefix) :].replace(os.sep, "/") if path.startswith(prefix) else ""
        matching = (item for item in self.patterns if inside and item.matches(inside, is_folder=is_folder))
        return next((item.compiled.include for item in matching), None)


def _is_ignored(path: str, rules: Sequence[_Ignore], *, is_folder: bool) -> bool:
    verdicts = (rule.verdict(path, is_folder=is_folder) for rule in reversed(rules))
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _compile(folder: str, lines: Sequence[str]) -> _Ignore:
    from pathspec import GitIgnoreSpec

    patterns: list[_Pattern] = []
    for line in reversed(lines):
        body = line.removeprefix("!").rstrip()
        is_tied = "/" in body.removeprefix("/**/").removeprefix("**/").rstrip("/")
        # Git passes over a pattern that makes no sense; one such line must not switch off the others.
        with suppress(ValueError):
            compiled = GitIgnoreSpec.from_lines([line]).patterns if body.strip("/") else []
            patterns.extend(_Pattern(item, is_tied, body.endswith("/**")) for item in compiled)
    return _Ignore(os.path.realpath(folder), patterns)


def _ignore_file(folder: str) -> list[_Ignore]:
    path = os.path.join(folder, ".gitignore")
    if not os.path.isfile(path):
        return []
    lines = read(path).decode("utf-8", "surrogateescape").removeprefix("\ufeff").split("\n")
    return [_compile(folder, [line.removesuffix("\r") for line in lines])]


def _repository(folder: str) -> str:
    """The folder at or above this one that holds `.git`, or nothing."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent
    return folder


def _inherited(root: str, repository: str) -> list[_Ignore]:
    """The ignore files above a folder within its repository, outermost first, but those that ignore the folder."""
    rules: list[_Ignore] = []
    folder = root
    while repository and folder != repository:
        folder = os.path.dirname(folder)
        rules = _ignore_file(folder) + rules
    return [rule for rule in rules if not rule.verdict(root, is_folder=True)]


def _search(argument: str, excluded: Callable[[str], _Ignore | None]) -> Iterator[tuple[Found, str]]:
    """Yield the Dockerfiles in a folder with their real paths."""
    root = os.path.realpath(argument)
    repository = _repository(root)
    waived = excluded(root)
    if waived and not waived.verdict(root, is_folder=True):
        waived = None
    folders = [("" if os.path.normpath(argument) == os.curdir else argument, root, list[_Ignore]())]
    while folders:
        shown, real, rules = folders.pop()
        try:
            with os.scandir(real) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as problem:
            reason = f"the folder cannot be searched: {_reason(problem)}"
            yield Found(shown or ".", named=real == root, error=reason), real
            continue
        try:
            if real == root:
                rules = _inherited(root, repository)
            elif any(entry.name == ".git" for entry in entries):
                rules = []  # what lies around a repository does not rule inside it
            rules = rules + _ignore_file(real)
        except FileError as error:
            yield Found(error.path, named=False, error=error.message), error.path
        own = excluded(real)
        exclusions = [own] if own and own is not waived else []
        below: list[tuple[str, str, list[_Ignore]]] = []
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name in _NEVER_ENTERED if is_folder else not is_dockerfile_name(entry.name):
                continue
            if any(_is_ignored(entry.path, group, is_folder=is_folder) for group in (exclusions, rules)):
                continue
            path = os.path.join(shown, entry.name)
            if is_folder:
                below.append((path, entry.path, rules))
            elif not os.path.isdir(entry.path):
                yield _entry(path, entry, repository or root)
        folders.extend(reversed(below))


def _entry(path: str, entry: os.DirEntry[str], boundary: str) -> tuple[Found, str]:
    if not entry.is_symlink():
        return Found(path, named=False), entry.path
    target = os.path.realpath(entry.path)
    if not os.path.exists(target):
        return Found(path, named=False, error="it is a symbolic link to nothing"), entry.path
    if target.startswith(os.path.join(boundary, "")):
        return Found(path, named=False), target
    # A search of one folder must not rewrite files elsewhere, least of all in a repository of strangers.
    reason = f"it is a symbolic link to {target}, outside {boundary}; name the file to work on it"
    return Found(path, named=False, error=reason), entry.path


def read(path: str) -> bytes:
    """The bytes of a regular file of at most 64 MB. Raises FileError, and never waits for a pipe or a device."""
    with _explained(path):
        _expect_regular(path, os.stat(path))
        # The file may have been swapped for a pipe since: do not wait for a writer, and look again.
        with open(os.open(path, os.O_RDONLY | _RAW), "rb") as file:
            _expect_regular(path, os.fstat(file.fileno()))
            data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise FileError(path, _TOO_LARGE)
    return data


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn what the system says into an error that names the file."""
    try:
        yield
    except (OSError, ValueError) as problem:
        raise FileError(path, _reason(problem)) from problem


def _reason(problem: OSError | ValueError) -> str:
    return _REASONS.get(getattr(problem, "errno", 0)) or getattr(problem, "strerror", "") or str(problem)


def _expect_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise FileError(path, "it is a folder, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise FileError(path, 'it is a pipe, socket or device, not a file; use "-" to read standard input')
    if status.st_size > LARGEST:
        raise FileError(path, _TOO_LARGE)


def write(path: str, data: bytes, expected: bytes) -> None:
    """Replace a file that still holds `expected`, atomically, keeping mode, owner and extended attributes.

    A symbolic link stays, and its target is replaced. When that cannot be had, it raises FileError and leaves the file
    as it was: also for one of several hard links, for the others would silently keep the old text.
    """
    write_all({path: (expected, data)})


def write_all(changes: Mapping[str, tuple[bytes | None, bytes]]) -> None:
    """Replace several files, or none: path to (the bytes it must hold, or None for a new file; the new bytes).

    All are first written and synced beside the old ones, then moved into place; if one fails, the others are undone.
    """
    staged = [_Change(path, *texts) for path, texts in changes.items() if texts[0] != texts[1]]
    try:
        for change in staged:
            change.prepare(backup=len(staged) > 1)
        for change in staged:
            change.expect_unchanged()
        for change in staged:
            change.replace()
    except BaseException as problem:
        lost = [change.path for change in reversed(staged) if not change.restore()]
        if lost and isinstance(problem, FileError):
            raise FileError(problem.path, f"{problem.message}; could not be undone: {', '.join(lost)}") from problem
        raise
    finally:
        for change in staged:
            change.clean()


class _Change:
    """One file on its way: the new text beside the old, and the old one's copy in case another file fails."""

    def __init__(self, path: str, expected: bytes | None, data: bytes) -> None:
        self.path: Final = path
        self._expected: Final = expected
        self._data: Final = data
        with _explained(path):
            self._target: Final = os.path.abspath(path) if expected is None else os.path.realpath(path)
        # The names are chosen before the files exist, so that an interrupt at any moment can be cleaned up.
        beside = os.path.join(os.path.dirname(self._target), f".dfix-{os.urandom(8).hex()}")
        self._new: Final = beside + "-new"
        self._old: Final = beside + "-old"
        self._is_begun = False

    def prepare(self, *, backup: bool) -> None:
        """Write the new text beside the old one. Fails where the replacement would lose something."""
        with _explained(self.path):
            if self._expected is None:
                self._fill(self._new, self._data, None)
                return
            status = os.stat(self._target)
            _expect_regular(self.path, status)
            # Moving a file into place needs no right to write to the old one; respect a read-only file all the same.
            os.close(os.open(self._target, os.O_WRONLY | _RAW))
            if status.st_nlink > 1:
                raise FileError(self.path, "other hard links to it would keep the old text; make it a copy first")
            self._fill(self._new, self._data, status)
            if backup:
                self._fill(self._old, self._expected, status)

    def _fill(self, name: str, data: bytes, like: os.stat_result | None) -> None:
        """Write a file with the attributes of the target, or those of any new file."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _RAW
        with open(os.open(name, flags, 0o600 if like else 0o666), "wb") as file:
            if like:
                owner, made = (like.st_uid, like.st_gid), os.fstat(file.fileno())
                if owner != (made.st_uid, made.st_gid):
                    try:
                        os.fchown(file.fileno(), *owner)
                    except OSError as problem:
                        whose = "(user {}, group {})".format(*owner)
                        raise FileError(self.path, f"dfix may not keep its owner {whose}; run dfix as it") from problem
                _copy_extended_attributes(self._target, name)
                # After the owner (a change of owner drops bits of the mode) and the access list (it sets some).
                os.chmod(name, stat.S_IMODE(like.st_mode))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def expect_unchanged(self) -> None:
        """Fail when the file no longer holds what the change was made from."""
        if self._expected is None:
            if os.path.lexists(self._target):
                raise FileError(self.path, "it exists already, and dfix was about to create it")
        elif read(self._target) != self._expected:
            raise FileError(self.path, "it changed while dfix was running; run dfix again")

    def replace(self) -> None:
        """Move the new text into place."""
        with _explained(self.path):
            self.expect_unchanged()
            if self._expected is None:
                # Claim the name: unlike a move, this fails when someone made the file a moment ago.
                os.close(os.open(self._target, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
            self._is_begun = True
            os.replace(self._new, self._target)
        _sync_folder(os.path.dirname(self._target))

    def restore(self) -> bool:
        """Put the old file back, unless someone has changed the new one since. False: it could not be done."""
        if not self._is_begun:
            return True
        with suppress(OSError, FileError):
            now = read(self._target)
            if self._expected is None and now in (b"", self._data):
                os.unlink(self._target)
            elif now == self._data and os.path.exists(self._old):
                os.replace(self._old, self._target)
            # A file without a copy was the only one to change: old or new, it is whole.
            return self._expected is None or now in (self._expected, self._data)
        return False

    def clean(self) -> None:
        """Remove what lies beside the target."""
        for name in (self._new, self._old):
            with suppress(OSError):
                os.unlink(name)


def _copy_extended_attributes(source: str, target: str) -> None:
    """Give the new file the old one's attributes (access lists among them), as far as the system lets us."""
    with suppress(OSError, AttributeError):  # not every system has them
        wanted = os.listxattr(source)
        for name in {*wanted, *os.listxattr(target)}:
            with suppress(OSError):  # security labels are set by the system itself
                if name in wanted:
                    os.setxattr(target, name, os.getxattr(source, name))
                else:
                    os.removexattr(target, name)


def _sync_folder(folder: str) -> None:
    """Make the move survive a loss of power, on file systems that can say so."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
