"""The command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final

import typer

from rewriter import __version__
from rewriter.batch import Batch, Options, Problem, Result, companions, problem_of, save
from rewriter.config import LEVELS, ConfigError
from rewriter.files import LARGEST, FileError
from rewriter.fixing.fixer import Fixer
from rewriter.fixing.registry import UnknownFixerError, load_fixers
from rewriter.output.console import Console
from rewriter.syntax.text import decode

CLEAN, WOULD_CHANGE, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: nothing to change or all written; something would change; an error of any kind; Ctrl-C."""

_STDIN: Final = "-"
_NAMELESS: Final = "<stdin>"
_FORMATS: Final = ("text", "json")
_SELECT_HELP: Final = (
    "Only these fixers, whatever their level: codes, prefixes of codes or names, joined by commas or repeated."
)
_EXCLUDE_HELP: Final = "Leave out what matches in a folder, as in .gitignore; may be repeated."
_MORE: Final = """
\b
Exit codes: 0 nothing to change, or all written; 1 something would change;
2 an error, or a named file that is no Dockerfile (it stays as it is).

\b
Other commands:
  dfix rule           list the fixers
  dfix rule DF601     explain one, with an example
"""


def _app() -> typer.Typer:
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


fix_app: Final = _app()
rule_app: Final = _app()
# Each subcommand is an application of its own, so that a run builds only the one it needs.
_COMMANDS: Final = {"fix": fix_app, "rule": rule_app}


def _version(is_wanted: bool) -> None:
    if is_wanted:
        Console().data(f"dfix {__version__}\n")
        raise typer.Exit


def _flag(name: str, help: str) -> Any:  # noqa: A002
    return typer.Option(name, help=help)


def _text(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    return typer.Option(name, metavar=metavar, help=help, show_default=False)


@fix_app.command(epilog=_MORE)
def fix_command(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATHS", hidden=True)] = None,
    diff: Annotated[bool, _flag("--diff", "Print a unified diff that `git apply` takes (the default).")] = False,
    write: Annotated[bool, _flag("--write", "Rewrite the files in place; for -, print the result.")] = False,
    check: Annotated[bool, _flag("--check", "Print what would change, fix by fix, and why.")] = False,
    select: Annotated[list[str] | None, _text("--select", "CODES", _SELECT_HELP)] = None,
    ignore: Annotated[list[str] | None, _text("--ignore", "CODES", "Not these fixers.")] = None,
    level: Annotated[
        str, _text("--level", "LEVEL", "The highest level of fixes: safe, guarded (default), opt-in.")
    ] = "",
    context: Annotated[str, _text("--context", "DIR", "The build context; found by itself if not given.")] = "",
    exclude: Annotated[list[str] | None, _text("--exclude", "PATTERN", _EXCLUDE_HELP)] = None,
    config: Annotated[str, _text("--config", "FILE", "A configuration file instead of the nearest one.")] = "",
    output_format: Annotated[
        str, _text("--output-format", "FORMAT", "text (default), or json: one document.")
    ] = "text",
    show_skips: Annotated[bool, _flag("--show-skips", "Also print what was found but left alone, and why.")] = False,
    stdin_filename: Annotated[str, _text("--stdin-filename", "PATH", "Where standard input would stand.")] = "",
    _: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)] = False,
) -> None:
    """Upgrade Dockerfiles: print what would change as a diff, or rewrite them.

    PATHS are files, folders, or - for standard input; the current folder if only options are given.
    """
    names = list(paths or [os.curdir])
    if check and write:
        raise typer.BadParameter("--check only looks, --write changes: use one of them")
    if diff and write and _STDIN in names:
        raise typer.BadParameter("for -, --diff and --write both print to standard output: use one of them")
    if stdin_filename and _STDIN not in names:
        raise typer.BadParameter("it is for standard input: add - as a path", param_hint="--stdin-filename")
    if context and not os.path.isdir(context):
        raise typer.BadParameter(f"there is no folder {context}", param_hint="--context")
    _expect_one_of(("", *LEVELS), level, "--level")
    _expect_one_of(_FORMATS, output_format, "--output-format")
    selected, ignored = _words(select, "--select"), _words(ignore, "--ignore")
    options = Options(selected, ignored, level, tuple(exclude or ()), context, config)
    fixers = _load_fixers()
    try:
        batch = Batch(fixers, options, is_written=write)
    except UnknownFixerError as error:
        raise typer.BadParameter(str(error)) from error
    session = _Session(
        batch,
        fixers,
        diff=diff or not (write or check),
        write=write,
        json=output_format == "json",
        show_skips=show_skips,
    )
    raise typer.Exit(session.run(names, stdin_filename))


@rule_app.command()
def rule_command(
    codes: Annotated[list[str] | None, typer.Argument(metavar="CODES", hidden=True)] = None,
) -> None:
    """Explain fixers, or list them all.

    CODES are codes such as DF601, prefixes of codes, names, or the rules of other tools, such as DL3027.
    """
    from rewriter.output.text import catalogue, explain

    fixers, console = _load_fixers(), Console()
    if not codes:
        console.data(catalogue(fixers) + "\n")
    chosen = {code: [fixer for fixer in fixers if fixer.answers_to(code)] for code in codes or ()}
    if unknown := [code for code, answers in chosen.items() if not answers]:
        raise typer.BadParameter(f"no fixer answers to {unknown[0]!r}; `dfix rule` lists them all")
    answers = dict.fromkeys(fixer for answers in chosen.values() for fixer in answers)
    console.data("\n\n".join(explain(fixer) + "\n" for fixer in answers))
    raise typer.Exit(_unless_lost(console, CLEAN))


def _words(values: Iterable[str] | None, option: str) -> tuple[str, ...]:
    words = [word.strip() for value in values or () for word in value.split(",")]
    if "" in words:
        raise typer.BadParameter("a code is empty; `dfix rule` lists them all", param_hint=option)
    return tuple(words)


def _expect_one_of(choices: Sequence[str], value: str, option: str) -> None:
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(filter(None, choices))}", param_hint=option)


def _load_fixers() -> tuple[Fixer, ...]:
    try:
        return load_fixers()
    except Exception as error:  # a fixer of another distribution may fail in any way
        Console().say(f"error: the fixers cannot be loaded: {type(error).__name__}: {error}")
        raise typer.Exit(FAILED) from error


def _unless_lost(console: Console, code: int) -> int:
    """An exit code, but that of a failure when data could not be printed."""
    if not console.failure:
        return code
    console.say(f"error: standard output: {console.failure}")
    return FAILED


class _Session:
    """One call of the fix command: what to print where, and the exit code."""

    def __init__(
        self, batch: Batch, fixers: Sequence[Fixer], *, diff: bool, write: bool, json: bool, show_skips: bool
    ) -> None:
        from rewriter.output.text import Summary

        self._batch: Final = batch
        self._fixers: Final = fixers
        self._diff: Final = diff
        self._write: Final = write
        self._json: Final = json
        self._show_skips: Final = show_skips
        self._console: Final = Console()
        self._summary: Final = Summary()
        self._kept: Final[list[Result]] = []
        self._said: Final[set[Problem]] = set()
        self._code = CLEAN

    def run(self, paths: Sequence[str], stdin_filename: str) -> int:
        """Work through the paths; the exit code."""
        try:
            for result in self._process(paths, stdin_filename):
                self._finish(self._saved(result) if self._write else result)
                if not self._console.is_open and not self._write:
                    break
            self._conclude()
        except ConfigError as error:
            self._complain(problem_of(error), is_error=True)
            return FAILED
        except KeyboardInterrupt:
            self._console.say("interrupted; every file is either as it was or completely rewritten")
            return INTERRUPTED
        return _unless_lost(self._console, self._code)

    def _process(self, paths: Sequence[str], stdin_filename: str) -> Iterator[Result]:
        if _STDIN in paths:
            yield self._stdin_result(stdin_filename or _NAMELESS)
        if named := [path for path in paths if path != _STDIN]:
            found = self._batch.find(named)
            # Where results come to the same screen, they show how far the work is.
            if self._write or not sys.stdout or not sys.stdout.isatty():
                found = self._console.watched(list(found))
            for entry in found:
                yield self._batch.run(entry)

    def _stdin_result(self, path: str) -> Result:
        try:
            data = _read_stdin(path)
        except FileError as error:
            return Result(path, problem=Problem(path, error.message), failed=True, is_stdin=True)
        return self._batch.run_text(decode(data), path, named=True)._replace(is_stdin=True)

    def _saved(self, result: Result) -> Result:
        """Write a result to its file; one of standard input is only printed."""
        if result.is_stdin or not result.changed:
            return result
        problem = save(result)
        return result._replace(problem=problem, failed=True) if problem else result

    def _finish(self, result: Result) -> None:
        """Count a result, and print it unless everything is to become one document."""
        if result.failed:
            self._code = FAILED
        elif result.changed and not self._write and self._code == CLEAN:
            self._code = WOULD_CHANGE
        if self._json:
            self._kept.append(result)
        else:
            self._summary.add(result)
            self._show(result)

    def _show(self, result: Result) -> None:
        from rewriter.output.text import findings, written

        for remark in result.remarks:
            self._complain(remark, is_error=False)
        if result.problem:
            self._complain(result.problem, is_error=result.failed)
        console = self._console
        if result.changed and self._diff:
            console.data(self._diff_of(result, color=console.colors_data))
        if self._write and result.is_stdin and not self._diff and result.outcome:
            console.data(result.outcome.after)
        elif self._write and result.changed:
            console.say(written(result))
        is_data = not (self._diff or self._write)
        color = console.colors_data if is_data else console.colors_talk
        lines = "\n".join(findings(result, fixes=is_data, skips=self._show_skips, color=color))
        if is_data:
            console.data(lines and lines + "\n")
        else:
            console.say(lines)

    def _complain(self, problem: Problem, *, is_error: bool) -> None:
        from rewriter.output.text import complaint

        if problem not in self._said:
            self._said.add(problem)
            self._console.say(complaint(problem, is_error=is_error, color=self._console.colors_talk))

    def _diff_of(self, result: Result, *, color: bool = False) -> str:
        from rewriter.output.diff import patch_path, unified_diff

        outcome = result.outcome
        assert outcome is not None
        path = result.path if result.path == _NAMELESS else patch_path(result.path)
        parts = [unified_diff(path, outcome.before, outcome.after, outcome.regions, color=color)]
        for place, before, after in companions(result):
            parts.append(unified_diff(patch_path(place), before or "", after, newfile=before is None, color=color))
        return "".join(parts)

    def _conclude(self) -> None:
        console = self._console
        if self._json:
            from rewriter.output.json import render

            console.data(render(self._kept, diff=self._diff_of, written=self._write) + "\n")
        elif console.is_open:
            brief = not (self._diff or self._write)  # the findings have just said it all
            text = self._summary.text(
                self._fixers, written=self._write, brief=brief, skips_shown=self._show_skips, width=console.width
            )
            console.say(text)


def _read_stdin(path: str) -> bytes:
    if sys.stdin is None:
        raise FileError(path, "standard input is closed")
    try:
        data = sys.stdin.buffer.read(LARGEST + 1)
    except OSError as error:
        raise FileError(path, f"standard input cannot be read: {error.strerror}") from error
    if len(data) > LARGEST:
        raise FileError(path, f"too large for a Dockerfile (more than {LARGEST:,} bytes)")
    return data


def main(arguments: Sequence[str] | None = None) -> None:
    """Run dfix. A first word that is no subcommand belongs to `fix`; without any word, there is only help."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words and words[0] in _COMMANDS else ""
    _COMMANDS[name or "fix"](words if words or name else ["--help"], prog_name=f"dfix {name}".strip())
