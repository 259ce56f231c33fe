"""The parser reads as BuildKit does: BuildKit's own test files, and a table of details that are easy to get wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from rewriter import parse
from rewriter.syntax import tree
from rewriter.syntax.text import decode
from rewriter.syntax.tree import Instruction
from tests.judges.buildkit import buildkit_reading, can_judge, own_reading

CORPUS: Final = Path(os.environ.get("DFIX_CORPUS", "/var/tmp/dockerfile-corpus"))
SUITES: Final = CORPUS / "parser-suites"
BUILDKIT: Final = SUITES / "moby__buildkit/frontend/dockerfile/parser"
needs_corpus: Final = pytest.mark.skipif(not SUITES.is_dir(), reason="DFIX_CORPUS names no folder of real Dockerfiles")


def agree(text: str) -> None:
    """Fail unless BuildKit reads the text as we do, or refuses it as we do."""
    ours = parse(text)
    theirs = buildkit_reading(text)
    if isinstance(theirs, str):
        assert ours.problem is not None, f"BuildKit says: {theirs}"
    else:
        assert own_reading(ours) == theirs


# BuildKit's own test files


def folders(name: str) -> list[Path]:
    return sorted(BUILDKIT.glob(f"{name}/*")) if BUILDKIT.is_dir() else []


@needs_corpus
@pytest.mark.parametrize("folder", folders("testfiles"), ids=lambda folder: folder.name)
def test_reads_as_the_expected_dump_says(folder: Path) -> None:
    ours = parse((folder / "Dockerfile").read_bytes())
    assert "\n".join(dump(ours.instructions)) == (folder / "result").read_text("utf-8").rstrip("\n")


@needs_corpus
@pytest.mark.parametrize("folder", folders("testfiles-negative"), ids=lambda folder: folder.name)
def test_refuses_what_buildkit_refuses(folder: Path) -> None:
    assert parse((folder / "Dockerfile").read_bytes()).problem


@needs_corpus
def test_agrees_on_the_files_of_every_other_parser() -> None:
    paths = [path for path in sorted(SUITES.rglob("*")) if path.is_file() and "dockerfile" in path.name.lower()]
    assert paths
    different = []
    for path in paths:
        text = decode(path.read_bytes())
        theirs = buildkit_reading(text) if can_judge(text) else ""
        ours = parse(text)
        if (ours.problem is None) if isinstance(theirs, str) else (own_reading(ours) != theirs):
            different.append(str(path.relative_to(SUITES)))
    assert different == []


def dump(instructions: Sequence[Instruction]) -> Iterator[str]:
    """Our tree in the format of BuildKit's `Node.Dump`."""
    for instruction in instructions:
        yield f"({_node(instruction)})"


def _node(instruction: Instruction) -> str:
    if isinstance(instruction, tree.Onbuild):
        return f"onbuild ({_node(instruction.trigger)})"
    flags = [_quote(flag.text) for flag in instruction.flags]
    head = [instruction.name.lower(), *([f"[{' '.join(flags)}]"] if flags else [])]
    return " ".join([*head, *map(_quote, _values(instruction))])


def _values(instruction: Instruction) -> list[str]:
    if instruction.json is not None:
        kind = [instruction.words[0].text] if isinstance(instruction, tree.Healthcheck) else []
        return kind + [string.value for string in instruction.json]
    match instruction:
        case tree.Env() | tree.Label():
            return [
                part
                for pair in instruction.pairs
                for part in (pair.key.text, pair.value.text, "=" if pair.separator == "=" else "")
            ]
        case tree.Healthcheck():
            return instruction.arguments.split(None, 1)
        case tree.Add() | tree.Copy() | tree.Volume() | tree.Arg() | tree.From() | tree.Expose():
            return [word.text for word in instruction.words]
        case _:
            return [instruction.arguments] if instruction.arguments else []


_GO_ESCAPES: Final = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def _quote(text: str) -> str:
    """The text as Go's strconv.Quote writes it."""
    parts = []
    for character in text:
        if character in '"\\':
            parts.append("\\" + character)
        elif character in _GO_ESCAPES:
            parts.append(_GO_ESCAPES[character])
        elif character.isprintable():
            parts.append(character)
        else:
            parts.append(f"\\x{ord(character):02x}" if ord(character) < 0x80 else f"\\u{ord(character):04x}")
    return '"' + "".join(parts) + '"'


# Details that are easy to get wrong, each against BuildKit itself

CONTINUATIONS: Final = {
    "a comment line that ends in the escape character does not continue": "RUN a \\\n# note \\\n  && b\nRUN c\n",
    "a comment outside an instruction that ends in the escape character": "# note \\\nRUN a\n",
    "blanks after the escape character": "RUN a \\ \t \n  b\n",
    "a form feed after the escape character ends the line": "RUN a \\\f\n  b\n",
    "a doubled escape character does not continue": "RUN a \\\\\nRUN b\n",
    "a trebled escape character": "RUN a \\\\\\\nRUN b\n",
    "the indentation of continuation lines is kept": "RUN a\\\n    b \\\n\tc\n",
    "a word split over a continuation": "RUN echo he\\\nllo\n",
    "a keyword split over a continuation": "RU\\\nN echo\n",
    "a flag split over a continuation": "COPY --chown=a\\\n:b x y\n",
    "an empty continuation line": "RUN a \\\n\n  && b\n",
    "a continuation line of blanks": "RUN a \\\n   \t\n  && b\n",
    "only comments after the escape character": "RUN a \\\n# one\n  # two\nRUN b\n",
    "the escape character at the end of the file": "RUN a \\",
    "the escape character and a newline at the end of the file": "RUN a \\\n",
    "an instruction that is nothing but the escape character": "RUN a\n\\\nRUN b\n",
    "a keyword behind continuation characters": "\\\n\\\nRUN a\n",
    "an indented keyword behind a continuation character": "\\\n\tRUN a\n",
    "a no-break space behind a keyword": "RUN\u00a0\n",
    "an indented instruction": "   \tRUN a\n",
    "a continuation in CRLF": "RUN a \\\r\n  b\r\nRUN c\r\n",
    "a comment inside a continuation in CRLF": "RUN a \\\r\n# note\r\n  b\r\n",
    "mixed newlines": "RUN a \\\r\n  b\nRUN c\r\nRUN d\n",
    "a lone carriage return is no newline": "RUN a\rRUN b\n",
    "a number sign inside a continued line is text": "RUN a # note \\\n  && b\n",
    "a number sign after an instruction is text": "WORKDIR /a # note\n",
    "a no-break space before a keyword": "\u00a0RUN a\n",
    "a no-break space inside arguments": "EXPOSE 80\u00a081 82\n",
    "a line separator is no newline": "RUN a\u2028RUN b\n",
    "a tab between keyword and arguments": "RUN\ta\n",
    "a final line without newline": "RUN a",
}

DIRECTIVES: Final = {
    "escape with a backtick": "# escape=`\nFROM a\nRUN a `\n  b \\\nRUN c\n",
    "escape after an ordinary comment means nothing": "# note\n# escape=`\nFROM a\nRUN a `\nRUN b\n",
    "escape after a blank line means nothing": "\n# escape=`\nFROM a\nRUN a `\nRUN b\n",
    "an unknown directive ends directive parsing": "# color=red\n# escape=`\nFROM a\nRUN a `\nRUN b\n",
    "syntax, then escape": "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN a `\n  b\n",
    "capitals and blanks": "#  EsCaPe  =  `  \nFROM a\nRUN a `\n  b\n",
    "indented": "   # escape=`\nFROM a\nRUN a `\n  b\n",
    "escape twice": "# escape=`\n# escape=\\\nFROM a\n",
    "an escape character that is none": "# escape=x\nFROM a\n",
    "a byte order mark before a directive": "\ufeff# escape=`\nFROM a\nRUN a `\n  b\n",
    "a byte order mark before an instruction": "\ufeffFROM a\nRUN b\n",
    "directives in CRLF": "# escape=`\r\nFROM a\r\nRUN a `\r\n  b\r\n",
    "a directive below the first instruction": "FROM a\n# escape=`\nRUN a `\nRUN b\n",
}

HEREDOCS: Final = {
    "a body": "RUN <<EOF\na\nb\nEOF\nRUN c\n",
    "an empty body": "RUN <<EOF\nEOF\nRUN c\n",
    "directly followed by an instruction": "RUN <<EOF\na\nEOF\nCMD b\n",
    "directly followed by a comment": "RUN <<EOF\na\nEOF\n# note\nCMD b\n",
    "a body line that looks like a comment": "RUN <<EOF\n# not a comment\nEOF\n",
    "a body line that looks like a continuation": "RUN <<EOF\na \\\nEOF\nRUN b\n",
    "tabs before the delimiter with <<-": "RUN <<-EOF\n\ta\n\t\tEOF\nRUN b\n",
    "tabs before the delimiter without the dash": "RUN <<EOF\n\ta\n\tEOF\nEOF\nRUN b\n",
    "blanks before the delimiter": "RUN <<-EOF\n  EOF\nEOF\nRUN b\n",
    "a double quoted delimiter": 'RUN <<"EOF"\n$a\nEOF\n',
    "a single quoted delimiter": "RUN <<'EOF'\n$a\nEOF\n",
    "a delimiter behind a backslash": "RUN <<\\EOF\n$a\nEOF\n",
    "a partly quoted delimiter": "RUN <<E'O'F\n$a\nEOF\n",
    "two on a line": "RUN cat <<A && cat <<B\n1\nA\n2\nB\nRUN c\n",
    "one that opens inside another's body": "RUN <<A\ncat <<B\nx\nB\nA\nRUN c\n",
    "after >>": "RUN cat >> f <<EOF\na\nEOF\nRUN b\n",
    "before a list": "RUN cat <<EOF && b\na\nEOF\nRUN c\n",
    "an interpreter behind it": "RUN <<EOF python3\nprint()\nEOF\n",
    "an interpreter line": "RUN <<EOF\n#!/usr/bin/env python3\nprint()\nEOF\n",
    "under ONBUILD": "ONBUILD RUN <<EOF\na\nEOF\nRUN b\n",
    "COPY with two": "COPY <<a <<b /dst/\n1\na\n2\nb\n",
    "ADD with one": "ADD <<a /dst\n1\na\n",
    "none in JSON form": 'RUN ["a", "<<EOF"]\nRUN b\n',
    "none in ENV": "ENV A=<<EOF\nRUN b\n",
    "none in CMD": "CMD cat <<EOF\nRUN b\n",
    "none inside quotes": 'RUN echo "<<EOF"\nRUN b\n',
    "none behind an open apostrophe": "RUN echo it's <<EOF\nRUN b\n",
    "a here string is none": "RUN cat <<<EOF\nRUN b\n",
    "with a file descriptor": "RUN cat 3<<EOF\na\nEOF\nRUN b\n",
    "a blank between << and the word": "RUN cat << EOF\nRUN b\n",
    "an arithmetic shift is one": "RUN echo $((1<<2))\n2))\nRUN b\n",
    "a shift between blanks is none": "RUN echo $((1 << 2))\nRUN b\n",
    "glued to a word": "RUN cat<<EOF\nRUN b\n",
    "in a continued line": "RUN cat <<EOF \\\n  && b\na\nEOF\nRUN c\n",
    "never closed": "RUN <<EOF\na\n",
    "closed by the last line without newline": "RUN <<EOF\na\nEOF",
    "in CRLF": "RUN <<EOF\r\na\r\nEOF\r\nRUN b\r\n",
    "after flags": "RUN --mount=type=cache,target=/c <<EOF\na\nEOF\nRUN b\n",
    "with a backtick as escape character": "# escape=`\nFROM a\nRUN <<EOF\na `\nEOF\nRUN b\n",
    "a variable as delimiter": "RUN <<$A\na\n$A\nRUN b\n",
}

ARGUMENTS: Final = {
    "JSON form": 'RUN ["a", "b c"]\nCMD ["a"]\nENTRYPOINT [ "a" , "b" ]\nSHELL ["a"]\n',
    "JSON escapes": r'CMD ["a\"b", "\u2603", "\\", "\/", "\t"]' + "\n",
    "JSON surrogate pairs": r'CMD ["\ud83d\ude00", "\ud83d", "x\udc00y"]' + "\n",
    "JSON with single quotes": "CMD ['a', 'b']\n",
    "JSON with a comma too many": 'CMD ["a",]\n',
    "JSON never closed": 'CMD ["a"\n',
    "JSON over two lines": 'CMD ["a", \\\n  "b"]\n',
    "JSON of nothing": "CMD []\nENTRYPOINT []\n",
    "JSON with a tab in a string": 'CMD ["a\tb"]\n',
    "JSON with a number": 'CMD ["a", 1]\n',
    "JSON inside JSON": 'CMD ["a", ["b"]]\n',
    "a test command looks like JSON": "RUN [ -f a ] && b\n",
    "COPY in JSON form": 'COPY ["a b", "c"]\nADD ["a", "/b/"]\nVOLUME ["/a", "/b"]\n',
    "VOLUME of words": "VOLUME /a /b\n",
    "HEALTHCHECK of every form": 'HEALTHCHECK NONE\nHEALTHCHECK CMD a  b\nHEALTHCHECK --interval=1s cmd ["a"]\n',
    "ENV with one pair": "ENV A=b\n",
    "ENV in the old form": "ENV A b  c d\nENV B  c=d\n",
    "ENV with quotes and blanks": "ENV A=\"b c\" D='e f' G=h\\ i\n",
    "ENV with two equals signs": "ENV A==b C=--x=1\n",
    "ENV without a value": "ENV A\n",
    "ENV of both forms at once": "ENV A=b c\n",
    "ENV with a blank before the equals sign": "ENV A =b\n",
    "ENV with nothing behind the equals sign": "ENV A= B=c\n",
    "ENV that ends in the escape character": "ENV A=b\\",
    "ENV that ends in the escape character inside single quotes": "ENV A='b \\\f\nARG A='b \\\f\n",
    "ENV with an open quote": 'ENV A="b c\n',
    "LABEL": 'LABEL a=b "c d"="e f" g=\'h\'\nLABEL i j k\n',
    "ARG": 'ARG A\nARG B=c D\nARG E="f g"\n',
    "MAINTAINER with quotes": 'MAINTAINER "A \\"B\\" <x@y>"\n',
    "flags": "COPY --from=a --chown=b:c --link d e\nADD --keep-git-dir=true --checksum=sha256:1 a b\n",
    "flags end at two dashes": "RUN -- --a b\n",
    "a flag without arguments": "RUN --mount=type=cache\n",
    "quotes in a flag": "RUN --mount=type=bind,source=\"a b\",target='/c' d\n",
    "a backslash in a flag": "COPY --chown=a\\ b c d\n",
    "FROM of every form": "FROM a AS b\nFROM --platform=$X a:b@sha256:c as D\nFROM a\n",
    "lower and mixed case": "run a\nCopy a b\nWorkDir /a\n",
    "ONBUILD": 'ONBUILD COPY --chown=a b c\nonbuild run ["a"]\nONBUILD ENV A=b\n',
    "EXPOSE": "EXPOSE 80 443/tcp $A\n",
    "WORKDIR with blanks": "WORKDIR /a b\n",
    "USER with blanks": "USER a b\n",
    "STOPSIGNAL": "STOPSIGNAL SIGTERM\n",
    "an instruction without arguments": "CMD\n",
    "RUN without arguments": "RUN\n",
    "a long tail of blanks": "RUN a   \t  \n",
}

BUILDKIT_REFUSES_ALL: Final = ("", "\n", "# only a comment\n", "FROM a\n" + "RUN " + "x" * 70_000 + "\n")


@pytest.mark.parametrize("text", [*CONTINUATIONS.values()], ids=[*CONTINUATIONS])
def test_lines_join_as_in_buildkit(text: str) -> None:
    agree("FROM a\n" + text)


@pytest.mark.parametrize("text", [*DIRECTIVES.values()], ids=[*DIRECTIVES])
def test_directives_read_as_in_buildkit(text: str) -> None:
    agree(text)


@pytest.mark.parametrize("text", [*HEREDOCS.values()], ids=[*HEREDOCS])
def test_heredocs_read_as_in_buildkit(text: str) -> None:
    agree(text if "FROM" in text else "FROM a\n" + text)


@pytest.mark.parametrize("text", [*ARGUMENTS.values()], ids=[*ARGUMENTS])
def test_arguments_read_as_in_buildkit(text: str) -> None:
    agree("FROM a\n" + text)


@pytest.mark.parametrize("text", BUILDKIT_REFUSES_ALL, ids=lambda text: text[:12])
def test_what_buildkit_refuses_has_a_problem(text: str) -> None:
    assert isinstance(buildkit_reading(text), str)
    agree(text)


def test_text_behind_a_json_array_makes_it_a_shell_command() -> None:
    """The package carries an older BuildKit, which reads the array and drops the rest."""
    (command,) = parse('CMD ["a"] # note\n').instructions
    assert command.json is None
    assert command.arguments == '["a"] # note'
