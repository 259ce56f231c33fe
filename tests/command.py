"""Running dfix as a user does: inside this process where that is the same, else in one of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import pytest

from rewriter import config
from rewriter.__main__ import main

ROOT: Final = Path(__file__).parent.parent
PROGRAM: Final = (sys.executable, "-c", "from rewriter.__main__ import main; main()")
ENVIRONMENT: Final = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


class Ran(NamedTuple):
    """How a run ended: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def dfix(*arguments: str | Path, stdin: bytes = b"", program: Callable[[list[str]], None] = main) -> Ran:
    """Run dfix in this process, with configuration files read anew."""
    config.forget()
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        caught = stack.enter_context(pytest.raises(SystemExit))
        program([str(argument) for argument in arguments])
    out.flush()
    code = caught.value.code
    return Ran(code if isinstance(code, int) else 0, out.buffer.getvalue(), err.getvalue())


def process(*arguments: str, program: Sequence[str] = PROGRAM, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run dfix in a process of its own."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": ENVIRONMENT, "timeout": 60, **options}
    return subprocess.run([*program, *arguments], check=False, **options)
