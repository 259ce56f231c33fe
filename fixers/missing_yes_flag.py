"""Package managers that would wait for an answer."""

from collections.abc import Iterator

from rewriter.fixing.edits import insert_after
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.calls import calls, is_fed
from rewriter.model.state import State
from rewriter.syntax.tree import Run


@fixer(
    code="DF310",
    name="missing-yes-flag",
    level=Level.SAFE,
    phase="packages",
    replaces=["DL3014", "DL3030", "DL3034", "DL3038"],
    example=Example(
        before="FROM debian:12\nRUN apt-get update && apt-get install curl\n",
        after="FROM debian:12\nRUN apt-get update && apt-get install -y curl\n",
    ),
)
def answer_yes(run: Run, state: State) -> Iterator[Fix | Skip]:
    """Add `-y` where apt-get, yum, dnf or zypper would ask whether to go on.

    Nobody can answer during a build: apt-get gives up as soon as it wants to install more than it was told to.
    """
    if not state.is_posix_shell:
        return
    edits = []
    for call in calls(run):
        if not call.prompts or call.assumes_yes or call.unknown or is_fed(run, call):
            continue
        assert call.subcommand is not None
        before = call.program if call.manager.yes_is_global else call.subcommand
        edits.append(insert_after(before, f" {call.manager.yes_flag}"))
    if not edits:
        return
    if "assume" in run.dockerfile.text.lower():
        yield Skip(run, "the file sets Assume-Yes somewhere")
        return
    yield Fix(run, "nobody can answer a question during a build", edits)
