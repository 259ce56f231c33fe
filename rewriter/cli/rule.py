"""`dfix rule`: what the fixers do."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from rewriter.cli.options import application, load_fixers
from rewriter.output.console import Console
from rewriter.output.text import catalogue, explain
from rewriter.session import CLEAN, unless_lost

app: Final = application()


@app.command()
def rule_command(
    codes: Annotated[list[str] | None, typer.Argument(metavar="CODES", hidden=True)] = None,
) -> None:
    """Explain fixers, or list them all.

    CODES are codes such as DF601, prefixes of codes, names, or the rules of other tools, such as DL3027.
    """
    fixers, console = load_fixers(), Console()
    if not codes:
        console.data(catalogue(fixers) + "\n")
    chosen = {code: [fixer for fixer in fixers if fixer.answers_to(code)] for code in codes or ()}
    if unknown := [code for code, answers in chosen.items() if not answers]:
        raise typer.BadParameter(f"no fixer answers to {unknown[0]!r}; `dfix rule` lists them all")
    answers = dict.fromkeys(fixer for answers in chosen.values() for fixer in answers)
    console.data("\n\n".join(explain(fixer) + "\n" for fixer in answers))
    raise typer.Exit(unless_lost(console, CLEAN))
