"""Where dfix starts. A call with nothing but paths and plain flags is not worth loading typer for."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from typing import Final

_PLAIN_FLAGS: Final = frozenset({"--diff", "--write", "--check", "--show-skips"})
_SUBCOMMANDS: Final = frozenset({"fix", "rule", "verify"})


def tune_collector() -> None:
    """Look for garbage less often: trees are many small objects that live briefly; a third of the time went there."""
    gc.set_threshold(50_000, 20, 100)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run dfix: plain calls at once, all others, and all that are wrong, through the command line of typer."""
    tune_collector()
    words = list(sys.argv[1:] if arguments is None else arguments)
    flags = {word for word in words if word.startswith("-") and word != "-"}
    paths = [word for word in words if word not in flags]
    is_plain = words and words[0] not in _SUBCOMMANDS and flags <= _PLAIN_FLAGS and "" not in paths
    if not is_plain or (flags >= {"--check", "--write"}) or (flags >= {"--diff", "--write"} and "-" in paths):
        from rewriter.cli import main as read_command_line

        read_command_line(words)
        return
    from rewriter.session import run_plainly

    diff = "--diff" in flags or not flags & {"--write", "--check"}
    sys.exit(run_plainly(paths, diff=diff, write="--write" in flags, show_skips="--show-skips" in flags))


if __name__ == "__main__":
    main()
