"""Commands of a shell list: taking them out, or writing one in front of another, in the layout that the list has."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from rewriter.fixing.edits import Spanned, newline_at, remove_word, render, without_newline
from rewriter.fixing.flags import INDENT, LONGEST_LINE
from rewriter.model.caching.cleanup import Cleanup, exits_on_error
from rewriter.syntax.shell import CommandList, Word
from rewriter.syntax.text import Edit, Span
from rewriter.syntax.tree import Dockerfile, Instruction, Run


class Stretch(NamedTuple):
    """Some neighbours as one thing."""

    span: Span


def remove_words(dockerfile: Dockerfile, words: Sequence[Spanned], removed: Iterable[Spanned]) -> Iterator[Edit]:
    """Take out some of the words of a command; neighbours go as one."""
    gone = {word.span for word in removed}
    for is_gone, group in groupby(words, key=lambda word: word.span in gone):
        if is_gone:
            stretch = [word.span for word in group]
            yield _keep_comments(dockerfile, remove_word(dockerfile, Stretch(Span(stretch[0].start, stretch[-1].end))))


def _keep_comments(dockerfile: Dockerfile, edit: Edit) -> Edit:
    """The edit that leaves in place the comment lines between the words that go."""
    start, end, text = edit
    comments = _comment_lines(dockerfile.text[start:end])[text.count("#") :]
    if not comments:
        return edit
    kept = "".join(comments)
    if dockerfile.text.endswith("\n", 0, start):
        return Edit(start, end, kept + text)
    return Edit(start, end, text + newline_at(dockerfile, start) + kept[: without_newline(kept, len(kept))])


def remove_items(dockerfile: Dockerfile, commands: CommandList, indices: Collection[int]) -> Iterator[Edit]:
    """Take out some pipelines of a list, each with the operator that joins it; comment lines between stay.

    The caller has shown that those which stay do not depend on them, and that one stays.
    """
    pipelines = commands.pipelines
    for is_gone, group in groupby(range(len(pipelines)), key=lambda index: index in indices):
        if not is_gone:
            continue
        stretch = list(group)
        first, last = stretch[0], stretch[-1]
        end = pipelines[last].span.end
        following = pipelines[last + 1].span.start if last + 1 < len(pipelines) else None
        if first == 0:
            assert following is not None
            yield Edit(pipelines[0].span.start, following, "")
            continue
        start = pipelines[first - 1].span.end
        comments = _comment_lines(dockerfile.text[start:end])
        joins = commands.items[last + 1].operator if following is not None else ""
        if joins == "&&" and commands.items[first].operator != "&&":
            # What follows ran whatever became of the one in front: the operator in front of the stretch stays.
            assert following is not None
            yield Edit(pipelines[first].span.start, following, "")
        elif not comments:
            yield Edit(start, end, "")
        elif following is not None:
            yield Edit(pipelines[first].span.start, following, "")
        elif commands.comment is not None:
            yield Edit(pipelines[first].span.start, end, "true")  # what follows must not join the comment line above
        else:
            # The list ends above them, and they become comments of their own.
            newline = newline_at(dockerfile, start)
            kept = "".join(comments)
            end = commands.terminator_span.end if commands.terminator else end
            yield Edit(start, end, newline + kept[: without_newline(kept, len(kept))])


def remove_cleanup(run: Run, cleanup: Cleanup) -> Iterator[Edit]:
    """Take out of a RUN what empties a cache."""
    yield from remove_items(run.dockerfile, run.script, cleanup.items)
    for command, words in cleanup.words:
        yield from remove_words(run.dockerfile, command.words, words)


def _comment_lines(text: str) -> list[str]:
    return [f"{line}\n" for line in text.split("\n")[1:-1] if line.lstrip().startswith("#")]


def text_in_front(run: Run, index: int, command: str, *, on_own_line: bool = False) -> str:
    """What to write in front of a pipeline so that another command runs first, on a line of its own if others do.

    Commands of `;` lists are joined by that, others by `&&`. `on_own_line` says that the pipeline gets its own line
    at the same time, as it does behind new flags.
    """
    dockerfile, commands = run.dockerfile, run.script
    text = dockerfile.text
    item = commands.items[index]
    start = item.pipeline.span.start
    newline = newline_at(dockerfile, start)
    if commands is not run.shell:  # a here-document
        line_start = text.rfind("\n", 0, start) + 1
        return f"{command}{newline}{text[line_start:start]}"
    behind = (commands.items[index + 1] if index + 1 < len(commands.items) else item).operator
    joined = f"{command}; " if behind == ";" else f"{command} && "
    spans = [other.pipeline.span for other in commands.items]
    turn = f" {dockerfile.escape}{newline}"
    if "\n" not in text[spans[0].start : spans[-1].end]:
        is_long = behind != ";" and len(text[slice(*commands.span)]) + len(joined) > LONGEST_LINE
        return f"{command}{turn}{INDENT}&& " if is_long else joined
    line = text[text.rfind("\n", 0, start) + 1 : start]
    indent = line[: len(line) - len(line.lstrip(" \t"))]
    if line.strip() == "&&":
        return f"{command}{turn}{line}"
    if line.strip() and not on_own_line:
        return joined
    if not line.strip() or not _is_spread(dockerfile, commands):
        return f"{joined.rstrip()}{turn}{indent}" if not line.strip() else joined
    if behind != ";" and (lead := _lead(dockerfile, commands)):
        return f"{command}{turn}{lead}&& "
    return f"{joined.rstrip()}{turn}{_indent_of(dockerfile, commands)}"


def _is_spread(dockerfile: Dockerfile, commands: CommandList) -> bool:
    """Whether the second command has a line of its own as well."""
    if len(commands.items) < 2:
        return False
    first, second = (item.pipeline.span for item in commands.items[:2])
    return "\n" in dockerfile.text[first.end : second.start]


def _lead(dockerfile: Dockerfile, commands: CommandList) -> str:
    """The indentation of the operators that stand at the beginning of lines; empty where none does."""
    for item in commands.items[1:]:
        start = item.operator_span.start
        line = dockerfile.text[dockerfile.text.rfind("\n", 0, start) + 1 : start]
        if not line.strip() and line:
            return line
    return ""


def _indent_of(dockerfile: Dockerfile, commands: CommandList) -> str:
    start = commands.items[1].pipeline.span.start
    line = dockerfile.text[dockerfile.text.rfind("\n", 0, start) + 1 : start]
    return line if line and not line.strip() else INDENT


def joined_commands(keyword: str, commands: Sequence[str], *, like: Instruction) -> str:
    """A new instruction that runs commands one after the other, over several lines where one would be too long."""
    line = render(keyword, " && ".join(commands), like=like)
    if len(line) <= LONGEST_LINE or len(commands) < 2:
        return line
    turn = f" {like.dockerfile.escape}{newline_at(like.dockerfile, like.start)}{INDENT}&& "
    return render(keyword, turn.join(commands), like=like)


def append_command(run: Run, command: str) -> Edit:
    """Let another command run last, if what stands in front of it succeeds; in front of a comment at the line's end."""
    dockerfile, commands = run.dockerfile, run.script
    text = dockerfile.text
    last = commands.items[-1]
    end = last.pipeline.span.end
    line_start = text.rfind("\n", 0, last.pipeline.span.start) + 1
    stops = exits_on_error(commands, ())
    if commands is not run.shell:  # a here-document
        line = f"{newline_at(dockerfile, end)}{text[line_start : last.pipeline.span.start]}{command}"
        return Edit(end, end, line if stops else f" && {command}")
    operators = {other.operator for other in commands.items[1:]}
    operator = ";" if stops and operators and operators <= {";"} else " &&"
    turn = f" {dockerfile.escape}{newline_at(dockerfile, end)}"
    if "\n" not in text[commands.items[0].pipeline.span.start : end]:
        line = text[text.rfind("\n", 0, end) + 1 : end]
        is_long = operator == " &&" and len(line) + len(command) + 4 > LONGEST_LINE
        return Edit(end, end, f"{turn}{INDENT}&& {command}" if is_long else f"{operator} {command}")
    lead = _lead(dockerfile, commands)
    if operator == " &&" and (lead or not _trails(dockerfile, commands)):
        return Edit(end, end, f"{turn}{lead or INDENT}&& {command}")
    line = text[line_start : last.pipeline.span.start]
    return Edit(end, end, f"{operator}{turn}{line if line and not line.strip() else INDENT}{command}")


def _trails(dockerfile: Dockerfile, commands: CommandList) -> bool:
    """Whether operators stand at the end of lines."""
    text = dockerfile.text
    for item in commands.items[1:]:
        end = item.operator_span.end
        if text[end : text.find("\n", end)].strip() in (dockerfile.escape, ""):
            return True
    return False


def insert_words(
    dockerfile: Dockerfile, words: Sequence[Word], listed: Sequence[Word], added: Iterable[tuple[str, Word]]
) -> Iterator[Edit]:
    """Write more words into a list, each behind the one it is for; in alphabetical order where the list is.

    `words` are those of the whole command, `listed` those of the list. Where each of them has a line of its own, so
    has a new one.
    """
    values = [word.text for word in listed]
    is_sorted = len(listed) > 1 and values == sorted(values)
    places: dict[int, list[str]] = {}
    for new, owner in added:
        index = bisect_left(values, new) if is_sorted else listed.index(owner) + 1
        places.setdefault(index, []).append(new)
    separator = _separator(dockerfile, words, listed) if places else ""
    for index, names in places.items():
        joined = separator.join(sorted(names))
        if index == 0:
            yield Edit(listed[0].span.start, listed[0].span.start, joined + separator)
        else:
            yield Edit(listed[index - 1].span.end, listed[index - 1].span.end, separator + joined)


def _separator(dockerfile: Dockerfile, words: Sequence[Word], listed: Sequence[Word]) -> str:
    """What stands in front of the words of a list: a turn of the line where each has its own line, else a blank.

    The first of several may stand beside the command all the same.
    """
    text = dockerfile.text
    spans = [word.span for word in words]
    first = min(number for number, word in enumerate(words) if word.start == listed[0].start)
    gaps = [text[one.end : other.start] for one, other in pairwise(spans[first - 1 : first + len(listed)])]
    if len(listed) > 2:
        gaps = gaps[1:]
    if not gaps or not all("\n" in gap for gap in gaps):
        return " "
    return next((gap for gap in reversed(gaps) if "#" not in gap and gap.count("\n") == 1), " ")
