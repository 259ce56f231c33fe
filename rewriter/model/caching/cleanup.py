"""What in a RUN empties the cache of a package manager, and whether it can go.

With the cache in a mount such a cleanup would empty what the next build wants, and `rm -rf` of the mounted folder
itself fails the build with "Device or resource busy".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from rewriter.model.managers.call import call_of, skip_wrappers
from rewriter.model.managers.vocabulary import names
from rewriter.model.state import State
from rewriter.syntax.shell import CommandList, SimpleCommand, Word

CLEANS: Final[dict[str, frozenset[str]]] = {
    "apt-get": frozenset({"clean", "autoclean", "auto-clean", "dist-clean", "distclean"}),
    "apt": frozenset({"clean", "autoclean", "auto-clean", "distclean"}),
    "apk": frozenset({"cache clean", "cache purge"}),
    "dnf": frozenset({"clean"}),
    "dnf5": frozenset({"clean"}),
    "yum": frozenset({"clean"}),
    "pip": frozenset({"cache purge", "cache remove"}),
    "uv": frozenset({"cache clean", "cache prune"}),
    "poetry": frozenset({"cache clear"}),
    "npm": frozenset({"cache clean", "cache clear", "cache rm", "cache verify"}),
    "yarn": frozenset({"cache clean"}),
    "pnpm": frozenset({"store prune"}),
    "bun": frozenset({"pm cache"}),
    "composer": frozenset({"clear-cache"}),
}
"""The subcommands that empty a cache."""

_HIDDEN_CLEAN: Final = re.compile(r"\b(?:cache|store)\s+(?:clean|clear|purge|prune|rm|verify)\b|\b(?:auto)?clean\b")


_ERREXIT: Final = re.compile(r"-[a-zA-Z]*e[a-zA-Z]*")
_CACHE_NOTHING: Final = names(
    "rm mkdir set cd echo true : test [ export ln cp mv chmod chown printf cat touch apt-mark dpkg sed tar sudo"
)
_CACHE_ELSEWHERE: Final = names("apt-get apt apk yum dnf microdnf")
"""Managers of the system, which keep nothing in a home folder."""


class Cleanup(NamedTuple):
    """What empties some folders: whole pipelines by index, and words of an `rm`. `problem` says why it cannot go."""

    items: frozenset[int] = frozenset()
    words: tuple[tuple[SimpleCommand, tuple[Word, ...]], ...] = ()
    problem: str = ""


def find_cleanup(
    commands: CommandList, state: State, *, managers: Collection[str], folders: Sequence[str], home: str
) -> Cleanup:
    """What in a list empties the folders that are to be mounted, or the caches of the managers."""
    stops = exits_on_error(commands, state.shell)
    folder_now: str = state.workdir
    items: set[int] = set()
    words: list[tuple[SimpleCommand, tuple[Word, ...]]] = []
    for index, item in enumerate(commands.items):
        for command in item.pipeline.commands:
            if not isinstance(command, SimpleCommand):
                if mentioned := _mentioned(command.text, folders, home):
                    return Cleanup(problem=f"`{command.reason}` uses {mentioned}")
                if _HIDDEN_CLEAN.search(command.text) and any(name in command.text for name in managers):
                    return Cleanup(problem=f"a cleanup inside `{command.reason}` cannot be followed")
                continue
            if command.name in ("cd", "pushd"):
                folder_now = ""  # relative operands cannot be placed any more
            found = _judge(command, state, managers, folders, (home, folder_now))
            if isinstance(found, str):
                return Cleanup(problem=found)
            if found is None:
                continue
            if found:
                words.append((command, found))
            elif len(item.pipeline.commands) > 1 or item.pipeline.negated:
                return Cleanup(problem=f"`{_brief(command)}` is part of a pipe")
            else:
                items.add(index)
    items.update(list(_fallbacks(commands, items)))
    for index in sorted(items):
        if problem := _holds(commands, index, items, stops):
            return Cleanup(problem=problem)
    if (items or words) and (wide := _wide(commands, state, folders, home)) and not _all_mounted(commands, managers):
        return Cleanup(problem=f"`rm {wide}` removes what other commands of the RUN may have cached")
    return Cleanup(frozenset(items), tuple(words))


def is_removed(commands: CommandList, state: State, folder: str, home: str = "/root") -> bool:
    """Whether an `rm` among the commands of a list removes what lies in a folder."""
    operands = (word for command in commands.simple_commands() for word in _removed(command) or ())
    return any(_covers(word, state, [f"{folder}/x"], (home, state.workdir)) for word in operands)


def _program(command: SimpleCommand) -> tuple[str, tuple[Word, ...]]:
    """The program that a command runs through `sudo` and the like, and the words behind it."""
    start = skip_wrappers(command.words)
    return ("", ()) if start is None else (posixpath.basename(command.words[start].value), command.words[start + 1 :])


def _removed(command: SimpleCommand) -> list[Word] | None:
    """The operands of an `rm`; None where the command is another one."""
    program, words = _program(command)
    return [word for word in words if not word.text.startswith("-")] if program == "rm" else None


def _judge(
    command: SimpleCommand, state: State, managers: Collection[str], folders: Sequence[str], place: tuple[str, str]
) -> tuple[Word, ...] | str | None:
    """The words of an `rm` that go, none for all of the command; None where nothing is to be done, or a problem.

    `place` is the home folder and the one the command runs in, empty where that is not known.
    """
    home = place[0]
    call = call_of(command)
    if call is not None and (
        call.action in CLEANS.get(call.manager.name, ())
        or (call.action == "clean" and call.has("-modcache", "-cache"))  # Go's
    ):
        return () if call.manager.name in managers else None
    operands = _removed(command)
    if _program(command)[0] == "find" and (problem := _find_removes(command, folders)):
        return problem
    if operands is None:
        mentioned = _mentioned(command.text, folders, home)
        if mentioned and not (call is not None and _only_configures(command, folders, home)):
            return f"`{_brief(command)}` uses {mentioned}"
        return None
    gone: list[Word] = []
    for word in operands:
        answer = _covers(word, state, folders, place)
        if isinstance(answer, str):
            return answer
        if answer:
            gone.append(word)
    if not gone:
        return None
    return () if len(gone) == len(operands) else tuple(gone)


def _find_removes(command: SimpleCommand, folders: Sequence[str]) -> str:
    """Why a `find` that removes may meet a mounted folder; empty where it cannot."""
    texts = [word.text.strip("\"'") for word in command.words[1:]]
    if "-delete" not in texts and "rm" not in texts:
        return ""
    roots = texts[: next((at for at, text in enumerate(texts) if text.startswith("-")), None)]
    patterns = [texts[at + 1] for at, text in enumerate(texts[:-1]) if text in ("-name", "-iname", "-path")]
    for folder in folders:
        is_below = any(root == "/" or f"{folder}/".startswith(f"{root.rstrip('/')}/") for root in roots)
        if is_below and (not patterns or any(fnmatchcase(part, one) for part in folder.split("/") for one in patterns)):
            return f"`find {' '.join(roots)}` may remove {folder}"
    return ""


def _wide(commands: CommandList, state: State, folders: Sequence[str], home: str) -> str:
    """The operand of an `rm` that removes a folder above those that are to be mounted."""
    for command in commands.simple_commands():
        for word in _removed(command) or ():
            path = _path(word, state, home)
            above = path.rstrip("*/") if path else ""
            if above and above not in folders and any(folder.startswith(f"{above}/") for folder in folders):
                return word.text
    return ""


def _all_mounted(commands: CommandList, managers: Collection[str]) -> bool:
    """Whether a list calls nothing but these managers and programs that cache nothing."""
    for command in commands.simple_commands():
        call = call_of(command)
        name = posixpath.basename(command.name)
        is_known = call is not None and (call.manager.name in managers or call.manager.name in _CACHE_ELSEWHERE)
        if not is_known and name not in _CACHE_NOTHING:
            return False
    return not any(True for _ in commands.opaques())


def _only_configures(command: SimpleCommand, folders: Sequence[str], home: str) -> bool:
    """Whether the folder is only named as an option's value: the cache folder that the manager has anyway."""
    return not any(
        _mentioned(word.text, folders, home) for word in command.words if not word.text.startswith("--cache")
    )


def _covers(word: Word, state: State, folders: Sequence[str], place: tuple[str, str]) -> bool | str:
    """Whether an operand of `rm` removes what lies in a folder, and can go; a problem where it removes more."""
    home, here = place
    path = _path(word, state, home)
    if path is None:
        return _may_cover(word, folders, home)
    if not path.startswith("/"):
        if not here:
            first = path.split("/")[0]
            touches = any(fnmatchcase(part, first) for folder in folders for part in folder.split("/")[1:])
            return f"`rm {word.text}` may remove a cache: it is not known where it runs" if touches else False
        path = posixpath.normpath(posixpath.join(here, path))
    parts = path.split("/")[1:]
    for folder in folders:
        below = folder.split("/")[1:]
        if not all(fnmatchcase(have, part) for have, part in zip(below, parts, strict=False)):
            continue
        is_inside = len(parts) > len(below) or parts == below
        names_all = any(mark in parts[-1] for mark in "*?[")
        around = below[: len(parts) - names_all]
        is_cache = around and "cache" in around[-1] and around != ["var", "cache"]
        if is_inside or is_cache or "/" + "/".join(around) == f"{home}/.npm":
            return True
        return f"`rm {word.text}` removes more than {folder}"
    return False


def _may_cover(word: Word, folders: Sequence[str], home: str) -> bool | str:
    """The problem with an operand that variables, braces or a command fill, if it may name a cache."""
    text = word.text.lower()
    mentioned = _mentioned(word.text, folders, home)
    if not mentioned and "{" in text:
        mentioned = next((folder for folder in folders if any(part in text for part in folder.split("/")[1:])), "")
    if mentioned or "cache" in text:
        return f"`rm {word.text}` may remove {mentioned or 'a cache'}"
    return False


def _path(word: Word, state: State, home: str) -> str | None:
    """The path or pattern that an operand stands for; None where a variable or a brace leaves that open."""
    text = word.text.replace('"', "").replace("'", "")
    for name in word.variables:
        value = state.get(name) if state.is_set(name) else None
        if value and posixpath.isabs(value):
            text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    for start in ("~/", "$HOME/", "${HOME}/"):
        if text.startswith(start) and home:
            text = posixpath.join(home, text.removeprefix(start))
    if any(mark in text for mark in "$`{\\~"):
        return None
    return posixpath.normpath(text)


def _mentioned(text: str, folders: Sequence[str], home: str) -> str:
    """The folder that a text speaks of."""
    for folder in folders:
        name = posixpath.basename(folder)
        if name not in text:
            continue
        spellings = [folder]
        if home and folder.startswith(f"{home}/"):
            below = folder.removeprefix(f"{home}/")
            spellings += [f"~/{below}", f"$HOME/{below}", f"${{HOME}}/{below}"]
        if any(re.search(rf"{re.escape(spelling)}(?![\w.-])", text) for spelling in spellings):
            return folder
    return ""


def _fallbacks(commands: CommandList, items: Iterable[int]) -> Iterator[int]:
    """The `true` of `cleanup || true`."""
    for index in items:
        if index + 1 < len(commands.items) and commands.items[index].operator != "&&":
            following = commands.items[index + 1]
            if following.operator == "||" and following.pipeline.text in ("true", ":"):
                yield index + 1


def _holds(commands: CommandList, index: int, items: Collection[int], stops: bool) -> str:
    """Why a pipeline cannot be taken out of its list; empty when it can."""
    count = len(commands.items)
    before = commands.items[index].operator
    after = commands.items[index + 1].operator if index + 1 < count else commands.terminator
    text = commands.items[index].pipeline.text
    is_fallback = before == "||" and index - 1 in items
    if (before not in ("", "&&", ";", "\n") and not is_fallback) or after == "&":
        return f"`{text}` depends on what stands in front of it"
    if after == "||" and index + 1 not in items and before != "&&":
        return f"something follows only if `{text}` fails"
    if index + 1 < count and "$?" in commands.items[index + 1].pipeline.text:
        return f"what follows looks at the status of `{text}`"
    is_last = all(later in items for later in range(index, count))
    earliest = index
    while earliest - 1 in items:
        earliest -= 1
    if is_last and earliest > 0 and commands.items[earliest].operator in (";", "\n"):
        previous = commands.items[earliest - 1]
        # The shell does not stop at a failure inside `a && b`, nor at one that `!` turns around.
        if not stops or previous.operator not in ("", ";", "\n") or previous.pipeline.negated:
            return "without its cleanup, the RUN would fail where it now goes on after an error"
    return ""


def exits_on_error(commands: CommandList, shell: Sequence[str]) -> bool:
    """Whether the shell stops at the first command that fails, from the first one of the list on."""
    stops = any(_ERREXIT.fullmatch(word) for word in shell[1:])
    for index, command in enumerate(commands.simple_commands()):
        if command.name == "set":
            options = [word.value for word in command.arguments]
            if any(option.startswith("+") for option in options):
                return False
            stops = stops or (index == 0 and (any(map(_ERREXIT.fullmatch, options)) or "errexit" in options))
    return stops


def _brief(command: SimpleCommand) -> str:
    return " ".join(word.text for word in command.words[:2])
