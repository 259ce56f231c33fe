"""`dfix verify`: build before and after, and show that nothing broke."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import typer

from rewriter.batch import Options
from rewriter.cli.options import application, expect_one_of, flag, load_fixers, number, text, words
from rewriter.config import LEVELS
from rewriter.fixing.registry import UnknownFixerError
from rewriter.verify.request import Conditions
from rewriter.verify_session import VerifySession, Wishes

FORMATS: Final = ("text", "json", "markdown")
_SECRET_HELP: Final = "A secret for the build, as docker build takes it: id=NAME,src=FILE or id=NAME,env=VARIABLE."
_MORE: Final = """
\b
Exit codes: 0 proven, or nothing to change; 1 something differs that no fixer may change;
2 the Dockerfile cannot be built as it is, there is no engine, or another error.

\b
Examples:
  dfix verify                               the Dockerfile of this folder, and what dfix makes of it
  dfix verify --against new.Dockerfile      two Dockerfiles of your own
  dfix verify --write                       write the new one if it is proven
  dfix verify --keep-good --write           write what is proven, leave out what breaks

It needs Docker with buildx, or Podman, and the extra: pip install 'dfix[verify]'.
Nothing of the project runs outside a container, and whatever was made for the proof is removed again.
"""

app: Final = application()


@app.command(epilog=_MORE)
def verify_command(
    paths: Annotated[list[str] | None, typer.Argument(metavar="[PATH]...", hidden=True)] = None,
    context: Annotated[str, text("--context", "DIR", "The build context; found by itself if not given.")] = "",
    target: Annotated[str, text("--target", "STAGE", "The stage to build; the last one if not given.")] = "",
    build_arg: Annotated[list[str] | None, text("--build-arg", "NAME=VALUE", "A build argument; repeatable.")] = None,
    secret: Annotated[list[str] | None, text("--secret", "SPEC", _SECRET_HELP)] = None,
    against: Annotated[str, text("--against", "FILE", "Compare with this Dockerfile instead of dfix's result.")] = "",
    write: Annotated[bool, flag("--write", "Rewrite what is proven.")] = False,
    keep_good: Annotated[bool, flag("--keep-good", "With --write: leave out the fixers that break something.")] = False,
    path: Annotated[str, text("--probe", "PATH", "The HTTP path to ask for; found by itself if not given.")] = "",
    no_network: Annotated[bool, flag("--no-network", "Run the containers without a network.")] = False,
    timeout: Annotated[float, number("--timeout", "SECONDS", "The longest that a build may take.")] = 1800,
    patience: Annotated[float, number("--patience", "SECONDS", "The longest that a program may take to start.")] = 30,
    runs: Annotated[int, number("--runs", "N", "Measure N times and give medians.")] = 1,
    quick: Annotated[bool, flag("--quick", "Prove only; measure no rebuilds.")] = False,
    keep: Annotated[bool, flag("--keep", "Leave both images, and say their names.")] = False,
    select: Annotated[list[str] | None, text("--select", "CODES", "Only these fixers.")] = None,
    extend_select: Annotated[list[str] | None, text("--extend-select", "CODES", "Also these fixers.")] = None,
    ignore: Annotated[list[str] | None, text("--ignore", "CODES", "Not these fixers.")] = None,
    level: Annotated[str, text("--level", "LEVEL", "The highest level of fixes.")] = "",
    config: Annotated[str, text("--config", "FILE", "A configuration file instead of the nearest one.")] = "",
    output_format: Annotated[
        str, text("--output-format", "FORMAT", "text (default), json, or markdown for a pull request.")
    ] = "text",
    show_allowed: Annotated[bool, flag("--show-allowed", "Also list the differences that fixers declare.")] = False,
) -> None:
    """Build a Dockerfile as it is and as dfix would leave it, and compare the images, their behaviour and their cost.

    PATH is a Dockerfile or a folder; the current folder if it is not given.
    """
    if context and not os.path.isdir(context):
        raise typer.BadParameter(f"there is no folder {context}", param_hint="--context")
    if keep_good and not write:
        raise typer.BadParameter("it says what to write: add --write", param_hint="--keep-good")
    if against and write:
        raise typer.BadParameter("with --against there is nothing to write", param_hint="--write")
    expect_one_of(("", *LEVELS), level, "--level")
    expect_one_of(FORMATS, output_format, "--output-format")
    selected, ignored = words(select, "--select"), words(ignore, "--ignore")
    options = Options(selected, ignored, level, (), context, config, words(extend_select, "--extend-select"))
    conditions = Conditions(
        target=target,
        build_args=tuple(_build_args(build_arg or ())),
        secrets=tuple(secret or ()),
        timeout=timeout,
        patience=patience,
        path=path,
        has_network=not no_network,
        runs=runs,
        measures_rebuilds=not quick,
        keeps_images=keep,
    )
    wishes = Wishes(against, output_format, is_written=write, keeps_good=keep_good, shows_allowed=show_allowed)
    try:
        session = VerifySession(load_fixers(), options, conditions, wishes)
    except UnknownFixerError as error:
        raise typer.BadParameter(str(error)) from error
    raise typer.Exit(session.run(list(paths or [os.curdir])))


def _build_args(values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names and values; one without a value takes that of the environment, as for docker build."""
    for value in values:
        name, equals, given = value.partition("=")
        if not equals and name not in os.environ:
            continue
        yield name, given if equals else os.environ[name]
