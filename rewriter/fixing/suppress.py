"""Ignore comments: where a user said no, in dfix's words or in those of the tools that a file already serves.

# dfix: ignore[DF401] reason          the instruction below; above FROM: the whole stage; without [..]: everything
# dfix: ignore-file[DF401] reason     the file
# hadolint ignore=DL3009,DL4006       https://github.com/hadolint/hadolint#inline-ignores
# hadolint global ignore=DL3009
# tally ignore=buildkit/StageNameCasing;reason=...
# tally global ignore=hadolint/DL3009
# check=skip=JSONArgsRecommended      https://docs.docker.com/build/checks/#skip-checks
#trivy:ignore:AVD-DS-0002             https://trivy.dev/docs/latest/configuration/filtering/#by-inline-comments
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.fixing.fixer import Fix, Fixer
from rewriter.syntax.text import Span
from rewriter.syntax.tree import Comment, Directive, Dockerfile, From, Instruction

ALL: Final = "*"

_DFIX: Final = re.compile(r"dfix:\s*ignore(-file)?(?![\w-])(?:\s*\[([^\]]*)\])?", re.IGNORECASE)
_LINTERS: Final = re.compile(
    r"(?:hadolint|tally)\s+(global\s+)?ignore\s*=\s*([\w/-]+(?:\s*,\s*[\w/-]+)*)", re.IGNORECASE
)
_TRIVY: Final = re.compile(r"trivy:ignore:([\w-]+)", re.IGNORECASE)
_CHECK_SKIP: Final = re.compile(r"(?:^|;)\s*skip\s*=\s*([^;]*)", re.IGNORECASE)
_HINT: Final = re.compile("ignore|skip", re.IGNORECASE)


class Suppression(NamedTuple):
    """Rules that a comment switches off, and where."""

    rules: tuple[str, ...]
    span: Span
    comment: Comment

    def covers(self, fixer: Fixer) -> bool:
        """Whether one of the rules means this fixer."""
        return any(rule == ALL or fixer.answers_to(rule) for rule in self.rules)


class Suppressions:
    """All ignore comments of a file."""

    __slots__ = ("_everywhere", "_in_instructions", "_in_stages", "_stages")

    def __init__(self, dockerfile: Dockerfile) -> None:
        self._everywhere: list[Suppression] = []
        self._in_stages = _Places()
        self._in_instructions = _Places()
        if not _HINT.search(dockerfile.text):
            return
        self._stages: list[int] = [node.start for node in dockerfile.instructions if isinstance(node, From)]
        for node in dockerfile.nodes:
            if isinstance(node, Comment):
                self._add(node, None)
            elif isinstance(node, Instruction) and _HINT.search(node.text):
                for comment in node.comments:
                    self._add(comment, node)

    def _add(self, comment: Comment, owner: Instruction | None) -> None:
        rules, whole_file = read_comment(comment)
        if not rules:
            return
        if whole_file:
            self._everywhere.append(Suppression(rules, Span(0, len(comment.dockerfile.text)), comment))
            return
        target = owner or _instruction_below(comment)
        if isinstance(target, From):
            self._in_stages.add(Suppression(rules, self._stage_of(target), comment))
        elif target is not None:
            self._in_instructions.add(Suppression(rules, target.span, comment))

    def _stage_of(self, instruction: From) -> Span:
        following = bisect_right(self._stages, instruction.start)
        end = self._stages[following] if following < len(self._stages) else len(instruction.dockerfile.text)
        return Span(instruction.start, end)

    def find(self, fixer: Fixer, fix: Fix) -> Suppression | None:
        """The comment that forbids this fix: its anchor or one of its edits lies where the comment holds."""
        for entry in self._everywhere:
            if entry.covers(fixer):
                return entry
        for places in (self._in_stages, self._in_instructions):
            for start, end in (fix.anchor.span, *(edit[:2] for edit in fix.edits)):
                for entry in places.at(start, max(end, start + 1)):
                    if entry.covers(fixer):
                        return entry
        return None


class _Places:
    """Suppressions whose ranges are the same or apart, in the order of the file."""

    __slots__ = ("_ends", "_entries")

    def __init__(self) -> None:
        self._entries: list[Suppression] = []
        self._ends: list[int] = []

    def add(self, entry: Suppression) -> None:
        """Remember a suppression; they come from top to bottom."""
        self._entries.append(entry)
        self._ends.append(entry.span.end)

    def at(self, start: int, end: int) -> Iterator[Suppression]:
        """Those whose range shares a character with this one."""
        for index in range(bisect_right(self._ends, start), len(self._entries)):
            if self._entries[index].span.start >= end:
                return
            yield self._entries[index]


def _instruction_below(comment: Comment) -> Instruction | None:
    node = comment.after
    while isinstance(node, Comment):
        node = node.after
    return node if isinstance(node, Instruction) else None


def forbids_below(comment: Comment) -> bool:
    """Whether the comment is about the instruction below it, and so must stay above that one."""
    rules, whole_file = read_comment(comment)
    return bool(rules) and not whole_file


def read_comment(comment: Comment) -> tuple[tuple[str, ...], bool]:
    """The rules that a comment switches off, and whether it does so for the whole file."""
    if isinstance(comment, Directive):
        match = _CHECK_SKIP.search(comment.value) if comment.name == "check" else None
        return (_split(match[1], "all"), True) if match else ((), False)
    content = comment.content
    if match := _DFIX.match(content):
        return (_split(match[2], "") if match[2] is not None else (ALL,)), bool(match[1])
    if match := _LINTERS.match(content):
        return _split(match[2], "all"), bool(match[1])
    if rules := tuple(_TRIVY.findall(content)):
        return rules, False
    return (), False


def _split(names: str, everything: str) -> tuple[str, ...]:
    """Rule names between commas, without the namespace that tally puts in front."""
    rules = (name.strip().rpartition("/")[2] for name in names.split(","))
    return tuple(ALL if name == everything else name for name in rules if name)
