"""`dfix`: show what would change, or change it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from rewriter.batch import Batch, Options
from rewriter.cli.options import application, expect_one_of, flag, load_fixers, text, version, words
from rewriter.config import LEVELS
from rewriter.fixing.fixer import Fixer
from rewriter.fixing.registry import UnknownFixerError
from rewriter.session import STDIN, Session

_FORMATS: Final = ("text", "json")
_SELECT_HELP: Final = (
    "Only these fixers, whatever their level: codes, prefixes of codes or names, joined by commas or repeated."
)
_EXTEND_HELP: Final = "Also these fixers, whatever their level, besides those that run anyway."
_EXCLUDE_HELP: Final = "Leave out what matches in a folder, as in .gitignore; may be repeated."
_MORE: Final = """
\b
Exit codes: 0 nothing to change, or all written; 1 something would change;
2 an error, or a named file that is no Dockerfile (it stays as it is).

\b
Other commands:
  dfix rule           list the fixers
  dfix rule DF601     explain one, with an example
  dfix verify         build before and after, and show that nothing broke
"""


app: Final = application()


@app.command(epilog=_MORE)
def fix_command(
    paths: Annotated[list[str] | None, typer.Argument(metavar="PATHS", hidden=True)] = None,
    diff: Annotated[bool, flag("--diff", "Print a unified diff that `git apply` takes (the default).")] = False,
    write: Annotated[bool, flag("--write", "Rewrite the files in place; for -, print the result.")] = False,
    check: Annotated[bool, flag("--check", "Print what would change, fix by fix, and why.")] = False,
    explain: Annotated[bool, flag("--explain", "Say what is wrong, what dfix does about it, and what not.")] = False,
    select: Annotated[list[str] | None, text("--select", "CODES", _SELECT_HELP)] = None,
    extend_select: Annotated[list[str] | None, text("--extend-select", "CODES", _EXTEND_HELP)] = None,
    ignore: Annotated[list[str] | None, text("--ignore", "CODES", "Not these fixers.")] = None,
    level: Annotated[
        str, text("--level", "LEVEL", "The highest level of fixes: safe, guarded (default), opt-in.")
    ] = "",
    context: Annotated[str, text("--context", "DIR", "The build context; found by itself if not given.")] = "",
    exclude: Annotated[list[str] | None, text("--exclude", "PATTERN", _EXCLUDE_HELP)] = None,
    config: Annotated[str, text("--config", "FILE", "A configuration file instead of the nearest one.")] = "",
    output_format: Annotated[str, text("--output-format", "FORMAT", "text (default), or json: one document.")] = "text",
    verify: Annotated[bool, flag("--verify", "With --write: write only what `dfix verify` proves.")] = False,
    show_skips: Annotated[bool, flag("--show-skips", "Also print what was found but left alone, and why.")] = False,
    stdin_filename: Annotated[str, text("--stdin-filename", "PATH", "Where standard input would stand.")] = "",
    _: Annotated[bool, version()] = False,
) -> None:
    """Upgrade Dockerfiles: print what would change as a diff, or rewrite them.

    PATHS are files, folders, or - for standard input; the current folder if only options are given.
    """
    names = list(paths or [os.curdir])
    if check and write:
        raise typer.BadParameter("--check only looks, --write changes: use one of them")
    if explain and (diff or write or check or output_format == "json"):
        raise typer.BadParameter(
            "it prints its own text: use it without --diff, --write, --check and json", param_hint="--explain"
        )
    if diff and write and STDIN in names:
        raise typer.BadParameter("for -, --diff and --write both print to standard output: use one of them")
    if stdin_filename and STDIN not in names:
        raise typer.BadParameter("it is for standard input: add - as a path", param_hint="--stdin-filename")
    if context and not os.path.isdir(context):
        raise typer.BadParameter(f"there is no folder {context}", param_hint="--context")
    expect_one_of(("", *LEVELS), level, "--level")
    expect_one_of(_FORMATS, output_format, "--output-format")
    selected, ignored = words(select, "--select"), words(ignore, "--ignore")
    added = words(extend_select, "--extend-select")
    options = Options(selected, ignored, level, tuple(exclude or ()), context, config, added)
    fixers = load_fixers()
    if verify:
        raise typer.Exit(_verified(fixers, options, names, write=write, output_format=output_format))
    try:
        batch = Batch(fixers, options, is_written=write)
    except UnknownFixerError as error:
        raise typer.BadParameter(str(error)) from error
    session = Session(
        batch,
        fixers,
        diff=diff or not (write or check or explain),
        write=write,
        json=output_format == "json",
        show_skips=show_skips,
        explain=explain,
    )
    raise typer.Exit(session.run(names, stdin_filename))


def _verified(
    fixers: tuple[Fixer, ...], options: Options, names: Sequence[str], *, write: bool, output_format: str
) -> int:
    """What `dfix verify --write` does; the exit code."""
    from rewriter.verify.request import Conditions
    from rewriter.verify_session import VerifySession, Wishes

    if not write:
        raise typer.BadParameter("add --write, or use `dfix verify`, which writes nothing", param_hint="--verify")
    if STDIN in names:
        raise typer.BadParameter("standard input has no build context", param_hint="--verify")
    return VerifySession(fixers, options, Conditions(), Wishes(output_format=output_format, is_written=True)).run(names)
