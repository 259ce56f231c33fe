"""Shell tokens, and where a word ends when quotes and expansions nest.

One regular expression reads a token; nearly every word of a real file is read by its first branch alone. Only a word
that nests (`"$(a "$b")"`) is followed piece by piece. Every pattern is possessive and every failure ends the whole
parse, so no character is looked at more than a few times, whatever the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

MAX_DEPTH: Final = 32  # of anything inside anything; each level costs up to ten Python frames

WORD: Final = "word"
REDIRECT: Final = "redirect"
END: Final = ""

# What both shells read alike and without nesting. `${x}` is here only without quotes or expansions in it.
_DOLLAR: Final = r"""\$\{[^}"'`\\$]*+\}|\$\$|\$(?![({\[%s])"""
_DOUBLE: Final = rf'"(?:[^"\\$`]++|\\.|{_DOLLAR % ""})*+"'
_PIECE: Final = rf"""[^ \t\n|&;<>()$`\\"']++|{_DOUBLE}|'[^']*+'|{_DOLLAR % "'"}|\\(?:.|\Z)"""
_BLANKS: Final = r"[ \t]*+(?:\\\n[ \t]*+)*+"
_REDIRECT: Final = r"[0-9]*+(?:<<[-<]?|<[&>]|>[>&|]|[<>](?!\())|&>>?"
_OPERATOR: Final = r"&&|\|\||;;&?|;&|\|&|[&|;()\n]"
_TOKEN: Final = re.compile(
    rf"{_BLANKS}(?:(?!\#)((?:{_PIECE})++)(?=[ \t\n;&|)]|\Z)|({_REDIRECT})|({_OPERATOR})|(\#[^\n]*+)|)", re.DOTALL
)
_PIECES: Final = re.compile(rf"(?:{_PIECE})++", re.DOTALL)
_BARE_PIECES: Final = re.compile(r"""(?:[^ \t\n|&;<>()$`\\"']++|'[^']*+'|\\(?:.|\Z))++""", re.DOTALL)
_DOUBLE_PIECES: Final = re.compile(r'(?:[^"\\$`]++|\\.)++', re.DOTALL)
_BRACE_PIECES: Final = re.compile(r"""(?:[^}"'`\\$]++|\\.)++""", re.DOTALL)
_ARITHMETIC_PIECES: Final = re.compile(r"""(?:[^()"'`\\$]++|\\.)++""", re.DOTALL)
_PARAMETER: Final = re.compile(r"[A-Za-z_]\w*|[0-9@*#?$!-]", re.ASCII)
_BRACED: Final = re.compile(r"[!#]?([A-Za-z_]\w*|[0-9]+|[@*#?$!-]|)(.?)", re.ASCII | re.DOTALL)
_IDENTIFIER: Final = re.compile(r"(?<![\w#$])[A-Za-z_]\w*", re.ASCII)
_BACKTICKS: Final = re.compile(r"`[^`\\]*+(?:\\.[^`\\]*+)*+`", re.DOTALL)
_ANSI: Final = re.compile(r"'[^'\\]*+(?:\\.[^'\\]*+)*+'", re.DOTALL)
_SHORT_ARITHMETIC: Final = re.compile(r"\[[\w+*/%-]*+\]", re.ASCII)
_PATTERN_OPERATORS: Final = frozenset("#%/^,")


class Stop(Exception):  # noqa: N818 - it is how a parse ends early, not an error for anyone
    """The whole list cannot be read."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason: Final = reason
        self.offset: Final = offset


class Lexer:
    """Reads one token after the other; the current one is `kind`, from `start` to `stop`.

    The kind of an operator is the operator itself. `mark` says what in the words since it was last cleared makes their
    command opaque.

    A continuation inside an operator or a reserved word is not looked for, and so mostly ends in `Stop`.
    """

    __slots__ = (
        "comments",
        "depth",
        "end",
        "heredocs",
        "kind",
        "mark",
        "parameters",
        "ranges",
        "start",
        "stop",
        "text",
        "tokens",
    )

    def __init__(self, text: str, start: int, end: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise Stop("nesting", start)
        self.text: Final = text
        self.end: Final = end
        self.depth = depth
        self.kind = END
        self.start = self.stop = start
        self.mark = ""
        self.comments: Final[list[tuple[int, int]]] = []
        self.heredocs: Final[list[tuple[str, bool]]] = []  # delimiter, and whether tabs before it count for nothing
        self.parameters: Final[list[str]] = []
        self.ranges: Final[list[tuple[int, int]]] = []  # of the lists in `$( )`
        self.tokens: Iterator[re.Match[str]] = _TOKEN.finditer(text, start, end)

    def substitution(self, start: int) -> int:
        """Read the command list that begins at `start`; where the text goes on after its closing parenthesis."""
        raise NotImplementedError

    def advance(self) -> None:
        """Go to the next token; comments are noted and passed over."""
        self.take(next(self.tokens))

    def jump(self, offset: int) -> None:
        """Make the next token the one that begins at `offset`."""
        self.stop = offset
        self.tokens = _TOKEN.finditer(self.text, offset, self.end)

    def take(self, match: re.Match[str]) -> None:
        """Make a match of `tokens` the current token."""
        group = match.lastindex
        if group == 4:
            self.comments.append(match.span(4))
            match = next(self.tokens)  # a newline or the end
            group = match.lastindex
        if group == 1:
            self.kind = WORD
            self.start, self.stop = match.span(1)
        elif group == 3:
            self.kind = match[3]
            self.start, self.stop = match.span(3)
            if self.heredocs and self.kind == "\n":
                self._pass_heredocs()
        elif group == 2:
            self.kind = REDIRECT
            self.start, self.stop = match.span(2)
        else:
            self.start = self.stop = match.end()
            self.kind = WORD if self.start < self.end else END
            if self.kind == WORD:
                self.jump(self.word(self.start, _PIECES))

    def _pass_heredocs(self) -> None:
        """Move past the bodies that follow this newline; one without its delimiter takes all that is left."""
        position = self.stop
        for delimiter, tabs in self.heredocs:
            line = re.compile(("^\t*" if tabs else "^") + re.escape(delimiter) + r"(?:\n|\Z)", re.MULTILINE)
            found = line.search(self.text, position, self.end) if position < self.end else None
            position = found.end() if found else self.end
        self.heredocs.clear()
        self.jump(position)

    def word(self, start: int, pieces: re.Pattern[str] = _BARE_PIECES) -> int:
        """Where the word that begins at `start` ends. `pieces` is what needs no looking into."""
        text, end, position = self.text, self.end, start
        while True:
            match = pieces.match(text, position, end)
            if match:
                position = match.end()
            if position == end:
                return end
            character = text[position]
            if character == '"':
                position = self._double(position)
            elif character == "$":
                position = self._dollar(position, quoted=False)
            elif character == "`":
                position = self._backticks(position)
            elif character == "'":
                raise Stop("syntax", position)
            elif character in "<>" and text.startswith("(", position + 1, self.end):
                position = self.substitution(position + 2)
                self.mark = "bash"
            else:
                return position

    def _double(self, start: int) -> int:
        text, end, position = self.text, self.end, start + 1
        while True:
            match = _DOUBLE_PIECES.match(text, position, end)
            if match:
                position = match.end()
            character = text[position : position + 1] if position < end else ""
            if character == '"':
                return position + 1
            if character == "$":
                position = self._dollar(position, quoted=True)
            elif character == "`":
                position = self._backticks(position)
            else:
                raise Stop("syntax", start)

    def _dollar(self, start: int, *, quoted: bool) -> int:
        text, position = self.text, start + 1
        character = text[position : position + 1] if position < self.end else ""
        if character == "(":
            if text.startswith("(", position + 1, self.end):
                return self.arithmetic(position + 2)
            stop = self.substitution(position + 1)
            self.ranges.append((position + 1, stop - 1))
            return stop
        if character == "{":
            return self._braces(position + 1, quoted=quoted)
        if character == "'" and not quoted:
            return self._ansi(position)
        if character == "[":
            # Arithmetic in bash, text elsewhere: the same word for both only when nothing in it could end one.
            match = _SHORT_ARITHMETIC.match(text, position, self.end)
            if not match:
                raise Stop("arithmetic", start)
            return match.end()
        match = _PARAMETER.match(text, position, self.end)
        if match:
            self.parameters.append(match[0])
            return match.end()
        return position

    def _braces(self, start: int, *, quoted: bool) -> int:
        text, end = self.text, self.end
        name = _BRACED.match(text, start, end)
        if name and name[1]:
            self.parameters.append(name[1])
        # Within double quotes an apostrophe is only an apostrophe, unless it is in a pattern.
        quotes = not quoted or (name is not None and name[2] in _PATTERN_OPERATORS)
        position = name.end(1) if name else start
        self._descend(start)
        while True:
            match = _BRACE_PIECES.match(text, position, end)
            if match:
                position = match.end()
            character = text[position : position + 1] if position < end else ""
            if character == "}":
                self.depth -= 1
                return position + 1
            if character == '"':
                position = self._double(position)
            elif character == "$":
                position = self._dollar(position, quoted=quoted)
            elif character == "`":
                position = self._backticks(position)
            elif character == "'":
                position = text.find("'", position + 1, end) + 1 if quotes else position + 1
                if not position:
                    raise Stop("syntax", start)
            else:
                raise Stop("syntax", start)

    def arithmetic(self, start: int) -> int:
        """Read on from after `((`; where the text goes on after `))`.

        Two parentheses may also open two subshells. What does not end in two is left to the shell.
        """
        text, end, position, inner = self.text, self.end, start, 0
        self._descend(start)
        while True:
            match = _ARITHMETIC_PIECES.match(text, position, end)
            if match:
                self.parameters.extend(_IDENTIFIER.findall(text, position, match.end()))
                position = match.end()
            character = text[position : position + 1] if position < end else ""
            if character == ")" and not inner and text.startswith(")", position + 1, end):
                self.depth -= 1
                return position + 2
            if character == "(" or (character == ")" and inner):
                inner += 1 if character == "(" else -1
                position += 1
            elif character == '"':
                position = self._double(position)
            elif character == "$":
                position = self._dollar(position, quoted=True)
            elif character == "`":
                position = self._backticks(position)
            else:
                raise Stop("arithmetic", start)

    def _backticks(self, start: int) -> int:
        match = _BACKTICKS.match(self.text, start, self.end)
        if not match:
            raise Stop("syntax", start)
        self.mark = "backticks"
        return match.end()

    def _ansi(self, start: int) -> int:
        r"""Read `$'...'`. A `\'` ends it in sh but not in bash, so no one knows where the word ends."""
        match = _ANSI.match(self.text, start, self.end)
        if not match:
            raise Stop("syntax", start)
        if "\\'" in match[0][:-1].replace("\\\\", ""):
            raise Stop("bash", start)
        return match.end()

    def _descend(self, offset: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Stop("nesting", offset)
