"""The package managers of distributions: their subcommands, their options, and how they are told not to ask.

A manager is one row; `rewriter.model.managers.call` reads calls by it. Those of languages are in `languages.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

_NO_NAMES: Final[Mapping[str, str]] = MappingProxyType({})
_NO_SETS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({})


Style = Literal["getopt", "nopt", "go", "maven", "msbuild"]


class Manager(NamedTuple):
    """What a package manager understands.

    `installs` are the subcommands that add packages, `prompts` those that ask before they act, both by all their names
    (`group install` is a subcommand of two words; `groups` are the first words of such). `yes` are the options that
    answer, `yes_flag` the one to add; `yes_is_global` says that it stands in front of the subcommand. `values` are the
    options that take a value, `global_values` those that do so in front of the subcommand where that differs. `source`
    is the manual read.
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
    bare: str = ""
    """The subcommand that a call without one means."""
    aliases: Mapping[str, str] = _NO_NAMES
    """Other names of subcommands, with the proper ones."""
    builds: frozenset[str] = frozenset()
    """The subcommands that may fetch packages on their way, such as `go build`."""
    has_tasks: bool = False
    """Whether each word that is no option is a task, as in `mvn clean package`; every task may fetch packages."""
    optional_values: frozenset[str] = frozenset()
    """The options that take the next word as their value, unless it is an option or there is none."""
    many_values: frozenset[str] = frozenset()
    """The options that take all words up to the next option."""
    flags: Mapping[str, frozenset[str]] = _NO_SETS
    """Behind these subcommands, the options of `values` that take none there."""
    runs: frozenset[str] = frozenset()
    """The subcommands that hand on every word behind the first one to the program named there, such as `uv run`."""
    hands_on: frozenset[str] = frozenset()
    """The subcommands that hand on the words behind `--`, such as `npm run`; with others they are packages."""
    style: Style = "getopt"
    """How words become options: see `rewriter.model.managers.options`."""
    one_dash: frozenset[str] = frozenset()
    """`nopt`: the options of one letter. `maven`: the options of several letters behind one dash."""


def names(words: str) -> frozenset[str]:
    """The words of a text as a set, for tables of names."""
    return frozenset(words.split())


_APT: Final = Manager(
    "apt-get",
    installs=names("install reinstall satisfy build-dep"),
    prompts=names(
        "install reinstall satisfy build-dep remove purge autoremove auto-remove autopurge upgrade dist-upgrade "
        "full-upgrade dselect-upgrade"
    ),
    yes=names("-y --yes --assume-yes --force-yes"),
    yes_flag="-y",
    values=names(
        "-o --option -c --config-file -t --target-release --default-release -a --host-architecture "
        "-P --build-profiles --with-source"
    ),
    source="https://manpages.debian.org/apt-get.8",
)
_DNF: Final = Manager(
    "dnf",
    installs=names("install reinstall localinstall groupinstall builddep build-dep")
    | {"group install", "module install"},
    prompts=names(
        "install reinstall localinstall localupdate groupinstall groupupdate groupremove builddep build-dep update "
        "update-minimal update-to upgrade upgrade-minimal upgrade-to downgrade remove erase autoremove swap "
        "distro-sync distrosync distribution-synchronization dsync"
    )
    | {f"group {action}" for action in ("install", "upgrade", "update", "remove", "erase", "mark")}
    | {f"module {action}" for action in ("install", "update", "remove", "enable", "disable", "reset", "switch-to")}
    | {"copr enable", "history undo", "history redo", "history rollback"},
    yes=names("-y --assumeyes"),
    yes_flag="-y",
    values=names(
        "--add-repo -c --config -d --debuglevel -e --errorlevel -R --randomwait -x --exclude --excludepkgs --advisory "
        "--advisories --arch --bz --bzs --color --comment --cve --cves --destdir --disableexcludes "
        "--disableexcludepkgs --disableplugin --disablerepo --disable-repo --downloaddir --enableplugin --enablerepo "
        "--enable-repo --forcearch --from-repo --installroot --releasever --repo --repoid --repofrompath "
        "--rpmverbosity --sec-severity --secseverity --setopt --setvar"
    ),
    source="https://dnf.readthedocs.io/en/latest/command_ref.html",
    groups=names("group groups module copr history mark"),
)

SYSTEM_MANAGERS: Final[dict[str, Manager]] = {
    manager.name: manager
    for manager in (
        _APT,
        _APT._replace(name="apt", source="https://manpages.debian.org/apt.8"),
        _APT._replace(
            name="aptitude",
            installs=names("install reinstall build-dep build-depends"),
            prompts=names(
                "install reinstall build-dep build-depends remove purge upgrade safe-upgrade dist-upgrade full-upgrade"
            ),
            yes=names("-y --assume-yes"),
            values=names(
                "-o -t --target-release --default-release -w --width -F --display-format -O --sort -S --group-by "
                "--log-file --log-level --add-user-tag --add-user-tag-to --remove-user-tag --remove-user-tag-from "
                "--show-package-names"
            ),
            source="https://manpages.debian.org/aptitude.8",
        ),
        Manager(
            "apk",
            installs=names("add"),
            prompts=frozenset(),  # apk is non-interactive unless told otherwise
            yes=names("--no-interactive"),
            yes_flag="",
            values=names(
                "-p --root -X --repository -t --virtual -c --compression --arch --cache-dir --cache-max-age "
                "--keys-dir --progress-fd --repositories-file --repository-config --sign-key --timeout --wait"
            ),
            source="https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk.8.scd",
            groups=names("cache"),
        ),
        _DNF,
        _DNF._replace(name="dnf5", source="https://dnf5.readthedocs.io/en/latest/dnf5.8.html"),
        _DNF._replace(name="yum", source="https://man7.org/linux/man-pages/man8/yum.8@@yum.html"),
        _DNF._replace(name="microdnf", source="https://github.com/rpm-software-management/microdnf"),
        _DNF._replace(name="tdnf", source="https://vmware.github.io/photon/docs-v3/administration-guide/"),
        Manager(
            "zypper",
            installs=names("install in source-install si install-new-recommends inr"),
            prompts=names(
                "install in remove rm update up dist-upgrade dup patch verify ve source-install si "
                "install-new-recommends inr"
            ),
            yes=names("-y --no-confirm --non-interactive"),
            yes_flag="--non-interactive",
            values=names("-r --repo -t --type --from --download --solver-focus --date -g --category --severity"),
            source="https://github.com/openSUSE/zypper/blob/master/doc/zypper.8.txt",
            yes_is_global=True,
            # Behind the subcommand -n is --name, and -D and -C take no value.
            global_yes=names("-n --non-interactive"),
            global_values=names(
                "-c --config --userdata -D --reposd-dir -C --cache-dir --raw-cache-dir --solv-cache-dir "
                "--pkg-cache-dir -p --plus-repo --plus-content -R --root --installroot -s --table-style --releasever"
            ),
        ),
    )
}  # fmt: skip
"""The package managers of distributions by the name of their program."""
