"""The vocabulary of package managers: their subcommands, their options, and how they are told not to ask.

A manager is one row of `MANAGERS`. `call_of` reads a shell command by that row, through `sudo`, `env` and the like.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.syntax.shell import SimpleCommand, Word

_FALSE: Final = frozenset({"no", "false", "without", "off", "disable", "0"})


class Manager(NamedTuple):
    """What a package manager understands.

    `installs` are the subcommands that add packages, `prompts` those that ask before they act, both by all their names
    (`group install` is a subcommand of two words). `yes` are the options that answer, `yes_flag` the one to add;
    `yes_is_global` says that it stands in front of the subcommand. `values` are the options that take a value,
    `global_values` those that do so in front of the subcommand where that differs. `source` is the manual read.
    """

    name: str
    installs: frozenset[str]
    prompts: frozenset[str]
    yes: frozenset[str]
    yes_flag: str
    values: frozenset[str]
    source: str
    groups: frozenset[str] = frozenset()
    yes_is_global: bool = False
    global_yes: frozenset[str] = frozenset()
    global_values: frozenset[str] | None = None


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_APT: Final = Manager(
    "apt-get",
    installs=_set("install reinstall satisfy build-dep"),
    prompts=_set(
        "install reinstall satisfy build-dep remove purge autoremove auto-remove autopurge upgrade dist-upgrade "
        "full-upgrade dselect-upgrade"
    ),
    yes=_set("-y --yes --assume-yes --force-yes"),
    yes_flag="-y",
    values=_set(
        "-o --option -c --config-file -t --target-release --default-release -a --host-architecture "
        "-P --build-profiles --with-source"
    ),
    source="https://manpages.debian.org/apt-get.8",
)
_DNF: Final = Manager(
    "dnf",
    installs=_set("install reinstall localinstall groupinstall builddep build-dep")
    | {"group install", "module install"},
    prompts=_set(
        "install reinstall localinstall localupdate groupinstall groupupdate groupremove builddep build-dep update "
        "update-minimal update-to upgrade upgrade-minimal upgrade-to downgrade remove erase autoremove swap "
        "distro-sync distrosync distribution-synchronization dsync"
    )
    | {f"group {action}" for action in ("install", "upgrade", "update", "remove", "erase", "mark")}
    | {f"module {action}" for action in ("install", "update", "remove", "enable", "disable", "reset", "switch-to")}
    | {"copr enable", "history undo", "history redo", "history rollback"},
    yes=_set("-y --assumeyes"),
    yes_flag="-y",
    values=_set(
        "-c --config -d --debuglevel -e --errorlevel -R --randomwait -x --exclude --excludepkgs --advisory "
        "--advisories --arch --bz --bzs --color --comment --cve --cves --destdir --disableexcludes "
        "--disableexcludepkgs --disableplugin --disablerepo --disable-repo --downloaddir --enableplugin --enablerepo "
        "--enable-repo --forcearch --from-repo --installroot --releasever --repo --repoid --repofrompath "
        "--rpmverbosity --sec-severity --secseverity --setopt --setvar"
    ),
    source="https://dnf.readthedocs.io/en/latest/command_ref.html",
    groups=_set("group groups module copr history mark"),
)

MANAGERS: Final[dict[str, Manager]] = {
    manager.name: manager
    for manager in (
        _APT,
        _APT._replace(name="apt", source="https://manpages.debian.org/apt.8"),
        _APT._replace(
            name="aptitude",
            installs=_set("install reinstall build-dep build-depends"),
            prompts=_set(
                "install reinstall build-dep build-depends remove purge upgrade safe-upgrade dist-upgrade full-upgrade"
            ),
            yes=_set("-y --assume-yes"),
            values=_set(
                "-o -t --target-release --default-release -w --width -F --display-format -O --sort -S --group-by "
                "--log-file --log-level --add-user-tag --add-user-tag-to --remove-user-tag --remove-user-tag-from "
                "--show-package-names"
            ),
            source="https://manpages.debian.org/aptitude.8",
        ),
        Manager(
            "apk",
            installs=_set("add"),
            prompts=frozenset(),  # apk is non-interactive unless told otherwise
            yes=_set("--no-interactive"),
            yes_flag="",
            values=_set(
                "-p --root -X --repository -t --virtual -c --compression --arch --cache-dir --cache-max-age "
                "--keys-dir --progress-fd --repositories-file --repository-config --sign-key --timeout --wait"
            ),
            source="https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk.8.scd",
            groups=_set("cache"),
        ),
        _DNF,
        _DNF._replace(name="dnf5", source="https://dnf5.readthedocs.io/en/latest/dnf5.8.html"),
        _DNF._replace(name="yum", source="https://man7.org/linux/man-pages/man8/yum.8@@yum.html"),
        _DNF._replace(name="microdnf", source="https://github.com/rpm-software-management/microdnf"),
        _DNF._replace(name="tdnf", source="https://vmware.github.io/photon/docs-v3/administration-guide/"),
        Manager(
            "zypper",
            installs=_set("install in source-install si install-new-recommends inr"),
            prompts=_set(
                "install in remove rm update up dist-upgrade dup patch verify ve source-install si "
                "install-new-recommends inr"
            ),
            yes=_set("-y --no-confirm --non-interactive"),
            yes_flag="--non-interactive",
            values=_set("-r --repo -t --type --from --download --solver-focus --date -g --category --severity"),
            source="https://github.com/openSUSE/zypper/blob/master/doc/zypper.8.txt",
            yes_is_global=True,
            # Behind the subcommand -n is --name, and -D and -C take no value.
            global_yes=_set("-n --non-interactive"),
            global_values=_set(
                "-c --config --userdata -D --reposd-dir -C --cache-dir --raw-cache-dir --solv-cache-dir "
                "--pkg-cache-dir -p --plus-repo --plus-content -R --root --installroot -s --table-style --releasever"
            ),
        ),
    )
}  # fmt: skip
"""The package managers by the name of their program."""


class Option(NamedTuple):
    """An option of a call. `-yq` gives two that share a word; `value_word` is set where the value is one of its own."""

    name: str
    value: str
    word: Word
    value_word: Word | None
    is_global: bool


class Call:
    """A call of a package manager.

    `packages` are the words that name packages, files or groups; those with variables in them are also in `unknown`,
    as are words in front of the subcommand that a variable fills: either may turn out to hold options.
    """

    __slots__ = ("action", "command", "manager", "options", "packages", "program", "subcommand", "unknown", "wrapper")

    def __init__(self, command: SimpleCommand, manager: Manager, program: Word, wrapper: tuple[Word, ...]) -> None:
        self.command: Final = command
        self.manager: Final = manager
        self.program: Final = program
        self.wrapper: Final = wrapper
        self.subcommand: Word | None = None
        self.action = ""
        """The subcommand's name, both words of `group install`; empty where there is none."""
        self.options: tuple[Option, ...] = ()
        self.packages: tuple[Word, ...] = ()
        self.unknown: tuple[Word, ...] = ()

    def has(self, *names: str) -> bool:
        """Whether one of the options is given, and not with a value such as `=false`."""
        return any(option.name in names and option.value.lower() not in _FALSE for option in self.options)

    @property
    def installs(self) -> bool:
        """Whether packages are added."""
        return self.action in self.manager.installs

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
    manager = MANAGERS.get(_program_name(words[start]))
    if manager is None:
        return None
    call = Call(command, manager, words[start], words[:start])
    _read_arguments(call, words[start + 1 :])
    return call


def _program_name(word: Word) -> str:
    value = word.value
    return posixpath.basename(value) if value.startswith("/") else value


def _read_arguments(call: Call, words: tuple[Word, ...]) -> None:
    manager = call.manager
    options: list[Option] = []
    packages: list[Word] = []
    unknown: list[Word] = []
    rest = iter(words)
    only_packages = False
    for word in rest:
        text = word.value
        is_early = call.subcommand is None
        if not word.is_literal and not word.text.startswith("-"):
            unknown.append(word)
            if not is_early:
                packages.append(word)
        elif only_packages or len(word.text) < 2 or not word.text.startswith("-"):
            if is_early:
                call.subcommand = word
                call.action = text
            elif call.action in manager.groups and not packages:
                call.action = f"{call.action} {text}"
            else:
                packages.append(word)
        elif text == "--":
            only_packages = True
        else:
            early_values = manager.global_values if is_early else None
            values = manager.values if early_values is None else early_values
            options += _read_option(word, values, rest, is_early)
            if not word.is_literal:
                unknown.append(word)
    call.options, call.packages, call.unknown = tuple(options), tuple(packages), tuple(unknown)


def _read_option(word: Word, values: frozenset[str], rest: Iterator[Word], is_early: bool) -> Iterator[Option]:
    text = word.value or word.text
    if text.startswith("--"):
        name, equals, value = text.partition("=")
        follows = next(rest, None) if not equals and name in values else None
        yield Option(name, follows.value if follows else value, word, follows, is_early)
        return
    position = 1
    while position < len(text):
        name = f"-{text[position]}"
        position += 1
        tail = text[position:]
        if name in values:
            follows = None if tail else next(rest, None)
            yield Option(name, follows.value if follows else tail.removeprefix("="), word, follows, is_early)
            return
        if tail.startswith("="):
            yield Option(name, tail[1:], word, None, is_early)
            return
        yield Option(name, "", word, None, is_early)


# Programs that run the program named behind their own options, with those of their options that take a value.
_WRAPPERS: Final[dict[str, frozenset[str]]] = {
    "sudo": _set("-C -D -g -h -p -R -r -T -t -U -u --chdir --chroot --close-from --command-timeout --group --host "
                 "--other-user --prompt --role --type --user"),
    "doas": _set("-C -u"),
    "env": _set("-C -u --chdir --unset"),
    "command": frozenset(),
    "exec": _set("-a"),
    "nice": _set("-n --adjustment"),
    "ionice": _set("-c -n --class --classdata"),
    "time": _set("-f -o --format --output"),
    "timeout": _set("-k -s --kill-after --signal"),
    "nohup": frozenset(),
    "eatmydata": frozenset(),
    "fakeroot": frozenset(),
}  # fmt: skip
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_PRINTS_ONLY: Final = _set("-v -V --version -h --help")


def skip_wrappers(words: tuple[Word, ...]) -> int | None:
    """The position of the program that is run in the end; None where there is none, or where it cannot be told."""
    position = 0
    while position < len(words):
        wrapper = _program_name(words[position])
        if wrapper not in _WRAPPERS:
            return position
        after = _skip_options(words, position + 1, wrapper)
        if after is None:
            return None
        position = after + (wrapper == "timeout")  # its duration
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
