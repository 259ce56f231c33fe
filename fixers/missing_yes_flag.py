"""Package managers that would wait for an answer."""

from collections.abc import Iterator

from rewriter.fixing.edits import insert_after
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.managers.run_calls import calls, is_fed
from rewriter.model.state import States
from rewriter.syntax.shell import Word
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Dockerfile, Run

_CONFIGURED = ("assume-yes", "assumeyes", "assume-no")
"""Settings in apt.conf, yum.conf and the like that answer for all calls."""
_SIMULATES = ("-s", "--simulate", "--just-print", "--dry-run", "--recon", "--no-act", "--print-uris", "--assumeno")


@fixer(
    code="DF310",
    name="missing-yes-flag",
    level=Level.SAFE,
    phase="packages",
    replaces=["DL3014", "DL3030", "DL3034", "DL3038"],
    gains=["reliability"],
    example=Example(
        before="FROM debian:12\nRUN apt-get update && apt-get install curl\n",
        after="FROM debian:12\nRUN apt-get update && apt-get install -y curl\n",
    ),
)
def answer_yes(dockerfile: Dockerfile, states: States) -> Iterator[Fix | Skip]:
    """Add `-y` where apt-get, yum, dnf or zypper would ask whether to go on.

    Nobody can answer during a build: apt-get gives up as soon as it wants to install more than it was told to.
    Left alone where something is piped into the call, where it only simulates, and where a variable may say yes.
    """
    runs = (node for node in dockerfile.instructions if isinstance(node, Run))
    unanswered = [(run, edits) for run in runs if (edits := _answers(run))]
    if not unanswered:
        return
    is_configured = any(mark in node.view.text.lower() for node in dockerfile.instructions for mark in _CONFIGURED)
    for run, edits in unanswered:
        if not states.at(run).is_posix_shell:
            continue
        if is_configured:
            yield Skip(run, "the file sets Assume-Yes somewhere")
        else:
            yield Fix(run, "nobody can answer a question during a build", edits)


def _answers(run: Run) -> list[Edit]:
    """The edits that answer the questions of a RUN."""
    edits: list[Edit] = []
    for call in calls(run):
        if not call.prompts or call.assumes_yes or call.has(*_SIMULATES) or is_fed(run, call):
            continue
        if any(_may_be_option(word) for word in call.unknown):
            continue
        assert call.subcommand is not None
        before = call.program if call.manager.yes_is_global else call.subcommand
        edits.append(insert_after(before, f" {call.manager.yes_flag}"))
    return edits


def _may_be_option(word: Word) -> bool:
    """Whether a word that a variable fills is likely to hold options; one too many would do no harm."""
    begins_with_variable = word.text.lstrip('"').startswith("$")
    hints = ("opt", "arg", "flag", "yes", "param")
    return begins_with_variable and any(hint in name.lower() for name in word.variables for hint in hints)
