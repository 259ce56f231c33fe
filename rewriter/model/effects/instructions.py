"""What an instruction reads, writes and provides, so that it can be told whether two of them may change places.

Effects are paths in the image, each standing for itself and all below it, and names: variables, `WORKDIR`, `USER`,
`SHELL`, ACCOUNTS. What cannot be told is unknown, and means everything.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import BASE_FOLDER, SHARED_FOLDERS, CopiedFiles, folder_at
from rewriter.model.state import State
from rewriter.syntax.tree import (
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    Healthcheck,
    Instruction,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
)

ALL: Final = "*"
"""Stands for every variable among the names that are used."""

ACCOUNTS: Final = "users and groups"
"""Stands for the users and groups of the image, which names in USER and `--chown` are looked up in."""

_OF_A_RUN: Final = frozenset({ACCOUNTS, "PATH", "USER", "SHELL", "WORKDIR"})
_NO_VARIABLES: Final = frozenset({ACCOUNTS, "ONBUILD", "USER", "SHELL", "WORKDIR"})
_NONE: Final[frozenset[str]] = frozenset()


class Effects(NamedTuple):
    """What happens when something runs. `unknown` says why that is not known; it is empty where it is.

    `makes` are folders that it makes or fills whatever was there before: virtual environments, node_modules.
    """

    reads: frozenset[str] = _NONE
    writes: frozenset[str] = _NONE
    makes: frozenset[str] = _NONE
    uses: frozenset[str] = _NONE
    sets: frozenset[str] = _NONE
    unknown: str = ""

    def __or__(self, other: Effects) -> Effects:
        """Both, one after the other."""
        return Effects(
            self.reads | other.reads,
            self.writes | other.writes,
            self.makes | other.makes,
            self.uses | other.uses,
            self.sets | other.sets,
            self.unknown or other.unknown,
        )

    @property
    def touches(self) -> frozenset[str]:
        """All paths."""
        return self.reads | self.writes | self.makes


NOTHING: Final = Effects()


def effects(*, reads: Iterable[str] = (), writes: Iterable[str] = (), makes: Iterable[str] = ()) -> Effects:
    """The effects of something that only knows paths."""
    return Effects(frozenset(reads), frozenset(writes), frozenset(makes))


def unknown(reason: str) -> Effects:
    """The effects of what cannot be looked into."""
    return Effects(unknown=reason)


def common_path(some: Collection[str], others: Collection[str]) -> str:
    """A path that lies in both, the deeper of two; empty where there is none. The same one whatever their order."""
    if not some or not others:
        return ""
    found = _inside(some, others) or _inside(others, some)
    return min(found, default="")


def _inside(paths: Collection[str], folders: Collection[str]) -> list[str]:
    starts = tuple(folder if folder == "/" else f"{folder}/" for folder in folders)
    return [path for path in paths if path in folders or path.startswith(starts)]


def conflict(one: Effects, other: Effects) -> str:
    """Why two things must keep their order, in words; empty where nothing shows which of them came first."""
    if one.unknown or other.unknown:
        return one.unknown or other.unknown
    path = common_path(one.writes | one.makes, other.touches) or common_path(one.reads, other.writes | other.makes)
    if path:
        return f"both have to do with {path.replace(BASE_FOLDER, '.', 1)}"
    for sets, uses in ((one.sets, other.uses | other.sets), (other.sets, one.uses)):
        if names := sets & uses:
            return f"both have to do with {min(names)}"
        if ALL in uses and (variables := sets - _NO_VARIABLES):
            return f"both have to do with ${min(variables)}"
    return ""


def effects_of(instruction: Instruction, state: State, context: BuildContext) -> Effects:
    """What an instruction does when it runs; `state` is what is in force just before it."""
    match instruction:
        case Env() | Arg():
            names = frozenset(pair.key.text for pair in instruction.pairs)
            return Effects(sets=names, uses=_mentioned(instruction))
        case Label() | Expose() | Stopsignal() | Healthcheck() | Cmd() | Entrypoint() | Maintainer():
            return Effects(uses=_mentioned(instruction) | ({"SHELL"} if instruction.name in _SHELL_FORMS else _NONE))
        case Workdir():
            after = state.expand(instruction.path.text)
            known = after is not None and (after.startswith("/") or folder_at(state))
            folder = posixpath.normpath(posixpath.join(folder_at(state), after or "")) if known else ""
            # It makes the folder, for the USER in force.
            writes = frozenset({folder or "/"})
            uses = _mentioned(instruction) | {"USER", "WORKDIR"}
            return Effects(writes=writes, uses=uses, sets=frozenset({"WORKDIR"}))
        case User():
            return Effects(uses=_mentioned(instruction) | {ACCOUNTS}, sets=frozenset({"USER"}))
        case Shell():
            return Effects(sets=frozenset({"SHELL"}))
        case Volume():
            paths = [state.expand(path) for path in instruction.paths]
            return unknown("VOLUME of a variable") if None in paths else effects(writes=[path or "/" for path in paths])
        case Copy():
            return _effects_of_copy(instruction, state, context)
        case Run():
            return _effects_of_run(instruction, state)
        case Onbuild():
            return Effects(sets=frozenset({"ONBUILD"}))
        case _:
            return unknown(f"what {instruction.name} does is not known")


_SHELL_FORMS: Final = frozenset({"CMD", "ENTRYPOINT", "HEALTHCHECK"})


def _mentioned(instruction: Instruction) -> frozenset[str]:
    """The variables that the builder replaces in an instruction; they are not parsed: a `$` may name any."""
    return frozenset({ALL}) if "$" in instruction.view.text else _NONE


def _effects_of_copy(instruction: Copy, state: State, context: BuildContext) -> Effects:
    uses = _mentioned(instruction)
    owner = instruction.flag("chown")
    if owner is not None and not owner.value.replace(":", "").isdigit():
        uses |= {ACCOUNTS}
    if instruction.source_stage is not None:
        destination = state.expand(instruction.destination)
        if not destination or not (folder_at(state) or destination.startswith("/")):
            return unknown("where COPY --from copies to is not known")
        writes = [posixpath.normpath(posixpath.join(folder_at(state), destination))]
        return Effects(writes=frozenset(writes), uses=uses | {"WORKDIR"})
    copied = CopiedFiles(instruction, state, context)
    if not copied.target:
        return unknown(copied.problem)
    is_absolute = instruction.destination.startswith("/")
    targets = frozenset(copied.targets)
    if copied.target == BASE_FOLDER:  # the root folder, if the base image sets no WORKDIR
        folders = (name for source in copied.sources if source.is_tree for name in context.list(source.path) or ())
        targets |= {f"/{name}" for name in folders} & SHARED_FOLDERS
    return Effects(writes=targets, uses=uses if is_absolute else uses | {"WORKDIR"})


def _effects_of_run(run: Run, state: State) -> Effects:
    from rewriter.model.effects.places import asks_for_accounts
    from rewriter.model.effects.shell import steps, unreadable  # they speak in effects

    uses = _OF_A_RUN if asks_for_accounts(run) else _OF_A_RUN - {ACCOUNTS}
    found = Effects(uses=uses, unknown=unreadable(run, state))
    for step in steps(run, state):
        found |= step.effects._replace(unknown=step.unknown)
    return found
