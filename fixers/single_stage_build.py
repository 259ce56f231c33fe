"""What builds in one stage, what runs in another."""

from collections.abc import Iterator

from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.split_stage import split_stage, when_split
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.project import Project
from rewriter.model.splitting import find_split, what_keeps_the_base
from rewriter.model.splitting.parts import Unsplit
from rewriter.model.stages import Stage
from rewriter.model.state import States


@fixer(
    code="DF101",
    name="single-stage-build",
    level=Level.GUARDED,
    phase="stages",
    changes=[
        "base-image",
        "build-tools",
        "bytecode",
        "development-packages",
        "env",
        "installers",
        "installer-records",
        "manifests",
        "sources",
        "system-packages",
        "virtual-environment",
    ],
    gains=["size", "security"],
    example=Example(
        before="FROM python:3.11\nWORKDIR /app\nRUN apt-get update && apt-get install -y build-essential\n"
        'COPY requirements.txt ./\nRUN pip install -r requirements.txt\nCOPY . .\nCMD ["gunicorn", "app:app"]\n',
        after="FROM python:3.11 AS builder\nWORKDIR /app\n"
        "RUN apt-get update && apt-get install -y build-essential\n"
        "RUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n"
        "COPY requirements.txt ./\nRUN pip install -r requirements.txt\n\n"
        "FROM python:3.11 AS runtime\nWORKDIR /app\nCOPY --from=builder /opt/venv /opt/venv\n"
        'ENV PATH=/opt/venv/bin:$PATH\nCOPY . .\nCMD ["gunicorn", "app:app"]\n',
        files=(("requirements.txt", "gunicorn\nflask\n"), ("app.py", "")),
    ),
)
def build_in_a_stage_of_its_own(
    stage: Stage, states: States, context: BuildContext, project: Project, services: Services
) -> Iterator[Fix | Skip]:
    """Build in one stage what runs in another, so that compilers and headers are not shipped.

    A stage that installs its own tools becomes two. The builder has the tools; the runtime copies what was built, and
    keeps all that users see: settings, user, ports, health check, command, and the name of the stage. A package of
    headers leaves its library behind (`libpq-dev`: `libpq5`), and packages that are not known to serve only builds stay
    in the runtime.

    Python packages go into a virtual environment, `/opt/venv` where there is none yet; a project that is compiled where
    it lies is copied as it was built. A Node project is built with its devDependencies, and copied without them; of a
    standalone server only its folder is. A Go or Rust binary goes into the small image of the same release, with the
    libraries, certificates and time zones that it may need. What Maven, Gradle or javac built goes into the image of
    the same Java without the development kit, what .NET published into that of ASP.NET Core. The files that lie beside
    a program go along.

    The build context must show what is installed and what a container starts. A stage is left alone where a later step,
    the command, a script or a service of a compose file needs the tools, where a step does something that is not known,
    or where programs are called by paths that change. So is one whose base has the tools itself, and no lighter twin
    that would do: it would gain nothing.
    """
    found = find_split(stage, states, context, project, services)
    if isinstance(found, Unsplit):
        yield Skip(stage.from_, found.reason, found.culprit)
    elif found is not None:
        edits = split_stage(found, states.graph)
        if reason := what_keeps_the_base(found, lambda: when_split(edits, stage.dockerfile), context, services):
            yield Skip(stage.from_, f"the runtime would keep {stage.base}, which has the tools itself: {reason}")
            return
        yield Fix(stage.from_, found.message, edits, reads=[stage.span])
