"""The form of the packed data files: a readable header, then named parts, each compressed by itself.

`rewriter/model/packed.py` reads it. The header ends with an empty line; its `part:` lines give each part's length.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping


def pack(header: Iterable[str], parts: Mapping[str, str]) -> bytes:
    """A packed file of named texts. Raises ValueError where a name or line would not be read back."""
    compressed = {name: zlib.compress(text.encode(), 9) for name, text in parts.items()}
    lines = [*header, *(f"part: {name} {len(data)}" for name, data in compressed.items())]
    if any("\n" in line or not line for line in lines) or any(" " in name for name in parts):
        raise ValueError("a line of the header must be one line, a name one word")
    return ("\n".join(lines) + "\n\n").encode() + b"".join(compressed.values())
