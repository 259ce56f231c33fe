"""The laws that hold for every result, checked at run time before anything is shown or written.

Two laws need no check here: bytes that no edit names are kept by `Pieces`, and the result is stable
because the engine stops only where a whole round of fixers changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from rewriter.fixing.edits import attached_comments
from rewriter.fixing.fixer import Fix
from rewriter.syntax.tree import Comment, Directive, Dockerfile, Instruction, Onbuild, Run, ShellInstruction


class Laws:
    """What must still hold of a file after all fixes."""

    __slots__ = ("_dropped", "original")

    def __init__(self, original: Dockerfile) -> None:
        self.original: Final = original
        self._dropped: Counter[str] = Counter()

    def expect_dropped(self, instructions: Iterable[Instruction]) -> None:
        """Allow the comments of instructions that vanish on purpose to go with them."""
        for instruction in instructions:
            self._dropped.update(comment.content for comment in attached_comments(instruction))
            self._dropped.update(comment.content for comment in instruction.comments)

    def broken(self, result: Dockerfile) -> str:
        """The first law that the result breaks, in words; empty when all hold."""
        if result.text == self.original.text:
            return ""
        if result.problem:
            line, column = result.position(result.problem.offset)
            return f"the result would no longer parse, at {line}:{column}: {result.problem.message}"
        if _directives(result) != _directives(self.original):
            return "the parser directives at the top would change"
        if lost := lost_comments(self.original, result) - self._dropped:
            return f"a comment would be lost: {next(iter(lost))!r}"
        return self._broken_shell(result)

    def _broken_shell(self, result: Dockerfile) -> str:
        before, after = _commands(self.original), _commands(result)
        broken = [instruction for text, instruction in after.items() if text not in before and _is_broken(instruction)]
        if not broken:
            return ""
        # A command that could not be read before may stay unreadable while something else in it changes.
        broken_before = sum(_is_broken(instruction) for text, instruction in before.items() if text not in after)
        if len(broken) <= broken_before:
            return ""
        return f"the shell command in line {broken[0].line} of the result would no longer parse"


def comment_in_the_way(fix: Fix) -> Comment | None:
    """A comment inside the instruction that a fix writes anew, which would be written over; mostly none."""
    anchor, text = fix.anchor, fix.anchor.dockerfile.text
    for edit in fix.edits:
        if edit.start <= anchor.start or text.find("#", edit.start, edit.end) < 0:
            continue  # most edits cover no comment: a look at each comment for each of them would add up
        for comment in anchor.comments:
            covers = edit.start < comment.start and comment.end < edit.end
            if covers and comment.text.strip() not in map(str.strip, edit.text.split("\n")):
                return comment
    return None


def lost_comments(before: Dockerfile, after: Dockerfile) -> Counter[str]:
    """What comments said before and no longer say after."""
    return _comments(before) - _comments(after)


def _comments(dockerfile: Dockerfile) -> Counter[str]:
    return Counter(comment.content for comment in dockerfile.comments if not isinstance(comment, Directive))


def _directives(dockerfile: Dockerfile) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for node in dockerfile.nodes:
        if not isinstance(node, Directive):
            break
        found.append((node.name, node.value))
    return found


def _commands(dockerfile: Dockerfile) -> dict[str, ShellInstruction]:
    """The instructions that run a shell command, by its text, here-documents included."""
    found: dict[str, ShellInstruction] = {}
    for instruction in dockerfile.instructions:
        inner = instruction.trigger if isinstance(instruction, Onbuild) else instruction
        if isinstance(inner, ShellInstruction):
            bodies = (dockerfile.text[slice(*heredoc.body)] for heredoc in inner.heredocs)
            found["\n".join((inner.arguments, *bodies))] = inner
    return found


def _is_broken(instruction: ShellInstruction) -> bool:
    commands = instruction.script if isinstance(instruction, Run) else instruction.shell
    return any(opaque.reason == "syntax" for opaque in commands.opaques())
