"""A second opinion before a file is saved: dockerfile-parse, which shares no code with dfix.

It cannot read everything (heredocs, blank lines in a continuation), so it has a say only about files on which both
readers agreed before the edit.
"""

from __future__ import annotations

from io import BytesIO
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from rewriter.syntax.text import encode

if TYPE_CHECKING:
    from rewriter.syntax.tree import Dockerfile

# Its time grows with the square of a continuation's length; a longer file is left to the first reader.
LARGEST: Final = 200_000


def instructions(text: str) -> list[tuple[str, str]] | None:
    """Keyword and arguments of each instruction as dockerfile-parse reads them; None when it cannot."""
    if len(text) > LARGEST:
        return None
    try:
        from dockerfile_parse import DockerfileParser

        # Given a file object it never opens a file; it takes a byte order mark for part of the first word.
        parser = DockerfileParser(fileobj=BytesIO(encode(text.removeprefix("\ufeff"))), env_replace=False)
        structure = parser.structure
    except Exception:  # whatever stops the second reader, the first has read the file
        return None
    return [(entry["instruction"], _plain(entry["value"])) for entry in structure if entry["instruction"] != "COMMENT"]


def disagreement(before: Dockerfile, after: Dockerfile) -> str:
    """What the readers see differently after an edit although they agreed before; usually nothing."""
    if "<<" in after.text and any("<<" in instruction.view.text for instruction in after.instructions):
        return ""  # it takes the lines of a heredoc for instructions
    if instructions(before.text) != _own(before):
        return ""
    theirs, ours = instructions(after.text), _own(after)
    if theirs is None or theirs == ours:
        return ""
    pairs = enumerate(zip_longest(theirs, ours, fillvalue=("nothing", "")), start=1)
    number, (their, our) = next((number, pair) for number, pair in pairs if pair[0] != pair[1])
    return f"instruction {number}: dockerfile-parse reads {_shown(their)}, dfix reads {_shown(our)}"


def _own(dockerfile: Dockerfile) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for instruction in dockerfile.instructions:
        _, _, arguments = _plain(instruction.view.text).partition(" ")
        pairs.append((instruction.name.upper(), arguments))
    return pairs


def _plain(text: str) -> str:
    """Text in which every run of blanks is one."""
    return " ".join(text.split())


def _shown(pair: tuple[str, str]) -> str:
    words = " ".join(pair).strip()
    return repr(words if len(words) <= 80 else f"{words[:77]}...")
