"""What tells apt where packages come from, and whether it installs recommended ones: commands, scripts and files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import apt_calls
from rewriter.model.state import State
from rewriter.syntax.tree import Copy, Run

SETTING: Final = re.compile(r"(?<![-\w])install-recommends", re.IGNORECASE)
_SOURCE: Final = re.compile(
    r"(?:add-apt-repository|apt-add-repository|extrepo)\s|/etc/apt/sources\.list|deb\.nodesource\.com|script\.deb\.sh"
    r"|get\.docker\.com|apt\.postgresql\.org\.sh|llvm\.sh|(?:repo|release|apt-config|apt-source|-prod)[\w.-]*\.deb\b"
)
"""What adds a repository, or may."""
_MIRROR: Final = re.compile(
    r"\b(?:sed|rm)\s[^&;|>]*/etc/apt/sources\.list"
    r"|\b(?:mv|cp|cat)\s[^&;|]*/etc/apt/sources\.list(?!\.d/(?!(?:debian|ubuntu)\.sources))"
)
"""What changes only where the distribution's own packages come from, mostly."""
_ENTRY: Final = re.compile(r"\bdeb(?:-src)?\s+(?:\[[^\]]*\]\s*)?\w+://(\S+)")
_OF_DISTRIBUTION: Final = re.compile(
    r"(?:(?:deb|archive|snapshot|security|ftp\.\w+|ftp|http|httpredir|cdn-fastly\.deb)\.debian\.org"
    r"|(?:\w+\.)?(?:archive|security|old-releases|ports)\.ubuntu\.com|mirrors?\.[\w.-]+/(?:debian|ubuntu)[\w-]*)(?:/|\Z)"
)
"""An entry of sources.list, and the servers of Debian and Ubuntu themselves."""

_FOLDER: Final = "/etc/apt"
_CONFIGURATION: Final = "/etc/apt/apt.conf"
_SCRIPTS: Final = (".sh", ".bash")
_MOST_SCRIPTS: Final = 50
_PATH: Final = re.compile(r"[\w./-]+")


class AptSettings:
    """Which instructions configure apt or give it repositories; what scripts of the context do counts as theirs."""

    __slots__ = ("_adding", "_configuring", "_context", "scripts")

    def __init__(self, context: BuildContext) -> None:
        self._context: Final = context
        paths = (context.walk("", lambda name: name.endswith(_SCRIPTS)) or ())[:_MOST_SCRIPTS]
        self.scripts: Final = {path: context.read(path) or "" for path in paths}
        """The texts of shell scripts by their paths."""
        named = [(posixpath.basename(path), text) for path, text in self.scripts.items()]
        self._adding: Final = {name for name, text in named if _names_source(text)}
        self._configuring: Final = {name for name, text in named if SETTING.search(text)}

    def adds_sources(self, text: str) -> bool:
        """Whether commands add repositories beside those of the distribution."""
        return _names_source(text) or _calls(text, self._adding)

    def configures(self, run: Run) -> bool:
        """Whether a RUN tells apt for good whether it installs recommended packages."""
        text = run.text if run.heredocs else run.view.text
        told = sum(map(is_told, apt_calls(run)))
        return _calls(text, self._configuring) or ("ecommends" in text and len(SETTING.findall(text)) > told)

    def brings(self, copy: Copy, state: State) -> str:
        """The folder or file of apt's settings that a COPY brings, or may bring; empty where it brings none."""
        destination = state.expand(copy.destination) or ""
        target = posixpath.normpath(destination) if destination else ""
        if target == _FOLDER or target.startswith(f"{_FOLDER}/"):
            return target
        if target not in ("/", "/etc"):
            return ""
        if copy.source_stage is not None:
            sources = {posixpath.normpath(state.expand(source) or "/") for source in copy.sources}
            return _FOLDER if sources & {"/", "/etc", _FOLDER} else ""
        path = CopiedFiles(copy, state, self._context).origin(_FOLDER)
        if path is None or self._context.status(path) == "absent":
            return ""
        names = self._context.list(path)
        return _CONFIGURATION if names and all(name.startswith("apt.conf") for name in names) else _FOLDER

    @staticmethod
    def is_configuration(path: str) -> bool:
        """Whether a path below /etc/apt holds settings, no repositories."""
        return path.startswith(_CONFIGURATION)


def is_told(call: Call) -> bool:
    """Whether a call says itself whether recommended packages are installed, by an option with a value."""
    return any(option.name in ("-o", "--option") and SETTING.search(option.value) for option in call.options)


def _calls(text: str, scripts: Collection[str]) -> bool:
    return bool(scripts) and any(posixpath.basename(path) in scripts for path in _PATH.findall(text))


def _names_source(text: str) -> bool:
    if not _SOURCE.search(text):
        return False
    rest = _MIRROR.sub("", text)
    lines = _ENTRY.findall(rest)
    if lines and all(_OF_DISTRIBUTION.match(line) for line in lines):
        rest = rest.replace("/etc/apt/sources.list", "")
    return bool(_SOURCE.search(rest))
