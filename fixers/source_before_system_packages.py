"""System packages and users first, then the sources."""

from collections.abc import Iterator

from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.moving import move_all
from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.earlier_packages import Climb, earlier_packages
from rewriter.model.stages import Stage
from rewriter.model.state import States


@fixer(
    code="DF203",
    name="source-before-system-packages",
    level=Level.GUARDED,
    phase="order",
    gains=["speed"],
    example=Example(
        before="FROM debian:12\nWORKDIR /app\nCOPY . .\nRUN apt-get update && apt-get install -y jq\n",
        after="FROM debian:12\nWORKDIR /app\nRUN apt-get update && apt-get install -y jq\nCOPY . .\n",
    ),
)
def install_packages_before_sources(stage: Stage, states: States, context: BuildContext) -> Iterator[Fix | Skip]:
    """Install system packages and add users before the sources are copied.

    Docker repeats every step below a COPY whose files have changed. With the sources copied first, each change of a
    source file installs all packages of the system again, though none of them depends on it; with manifests such as
    `requirements.txt` copied first, each change of a dependency does.

    A RUN goes up only if all that it does is known, and neither it nor what it needs has to do with the copied files:
    it installs no package from them, works in none of their folders, and they replace no file of a package.
    """
    for found in earlier_packages(stage, states, context):
        if isinstance(found, Climb):
            yield _fix(found, stage)
        else:
            yield Skip(found.run, found.reason, found.culprit)


def _fix(climb: Climb, stage: Stage) -> Fix:
    message = "needs nothing of what line {line} copies, and goes above it"
    reads = [stage.from_.span, *(one.span for one in (*climb.up, *climb.passed))]
    # Either may be moved; fewer lines make the plainer diff.
    if len(climb.down) <= len(climb.up):
        edits = move_all(climb.down, below=climb.run)
    else:
        edits = move_all(climb.up, above=climb.copy)
    return Fix(climb.run, message, edits, reads=reads, mentions=climb.copy)
