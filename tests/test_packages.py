"""How calls of package managers are read."""

from __future__ import annotations

import pytest

from rewriter.model.managers.call import MANAGERS, Call, call_of
from rewriter.model.managers.languages import LANGUAGE_MANAGERS, OTHER_NAMES
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, Manager
from rewriter.syntax.shell import SimpleCommand, parse_shell
from rewriter.syntax.text import view_of


def command_of(text: str) -> SimpleCommand:
    return next(parse_shell(view_of(text, 0, len(text)), 0, len(text)).simple_commands())


def call(text: str) -> Call:
    result = call_of(command_of(text))
    assert result is not None
    return result


def texts(words: tuple[object, ...]) -> list[str]:
    return [getattr(word, "text") for word in words]  # noqa: B009


@pytest.mark.parametrize(
    ("text", "action", "packages"),
    [
        ("apt-get update", "update", []),
        ("apt-get install -y curl git=1:2", "install", ["curl", "git=1:2"]),
        ("apt-get -y -o Dpkg::Use-Pty=0 install curl", "install", ["curl"]),
        ("apt-get install -t bookworm-backports curl", "install", ["curl"]),
        ("apt-get install -tstable -o=A=b curl", "install", ["curl"]),
        ("apt-get install --target-release stable curl -- -x", "install", ["curl", "-x"]),
        ("/usr/bin/apt-get install curl", "install", ["curl"]),
        ("apt-get -y", "", []),
        ("apk add --no-cache -t .deps -X http://x git", "add", ["git"]),
        ("apk --update add --virtual=.deps git", "add", ["git"]),
        ("apk cache clean", "cache clean", []),
        ("dnf -y group install 'Development Tools'", "group install", ["'Development Tools'"]),
        ("dnf install -y --setopt install_weak_deps=0 --nodocs git", "install", ["git"]),
        ("dnf --setopt=a=b install git --enablerepo crb", "install", ["git"]),
        ("dnf module enable -y nodejs:20", "module enable", ["nodejs:20"]),
        ("yum -y install git", "install", ["git"]),
        ("zypper -n in -t pattern devel", "in", ["devel"]),
        ("zypper --root /x install -D git", "install", ["git"]),
        ("tdnf install -y git", "install", ["git"]),
    ],
)
def test_subcommands_and_packages(text: str, action: str, packages: list[str]) -> None:
    result = call(text)
    assert (result.action, texts(result.packages)) == (action, packages)


@pytest.mark.parametrize(
    "text",
    [
        "apt-get install -y a",
        "apt-get -y install a",
        "apt-get install a -yq",
        "apt-get install -qy a",
        "apt-get install --yes a",
        "apt-get install --assume-yes a",
        "apt-get install -qq a",
        "apt-get -q install -q a",
        "apt-get install -q=2 a",
        "apt-get install -o APT::Get::Assume-Yes=true a",
        "apt-get install -oAPT::Get::Assume-Yes=yes a",
        "apt-get install --force-yes a",
        "apt install -y a",
        "aptitude -y install a",
        "yum install -y a",
        "dnf install --assumeyes a",
        "dnf --setopt=assumeyes=1 install a",
        "microdnf -y install a",
        "zypper -n install a",
        "zypper --non-interactive in a",
        "zypper in -y a",
        "zypper in --no-confirm a",
    ],
)
def test_options_that_mean_yes(text: str) -> None:
    assert call(text).prompts
    assert call(text).assumes_yes


@pytest.mark.parametrize(
    "text",
    [
        "apt-get install a",
        "apt-get install -q a",
        "apt-get install -q=1 a",
        "apt-get install -y=false a",
        "apt-get install -t y a",
        "apt-get install -- -y",
        "apt-get install -o APT::Get::Assume-Yes=false a",
        "apt-get remove a",
        "apt-get upgrade",
        "aptitude install -qq a",
        "yum update",
        "dnf install -x y a",
        "dnf group install a",
        "zypper in -n a",
        "zypper up",
    ],
)
def test_calls_that_would_ask(text: str) -> None:
    assert call(text).prompts
    assert not call(text).assumes_yes


@pytest.mark.parametrize(
    "text", ["apt-get update", "apt-get clean", "apk add a", "dnf clean all", "zypper ref", "apt-get download a"]
)
def test_subcommands_that_do_not_ask(text: str) -> None:
    assert not call(text).prompts


@pytest.mark.parametrize(
    ("text", "wrapper"),
    [
        ("sudo apt-get install a", ["sudo"]),
        ("sudo -E -u root apt-get install a", ["sudo", "-E", "-u", "root"]),
        ("sudo DEBIAN_FRONTEND=x apt-get install a", ["sudo", "DEBIAN_FRONTEND=x"]),
        ("env A=b -u C apt-get install a", ["env", "A=b", "-u", "C"]),
        ("A=b command apt-get install a", ["command"]),
        ("exec nice -n 5 apt-get install a", ["exec", "nice", "-n", "5"]),
        ("time -p apt-get install a", ["time", "-p"]),
        ("timeout -k 5 60 apt-get install a", ["timeout", "-k", "5", "60"]),
        ("/usr/bin/sudo -- apt-get install a", ["/usr/bin/sudo", "--"]),
    ],
)
def test_wrappers_are_seen_through(text: str, wrapper: list[str]) -> None:
    result = call(text)
    assert texts(result.wrapper) == wrapper
    assert (result.program.text, result.action, texts(result.packages)) == ("apt-get", "install", ["a"])


@pytest.mark.parametrize(
    "text", ["echo apt-get install a", "command -v apt-get", "sudo", "$APT install a", "./apt-get x", "A=b", "sudo -V"]
)
def test_other_commands_are_no_calls(text: str) -> None:
    assert call_of(command_of(text)) is None


def test_words_that_a_variable_fills_are_noted() -> None:
    result = call("apt-get $OPTS install $PKGS --no-$x a")
    assert (result.action, texts(result.packages)) == ("install", ["$PKGS", "a"])
    assert texts(result.unknown) == ["$OPTS", "$PKGS", "--no-$x"]


@pytest.mark.parametrize(
    ("text", "packages", "options"),
    [
        ("apt-get install '-y' curl", ["curl"], ["-y"]),
        ('apt-get install "-o=APT::A=$B" curl', ["curl"], ["-o"]),
        ("apt-get install -qq -o Dpkg::Use-Pty=0 curl", ["curl"], ["-q", "-q", "-o"]),
        ("apt-get install -y - curl", ["-", "curl"], ["-y"]),
        ("apt-get install -t", [], ["-t"]),
        ("apk add -Uuv --repository http://x/y -t .a git", ["git"], ["-U", "-u", "-v", "--repository", "-t"]),
    ],
)
def test_quotes_change_nothing(text: str, packages: list[str], options: list[str]) -> None:
    result = call(text)
    assert (texts(result.packages), [option.name for option in result.options]) == (packages, options)


@pytest.mark.parametrize(
    ("text", "wrapper"),
    [
        ("gosu www-data:www-data apt-get install a", ["gosu", "www-data:www-data"]),
        ("su-exec $USER apt-get install a", ["su-exec", "$USER"]),
        ("s6-setuidgid app apt-get install a", ["s6-setuidgid", "app"]),
    ],
)
def test_programs_that_change_the_user_are_wrappers(text: str, wrapper: list[str]) -> None:
    assert texts(call(text).wrapper) == wrapper


def test_options_keep_their_words() -> None:
    result = call("apt-get -qy install -t stable --no-install-recommends a")
    assert [(one.name, one.value, one.word.text, one.is_global) for one in result.options] == [
        ("-q", "", "-qy", True),
        ("-y", "", "-qy", True),
        ("-t", "stable", "-t", False),
        ("--no-install-recommends", "", "--no-install-recommends", False),
    ]
    assert result.options[2].value_word is not None
    assert result.has("-y", "--yes")
    assert not result.has("--purge")


def test_every_manager_is_described() -> None:
    for name, manager in MANAGERS.items():
        assert manager.name == OTHER_NAMES.get(name, name)
        assert manager.source.startswith("https://")
        assert manager.installs
        assert all(
            option.startswith("-")
            for option in manager.yes
            | manager.values
            | manager.global_yes
            | manager.optional_values
            | manager.many_values
            | manager.one_dash
        )


def test_managers_that_ask_are_told_how_not_to() -> None:
    for manager in SYSTEM_MANAGERS.values():
        assert bool(manager.prompts) == bool(manager.yes_flag)
        assert not manager.yes_flag or manager.yes_flag in manager.yes
        assert not manager.prompts or manager.installs <= manager.prompts


@pytest.mark.parametrize("manager", LANGUAGE_MANAGERS.values())
def test_rows_of_languages_agree_with_themselves(manager: Manager) -> None:
    two_words = {action for action in manager.installs | manager.builds | manager.runs if " " in action}
    assert {action.partition(" ")[0] for action in two_words} <= manager.groups
    assert not manager.installs & manager.builds
    assert not manager.values & (manager.optional_values | manager.many_values)
    assert not manager.runs & manager.hands_on
    assert not set(manager.aliases) & (manager.installs | manager.builds | set(manager.aliases.values()))
    assert not manager.one_dash or manager.style in ("nopt", "maven")
    assert all(options <= manager.values for options in manager.flags.values())
    assert not manager.prompts  # the rows of languages say nothing of questions
