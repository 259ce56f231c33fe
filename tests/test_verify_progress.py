"""What builders say is read: steps, lines, times, and why a build ended."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from rewriter.verify.engine.buildah import BuildahProgress
from rewriter.verify.engine.failures import Failure, explain
from rewriter.verify.engine.progress import Moment, Progress

DOCKERFILE = """\
FROM debian:12 AS base
ARG NAME=x
RUN echo $NAME \\
    # why
    && make
COPY <<EOF /file
text
EOF

FROM base
WORKDIR /app
RUN ["a", "b"]
RUN make
RUN make
"""

UNRESOLVED = "failed to resolve source metadata for"


class Builder:
    """Says what BuildKit says."""

    def __init__(self, dockerfile: str = DOCKERFILE) -> None:
        self.begun: list[str] = []
        self.moments: list[Moment] = []
        self.progress = Progress(dockerfile, self.begun.append, self.moments.append)

    def say(self, **said: Any) -> None:
        self.progress.feed(json.dumps(said) + "\n")

    def vertex(self, name: str, second: int = 0, seconds: float = 0, **more: Any) -> None:
        """A part of the build that begins at a second and ends some seconds later; at 0, it goes on."""
        vertex = {"digest": f"sha256:{name}", "name": name, "started": f"2026-01-02T03:04:{second:02}.1Z", **more}
        self.say(vertexes=[vertex])
        if seconds:
            self.say(vertexes=[{**vertex, "completed": f"2026-01-02T03:04:{second + seconds:012.9f}Z"}])

    def log(self, name: str, printed: bytes) -> None:
        self.say(logs=[{"vertex": f"sha256:{name}", "stream": 1, "data": base64.b64encode(printed).decode()}])

    def end(self, *lines: str) -> None:
        for line in lines:
            self.progress.feed(f"{line}\n")


def test_steps_have_their_lines_times_and_output() -> None:
    builder = Builder()
    run = "[base 2/3] RUN echo x     && make"
    builder.vertex("[internal] load build context", 1, 1)
    builder.vertex("[base 1/3] FROM docker.io/library/debian:12", 2, 1, cached=True)
    builder.vertex(run, 3)
    builder.log(run, b"one\nbad\xff\n")
    builder.log(run, b"two\n")
    builder.vertex(run, 3, 2.4)
    assert [tuple(step) for step in builder.progress.steps] == [
        ("FROM docker.io/library/debian:12", 1, pytest.approx(0.9), True, ""),
        ("RUN echo x     && make", 3, pytest.approx(2.3), False, "one\nbad\ufffd\ntwo\n"),
    ]
    assert builder.begun == ["[base 1/3] FROM docker.io/library/debian:12", run]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("[base 3/3] COPY <<EOF /file", 6),
        ("[stage-1 1/4] WORKDIR /app", 11),
        ('[stage-1 2/4] RUN ["a", "b"]', 12),
        ("[stage-1 4/4] RUN make", 14),
        ("[linux/arm64 stage-1 4/4] RUN make", 14),
        ('[stage-1 3/9] RUN ["a", "b"]', 12),
        ("[stage-1 3/9] RUN make", 0),
        ("[stage-1 9/9] RUN from a trigger", 0),
    ],
)
def test_a_step_is_found_by_its_number_or_else_by_its_text(name: str, line: int) -> None:
    """The numbers do not fit where a base brings ONBUILD triggers; a text that stands there twice names no line."""
    builder = Builder()
    builder.vertex(name, 1, 1)
    assert builder.progress.steps[0].line == line


def test_what_is_worked_on_is_told_with_its_text_in_the_file() -> None:
    builder = Builder()
    builder.vertex("[base 2/3] RUN echo x     && make", 3, 1)
    builder.vertex("[base 3/3] COPY <<EOF /file", 5, 1)
    builder.vertex("[stage-1 1/4] WORKDIR /app", 6, 1, cached=True)
    builder.vertex('[stage-1 2/4] RUN ["a", "b"]', 7)
    assert [(it.source, bool(it.ended)) for it in builder.moments] == [
        ("RUN echo $NAME     && make", False),
        ("RUN echo $NAME     && make", True),
        ("COPY <<EOF /file\ntext\n", False),
        ("COPY <<EOF /file\ntext\n", True),
        ("a b", False),
    ]


def test_the_context_is_what_was_sent_of_it_not_of_its_ignore_file() -> None:
    builder = Builder()
    for name, size in (("[internal] load .dockerignore", 900), ("[internal] load build context", 300)):
        builder.vertex(name, 1, 1)
        for current in (0, size):
            builder.say(statuses=[{"id": "transferring context:", "vertex": f"sha256:{name}", "current": current}])
    assert builder.progress.context_bytes == 300


@pytest.mark.parametrize(
    ("words", "reason", "message"),
    [
        (
            "cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
            Failure.ENGINE,
            "does not answer",
        ),
        (
            f"failed to build: failed to solve: a:1: {UNRESOLVED} docker.io/library/a:1: a:1: not found",
            Failure.MISSING_BASE,
            "the image docker.io/library/a:1 does not exist",
        ),
        (
            f"failed to solve: a/b: {UNRESOLVED} docker.io/a/b:latest: pull access denied, repository does not exist",
            Failure.MISSING_BASE,
            "the image docker.io/a/b:latest does not exist, or its registry wants `docker login` first",
        ),
        (
            f'failed to solve: {UNRESOLVED} docker.io/docker/dockerfile:1: Head "https://x/": dial tcp: no such host',
            Failure.MISSING_BASE,
            "is not here, and its registry cannot be reached: no such host",
        ),
        (
            "failed to solve: dockerfile parse error on line 1: unknown instruction: FRUM",
            Failure.DOCKERFILE,
            "not valid",
        ),
        ('failed to solve: target stage "x" could not be found', Failure.DOCKERFILE, 'target stage "x"'),
        (
            "failed to build: failed to stat /key: stat /key: no such file",
            Failure.SECRET,
            "/key of --secret does not exist",
        ),
        ("failed to solve: secret key: not found", Failure.SECRET, "--secret id=key,src=FILE"),
        ("write /var/lib/docker/x: no space left on device", Failure.DISK_FULL, "docker system df"),
        ("something new", Failure.ENGINE, "something new"),
    ],
)
def test_the_last_words_are_understood(words: str, reason: Failure, message: str) -> None:
    builder = Builder()
    builder.end("Dockerfile:3", "----", "   3 | >>> RUN echo", "----", f"ERROR: {words}")
    error = explain(builder.progress, False, 9)
    assert (error.reason, message in str(error)) == (reason, True), str(error)


def test_words_of_the_failed_instruction_mean_nothing() -> None:
    """The text of a RUN is part of the error, and may hold any words."""
    builder = Builder("FROM debian\nRUN echo invalid; echo secret x: not found; exit 7\n")
    words = "echo invalid; echo secret x: not found; exit 7"
    name = f"[2/2] RUN {words}"
    said = f'process "/bin/sh -c {words}" did not complete successfully: exit code: 7'
    builder.vertex(name, 1, 1, error=said)
    builder.log(name, b"invalid\n")
    builder.end("Dockerfile:2", f"ERROR: failed to solve: {said}")
    error = explain(builder.progress, False, 9)
    assert (error.reason, error.step) == (Failure.STEP, (name[6:], 2, "invalid\n"))
    assert str(error) == f"line 2, `{name[6:]}` failed: exit code: 7"


def test_the_step_that_failed_is_not_one_that_its_failure_cancelled() -> None:
    builder = Builder()
    builder.vertex("[stage-1 3/4] RUN make", 1, 1, error="process did not complete: context canceled")
    builder.vertex("[base 3/3] COPY <<EOF /file", 1, 1, error="no such file")
    assert builder.progress.failed is not None
    assert builder.progress.failed.line == 6


def test_the_step_that_ran_at_the_deadline_is_named() -> None:
    builder = Builder()
    builder.vertex("[stage-1 1/4] WORKDIR /app", 1, 1)
    builder.vertex("[stage-1 3/4] RUN make", 2)
    error = explain(builder.progress, True, 9)
    assert error.reason is Failure.TIMEOUT
    assert (
        str(error)
        == "the build did not end within 9 seconds, at line 13, `RUN make`: raise --timeout if it takes longer"
    )


def test_no_line_of_a_builder_is_too_strange() -> None:
    builder = Builder("")
    builder.end("{", "{}", "[]", "", '{"vertexes": null}', '{"logs": [{"vertex": "unknown", "data": ""}]}', "plain")
    assert builder.progress.steps == ()
    assert builder.progress.failed is None
    assert "plain" in builder.progress.error


BUILDAH = """\
[1/2] STEP 1/4: FROM debian:12 AS base
[1/2] STEP 2/4: ARG NAME=x
--> Using cache 9f2c1b0a77de9f2c1b0a77de9f2c1b0a77de9f2c1b0a77de9f2c1b0a77de9f2c
--> 9f2c1b0a77d
[1/2] STEP 3/4: RUN echo $NAME     && make
made
--> 1111aaaa222
[2/2] STEP 1/5: FROM base
[2/2] STEP 2/5: WORKDIR /app
"""


def test_buildah_is_read_too() -> None:
    kept: list[str] = []
    progress = BuildahProgress(DOCKERFILE, lambda _: None, kept.append)
    for line in BUILDAH.splitlines(keepends=True):
        progress.feed(line)
    assert [(step.name, step.line, step.is_cached, step.output) for step in progress.steps] == [
        ("FROM debian:12 AS base", 1, False, ""),
        ("ARG NAME=x", 0, True, ""),
        ("RUN echo $NAME     && make", 3, False, "made\n"),
        ("FROM base", 0, False, ""),
        ("WORKDIR /app", 11, False, ""),
    ]
    assert kept == ["1111aaaa222"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ('building at STEP "RUN make": while running runtime: exit status 3', Failure.STEP),
        (
            'building at STEP "COPY a b": checking on sources under "/c": stat: "/a": no such file or directory',
            Failure.STEP,
        ),
        ('building at STEP "RUNN ": Build error: Unknown instruction: "RUNN" &imagebuilder.Step{}', Failure.DOCKERFILE),
        ('creating build container: short-name "a:1" did not resolve to an alias', Failure.MISSING_BASE),
        ("creating build container: initializing source docker://a:1: reading manifest: unknown", Failure.MISSING_BASE),
        ('resolving mountpoints for container "x": secret required but no secret with id a found', Failure.SECRET),
    ],
)
def test_the_last_words_of_buildah_are_understood(words: str, reason: Failure) -> None:
    progress = BuildahProgress(DOCKERFILE, lambda _: None, lambda _: None)
    progress.feed("STEP 2/2: RUN make\n")
    progress.feed(f"Error: {words}\n")
    error = explain(progress, False, 9)
    assert error.reason is reason
    assert error.step is not None
    assert error.step.name == "RUN make"
