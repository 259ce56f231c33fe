"""Files of the sources that variables, options and settings name: an install that reads them waits for the sources."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles, folder_at
from rewriter.model.installing.manifests import Needs, Project
from rewriter.model.installing.manifests.python import is_followed
from rewriter.model.managers.call import Call
from rewriter.model.stages import UNKNOWN_PART
from rewriter.model.state import State
from rewriter.syntax.shell_tree import SimpleCommand, Word

# Variables that installers and what they start read; others name files of the application, as FLASK_APP does.
_READ_BY_TOOLS: Final = re.compile(
    r"(?:PIP|UV|POETRY|PIPENV|VIRTUALENV|PYTHON|NPM_CONFIG|NODE|COREPACK|YARN|PNPM|BUN|BUNDLE|GEM|RUBY|COMPOSER|PHP|GO|"
    r"CARGO|RUST|RUSTUP|MAVEN|MVN|GRADLE|JAVA|NUGET|DOTNET|GIT|CURL|WGET|SSL|REQUESTS|OPENSSL|LD|BASH|APT|NETRC|ENV)"
    r"(?:_|[A-Z]*\Z)|.*(?:CERT|CA_BUNDLE|RC\Z|CONFIG|CREDENTIALS)",
    re.IGNORECASE,
)
# These list folders to look for modules in, which no installer reads from.
_MODULE_FOLDERS: Final = frozenset({"PYTHONPATH", "NODE_PATH", "GOPATH", "RUBYLIB"})
# What a developer's own install leaves in the context is kept out of the image.
_INSTALLED: Final = frozenset({"node_modules", ".venv", "venv"})
_PARTS: Final = re.compile(r"[\s:;,=\"'|]+")
_SETTING: Final = re.compile(r"(?!\s*[#;])[^\s=:]+(?:\s*[=:]\s*|\s+)(.+)")
_ASSIGNED: Final = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SETTINGS_FILES: Final = frozenset({".npmrc", ".yarnrc", ".yarnrc.yml", "bunfig.toml", "pip.conf"})
# What `config set` writes into the folder that it runs in: https://docs.npmjs.com/cli/v11/commands/npm-config,
# https://yarnpkg.com/cli/config/set, https://bundler.io/man/bundle-config.1.html
_WRITTEN: Final = {"npm": ".npmrc", "pnpm": ".npmrc", "yarn": ".yarnrc.yml", "bundle": ".bundle/config"}


class NamedFiles:
    """Looks for names of files that some copies bring."""

    __slots__ = ("_context", "_copies")

    def __init__(self, copies: Iterable[CopiedFiles], context: BuildContext) -> None:
        self._copies: Final = tuple(copies)
        self._context: Final = context

    def brought(self, path: str) -> str:
        """The path in the context of a file or folder that the copies bring, empty where they bring none."""
        for copied in self._copies:
            origin = copied.origin(path)
            if origin and self._context.status(origin) in ("present", "unreadable"):
                return origin
        return ""

    def _named(self, text: str, folder: str) -> Iterator[str]:
        for part in _PARTS.split(text.replace(UNKNOWN_PART, "\n")):
            path = posixpath.normpath(posixpath.join(folder or "/", part))
            if not part or _INSTALLED & set(part.split("/")):
                continue
            origin = self.brought("/" + path.lstrip("/"))
            # `BUNDLE_WITHOUT=development:test` means no folder.
            if origin and ("/" in part or self._context.is_folder(origin) is not True):
                yield origin

    def by_variables(self, state: State, names: Iterable[str]) -> str:
        """A variable in force, among these, that names a file of the copies; empty where none does."""
        for name in sorted(name for name in names if state.is_set(name) and name.isidentifier()):
            if origin := self._by_variable(name, state.value(f"${{{name}}}").text, folder_at(state)):
                return f"{name} names {origin}"
        return ""

    def _by_variable(self, name: str, value: str, folder: str) -> str:
        is_read = _READ_BY_TOOLS.match(name) is not None
        for origin in self._named(value, folder if is_read else "/"):
            is_folder = self._context.is_folder(origin) is True
            if not is_folder or name == "PATH" or (is_read and name not in _MODULE_FOLDERS):
                return origin
        return ""

    def by_command(self, command: SimpleCommand, call: Call | None, state: State, folder: str) -> str:
        """An assignment, an option or a setting in a command that names a file of the copies."""
        assigned = [(assignment.name, assignment.value) for assignment in command.assignments]
        assigned += [
            (match[1], Word(word.view, word.start + len(match[1]) + 1, word.end))
            for word in command.words
            if (match := _ASSIGNED.match(word.text))
        ]
        for name, word in assigned:
            if origin := self._by_variable(name, _text(word, state), folder):
                return f"{name} names {origin}"
            is_path = not word.is_literal and "/" in word.text and "://" not in word.text
            if is_path and _READ_BY_TOOLS.match(name):
                return f"{name} names a path by a variable"
        if call is None:
            return ""
        options = [option for option in call.options if not is_followed(call, option)]
        words = [option.value_word or option.word for option in options]
        if call.action.startswith("config"):
            words += call.packages
        elif call.installs and not call.packages:
            words = []  # those of a project's own install are seen to with its manifests
        for word in words:
            if origin := next(self._named(_text(word, state), folder), ""):
                return f"`{word.text}` names {origin}"
        return ""

    def by_settings(self, project: Project, needs: Needs) -> str:
        """A file that the settings among the manifests name, and that does not go along."""
        for path in needs.files:
            if posixpath.basename(path) not in _SETTINGS_FILES:
                continue
            for line in project.read(path).split("\n"):
                setting = _SETTING.match(line.strip())
                for part in _PARTS.split(setting[1]) if setting else ():
                    named = project.path(part)
                    known = any(f"{named}/".startswith(f"{one}/") for one in (*needs.files, *needs.folders))
                    if re.search(r"[./]", part.strip("./")) and not known and project.has(named):
                        return f"{project.shown(path)} names {project.shown(named)}"
        return ""

    def by_writing(self, call: Call, folder: str) -> str:
        """A file of the copies that a call changes, and that they would lay over the change."""
        if call.action not in ("config", "config set"):
            return ""
        place = " ".join((*(option.value for option in call.options), *(option.name for option in call.options)))
        if call.manager.name in ("npm", "pnpm") and "project" not in place:
            return ""
        name = _WRITTEN.get(call.manager.name, "")
        return self.brought(posixpath.join(folder or "/", name)) if name and not call.has("--global") else ""


def _text(word: Word, state: State) -> str:
    """What a word of the shell means as far as ENV and ARG say it."""
    return word.value if word.is_literal else state.value(word.text.replace("$PWD/", "./")).text
