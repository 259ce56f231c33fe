"""The verbs: functions over nodes that return edits. The one place that decides where comments and blank lines go."""

from __future__ import annotations

from itertools import dropwhile
from typing import Protocol

from rewriter.fixing.suppress import forbids_below
from rewriter.syntax.text import Edit, Span
from rewriter.syntax.tree import Blank, Comment, Directive, Dockerfile, Instruction, Node


class Spanned(Protocol):
    """Anything that has a place in a file: a word, a flag, a command, a node."""

    @property
    def span(self) -> Span: ...


def replace(thing: Spanned, text: str) -> Edit:
    """Write `text` in place of a word or flag."""
    return Edit(*thing.span, text)


def insert_after(thing: Spanned, text: str) -> Edit:
    """Write `text` right behind a word."""
    return Edit(thing.span.end, thing.span.end, text)


def insert_in_front(thing: Spanned, text: str) -> Edit:
    """Write `text` right in front of a word or command."""
    return Edit(thing.span.start, thing.span.start, text)


def remove(thing: Spanned) -> Edit:
    """Take out exactly what the thing spans."""
    return Edit(*thing.span, "")


def remove_span(span: Span) -> Edit:
    """Take out a range that a node named."""
    return Edit(*span, "")


def replace_arguments(instruction: Instruction, text: str) -> Edit:
    """Write other arguments behind the keyword and the flags."""
    return Edit(*instruction.arguments_span, text)


def remove_up_to(thing: Spanned, following: Spanned) -> Edit:
    """Take out a word and all that sets it off from the next one, which takes its place."""
    return Edit(thing.span.start, following.span.start, "")


def remove_word(dockerfile: Dockerfile, thing: Spanned) -> Edit:
    """Take out a word or flag together with the blanks that set it off from its neighbours.

    On a continuation line of its own the whole line goes; else the blanks behind it, or those in front at a line's end.
    Where it stood on the last line, the line above ends the instruction; comment lines between stay as they are.
    """
    text = dockerfile.text
    start, end = thing.span
    stop = _skip_blanks(text, end)
    is_continued = text.startswith(dockerfile.escape, stop) and _is_line_end(text, _skip_blanks(text, stop + 1))
    if not is_continued and not _is_line_end(text, stop):
        return Edit(start, stop, "")
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", stop) + 1 or len(text)
    if text[line_start:start].strip(" \t"):
        return Edit(_before_blanks(text, start), end if is_continued else stop, "")
    mark = _continuation_above(text, line_start, dockerfile.escape)
    if mark is None:
        return Edit(line_start, line_end, "")
    if is_continued and line_end < len(text):
        glues = text[mark.start - 1] not in " \t" and text[line_end] not in " \t"
        return Edit(start, end, "") if glues else Edit(line_start, line_end, "")
    between = text[mark.end : line_start].rstrip("\r\n") if "#" in text[mark.end : line_start] else ""
    return Edit(_before_blanks(text, mark.start), without_newline(text, line_end), between)


def _skip_blanks(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t":
        position += 1
    return position


def _before_blanks(text: str, position: int) -> int:
    while position and text[position - 1] in " \t":
        position -= 1
    return position


def _is_line_end(text: str, position: int) -> bool:
    return text[position : position + 1] in ("", "\r", "\n")


def _continuation_above(text: str, line_start: int, escape: str) -> Span | None:
    """The escape character, with the blanks behind it, that continues to this line: above comments and empty lines."""
    while line_start:
        end = without_newline(text, line_start)
        line_start = text.rfind("\n", 0, end) + 1
        line = text[line_start:end].rstrip(" \t")
        if line and not line.lstrip().startswith("#"):
            mark = line_start + len(line) - 1
            return Span(mark, end) if line.endswith(escape) else None
    return None


def attached_comments(instruction: Instruction) -> tuple[Comment, ...]:
    """The comments that speak of an instruction: the block directly above it.

    Section headings (`# ---- build ----`) and the file's header stay where they are, and so do parser directives.
    An ignore comment at the end of the header belongs to the instruction below, with what follows it.
    """
    block: list[Comment] = []
    node = instruction.before
    while isinstance(node, Comment) and not isinstance(node, Directive):
        block.append(node)
        node = node.before
    block.reverse()
    if (node is None or isinstance(node, Directive)) and instruction is instruction.dockerfile.instructions[0]:
        block = list(dropwhile(lambda comment: not forbids_below(comment), block))
    for index in range(len(block) - 1, -1, -1):
        if _is_heading(block[index]):
            return tuple(block[index + 1 :])
    return tuple(block)


def _is_heading(comment: Comment) -> bool:
    """Whether a comment draws a line: `#####`, `# ----`, `# === build ===`."""
    content = comment.text.strip().lstrip("#").strip()
    rule = set(content) <= set("-=*~_+#/") if content else len(comment.text.strip()) > 2
    return rule or not {content[:3], content[-3:]}.isdisjoint(("---", "===", "***", "~~~", "###"))


def block_span(instruction: Instruction) -> Span:
    """The lines of an instruction together with its attached comments; a byte order mark is not theirs."""
    comments = attached_comments(instruction)
    return Span(_behind_mark(comments[0] if comments else instruction), instruction.end)


def own_span(instruction: Instruction) -> Span:
    """The lines of an instruction without its comments; a byte order mark is not theirs."""
    return Span(_behind_mark(instruction), instruction.end)


def _behind_mark(node: Node) -> int:
    return 1 if node.start == 0 and node.dockerfile.text.startswith("\ufeff") else node.start


def remove_instruction(instruction: Instruction, *, keep_comments: bool = False) -> list[Edit]:
    """Take out an instruction's lines, and its attached comments unless they are to stay.

    Where blank lines stood on both sides, one side goes too. A missing final newline stays missing.
    """
    dockerfile = instruction.dockerfile
    text = dockerfile.text
    start, end = own_span(instruction) if keep_comments else block_span(instruction)
    above = _node_above(instruction, start)
    below = instruction.after
    if isinstance(above, Blank) and (below is None or (isinstance(below, Blank) and below.end == len(text))):
        start = _behind_mark(above)
    elif (above is None or isinstance(above, Blank)) and isinstance(below, Blank):
        end = below.end
    if end == len(text) and not text.endswith("\n"):
        start = without_newline(text, start)
    return [Edit(start, end, "")]


def without_newline(text: str, start: int) -> int:
    """Where a line ends that the next one follows at `start`: in front of its newline."""
    if text.endswith("\n", 0, start):
        start -= 1
        if text.endswith("\r", 0, start):
            start -= 1
    return start


def _node_above(instruction: Instruction, start: int) -> Node | None:
    node = instruction.before
    while node is not None and node.start >= start:
        node = node.before
    return node


def newline_at(dockerfile: Dockerfile, offset: int) -> str:
    """The newline to write at an offset: in a file of mixed newlines the neighbouring line decides."""
    text = dockerfile.text
    found = text.rfind("\n", 0, offset)
    if found < 0:
        found = text.find("\n", offset)
    if found < 0:
        return dockerfile.newline
    return "\r\n" if found and text[found - 1] == "\r" else "\n"


def spell(keyword: str, *, like: Instruction) -> str:
    """A keyword in the case that a neighbouring instruction uses."""
    return keyword.lower() if like.keyword.text.islower() else keyword.upper()


def render(keyword: str, arguments: str, *, like: Instruction) -> str:
    """A new one-line instruction that follows its neighbour's habits: keyword case and indentation. No newline."""
    text = like.dockerfile.text
    indent = text[like.start : like.keyword.span.start].lstrip("\ufeff")
    if "\n" in indent:
        indent = ""
    return f"{indent}{spell(keyword, like=like)} {arguments}"


def insert_instruction_before(instruction: Instruction, line: str, *, stays_apart: bool = False) -> Edit:
    """Write a new line above an instruction and above the comments that speak of it.

    With `stays_apart` an instruction that a blank line stands above has one above it afterwards, too.
    """
    start = block_span(instruction).start
    newline = newline_at(instruction.dockerfile, start)
    is_apart = stays_apart and isinstance(_node_above(instruction, start), Blank)
    return Edit(start, start, line + newline + (newline if is_apart else ""))


def insert_instruction_after(instruction: Instruction, line: str) -> Edit:
    """Write a new line directly below an instruction. A continuation into nothing goes: it would swallow the line."""
    text = instruction.dockerfile.text
    start = end = instruction.end
    kept = ""
    if dangling := instruction.dangling:
        start, kept = dangling.start, text[dangling.end : end]
    newline = newline_at(instruction.dockerfile, end)
    if text.endswith("\n", 0, end):
        return Edit(start, end, kept + line + newline)
    return Edit(start, end, kept + newline + line)
