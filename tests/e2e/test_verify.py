"""`dfix verify` on applications as people write them: all is proven, and one that is killed leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from rewriter.verify.engine.janitor import records_in
from tests.command import ENVIRONMENT, PROGRAM, dfix
from tests.e2e.docker import docker, namespace
from tests.e2e.test_applications import APPLICATIONS as OLDER
from tests.e2e.test_applications import APPS, Application
from tests.e2e.test_verify_engine import all_commands, wait_for

pytestmark = pytest.mark.e2e

CHECKS: Final = {"build", "configuration", "files", "libraries", "behaviour"}
ENDS: Final = "ends with status 0"


class Proof(NamedTuple):
    """An application, and what its proof must say."""

    folder: str
    codes: frozenset[str]
    """What must be done about it."""
    does: tuple[str, ...]
    """What must be said of the program of both images."""
    options: tuple[str, ...] = ()
    dockerfile: str = "Dockerfile"

    @property
    def id(self) -> str:
        return Path(self.folder, self.dockerfile).parent.as_posix()


def proof(application: Application) -> Proof:
    """The proof of an application that other tests build, too."""
    port, path = application.server
    does = (f"listens on {port}", f"GET {path} on {port} gives 200") if port else (ENDS,)
    options = ("--probe", path) if port else ()
    return Proof(application.folder, application.fixers, does, options, application.dockerfile)


PROOFS: Final = [
    Proof(
        "flask-extension",
        frozenset({"DF201", "DF202", "DF204", "DF301", "DF603"}),
        ("listens on 8000", "GET /variant/ada on 8000 gives 200"),
        ("--probe", "/variant/ada"),
    ),
    Proof(
        "django",
        frozenset({"DF201", "DF202", "DF301", "DF604"}),
        ("listens on 8000", "GET /healthz on 8000 gives 200", "healthy"),
    ),
    Proof("celery-worker", frozenset({"DF201", "DF301", "DF502", "DF603"}), ("keeps running", "listens on no port")),
    Proof("express", frozenset({"DF201", "DF202", "DF603"}), ("listens on 3000", "GET /health on 3000 gives 200")),
    Proof("typescript", frozenset({"DF201", "DF202", "DF608"}), ("listens on 4000", "GET / on 4000 gives 200")),
    Proof(
        "guestbook",
        frozenset({"DF201", "DF202", "DF301", "DF309", "DF603"}),
        ("listens on 5000", "GET / on 5000 gives 200"),
    ),
    Proof(
        "drop-box",
        frozenset({"DF202", "DF502", "DF602", "DF603", "DF608"}),
        ("listens on 8080", "GET / on 8080 gives 200"),
    ),
    Proof(
        "two-stages",
        frozenset({"DF201", "DF301", "DF404", "DF602", "DF603", "DF605"}),
        ("listens on 8080", "GET / on 8080 gives 200"),
        ("--target", "production"),
    ),
    *map(proof, OLDER),
]


BRIEF: Final = frozenset({"express", "two-stages"})
"""What `make e2e-short` proves, too."""


@pytest.mark.parametrize(
    "wanted",
    [pytest.param(it, id=it.id, marks=[] if it.folder in BRIEF else [pytest.mark.long]) for it in PROOFS],
)
def test_what_dfix_does_to_an_application_is_proven(
    wanted: Proof, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(APPS / wanted.folder, tmp_path / "application")
    monkeypatch.chdir(tmp_path / "application")
    options = ("--quick", "--output-format", "json", "--context", ".", *wanted.options)
    run = dfix("verify", *options, wanted.dockerfile)
    (report,) = run.document["reports"]
    assert (run.code, report["verdict"]) == (0, "proven"), run.text
    assert set(report["applied"]) >= wanted.codes
    assert {check["name"] for check in report["checks"] if check["status"] == "passed"} == CHECKS, run.text
    (behaviour,) = (check for check in report["checks"] if check["name"] == "behaviour")
    assert all(words in behaviour["summary"] for words in wanted.does), behaviour


def obey_ctrl_c() -> None:
    """Let a process that is about to start end by SIGINT, as one does that a person has started."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Verification:
    """A `dfix verify` in a process of its own, and what is there of it."""

    def __init__(self, folder: Path, seconds: int) -> None:
        self.mark: Final = f"mark{namespace()}"
        self.step: Final = f"echo {self.mark} && sleep {seconds}"
        self.program: Final = f"echo {self.mark}; sleep 4321"
        self.temporary: Final = folder / "temporary"
        self.volumes: set[str] = set()
        project = folder / "project"
        for place in (project, self.temporary):
            place.mkdir()
        mount = f"--mount=type=cache,target=/{self.mark}/cache"
        (project / "Dockerfile").write_text(
            f"from debian:12-slim\nWORKDIR /{self.mark}\nRUN {mount} {self.step}\nVOLUME /kept\nCMD {self.program}\n"
        )
        self.process: Final = subprocess.Popen(
            [*PROGRAM, "verify", "--quick"],
            cwd=project,
            env={**ENVIRONMENT, "TMPDIR": str(self.temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
            # A shell that runs the tests in the background lets them, and all that they start, ignore Ctrl-C.
            preexec_fn=obey_ctrl_c,
        )

    @property
    def session(self) -> str:
        """The name that all of it has in common."""
        (folder,) = self.temporary.iterdir()
        return folder.name.split("-")[2]

    def wait_for(self, command: str) -> None:
        """Wait until a container runs a command."""
        wait_for(lambda: command in all_commands().decode(errors="replace"), 60)

    def find_volumes(self) -> bool:
        """Remember the volumes of its containers, which have no name in common; whether there is one."""
        mounts = ("container", "inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}")
        for container in docker("ps", "--quiet", "--filter", f"name=dfix-verify-{self.session}").split():
            self.volumes |= set(docker(*mounts, container).split())
        return bool(self.volumes)

    def listings(self, session: str) -> dict[str, list[str]]:
        """What the engine and this machine list of it."""
        listed = {
            "containers": docker("ps", "--all", "--format", "{{.ID}} {{.Names}} {{.Labels}}"),
            "images": docker("image", "ls", "--all", "--format", "{{.ID}} {{.Repository}}"),
            "networks": docker("network", "ls", "--format", "{{.ID}} {{.Name}} {{.Labels}}"),
            "volumes": docker("volume", "ls", "--format", "{{.Name}} {{.Labels}}"),
            "cache": "\n".join(
                f"{it.identity} {it.description}" for it in records_in(docker("buildx", "du", "--verbose"))
            ),
            "processes": all_commands().decode(errors="replace"),
        }
        words = {self.mark, session, *self.volumes}
        found = {
            kind: [line for line in text.split("\n") if any(word in line for word in words)]
            for kind, text in listed.items()
        }
        found["images"] += docker("image", "ls", "--all", "--quiet", "--filter", f"label=dfix.verify={session}").split()
        found["folders"] = [place.name for place in self.temporary.iterdir()]
        return {kind: lines for kind, lines in found.items() if lines}


def in_a_build(folder: Path) -> tuple[Verification, set[str]]:
    """A verification that runs a step of a build, and the kinds of things that are there."""
    verification = Verification(folder, 600)
    verification.wait_for(verification.step)
    return verification, {"cache", "processes", "folders"}


def in_a_run(folder: Path) -> tuple[Verification, set[str]]:
    """A verification that looks at a running program, and the kinds of things that are there."""
    verification = Verification(folder, 0)
    verification.wait_for(verification.program)
    wait_for(verification.find_volumes)
    return verification, {"containers", "images", "volumes", "cache", "processes", "folders"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda it: it.name)
@pytest.mark.parametrize("begin", [in_a_build, in_a_run])
def test_a_verification_that_is_killed_leaves_nothing(
    begin: Callable[[Path], tuple[Verification, set[str]]], number: signal.Signals, tmp_path: Path
) -> None:
    verification, kinds = begin(tmp_path)
    session = verification.session
    assert set(verification.listings(session)) >= kinds
    os.kill(verification.process.pid, number)
    code = verification.process.wait(60)
    assert code == (130 if number is signal.SIGINT else -number)
    wait_for(lambda: not verification.listings(session), 60)
