"""The environment variables that a program sees: those of the image, over them those that its start script sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rewriter.model.project.answers import Text
from rewriter.model.stages import UNKNOWN_PART


class Environment(Mapping[str, str | None]):
    """The variables of a program by name; None is one that is set, but not known.

    `given` come with the container, which can set them anew, `own` are set behind it: `PORT=4000 node server.js`.
    """

    __slots__ = ("_given", "_own")

    def __init__(self, given: Mapping[str, str | None], own: Mapping[str, Text] | None = None) -> None:
        self._given: Final = given
        self._own: Final = own or {}

    def __getitem__(self, name: str) -> str | None:
        return self._own[name].known if name in self._own else self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._given, **self._own})

    def __len__(self) -> int:
        return len({**self._given, **self._own})

    def over(self, less: Mapping[str, str | None]) -> Environment:
        """The same variables over some that count less, such as those of a `.env` file."""
        return Environment({**less, **self._given}, self._own)

    def text(self, name: str, default: Text | None = None) -> Text:
        """What a variable is when the program starts; one that nothing sets is `default`, or not known."""
        if name in self._own:
            return self._own[name]
        if name in self._given:
            value = self._given[name]
            return Text(UNKNOWN_PART if value is None else value, (name,))
        if default is None:
            return Text(UNKNOWN_PART, (name,))
        return default._replace(variables=tuple(dict.fromkeys((name, *default.variables))))
