"""pip, where uv does the same in a fraction of the time."""

from collections.abc import Iterator, Sequence

from rewriter.fixing.commands import Stretch, remove_cleanup, remove_words, text_in_front
from rewriter.fixing.edits import attached_comments, insert_after, insert_in_front, remove_instruction, replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.flags import insert_flags
from rewriter.model.caching.mounts import is_mounted
from rewriter.model.context.build_context import BuildContext
from rewriter.model.features import reason_against_mounts
from rewriter.model.pip.hazards import uses_pip
from rewriter.model.pip.options import PipRun, Rewrite, can_go, find_pip_runs, find_stale_mount
from rewriter.model.settings import Settings
from rewriter.model.state import States
from rewriter.syntax.text import Edit, Span
from rewriter.syntax.tree import Dockerfile, Instruction, Run

_BROUGHT_BY_PIP = "pip"
"""The setting that asks for `pip install uv` in place of an image to mount."""


@fixer(
    code="DF301",
    name="pip-install",
    level=Level.GUARDED,
    phase="packages",
    changes=["package-caches", "bytecode", "installer-records", "installers"],
    gains=["speed"],
    example=Example(
        before="FROM python:3.11\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\n",
        after=(
            "FROM python:3.11\nCOPY requirements.txt .\n"
            "RUN --mount=type=bind,from=ghcr.io/astral-sh/uv:0.13.9,source=/uv,target=/bin/uv \\\n"
            "    --mount=type=cache,target=/root/.cache/uv \\\n"
            "    uv pip install --system --compile-bytecode --link-mode=copy -r requirements.txt\n"
        ),
    ),
)
def install_with_uv(
    dockerfile: Dockerfile, states: States, context: BuildContext, settings: Settings
) -> Iterator[Fix | Skip]:
    """Install Python packages with uv where a RUN calls pip.

    uv is mounted for the RUN. All that it leaves in the image besides the packages is an empty lock file in /tmp; what
    it downloads is kept in a cache mount. It installs into the Python that pip means: the system's, or the virtual
    environment in force. pip stays in the image, lists and removes what uv has installed; an upgrade of pip that
    nothing else needs goes.

    A RUN is left alone where uv does something else than pip: options and variables that it does not know, `pip.conf`,
    users who cannot write to the Python, projects that do not declare what they are built with. Requirements files are
    read from the build context; one that cannot be read is taken for a plain list of packages.
    """
    if not (settings.has_mounts or settings.why_legacy):
        return
    plans = list(find_pip_runs(dockerfile, states, context))
    if reason := reason_against_mounts(dockerfile, settings):
        yield from (Skip(plan.run, reason) for plan in plans)
        return
    user = _find_user(dockerfile, plans)
    served = {states.graph.stage_of(plan.run) for plan in plans if not (plan.problem or plan.is_pip_only)}
    for plan in plans:
        if plan.problem or (settings.uv == _BROUGHT_BY_PIP and (problem := _unreachable(plan))):
            yield Skip(plan.run, plan.problem or problem)
        elif not plan.is_pip_only:
            yield Fix(plan.run, _message(plan), _edits(plan, settings, keeps_pip=user is None))
        elif user is not None:
            yield Skip(plan.run, "line {line} uses pip, or may", user)
        elif states.graph.stage_of(plan.run) not in served:
            yield Skip(plan.run, "no other call of pip in this stage becomes one of uv")
        else:
            yield _removal(plan.run)


def _removal(run: Run) -> Fix:
    """The end of a RUN that only upgraded pip; a comment that speaks of what stands below as well stays."""
    comments = attached_comments(run)
    said = " ".join(comment.content.lower() for comment in comments)
    is_about_pip = "pip" in said.split() and any(word in said for word in ("upgrade", "update", "latest", "newer"))
    keeps = isinstance(run.after, Instruction) and not is_about_pip
    gone = run.comments or (comments and not keeps)
    message = "nothing uses pip any more, so its upgrade goes" + (", and its comment with it" if gone else "")
    return Fix(run, message, remove_instruction(run, keep_comments=keeps), drops=[run])


def _find_user(dockerfile: Dockerfile, plans: Sequence[PipRun]) -> Instruction | None:
    """The first instruction that still uses pip when all that can be are calls of uv."""
    rewritten = {plan.run.start: [one.call for one in plan.rewrites] for plan in plans}
    for instruction in dockerfile.instructions:
        if uses_pip(instruction, rewritten.get(instruction.start, ())):
            return instruction
    return None


def _unreachable(plan: PipRun) -> str:
    """Why a uv that pip installs would not be found."""
    for one in plan.rewrites:
        if any("/" in word.text for word in (one.call.program, *one.call.launcher)):
            return "the uv that this pip would install need not be on PATH"
    if plan.run.script.items[plan.rewrites[0].item].operator == "||":
        return "uv would have to be installed behind `||`"
    return ""


def _message(plan: PipRun) -> str:
    unread = " and ".join(plan.unread)
    return f"uv installs what pip did; {unread} could not be read" if unread else "uv installs what pip did"


def _edits(plan: PipRun, settings: Settings, *, keeps_pip: bool) -> Iterator[Edit]:
    run, script = plan.run, plan.run.script
    gone = set(plan.cleanup.items)
    if keeps_pip:
        gone |= {one.item for one in plan.rewrites if one.is_pip_only and can_go(script, one.item)}
    kept = [one for one in plan.rewrites if one.item not in gone]
    flags = []
    if settings.uv != _BROUGHT_BY_PIP:
        flags.append(f"--mount=type=bind,from={settings.uv},source=/uv,target=/bin/uv")
    if not is_mounted(run, plan.mount.target):
        if stale := find_stale_mount(plan):
            yield replace(stale, plan.mount.flag)
        else:
            flags.append(plan.mount.flag)
    first = kept[0]
    bringing = ""
    if settings.uv == _BROUGHT_BY_PIP:
        program = " ".join(word.text for word in (*first.call.launcher, first.call.program))
        bringing = text_in_front(run, first.item, f"{program} install --no-cache-dir uv")
    if not run.heredocs and script.pipelines[first.item].span.start == run.arguments_span.start:
        yield insert_flags(run, flags, in_front=bringing)
    else:
        yield insert_flags(run, flags)
        if bringing:
            yield insert_in_front(script.pipelines[first.item], bringing)
    yield from remove_cleanup(run, plan.cleanup._replace(items=frozenset(gone)))
    for one in kept:
        yield from _call_edits(one, run.dockerfile)


def _call_edits(one: Rewrite, dockerfile: Dockerfile) -> Iterator[Edit]:
    call, translation = one.call, one.translation
    assert call.subcommand is not None
    first = call.launcher[0] if call.launcher else call.program
    program = Stretch(Span(first.span.start, call.program.span.end))
    yield replace(program, " ".join([*translation.variables, "uv pip"]))
    yield insert_after(call.subcommand, "".join(f" {option}" for option in translation.options))
    yield from remove_words(dockerfile, call.command.words, translation.removed)
    for word, text in translation.replaced:
        yield replace(word, text)
