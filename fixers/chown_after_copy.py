"""The owner and the mode of files where they are copied."""

from collections.abc import Iterator, Sequence
from itertools import groupby
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
from rewriter.syntax.tree import Copy

if TYPE_CHECKING:
    from rewriter.model.ownership.plan import Plan


@fixer(
    code="DF206",
    name="chown-after-copy",
    level=Level.GUARDED,
    phase="order",
    gains=["size", "speed"],
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
    from rewriter.model.ownership.plan import Refusal, compatible, plans

    if stage.is_windows:
        return
    for _, group in groupby(plans(stage, states, context), lambda plan: plan.change.run.start):
        fit = []
        for plan in group:
            run = plan.change.run
            if isinstance(plan, Refusal):
                yield Skip(run, plan.reason, plan.mentions)
            elif plan.change.flag == "chmod" and not (settings.has_mounts and allows(run.dockerfile, "copy-chmod")):
                yield Skip(run, "the builder does not know COPY --chmod")
            elif plan.takes_all and not plan.can_go:
                yield Skip(run, "the rest of the RUN depends on whether it succeeds")
            else:
                fit.append(plan)
        if fit:
            yield _fix(compatible(fit), stage)


def _fix(plans: "Sequence[Plan]", stage: Stage) -> Fix:
    run, first = plans[0].change.run, plans[0].first
    flags = {plan.change.flag for plan in plans}
    what = " and ".join(name for flag, name in (("chown", "owner"), ("chmod", "mode")) if flag in flags)
    rest = ": without -R, the layer does not store them again" if plans[0].plain else ""
    numbers = [plan.change.number for plan in plans if plan.takes_all]
    is_all = len(numbers) == len(run.script.items)
    edits = [*_flags(plans), *(remove_instruction(run) if is_all else _shorten(plans, numbers))]
    reads = [stage.from_.span, *(copy.span for plan in plans for copy in plan.copies)]
    message = f"line {{line}} copies the files with their {what}{rest}"
    return Fix(run, message, edits, reads=reads, drops=[run] if is_all else [], mentions=first)


def _flags(plans: "Sequence[Plan]") -> Iterator[Edit]:
    """The flags that the COPYs get."""
    flags: dict[Copy, str] = {}
    for plan in plans:
        for copy in plan.copies:
            flags[copy] = f"{flags.get(copy, '')} {plan.flag}"
    for copy, text in flags.items():
        yield insert_after(copy.flags[-1] if copy.flags else copy.keyword, text)


def _shorten(plans: "Sequence[Plan]", numbers: Sequence[int]) -> Iterator[Edit]:
    """Take out of a RUN the commands, or those of their words, that nothing is left to do for."""
    change = plans[0].change
    if numbers:
        yield from remove_items(change.run.dockerfile, change.run.script, numbers)
        return
    recursion = [change.recursion] if plans[0].plain and change.recursion else []
    removed = [*(operand.word for operand in plans[0].gone), *recursion]
    yield from remove_words(change.run.dockerfile, change.command.words, removed)
