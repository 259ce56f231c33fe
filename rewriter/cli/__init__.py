"""The command line, read by typer. Each command is an application of its own: a run builds only the one it needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

COMMANDS: Final = frozenset({"fix", "rule", "verify"})


def main(arguments: Sequence[str] | None = None) -> None:
    """Run dfix. A first word that is no subcommand belongs to `fix`; without any word, there is only help."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words.pop(0) if words and words[0] in COMMANDS else ""
    command = import_module(f"rewriter.cli.{name or 'fix'}")
    command.app(words if words or name else ["--help"], prog_name=f"dfix {name}".strip())
