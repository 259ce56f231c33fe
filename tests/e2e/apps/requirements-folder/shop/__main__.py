"""Prints the names on the shelf."""

from markupsafe import escape
from toolz import unique

for name in unique(["pens", "ink & paper", "pens"]):
    print(escape(name))
