"""Whether the sources of a Python project call a compiler when they run, as judges of programs and notebooks do.

A source that is listed but cannot be read is trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.syntax.text import decode

MOST_SOURCES: Final = 3_000
LARGEST: Final = 256 * 1024

NEEDS_A_COMPILER: Final = names(
    "pystan httpstan theano theano-pymc pytensor pymc pymc3 cmdstanpy triton vllm deepspeed flash-attn pythran "
    "jupyterlab notebook"
)
"""Packages that call a compiler when they run, or serve people who do."""

_COMPILES: Final = re.compile(
    r"\bpyximport\b|\bcpp_extension\b|\bcppimport\b|\bffi\.verify\(|\bnew_compiler\(|\bscipy\.weave\b"
)
_STARTS: Final = re.compile(r"\bsubprocess\b|\bos\.(?:system|popen|exec|spawn|posix_spawn)|\bpexpect\b|\bPopen\b")
_TOOL: Final = re.compile(
    r"(?:[\"'/]|: |&& |; )(gcc|g\+\+|clang(?:\+\+)?|rustc)(?=[\"' ])|"
    # These two are words as well, and keys of what is made by somebody.
    r"(?<![\w)\]]\[)[\"'](make|cmake)(?:[\"'](?!\s*:)|\s+-|\s+[\w-]+[\"'])"
)
_NOT_RUN: Final = re.compile(
    r"(?:^|/)(?:tests?|docs?|examples?|node_modules|\.[^/]+|venv|env)/|(?:^|/)(?:test_[^/]*|conftest|setup|noxfile|tasks)\.py\Z|"
    r"(?:^|/)(?:package(?:-lock)?\.json|(?:docker-)?compose[\w.-]*\.ya?ml|pyproject\.toml|setup\.cfg|[^/]*lock)\Z"
)
_SETTINGS: Final = (".json", ".yaml", ".yml", ".toml", ".ini")


def compiler_at_run_time(context: BuildContext) -> str:
    """Why the program may call a compiler when it runs; empty where nothing speaks for it."""
    named = starts = ""
    for path, text in _sources(context):
        if path.endswith(".py"):
            if match := _COMPILES.search(text):
                return f"{path} uses {match[0].rstrip('(')}, which calls a compiler"
            starts = starts or (path if _STARTS.search(text) else "")
        if match := _TOOL.search(text):
            named = named or match[1] or (match[2] if _STARTS.search(text) else "")
    return f"{starts} may call `{named}`" if named and starts else ""


def _sources(context: BuildContext) -> Iterator[tuple[str, str]]:
    paths = context.walk("", lambda name: name.endswith((".py", *_SETTINGS))) or ()
    for path in [path for path in paths if not _NOT_RUN.search(path)][:MOST_SOURCES]:
        if (data := context.head(path, LARGEST)) is not None:
            yield path, decode(data)
