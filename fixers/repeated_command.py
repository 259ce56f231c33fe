"""One CMD, one ENTRYPOINT, one HEALTHCHECK per stage."""

from collections.abc import Iterator

from rewriter.fixing.edits import attached_comments, remove_instruction
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Cmd, Entrypoint, Healthcheck, Instruction


@fixer(
    code="DF609",
    name="repeated-command",
    level=Level.SAFE,
    phase="spelling",
    replaces=["MultipleInstructionsDisallowed", "DL4003", "DL4004", "DL3012"],
    gains=["clarity"],
    example=Example(
        before="""\
FROM node:22
CMD ["npm", "run", "dev"]
CMD ["npm", "start"]
""",
        after="""\
FROM node:22
CMD ["npm", "start"]
""",
    ),
)
def remove_overridden_commands(stage: Stage) -> Iterator[Fix | Skip]:
    """Remove every CMD, ENTRYPOINT and HEALTHCHECK that a later one of the same stage overrides.

    Only the last of each counts. A comment that speaks of the removed instruction alone goes with it;
    one that stands above several of them stays with the last.
    """
    for kind in (Cmd, Entrypoint, Healthcheck):
        found = [instruction for instruction in stage.instructions if isinstance(instruction, kind)]
        for overridden, last in ((it, found[-1]) for it in found[:-1]):
            yield _remove(overridden, last)


def _remove(overridden: Instruction, last: Instruction) -> Fix:
    keeps_comment = isinstance(overridden.after, type(overridden))
    gone = len(overridden.comments) + (0 if keeps_comment else len(attached_comments(overridden)))
    lines = (
        f", and {gone} lines of comment go with it" if gone > 1 else ", and its comment goes with it" if gone else ""
    )
    return Fix(
        overridden,
        f"{overridden.name} is overridden by the one in line {{line}}{lines}",
        remove_instruction(overridden, keep_comments=keeps_comment),
        reads=[last.span],
        drops=[overridden],
        mentions=last,
    )
