"""The command line, as a user meets it: options, exit codes, what goes to which stream, and how it reads."""

from __future__ import annotations

import errno
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from rewriter import __main__, __version__, batch, cli, config, files, session
from rewriter.batch import Batch
from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, FileEdit, Fix, Fixer, Level, Skip, fixer
from rewriter.fixing.registry import load_fixers
from rewriter.model.context.build_context import BuildContext
from rewriter.syntax.tree import Dockerfile, From
from tests.command import ENVIRONMENT, PROGRAM, Ran, dfix, process

LOOSE = "FROM debian:12-slim\nrun true\n"
TIDY = "FROM debian:12-slim\nRUN true\n"
BROKEN = "FROM debian:12-slim\nFOO\n"
FINDING = "DF601 instruction-casing (safe): run is spelled RUN like its neighbours"


@pytest.fixture
def loose(here: Path) -> Path:
    """A Dockerfile with one thing to fix."""
    return put(here / "Dockerfile", LOOSE)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def git_takes(diff: bytes, folder: Path) -> None:
    subprocess.run(["git", "apply", "--check"], input=diff, cwd=folder, check=True)


# Usage


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",), ("fix", "--help")])
def test_help_lists_all_options(arguments: tuple[str, ...]) -> None:
    ran = dfix(*arguments)
    assert (ran.code, ran.err) == (0, "")
    for word in (
        "--diff",
        "--write",
        "--extend-select",
        "--check",
        "--show-skips",
        "PATHS are files",
        "dfix rule",
        "Exit codes: 0",
    ):
        assert word in ran.text


def test_version() -> None:
    assert dfix("--version") == Ran(0, f"dfix {__version__}\n".encode(), "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--nope",), "No such option: --nope"),
        (("--diff", "--chek", "."), "No such option: --chek"),
        (("--select",), "--select"),
        (("--select", "", "."), "a code is empty"),
        (("--select", "DF601,,DF602", "."), "a code is empty"),
        (("--select", "DF9999", "."), "no fixer answers to 'DF9999'; `dfix rule` lists them all"),
        (("--ignore", "tidiness", "nowhere"), "no fixer answers to 'tidiness'"),
        (("--level", "opt_in", "."), "'opt_in' is not one of safe, guarded, opt-in"),
        (("--output-format", "xml", "."), "'xml' is not one of text, json"),
        (("--context", "nowhere", "."), "there is no folder nowhere"),
        (("--check", "--write", "."), "use one of them"),
        (("--diff", "--write", "-"), "use one of them"),
        (("--stdin-filename", "x/Dockerfile", "."), "add - as a path"),
        (("rule", "--nope"), "No such option: --nope"),
        (("rule", "DF601", "DF9999"), "no fixer answers to 'DF9999'"),
    ],
)
@pytest.mark.usefixtures("here")
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    ran = dfix(*arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_rules_are_listed_and_explained() -> None:
    listed = dfix("rule")
    assert listed.code == 0
    assert all(line.startswith("DF") for line in listed.text.splitlines())
    one = dfix("rule", "DF601")
    assert one.text.startswith("DF601 instruction-casing\n====")
    assert "Level: safe." in one.text
    assert "+RUN echo hello\n" in one.text
    assert one.text.endswith("# dfix: ignore[DF601] reason\n")
    assert dfix("rule", "instruction-casing") == dfix("rule", "ConsistentInstructionCasing") == one
    several = dfix("rule", "DF601", "DF60").text
    assert several.count("\nExample:\n") == sum(line.startswith("DF60") for line in listed.text.splitlines())


def test_a_folder_named_like_a_subcommand(here: Path) -> None:
    put(here / "rule/Dockerfile", LOOSE)
    assert b"b/rule/Dockerfile" in dfix("./rule").out
    assert b"b/rule/Dockerfile" in dfix("--diff", "rule").out
    assert b"b/rule/Dockerfile" in dfix("fix", "rule").out
    assert dfix("rule").text.startswith("DF")


# Diffs, findings, rewriting


def test_a_diff_is_the_default_and_all_there_is_on_standard_output(loose: Path) -> None:
    ran = dfix("Dockerfile")
    assert ran.code == 1
    assert (
        ran.text == "--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,2 @@\n FROM debian:12-slim\n-run true\n+RUN true\n"
    )
    git_takes(ran.out, loose.parent)
    assert ran == dfix("--diff", "Dockerfile") == dfix("--diff") == dfix("--diff", "--show-skips", ".")
    assert ran.err.splitlines()[0] == "1 of 1 file would change: 1 fix."
    assert "  1 DF601 instruction-casing  Spell every instruction in the case" in ran.err
    assert "--write" in ran.err
    assert loose.read_text() == LOOSE


@pytest.mark.usefixtures("loose")
def test_a_check_lists_the_findings_on_standard_output() -> None:
    ran = dfix("--check", ".")
    assert (ran.code, ran.text) == (1, f"Dockerfile:2:1: {FINDING}\n")
    assert ran.err.startswith("1 of 1 file would change: 1 fix.\n")
    both = dfix("--check", "--diff")
    assert both == dfix("--diff"), "a diff stays a diff"


def test_writing_and_nothing_left_to_do(loose: Path) -> None:
    ran = dfix("--write", "Dockerfile")
    assert (ran.code, ran.out) == (0, b"")
    assert ran.err.splitlines()[:2] == ["rewrote Dockerfile: 1 fix", "1 of 1 file changed: 1 fix."]
    assert loose.read_text() == TIDY
    for mode in ("--diff", "--write", "--check"):
        assert dfix(mode, "Dockerfile") == Ran(0, b"", "1 file checked, nothing to change.\n")


def test_a_diff_of_what_is_written(loose: Path) -> None:
    shown = dfix("--diff")
    written = dfix("--diff", "--write")
    assert (written.code, written.out) == (0, shown.out)
    assert loose.read_text() == TIDY


def test_skips_are_counted_and_shown_on_request(here: Path) -> None:
    put(here / "Dockerfile", "FROM example.com/base\n# dfix: ignore[DF601] on purpose\nrun true\nWORKDIR x\n")
    plain = dfix("--check", "--select", "DF601,DF404")
    assert (plain.code, plain.out) == (0, b"")
    assert "1 finding was left alone; --show-skips says why" in plain.err
    shown = dfix("--check", "--show-skips", "--select", "DF601,DF404")
    assert "Dockerfile:3:1: DF601 instruction-casing skipped: ignored by the comment in line 2\n" in shown.text
    assert "Dockerfile:4:1: DF404 relative-workdir skipped: " in shown.text
    diff = dfix("--diff", "--show-skips", "--select", "DF601,DF404")
    assert diff.out == b""
    assert "DF404 relative-workdir skipped: " in diff.err


def test_a_named_file_that_is_refused_counts_while_others_change(here: Path) -> None:
    put(here / "Dockerfile", LOOSE)
    bad = put(here / "bad", BROKEN)
    for mode in ("--diff", "--check", "--write"):
        ran = dfix(mode, "bad", "Dockerfile")
        assert ran.code == 2
        assert "error: bad:2:1: unknown instruction: FOO\n" in ran.err
        assert "1 of 1 file " in ran.err
    assert (here / "Dockerfile").read_text() == TIDY
    assert bad.read_text() == BROKEN


def test_a_broken_file_found_in_a_folder_is_a_warning(here: Path) -> None:
    put(here / "bad/Dockerfile", BROKEN)
    ran = dfix("--check", ".")
    assert (ran.code, ran.err) == (0, "warning: bad/Dockerfile:2:1: unknown instruction: FOO\n")
    put(here / "Dockerfile", LOOSE)
    assert dfix("--check", ".").code == 1
    assert dfix("--write", ".").code == 0


def test_a_write_that_fails_is_no_change(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(loose.parent / "Dockerfile.b", LOOSE)
    write = files.write_all

    def full(changes: dict[str, tuple[bytes | None, bytes]]) -> None:
        if "Dockerfile" in changes:
            raise files.FileError("Dockerfile", "no space left on the device")
        write(changes)

    monkeypatch.setattr(files, "write_all", full)
    ran = dfix("--write", ".")
    assert ran.code == 2
    assert ran.err.startswith(
        "error: Dockerfile: no space left on the device\nrewrote Dockerfile.b: 1 fix\n1 of 1 file"
    )
    assert loose.read_text() == LOOSE


def test_the_second_reader_has_a_say_before_a_file_is_saved(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rewriter.second_reader.disagreement", lambda *_: "instruction 2: it reads something else")
    ran = dfix("--write", "Dockerfile")
    assert (ran.code, loose.read_text()) == (2, LOOSE)
    assert "left as it is, please report this: instruction 2" in ran.err


@pytest.mark.usefixtures("here")
def test_nothing_found() -> None:
    ran = dfix(".")
    assert (ran.code, ran.out) == (0, b"")
    assert ran.err.startswith("No Dockerfile found")


# Standard input


def test_standard_input(here: Path) -> None:
    diff = dfix("-", stdin=LOOSE.encode())
    assert diff.code == 1
    assert diff.text.startswith("--- a/<stdin>\n+++ b/<stdin>\n")
    named = dfix("-", "--stdin-filename", "app/Dockerfile", stdin=LOOSE.encode())
    assert named.text.startswith("--- a/app/Dockerfile\n")
    checked = dfix("--check", "-", "--stdin-filename", "app/Dockerfile", stdin=LOOSE.encode())
    assert checked.text == f"app/Dockerfile:2:1: {FINDING}\n"
    written = dfix("--write", "-", stdin=LOOSE.encode())
    assert (written.code, written.text) == (0, TIDY)
    assert not list(here.iterdir())


def test_standard_input_comes_out_whole_whatever_happens() -> None:
    for data in (TIDY.encode(), BROKEN.encode(), b"", b"FROM {{ base }}\n", b"\xff\xfe\n"):
        ran = dfix("--write", "-", stdin=data)
        assert ran.out == data
        assert ran.code == (0 if data == TIDY.encode() else 2)


def test_standard_input_and_files(loose: Path) -> None:
    ran = dfix("--write", "-", "Dockerfile", stdin=LOOSE.encode())
    assert (ran.code, ran.text, loose.read_text()) == (0, TIDY, TIDY)


def test_the_folder_of_standard_input_rules(here: Path) -> None:
    put(here / "app/dfix.toml", 'ignore = ["DF601"]\n')
    assert dfix("-", "--stdin-filename", "app/Dockerfile", stdin=LOOSE.encode()).code == 0
    assert dfix("-", "--stdin-filename", "other/Dockerfile", stdin=LOOSE.encode()).code == 1


@pytest.mark.usefixtures("here")
def test_standard_input_that_cannot_be_read() -> None:
    ran = process("-", program=["sh", "-c", 'exec "$@" <&-', "sh", *PROGRAM])
    assert (ran.returncode, ran.stderr) == (2, b"error: <stdin>: standard input is closed\n")


# Bytes and names


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_every_byte_comes_out_as_it_went_in(here: Path, newline: bytes) -> None:
    data = newline.join([b"\xef\xbb\xbfFROM debian:12-slim", b"# caf\xe9 \xff\x0c \xc3\xa9", b"run echo '\xe9'"])
    fixed = data.replace(b"run", b"RUN")
    (here / "Dockerfile").write_bytes(data)
    ran = dfix("Dockerfile")
    assert b"-run echo '\xe9'\n\\ No newline at end of file\n" in ran.out.replace(b"\r", b"")
    assert b" # caf\xe9 \xff\x0c \xc3\xa9" + newline in ran.out
    git_takes(ran.out, here)
    assert "warning: Dockerfile:2:6: a byte that is not UTF-8 (0xe9); dfix keeps such bytes as they are" in ran.err
    assert dfix("--write", "-", stdin=data).out == fixed
    dfix("--write", "Dockerfile")
    assert (here / "Dockerfile").read_bytes() == fixed


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a b", "a b"),
        ("ä".encode(), "ä"),
        (b"a\nb", "a\\nb"),
        (b"a\xff", "a\\xff"),
        (b"\x1b[31m", "\\x1b[31m"),
        ("\u2028".encode(), "\\u2028"),
    ],
)
def test_odd_names(here: Path, name: bytes, shown: str) -> None:
    path = os.fsencode(here) + b"/Dockerfile." + name
    with open(path, "wb") as file:
        file.write(LOOSE.encode())
    diff = dfix(".")
    git_takes(diff.out, here)
    assert dfix("--check", ".").text == f"Dockerfile.{shown}:2:1: {FINDING}\n"
    assert json.loads(dfix("--output-format", "json", ".").out)["files"][0]["path"] == os.fsdecode(
        b"Dockerfile." + name
    )
    assert dfix("--write", ".").err.startswith(f"rewrote Dockerfile.{shown}: 1 fix\n")
    with open(path, "rb") as file:
        assert file.read() == TIDY.encode()


def test_control_characters_in_messages_do_not_reach_the_terminal(here: Path) -> None:
    put(here / "Dockerfile", "FROM debian:12-slim\nFOO\x1b[31m x\n")
    ran = dfix("Dockerfile")
    assert (ran.code, "\x1b" in ran.err) == (2, False)


# JSON


def test_json(here: Path) -> None:
    put(here / "Dockerfile", "FROM example.com/base\nrun true\nWORKDIR x\n")
    put(here / "bad/Dockerfile", BROKEN)
    ran = dfix("--output-format", "json", "--select", "DF601,DF404", ".", "nowhere")
    assert (ran.code, ran.err) == (2, "")
    first, second, third = ran.document["files"]
    assert (first["path"], first["changed"], first["written"], first["error"]) == ("Dockerfile", True, False, None)
    assert first["diff"].encode() == dfix("--select", "DF601", "Dockerfile").out
    assert first["fixes"] == [
        {
            "code": "DF601",
            "name": "instruction-casing",
            "level": "safe",
            "message": "run is spelled RUN like its neighbours",
            "line": 2,
            "column": 1,
            "end_line": 2,
        }
    ]
    assert [skip["code"] for skip in first["skips"]] == ["DF404"]
    assert (second["failed"], third["failed"]) == (False, True)
    error = {"path": "bad/Dockerfile", "message": "unknown instruction: FOO", "line": 2, "column": 1}
    assert second["error"] == error
    assert third["error"]["line"] == 0
    summary = {"files": 3, "changed": 1, "written": 0, "fixes": 1, "skips": 1, "errors": 2}
    assert ran.document["summary"] == summary


@pytest.mark.parametrize("mode", ["--check", "--diff", "--write"])
@pytest.mark.usefixtures("loose")
def test_json_is_one_document_in_every_mode(mode: str) -> None:
    ran = dfix(mode, "--output-format", "json", "--show-skips", "Dockerfile")
    assert ran.code == (0 if mode == "--write" else 1)
    assert ran.document["files"][0]["written"] is (mode == "--write")
    again = dfix(mode, "--output-format", "json", "-", stdin=b"FROM a\nrun true # \xe9\n").document["files"][0]
    assert (again["changed"], again["written"]) == (True, False)
    assert again["text"] == ("FROM a\nRUN true # \udce9\n" if mode == "--write" else None)
    assert dfix(mode, "--output-format", "json", "nowhere").document["summary"]["errors"] == 1


# Which fixers run


def test_the_selection_of_the_command_line_wins(loose: Path) -> None:
    put(loose.parent / "dfix.toml", 'ignore = ["DF60"]\nlevel = "safe"\n')
    assert dfix("Dockerfile").code == 0
    assert dfix("--select", "DF602", "Dockerfile").code == 0
    assert dfix("--select", "DF601", "Dockerfile").code == 1, "its code, although the file ignores its prefix"
    assert dfix("--select", "instruction-casing", "Dockerfile").code == 1
    assert dfix("--select", "DF6", "Dockerfile").code == 0, "what the file ignores is left out of a group"
    assert dfix("--select", "DF601", "--ignore", "DF6", "Dockerfile").code == 0


def test_a_selection_wins_over_the_level(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "load_fixers", lambda: (bold,))
    assert dfix("Dockerfile").code == 0
    assert dfix("--level", "safe", "Dockerfile").code == 0
    assert dfix("--level", "opt-in", "Dockerfile").code == 1
    assert dfix("--level", "safe", "--select", "DF991", "Dockerfile").code == 1
    put(loose.parent / "dfix.toml", 'select = ["DF991"]\n')
    assert dfix("Dockerfile").code == 1
    assert dfix("--level", "safe", "Dockerfile").code == 0, "a level of the command line wins over a file's selection"


def test_a_fixer_can_be_added_to_those_that_run_anyway(loose: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = (*load_fixers(), bold)
    monkeypatch.setattr(session, "load_fixers", lambda: known)

    def codes(*options: str) -> set[str]:
        return {
            fix["code"] for fix in dfix("--output-format", "json", *options, "Dockerfile").document["files"][0]["fixes"]
        }

    usual = codes()
    assert usual
    assert "DF991" not in usual
    assert codes("--extend-select", "DF991") == usual | {"DF991"}
    assert codes("--extend-select", "DF991", "--level", "safe") == codes("--level", "safe") | {"DF991"}
    assert codes("--select", "DF601", "--extend-select", "DF991") == {"DF601", "DF991"}
    assert codes("--extend-select", "DF991", "--ignore", "DF991") == usual
    put(loose.parent / "dfix.toml", 'extend-select = ["DF991"]\n')
    assert codes() == usual | {"DF991"}
    assert codes("--level", "safe") == codes("--level", "safe", "--ignore", "DF991"), "a level of the command line wins"
    assert codes("--select", "DF601") == {"DF601"}, "a selection of the command line replaces it"
    put(loose.parent / "dfix.toml", 'select = ["DF601"]\nignore = ["DF991"]\n')
    assert codes("--extend-select", "DF991") == {"DF601", "DF991"}, "its code, although the file ignores it"


# Configuration


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('level = "safe"\nselct = []\n', 'dfix.toml:2: unknown key "selct"; did you mean "select"?'),
        ('level = "safe\n', "dfix.toml:1:14: not valid TOML"),
        ('select = [\n  "DF601",\n  "DF9999",\n]\n', "dfix.toml:3:3: select: no fixer answers to 'DF9999'"),
        ("extend-select = ['DL1']", "dfix.toml:1:18: extend-select: no fixer answers to 'DL1'"),
        ("ignore = ['DL1']", "dfix.toml:1:11: ignore: no fixer answers to 'DL1'"),
    ],
)
@pytest.mark.parametrize("named", [".", "Dockerfile"])
def test_mistakes_in_the_configuration(loose: Path, text: str, message: str, named: str) -> None:
    put(loose.parent / "dfix.toml", text)
    ran = dfix("--write", named)
    assert (ran.code, ran.out, loose.read_text()) == (2, b"", LOOSE)
    assert ran.err.startswith(f"error: {message}")


def test_a_mistake_in_one_configuration_does_not_stop_the_others(here: Path) -> None:
    for path in ("a/Dockerfile", "b/Dockerfile", "b/c/Dockerfile", "d/Dockerfile"):
        put(here / path, LOOSE)
    put(here / "b/dfix.toml", "level = 3\n")
    ran = dfix("--write", ".")
    assert ran.code == 2
    assert ran.err.count("error: b/dfix.toml:1: level must be") == 1
    assert [(here / path / "Dockerfile").read_text() for path in ("a", "b", "b/c", "d")] == [TIDY, LOOSE, LOOSE, TIDY]


def test_an_explicit_configuration(loose: Path) -> None:
    put(loose.parent / "dfix.toml", "broken")
    put(loose.parent / "other.toml", 'ignore = ["DF601"]\n')
    assert dfix("--config", "other.toml", ".").code == 0
    missing = dfix("--config", "nowhere.toml", ".")
    assert missing.code == 2
    assert missing.err.startswith("error: nowhere.toml: no such file")


def test_excluded_files(here: Path) -> None:
    for path in ("Dockerfile", "old/Dockerfile", "app/Dockerfile", "app/old/Dockerfile", "app/gen/Dockerfile"):
        put(here / path, LOOSE)

    def found(*arguments: str | Path) -> list[str]:
        return [line.split(":")[0] for line in dfix("--check", *arguments).text.splitlines()]

    assert found("--exclude", "old/", "--exclude", "/app/gen", ".") == ["Dockerfile", "app/Dockerfile"]
    put(here / "dfix.toml", 'exclude = ["/old"]\n')
    assert found(".") == ["Dockerfile", "app/Dockerfile", "app/gen/Dockerfile", "app/old/Dockerfile"]
    assert found("old/Dockerfile", "old") == ["old/Dockerfile"], "what is named is taken"
    put(here / "app/dfix.toml", 'exclude = ["/gen"]\n')
    assert found(".") == ["Dockerfile", "app/Dockerfile", "app/old/Dockerfile"], "the nearest file rules"
    assert found("app") == ["app/Dockerfile", "app/old/Dockerfile"]
    put(here.parent / "elsewhere/a/Dockerfile", LOOSE)
    put(here.parent / "elsewhere/dfix.toml", 'exclude = ["a"]\n')
    assert found(here.parent / "elsewhere") == [], "that of a named folder, not of the current one"


def test_the_build_context_of_the_command_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "load_fixers", lambda: (nosy,))
    put(here / "a/Dockerfile", LOOSE)
    put(here / "b/file", "")
    (here / "b/.dockerignore").touch()
    assert dfix("--context", "b", "a/Dockerfile").code == 0
    assert dfix("--context", "a", "a/Dockerfile").code == 1


# Other files of the build context


def whole(node: Dockerfile) -> From:
    return next(instruction for instruction in node.instructions if isinstance(instruction, From))


@fixer(code="DF991", name="bold", level=Level.OPT_IN, phase="stages", example=Example("", ""))
def bold(first: From) -> Iterator[Fix | Skip]:
    """Use another base image."""
    if first.image.text == "debian:12-slim":
        yield Fix(first, "a better image", [replace(first.image, "debian:13-slim")])


@fixer(code="DF992", name="nosy", level=Level.SAFE, phase="companions", example=Example("", ""))
def nosy(dockerfile: Dockerfile, context: BuildContext) -> Iterator[Fix | Skip]:
    """Keep the own name in `.dockerignore`."""
    before = context.read(".dockerignore")
    if before is None:
        edit = FileEdit(".dockerignore", None, "line\n")
        yield Fix(whole(dockerfile), "ignore", [], companions=[edit])
    elif 0 < before.count("line") < 3 and f"{dockerfile.text!r}" not in before:
        edit = FileEdit(".dockerignore", before, f"{before}line for {dockerfile.text!r}\n")
        yield Fix(whole(dockerfile), "ignore", [], companions=[edit])


@fixer(code="DF993", name="clumsy", level=Level.SAFE, phase="spelling", example=Example("", ""))
def clumsy(dockerfile: Dockerfile) -> Iterator[Fix | Skip]:
    """Fail where the text says so."""
    if "run" in dockerfile.text:
        raise LookupError("there is no such thing")
    yield from ()


@pytest.fixture
def companions(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two Dockerfiles whose fixer writes into the `.dockerignore` that they share."""
    monkeypatch.setattr(session, "load_fixers", lambda: (nosy,))
    put(here / "Dockerfile", "FROM a\n")
    put(here / "Dockerfile.b", "FROM b\n")
    return here


def test_diffs_of_files_that_share_a_companion_apply_one_after_the_other(companions: Path) -> None:
    diff = dfix(".")
    assert diff.code == 1
    assert b"--- /dev/null\n+++ b/.dockerignore\n" in diff.out
    assert not (companions / ".dockerignore").exists()
    git_takes(diff.out, companions)
    subprocess.run(["git", "apply"], input=diff.out, cwd=companions, check=True)
    applied = (companions / ".dockerignore").read_text()
    (companions / ".dockerignore").unlink()
    written = dfix("--write", ".")
    assert written.code == 0
    assert written.err.startswith("created .dockerignore: 2 fixes\nrewrote .dockerignore: 1 fix\n2 of 2 files changed")
    assert (companions / ".dockerignore").read_text() == applied
    assert dfix(".").code == 0


def test_a_companion_that_cannot_be_written_is_named(companions: Path) -> None:
    os.symlink("nowhere", companions / ".dockerignore")
    ran = dfix("--write", "Dockerfile")
    assert ran.code == 2
    assert "error: .dockerignore: it exists already" in ran.err


def test_a_fixer_that_fails_stops_one_file_only(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "load_fixers", lambda: (bold, clumsy))
    put(here / "Dockerfile", LOOSE)
    put(here / "Dockerfile.b", TIDY)
    ran = dfix("--write", "--level", "opt-in", ".")
    assert ran.code == 2
    assert (
        "error: Dockerfile: left as it is, please report this: LookupError: there is no such thing (test_cli.py:"
        in ran.err
    )
    assert ((here / "Dockerfile").read_text(), (here / "Dockerfile.b").read_text()) == (
        LOOSE,
        "FROM debian:13-slim\nRUN true\n",
    )


@pytest.mark.usefixtures("loose")
def test_fixers_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> tuple[Fixer, ...]:
        raise ImportError("No module named 'their_fixers'")

    monkeypatch.setattr(session, "load_fixers", load)
    ran = dfix(".")
    assert (ran.code, ran.out) == (2, b"")
    assert ran.err == "error: the fixers cannot be loaded: ImportError: No module named 'their_fixers'\n"


# Many files


def test_a_folder_is_searched_and_its_configuration_read_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(here / "dfix.toml", 'select = ["DF601"]\nexclude = ["old/"]\n')
    for number in range(300):
        put(here / f"{number % 10}/{number}/Dockerfile", LOOSE)
    searched: list[str] = []
    read: list[str] = []
    scan, take = os.scandir, files.read

    def noted_scan(path: str = ".") -> object:
        searched.append(os.fspath(path))
        return scan(path)

    def noted_read(path: str) -> bytes:
        read.append(path)
        return take(path)

    monkeypatch.setattr(os, "scandir", noted_scan)
    monkeypatch.setattr(files, "read", noted_read)
    monkeypatch.setattr(config, "read", files.read)
    ran = dfix("--check", ".")
    assert "300 of 300 files would change: 300 fixes." in ran.err
    searched = [path for path in searched if path.startswith(str(here))]
    assert len(searched) == len(set(searched)) == 311
    assert len(read) == len(set(read)) == 301
    assert len(ran.text.splitlines()) == 300


def test_the_plan_is_made_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        put(here / f"{number}/Dockerfile", LOOSE)
    made: list[object] = []
    plan = Batch._planned

    def noted(self: Batch, loaded: config.Config) -> object:
        made.append(loaded)
        return plan(self, loaded)

    monkeypatch.setattr(Batch, "_planned", noted)
    dfix(".")
    assert len(made) == 1


def test_a_file_that_is_named_twice_is_worked_on_once(loose: Path) -> None:
    os.symlink("Dockerfile", loose.parent / "link")
    assert dfix("--check", "Dockerfile", "./Dockerfile", "link", ".").out.count(b"\n") == 1


# Streams and signals


def test_a_reader_that_has_seen_enough(here: Path) -> None:
    for number in range(40):
        put(here / f"Dockerfile.{number}", LOOSE)
    for mode in ("--diff", "--check", "--diff --write"):
        command = [*PROGRAM, *mode.split(), "--select", "DF601", "."]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, bufsize=0)
        out, err = opened(running.stdout), opened(running.stderr)
        out.read(1)
        out.close()
        assert b"Traceback" not in err.read()
        err.close()
        assert running.wait() == (0 if "--write" in mode else 1)
    assert all(path.read_text() == TIDY for path in here.iterdir()), "what was to be written is written"


def opened(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe
    return pipe


@pytest.mark.parametrize("arguments", ["Dockerfile", "--check Dockerfile", "--output-format json Dockerfile", "rule"])
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.usefixtures("loose")
def test_output_that_is_lost_is_an_error(arguments: str) -> None:
    with open("/dev/full", "wb") as full:
        ran = process(*arguments.split(), stdout=full)
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == f"error: standard output: {os.strerror(errno.ENOSPC)}".encode()


@pytest.mark.parametrize(("closing", "code"), [(">&-", 2), ("2>&-", 1), ("<&-", 1)])
@pytest.mark.usefixtures("loose")
def test_closed_streams(closing: str, code: int) -> None:
    ran = process("Dockerfile", program=["sh", "-c", f'exec "$@" {closing}', "sh", *PROGRAM])
    assert (ran.returncode, b"Traceback" in ran.stderr) == (code, False)


def test_an_interrupt(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        put(here / f"Dockerfile.{name}", LOOSE)
    save = batch.save

    def interrupted(result: batch.Result) -> batch.Problem | None:
        if result.path == "Dockerfile.b":
            raise KeyboardInterrupt
        return save(result)

    monkeypatch.setattr(session, "save", interrupted)
    ran = dfix("--write", ".")
    assert (ran.code, ran.err.splitlines()[1][:11]) == (130, "interrupted")
    assert [(here / f"Dockerfile.{name}").read_text() for name in "abc"] == [TIDY, LOOSE, LOOSE]


def in_terminal(*arguments: str, out: str = "", **environment: str) -> str:
    """What a terminal of 100 columns receives; standard output may go to a file instead."""
    child, terminal = pty.fork()
    if child == 0:
        if out:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT), 1)
        os.execve(
            sys.executable, [*PROGRAM, *arguments], {**ENVIRONMENT, "TERM": "xterm", "NO_COLOR": "", **environment}
        )
    received = b""
    try:
        while piece := os.read(terminal, 65536):
            received += piece
    except OSError:  # the other side is gone
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    return received.decode().replace("\r\n", "\n")


@pytest.mark.usefixtures("loose")
def test_colours_are_for_terminals() -> None:
    diff = in_terminal("Dockerfile", "bad")
    assert "\x1b[32m+RUN true\x1b[m\n" in diff
    assert "\x1b[1;31merror:\x1b[m bad: no such file" in diff
    assert "\x1b[1mDockerfile:2:1:\x1b[m \x1b[36mDF601 " in in_terminal("--check", "Dockerfile")
    assert "\x1b" not in in_terminal("Dockerfile", NO_COLOR="1")
    assert "\x1b" not in in_terminal("--check", "Dockerfile", TERM="dumb")


@pytest.mark.usefixtures("loose")
def test_a_summary_has_columns_on_a_terminal() -> None:
    lines = in_terminal("Dockerfile", COLUMNS="70").split("\n")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(" " * 30) and line.strip() for line in lines)


def test_progress_is_shown_on_long_work_only_and_leaves_no_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rewriter.output.console import Console

    console = Console()
    assert list(console.watched([1, 2], delay=0)) == [1, 2]
    assert capsys.readouterr().err == "", "no terminal"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert list(console.watched([1, 2])) == [1, 2]
    assert capsys.readouterr().err == "", "no long work"
    for _ in console.watched([1, 2, 3], delay=0):
        console.say("something")
    assert capsys.readouterr().err == f"\r\x1b[Kdfix [{'.' * 30}] 0 of 3 files\r\x1b[Ksomething\nsomething\nsomething\n"
    list(console.watched([1, 2], delay=0))
    assert capsys.readouterr().err == f"\r\x1b[Kdfix [{'.' * 30}] 0 of 2 files\r\x1b[K"


@pytest.mark.parametrize(
    "arguments",
    [
        ["Dockerfile"], ["--diff", "Dockerfile"], ["--check", "."], ["--check", "--show-skips", "Dockerfile", "none"],
        ["--diff", "--write", "."], ["--write", "Dockerfile"], ["-"], ["--write", "-"], ["--check"], ["./rule"],
        ["--check", "--write", "."], ["--diff", "--write", "-"], [""], ["--unknown", "."], ["-h"], [],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_plain_call_does_what_the_command_line_of_typer_does(here: Path, arguments: list[str]) -> None:
    def run(program: Callable[[list[str]], None]) -> tuple[Ran, bytes]:
        (here / "Dockerfile").write_text(LOOSE)
        ran = dfix(*arguments, stdin=LOOSE.encode(), program=program)
        return ran, (here / "Dockerfile").read_bytes()

    assert run(__main__.main) == run(cli.main)
