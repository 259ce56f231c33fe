"""The command lists inside RUN, CMD and friends: a small parser for POSIX sh that knows what it does not know.

It reads lists, pipelines and simple commands into nodes. Compound commands are read for their extent only and become
`Opaque`; so does everything that sh and bash understand differently. What no shell would accept, or what may redefine
commands, makes the whole list opaque. It never raises and takes linear time.

    apt-get update && if [ -d x ]; then rm -r x; fi && make >log 2>&1 ;
    SimpleCommand  && Opaque("if")                  && SimpleCommand  terminator
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn

from rewriter.syntax.shell_lexer import END, REDIRECT, WORD, Lexer, Stop
from rewriter.syntax.shell_tree import (
    Assignment,
    CommandList,
    Item,
    Opaque,
    Pipeline,
    Redirect,
    SimpleCommand,
    Word,
    unquote,
)
from rewriter.syntax.text import View

__all__ = ["CommandList", "Opaque", "Pipeline", "SimpleCommand", "Word", "parse_shell"]

_CLOSERS: Final = frozenset(("then", "elif", "else", "fi", "do", "done", "esac", "}", "in"))
_SEPARATORS: Final = frozenset((";", "\n"))
_CONNECTIVES: Final = frozenset(("&&", "||"))
_PIPES: Final = frozenset(("|", "|&"))
_OPENERS: Final = frozenset(("(", REDIRECT))
_HEREDOCS: Final = frozenset(("<<", "<<-"))
_ARRAY_PARTS: Final = frozenset((WORD, "\n"))
_CASE_ENDS: Final = frozenset((";;", ";&", ";;&"))
_BRACKETS_END: Final = frozenset((END, ";", "&"))
_ASSIGNMENT: Final = re.compile(r"([A-Za-z_]\w*)(\[[^\]]*\])?(\+?)=", re.ASCII)
_FD_VARIABLE: Final = re.compile(r"\{[A-Za-z_]\w*\}", re.ASCII)  # bash stores the number of the opened file in it
_DIGITS: Final = "0123456789"


def parse_shell(view: View, start: int, end: int) -> CommandList:
    """Read the commands between two offsets of a joined line, or of a script where newlines separate commands."""
    parser = _Parser(view, start, end, 0)
    try:
        parser.advance()
        items, terminator = parser.read_list()
        if parser.kind != END:
            parser.fail()
    except Stop as stop:
        return _opaque_list(view, start, end, stop)
    return CommandList(view, start, end, tuple(items), terminator=terminator, comments=tuple(parser.comments))


def _opaque_list(view: View, start: int, end: int, stop: Stop) -> CommandList:
    text = view.text[start:end]
    first = start + len(text) - len(text.lstrip(" \t\n"))
    opaque = Opaque(view, first, max(first, end - len(text) + len(text.rstrip(" \t\n"))), stop.reason, stop.offset)
    return CommandList(view, start, end, (Item("", first, Pipeline(first, (opaque,), False)),), is_opaque=True)


def expansions(word: Word) -> tuple[tuple[str, ...], tuple[CommandList, ...]]:
    """What a word expands: the names of parameters, and the lists in `$( )`."""
    reader = _Parser(word.view, word.start, word.end, 0)
    try:
        reader.word(word.start)
    except Stop:  # not the word of a known command
        return (), ()
    return tuple(reader.parameters), tuple(parse_shell(word.view, start, end) for start, end in reader.ranges)


class _Parser(Lexer):
    """Recursive descent. Every method begins at its first token; most leave the one after their last."""

    __slots__ = ("folds", "view")

    def __init__(self, view: View, start: int, end: int, depth: int) -> None:
        super().__init__(view.text, start, end, depth)
        self.view: Final = view
        self.folds = False  # whether the pipeline just read ends in what sh takes for a background operator

    def substitution(self, start: int) -> int:
        inner = _Parser(self.view, start, self.end, self.depth + 1)
        inner.advance()
        inner.read_list()
        if inner.kind != ")":
            inner.fail()
        return inner.stop

    def fail(self) -> NoReturn:
        """Give up: no shell expects the current token here."""
        raise Stop("syntax", self.start)

    def read_list(self) -> tuple[list[Item], tuple[str, int]]:
        """Read pipelines up to what cannot begin one, and the separator that is left over."""
        items: list[Item] = []
        operator, operator_start = "", self.start
        group = 0  # where in `items` the commands begin that a `&` would send to the background
        self._skip_newlines()
        expected = False  # whether a command must follow
        while True:
            start = self.start
            if self.kind == WORD and self.text[start : self.stop] not in _RESERVED:
                pipeline = self._pipeline(start, self._simple())
            elif expected or self._is_at_command():
                pipeline = self._marked_pipeline()
            else:
                return items, (operator, operator_start)
            items.append(_new(Item, (operator, operator_start if operator else start, pipeline)))
            operator, operator_start = self.kind, self.start
            if self.folds:
                self.folds = False
                _fold(items, group, "bash")
            expected = operator in _CONNECTIVES
            if not expected:
                if operator == "&":
                    _fold(items, group, "background")
                elif operator not in _SEPARATORS:
                    return items, ("", 0)
                group = len(items)
            self.advance()
            if self.kind == "\n":
                self._skip_newlines()

    def _is_at_command(self) -> bool:
        if self.kind == WORD:
            return self.text[self.start : self.stop] not in _CLOSERS
        return self.kind in _OPENERS

    def _skip_newlines(self) -> None:
        while self.kind == "\n":
            self.advance()

    def _marked_pipeline(self) -> Pipeline:
        start, negated = self.start, False
        while self.kind == WORD and self.text[self.start : self.stop] == "!":
            negated = not negated
            self.advance()
        return self._pipeline(start, self._command(), negated=negated)

    def _pipeline(self, start: int, first: SimpleCommand | Opaque, *, negated: bool = False) -> Pipeline:
        """Read the rest of a pipeline."""
        if self.kind not in _PIPES:
            return _new(Pipeline, (start, (first,), negated))
        commands, bash = [first], False
        while self.kind in _PIPES:
            bash = bash or self.kind == "|&"
            self.advance()
            self._skip_newlines()
            commands.append(self._command())
        if bash:
            commands = [Opaque(self.view, start, commands[-1].end, "bash", start)]
        return Pipeline(start, tuple(commands), negated)

    def _command(self) -> SimpleCommand | Opaque:
        start, reason = self.start, ""
        if self.kind == WORD:
            compound = _RESERVED.get(self.text[start : self.stop])
            if not compound:
                return self._simple()
            reason, read = compound
        elif self.kind == "(":
            double = self.text.startswith("(", self.stop, self.end)
            reason, read = ("arithmetic", _Parser._arithmetic_command) if double else ("subshell", _Parser._subshell)
        elif self.kind == REDIRECT:
            return self._simple()
        else:
            self.fail()
        self._descend(start)
        read(self)
        self.depth -= 1
        end = self.stop
        self.advance()
        while self.kind == REDIRECT:
            end = self._redirect().end
            self.advance()
        self.mark = ""
        return Opaque(self.view, start, end, reason, start)

    def _simple(self) -> SimpleCommand | Opaque:
        start, view, text = self.start, self.view, self.text
        words: list[Word] = []
        assignments: list[Assignment] = []
        redirects: list[Redirect] = []
        end = start
        while True:
            if self.kind == WORD:
                may_assign = not words and text.find("=", self.start, self.stop) > 0
                if may_assign and (match := _ASSIGNMENT.match(text, self.start, self.stop)):
                    assignments.append(self._assignment(match))
                else:
                    words.append(_new(Word, (view, self.start, self.stop)))
            elif self.kind == REDIRECT:
                if self.start == end and words and _FD_VARIABLE.fullmatch(words[-1].text):
                    self.mark = self.mark or "bash"
                redirects.append(self._redirect())
            elif self.kind == "(" and self.start == end and text[end - 1] == "=":
                self._array()
            elif self.kind == "(":
                self._function(is_name=len(words) == 1 and not assignments and not redirects)
            else:
                break
            end = self.stop
            if not words:
                self.advance()
                continue
            for token in self.tokens:  # the path that nearly all words take
                if token.lastindex != 1:
                    break
                words.append(_new(Word, (view, token.start(1), token.end(1))))
            self.take(token)
        if words and words[-1].end > end:
            end = words[-1].end
        if self.mark:
            reason, self.mark = self.mark, ""
            return Opaque(view, start, end, reason, start)
        return _new(SimpleCommand, (view, start, end, tuple(assignments), tuple(words), tuple(redirects)))

    def _assignment(self, match: re.Match[str]) -> Assignment:
        if match[2] or match[3]:
            self.mark = self.mark or "bash"  # to sh this is the name of a command
        return Assignment(self.view, self.start, self.stop, match[1], Word(self.view, match.end(), self.stop))

    def _redirect(self) -> Redirect:
        """Read a redirect. Its target stays the current token: a here-document must be known before a newline."""
        start, written = self.start, self.text[self.start : self.stop]
        operator = written.lstrip(_DIGITS)
        self.advance()
        if self.kind != WORD:
            self.fail()
        fd = written[: len(written) - len(operator)]
        if len(fd) > 1:
            self.mark = self.mark or "bash"  # to sh these digits are a word of their own
        if operator.startswith("&"):
            self.mark = self.mark or "bash"
            self.folds = True
        elif operator in _HEREDOCS:
            self.heredocs.append((unquote(self.text[self.start : self.stop]), operator == "<<-"))
        return Redirect(self.view, start, self.stop, fd, operator, Word(self.view, self.start, self.stop))

    def _array(self) -> None:
        """Read `(a b)` after `name=`; the closing parenthesis stays the current token."""
        self.advance()
        while self.kind in _ARRAY_PARTS:
            self.advance()
        if self.kind != ")":
            self.fail()
        self.mark = self.mark or "bash"

    def _function(self, *, is_name: bool) -> NoReturn:
        start = self.start
        if is_name:
            self.advance()
            if self.kind == ")":
                raise Stop("function", start)
        raise Stop("syntax", start)

    # What follows reads compound commands. Each method leaves the last token, such as `fi`, the current one.

    def _is(self, written: str) -> bool:
        return self.text[self.start : self.stop] == written

    def _must_be(self, written: str) -> None:
        if not self._is(written):
            self.fail()

    def _pass(self, written: str) -> None:
        self._must_be(written)
        self.advance()

    def _filled_list(self) -> None:
        if not self.read_list()[0]:
            self.fail()

    def _list_up_to(self, written: str) -> None:
        self._filled_list()
        self._must_be(written)

    def _if(self) -> None:
        while self._is("if") or self._is("elif"):
            self.advance()
            self._list_up_to("then")
            self.advance()
            self._filled_list()
        if self._is("else"):
            self.advance()
            self._filled_list()
        self._must_be("fi")

    def _while(self) -> None:
        self.advance()
        self._list_up_to("do")
        self._do_group()

    def _do_group(self) -> None:
        self._pass("do")
        self._list_up_to("done")

    def _for(self) -> None:
        self.advance()
        if self.kind == "(" and self.text.startswith("(", self.stop, self.end):
            self.jump(self.arithmetic(self.stop + 1))
        elif self.kind != WORD:
            self.fail()
        self.advance()
        if self.kind != ";":
            self._skip_newlines()
            if self._is("in"):
                self.advance()
                while self.kind == WORD:
                    self.advance()
                if self.kind not in _SEPARATORS:
                    self.fail()
        if self.kind == ";":
            self.advance()
        self._skip_newlines()
        self._do_group()

    def _case(self) -> None:
        self.advance()
        if self.kind != WORD:
            self.fail()
        self.advance()
        self._skip_newlines()
        self._pass("in")
        self._skip_newlines()
        while not self._is("esac"):
            self._case_pattern()
            self.read_list()
            if self.kind not in _CASE_ENDS:
                self._must_be("esac")
                return
            self.advance()
            self._skip_newlines()

    def _case_pattern(self) -> None:
        if self.kind == "(":
            self.advance()
        while True:
            if self.kind != WORD:
                self.fail()
            self.advance()
            if self.kind == ")":
                self.advance()
                return
            if self.kind != "|":
                self.fail()
            self.advance()

    def _brackets(self) -> None:
        """Read up to `]]`. To sh, `[[` is a command like any other, so its operators are not known to be inside."""
        start = self.start
        while not self._is("]]"):
            if self.kind in _BRACKETS_END:
                raise Stop("[[", start)
            self.advance()

    def _group(self) -> None:
        self.advance()
        self._list_up_to("}")

    def _subshell(self) -> None:
        self.advance()
        self._list_up_to(")")

    def _arithmetic_command(self) -> None:
        self.jump(self.arithmetic(self.stop + 1))

    def _definition(self) -> None:
        raise Stop("function", self.start)


def _fold(items: list[Item], first: int, reason: str) -> None:
    """Put one opaque pipeline in the place of the items from `first` on."""
    operator, operator_start, pipeline = items[first]
    start = pipeline.start
    opaque = Opaque(pipeline.view, start, items[-1].pipeline.end, reason, start)
    items[first:] = [Item(operator, operator_start, Pipeline(start, (opaque,), False))]


_new: Final = tuple.__new__  # half the cost of calling the class
_RESERVED: Final[dict[str, tuple[str, Callable[[_Parser], None]]]] = {
    "if": ("if", _Parser._if),
    "while": ("while", _Parser._while),
    "until": ("until", _Parser._while),
    "for": ("for", _Parser._for),
    "select": ("select", _Parser._for),
    "case": ("case", _Parser._case),
    "{": ("group", _Parser._group),
    "[[": ("[[", _Parser._brackets),
    "function": ("function", _Parser._definition),
    "!": ("syntax", _Parser.fail),
    **dict.fromkeys(_CLOSERS, ("syntax", _Parser.fail)),
}
