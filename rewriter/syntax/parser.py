"""From text to tree: lines, continuations, directives and heredocs, as BuildKit's parser.go reads them.

The parser is total: it never raises, and the nodes it returns always tile the text. What BuildKit would refuse
is noted in `Dockerfile.syntax_problem`, and dfix leaves such a file alone.
Source of the rules: https://github.com/moby/buildkit/blob/master/frontend/dockerfile/parser/parser.go
"""

from __future__ import annotations

import re
from typing import Final

from rewriter.syntax.expansion import ExpansionError, HeredocStart, find_heredocs
from rewriter.syntax.text import SPACE, Span, View, decode
from rewriter.syntax.tree import (
    Add,
    Blank,
    Comment,
    Copy,
    Directive,
    Dockerfile,
    Heredoc,
    Instruction,
    Node,
    Onbuild,
    Problem,
    Run,
    build_instruction,
)

_DIRECTIVE: Final = re.compile(rf"#[{SPACE}]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*\Z")
_DIRECTIVE_NAMES: Final = frozenset({"syntax", "escape", "check"})
_LONGEST_LINE: Final = 65_535  # Go's bufio.MaxScanTokenSize less one, in bytes
_HEREDOC_OWNERS: Final = (Run, Copy, Add)


def parse(data: bytes | str) -> Dockerfile:
    """Parse a Dockerfile. Never raises; `.text` of the result is the input, bytes that are not UTF-8 as surrogates."""
    return _Parser(decode(data) if isinstance(data, bytes) else data).run()


class _Parser:
    __slots__ = ("_directive_problem", "_directives", "_file", "_is_too_long", "_line", "_lines", "_nodes", "_offset")

    def __init__(self, text: str) -> None:
        self._lines: Final = text.split("\n")
        crlf = text.count("\r\n")
        newline = "\r\n" if crlf and crlf * 2 > len(self._lines) - 1 else "\n"
        self._file: Final = Dockerfile(text, self._find_escape(), newline)
        self._file.syntax_problem = self._directive_problem
        self._nodes: Final[list[Node]] = []
        self._line = 0
        self._offset = 0
        self._is_too_long = False

    def run(self) -> Dockerfile:
        """Read every line."""
        file = self._file
        if "\0" in file.text:
            self._refuse(file.text.index("\0"), "a NUL character: this is not text")
        lines, nodes, total = self._lines, self._nodes, len(file.text)
        instructions: list[Instruction] = []
        count = len(lines)
        if len(file.text) > _LONGEST_LINE // 4:
            self._check_lengths()
        while self._line < count:
            line = lines[self._line]
            start = self._offset
            stripped = line.lstrip(SPACE)
            if self._line == 0 and line[:1] == "\ufeff":
                stripped = line[1:].lstrip(SPACE)
            if not stripped:
                if start == total:
                    break  # the empty string after the final newline is no line
                self._blank(start)
            elif stripped[0] == "#":
                self._advance()
                end = min(self._offset, total)
                directive = self._directives.get(self._line - 1)
                index = len(nodes)
                nodes.append(
                    Directive(file, index, start, end, *directive) if directive else Comment(file, index, start, end)
                )
            else:
                instruction = self._instruction(start + len(line) - len(stripped), line)
                nodes.append(instruction)
                instructions.append(instruction)
        file.nodes = tuple(nodes)
        file.instructions = tuple(instructions)
        return file

    def _advance(self) -> None:
        self._offset += len(self._lines[self._line]) + 1
        self._line += 1

    def _blank(self, start: int) -> None:
        """Read a run of blank lines, the first of which is the current one."""
        lines, line, offset = self._lines, self._line, self._offset
        count, total = len(lines), len(self._file.text)
        while True:
            offset += len(lines[line]) + 1
            line += 1
            if line == count or offset >= total or lines[line].strip(SPACE):
                break
        self._line, self._offset = line, offset
        self._nodes.append(Blank(self._file, len(self._nodes), start, min(offset, total)))

    def _refuse(self, offset: int, message: str) -> None:
        if self._file.syntax_problem is None:
            self._file.syntax_problem = Problem(offset, message)

    def _check_lengths(self) -> None:
        offset = 0
        for line in self._lines:
            # The newline counts too, except on a last line without one.
            if len(line) * 4 >= _LONGEST_LINE and len(line.encode("utf-8", "surrogateescape")) >= _LONGEST_LINE:
                self._is_too_long = True
                self._refuse(offset, f"a line of more than {_LONGEST_LINE - 1:,} bytes, which BuildKit does not read")
                return
            offset += len(line) + 1

    def _find_escape(self) -> str:
        """Read the parser directives at the top of the file; they end at the first line that is none."""
        escape = "\\"
        self._directives: dict[int, tuple[str, str]] = {}
        self._directive_problem: Problem | None = None
        seen: set[str] = set()
        offset = 0
        for number, line in enumerate(self._lines):
            if number == 0 and line[:1] == "\ufeff":
                line = line[1:]
            match = _DIRECTIVE.match(line.rstrip("\r").lstrip(SPACE))
            if not match or match[1].lower() not in _DIRECTIVE_NAMES:
                break
            name, value = match[1].lower(), match[2]
            if name in seen:
                self._directive_problem = Problem(offset, f"a second `# {name}=` directive")
                break
            seen.add(name)
            self._directives[number] = (name, value)
            if name == "escape":
                if value not in ("\\", "`"):
                    self._directive_problem = Problem(offset, f"`# escape={value}`: the escape character is \\ or `")
                    break
                escape = value
            offset += len(line) + 1
        return escape

    def _instruction(self, begin: int, line: str) -> Instruction:
        """Read an instruction whose first character stands at `begin`, with its continuation lines and heredocs."""
        file = self._file
        start = self._offset
        text = line[begin - start :]
        escape = file.escape
        self._advance()
        kept = _continued(text, escape) if escape in text else None
        if kept is None:
            view = View(text.rstrip("\r") if text[-1] == "\r" else text, (0,), (begin,))
        else:
            view = self._join(kept, begin)
        code_end = min(self._offset, len(file.text))
        index = len(self._nodes)
        # A first line that is nothing but a continuation leaves the indentation of the next one in front.
        at = 0 if kept != "" else len(view.text) - len(view.text.lstrip(SPACE))
        if "<<" in view.text and not self._is_too_long:
            trial = build_instruction(file, index, start, code_end, view, at, code_end, ())
            heredocs = self._heredocs(trial)
            return build_instruction(
                file, index, start, min(self._offset, len(file.text)), view, at, code_end, heredocs
            )
        return build_instruction(file, index, start, code_end, view, at, code_end, ())

    def _join(self, first: str, begin: int) -> View:
        """Join continuation lines; comment lines and empty lines between them vanish."""
        lines, escape = self._lines, self._file.escape
        parts = [first]
        at, shift = [0], [begin]
        length = len(first)
        count = len(lines)
        while self._line < count:
            offset = self._offset
            if offset == len(self._file.text):
                break
            line = lines[self._line]
            self._advance()
            stripped = line.lstrip(SPACE)
            if not stripped or stripped[0] == "#":
                continue
            kept = _continued(line, escape) if escape in line else None
            part = line.rstrip("\r") if kept is None else kept
            if part:
                at.append(length)
                shift.append(offset - length)
                parts.append(part)
                length += len(part)
            if kept is None:
                break
        return View("".join(parts), at, shift)

    def _heredocs(self, instruction: Instruction) -> tuple[Heredoc, ...]:
        owner = instruction.trigger if isinstance(instruction, Onbuild) else instruction
        if not isinstance(owner, _HEREDOC_OWNERS) or owner.json is not None:
            return ()
        try:
            starts = find_heredocs(instruction.view.text)
        except ExpansionError as error:
            self._refuse(instruction.start, f"a heredoc that cannot be read: {error}")
            return ()
        return tuple(self._heredoc(instruction, start) for start in starts)

    def _heredoc(self, instruction: Instruction, opening: HeredocStart) -> Heredoc:
        total = len(self._file.text)
        start = self._offset
        while self._line < len(self._lines) and self._offset < total:
            line_start = self._offset
            line = self._lines[self._line].rstrip("\r")
            self._advance()
            if (line.lstrip("\t") if opening.chomp else line) == opening.name:
                return _build_heredoc(opening, start, line_start, min(self._offset, total))
        self._refuse(instruction.start, f"the heredoc <<{opening.name} never ends")
        return _build_heredoc(opening, min(start, total), total, total)


def _build_heredoc(opening: HeredocStart, start: int, end: int, after: int) -> Heredoc:
    return Heredoc(opening.name, opening.expand, opening.chomp, Span(start, end), Span(end, after))


def _continued(line: str, escape: str) -> str | None:
    """The line without its continuation character, or None when the line ends the instruction.

    Blanks may follow the character; a doubled one does not continue.
    """
    kept = line.rstrip("\r").rstrip(" \t")
    if not kept.endswith(escape):
        return None
    kept = kept[:-1]
    return None if kept.endswith(escape) else kept
