"""No empty lines inside a continued instruction."""

from collections.abc import Iterator

from rewriter.fixing.edits import remove, remove_span, spell
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.syntax.tree import INSTRUCTIONS, Instruction


@fixer(
    code="DF606",
    name="empty-continuation",
    level=Level.SAFE,
    phase="spelling",
    replaces=["NoEmptyContinuation"],
    gains=["clarity"],
    example=Example(
        before="""\
FROM debian:12
RUN apt-get update && apt-get install -y \\
    curl \\

    git
""",
        after="""\
FROM debian:12
RUN apt-get update && apt-get install -y \\
    curl \\
    git
""",
    ),
)
def remove_empty_continuation_lines(instruction: Instruction) -> Iterator[Fix | Skip]:
    """Remove empty lines between the continuation lines of an instruction.

    BuildKit warns about them and will refuse them one day. The builder drops them anyway, so nothing changes.
    Where the line behind the gap looks like an instruction of its own, a continuation character too many is the
    likelier mistake, and only a person can tell.
    """
    gaps = instruction.gaps
    if not gaps:
        return
    swallowed = next((gap.next_word for gap in gaps if _is_instruction(gap.next_word, instruction)), "")
    if swallowed:
        yield Skip(
            instruction, f"the {swallowed} behind the empty line is part of this instruction; one `\\` too many?"
        )
        return
    dangling = instruction.dangling
    edits = [remove(gap) for gap in gaps if gap.next_word]
    edits += [remove_span(dangling)] if dangling else []
    if edits:
        yield Fix(instruction, "empty lines inside the instruction go", edits)


def _is_instruction(word: str, instruction: Instruction) -> bool:
    """Whether a word is an instruction's name, in capitals or in the case that this file writes them in."""
    return word in INSTRUCTIONS or (word.upper() in INSTRUCTIONS and word == spell(word, like=instruction))
