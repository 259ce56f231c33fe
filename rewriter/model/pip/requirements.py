"""What pip is asked to install: requirements on the command line, and those in requirements files.

Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
What uv reads differently: https://docs.astral.sh/uv/pip/compatibility/
"""

from __future__ import annotations

import os.path
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final, Literal, NamedTuple

Kind = Literal["name", "wheel", "archive", "vcs", "path"]

MOST_FILES: Final = 50
"""How many requirements files are followed through `-r` and `-c`."""

_NAME: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*)", re.DOTALL)
_VCS: Final = re.compile(r"(?:git|hg|svn|bzr)(?:\+[a-z]+)?(?:://|@)|\w+\+(?:git|ssh|https?|file)")
_WHEEL: Final = re.compile(r"\.whl(?:[#?;\s]|\Z)")
_ARCHIVE: Final = re.compile(r"\.(?:tar\.gz|tgz|tar\.bz2|tar\.xz|zip)(?:[#?;\s]|\Z)")
_DIRECT: Final = re.compile(r"[A-Za-z][A-Za-z0-9.+-]*:(?://|/)|\.{0,2}/|\.{1,2}(?:\[|\Z)|file:")
_PINNED: Final = re.compile(r"===?\s*[^,*]+\Z")
_BAD_WILDCARD: Final = re.compile(r"(?:[<>]=?|~=)\s*[0-9][\w.]*\.\*")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_CONTINUED: Final = re.compile(r"\\\r?\n")
_LINE_END: Final = re.compile(r"\r\n?|\n")
_OPTIONS_BEHIND: Final = re.compile(r"\s--?[a-zA-Z]")
_VARIABLE: Final = re.compile(r"\$\{([A-Z0-9_]+)\}")
_NOT_TEXT: Final = re.compile("[\ud800-\udfff\0]")
_BUILD_SYSTEM: Final = re.compile(r"^[ \t]*\[[ \t]*build-system[ \t]*\]", re.MULTILINE)
_TOOL_UV: Final = re.compile(r"^[ \t]*\[\[?[ \t]*tool[ \t]*\.[ \t]*uv\b", re.MULTILINE)

_LONG: Final = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-f": "--find-links",
}
_WITHOUT_VALUE: Final = frozenset({"--pre", "--no-index", "--prefer-binary", "--require-hashes"})
_CARRIED: Final = frozenset(
    {"--pre", "--no-index", "--require-hashes", "--index-url", "--extra-index-url", "--find-links", "--no-binary",
     "--only-binary", "--trusted-host", "--hash"}
)  # fmt: skip
"""The options of requirements files that uv obeys, or that its command line can carry instead."""


class Requirement(NamedTuple):
    """One thing to install. `name` is in its normal form, and empty for what is named by its place only."""

    text: str
    kind: Kind
    name: str
    is_pinned: bool
    is_editable: bool

    @property
    def path(self) -> str:
        """The folder or file of a requirement by path, without extras and the like."""
        return re.split(r"[\[;#\s]", self.text.removeprefix("file://").removeprefix("file:"))[0]


def parse_requirement(text: str, *, is_editable: bool = False) -> Requirement:
    """Read one requirement, as on pip's command line."""
    text = text.strip()
    name, place = _split_place(text)
    if _VCS.match(place):
        kind: Kind = "vcs"
    elif _WHEEL.search(place):
        kind = "wheel"
    elif _ARCHIVE.search(place):
        kind = "archive"
    elif is_editable or _DIRECT.match(place) or "/" in place.split(";")[0].split(" ")[0]:
        kind = "path"
    else:
        match = _NAME.match(text)
        specifiers = match[3].split(";")[0].strip() if match else ""
        return Requirement(text, "name", name, bool(_PINNED.match(specifiers)), False)
    return Requirement(place, kind, "" if place == text else name, False, is_editable)


def _split_place(text: str) -> tuple[str, str]:
    """The name of a requirement and where it comes from: `name @ url`, or either alone."""
    match = _NAME.match(text)
    if match and match[3].startswith("@"):
        return normal_name(match[1]), match[3][1:].strip()
    is_name = match is not None and not _DIRECT.match(text) and not _VCS.match(text)
    return (normal_name(match[1]) if match and is_name else ""), text


def normal_name(name: str) -> str:
    """The name as indexes know it: https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_refusal(requirement: Requirement) -> str:
    """Why uv would not install a requirement as pip does, judged without its files; empty where nothing says so."""
    if requirement.is_editable and requirement.kind != "path":
        return f"uv installs nothing editable from {requirement.text}"
    if requirement.kind in ("vcs", "archive"):
        return f"{requirement.text} may lack [build-system], which pip does without and uv does not"
    if requirement.kind == "name":
        if match := _BAD_WILDCARD.search(requirement.text):
            return f"`{match[0]}` is an error to uv"
        if requirement.name in undeclared_builds():
            return f"{requirement.name} does not declare what its setup.py imports, so uv cannot build it"
    return ""


@cache
def undeclared_builds() -> frozenset[str]:
    """The names of packages that publish only sources, with a setup.py that imports what they do not declare."""
    import tomllib

    with open(os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "undeclared_builds.toml"), "rb") as file:
        return frozenset(package["name"] for package in tomllib.load(file)["package"])


def declares_build_system(pyproject: str) -> bool:
    """Whether the text of a pyproject.toml says what the project is built with."""
    return _BUILD_SYSTEM.search(pyproject) is not None


def configures_uv(pyproject: str) -> bool:
    """Whether the text of a pyproject.toml has settings that uv reads and pip does not."""
    return _TOOL_UV.search(pyproject) is not None


class Option(NamedTuple):
    """An option in a requirements file, by its long name."""

    name: str
    value: str


class RequirementsFile(NamedTuple):
    """A requirements file without comments and continuations."""

    requirements: tuple[Requirement, ...]
    options: tuple[Option, ...]
    variables: tuple[str, ...]


def requirement_lines(text: str) -> Iterator[str]:
    """The lines of a requirements file, continued ones joined, without comments and empty ones."""
    for line in _LINE_END.split(_CONTINUED.sub("", text.removeprefix("\ufeff"))):
        if content := _COMMENT.sub("", line).strip():
            yield content


def read_requirements(text: str) -> RequirementsFile:
    """Read the text of a requirements file."""
    requirements: list[Requirement] = []
    options: list[Option] = []
    variables: list[str] = []
    for content in requirement_lines(text):
        variables += _VARIABLE.findall(content)
        behind = 0 if content.startswith("-") else _first_option(content)
        if behind:
            requirements.append(parse_requirement(content[:behind]))
        if behind < len(content):
            for option in _options(content[behind:].split()):
                if option.name == "--editable":
                    requirements.append(parse_requirement(option.value, is_editable=True))
                else:
                    options.append(option)
    return RequirementsFile(tuple(requirements), tuple(options), tuple(variables))


def _first_option(content: str) -> int:
    match = _OPTIONS_BEHIND.search(content)
    return match.start() if match else len(content)


def _options(words: list[str]) -> Iterator[Option]:
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not name.startswith("--") and len(name) > 2 and name[:2] in _LONG:
            name, equals, value = word[:2], "=", word[2:].removeprefix("=")
        name = _LONG.get(name, name)
        if not equals and name not in _WITHOUT_VALUE:
            value = next(rest, "")
        yield Option(name, value)


class Closure(NamedTuple):
    """What some requirements files ask for together with those that they include.

    `constraints` install nothing by themselves. `unread` are the files that could not be read, `is_text` says whether
    all others are UTF-8.
    """

    requirements: tuple[Requirement, ...]
    constraints: tuple[Requirement, ...]
    options: tuple[Option, ...]
    variables: tuple[str, ...]
    unread: tuple[str, ...]
    is_text: bool


def follow(paths: Iterable[tuple[str, bool]], read: Callable[[str], str | None]) -> Closure:
    """Read requirements files by their paths, each with whether it is one of constraints; includes are followed."""
    found: dict[bool, list[Requirement]] = {False: [], True: []}
    options: list[Option] = []
    variables: list[str] = []
    unread: list[str] = []
    waiting = list(paths)
    seen: set[tuple[str, bool]] = set()
    is_text = True
    while waiting and len(seen) < MOST_FILES:
        path, is_constraint = place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        text = read(path)
        if text is None:
            unread.append(path)
            continue
        is_text = is_text and not _NOT_TEXT.search(text)
        file = read_requirements(text)
        found[is_constraint] += file.requirements
        variables += file.variables
        for option in file.options:
            if option.name not in ("--requirement", "--constraint"):
                options.append(option)
            elif "://" not in option.value:
                include = posixpath.normpath(posixpath.join(posixpath.dirname(path), option.value))
                waiting.append((include, is_constraint or option.name == "--constraint"))
    unread += (path for path, _ in waiting)
    every = (tuple(found[False]), tuple(found[True]), tuple(options), tuple(variables), tuple(unread))
    return Closure(*every, is_text)


def find_option_refusal(option: Option) -> str:
    """Why an option in a requirements file stands against uv; empty where it is obeyed or can be lifted."""
    return "" if option.name in _CARRIED else f"uv ignores `{option.name}` in a requirements file, or refuses it"
