"""What of a stage's settings a builder needs: ENV, ARG, WORKDIR and SHELL that its steps may look at.

A setting is left out only where it is known to speak of the program that runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.syntax.tree import Arg, Env, Instruction, Run, Shell, Workdir

_OF_BUILDS: Final = re.compile(
    r"(?i:PIP|UV|POETRY|PIPENV|NPM|YARN|PNPM|COREPACK|GO|CGO|GIT|SETUPTOOLS|CARGO|RUST\w*|CMAKE\w*|PKG_CONFIG\w*)_\w+|"
    r"\w*FLAGS|(?i:\w+_proxy)|PATH|VIRTUAL_ENV|DEBIAN_FRONTEND|\w+_INCLUDE\w*|\w+_LIB\w*"
)
_OF_RUNNING: Final = re.compile(
    r"PYTHON(?:UNBUFFERED|DONTWRITEBYTECODE|FAULTHANDLER|HASHSEED|PATH|OPTIMIZE|IOENCODING|ASYNCIODEBUG|WARNINGS)|"
    r"TZ|VCS_REF|BUILD_DATE|VERSION|REVISION|PORT|HOST|DEBUG|ENV|ENVIRONMENT|WORKERS|TIMEOUT|TERM|"
    r"(?:APP|APPLICATION|DJANGO|FLASK|FASTAPI|UVICORN|GUNICORN|WEB|CELERY|STREAMLIT|GRADIO|SERVER|SERVICE|API|DB|"
    r"DATABASE|POSTGRES|PG|MYSQL|MONGO|MONGODB|REDIS|RABBITMQ|KAFKA|AMQP|BROKER|AWS|S3|SENTRY|LOG|LOGGING|SECRET|JWT|"
    r"SMTP|MAIL|EMAIL|OTEL|PROMETHEUS|HF|TRANSFORMERS|OPENAI|HEALTH)(?:_\w+)?|"
    r"\w+_(?:URL|URI|HOST|PORT|USER|USERNAME|PASSWORD|KEY|TOKEN|SECRET|DSN|LEVEL|TIMEOUT|WORKERS)"
)
_NAME: Final = re.compile(r"\$\{?([A-Za-z_]\w*)")


def needed_settings(
    instructions: Iterable[Instruction], steps: Iterable[Instruction], *, every: bool = False
) -> list[Instruction]:
    """Those of some instructions that steps of a build, which stand among them, may depend on; in order.

    `every` says that the steps may look at any variable.
    """
    stage = list(instructions)
    waiting = sorted(steps, key=lambda one: one.start)
    last = waiting[-1].start if waiting else -1
    text = "\n".join(one.text for one in waiting)
    needed: list[Instruction] = []
    for instruction in reversed([one for one in stage if one.start < last]):
        if isinstance(instruction, Env | Arg):
            if not every and not any(_matters(pair.key.text, text) for pair in instruction.pairs):
                continue
            text += f"\n{instruction.text}"
        elif not isinstance(instruction, Workdir | Shell):
            continue
        elif isinstance(instruction, Workdir):
            text += f"\n{instruction.text}"
        needed.append(instruction)
    return needed[::-1]


def mentions(text: str, name: str) -> bool:
    """Whether a text has a word that is just this, quoted or behind a path or not."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text) is not None


def serves_builds_alone(argument: Arg, kept: Iterable[Instruction]) -> bool:
    """Whether no instruction that is kept names what an ARG declares, and no program reads it by itself."""
    declared = {pair.key.text for pair in argument.pairs}
    used = {name for one in kept if one is not argument for name in _NAME.findall(one.text)}
    runs = "\n".join(one.text for one in kept if isinstance(one, Run)).lower()
    return not declared & used and not any(_may_be_read_by(runs, name) for name in declared)


def _may_be_read_by(runs: str, name: str) -> bool:
    """Whether a program that a RUN calls may look at a variable that no RUN names."""
    reader = name.lower().partition("_")[0]
    if reader in _READERS:
        return reader in runs
    return bool(runs) and (_OF_BUILDS.fullmatch(name) is not None or not name.isupper())


_READERS: Final = names("pip uv poetry pipenv npm yarn pnpm cgo cargo cmake setuptools")


def _matters(name: str, text: str) -> bool:
    if name in _NAME.findall(text) or _OF_BUILDS.fullmatch(name):
        return True
    return _OF_RUNNING.fullmatch(name) is None
