"""Protocols of EXPOSE in lower case."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Expose


@fixer(
    code="DF608",
    name="expose-protocol-casing",
    level=Level.SAFE,
    phase="spelling",
    replaces=["ExposeProtoCasing"],
    gains=["clarity"],
    example=Example(
        before="FROM nginx:1.29\nEXPOSE 80/TCP 53/Udp\n",
        after="FROM nginx:1.29\nEXPOSE 80/tcp 53/udp\n",
    ),
)
def spell_protocols_in_lower_case(expose: Expose) -> Iterator[Fix | Skip]:
    """Write the protocol of an exposed port in lower case."""
    edits: list[Edit] = []
    for word in expose.words:
        port, slash, protocol = word.text.rpartition("/")
        if slash and protocol.lower() in ("tcp", "udp", "sctp") and not protocol.islower():
            edits.append(replace(word, f"{port}/{protocol.lower()}"))
    if edits:
        yield Fix(expose, "protocols are written in lower case", edits)
