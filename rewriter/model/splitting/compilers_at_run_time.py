"""Whether the sources of a Python project call a compiler when they run, as judges of programs and notebooks do.

A source that is listed but cannot be read is trusted.
"""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.model.splitting.run_time_files import run_time_files

NEEDS_A_COMPILER: Final = names(
    "pystan httpstan theano theano-pymc pytensor pymc pymc3 cmdstanpy triton vllm deepspeed flash-attn pythran "
    "jupyterlab notebook"
)
"""Packages that call a compiler when they run, or serve people who do."""

_COMPILES: Final = re.compile(
    r"\bpyximport\b|\bcpp_extension\b|\bcppimport\b|\bffi\.verify\(|\bnew_compiler\(|\bscipy\.weave\b|"
    # https://docs.pytorch.org/docs/stable/torch.compiler.html
    r"\btorch\.compile\b|\bcython\.inline\b|\bautowrap\(|\bufuncify\("
)
_STARTS: Final = re.compile(r"\bsubprocess\b|\bos\.(?:system|popen|exec|spawn|posix_spawn)|\bpexpect\b|\bPopen\b")
_TOOL: Final = re.compile(
    r"(?:[\"'/]|: |&& |; )(gcc|g\+\+|clang(?:\+\+)?|rustc)(?=[\"' ])|"
    # These two are words as well, and keys of what is made by somebody.
    r"(?<![\w)\]]\[)[\"'](make|cmake)(?:[\"'](?!\s*:)|\s+-|\s+[\w-]+[\"'])"
)
_SETTINGS: Final = (".json", ".yaml", ".yml", ".toml", ".ini")


def compiler_at_run_time(context: BuildContext) -> str:
    """Why the program may call a compiler when it runs; empty where nothing speaks for it."""
    named = starts = ""
    for path, text in run_time_files(context, lambda name: name.endswith((".py", *_SETTINGS))):
        if path.endswith(".py"):
            if match := _COMPILES.search(text):
                return f"{path} uses {match[0].rstrip('(')}, which calls a compiler"
            starts = starts or (path if _STARTS.search(text) else "")
        if match := _TOOL.search(text):
            named = named or match[1] or (match[2] if _STARTS.search(text) else "")
    return f"{starts} may call `{named}`" if named and starts else ""
