"""A build context that costs nothing until somebody asks about it."""

from __future__ import annotations

from collections.abc import Callable

from rewriter.model.context.build_context import BuildContext


class DeferredContext(BuildContext):
    """A context that is looked for when the first question about it is asked: most files need none."""

    __slots__ = ("_find",)

    def __init__(self, find: Callable[[], BuildContext]) -> None:
        self._find = find  # the slots of BuildContext stay empty

    def __getattr__(self, name: str) -> object:
        """Fill the empty slots with those of the context that is found."""
        if name not in BuildContext.__slots__:
            raise AttributeError(name)
        context = self._find()
        for slot in BuildContext.__slots__:
            setattr(self, slot, getattr(context, slot))
        return getattr(self, name)
