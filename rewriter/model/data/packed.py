"""Packed data files: a readable header, then named parts, of which only those that are asked for are unpacked.

`make data` writes them.
"""

from __future__ import annotations

from os.path import dirname, join
from typing import Final


class PackedFile:
    """A packed file of the folder `data`. Reading it costs little: parts stay compressed until asked for."""

    __slots__ = ("_content", "_places", "header")

    def __init__(self, name: str) -> None:
        with open(join(dirname(__file__), name), "rb") as file:
            self._content: Final = file.read()
        text, _, _ = self._content.partition(b"\n\n")
        lines = text.decode().split("\n")
        self.header: Final = [line for line in lines if not line.startswith("part: ")]
        self._places: Final[dict[str, tuple[int, int]]] = {}
        start = len(text) + 2
        for line in lines:
            if line.startswith("part: "):
                _, part, length = line.split(" ")
                self._places[part] = (start, start + int(length))
                start += int(length)

    def __contains__(self, part: str) -> bool:
        return part in self._places

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of all parts."""
        return tuple(self._places)

    def read(self, part: str) -> str:
        """The text of a part; empty where there is no such part."""
        import zlib

        start, end = self._places.get(part, (0, 0))
        return zlib.decompress(self._content[start:end]).decode() if end else ""
