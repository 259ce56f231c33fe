"""Images that ship with compilers, headers and version control that nothing in them uses."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Cmd, Dockerfile, Entrypoint


@fixer(
    code="DF102",
    name="fat-runtime-base",
    level=Level.GUARDED,
    phase="stages",
    changes=["base-image", "build-tools", "system-packages"],
    gains=["size", "security"],
    example=Example(
        before='FROM python:3.11\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["python", "app.py"]\n',
        after='FROM python:3.11-slim\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["python", "app.py"]\n',
        files=(("requirements.txt", "flask==3.0.3\n"), ("app.py", "import flask\n")),
    ),
)
def start_from_lighter_image(
    _: Dockerfile, states: States, context: BuildContext, services: Services
) -> Iterator[Fix | Skip]:
    """Start an image that ships from the lighter twin of its base.

    `python:3.11` and `node:20` hold compilers, headers, git, curl and much else, some 700 MB that a running program
    seldom touches; a JDK holds a compiler that runs nothing. `-slim` or the JRE is the same version on the same
    release of the distribution, and is only used where that tag is known to exist.

    Everything that the stage does must be understood and do without: the programs that its steps, start commands,
    health checks and compose services call, and the packages that it installs, which must be known to bring what they
    need, or to find it in what the stage installs by name. The project's sources are read for programs that they
    start. What cannot be read counts as a need.
    """
    for stage in states.graph.stages:
        if stage.base is not None and stage.base.is_official:
            yield from _of_bottom(stage, states, context, services)


def _of_bottom(bottom: Stage, states: States, context: BuildContext, services: Services) -> Iterator[Fix | Skip]:
    """What becomes of a stage that starts from an image, together with all that rest on it."""
    from rewriter.model.slimming.needs import first_need
    from rewriter.model.slimming.subject import Subject
    from rewriter.model.slimming.twins import NoTwinError, twin_of

    problem = ""
    try:
        twin = twin_of(bottom, states.graph)
    except NoTwinError as error:
        twin, problem = None, str(error)
    if twin is None and not problem:
        return
    if not any(services.ships(stage) for stage in bottom.family):
        return
    running = [stage for stage in bottom.family if services.ships(stage) or _starts(stage)]
    if twin is None:
        yield Skip(bottom.from_, problem)
        return
    need = first_need(Subject(bottom, twin, states, context, services), running)
    if need is not None:
        is_below = need.instruction is not bottom.from_
        yield Skip(bottom.from_, f"line {{line}}: {need.reason}" if is_below else need.reason, need.instruction)
        return
    message = f"nothing here needs what {bottom.base} has beyond {twin.image}"
    reads = [stage.span for stage in states.graph.stages]
    yield Fix(bottom.from_, message, [replace(bottom.from_.image, twin.text)], reads=reads)


def _starts(stage: Stage) -> bool:
    """Whether a stage is one to build with `--target`: it says itself what runs."""
    return any(isinstance(one, Cmd | Entrypoint) for one in stage.instructions)
