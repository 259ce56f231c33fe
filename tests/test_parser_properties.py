"""What holds of the parser for every input, whatever it is."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rewriter import parse
from rewriter.syntax.text import encode
from rewriter.syntax.tree import Dockerfile, Instruction, Onbuild
from rewriter.syntax.words import Flag, Word
from tests.judges.buildkit import buildkit_reading, can_judge, own_reading

lenient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Text that looks like a Dockerfile, made of the pieces that parsers disagree about.

# fmt: off
BLANK = st.sampled_from(["", " ", "  ", "\t", " \t", "\u00a0", "\f"])
NEWLINE = st.sampled_from(["\n", "\n", "\n", "\r\n", "\n\n", "\r\r\n"])
WORD = st.sampled_from([
    "a", "b", "/srv", "A=b", "A='b c'", 'A="b', "=", "$A", "${A:-b}", "it's", '"x y"', "'", '"', "\\", "\\\\", "`",
    "``", "&&", "|", ";", "#", "# x", "<<EOF", "<<-EOF", "<<'EOF'", '<<"A B"', "<<\\EOF", "3<<X", "<<<X", "<<", "<<E$X",
    "-", "--", "--from=a", "--chown=b:c", "--link", "--mount=type=cache,target=/x", '--a="b c"', "--a=b\\ c", "$(", ")",
    "{", "}", "[", "]", "CMD", "NONE", "AS", "\u00e9", "\u2603", "\U0001f600", "\u0660", "\ufeff",
])
JSON = st.sampled_from([
    "[]", '["a"]', '["a", "b c"]', '[ "a" ,"\\u2603" ]', "['a']", '["a",]', '["a"', '["\\x"]', "[1]", '["a", 1]',
    '[["a"]]', '["a\\tb", "<<EOF"]', "[null]", '["\u00e9"]', "[ ]", "[ -f a ]",
])
KEYWORD = st.sampled_from([
    "FROM", "RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "ENV", "LABEL", "ARG", "EXPOSE", "USER", "VOLUME", "WORKDIR",
    "SHELL", "HEALTHCHECK", "STOPSIGNAL", "MAINTAINER", "ONBUILD", "ONBUILD RUN", "ONBUILD COPY", "ONBUILD ENV", "run",
    "Copy", "onbuild cmd", "FOO", "HEALTHCHECK CMD",
])
COMMENT = st.sampled_from(
    ["#", "# note", "  # note", "# note \\", "# it's `", "#!x", "\t#", "# escape=`", "# syntax=x"]
)
DIRECTIVE = st.sampled_from([
    "# escape=`", "# escape=\\", "#escape = `", "# syntax=a/b:1", "# color=red", "# note", "# ESCAPE=`", "# escape=x",
    "  # escape=`", "# escape=`  ",
])
BODY_LINE = st.sampled_from(
    ["a", "EOF", "\tEOF", " EOF", "X", "A B", "# b", "RUN c", "", "\\", "a \\", "EOF ", "<<EOF"]
)
BYTES = st.sampled_from([
    b"RUN ", b"a", b"\\", b"`", b"\n", b"\r", b"#", b"<<", b"EOF", b"\xff", b"\xc3", b'"', b"'", b"[", b"]", b" ",
    b"\t", b"FROM", b"=", b"$", b"{", b"\xef\xbb\xbf", b"\x00", b"\x0c", b"ONBUILD ", b"--",
])
# fmt: on


@st.composite
def instruction(draw: st.DrawFn, escape: str) -> str:
    """An instruction with its continuation lines, comments between them, and lines that may be a heredoc's."""
    newline = draw(NEWLINE)
    parts = [draw(BLANK), draw(KEYWORD), draw(st.sampled_from([" ", " ", "  ", "\t", ""]))]
    if draw(st.booleans()) and draw(st.booleans()):
        parts.append(draw(JSON))
    else:
        for word in draw(st.lists(WORD, max_size=5)):
            parts.append(word)
            if draw(st.integers(0, 4)) == 0:
                tail = draw(st.sampled_from([escape, escape + escape, escape + " ", escape + "\t", escape + "\f"]))
                parts.append(draw(BLANK) + tail + draw(NEWLINE))
                parts += [line + draw(NEWLINE) for line in draw(st.lists(st.one_of(COMMENT, BLANK), max_size=2))]
                parts.append(draw(BLANK))
            else:
                parts.append(draw(st.sampled_from([" ", " ", "", "  ", "\t"])))
    parts.append(draw(BLANK) + newline)
    if "<<" in "".join(parts):
        parts += [line + newline for line in draw(st.lists(BODY_LINE, max_size=4))]
        parts.append(draw(st.sampled_from(["EOF", "X", "A B", ""])) + newline)
    return "".join(parts)


@st.composite
def dockerfiles(draw: st.DrawFn) -> str:
    """A Dockerfile, or something that looks like one."""
    parts = [draw(st.sampled_from(["", "", "", "\ufeff"]))]
    head = draw(st.lists(DIRECTIVE, max_size=3))
    begin = draw(st.sampled_from(["FROM a\n", "FROM a AS b\n", "ARG A\nFROM a\n", ""]))
    if begin and draw(st.integers(0, 9)) == 0:
        head.append("# check=skip=all")  # the last directive, because the BuildKit of the package ends there
    parts += [line + draw(NEWLINE) for line in head]
    escape = "`" if any("`" in line for line in head) else "\\"
    parts.append(begin)
    parts += draw(st.lists(st.one_of(instruction(escape), COMMENT.map(lambda line: line + "\n"), NEWLINE), max_size=6))
    text = "".join(parts)
    return text[:-1] if draw(st.booleans()) else text


def assert_lossless(data: bytes) -> Dockerfile:
    dockerfile = parse(data)
    assert encode(dockerfile.text) == data
    assert "".join(node.text for node in dockerfile.nodes) == dockerfile.text
    position = 0
    for number, node in enumerate(dockerfile.nodes):
        assert (node.index, node.start) == (number, position)
        assert node.end > node.start
        position = node.end
    assert "".join(dockerfile.text[token.start : token.end] for token in dockerfile.tokens) == dockerfile.text
    return dockerfile


def read_everything(dockerfile: Dockerfile) -> None:
    """Ask for all that is read late, and check that each piece says where it stands."""
    _ = dockerfile.problem
    for node in dockerfile.instructions:
        inner: Instruction = node.trigger if isinstance(node, Onbuild) else node
        parts: list[Word | Flag] = [node.keyword, *inner.flags, *inner.words]
        for part in parts:
            assert node.span.contains(part.span)
            if inner.view.is_contiguous(part.start, part.end):
                assert dockerfile.text[part.span.start : part.span.end] == part.text
        assert all(node.span.contains(comment.span) for comment in node.comments)
        for heredoc in node.heredocs:
            assert heredoc.body.end == heredoc.terminator.start <= heredoc.terminator.end <= node.end
        _ = inner.json
        shell = getattr(inner, "shell", None)
        if shell is not None:
            for command in shell.simple_commands():
                assert node.span.contains(command.span)


@given(st.binary(max_size=300))
@settings(lenient, max_examples=400)
def test_any_bytes_round_trip(data: bytes) -> None:
    read_everything(assert_lossless(data))


@given(st.lists(BYTES, max_size=60))
@settings(lenient, max_examples=600)
def test_bytes_of_dockerfiles_round_trip(pieces: list[bytes]) -> None:
    read_everything(assert_lossless(b"".join(pieces)))


@given(dockerfiles())
@settings(lenient, max_examples=600)
def test_text_like_a_dockerfile_round_trips(text: str) -> None:
    read_everything(assert_lossless(text.encode("utf-8", "surrogateescape")))


def has_garbled_flag(dockerfile: Dockerfile) -> bool:
    """Whether a flag holds more than ASCII: BuildKit takes it apart byte by byte, and our rules refuse most of them."""
    nodes = [node.trigger if isinstance(node, Onbuild) else node for node in dockerfile.instructions]
    return any(not flag.text.isascii() for node in (*nodes, *dockerfile.instructions) for flag in node.flags)


def has_text_behind_an_array(dockerfile: Dockerfile) -> bool:
    """Whether text follows a JSON array: BuildKit takes all of it for a shell command, the binding's own did not yet.

    Seen in a build with Docker 28.5: `CMD ["echo", "hi"] x` is run by `/bin/sh -c`.
    """
    nodes = [node.trigger if isinstance(node, Onbuild) else node for node in dockerfile.instructions]
    return any(_starts_with_array(node.arguments) for node in nodes if node.json is None)


def _starts_with_array(text: str) -> bool:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list)


@given(dockerfiles())
@example("FROM a\nRUN []a\n")
@settings(lenient, max_examples=1500)
def test_text_like_a_dockerfile_reads_as_in_buildkit(text: str) -> None:
    if not can_judge(text):
        return
    ours, theirs = parse(text), buildkit_reading(text)
    if isinstance(theirs, str):
        assert ours.problem is not None, f"BuildKit says: {theirs}"
    elif ours.syntax_problem is None and not (has_garbled_flag(ours) or has_text_behind_an_array(ours)):
        assert own_reading(ours) == theirs
