"""The shell parser: tables of cases, and what holds for every text. `test_shell_judges` asks real shells."""

from __future__ import annotations

import gc
import sys
import time
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rewriter.syntax.shell import CommandList, Opaque, SimpleCommand, Word, parse_shell
from rewriter.syntax.shell_tree import Assignment, Redirect
from rewriter.syntax.text import Span, View, view_of
from tests.test_shell_judges import LITERALS


def read(text: str) -> CommandList:
    return parse_shell(view_of(text, 0, len(text)), 0, len(text))


def only_word(text: str) -> Word:
    (command,) = read(f"a {text}").simple_commands()
    (word,) = command.arguments
    return word


def show(commands: CommandList) -> str:
    """A list in one line: `·` between the parts of a simple command, `if{...}` for what is opaque."""
    parts = ["whole"] if commands.is_opaque else []
    for item in commands.items:
        shown = [show_command(command) for command in item.pipeline.commands]
        parts += [item.operator, "!" if item.pipeline.negated else "", " | ".join(shown)]
    parts += [commands.terminator, "#" if commands.comment else ""]
    return " ".join(part for part in parts if part).replace("\n", "↵")


def show_command(command: SimpleCommand | Opaque) -> str:
    if isinstance(command, Opaque):
        return f"{command.reason}{{{command.text}}}"
    return "·".join(part.text for part in parts_of(command))


def parts_of(command: SimpleCommand) -> list[Assignment | Word | Redirect]:
    parts: list[Assignment | Word | Redirect] = [*command.assignments, *command.words, *command.redirects]
    return sorted(parts, key=lambda part: part.start)


# fmt: off
LISTS: Final = [
    # lists, pipelines, simple commands
    ("", ""),
    ("a", "a"),
    ("  a  b\t c ", "a·b·c"),
    ("a && b || c; d", "a && b || c ; d"),
    ("a;", "a ;"),
    ("a&&b||c;d|e", "a && b || c ; d | e"),
    ("! a | b && ! ! c", "! a | b && c"),
    ("a # b && c", "a #"),
    ("# a", "#"),
    ("a#b ;#c", "a#b ; #"),
    ("A=1 B='x y' make C=3 >log 2>&1 </dev/null", "A=1·B='x y'·make·C=3·>log·2>&1·</dev/null"),
    ("A=1 && >f && =b", "A=1 && >f && =b"),
    (">f if && A=1 if", ">f·if && A=1·if"),
    ("echo if then { } ! [[ function", "echo·if·then·{·}·!·[[·function"),
    ("'if' x; \\if y", "'if'·x ; \\if·y"),
    ("{a,b} {} }x", "{a,b}·{}·}x"),
    ("a >|b <&3 >&- <>c 2>>d <<<e", "a·>|b·<&3·>&-·<>c·2>>d·<<<e"),
    ("a>b<c", "a·>b·<c"),
    ("a 2 >b a2>b", "a·2·>b·a2·>b"),
    ("time a", "time·a"),
    # scripts
    ("a\n\nb;\n c &&\n\n d |\n e\n", "a ↵ b ; c && d | e ↵"),
    ("a # x\nb # y", "a ↵ b #"),
    ("# x\na", "a"),
    ("a \\\n  b\\\nc", "a·b\\↵c"),
    # here-documents: the body follows when there is another line
    ("a <<EOF && b <<-'X Y'", "a·<<EOF && b·<<-'X Y'"),
    ("a <<EOF && b\n$( '\nEOF\nc", "a·<<EOF && b ↵ c"),
    ("a <<-\\E <<F\n\tx\n\tE\n E\nF\nc", "a·<<-\\E·<<F ↵ c"),
    ("a <<E\nno end\n", "a·<<E ↵"),
    ("x=$(cat <<E\n)\nE\n) && b", "x=$(cat <<E↵)↵E↵) && b"),
    # words that nest
    ("""a "$(b "$(c ")")" d)" && e""", """a·"$(b "$(c ")")" d)" && e"""),
    ("a $(case x in y) b;; (z|w) c; esac) d", "a·$(case x in y) b;; (z|w) c; esac)·d"),
    ("a $(b # )\n) c", "a·$(b # )↵)·c"),
    ("a $((1 + (2) )) $(( $(b) )) c", "a·$((1 + (2) ))·$(( $(b) ))·c"),
    ("a ${b:-c d} ${e:-'}'} \"${f:-'}\" \"${g#'}'}\" ${h:-\"}\"} i",
     "a·${b:-c d}·${e:-'}'}·\"${f:-'}\"·\"${g#'}'}\"·${h:-\"}\"}·i"),
    ("a $$ $# ${#} ${#c} $ \"$\" d$", "a·$$·$#·${#}·${#c}·$·\"$\"·d$"),
    ("a $'b\\n' $\"c\" 'd'\"e\"f\\ g h\\", "a·$'b\\n'·$\"c\"·'d'\"e\"f\\ g·h\\"),
    # compound commands
    ("a && if b; then c; elif d; then e; else f; fi && g", "a && if{if b; then c; elif d; then e; else f; fi} && g"),
    ("for x in a b; do c; done | d; for y; do e; done; for z do f; done",
     "for{for x in a b; do c; done} | d ; for{for y; do e; done} ; for{for z do f; done}"),
    ("for ((i=0; i<3; i++)); do a; done", "for{for ((i=0; i<3; i++)); do a; done}"),
    ("while a; do b; done <f >g; until c; do d; done", "while{while a; do b; done <f >g} ; until{until c; do d; done}"),
    ("case $x in a|b) c;; (d) e; esac; case x in esac", "case{case $x in a|b) c;; (d) e; esac} ; case{case x in esac}"),
    ("(a; b) && { c; }", "subshell{(a; b)} && group{{ c; }}"),
    ("{ (a) } && if (b) then c; fi", "group{{ (a) }} && if{if (b) then c; fi}"),
    ("[[ a && b || ( c ) ]] && d", "[[{[[ a && b || ( c ) ]]} && d"),
    ("((a + 1)) && b", "arithmetic{((a + 1))} && b"),
    ("a `b` && c >`d` && \"`e`\" && f $(g `h`)",
     "backticks{a `b`} && backticks{c >`d`} && backticks{\"`e`\"} && f·$(g `h`)"),
    ("a & b && c & d", "background{a} & background{b && c} & d"),
    ("a &", "background{a} &"),
    # what sh and bash read differently
    ("a |& b && c", "bash{a |& b} && c"),
    ("a && b &>f && c", "bash{a && b &>f} && c"),
    ("a=(b c) && d; export e=(f)", "bash{a=(b c)} && d ; bash{export e=(f)}"),
    ("a <(b) >(c) && d", "bash{a <(b) >(c)} && d"),
    ("a+=1 b; c[0]=1", "bash{a+=1 b} ; bash{c[0]=1}"),
    ("a 12>b; c {d}>e; f ${g}>h", "bash{a 12>b} ; bash{c {d}>e} ; f·${g}·>h"),
    ("a $'b\\'c' d", "whole bash{a $'b\\'c' d}"),
    ("((a); b)", "whole arithmetic{((a); b)}"),
    ("a $[b c]", "whole arithmetic{a $[b c]}"),
    ("[[ a; b", "whole [[{[[ a; b}"),
    # what keeps the whole list from being read
    ("a; f() { b; }; c", "whole function{a; f() { b; }; c}"),
    ("function f { a; }", "whole function{function f { a; }}"),
    ("if a; then f () (b); fi", "whole function{if a; then f () (b); fi}"),
    *((text, f"whole syntax{{{text.strip()}}}") for text in (
        "a &&", "&& a", "a && && b", "a || ; b", "a | && b", "; a", "a ;; b", "a ; ; b", "a; && b", "|a", "a |", "!",
        "& a", "'a", '"a', '"$(a"', "$(a", "${a", "`a", "a $(b ) c)", ")", "(a", "a)", "(a) b", "()", "(a &&)", "a(b)",
        "a (b)", "if a; then b", "if a; fi", "if a; then fi", "then", "a; then b", "fi", "a | done", "! else", "in",
        "{ a; ", "{ }", "}", "{ a }", "if a; then b; done x; then c; fi", "for x in a b do c; done", "for; do a; done",
        "while a; done", "case x in a b", "case x in a) b", "case in", "a >", "a > && b", "a <<", "a 2>&1 >", "$(;)",
        "a &&\n", "a=(b && c)",
    )),
]
UNKNOWN: Final = [
    "$a", '"$a"', "${a}", "$(a)", "`a`", '"`a`"', "$((1))", "*.txt", "a?", "[ab]", "{a,b}", "{1..3}", "~", "~/x",
    "a=~/x", "$'a'", '$"a"', "$1", "$@", "a$b", "$[1]", "'a'$b", "a'b'*", "\"'$a'\"",
]
EXPANSIONS: Final = [
    ("$a", ["a"], []),
    ("'$a'\\$b\"\\$c\"", [], []),
    ("\"$a-${b}'$c'${d:-$e}\"", ["a", "b", "c", "d", "e"], []),
    ("${#a}$#$1${10}${!b}${c%'$d'}", ["a", "#", "1", "10", "b", "c"], []),
    ("$(a $b)\"$(c | d)\"", [], ["a·$b", "c | d"]),
    ("${a:-$(b '$c')}$((d + $e))", ["a", "d", "e"], ["b·'$c'"]),
    ("$$a", ["$"], []),
]
# fmt: on


@pytest.mark.parametrize(("text", "shown"), LISTS)
def test_reads_a_list(text: str, shown: str) -> None:
    assert show(read(text)) == shown


@pytest.mark.parametrize(("text", "value"), LITERALS)
def test_knows_the_value_of_a_literal_word(text: str, value: str) -> None:
    word = only_word(text)
    assert word.is_literal
    assert word.value == value
    assert word.text == text


@pytest.mark.parametrize("text", UNKNOWN)
def test_knows_no_value_of_what_the_shell_expands(text: str) -> None:
    word = Word(view_of(text, 0, len(text)), 0, len(text))  # one with backticks is in no simple command
    assert not word.is_literal
    assert word.value == ""


@pytest.mark.parametrize(("text", "variables", "substitutions"), EXPANSIONS)
def test_says_what_a_word_expands(text: str, variables: list[str], substitutions: list[str]) -> None:
    word = only_word(text)
    assert list(word.variables) == variables
    assert [show(commands) for commands in word.substitutions] == substitutions


def test_names_the_command() -> None:
    commands = list(read("'apt-get' install; $x y; A=1; >f; \\make").simple_commands())
    assert [command.name for command in commands] == ["apt-get", "", "", "", "make"]
    assert [word.text for word in commands[0].arguments] == ["install"]


def test_reads_assignments_and_redirects() -> None:
    (command,) = read("A='b c' 2>&1 x <<-EOF").simple_commands()
    assert [(item.name, item.value.text, item.value.value) for item in command.assignments] == [("A", "'b c'", "b c")]
    redirects = [(item.fd, item.operator, item.target.text) for item in command.redirects]
    assert redirects == [("2", ">&", "1"), ("", "<<-", "EOF")]


@pytest.mark.parametrize(
    ("text", "cause"),
    [("a && 'b", 5), ("a; then", 3), ("a &&", 4), ("a; f() { b; }", 4), ('a "$(b (c))"', 7), ("a) ", 1)],
)
def test_says_where_a_list_stops_making_sense(text: str, cause: int) -> None:
    (opaque,) = read(text).opaques()
    assert opaque.cause_span.start == cause


def test_places_everything_in_the_file() -> None:
    #         0         1          2         3
    #         0123456789012345678 9012345678901234
    source = "  apt-get in\\\nstall a && b >c ; # d"
    commands = parse_shell(View(source.replace("\\\n", ""), (0, 12), (0, 2)), 0, len(source) - 2)
    first, second = commands.simple_commands()
    assert [word.span for word in first.words] == [Span(2, 9), Span(10, 19), Span(20, 21)]
    assert first.words[1].text == "install"
    assert (first.span, second.span, second.redirects[0].span) == (Span(2, 21), Span(25, 29), Span(27, 29))
    assert commands.items[1].operator_span == Span(22, 24)
    assert commands.terminator_span == Span(30, 31)
    assert (commands.comment, commands.span) == (Span(32, 35), Span(2, 35))


# What holds for every text

# fmt: off
PIECES: Final = st.sampled_from([
    "a", "b", " ", "&&", "||", "|", "|&", "&", "&>", ";", "(", ")", "{ ", " }", "if ", " then ", " fi ", "elif ",
    "else ", "for x in ", "while ", "until ", "do ", " done", "case x in ", " esac", "a) ", "[[ ", " ]]", "((", "))",
    " $(", "$((", "${", "${a:-", "}", "`", "'", '"', "\\", "$", "$'", "$[", "=", "a=", "a=(", "<", ">", "2>&1", "<<E ",
    "<<-'E' ", "<(", "\nE\n", "\n", "\\\n", " #", "! ", "~", "*", "[", "{a,b}", "a()", "function ", "\t", "\r",
    "\u00e9", "\x00", "\udcff", "select ", "in ", "2", "time ",
])
# fmt: on
TEXTS: Final = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(max_size=30))


def check_laws(commands: CommandList) -> None:
    view = commands.view
    position = commands.start
    for item in commands.items:
        pipeline = item.pipeline
        assert (item.operator == "") == (item is commands.items[0])
        if item.operator:
            assert view.text.startswith(item.operator, item.operator_start)
            assert position <= item.operator_start <= pipeline.start - len(item.operator)
            position = item.operator_start + len(item.operator)
        assert view.text[pipeline.start : pipeline.end] == pipeline.text
        for command in pipeline.commands:
            assert position <= command.start <= command.end <= commands.end
            assert command.text == command.text.strip(" \t\n") or command.text.endswith("\\" + command.text[-1])
            position = command.end
            if isinstance(command, SimpleCommand):
                check_command(command)
    if commands.terminator:
        assert position <= commands.terminator_start < commands.end
    for start, end in commands.comments:
        assert view.text.startswith("#", start)
        assert commands.start <= start < end <= commands.end
    assert all(opaque.cause_span.start <= commands.end for opaque in commands.opaques())


def check_command(command: SimpleCommand) -> None:
    position = command.start
    for part in parts_of(command):
        assert position <= part.start < part.end
        assert part.text == command.view.text[part.start : part.end]
        position = part.end
    assert position == command.end
    for word in command.words:
        assert word.text[0] not in " \t\n;&|()"
        assert word.is_literal or not word.value
        assert not (word.is_literal and word.substitutions)
        for inner in word.substitutions:
            assert word.start < inner.start <= inner.end < word.end
            assert not inner.is_opaque or next(inner.opaques()).reason != "syntax"
            check_laws(inner)


@example(text="((", before=0, after=1)
@given(text=TEXTS, before=st.integers(0, 3), after=st.integers(0, 3))
@settings(deadline=None, max_examples=400)
def test_reads_any_text(text: str, before: int, after: int) -> None:
    start = min(before, len(text))
    end = max(start, len(text) - after)
    commands = parse_shell(view_of(text, 0, len(text)), start, end)
    check_laws(commands)
    assert show(commands) == show(read(text[start:end])), "what lies outside must not matter"


UNITS: Final = [
    '"',
    '""',
    "'",
    "''",
    "\\",
    "a\\ ",
    "$(",
    "$(a) ",
    '"$(a)"',
    "(",
    "${",
    '"${',
    "$((",
    "((",
    "`",
    "`a` ",
    "<<a ",
    "<<a\n",
    "\"${x:-'",
    "[",
    "{",
    "if a; then ",
    "case a in a) ",
    "a & ",
    "a &>f ",
    "\n",
    "a|",
    "! ",
    "a #b\n",
    "$",
    '"$',
    "a=",
    "a=(b ",
    "$'",
    "<(",
    "a ",
    '"$(a "b") c"',
    '${x:-"a"}',
    "$[",
    "[[ a && ",
    "{a}>b ",
    "\\\n",
    '"a"$(b)',
    '$( "a$(b)" )',
    "a[",
    "$$",
    "a;",
    "\"$(a)'$b'\"",
]


@pytest.mark.parametrize("unit", UNITS)
def test_takes_linear_time(unit: str) -> None:
    few, many = unit * (10_000 // len(unit)), unit * (80_000 // len(unit))
    assert seconds(many) < 24 * seconds(few) + 0.02, "eight times the text took more than 24 times as long"


def seconds(text: str) -> float:
    def once() -> float:
        start = time.process_time()
        for command in read(text).simple_commands():
            for word in command.words:
                assert word.is_literal or not word.value
            assert command.words[-1:] == () or command.words[-1].variables is not None
        return time.process_time() - start

    # Looking for garbage among all that the tests have made takes time that the text is not to blame for.
    gc.disable()
    try:
        return min(once() for _ in range(3))
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "unit", ["(", "((", "$(", '"$(', "${a:-", '"${a:-', "$((", "{ ", "if ", "while ", "case a in a) ", "a <(", "if $("]
)
@pytest.mark.parametrize("depth", [32, 33, 50, 10_000])
def test_survives_any_depth(unit: str, depth: int) -> None:
    frame, used = sys._getframe(), 0
    while frame.f_back:
        frame, used = frame.f_back, used + 1
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(used + 330)
    try:
        commands = read(unit * depth)
    finally:
        sys.setrecursionlimit(limit)
    assert commands.is_opaque


@pytest.mark.parametrize(("opened", "closed"), [("( ", ")"), ("$(", ")"), ("{ ", "; }"), ("${a:-", "}")])
def test_gives_up_beyond_a_depth(opened: str, closed: str) -> None:
    assert not read(opened * 20 + "a" + closed * 20).is_opaque
    assert show(read(opened * 40 + "a" + closed * 40)).startswith("whole nesting{")
