"""What `--chown` and `--chmod` say for a chown or chmod command.

COPY takes a name without a group for the user's own group, chown for no change of the group; a name that is not in the
image's /etc/passwd means root without a word; and a mode in letters needs a newer builder.
Sources: https://docs.docker.com/reference/dockerfile/#copy---chown---chmod, chown(1), chmod(1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.ownership.changes import Change, word_text
from rewriter.model.ownership.history import Brought, Moment, may_add_accounts
from rewriter.model.state import State, States
from rewriter.model.users import account_of
from rewriter.syntax.tree import Instruction

_OWNER: Final = re.compile(r"[A-Za-z0-9_][\w.-]*(?::[\w.-]*)?\Z")
_OCTAL: Final = re.compile(r"0?[0-7]{3}\Z")
_LETTERS: Final = re.compile(r"([ugoa]*)\+([rx]+)\Z")
_OF_GIT: Final = (0o644, 0o755)
_SHIFTS: Final = {"u": 6, "g": 3, "o": 0}
_PERMISSIONS: Final = {"r": 4, "x": 1}


class FlagValue(NamedTuple):
    """What stands behind `--chown=` or `--chmod=`; `problem` says why there is nothing that means the same."""

    text: str
    problem: str = ""


def _none(problem: str) -> FlagValue:
    return FlagValue("", problem)


def owner_value(change: Change, brought: Sequence[Brought], between: Sequence[Moment], states: States) -> FlagValue:
    """The owner as COPY takes it; `between` is what happens from the first COPY to the chown."""
    written = word_text(change.value, change.run, change.state)
    if not _OWNER.match(written):
        return _none("its owner depends on a variable" if "$" in change.value.text else "its owner is not understood")
    first = brought[0].copy
    at_copy = states.at(first)
    user, colon, group = written.partition(":")
    if any(map(may_add_accounts, between)):
        exists = account_of(user, at_copy) is not None and (group in ("", user) or account_of(written, at_copy))
        if exists:
            return _complete(user, colon, group, brought, at_copy)
        return _by_number(written, [*(moment.instruction for moment in between), change.run], states)
    if change.value.is_literal or any(states.at(one.copy).expand(change.value.text) != written for one in brought):
        return _complete(user, colon, group, brought, at_copy)
    variables = change.value.text.strip('"')
    return FlagValue(variables) if group else _complete(user, colon, group, brought, at_copy)


def _complete(user: str, colon: str, group: str, brought: Sequence[Brought], state: State) -> FlagValue:
    """The owner with its group, which COPY would guess otherwise than chown."""
    if group:
        return FlagValue(f"{user}:{group}")
    if colon:
        account = account_of(user, state)
        return FlagValue(f"{user}:{account.gid}") if account else _none(f"the group of {user} is not known")
    if any(one.copy.source_stage is not None for one in brought):
        return _none("it leaves the group as the other stage has it")
    return FlagValue(f"{user}:{0 if user.isdigit() else 'root'}")


def _by_number(written: str, between: Sequence[Instruction], states: States) -> FlagValue:
    """The owner by uid and gid, which need no account, where a RUN in between says which those are."""
    user, _, group = written.partition(":")
    if user.isdigit() and group.isdigit():
        return FlagValue(written)
    account = account_of(written.rstrip(":"), _state_after(between[-1], states))
    if account is None or ":" not in written or not any(_says(one, account.uid) for one in between):
        return _none(f"{user} is not known to exist where COPY needs it")
    return FlagValue(f"{account.uid}:{account.gid}")


def _state_after(instruction: Instruction, states: States) -> State:
    stage = states.graph.stage_of(instruction)
    assert stage is not None
    following = next((one for one in stage.instructions if one.start > instruction.start), None)
    return states.at(following) if following else states.at_end(stage)


def _says(instruction: Instruction, number: int) -> bool:
    return re.search(rf"(?<!\d){number}(?!\d)", instruction.view.text) is not None


def mode_value(change: Change, brought: Sequence[Brought], states: States, context: BuildContext) -> FlagValue:
    """The mode in octal digits."""
    written = change.value.value
    if _OCTAL.match(written):
        return FlagValue(written[-3:])
    letters = _LETTERS.match(written)
    if letters is None or change.is_recursive:
        return _none(f"`{change.value.text}` depends on the modes that the files have")
    found: set[int] = set()
    for one in brought:
        if one.copy.source_stage is not None:
            return _none("the mode that the file has in the other stage is not known")
        for source in CopiedFiles(one.copy, states.at(one.copy), context).sources:
            mode = context.mode(source.path)
            if mode not in _OF_GIT:
                return _none(
                    f"the mode of {source.path} is {'not known' if mode < 0 else f'{mode:o}, not as git has it'}"
                )
            found.add(_with_letters(mode, letters[1], letters[2]))
    (result, *others) = found
    return FlagValue(f"{result:o}") if not others else _none("the files have different modes")


def _with_letters(mode: int, who: str, what: str) -> int:
    for person in "ugo" if not who or "a" in who else who:
        for permission in what:
            mode |= _PERMISSIONS[permission] << _SHIFTS[person]
    return mode
