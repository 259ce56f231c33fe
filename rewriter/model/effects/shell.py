"""What the commands of a RUN read and write, step by step, as far as their programs are known."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple, cast

from rewriter.model.effects.copies import folder_at
from rewriter.model.effects.instructions import ACCOUNTS, ALL, NOTHING, Effects, effects, unknown
from rewriter.model.effects.known_programs import (
    ACCOUNT_PROGRAMS,
    FIRST_IS_NO_PATH,
    HOME_NAMES,
    PATH_PROGRAMS,
    SILENT,
    SYSTEM,
    SYSTEM_PROGRAMS,
    UNPACKERS,
    WEB_SERVERS,
)
from rewriter.model.installing.by_name import reads_no_project
from rewriter.model.managers.call import Call, call_of, skip_wrappers
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.state import State
from rewriter.syntax.shell import parse_shell
from rewriter.syntax.shell_tree import CommandList, Item, Opaque, Redirect, SimpleCommand, Word
from rewriter.syntax.tree import Run

_VERSIONS: Final = names("--version -v -V version")
_ADDRESS: Final = re.compile(r"[A-Za-z][\w+.-]*://")
_GLOB: Final = re.compile(r"[*?\[]")
# A word of an installer that names a file, not a package of some version.
_FILE: Final = re.compile(
    r"\.(?:deb|rpm|apk|ipk|xml|t?gz|xz|bz2|zip|asc|gpg|pgp|pub|key|pem|crt|cer|txt|list|conf|cfg|ini|repo|sources|ya?ml|"
    r"json|toml|whl|gem|phar)\Z"
)
_SCRIPT_OPTION: Final = re.compile(r"-[a-zA-Z]*[ef]\Z|--(?:expression|regexp|file|reference)\b")
_ATTACHED_FILE: Final = re.compile(r"(?:\A|\s)(?:-[a-zA-Z]*f[^\s\w-]*[\w.]|--file=)")
_GOES_DEEP: Final = re.compile(r"-[a-zA-Z]*[rR][a-zA-Z]*\Z|--(?:dereference-)?recursive\Z|--directories=recurse\Z")
# Scripts that read and write files by themselves.
_FILE_OF_A_SCRIPT: Final = {
    "sed": re.compile(r"(?:\A|[\s'\"/|#,$\d;{}g])[rRwW]\s+\S"),
    "awk": re.compile(r"[<>|]\s*\\?\"|system\s*\(|getline"),
}
_GPG_FILES: Final = names("--import --dearmor --verify --decrypt -d --enarmor --import-ownertrust")
_PLAIN_VARIABLE: Final = re.compile(r"\$(?:\w+|\{\w+\})")
_SETS_OPTIONS: Final = re.compile(r"[-+][eux]+\Z|[-+]o\Z|pipefail\Z|errexit\Z|nounset\Z|xtrace\Z")


_FILE_TEST: Final = re.compile(r"-[a-zA-Z]+\Z")
_PLAIN_IF: Final = re.compile(r"if\s+([^;]+?)\s*;\s*then\s(.+?);?\s*fi", re.DOTALL)
_KEYWORD: Final = re.compile(r"(?:\A|[\s;&|(])(?:if|elif|else|for|while|until|case|cd|export|exit|set)\s")


class Step(NamedTuple):
    """One item of a RUN's list, and what it does. `folder` is where it runs, empty where that is not known.

    `shell` is what it does to the shell that those behind it notice: `cd`, `set`, `other`, or nothing.
    `calls` are the calls of package managers that work on a project; their effects are not among `effects`.
    `behind` is the folder in which the next one runs, empty as well where that is not known.
    """

    item: Item
    effects: Effects
    folder: str
    shell: str
    calls: tuple[Call, ...] = ()
    behind: str = ""

    @property
    def unknown(self) -> str:
        """Why it is not known what the step does; empty where it is."""
        call = self.calls[0] if self.calls else None
        return self.effects.unknown or (f"what `{call.manager.name} {call.action}` reads is not known" if call else "")


def steps(run: Run, state: State) -> tuple[Step, ...]:
    """The items of a RUN in order. One that cannot be read may have none: `unreadable` says why.

    They are read once for a RUN and the state in front of it.
    """
    if state.place != run.start:
        return tuple(_find_steps(run, state))
    if "steps" not in run.memo:
        run.memo["steps"] = tuple(_find_steps(run, state))
    return cast("tuple[Step, ...]", run.memo["steps"])


def _find_steps(run: Run, state: State) -> Iterator[Step]:
    reason = unreadable(run, state)
    folder = folder_at(state)
    changed: set[str] = set()
    for item in run.script.items if not run.json else ():
        reader = _Reader(state, folder, frozenset(changed))
        found, shell = reader.item(item)
        yield Step(item, unknown(reason) if reason else found, folder, shell, tuple(reader.calls), reader.folder)
        folder = reader.folder
        changed |= reader.assigned


def installer_effects(state: State) -> Effects:
    """What every installer touches: the folders of the system, and settings and caches in the home folder."""
    return _Reader(state, "", frozenset()).system()


def unreadable(run: Run, state: State) -> str:
    """Why the commands of a RUN are not known; empty when they are."""
    if run.heredocs:
        return "a here-document is involved"
    if run.json is not None:
        return "it is in JSON form"
    if not state.is_posix_shell:
        return "its SHELL is none that is understood"
    for mount in run.mounts:
        fields = mount.value.lower().split(",")
        if any(field.startswith("from=") for field in fields):
            continue
        if "type=bind" in fields or not any(field.startswith("type=") for field in fields):
            return "it mounts files of the build context"
    return ""


def _in_home(home: str) -> tuple[str, ...]:
    return tuple(f"{base}/{name}" for base in ((home,) if home else ("/root", "/home")) for name in HOME_NAMES)


@cache
def _installer(home: str) -> Effects:
    places = (*SYSTEM, "/go", *_in_home(home))
    return effects(reads=places, writes=places)


class _Reader:
    """Reads one item of a list. `folder` and `assigned` are what it leaves to the next."""

    __slots__ = ("_changed", "_is_used", "_state", "assigned", "calls", "folder")

    def __init__(self, state: State, folder: str, changed: frozenset[str], *, is_used: bool = False) -> None:
        self._state: Final = state
        self._is_used: Final = is_used  # whether something reads what the item prints
        self._changed: Final = changed  # variables that the script has set: what ENV says of them is out of date
        self.folder = folder
        self.assigned: set[str] = set()
        self.calls: list[Call] = []

    def item(self, item: Item) -> tuple[Effects, str]:
        found, shell = NOTHING, ""
        commands = item.pipeline.commands
        for command in commands:
            if isinstance(command, Opaque):
                found |= self._opaque(command)
                shell = "other"
                continue
            if not command.words:
                self.assigned |= {assignment.name for assignment in command.assignments}
                shell = "other" if command.assignments else shell
            found |= self.command(command)
            if (self._is_used or len(commands) > 1 or _is_kept(command)) and command.name in ("ls", "du"):
                found |= self._listed(command)
            shell = _shell_change(command) or shell
        if len(commands) > 1:
            shell = ""  # each runs in a shell of its own
        elif shell == "cd":
            self._change_folder(commands[0])
        elif shell == "other" and isinstance(commands[0], SimpleCommand):
            self.assigned |= {word.text.partition("=")[0] for word in commands[0].words[1:]}
        return found, shell

    def _opaque(self, opaque: Opaque) -> Effects:
        """What a plain `if` does: at most all that stands in it. Other shell is not looked into."""
        parts = _PLAIN_IF.fullmatch(opaque.text) if opaque.reason == "if" else None
        if parts is None or _KEYWORD.search(parts[2]):
            return unknown(f"it holds shell that is not understood (`{opaque.reason}`)")
        lists = [parse_shell(opaque.view, *(opaque.start + end for end in parts.span(number))) for number in (1, 2)]
        return self._list(lists[0]) | self._list(lists[1])

    def _change_folder(self, command: SimpleCommand | Opaque) -> None:
        assert isinstance(command, SimpleCommand)
        words = command.arguments
        paths = [self.path(word) for word in words]
        self.folder = paths[0] if len(paths) == 1 and words[0].text != "-" and not _GLOB.search(words[0].text) else ""

    def command(self, command: SimpleCommand) -> Effects:
        found = self._redirects(command.redirects)
        for word in (*command.words, *(assignment.value for assignment in command.assignments)):
            found |= self._substituted(word)
        start = skip_wrappers(command.words)
        if not command.words or found.unknown:
            return found
        if "$" in command.text or command.name not in PATH_PROGRAMS | SILENT | {"test", "["}:
            found |= Effects(uses=frozenset({ALL}))
        if start is None or start >= len(command.words):
            return found if command.words[0].value in ("command", "env") else unknown("what it runs is not known")
        call = call_of(command)
        if call and call.manager.name == "uv" and call.action == "venv":
            return found | self._environment(call.packages or ())
        if call:
            return found | self.call(call)
        return found | self._program(command.words[start], command.words[start + 1 :])

    def _listed(self, command: SimpleCommand) -> Effects:
        """What a program reads that takes the folder it runs in where it is given none."""
        is_named = any(not word.text.startswith("-") for word in command.arguments)
        return NOTHING if is_named else effects(reads=[self.folder or "/"])

    def _redirects(self, redirects: Iterable[Redirect]) -> Effects:
        found = NOTHING
        for redirect in redirects:
            if "<<" in redirect.operator or redirect.operator.endswith("&") or redirect.target.text == "/dev/null":
                continue
            path = self.path(redirect.target)
            found |= effects(reads=[path or "/"], writes=[path or "/"])
        return found

    def _substituted(self, word: Word) -> Effects:
        if "`" in word.text:
            return unknown("it holds backticks")
        found = NOTHING
        for inner in word.substitutions:
            found |= self._list(inner)
        return found

    def _list(self, commands: CommandList) -> Effects:
        found = NOTHING
        for item in commands.items:
            reader = _Reader(self._state, self.folder, self._changed, is_used=True)
            inner, shell = reader.item(item)
            found |= inner if shell != "cd" else unknown("it holds a `cd` inside another command")
            self.calls += reader.calls
        return found

    def path(self, word: Word) -> str:
        """The absolute path that a word means, up to where a pattern begins; empty where it is not known."""
        text = word.value if word.is_literal else word.text.strip('"')
        if not word.is_literal:
            if "`" in text or "$(" in text or '"' in text or "'" in text or "\\" in text:
                return ""
            if glob := _GLOB.search(_PLAIN_VARIABLE.sub(lambda match: "_" * len(match[0]), text)):
                text = text[: glob.start()].rpartition("/")[0] or ("/" if text.startswith("/") else ".")
            if text.startswith("~"):
                home = self._home()
                text = home + text[1:] if home and text[1:2] in ("", "/") else "$"
            if self._is_changed(word):
                return ""
            text = self._expand(text)
        if not text or not (text.startswith("/") or self.folder):
            return ""
        return "/" + posixpath.normpath(posixpath.join(self.folder, text)).lstrip("/")

    def _is_changed(self, word: Word) -> bool:
        return not self._changed.union(self.assigned).isdisjoint(word.variables)

    def _expand(self, text: str) -> str:
        if "HOME" in text and not self._state.is_set("HOME"):
            text = text.replace("${HOME}", self._home() or "$HOME").replace("$HOME/", f"{self._home() or '$HOME'}/")
        return self._state.expand(text) or "" if "{" not in _PLAIN_VARIABLE.sub("", text) else ""

    def _home(self) -> str:
        user = self._state.user.partition(":")[0]
        return "/root" if user in ("root", "0") else f"/home/{user}" if user and not user.isdigit() else ""

    def _paths(self, words: Iterable[Word], *, is_path: bool) -> Effects:
        """What words name; `is_path` says that a word without a slash is a path, too."""
        found: list[str] = []
        for word in words:
            text = word.text
            if text.startswith("-"):
                name, equals, value = text.partition("=")
                if not equals or not (is_path or "/" in value or _FILE.search(value)):
                    continue
                word = Word(word.view, word.start + len(name) + 1, word.end)
                text = value
            is_named = is_path or "/" in text or text == "." or _FILE.search(text) or self._may_be_path(word)
            if _ADDRESS.match(text.strip("\"'")) or text.startswith("ppa:") or not is_named:
                continue
            found.append(self.path(word) or "/")
        return effects(reads=found, writes=found)

    def _may_be_path(self, word: Word) -> bool:
        """Whether a word with variables may turn out to be a path, not the name of a user or of packages."""
        if "$" not in word.text:
            return "`" in word.text
        is_made_here = (
            "$(" in word.text or "`" in word.text or bool(set(word.variables) & (self._changed | self.assigned))
        )
        value = "" if is_made_here else self._expand(word.text.strip('"'))
        return not value or any("/" in one or _FILE.search(one) for one in value.split())

    def system(self) -> Effects:
        """What an installer of the system or of a language touches."""
        return _installer(self._home())

    def _program(self, program: Word, words: tuple[Word, ...]) -> Effects:
        name = posixpath.basename(program.value)
        if not program.value or (program.value != name and not program.value.startswith(("/usr/", "/bin/", "/sbin/"))):
            return unknown(f"what `{program.text}` does is not known")
        if len(words) == 1 and words[0].value in _VERSIONS:
            return NOTHING
        if name in SILENT or _shell_of(name, words) in ("cd", "set", "export"):
            return NOTHING
        if name in ("test", "["):
            operands = pairwise(words)
            return effects(reads=[self.path(word) or "/" for option, word in operands if _FILE_TEST.match(option.text)])
        if name in PATH_PROGRAMS:
            return self._path_program(name, words)
        if name in UNPACKERS:
            return self._paths(words, is_path=True) | effects(writes=[self.folder or "/"])
        if name in ACCOUNT_PROGRAMS:
            changed = self._paths(words, is_path=False)._replace(sets=frozenset({ACCOUNTS}))
            named = [word.value if word.is_literal else self._expand(word.text.strip('"')) or "." for word in words]
            homes = [posixpath.normpath(f"/home/{name}") for name in named if name and not name.startswith(("-", "/"))]
            return changed | effects(writes=["/etc", *homes])
        if name in SYSTEM_PROGRAMS:
            return self._system_program(name, words)
        if name.startswith("python") and [word.value for word in words[:2]] == ["-m", "venv"]:
            return self._environment(words[2:])
        if name == "virtualenv":
            return self._environment(words)
        if name == "git" and words and words[0].value == "clone":
            return self._paths(words[1:], is_path=True) | effects(writes=[self.folder or "/"])
        if name == "git" and [word.value for word in words[:2]] == ["config", "--global"]:
            return effects(writes=_in_home(self._home()))
        return unknown(f"what `{name}` does is not known")

    def _path_program(self, name: str, words: tuple[Word, ...]) -> Effects:
        plain = [word for word in words if not word.text.startswith("-")]
        texts = " ".join(word.text for word in words)
        has_script = any(_SCRIPT_OPTION.match(word.text) for word in words) or bool(_ATTACHED_FILE.search(texts))
        if name in ("chmod", "chown", "chgrp"):
            has_script = "--reference" in texts
        skipped = plain[:1] if name in FIRST_IS_NO_PATH and not has_script else []
        found = self._paths((word for word in words if word not in skipped), is_path=True)
        if name in ("sed", "awk") and (_FILE_OF_A_SCRIPT[name].search(texts) or _ATTACHED_FILE.search(texts)):
            return found | effects(reads=[self.folder or "/"], writes=[self.folder or "/"])
        is_deep = name.endswith("grep") and any(_GOES_DEEP.match(word.text) for word in words)
        if name.endswith("grep") and (_ATTACHED_FILE.search(texts) or (is_deep and len(plain) < 2 and not found.reads)):
            return found | effects(reads=[self.folder or "/"])
        return found

    def _system_program(self, name: str, words: tuple[Word, ...]) -> Effects:
        texts = {word.value for word in words}
        found = self.system()
        if name == "rustup" and not texts & {"default", "toolchain", "update", "self", "set"}:
            # https://rust-lang.github.io/rustup/overrides.html
            return found | effects(reads=[posixpath.join(self.folder or "/", "rust-toolchain.toml")])
        if name == "corepack" and not (texts & {"enable", "disable"} or any("@" in word.text for word in words)):
            folder = self.folder or "/"
            return found | effects(reads=[folder], writes=[posixpath.join(folder, "package.json")])
        if name == "corepack" and texts & {"use", "up"}:
            return found | effects(writes=[posixpath.join(self.folder or "/", "package.json")])
        if name == "apt-key" and words and words[0].value == "add":
            return found | self._paths(words[1:], is_path=True)
        reads_files = name in ("dpkg", "debconf-set-selections") or (name == "gpg" and texts & _GPG_FILES)
        return found | self._paths(words, is_path=bool(reads_files))

    def _environment(self, words: tuple[Word, ...]) -> Effects:
        """A virtual environment that is made in the folder named last."""
        paths = [self.path(word) or "/" for word in words if not word.text.startswith("-")]
        return effects(makes=paths or [posixpath.join(self.folder or "/", ".venv")])

    def call(self, call: Call) -> Effects:
        """What a call of a package manager does; one that works on a project is noted."""
        if call.manager.name in SYSTEM_MANAGERS:
            packages = [one for word in call.packages for one in (word.value or self._expand(word.text)).split()]
            web = any(map(WEB_SERVERS.match, packages))
            paths = [*call.packages, *(option.value_word or option.word for option in call.options)]
            found = self.system() | self._paths(paths, is_path=False)
            return found | effects(writes=["/var/www"]) if web or call.unknown else found
        if reads_no_project(call):
            return self.system() | self._paths([one.value_word or one.word for one in call.options], is_path=False)
        self.calls.append(call)
        return NOTHING


def _is_kept(command: SimpleCommand) -> bool:
    return any(redirect.target.text != "/dev/null" for redirect in command.redirects)


def _shell_change(command: SimpleCommand) -> str:
    if not command.words:
        return ""
    kind = _shell_of(command.words[0].value, command.arguments)
    return "other" if kind == "export" else kind


def _shell_of(name: str, words: tuple[Word, ...]) -> str:
    """What a builtin changes in the shell itself."""
    if name == "cd":
        return "cd"
    if name == "set":
        return "set" if words and all(_SETS_OPTIONS.match(word.value) for word in words) else "other"
    if name in ("export", "unset", "umask", "readonly"):
        return "export"
    return "other" if name in (".", "source", "exec", "exit", "eval", "alias", "trap", "shift", "ulimit") else ""
