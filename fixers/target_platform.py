"""No `--platform` that says what is the default."""

from collections.abc import Iterator

from rewriter.fixing.edits import remove_up_to
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.stages import StageGraph
from rewriter.syntax.tree import From


@fixer(
    code="DF607",
    name="redundant-target-platform",
    level=Level.SAFE,
    phase="spelling",
    replaces=["RedundantTargetPlatform"],
    gains=["clarity"],
    example=Example(
        before="FROM --platform=$TARGETPLATFORM alpine:3.22\n",
        after="FROM alpine:3.22\n",
    ),
)
def remove_redundant_platform(instruction: From, graph: StageGraph) -> Iterator[Fix | Skip]:
    """Remove `--platform=$TARGETPLATFORM`, which is what a build uses anyway.

    Kept where the file declares `ARG TARGETPLATFORM` with a default of its own.
    """
    flag = instruction.platform
    if flag is None or flag.value not in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
        return
    if graph.global_arguments.get("TARGETPLATFORM") is not None:
        yield Skip(instruction, "an ARG above gives TARGETPLATFORM a value of its own")
        return
    others = [other for other in instruction.flags if other.start > flag.start]
    yield Fix(
        instruction, f"`{flag.text}` is the default", [remove_up_to(flag, others[0] if others else instruction.image)]
    )
