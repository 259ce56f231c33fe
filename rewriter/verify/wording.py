"""Numbers and sizes in words, as the checks and the printed reports both say them."""

from __future__ import annotations


def size(number: float) -> str:
    """A number of bytes in the units that Docker prints: powers of 1,000."""
    if number < 1000:
        return f"{number:.0f} B"
    unit = ""
    for unit in ("kB", "MB", "GB", "TB"):
        number /= 1000
        if number < 999.5:
            return f"{number:.3g} {unit}"
    return f"{number:,.0f} {unit}"


def count(number: int, one: str) -> str:
    """A number of things in words: `1 file`, `2 files`."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"
