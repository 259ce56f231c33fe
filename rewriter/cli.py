"""The command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Final

import typer

from rewriter import __version__
from rewriter.batch import Batch, Result, save
from rewriter.config import ConfigError
from rewriter.files import Found, find
from rewriter.fixing.fixer import Level
from rewriter.fixing.registry import UnknownFixerError, load_fixers
from rewriter.syntax.text import decode, encode

CLEAN, WOULD_CHANGE, FAILED = 0, 1, 2
"""Exit codes: nothing to change or all written; something would change; a usage, configuration or file error."""

_STDIN: Final = "-"


class OutputFormat(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Upgrade Dockerfiles.\n\n`dfix PATH` prints what would change as a diff; `dfix fix --help` lists all options.",
)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"dfix {__version__}")
        raise typer.Exit


@app.command("fix")
def fix_command(
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders, or - for standard input.", show_default=False)] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Print a unified diff (the default).")] = False,
    write: Annotated[bool, typer.Option("--write", help="Rewrite the files in place.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Print what would change and why.")] = False,
    select: Annotated[list[str] | None, typer.Option("--select", help="Only these fixers: codes, prefixes or names; may be repeated or joined by commas.", show_default=False)] = None,
    ignore: Annotated[list[str] | None, typer.Option("--ignore", help="Not these fixers.", show_default=False)] = None,
    level: Annotated[Level | None, typer.Option("--level", help="The highest level of fixes to apply.", show_default="guarded")] = None,
    context: Annotated[str, typer.Option("--context", metavar="DIR", help="The build context; found by itself if not given.", show_default=False)] = "",
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="Patterns of files to leave out, as in .gitignore.", show_default=False)] = None,
    config: Annotated[str, typer.Option("--config", metavar="FILE", help="A configuration file instead of the nearest one.", show_default=False)] = "",
    output_format: Annotated[OutputFormat, typer.Option("--output-format", help="How to print findings.")] = OutputFormat.TEXT,
    show_skips: Annotated[bool, typer.Option("--show-skips", help="Also print what was found but left alone, and why.")] = False,
    stdin_filename: Annotated[str, typer.Option("--stdin-filename", metavar="PATH", help="Where standard input would stand.", show_default=False)] = "",
) -> None:
    """Fix Dockerfiles. Exit code 0: nothing to change, or all written; 1: something would change; 2: an error."""
    if check and write:
        raise typer.BadParameter("--check only looks, --write changes: use one of them")
    if context and not os.path.isdir(context):
        raise typer.BadParameter(f"{context} is not a folder", param_hint="--context")
    options = {
        "select": _words(select), "ignore": _words(ignore), "level": str(level or ""), "exclude": tuple(exclude or ()),
        "context": context,
    }  # fmt: skip
    session = _Session(
        Batch(load_fixers(), options, config),
        diff=diff or not (write or check), write=write, json=output_format is OutputFormat.JSON, show_skips=show_skips,
    )  # fmt: skip
    raise typer.Exit(session.run(paths or ["."], stdin_filename))


@app.command("rule")
def rule_command(code: Annotated[str, typer.Argument(help="A code, such as DF601, or a name.")] = "") -> None:
    """Explain a fixer, or list them all."""
    from rewriter.output.text import catalogue, explain

    fixers = load_fixers()
    if not code:
        typer.echo(catalogue(fixers))
        return
    chosen = [fixer for fixer in fixers if fixer.answers_to(code)]
    if not chosen:
        raise typer.BadParameter(f"no fixer answers to {code!r}; `dfix rule` lists them all")
    typer.echo("\n\n".join(explain(fixer) for fixer in chosen))


def _words(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(word.strip() for value in values or () for word in value.split(",") if word.strip())


class _Session:
    """One call of the fix command: what to print where, and the exit code."""

    def __init__(self, batch: Batch, *, diff: bool, write: bool, json: bool, show_skips: bool) -> None:
        self._batch = batch
        self._diff = diff
        self._write = write
        self._json = json
        self._show_skips = show_skips
        self._results: list[Result] = []

    def run(self, paths: Sequence[str], stdin_filename: str) -> int:
        """Work through the paths."""
        try:
            for result in self._process(paths, stdin_filename):
                self._results.append(self._saved(result) if self._write else result)
                if not self._json:
                    self._show(self._results[-1])
        except (ConfigError, UnknownFixerError) as error:
            _say(f"dfix: {error}")
            return FAILED
        if self._json:
            from rewriter.output.json import render

            _print(render(self._results, diff=self._diff_of, written=self._write) + "\n")
        else:
            self._summarize()
        return self._exit_code()

    def _process(self, paths: Sequence[str], stdin_filename: str) -> Iterator[Result]:
        named = [path for path in paths if path != _STDIN]
        if _STDIN in paths:
            text = decode(sys.stdin.buffer.read())
            yield self._batch.run_stdin(text, stdin_filename or "<stdin>")
        if named:
            settings = self._batch.config_for(".")
            found: Iterable[Found] = find(named, settings.exclude, exclude_base=settings.folder)
            if sys.stderr.isatty() and any(os.path.isdir(path) for path in named):
                found = _with_progress(list(found))
            for entry in found:
                yield self._batch.run(entry)

    def _saved(self, result: Result) -> Result:
        """Write a result; one of standard input is printed instead."""
        if result.is_stdin:
            if not self._diff and result.outcome is not None:
                _print(result.outcome.after)
            return result
        if result.error or result.outcome is None or not result.outcome.changed:
            return result
        if reason := save(result):
            return result._replace(error=reason, failed=True)
        return result

    def _show(self, result: Result) -> None:
        from rewriter.output.text import findings

        if result.error:
            separator = ":" if result.error[:1].isdigit() else ": "
            _say(f"{'error' if result.failed else 'warning'}: {result.path}{separator}{result.error}")
        if self._diff and result.outcome is not None and not result.error:
            _print(self._diff_of(result, color=_wants_color()))
        stream = _say if self._diff or self._write else _print_line
        if not self._diff or self._show_skips or sys.stderr.isatty():
            for line in findings(result, show_skips=self._show_skips):
                stream(line)

    def _diff_of(self, result: Result, *, color: bool = False) -> str:
        from rewriter.output.diff import patch_path, unified_diff

        outcome = result.outcome
        assert outcome is not None
        path = result.path if result.path == "<stdin>" else patch_path(result.path)
        parts = [unified_diff(path, outcome.before, outcome.after, outcome.regions, color=color)]
        for companion in outcome.companions:
            path = patch_path(os.path.join(result.folder, companion.path))
            before = companion.before or ""
            parts.append(unified_diff(path, before, companion.after, newfile=companion.before is None, color=color))
        return "".join(parts)

    def _summarize(self) -> None:
        from rewriter.output.text import summary

        _say(summary(self._results, written=self._write))

    def _exit_code(self) -> int:
        if any(result.failed for result in self._results):
            return FAILED
        changed = any(result.outcome is not None and result.outcome.changed for result in self._results)
        return WOULD_CHANGE if changed and not self._write else CLEAN


def _with_progress(found: list[Found]) -> Iterator[Found]:
    with typer.progressbar(found, file=sys.stderr, label="dfix") as entries:
        yield from entries


def _wants_color() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _print(text: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(encode(text))
    sys.stdout.buffer.flush()


def _print_line(line: str) -> None:
    _print(line + "\n")


def _say(line: str) -> None:
    sys.stderr.write(line.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run dfix. A first word that is no subcommand belongs to `fix`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] not in ("fix", "rule", "-h", "--help", "--version"):
        words.insert(0, "fix")
    try:
        app(words, prog_name="dfix")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(WOULD_CHANGE)
