"""`AS` in the case of its FROM."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace, spell
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.syntax.tree import From


@fixer(
    code="DF602",
    name="from-as-casing",
    level=Level.SAFE,
    phase="spelling",
    replaces=["FromAsCasing"],
    gains=["clarity"],
    example=Example(
        before="FROM golang:1.24 as build\n",
        after="FROM golang:1.24 AS build\n",
    ),
)
def spell_as_like_from(instruction: From) -> Iterator[Fix | Skip]:
    """Write `AS` in the case of its `FROM`."""
    written = instruction.as_keyword
    if written is None:
        return
    spelled = spell("AS", like=instruction)
    if written.text != spelled:
        message = f"`{written.text}` becomes `{spelled}`, as {instruction.keyword.text} is written"
        yield Fix(instruction, message, [replace(written, spelled)])
