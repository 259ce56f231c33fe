"""The shell parser before its judges, on the RUN and CMD instructions of real Dockerfiles.

Is it shell at all (`bash -n`, `dash -n`)? Is it the same list (bash prints what it parsed)? Is this what a quoted word
means (`printf` in both shells)? Are these the commands that are run (tree-sitter's grammar of bash)?
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import tree_sitter
import tree_sitter_bash

from rewriter import parse
from rewriter.syntax.shell import CommandList, Opaque, Word, parse_shell
from rewriter.syntax.text import view_of
from rewriter.syntax.tree import Run, ShellInstruction
from tests.judges.shell import bash_accepts, dash_accepts, is_installed

CORPUS: Final = Path(os.environ.get("DFIX_CORPUS", "/var/tmp/dockerfile-corpus"))
needs_corpus: Final = pytest.mark.skipif(not CORPUS.is_dir(), reason="DFIX_CORPUS names no folder of real Dockerfiles")
needs_shells: Final = pytest.mark.skipif(not (is_installed("bash") and is_installed("dash")), reason="no bash or dash")

# fmt: off
LITERALS: Final = [
    ("abc", "abc"), ("'a b'", "a b"), ('"a b"', "a b"), ("'a'\"b\"c", "abc"), ('"a\\"b\\x"', 'a"b\\x'),
    ("a\\ b", "a b"), ("'\\'", "\\"), ('"it\'s"', "it's"), ("'*'\\*\"?\"", "**?"), ("''", ""), ("\\$a", "$a"),
    ("'$a'", "$a"), ('"\\$a\\`"', "$a`"), ("a$", "a$"), ('"a$"', "a$"), ("[", "["), ("]", "]"),
    ("{}", "{}"), ("{a}", "{a}"),
    ("'{a,b}'", "{a,b}"), ("a~b", "a~b"), ("'~'/x", "~/x"), ("a#b", "a#b"), ("a=b", "a=b"), ("a\\\nb", "ab"),
    ('"a\\\nb"', "ab"), ("\u00e9'\u2603'", "\u00e9\u2603"), ("a\\\\", "a\\"), ("a\\", "a\\"), ("^!%+,", "^!%+,"),
    ('"$\'"', "$'"), ("a]b[c", "a]b[c"), ("}a,b{", "}a,b{"), ("'a\nb'", "a\nb"), ('"\\\\n"', "\\n"), ("a:b", "a:b"),
]
# fmt: on


def read(text: str) -> CommandList:
    return parse_shell(view_of(text, 0, len(text)), 0, len(text))


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The shell of every RUN and CMD of the corpus, joined; and its heredoc scripts."""
    found: set[str] = set()
    for path in sorted(CORPUS.glob("files/*.Dockerfile")):
        for instruction in parse(path.read_bytes()).instructions:
            if isinstance(instruction, ShellInstruction) and not instruction.json:
                found.add(instruction.shell.text)
            if isinstance(instruction, Run) and instruction.script is not instruction.shell:
                found.add(instruction.script.text)
    return sorted(text for text in found if "\0" not in text)


@needs_corpus
@needs_shells
def test_agrees_with_both_shells_on_what_is_shell(texts: list[str]) -> None:
    refused_by_us, refused_by_all = [], []
    for text, bash, dash in zip(texts, bash_accepts(texts), dash_accepts(texts), strict=True):
        ours = read(text)
        reason = next(ours.opaques()).reason if ours.is_opaque else ""
        if bash and dash and reason in {"syntax", "nesting"}:
            refused_by_us.append(text)
        if not bash and not dash and not reason:
            refused_by_all.append(text)
    assert refused_by_us == []
    assert refused_by_all == []


# Runs nothing: each text becomes the body of a function, which bash then prints as it understood it.
PRINT: Final = """mapfile -d '' -t texts
for text in "${texts[@]}"; do
  unset -f f__; eval "f__ () {
$text
}" 2>/dev/null </dev/null; declare -f f__; printf '\\0'
done"""


@needs_corpus
@needs_shells
def test_reads_the_same_list_as_bash(texts: list[str]) -> None:
    # Bash prints what `$'\n'` means instead of what is written.
    valid = [text for text, good in zip(texts, bash_accepts(texts), strict=True) if good and "$'" not in text]
    asked = "".join(text + "\0" for text in valid).encode("utf-8", "surrogateescape")
    command = [shutil.which("bash") or "bash", "-c", PRINT]
    run = subprocess.run(command, input=asked, capture_output=True, env={"PATH": "/nonexistent"}, check=True)
    printed = run.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    compared = 0
    for text, function in zip(valid, printed, strict=True):
        ours = read(text)
        if function and not ours.is_opaque:
            compared += 1
            assert outline(ours) == outline(read(function.partition("\n{ ")[2].rstrip()[:-1]))
    assert compared > 0.99 * len(valid)


def outline(commands: CommandList) -> list[object]:
    """What must survive bash's printing: everything but the inside of `$( )`, which bash prints its own way too."""
    result: list[object] = []
    for item in commands.items:
        result += ["", item.operator.replace("\n", ";"), item.pipeline.negated]
        for command in item.pipeline.commands:
            if isinstance(command, Opaque):
                result.append(command.reason.replace("background", "bash"))  # a background job ends in `bash` for us
                continue
            words = [*command.words, *(item.value for item in command.assignments)]
            result += ["$(" if "$(" in word.text else word.text for word in words]
            result += [item.name for item in command.assignments]
            for redirect in command.redirects:
                target = "$(" if "$(" in redirect.target.text else redirect.target.text
                fd = redirect.fd or ("0" if redirect.operator.startswith("<") else "1")
                result += [redirect.operator, fd, target]
    return result


@needs_shells
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_quotes_mean_what_the_shell_says(shell: str) -> None:
    check_values(shell, [text for text, _ in LITERALS if not ends_in_backslash(text)])


@needs_corpus
@needs_shells
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_real_words_mean_what_the_shell_says(shell: str, texts: list[str]) -> None:
    words: set[str] = set()
    for text in texts:
        for command in read(text).simple_commands():
            words.update(word.text for word in command.words if word.is_literal)
    check_values(shell, sorted(word for word in words if not ends_in_backslash(word)))


def ends_in_backslash(word: str) -> bool:
    """Whether the word would take in the newline after it."""
    return (len(word) - len(word.rstrip("\\"))) % 2 == 1


def check_values(shell: str, words: list[str]) -> None:
    """Compare the values with what `printf` receives: no word here expands to anything, or the parser is wrong."""
    script = "".join(f"printf '%s\\0' {word}\n" for word in words).encode("utf-8", "surrogateescape")
    command = [shutil.which(shell) or shell]
    run = subprocess.run(command, input=script, capture_output=True, env={"PATH": "/nonexistent"}, check=True)
    values = [Word(view_of(word, 0, len(word)), 0, len(word)).value for word in words]
    assert run.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1] == values


@needs_corpus
def test_finds_the_commands_that_tree_sitter_finds(texts: list[str]) -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language()))
    different: list[str] = []
    compared = 0
    for text in texts:
        ours, theirs = read(text), parser.parse(text.encode("utf-8", "surrogateescape")).root_node
        # These constructs hide commands from us alone.
        hidden = any(opaque.reason in {"background", "bash", "backticks"} for opaque in ours.opaques())
        if theirs.has_error or ours.is_opaque or hidden:
            continue
        compared += 1
        names = {command.words[0].text for command in ours.simple_commands() if command.words}
        if names != tree_sitter_names(theirs) and not tree_sitter_is_wrong(names, tree_sitter_names(theirs)):
            different.append(text)
    assert different == []
    assert compared > 0.98 * len(texts)


def tree_sitter_is_wrong(ours: set[str], theirs: set[str]) -> bool:
    """The disagreements looked into. It splits `a$B$C/d`, runs `{` in `! { a; }`, and takes `["a"]` for a test."""
    split = any("$" in name and name.endswith("$") for name in theirs - ours)
    return split or "{" in theirs or any(name.startswith('["') for name in ours - theirs)


def tree_sitter_names(node: tree_sitter.Node) -> set[str]:
    names: set[str] = set()
    for child in node.children:
        text = (child.text or b"").decode("utf-8", "surrogateescape")
        if child.type in {"list", "program", "pipeline", "redirected_statement", "negated_command"}:
            names |= tree_sitter_names(child)
        elif child.type == "command":
            name = child.child_by_field_name("name")
            names.add((name.text or b"").decode("utf-8", "surrogateescape") if name else "")
        elif child.type == "test_command" and text.startswith("[ "):
            names.add("[")
        elif child.type in {"declaration_command", "unset_command"}:
            names.add(text.split()[0])
    return names
