"""What the RUNs of an image run in the end: behind `poetry run`, in scripts of the project, by npm and by make."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Command, Text, Unknown
from rewriter.model.project.follow import Follower
from rewriter.model.project.make import NAMES, recipes_of
from rewriter.model.project.shell_words import Variables
from rewriter.model.project.sources import Sources, table
from rewriter.model.project.tasks import package_of
from rewriter.model.running.shipped import COMMENT, Shipped, text_of
from rewriter.syntax.tree import Run

_MAKE: Final = names("make gmake")
_COMPILE: Final = names("mvnw gradlew configure autogen.sh")
"""Scripts of build tools, which are not the project's own."""

_NODE: Final = names("npm yarn pnpm")
_INSTALLS: Final = names("install i ci")
# https://docs.npmjs.com/cli/using-npm/scripts#npm-install
_OF_INSTALL: Final = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare")
_DEEPEST: Final = 5
"""How often a target of make may call make again."""


class Built(NamedTuple):
    """The commands that a RUN runs in the end; `texts` are the scripts and the recipes of make that led to them."""

    commands: tuple[Command, ...]
    texts: tuple[str, ...]


def built_by(run: Run, shipped: Shipped) -> Built:
    """What a RUN runs in the end, as far as it can be followed."""
    sources = shipped.project.sources
    follower = _Follower(sources, Variables(shipped.project.environment, {}))
    place = Command((Text("sh"),), shipped.states.at(run).workdir)
    if run.json is not None:
        follower.follow(tuple(Text(one.value) for one in run.json), place.folder)
    else:
        text = "\n".join(text_of(run).split("\n")[1:]) if run.arguments.lstrip().startswith("<<") else run.arguments
        follower.run_text(text, Variables(shipped.project.environment, {}), place, 0)
    for command in tuple(follower.commands):
        _follow_install(command, follower)
    texts = [*_made(follower, sources)]
    scripts = map(sources.read, follower.scripts)
    texts += [COMMENT.sub("", text) for text in scripts if isinstance(text, str)]
    return Built(tuple(follower.commands), tuple(texts))


class _Follower(Follower):
    """Follows the commands of a build, but not into what only starts a build tool."""

    __slots__ = ()

    def _script(self, command: Command, own: dict[str, Text], depth: int, *, by_shell: bool = False) -> bool:
        name = posixpath.basename(command.words[0].value)
        return name not in _COMPILE and super()._script(command, own, depth, by_shell=by_shell)


def _follow_install(command: Command, follower: Follower) -> None:
    """Follow the scripts of package.json that run when its packages are installed."""
    words = [word.value for word in command.words]
    is_install = not _INSTALLS.isdisjoint(words[1:]) or words == ["yarn"]
    if posixpath.basename(words[0]) not in _NODE or not is_install or "--ignore-scripts" in words:
        return
    package = package_of(follower.sources, command.folder)
    scripts = {} if isinstance(package, Unknown) else table(package, "scripts")
    for name in _OF_INSTALL:
        if isinstance(text := scripts.get(name), str):
            follower.run_text(text, Variables(follower.environment, {}), command, 1)


def _made(follower: Follower, sources: Sources) -> Iterator[str]:
    """Follow the recipes of make, which takes their place among the commands."""
    for _ in range(_DEEPEST):
        calls = [one for one in follower.commands if posixpath.basename(one.words[0].value) in _MAKE]
        found = [(one, recipe) for one in calls if (recipe := _recipe(one, sources)) is not None]
        for command, recipe in found:
            yield recipe
            follower.commands.remove(command)
            follower.run_text(recipe, Variables(follower.environment, {}), command, 1)
        if not found:
            return


def _recipe(command: Command, sources: Sources) -> str | None:
    """What a call of make runs by the Makefile of the project; None where it has none there."""
    folder, file = command.folder, ""
    targets: list[str] = []
    words = iter(word.value for word in command.words[1:])
    for word in words:
        if word in ("-C", "--directory"):
            folder = posixpath.join(folder, next(words, ""))
        elif word in ("-f", "--file", "--makefile"):
            file = next(words, "")
        elif not word.startswith("-") and "=" not in word:
            targets.append(word)
    if not folder:
        return None
    for name in (file,) if file else NAMES:
        if origin := sources.origin(posixpath.join(folder, name)):
            makefile = sources.read(origin)
            return None if isinstance(makefile, Unknown) else COMMENT.sub("", "\n".join(recipes_of(makefile, targets)))
    return None
