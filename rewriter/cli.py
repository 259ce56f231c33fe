"""The command line, read by typer."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import typer

from rewriter import __version__
from rewriter.batch import Batch, Options
from rewriter.config import LEVELS
from rewriter.fixing.fixer import Fixer
from rewriter.fixing.registry import UnknownFixerError
from rewriter.output.console import Console
from rewriter.session import CLEAN, FAILED, STDIN, FixersError, Session, loaded_fixers, unless_lost

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
    if diff and write and STDIN in names:
        raise typer.BadParameter("for -, --diff and --write both print to standard output: use one of them")
    if stdin_filename and STDIN not in names:
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
    session = Session(
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
    raise typer.Exit(unless_lost(console, CLEAN))


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
        return loaded_fixers()
    except FixersError as error:
        Console().say(f"error: {error}")
        raise typer.Exit(FAILED) from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Run dfix. A first word that is no subcommand belongs to `fix`; without any word, there is only help."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words and words[0] in _COMMANDS else ""
    _COMMANDS[name or "fix"](words if words or name else ["--help"], prog_name=f"dfix {name}".strip())
