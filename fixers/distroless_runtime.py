"""Runtime images without a shell or a package manager."""

from collections.abc import Iterator

from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.split_stage import split_stage
from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Services
from rewriter.model.distroless import find_move
from rewriter.model.project import Project
from rewriter.model.running.shipped import Doubt
from rewriter.model.splitting import find_split
from rewriter.model.splitting.parts import Split, Unsplit
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Copy, Run


@fixer(
    code="DF104",
    name="distroless-runtime",
    level=Level.OPT_IN,
    phase="stages",
    changes=[
        "base-image",
        "build-tools",
        "bytecode",
        "development-packages",
        "cmd",
        "entrypoint",
        "env",
        "folders",
        "healthcheck",
        "installer-records",
        "installers",
        "manifests",
        "owners",
        "replaced-users",
        "sources",
        "system-packages",
        "user",
        "users",
        "virtual-environment",
        "workdir",
    ],
    gains=["security", "size"],
    example=Example(
        before="FROM golang:1.24 AS builder\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /bin/web .\n\n"
        'FROM debian:bookworm-slim\nCOPY --from=builder /bin/web /bin/web\nCMD ["/bin/web"]\n',
        after="FROM golang:1.24 AS builder\nWORKDIR /src\nCOPY . .\nRUN CGO_ENABLED=0 go build -o /bin/web .\n\n"
        "FROM gcr.io/distroless/static-debian13:nonroot\nWORKDIR /\nCOPY --from=builder /bin/web /bin/web\n"
        'CMD ["/bin/web"]\n',
        files=(
            ("go.mod", "module example.org/web\n"),
            ("main.go", 'package main\n\nimport "net/http"\n\nfunc main() {\n\thttp.ListenAndServe(":8080", nil)\n}\n'),
        ),
    ),
)
def run_without_shell(
    stage: Stage, states: States, context: BuildContext, project: Project, services: Services
) -> Iterator[Fix | Skip]:
    """Run what ships on a distroless image, which has no shell, no package manager and an ordinary user.

    What an attacker could use is not there: an image of Google's distroless project holds an interpreter, or nothing
    at all, with certificates, time zones and the user `nonroot` (65532). It takes the place of the slim image under
    Python, Node, Java and the binaries of Go, in the last stage, where that has nothing left to run while it is built.

    The image has the version of the interpreter, and the stages that build for it get the same release of Debian. The
    interpreter is what the image starts, so commands begin behind it; programs of a virtual environment start as
    modules, which PYTHONPATH finds. RUNs that make a user go, COPY gives the user what the program may write, and
    WORKDIR makes the folders for it. A stage that builds itself is split first, as by DF101, but only for this.

    Left alone is what needs a shell or another program: commands with variables, scripts, compose services with a
    command or check of their own, a Makefile that runs programs in its container, sources that start programs, packages
    that need libraries which are not there. Look into such a container by `docker debug`, `kubectl debug`, or the tag
    `debug-nonroot`.
    """
    from rewriter.fixing.other_base import move_behind, move_stage
    from rewriter.model.distroless.move import Move

    found = find_move(stage, states, context, project, services)
    if isinstance(found, Doubt):
        split = find_split(stage, states, context, project, services, is_wanted=True)
        edits = split_stage(split, states.graph) if isinstance(split, Split) else []
        later = move_behind(stage, edits, context, services) if edits else None
        if isinstance(split, Split) and isinstance(later, Move):
            yield Fix(stage.from_, f"{split.message}, for an image without a shell", edits, reads=[stage.span])
        elif isinstance(later, Doubt):
            yield Skip(stage.from_, later.reason)
        elif isinstance(split, Unsplit) and isinstance(found.mentions, Run | Copy):
            yield Skip(stage.from_, split.reason, split.culprit)
        else:
            yield Skip(stage.from_, found.reason, found.mentions)
    elif found is not None:
        reads = [one.span for one in states.graph.stages]
        yield Fix(stage.from_, found.message, move_stage(found), reads=reads, drops=found.steps.gone)
