"""Finding the Dockerfiles that paths stand for: named files, folders, .gitignore, and what `exclude` leaves out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from rewriter.files import FileError, read, reason_of

if TYPE_CHECKING:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

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
        error = reason_of(problem)
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
            reason = f"the folder cannot be searched: {reason_of(problem)}"
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
