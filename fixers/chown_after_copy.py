"""The owner and the mode of files where they are copied."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rewriter.fixing.commands import remove_items, remove_words
from rewriter.fixing.edits import insert_after, remove_instruction
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.model.features import allows
from rewriter.model.settings import Settings
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.text import Edit

if TYPE_CHECKING:
    from rewriter.model.ownership.plan import Plan


@fixer(
    code="DF206",
    name="chown-after-copy",
    level=Level.GUARDED,
    phase="order",
    example=Example(
        before="""\
FROM node:22-slim
COPY --from=build /src/dist /app
RUN chown -R node:node /app
USER node
""",
        after="""\
FROM node:22-slim
COPY --from=build --chown=node:node /src/dist /app
USER node
""",
    ),
)
def set_owner_while_copying(
    stage: Stage, states: States, context: BuildContext, settings: Settings
) -> Iterator[Fix | Skip]:
    """Let COPY set the owner or the mode that a chown or chmod below it sets.

    A `chown -R` in a layer of its own stores every file a second time. The command goes where COPY leaves nothing to do
    for it; a folder that WORKDIR or `mkdir` has made still needs it, without `-R`. Left alone where the command also
    changes other files, where something works on them in between, where the user does not exist yet when COPY runs,
    and where `+x` depends on modes that are not known.
    """
    from rewriter.model.ownership.plan import Refusal, plans

    if stage.is_windows:
        return
    for plan in plans(stage, states, context):
        run = plan.change.run
        if isinstance(plan, Refusal):
            yield Skip(run, plan.reason, plan.mentions)
        elif plan.change.flag == "chmod" and not (settings.has_mounts and allows(run.dockerfile, "copy-chmod")):
            yield Skip(run, "the builder does not know COPY --chmod")
        elif plan.takes_all and not plan.can_go:
            yield Skip(run, "the rest of the RUN depends on whether it succeeds")
        else:
            drops = [run] if plan.takes_all and plan.is_alone else []
            yield Fix(run, _message(plan), _edits(plan), reads=[stage.span], drops=drops, mentions=plan.first)


def _message(plan: "Plan") -> str:
    what = "owner" if plan.change.flag == "chown" else "mode"
    rest = ": without -R, the layer does not store them again" if plan.plain else ""
    return f"line {{line}} copies the files with their {what}{rest}"


def _edits(plan: "Plan") -> Iterator[Edit]:
    for copy in plan.copies:
        yield insert_after(copy.flags[-1] if copy.flags else copy.keyword, f" {plan.flag}")
    change = plan.change
    if plan.takes_all and plan.is_alone:
        yield from remove_instruction(change.run)
    elif plan.takes_all:
        yield from remove_items(change.run.dockerfile, change.run.script, [change.number])
    else:
        removed = [operand.word for operand in plan.gone]
        recursion = [change.recursion] if plan.plain and change.recursion else []
        yield from remove_words(change.run.dockerfile, change.command.words, [*removed, *recursion])
