"""Questions about a file that are asked again for each of its instructions: the answers go with the parse."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import TypeVar, TypeVarTuple, cast

from rewriter.syntax.tree import Dockerfile

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


def once_per_file(question: Callable[[Dockerfile, *_Ts], _T]) -> Callable[[Dockerfile, *_Ts], _T]:
    """Let a function look only once for what it finds in a file; its further arguments must be hashable."""

    def answer(dockerfile: Dockerfile, *args: *_Ts) -> _T:
        key = (question, args)
        memo = dockerfile.memo
        if key not in memo:
            memo[key] = question(dockerfile, *args)
        return cast("_T", memo[key])

    update_wrapper(answer, question)
    return answer
