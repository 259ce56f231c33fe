"""The calls of package managers: which one, what it is told to do, with which options, for which packages.

A manager is one row of `MANAGERS`. `call_of` reads a shell command by that row, through `sudo`, `env` and the like, and
through what only starts a program: `python -m pip`, `php composer.phar`, `sh ./gradlew`, `corepack yarn`.
"""

from __future__ import annotations

import posixpath
import re
from collections import deque
from typing import Final

from rewriter.model.managers.languages import LANGUAGE_MANAGERS
from rewriter.model.managers.options import Option, is_filled, is_option, read_options, spelled
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, Manager, names
from rewriter.syntax.shell import SimpleCommand, Word

__all__ = ["MANAGERS", "Call", "Option", "call_of", "manager_of", "skip_wrappers"]

MANAGERS: Final[dict[str, Manager]] = {**SYSTEM_MANAGERS, **LANGUAGE_MANAGERS}
"""The package managers by the names of their programs."""

_FALSE: Final = frozenset({"no", "false", "without", "off", "disable", "0"})


class Call:
    """A call of a package manager.

    `packages` are the words that name packages, files or groups; those with variables in them are also in `unknown`,
    as are words in front of the subcommand that a variable fills: either may turn out to hold options.
    `wrapper` are the words of `sudo` and the like, `launcher` those that start the program, as in `python3 -m pip`.
    `arguments` are the words handed on to another program: all behind `pytest` in `poetry run pytest -q`.
    """

    __slots__ = (
        "action", "arguments", "command", "launcher", "manager", "options", "packages", "program", "subcommand",
        "unknown", "wrapper",
    )  # fmt: skip

    def __init__(
        self,
        command: SimpleCommand,
        manager: Manager,
        program: Word,
        wrapper: tuple[Word, ...],
        launcher: tuple[Word, ...] = (),
    ) -> None:
        self.command: Final = command
        self.manager: Final = manager
        self.program: Final = program
        self.wrapper: Final = wrapper
        self.launcher: Final = launcher
        self.subcommand: Word | None = None
        self.action = ""
        """The subcommand's proper name, both words of `group install`; empty where there is none."""
        self.options: tuple[Option, ...] = ()
        self.packages: tuple[Word, ...] = ()
        self.unknown: tuple[Word, ...] = ()
        self.arguments: tuple[Word, ...] = ()

    def has(self, *names: str) -> bool:
        """Whether one of the options is given, and not with a value such as `=false`."""
        return any(option.name in names and option.value.lower() not in _FALSE for option in self.options)

    @property
    def sudo(self) -> str:
        """What another command must begin with to run as the same user: `sudo ` or nothing."""
        return "sudo " if any(word.value == "sudo" for word in self.wrapper) else ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """All subcommands: Maven and Gradle take several, the others one. A task that a variable fills is empty."""
        if not self.action:
            return ()
        more = self.packages if self.manager.has_tasks else ()
        return self.action, *(word.value for word in more)

    @property
    def installs(self) -> bool:
        """Whether packages are added."""
        return not self.manager.installs.isdisjoint(self.tasks)

    @property
    def builds(self) -> bool:
        """Whether it may fetch packages on its way, though its purpose is another one."""
        if self.manager.has_tasks:
            return bool(self.tasks) and not self.installs
        return self.action in self.manager.builds

    @property
    def prompts(self) -> bool:
        """Whether the subcommand is one that asks before it acts."""
        return self.action in self.manager.prompts

    @property
    def assumes_yes(self) -> bool:
        """Whether an option answers the questions; one that a variable holds is not seen, see `unknown`."""
        yes, early = self.manager.yes, self.manager.global_yes
        quiet = 0
        for option in self.options:
            if option.name in yes or (option.is_global and option.name in early):
                if option.value.lower() not in _FALSE:
                    return True
            elif self.manager.name in ("apt-get", "apt"):
                if option.name in ("-q", "--quiet"):
                    quiet = int(option.value) if option.value.isdigit() else quiet + 1
                elif option.name in ("-o", "--option") and _sets_assume_yes(option.value):
                    return True
            elif option.name == "--setopt" and option.value.replace("main.", "") in ("assumeyes=1", "assumeyes=True"):
                return True
        return quiet >= 2  # "quiet level 2 implies -y", apt-get(8)

    def __repr__(self) -> str:
        return f"<Call {self.manager.name} {self.action}>"


def _sets_assume_yes(setting: str) -> bool:
    key, _, value = setting.partition("=")
    return key.lower() == "apt::get::assume-yes" and value.strip("\"'").lower() in ("true", "yes", "1", "on", "with")


def call_of(command: SimpleCommand) -> Call | None:
    """The call of a package manager that a command makes; None when it makes none that is known."""
    words = command.words
    start = skip_wrappers(words)
    if start is None:
        return None
    program = _launched(words, start)
    manager = manager_of(_path_of(words[program])) if program < len(words) else None
    if manager is None:
        return None
    call = Call(command, manager, words[program], words[:start], words[start:program])
    _read_arguments(call, words[program + 1 :])
    return call


def manager_of(program: str) -> Manager | None:
    """The manager that a program's name or path stands for."""
    name = _program_name(program)
    return MANAGERS.get(name) or (MANAGERS["pip"] if _PIP.match(name) else None)


_PIP: Final = re.compile(r"(?:-m)?pip(?:[23](?:\.[0-9]+)?)?\Z")
_PYTHON: Final = re.compile(r"(?:python|pypy)(?:[23](?:\.[0-9]+)?)?\Z")
_SCRIPTS: Final = names("gradlew mvnw composer.phar")
_SHELLS: Final = names("sh bash ash dash")
_PHP_VALUES: Final = names("-d -c")


def _path_of(word: Word) -> str:
    """The program's path. A variable in it does no harm where the name is written out, as in `$VENV/bin/pip`."""
    if word.value or "/" not in word.text:
        return word.value
    folder, _, name = spelled(word).rpartition("/")
    return name if posixpath.basename(folder) in ("bin", "shims") else ""


def _program_name(path: str) -> str:
    """What a program is called: paths count where the folder says that it is the program of that name."""
    folder, slash, name = path.rpartition("/")
    if not slash or path.startswith("/") or name in _SCRIPTS or posixpath.basename(folder) == "bin":
        return name
    return path


def _launched(words: tuple[Word, ...], start: int) -> int:
    """The position of the program that is meant: behind `python -m`, `php`, `sh` and the like, else the first."""
    first = _program_name(_path_of(words[start]))
    if _PYTHON.match(first):
        return _python_module(words, start)
    follows = start + 1
    if first == "php" or first in _SHELLS:
        while follows < len(words) and words[follows].value.startswith("-"):
            follows += 2 if first == "php" and words[follows].value in _PHP_VALUES else 1
        if follows < len(words) and _program_name(words[follows].value) in _SCRIPTS | {"composer"}:
            return follows
    elif first == "corepack" and follows < len(words) and words[follows].value in ("npm", "pnpm", "yarn"):
        return follows
    return start


def _python_module(words: tuple[Word, ...], start: int) -> int:
    """The position of the module that Python is to run with -m; that of Python itself where it runs none."""
    position = start + 1
    while position < len(words) and (text := words[position].value).startswith("-"):
        stop = _PYTHON_OPTION.match(text)
        if stop is None:
            position += 1
        elif stop[1] == "m":
            return position if stop[2] else position + 1
        elif stop[1] in "WX":
            position += 1 if stop[2] else 2
        else:
            break
    return start


_PYTHON_OPTION: Final = re.compile(r"-[^-cmWX]*([cmWX])(.*)\Z")


def _read_arguments(call: Call, words: tuple[Word, ...]) -> None:
    manager = call.manager
    options: list[Option] = []
    packages: list[Word] = []
    unknown: list[Word] = []
    rest = deque(words)
    is_plain = False
    while rest:
        word = rest.popleft()
        if not is_plain and is_option(word, manager):
            if word.text == "--":
                if call.action in manager.hands_on | manager.runs:
                    break
                is_plain = True
                continue
            options += read_options(word, rest, manager, call.action, is_global=call.subcommand is None)
        elif call.subcommand is None:
            if word.is_literal and not (manager.name == "cargo" and word.value.startswith("+")):  # a toolchain
                call.subcommand = word
                call.action = manager.aliases.get(word.value, word.value)
        elif word.is_literal and call.action in manager.groups and not packages:
            call.action = f"{call.action} {word.value}"
        else:
            packages.append(word)
        if is_filled(word):
            unknown.append(word)
        if packages and call.action in manager.runs:
            break
    call.options, call.packages, call.unknown = tuple(options), tuple(packages), tuple(unknown)
    call.arguments = tuple(rest)
    if call.subcommand is None and not unknown and not call.has(*_PRINTS_ONLY):
        call.action = manager.bare


# Programs that run the program named behind their own options, with those of their options that take a value.
_WRAPPERS: Final[dict[str, frozenset[str]]] = {
    "sudo": names("-C -D -g -h -p -R -r -T -t -U -u --chdir --chroot --close-from --command-timeout --group --host "
                 "--other-user --prompt --role --type --user"),
    "doas": names("-C -u"),
    "env": names("-C -u --chdir --unset"),
    "command": frozenset(),
    "exec": names("-a"),
    "nice": names("-n --adjustment"),
    "ionice": names("-c -n --class --classdata"),
    "time": names("-f -o --format --output"),
    "timeout": names("-k -s --kill-after --signal"),
    "nohup": frozenset(),
    "eatmydata": frozenset(),
    "fakeroot": frozenset(),
    "gosu": frozenset(),
    "su-exec": frozenset(),
    "s6-setuidgid": frozenset(),
}  # fmt: skip
_TAKES_A_WORD: Final = names("timeout gosu su-exec s6-setuidgid")  # a duration, a user
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_PRINTS_ONLY: Final = names("-v -V --version -h --help")


def skip_wrappers(words: tuple[Word, ...]) -> int | None:
    """The position of the program that is run in the end; None where there is none, or where it cannot be told."""
    position = 0
    while position < len(words):
        wrapper = _program_name(words[position].value)
        if wrapper not in _WRAPPERS:
            return position
        after = _skip_options(words, position + 1, wrapper)
        if after is None:
            return None
        position = after + (wrapper in _TAKES_A_WORD)
    return None


def _skip_options(words: tuple[Word, ...], position: int, wrapper: str) -> int | None:
    while position < len(words):
        text = words[position].value or words[position].text
        if wrapper in ("sudo", "env") and _ASSIGNMENT.match(text):
            position += 1
            continue
        if text == "--":
            return position + 1
        if not text.startswith("-"):
            return position
        if (text in _PRINTS_ONLY and wrapper in ("command", "sudo", "env")) or (text == "-S" and wrapper == "env"):
            return None  # it only prints, or splits a string
        position += 2 if text in _WRAPPERS[wrapper] else 1
    return position
