"""What a fixer is good for: the words of `gains=`, by which `dfix --explain` answers questions about a file."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "size": "a smaller image",
    "speed": "faster builds",
    "security": "less that can be attacked",
    "reliability": "fewer surprises in builds and at run time",
    "clarity": "a file that is easier to read",
}
"""The words, and what each means to a reader."""
