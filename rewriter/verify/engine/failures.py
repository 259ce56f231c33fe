"""Why a build ended: the reasons told apart, each with a message that says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from rewriter.verify.engine.client import EngineError
from rewriter.verify.engine.progress import Progress, Step
from rewriter.verify.report import FailedStep


class Failure(StrEnum):
    """Why a build ended."""

    STEP = "step"
    """An instruction failed."""
    TIMEOUT = "timeout"
    DISK_FULL = "disk full"
    MISSING_BASE = "missing base"
    """An image that the Dockerfile names is not there, or its registry cannot be reached."""
    DOCKERFILE = "dockerfile"
    """BuildKit does not accept the file."""
    SECRET = "secret"
    """A secret that the build asks for was not given."""
    ENGINE = "engine"
    """The engine itself."""


class BuildError(EngineError):
    """A build that ended without an image: why, and at which step if at one."""

    def __init__(self, message: str, reason: Failure, step: FailedStep | None = None) -> None:
        super().__init__(message)
        self.reason: Final = reason
        self.step: Final = step


Message = Callable[[re.Match[str], str], str]

_UNREACHABLE: Final = re.compile(
    r"no such host|connection refused|i/o timeout|deadline exceeded|network is unreachable|TLS|x509|EOF$|"
    r"server misbehaving"
)

_OF_A_STEP: Final = re.compile(
    r"did not complete successfully|failed to calculate checksum|while running runtime|checking on sources under"
)
"""What is said of an instruction that failed; the instruction's own words follow, and mean nothing."""


def explain(progress: Progress, is_late: bool, timeout: float) -> BuildError:
    """What the builder's last words mean."""
    step = progress.failed
    failed = FailedStep(step.name, step.line, step.output) if step else None
    if is_late:
        where = f", at {_spelled(step)}" if step else ""
        message = f"the build did not end within {timeout:g} seconds{where}: raise --timeout if it takes longer"
        return BuildError(message, Failure.TIMEOUT, failed)
    error = progress.error
    if _is_full(error, step):
        message = "there is no space left for the builder: see `docker system df`, and free some"
        return BuildError(message, Failure.DISK_FULL, failed)
    is_plain = step is not None and _OF_A_STEP.search(error)
    for pattern, reason, message_of in () if is_plain else _KINDS:
        if found := re.search(pattern, error):
            return BuildError(message_of(found, error), reason, failed or _place(progress, error))
    if step is not None:
        return BuildError(f"{_spelled(step)} failed: {_reason(error)}", Failure.STEP, failed)
    return BuildError(f"the build failed: {_first_line(error) or 'the builder did not say why'}", Failure.ENGINE)


def _is_full(error: str, step: Step | None) -> bool:
    words = "no space left on device"
    # A program may print these words about a place of its own; then they are not its last.
    return words in error.lower() or (step is not None and words in step.output[-2000:].lower())


def _place(progress: Progress, error: str) -> FailedStep | None:
    return FailedStep(progress.text_at(progress.line), progress.line, error) if progress.line else None


def _missing_base(image: str, error: str) -> str:
    if _UNREACHABLE.search(error):
        return f"the image {image} is not here, and its registry cannot be reached: {_cause(error)}"
    if re.search(r"denied|unauthorized|forbidden|401|403", error):
        return f"the image {image} does not exist, or its registry wants `docker login` first"
    if re.search(r"no match for platform", error):
        return f"the image {image} does not exist for this platform"
    return f"the image {image} does not exist"


def _missing_secret(name: str) -> str:
    return f"the build wants the secret {name}: give it with --secret id={name},src=FILE"


def _unreadable(found: re.Match[str], _: str) -> str:
    return f"the Dockerfile is not valid: {found[0]}"


def _cause(error: str) -> str:
    return _first_line(error).rpartition(": ")[2]


def _reason(error: str) -> str:
    """The end of the builder's sentence: its beginning repeats the instruction or names checksums."""
    if missing := re.search(r"failed to calculate checksum of ref \S+ (.*)", error):
        return f"{missing[1]} in the build context or stage"
    return re.sub(r"(?s).*(did not complete successfully|while running runtime): ", "", error)


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _spelled(step: Step) -> str:
    place = f"line {step.line}, " if step.line else ""
    name = step.name if len(step.name) <= 80 else f"{step.name[:77]}..."
    return f"{place}`{name}`"


_REFUSALS: Final = (
    r"dockerfile parse error.*|target stage .* could not be found|base name .*should not be blank|failed to parse .*|"
    r"circular dependency.*|file with no instructions|no build stage in current context.*|"
    r"the Dockerfile cannot be empty|invalid .*|failed to process .*|Unknown instruction: \"\w+\""
)

_KINDS: Final[tuple[tuple[str, Failure, Message], ...]] = (
    (
        r"(?i)cannot connect to the docker daemon|error during connect|is the docker daemon running",
        Failure.ENGINE,
        lambda _, error: f"the engine does not answer any more: {_first_line(error)}",
    ),
    (
        r"failed to resolve source metadata for (?P<image>\S+?):? |(?P<other>[^\s:]+\S*): pull access denied",
        Failure.MISSING_BASE,
        lambda found, error: _missing_base(found["image"] or found["other"], error),
    ),
    (
        r"short-name \"(?P<image>[^\"]+)\" did not resolve|initializing source docker://(?P<other>[^\s\"]+?):? ",
        Failure.MISSING_BASE,
        lambda found, error: _missing_base(found["image"] or found["other"], error),
    ),
    (
        r"secret (?P<name>\S+): not found|no secret with id (?P<other>\S+) found",
        Failure.SECRET,
        lambda found, _: _missing_secret(found["name"] or found["other"]),
    ),
    (
        r"failed to stat (?P<name>.+?): stat",
        Failure.SECRET,
        lambda found, _: f"the file {found['name']} of --secret does not exist",
    ),
    (
        r"unset ssh forward key|no SSH key",
        Failure.SECRET,
        lambda *_: "the build wants an SSH agent (RUN --mount=type=ssh), which `dfix verify` gives to no build",
    ),
    (
        r"(network\.host|security\.insecure|\S+) is not allowed",
        Failure.DOCKERFILE,
        lambda found, _: f"the Dockerfile asks for {found[1]}, which `dfix verify` gives to no build",
    ),
    (
        _REFUSALS,
        Failure.DOCKERFILE,
        _unreadable,
    ),
)
