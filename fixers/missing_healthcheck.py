"""A HEALTHCHECK for images that serve."""

from collections.abc import Iterator

from rewriter.fixing.edits import insert_instruction_before
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.health_check import health_check
from rewriter.model.context.services import Services
from rewriter.model.health.asker import asker_of
from rewriter.model.health.question import question_of, start_period_of
from rewriter.model.health.shipped import is_shipped, others_that_run, set_by_services, settled
from rewriter.model.project import Project
from rewriter.model.project.answers import Unknown
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Cmd, Entrypoint

_SOURCE = """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
def health():
    return {"ok": True}
"""


@fixer(
    code="DF402",
    name="missing-healthcheck",
    level=Level.GUARDED,
    phase="running",
    replaces=["DL3057"],
    changes=["healthcheck"],
    gains=["reliability"],
    example=Example(
        before="""\
FROM python:3.13-slim
WORKDIR /app
COPY . .
EXPOSE 8000
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
""",
        after="""\
FROM python:3.13-slim
WORKDIR /app
COPY . .
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \\
    CMD ["python", "-I", "-c", "import http.client; c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); \
c.request('GET', '/health'); exit(c.getresponse().status >= 400)"]
CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
""",
        files=(("main.py", _SOURCE),),
    ),
)
def add_healthcheck(stage: Stage, project: Project, services: Services, states: States) -> Iterator[Fix | Skip]:
    """Add a HEALTHCHECK to an image that serves a port.

    It needs nothing that the image does not have: Python and Node ask for themselves, for other programs curl does, or
    the wget of Alpine. It stands above what starts the container.

    Where the source defines a health route that nothing refuses, that is asked and must answer with less than 400.
    Other servers that are known to speak HTTP are asked for `HEAD /`, and an answer of any status counts, a refusal or
    a redirect as well: a program that hangs gives none. The rest must accept a connection, which a program that hangs
    does too as long as the kernel has room: where TLS is spoken, where the source cannot be read, and for Django where
    no allowed host is known, because it reports every other one as an error. Where a variable names those hosts, the
    check asks for the first one. A connection is enough as well where the source shows that each request for `/` would
    change something, such as a counter of visits. What PORT says when the container starts is followed.

    A worker that is busy with one request for longer than the timeout fails a check; three must fail in a row.

    Left alone are images with a check of their own or of their compose service, those that other services or processes
    run with another command or environment, and those of which it is not known what they start, where it listens, or
    that they have a program to ask with.
    """
    command = _place(stage)
    if command is None or not is_shipped(stage, services) or settled(stage):
        return
    if services.unread:
        yield Skip(command, services.unread[0])
        return
    question = question_of(project, set_by_services(stage, project, services))
    if isinstance(question, Unknown):
        yield Skip(command, question.reason)
        return
    if reason := others_that_run(stage, project, services, question):
        yield Skip(command, reason)
        return
    started = [one for one in stage.instructions if isinstance(one, Cmd | Entrypoint)]
    asker = asker_of(question, project, states.at_end(stage), started)
    if isinstance(asker, Unknown):
        yield Skip(command, asker.reason)
        return
    line = health_check(asker, question, start_period=start_period_of(project), like=command)
    edit = insert_instruction_before(command, line, stays_apart=True)
    message = f"nothing tells whether what listens on port {question.port} still works"
    yield Fix(command, message, [edit], reads=[one.span for one in stage.lineage])


def _place(stage: Stage) -> Cmd | Entrypoint | None:
    """The first of the stage's last CMD and ENTRYPOINT, if they follow each other."""
    found: Cmd | Entrypoint | None = None
    for instruction in reversed(stage.instructions):
        if isinstance(instruction, Cmd | Entrypoint):
            found = instruction
        elif found is not None:
            return found
    return found
