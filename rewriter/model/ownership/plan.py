"""Whether COPY can give its files the owner or the mode that a chown or chmod gives them afterwards."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.data.base_contents import accounts_of
from rewriter.model.effects.instructions import common_path
from rewriter.model.managers.vocabulary import names
from rewriter.model.ownership.changes import Change, Operand, changes
from rewriter.model.ownership.history import MOST_COPIES, Brought, History, Moment, is_command, makes_folder, meets
from rewriter.model.ownership.values import FlagValue, mode_value, owner_value
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Add, Copy, Instruction, Run, Workdir

_FAMILIES: Final = names(
    "debian ubuntu alpine fedora centos rockylinux almalinux amazonlinux buildpack-deps python pypy node golang ruby "
    "php rust perl openjdk eclipse-temurin amazoncorretto maven gradle elixir erlang gcc nginx httpd busybox"
)
"""Official images that have nothing in folders such as /app, /srv/app and /opt/app: their Dockerfiles."""
_STANDARD: Final = names(
    "bin boot data dev docker-entrypoint.d etc go home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys "
    "tmp usr var"
)
_KEEP_MODES: Final = names("sed dos2unix")
"""Programs that edit a file in place and leave it its mode: sed(1), dos2unix(1), busybox."""
_OTHERS: Final = frozenset({"ghcr.io/astral-sh/uv"})
_EMPTY_FOLDERS: Final = {("php", "/var/www/html"): "www-data:www-data"}
"""https://github.com/docker-library/php/blob/master/Dockerfile-linux.template"""
_FOR_PROGRAMS: Final = ("/opt/", "/srv/", "/usr/src/")


class Plan(NamedTuple):
    """What to do.

    `flag` is for those of the COPYs that lack it, `first` is the first of all; `gone` operands leave the command,
    `plain` ones stay without `-R`.
    """

    change: Change
    flag: str
    first: Copy
    copies: tuple[Copy, ...]
    gone: tuple[Operand, ...]
    plain: tuple[Operand, ...]

    @property
    def takes_all(self) -> bool:
        """Whether nothing of the command is left."""
        return len(self.gone) == len(self.change.operands)

    @property
    def can_go(self) -> bool:
        """Whether the command can be taken out without changing when the others of its RUN run."""
        from rewriter.model.pip.options import can_go

        commands = self.change.run.script
        is_alone = len(commands.items) == 1 and commands.terminator != "&" and not commands.items[0].pipeline.negated
        return is_alone or can_go(commands, self.change.number)


def compatible(plans: Sequence[Plan]) -> Sequence[Plan]:
    """Those of the plans for one RUN that can be carried out at once: all, or else the first."""
    commands = plans[0].change.run.script
    is_plain = all(item.operator in ("", "&&") for item in commands.items) and commands.terminator == ""
    return plans if is_plain and all(plan.takes_all for plan in plans) else plans[:1]


class Refusal(NamedTuple):
    """Why a change that follows a COPY stays as it is. `{line}` in the reason stands for the line of `mentions`."""

    change: Change
    reason: str
    mentions: Instruction | None = None


class _Refused(Exception):  # noqa: N818  # it is an answer, not an error
    def __init__(self, reason: str, mentions: Instruction | None = None) -> None:
        self.reason: Final = reason
        self.mentions: Final = mentions


def plans(stage: Stage, states: States, context: BuildContext) -> Iterator[Plan | Refusal]:
    """The chown and chmod commands of a stage that change files which its COPYs bring."""
    history: History | None = None
    for run in stage.instructions:
        if not isinstance(run, Run):
            continue
        for change in changes(run, states.at(run)):
            history = history or History(stage, states, context)
            try:
                plan = _Judge(change, history, states, context).plan()
            except _Refused as refused:
                yield Refusal(change, refused.reason, refused.mentions)
            else:
                if plan is not None:
                    yield plan


class _Judge:
    """Judges one command."""

    def __init__(self, change: Change, history: History, states: States, context: BuildContext) -> None:
        self._change: Final = change
        self._history: Final = history
        self._states: Final = states
        self._context: Final = context
        self._place: Final = (change.run.start, change.number)

    def plan(self) -> Plan | None:
        """What to do; None where the command has nothing to do with a COPY. Raises _Refused."""
        change = self._change
        considered = {one: found for one in change.operands if (found := self._bringing(one))}
        if not considered:
            return None
        if any(len(found) > MOST_COPIES for found in considered.values()):
            raise _Refused("more COPYs bring its files than are looked at")
        brought = sorted({one.copy.start: one for found in considered.values() for one in found}.items())
        all_brought = [one for _, one in brought]
        for one in all_brought:
            self._check_copy(one)
        between = self._history.between(all_brought[0].copy, self._place)
        value = self._value(all_brought, between)
        if value.problem:
            raise _Refused(value.problem)
        gone: list[Operand] = []
        plain: list[Operand] = []
        for operand, found in considered.items():
            stays = self._settle(operand, found, value.text)
            (plain if stays else gone).append(operand)
        self._check_rest(plain, len(considered))
        flag = f"--{change.flag}={value.text}"
        self._check_flags(all_brought, value.text)
        copies = tuple(one.copy for one in all_brought if one.copy.flag(change.flag) is None)
        return Plan(change, flag, all_brought[0].copy, copies, tuple(gone), tuple(plain))

    def _bringing(self, operand: Operand) -> list[Brought]:
        if not operand.path:
            return []
        return [
            one
            for one in self._history.bringing(operand.path)
            if one.copy.start < self._change.run.start
            and one.changed_by(operand.path, is_recursive=self._change.is_recursive)
        ]

    def _check_copy(self, one: Brought) -> None:
        """That the command changes all that the COPY brings, and nothing of it twice."""
        if isinstance(one.copy, Add):
            raise _Refused("ADD in line {line} may unpack archives, which keep their owners and modes", one.copy)
        if one.copy.flag("link") is not None:
            raise _Refused("COPY --link in line {line} makes its folders anew", one.copy)
        paths = {operand.path for operand in self._change.operands}
        if self._change.is_recursive:
            is_covered = all(any(_is_in(target, path) for path in paths if path) for target in one.targets)
        elif unsure := one.unsure & paths:
            raise _Refused(f"whether {min(unsure)} is a file is not known", one.copy)
        else:
            is_covered = one.targets <= paths
        if not is_covered:
            raise _Refused("line {line} copies other files as well", one.copy)
        if one.problem:
            raise _Refused(one.problem, one.copy)

    def _value(self, brought: list[Brought], between: Sequence[Moment]) -> FlagValue:
        if self._change.flag == "chown":
            return owner_value(self._change, brought, between, self._states)
        return mode_value(self._change, brought, self._states, self._context)

    def _check_flags(self, brought: list[Brought], value: str) -> None:
        for one in brought:
            flag = one.copy.flag(self._change.flag)
            if flag is not None and flag.value != value:
                raise _Refused(f"line {{line}} has another --{flag.name}", one.copy)

    def _settle(self, operand: Operand, brought: list[Brought], value: str) -> bool:
        """Whether the folder itself still needs the command once COPY has done the rest."""
        first = brought[0].copy
        copies = {one.copy for one in brought}
        for moment in self._history.between(first, self._place):
            if moment.instruction not in copies:
                self._check_between(moment, operand.path)
        if not self._change.is_recursive or all(operand.path in one.files for one in brought):
            self._check_folder(posixpath.dirname(operand.path), first)
            return False
        is_made = self._check_before(operand.path, first)
        if not is_made:
            self._check_folder(posixpath.dirname(operand.path), first)
        if self._change.flag == "chown":
            return is_made and value != _owner_in_base(operand.path, self._history.stage)
        if any(one.targets != {operand.path} for one in brought):
            raise _Refused("COPY would not give the folders on the way that mode")
        return value != "755"  # that is what the builder gives a folder

    def _check_between(self, moment: Moment, path: str) -> None:
        if isinstance(moment.instruction, Workdir) and path in moment.effects.writes:
            return
        other = "chmod" if self._change.flag == "chown" else "chown"
        if is_command(moment, other) and not _sets_id(moment):
            return
        if other == "chown" and is_command(moment, *_KEEP_MODES):
            return
        if reason := meets(moment, path):
            raise _Refused(_at_line(reason), moment.instruction)

    def _check_folder(self, folder: str, copy: Copy) -> None:
        origin = self._history.stage.origin
        is_home = origin is not None and any(folder == one.home for one in accounts_of(origin))
        if not is_home and not self._history.has_folder(folder, (copy.start, -1)):
            what = "owner" if self._change.flag == "chown" else "mode"
            raise _Refused(f"if {folder} is not there, COPY would make it with that {what}")

    def _check_before(self, path: str, first: Copy) -> bool:
        """Whether the folder is there before the first COPY into it, and then empty."""
        if not _is_fresh(path, self._history.stage):
            raise _Refused(f"what the base image has in {path} is not known")
        is_made = bool(_owner_in_base(path, self._history.stage))
        for moment in self._history.writers(path, (first.start, -1)):
            if makes_folder(moment, path) and common_path(moment.effects.writes, [path]) == path:
                is_made = True
            elif moment.effects.unknown:
                raise _Refused(_at_line(moment.effects.unknown), moment.instruction)
            elif common_path(moment.effects.writes | moment.effects.makes, [path]):
                raise _Refused("line {line} writes below it as well", moment.instruction)
        return is_made

    def _check_rest(self, plain: list[Operand], considered: int) -> None:
        change = self._change
        if plain and considered < len(change.operands):
            raise _Refused("it needs `-R` for its other paths")
        if plain and change.recursion is not None and change.recursion.text not in ("-R", "--recursive"):
            raise _Refused(f"`-R` is a part of `{change.recursion.text}`")


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _at_line(reason: str) -> str:
    return f"line {{line}} stands in between: {reason}"


def _sets_id(moment: Moment) -> bool:
    """Whether a chmod sets more than permissions, which a later chown takes away again."""
    assert moment.step is not None
    texts = [word.text for command in moment.step.item.pipeline.commands for word in getattr(command, "words", ())]
    return any("s" in text or (text.isdigit() and len(text) > 3 and text[0] != "0") for text in texts[1:2])


def _is_fresh(path: str, stage: Stage) -> bool:
    """Whether a folder is sure not to be in the base image, or to be empty there."""
    origin = stage.origin
    if origin is None or "\0" in path:
        return False
    if origin.family not in _FAMILIES and f"{origin.registry}/{origin.repository}" not in _OTHERS:
        return False
    parts = path.split("/")
    is_in_home = parts[1] == "home" and len(parts) > 3 and not parts[3].startswith(".")
    return (
        is_in_home or parts[1] not in _STANDARD or path.startswith(_FOR_PROGRAMS) or bool(_owner_in_base(path, stage))
    )


def _owner_in_base(path: str, stage: Stage) -> str:
    """The owner of an empty folder that the base image has; empty where it has none."""
    family = stage.origin.family if stage.origin else ""
    return _EMPTY_FOLDERS.get((family, path), "")
