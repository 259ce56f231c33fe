"""Which calls of a language's package manager install by name, without the files of a project."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.syntax.shell_tree import Word, unquote

_ADDRESS: Final = re.compile(r"[A-Za-z][\w+.-]*://")
_REMOTE: Final = re.compile(r"(?!(?:\w+\+)?file:)(?:[\w.+-]+://|\w+\+|git@)")
_ARCHIVE: Final = re.compile(r".*\.(?:whl|zip|tar\.gz|tgz|tar\.bz2)(?:\[|\Z)")
_NAMED: Final = re.compile(r"[A-Za-z][\w.-]*(?:\[[\w.,-]*\])?(?:[=<>!~]=[^/@\s]*)?\Z")
_FOLDER_WITH_EXTRAS: Final = re.compile(r"\.[\w./-]*\[[\w.,-]*\]\Z")
_BEHIND_THE_NAME: Final = re.compile(r";|\s+--?[a-z]")


def is_remote(place: str) -> bool:
    """Whether what pip or uv is told to install from lies on another machine."""
    return _REMOTE.match(place) is not None


def is_local_requirement(text: str) -> bool:
    """Whether pip takes a requirement for a file or folder, which any slash or a dot in front says.

    https://pip.pypa.io/en/stable/cli/pip_install/#argument-handling
    """
    text = _BEHIND_THE_NAME.split(text.strip(), maxsplit=1)[0].strip()
    if is_remote(text):
        return False
    name, at, place = (part.strip() for part in text.partition("@"))
    if at and "/" not in name and not name.startswith("."):
        return not is_remote(place)
    return "/" in text or text.startswith((".", "~", "file:")) or _ARCHIVE.match(text) is not None


def requirement_of(word: Word) -> str:
    """What a word tells pip to install; empty where a variable says more of it than a version.

    Brackets hold extras: the shell looks for files of such names, and leaves the word alone where there are none.
    """
    text = word.value or unquote(word.text)
    return text if word.value or _NAMED.match(text) or _FOLDER_WITH_EXTRAS.match(text) else ""


_NAMES_ONLY: Final[dict[str, frozenset[str]]] = {
    "pip": names("install uninstall"),
    "gem": names("install update uninstall"),
}
_ALWAYS: Final[dict[str, frozenset[str]]] = {
    "pip": frozenset({"config set", "cache purge", "list", "freeze", "--version", "check"}),
    "npm": names("config cache") | {"config set", "cache clean", "cache verify"},
    "yarn": frozenset({"config set", "cache clean", "global add"}),
    "pnpm": frozenset({"config set", "store prune"}),
    "composer": frozenset({"global require", "clear-cache", "self-update"}),
    "poetry": frozenset({"config"}),
    "bundle": frozenset({"config", "config set"}),
    "uv": frozenset({"tool install", "python install", "cache clean", "cache prune"}),
    "dotnet": frozenset({"workload install"}),
    "go": frozenset({"env"}),
}


def reads_no_project(call: Call) -> bool:
    """Whether a call of a language's package manager works without the files of a project: it installs by name."""
    name = call.manager.name
    if call.has("--local"):
        return False
    if call.action in _ALWAYS.get(name, ()):
        return not any(_is_path(name, word) for word in call.packages)
    if name in ("npm", "pnpm", "yarn", "bun") and call.installs and call.has("-g", "--global"):
        return bool(call.packages) and not any(_is_path(name, word) for word in call.packages)
    if name == "go" and call.action == "install":
        return bool(call.packages) and all("@" in word.value for word in call.packages)
    if call.action not in _NAMES_ONLY.get(name, ()) or not call.packages or call.has(*_FILE_OPTIONS):
        return False
    return not any(_is_path(name, word) for word in call.packages)


_FILE_OPTIONS: Final = ("-r", "--requirement", "--requirements", "-c", "--constraint", "-e", "--editable", "-f",
                        "--find-links", "--path", "-g", "--file", "--group", "-t", "--target", "--prefix", "--root",
                        "--constraints")  # fmt: skip


def _is_path(manager: str, word: Word) -> bool:
    """Whether a package word may be a file or folder instead of a name."""
    if manager in ("pip", "uv"):
        text = requirement_of(word)
        return not text or is_local_requirement(text)
    text = word.value
    if not text or _ADDRESS.match(text) or text.startswith("git+"):
        return not text
    return text.startswith((".", "/", "~")) or text.endswith((".whl", ".gz", ".zip", ".tgz", ".deb", ".gem", ".txt"))
