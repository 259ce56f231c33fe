"""The engine behind `dfix verify`, with real builds and containers: what it tells, and that nothing stays."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewriter.verify.engine.builder import BuildError, Engine, EngineError, Failure, Recipe, open_engine
from rewriter.verify.engine.janitor import records_in
from tests.e2e.docker import docker

pytestmark = [pytest.mark.e2e, pytest.mark.long]

ROOT = Path(__file__).parent.parent.parent
BASE = "debian:12-slim"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "name.txt").write_text("a name\n", "utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine() as opened:
        yield opened


def recipe(context: Path, *lines: str) -> Recipe:
    return Recipe("\n".join([f"FROM {BASE}", *lines, ""]), context)


def failure(engine: Engine, wanted: Recipe) -> BuildError:
    with pytest.raises(BuildError) as caught:
        engine.build(wanted, engine.new_space())
    return caught.value


# What an image and a container tell.


def test_a_space_is_cold_at_first_and_warm_afterwards(engine: Engine, context: Path) -> None:
    """A step whose mounts are all locked is no exception, though its cache key does not hold the namespace."""
    mount = "--mount=type=cache,target=/cache,sharing=locked"
    wanted = recipe(context, f"RUN {mount} ls /cache && touch /cache/seen", f"RUN {mount} ls -A /cache")
    space = engine.new_space()
    cold, warm, other = (
        engine.build(wanted, space),
        engine.build(wanted, space),
        engine.build(wanted, engine.new_space()),
    )
    for built in (cold, other):
        assert [(step.line, step.is_cached, step.output) for step in built.steps[1:]] == [
            (2, False, ""),
            (3, False, "seen\n"),
        ]
    assert [step.is_cached for step in warm.steps[1:]] == [True, True]
    assert cold.seconds > sum(step.seconds for step in cold.steps) > 0


def test_the_context_is_counted_in_full_and_its_ignore_file_can_be_replaced(engine: Engine, context: Path) -> None:
    (context / "big").write_bytes(bytes(200_000))
    (context / ".dockerignore").write_text("big\n", "utf-8")
    wanted = recipe(context, "COPY . /all")
    sizes = {
        ignore: engine.build(wanted._replace(ignore=ignore), engine.new_space()) for ignore in (None, "", "name.txt")
    }
    assert sizes[None].context_bytes < 10_000 < 200_000 < sizes[""].context_bytes
    with engine.export(sizes["name.txt"].identity) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        assert sorted(name for name in archive.getnames() if name.startswith("all/")) == [
            "all/.dockerignore",
            "all/big",
        ]


def test_configuration_is_that_of_the_image_without_our_label(engine: Engine, context: Path) -> None:
    wanted = recipe(context, "LABEL a=b", "EXPOSE 80", "HEALTHCHECK CMD true", 'SHELL ["/bin/bash", "-c"]', "USER 5")
    found = engine.configuration(engine.build(wanted, engine.new_space()).identity)
    assert found["Labels"] == {"a": "b"}
    assert (found["User"], list(found["ExposedPorts"]), found["Shell"]) == ("5", ["80/tcp"], ["/bin/bash", "-c"])
    assert found["Healthcheck"]["Test"] == ["CMD-SHELL", "true"]
    assert found["Size"] > 10_000_000
    assert found["Layers"] == 1


def test_an_export_keeps_owners_modes_and_links(engine: Engine, context: Path) -> None:
    command = "mkdir /d && touch /d/f && chown 7:8 /d/f && chmod 4750 /d/f && ln /d/f /d/hard && ln -s f /d/soft"
    built = engine.build(recipe(context, f"RUN {command}"), engine.new_space())
    with engine.export(built.identity) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        found = {it.name: it for it in archive if it.name.startswith("d/")}
    assert (found["d/f"].uid, found["d/f"].gid, found["d/f"].mode) == (7, 8, 0o4750)
    assert found["d/soft"].linkname == "f"
    assert found["d/hard"].islnk()


def test_a_container_is_limited_and_tells_what_its_program_does(engine: Engine, context: Path) -> None:
    program = "echo out; echo err >&2; touch /made; echo x >> /etc/issue; exec sleep 100"
    built = engine.build(
        recipe(context, "VOLUME /kept", f"CMD {json.dumps(['sh', '-c', program])}"), engine.new_space()
    )
    container = engine.start(built.identity, name_hint="a program", ports=[8000], memory="64m", pids=20)
    wait_for(lambda: ("A", "/made") in container.changed_paths())
    assert container.state()["Running"]
    assert sorted(container.logs().split()) == ["err", "out"]
    assert ("C", "/etc/issue") in container.changed_paths()
    assert [(user, command) for _, user, command in container.top()] == [(0, "sleep 100")]
    assert container.exec(["sh", "-c", "echo out; echo err >&2; exit 3"], timeout=10) == (3, "out\nerr\n")
    assert container.exec(["sleep", "9"], timeout=0.5)[0] == 124
    with tarfile.open(fileobj=io.BytesIO(container.copy_out("/etc/issue"))) as archive:
        assert archive.getnames() == ["issue"]
    inspected = json.loads(docker("container", "inspect", container.identity))[0]
    host = inspected["HostConfig"]
    assert not host["Privileged"]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (64 << 20, 64 << 20, 20)
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert inspected["NetworkSettings"]["Ports"] == {
        "8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(container.host_port(8000))}]
    }
    volumes = [mount["Name"] for mount in inspected["Mounts"]]
    container.stop(1)
    assert not container.state()["Running"]
    container.remove()
    container.remove()
    assert not set(volumes) & set(docker("volume", "ls", "--quiet").split())
    with pytest.raises(EngineError):
        container.state()


def test_a_container_without_network_and_one_that_cannot_start(engine: Engine, context: Path) -> None:
    built = engine.build(recipe(context), engine.new_space())
    container = engine.start(built.identity, command=["sleep", "100"], network="none")
    assert container.exec(["ls", "/sys/class/net"], timeout=10) == (0, "lo\n")
    container.remove()
    with pytest.raises(EngineError, match="no-such-program"):
        engine.start(built.identity, command=["no-such-program"])


# Each end of a build has its own message.


def test_a_failed_step_is_named_with_its_line_and_output(engine: Engine, context: Path) -> None:
    found = failure(
        engine, recipe(context, "", "RUN true", "# why", r"RUN printf 'bad\377byte\n'; \\"[:-1], "    exit 3")
    )
    assert str(found).endswith("failed: exit code: 3")
    assert found.reason is Failure.STEP
    assert found.step is not None
    assert (found.step.line, found.step.output) == (5, "bad\ufffdbyte\n")


@pytest.mark.parametrize(
    ("lines", "reason", "message"),
    [
        (["COPY nothing /x"], Failure.STEP, '"/nothing": not found in the build context or stage'),
        (["RUNN x"], Failure.DOCKERFILE, "line 2: unknown instruction: RUNN"),
        (
            ["RUN --network=host true"],
            Failure.DOCKERFILE,
            "asks for network.host, which `dfix verify` gives to no build",
        ),
        (
            ["COPY --from=127.0.0.1:1/none /x /y"],
            Failure.MISSING_BASE,
            "its registry cannot be reached: connection refused",
        ),
        (
            ["RUN --mount=type=secret,id=key,required=true true"],
            Failure.SECRET,
            "give it with --secret id=key,src=FILE",
        ),
        (["RUN --mount=type=ssh,required=true true"], Failure.SECRET, "wants an SSH agent"),
        (
            ["RUN --mount=type=tmpfs,target=/t,size=4096 head -c 9999 /dev/zero > /t/f"],
            Failure.DISK_FULL,
            "no space left",
        ),
    ],
)
def test_each_failure_has_its_own_message(
    engine: Engine, context: Path, lines: list[str], reason: Failure, message: str
) -> None:
    found = failure(engine, recipe(context, *lines))
    assert message in str(found)
    assert found.reason is reason
    if "network" not in lines[0]:
        assert found.step is not None
        assert found.step.line == 2


def test_a_build_that_hangs_is_ended(engine: Engine, context: Path) -> None:
    found = failure(engine, recipe(context, "RUN sleep 1234")._replace(timeout=3))
    assert found.reason is Failure.TIMEOUT
    assert str(found) == (
        "the build did not end within 3 seconds, at line 2, `RUN sleep 1234`: raise --timeout if it takes longer"
    )
    wait_for(lambda: b"sleep\x001234" not in all_commands())


# What reaches the build.


def test_nothing_of_the_users_environment_reaches_a_build(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker"))
    ours = tmp_path / "docker"
    ours.mkdir()
    (ours / "cli-plugins").symlink_to(theirs / "cli-plugins")
    proxies = {"default": {"httpProxy": "http://user:password@proxy.invalid", "noProxy": "x.invalid"}}
    (ours / "config.json").write_text(json.dumps({"proxies": proxies}), "utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(ours))
    for name in ("HTTP_PROXY", "FROM_OUTSIDE", "SOURCE_DATE_EPOCH"):
        monkeypatch.setenv(name, "99")
    lines = ["ARG FROM_OUTSIDE=unset", "ARG SOURCE_DATE_EPOCH=unset", "RUN env | sort && echo $SOURCE_DATE_EPOCH"]
    with open_engine() as opened:
        wanted = recipe(context, *lines)._replace(build_args=(("NAMED", "1"), ("FROM_OUTSIDE", "2")))
        built = opened.build(wanted, opened.new_space())
        container = opened.start(built.identity, command=["env"])
        wait_for(lambda: not container.state()["Running"])
        printed = container.logs()
    assert "FROM_OUTSIDE=2\n" in built.steps[-1].output
    for output in (built.steps[-1].output, printed):
        assert "proxy.invalid" not in output
        assert "99" not in output


def test_a_secret_reaches_its_step_only(engine: Engine, context: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("very secret\n", "utf-8")
    lines = ["RUN --mount=type=secret,id=key wc -c < /run/secrets/key", "RUN ls -A /run/secrets 2>/dev/null || true"]
    built = engine.build(recipe(context, *lines)._replace(secrets=(f"id=key,src={key}",)), engine.new_space())
    assert [step.output for step in built.steps[1:]] == ["12\n", ""]


# Nothing stays.

_WORK = """
import sys, time
from pathlib import Path
from rewriter.verify.engine.builder import Recipe, open_engine
mark, context, seconds = sys.argv[1:]
with open_engine() as engine:
    print(engine.folder, flush=True)
    head = f"FROM debian:12-slim\\nWORKDIR /{mark}\\nRUN --mount=type=cache,target=/{mark}/c true {mark}\\nVOLUME /v\\n"
    space = engine.new_space()
    built = engine.build(Recipe(head, Path(context)), space)
    container = engine.start(built.identity, command=["sleep", "4321"])
    print("running", flush=True)
    engine.build(Recipe(head + f"RUN echo {mark} && sleep {seconds}\\n", Path(context)), space)
"""


class Work:
    """A process of its own that runs a container and builds an image, and what it has made."""

    def __init__(self, context: Path, seconds: int = 600) -> None:
        self.mark = f"mark{os.urandom(5).hex()}"
        self.process = subprocess.Popen(
            [sys.executable, "-c", _WORK, self.mark, str(context), str(seconds)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            process_group=0,
        )
        assert self.process.stdout is not None
        self.folder = Path(self.process.stdout.readline().strip())
        self.session = self.folder.name.split("-")[2]
        assert self.process.stdout.readline() == "running\n"

    def wait_for_build(self) -> None:
        wait_for(lambda: any(f"echo {self.mark} && sleep".encode() in it for it in all_commands().split(b"\n")))

    def kinds_left(self) -> set[str]:
        """The kinds of things of this work that are there."""
        name = f"dfix-verify-{self.session}"
        records = records_in(docker("buildx", "du", "--verbose"))
        lists = {
            "containers": name in docker("ps", "--all", "--format", "{{.Names}} {{.Labels}}"),
            "images": name in docker("image", "ls", "--all", "--format", "{{.Repository}}")
            or docker("image", "ls", "--all", "--quiet", "--filter", f"label=dfix.verify={self.session}"),
            "networks": name in docker("network", "ls", "--format", "{{.Name}} {{.Labels}}"),
            "folders": any(Path(tempfile.gettempdir()).glob(f"{name}*")),
            "cache": any(self.mark in it.description or self.session in it.description for it in records),
            "processes": any(word.encode() in all_commands() for word in (self.mark, self.session)),
        }
        return {kind for kind, is_there in lists.items() if is_there}


def all_commands() -> bytes:
    """The command lines of all processes of this machine, those of containers included."""
    commands = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            commands.append(place.read_bytes())
        except OSError:
            continue
    return b"\n".join(commands)


def wait_for(is_so: object, seconds: float = 30) -> None:
    assert callable(is_so)
    last_try = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < last_try, "it never happened"
        time.sleep(0.1)


EVERYTHING = {"containers", "images", "folders", "cache", "processes"}


@pytest.mark.parametrize(
    ("number", "hits_group"),
    [
        (signal.SIGKILL, False),
        (signal.SIGKILL, True),
        (signal.SIGINT, False),
        (signal.SIGINT, True),
        (signal.SIGTERM, False),
        (signal.SIGHUP, True),
    ],
)
def test_a_run_that_is_killed_leaves_nothing(context: Path, number: signal.Signals, hits_group: bool) -> None:
    """A container runs and a build is in a step. A hit on the group, as from a terminal, is one on all that we run."""
    volumes = set(docker("volume", "ls", "--quiet").split())
    work = Work(context)
    work.wait_for_build()
    assert work.kinds_left() == EVERYTHING
    inspected = json.loads(docker("container", "inspect", docker("ps", "-q", "--filter", f"name={work.session}")))
    own_volumes = {mount["Name"] for mount in inspected[0]["Mounts"]}
    assert own_volumes
    assert not own_volumes & volumes
    (os.killpg if hits_group else os.kill)(work.process.pid, number)
    work.process.wait(20)
    wait_for(lambda: not work.kinds_left())
    assert not own_volumes & set(docker("volume", "ls", "--quiet").split())


def test_sessions_leave_each_other_alone(context: Path) -> None:
    first, second = Work(context), Work(context)
    second.wait_for_build()
    first.process.kill()
    first.process.wait()
    wait_for(lambda: not first.kinds_left())
    assert second.kinds_left() == EVERYTHING
    assert second.process.poll() is None
    second.process.kill()
    second.process.wait()
    wait_for(lambda: not second.kinds_left())


def test_same_steps_of_others_stay_in_the_build_cache(context: Path) -> None:
    """The layers and cache mounts that a user's own build of the same Dockerfile has left are not ours."""
    mark = f"mark{os.urandom(5).hex()}"
    text = f"FROM {BASE}\nWORKDIR /{mark}\nRUN --mount=type=cache,id={mark},target=/c echo {mark}\n"
    (context / "Dockerfile").write_text(text, "utf-8")

    def records() -> set[str]:
        listing = docker("buildx", "du", "--verbose")
        return {it.identity for it in records_in(listing) if mark in it.description}

    docker("buildx", "build", "--tag", mark, str(context))
    try:
        before = records()
        assert len(before) == 3
        with open_engine() as opened:
            opened.build(Recipe(text, context), opened.new_space())
            assert len(records()) == 5
        assert records() == before
    finally:
        docker("image", "rm", mark)
        docker("buildx", "prune", "--force", "--all", "--filter", f"id~=^({'|'.join(records())})$")


def test_an_image_that_is_kept_stays_and_all_else_goes(context: Path) -> None:
    with open_engine() as opened:
        built = opened.build(recipe(context, "ENV KEPT=1"), opened.new_space())
        other = opened.build(recipe(context, "ENV KEPT=0"), opened.new_space())
        tag = opened.keep(built.identity)
    try:
        assert docker("image", "inspect", "--format", "{{.Id}}", tag) == built.identity
        with pytest.raises(AssertionError):
            docker("image", "inspect", other.identity)
    finally:
        docker("image", "rm", tag)


def test_an_error_inside_leaves_nothing(context: Path) -> None:
    def fail() -> None:
        with open_engine() as opened:
            built.append(opened.build(recipe(context, "ENV A=1"), opened.new_space()).identity)
            folders.append(opened.folder)
            raise KeyboardInterrupt

    built: list[str] = []
    folders: list[Path] = []
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not folders[0].exists()
    assert built[0] not in docker("image", "ls", "--all", "--quiet", "--no-trunc")
