"""CMD and ENTRYPOINT without a shell in between."""

from collections.abc import Iterator

from rewriter.fixing.exec_form import as_json
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.services import Services
from rewriter.model.project import Project
from rewriter.model.stages import Stage
from rewriter.model.state import State
from rewriter.syntax.tree import Cmd, Entrypoint

_DEFAULT_SHELL = ("/bin/sh", "-c")


@fixer(
    code="DF403",
    name="shell-form-command",
    level=Level.GUARDED,
    phase="running",
    replaces=["DL3025", "JSONArgsRecommended"],
    changes=["cmd", "entrypoint"],
    gains=["reliability"],
    example=Example(
        before="FROM python:3.13-slim\nRUN pip install gunicorn\nCMD gunicorn --workers 4 app:app\n",
        after='FROM python:3.13-slim\nRUN pip install gunicorn\nCMD ["gunicorn", "--workers", "4", "app:app"]\n',
    ),
)
def write_json_form(
    command: Cmd | Entrypoint, stage: Stage, state: State, project: Project, services: Services
) -> Iterator[Fix | Skip]:
    """Write CMD and ENTRYPOINT as a JSON array where their words need no shell.

    The shell form runs `/bin/sh -c`, which gets the signals in the program's place and does not hand them on: `docker
    stop` waits ten seconds and kills. Left alone where a shell has something to do, such as variables, `&&` or a
    builtin, where the program may be a script without `#!`, which only a shell can start, and where it starts a
    browser, whose dead processes the shell collects. A CMD is changed only where nothing in front of it looks at its
    words, an ENTRYPOINT only where nothing passes it arguments: in JSON form it would get them.
    """
    from rewriter.model.exec_form.executables import reason_against_starting
    from rewriter.model.exec_form.orphans import reason_against_being_first
    from rewriter.model.exec_form.plain_words import is_replaced, plain_words

    if command.json is not None or stage.is_windows or _is_overridden(command, stage):
        return
    if not command.arguments:
        return
    words, problem = plain_words(command)
    if not problem and state.shell != _DEFAULT_SHELL:
        problem = "another SHELL than the default one runs it"
    if not problem:
        program = words[0].value
        problem = _reason_around(command, stage, services, program) or reason_against_starting(program, project.sources)
    if not problem and not is_replaced(command):
        problem = reason_against_being_first(stage, project, words[0].value)
    if problem:
        yield Skip(command, problem)
        return
    reads = [one.from_.span for one in stage.lineage]
    yield Fix(
        command, f"{words[0].value} needs no shell, and gets the signals itself", as_json(command, words), reads=reads
    )


def _is_overridden(command: Cmd | Entrypoint, stage: Stage) -> bool:
    """Whether a later one of the stage takes its place."""
    return [one for one in stage.instructions if isinstance(one, type(command))][-1] is not command


def _reason_around(command: Cmd | Entrypoint, stage: Stage, services: Services, program: str) -> str:
    """Why the other instructions, or those who run the image, need it as it is."""
    from rewriter.model.exec_form.handover import reason_against_arguments, reason_against_handing_over

    if isinstance(command, Cmd):
        return reason_against_handing_over(stage, program)
    return reason_against_arguments(stage, services)
