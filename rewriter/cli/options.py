"""What the commands share: how an application is made, how options are declared, and what they may not say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import typer

from rewriter import __version__
from rewriter.fixing.fixer import Fixer
from rewriter.output.console import Console
from rewriter.session import FAILED, FixersError, loaded_fixers


def application() -> typer.Typer:
    """An application with one command."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def version() -> Any:
    """The option that prints the version and ends."""
    return typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        Console().data(f"dfix {__version__}\n")
        raise typer.Exit


def flag(name: str, help: str) -> Any:  # noqa: A002
    """An option that is there or not."""
    return typer.Option(name, help=help)


def text(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    """An option with a value, of which no default is shown."""
    return typer.Option(name, metavar=metavar, help=help, show_default=False)


def number(name: str, metavar: str, help: str) -> Any:  # noqa: A002
    """An option with a positive number."""
    return typer.Option(name, metavar=metavar, help=help, min=1)


def words(values: Iterable[str] | None, option: str) -> tuple[str, ...]:
    """The words of an option that takes several, joined by commas or repeated."""
    found = [word.strip() for value in values or () for word in value.split(",")]
    if "" in found:
        raise typer.BadParameter("a code is empty; `dfix rule` lists them all", param_hint=option)
    return tuple(found)


def expect_one_of(choices: Sequence[str], value: str, option: str) -> None:
    """Refuse a value that is no choice."""
    if value not in choices:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(filter(None, choices))}", param_hint=option)


def load_fixers() -> tuple[Fixer, ...]:
    """Every fixer; the end where they cannot be loaded."""
    try:
        return loaded_fixers()
    except FixersError as error:
        Console().say(f"error: {error}")
        raise typer.Exit(FAILED) from error
