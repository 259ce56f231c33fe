"""A user of its own for an image that runs as root."""

from collections.abc import Iterator

from rewriter.fixing.commands import append_command, joined_commands
from rewriter.fixing.compose import append_lines, insert_lines
from rewriter.fixing.edits import render
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.flags import insert_flag
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.project import Project
from rewriter.model.running.as_whom import (
    block_of_start,
    doubt_of_builder,
    doubt_of_earlier_users,
    doubt_of_user,
    last_user,
    runs_as_root,
    starts_nothing,
)
from rewriter.model.running.needs_root import doubt_of_root
from rewriter.model.running.new_user import Runner, find_runner
from rewriter.model.running.owned_paths import Ownership, find_ownership
from rewriter.model.running.owner_checks import doubt_of_owner_checks
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.model.settings import Settings
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Cmd, Entrypoint, Instruction


@fixer(
    code="DF401",
    name="root-user",
    level=Level.GUARDED,
    phase="running",
    replaces=["DL3002", "DL3066"],
    changes=["user", "users", "owners", "folders"],
    gains=["security"],
    example=Example(
        before="FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nEXPOSE 8000\n"
        'CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]\n',
        after="FROM python:3.11-slim\n"
        "RUN groupadd --gid 10001 app && useradd --uid 10001 --gid app --create-home app\n"
        "WORKDIR /app\nCOPY . .\nUSER 10001:10001\nEXPOSE 8000\n"
        'CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]\n',
        files=(("main.py", "from fastapi import FastAPI\n\napp = FastAPI()\n"),),
    ),
)
def run_as_ordinary_user(
    stage: Stage, states: States, project: Project, services: Services, context: BuildContext, settings: Settings
) -> Iterator[Fix | Skip]:
    """Let the image run as a user of its own instead of root.

    A program that is taken over can do less harm when it is not root. The user that the base image or the Dockerfile
    has already is taken, else one is created, early, so that it stays in the cache. USER names it by its numbers, as
    Kubernetes' `runAsNonRoot` wants it, and stands behind the last step that needs root.

    The user owns what the program writes, and nothing else: its data folders and volumes, or, where the sources do not
    tell all that it writes, its working directory with the files copied there. An image is left alone where anything
    may need root: its base, packages, ports, start scripts and compose services are looked at.
    """
    shipped = Shipped(stage, states, project, services, context)
    if stage.is_windows or not services.ships(stage) or not runs_as_root(shipped) or starts_nothing(shipped):
        return
    anchor = _anchor(shipped)
    found = _find(shipped, settings)
    if isinstance(found, Doubt):
        yield Skip(anchor, found.reason, found.mentions)
        return
    yield _fix(anchor, shipped, *found)


def _anchor(shipped: Shipped) -> Instruction:
    """The USER that makes it root's, else what starts it, else its FROM."""
    starts = [one for one in shipped.stage.instructions if isinstance(one, Cmd | Entrypoint)]
    user = last_user(shipped)
    return user or (starts[-1] if starts else shipped.stage.from_)


def _find(shipped: Shipped, settings: Settings) -> tuple[Runner, Ownership] | Doubt:
    if doubt := doubt_of_user(shipped):
        return doubt
    if shipped.context.status("") == "unknown":
        return Doubt("the build context is not known")
    if doubt := doubt_of_root(shipped):
        return doubt
    runner = find_runner(shipped)
    if isinstance(runner, Doubt):
        return runner
    ownership = doubt_of_earlier_users(shipped, runner) or find_ownership(shipped, runner)
    if isinstance(ownership, Doubt):
        return ownership
    doubt = doubt_of_builder(shipped, ownership, settings) or doubt_of_owner_checks(ownership.copies, shipped)
    return doubt or (runner, ownership)


def _fix(anchor: Instruction, shipped: Shipped, runner: Runner, ownership: Ownership) -> Fix:
    stage = shipped.stage
    edits = [insert_flag(copy, f"--chown={runner.owner}") for copy in ownership.copies]
    if ownership.built:
        run, folder = ownership.built
        edits.append(append_command(run, f"chown -R {runner.owner} {folder}"))
    last = _give(runner, ownership)
    if runner.create and runner.above:
        edits.append(insert_lines(runner.above, [joined_commands("RUN", runner.create, like=anchor)]))
    else:
        last = [*runner.create, *last]
    lines = [joined_commands("RUN", last, like=anchor)] if last else []
    lines.append(render("USER", runner.user, like=anchor))
    block = block_of_start(stage)
    edits.append(
        insert_lines(block, lines) if block else append_lines((stage.instructions or (stage.from_,))[-1], lines)
    )
    message = f"it runs as root without need: the user {runner.user} takes over"
    if ownership.owned:
        message += f" and owns {', '.join(ownership.owned)}"
    return Fix(anchor, message, edits, reads=[one.span for one in stage.lineage])


def _give(runner: Runner, ownership: Ownership) -> list[str]:
    """The commands that make folders and give them to the user."""
    make = [f"mkdir -p {' '.join(ownership.missing)}"] if ownership.missing else []
    give = [f"chown {runner.owner} {' '.join(ownership.owned)}"] if ownership.owned else []
    return [*make, *give]
