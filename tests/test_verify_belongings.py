"""What a verification made vanishes: the leash ends what it runs, the janitor removes what bears the session's name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rewriter.verify.engine import leash
from rewriter.verify.engine.belongings import Belongings, ClientCommand, buildx_environment
from rewriter.verify.engine.janitor import Notes, Record, Trace, may_have_made, records_in
from rewriter.verify.engine.progress import Moment

LISTING = """\
ID:           aaa111
Parents:
 - bbb222
Created at:   2026-11-23 22:43:52.8927 +0000 UTC
Mutable:      true
Reclaimable:  true
Shared:       false
Size:         4B
Description:  cached mount /c from exec /bin/sh -c echo one > /c/x with id "space1//c"
Usage count:  1
Last used:    2 minutes ago
Type:         exec.cachemount

ID:           bbb222
Created at:   2026-11-23 22:43:53.000000001 +0000 UTC
Mutable:      false
Reclaimable:  true
Shared:       true
Size:         0B
Description:  mount / from exec /bin/bash -c echo one
echo two

Usage count:  1
Type:         regular

Shared:\t\t2.031GB
Total:\t\t2.74GB
"""


@pytest.fixture
def clients(tmp_path: Path) -> Path:
    (tmp_path / "clients").mkdir()
    return tmp_path / "clients"


def on_a_leash(
    clients: Path, *command: str, seconds: float = 30, parent: int = 0, **environment: str | None
) -> list[str]:
    settings = {
        "parent": parent or os.getpid(), "seconds": seconds, "folder": str(clients), "environment": environment,
    }  # fmt: skip
    return [sys.executable, "-I", "-S", leash.__file__, json.dumps(settings), *command]


def wait_for(is_so: Callable[[], bool]) -> None:
    last_try = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < last_try, "it never happened"
        time.sleep(0.02)


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# The leash.


@pytest.mark.parametrize("code", [0, 3, 124])
def test_a_leash_passes_the_exit_code_on(clients: Path, code: int) -> None:
    assert subprocess.run(on_a_leash(clients, "sh", "-c", f"exit {code}")).returncode == code
    assert list(clients.iterdir()) == []


def test_a_command_is_known_before_it_begins(clients: Path) -> None:
    command = on_a_leash(clients, "sh", "-c", f"cat {clients}/* && echo && echo $$")
    known, own = subprocess.run(command, capture_output=True, text=True).stdout.split()
    assert known == own


def test_a_leash_says_which_signal_ended_its_command(clients: Path) -> None:
    assert subprocess.run(on_a_leash(clients, "sh", "-c", "kill -9 $$")).returncode == 128 + 9


def test_a_leash_changes_the_environment_of_its_command(clients: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONE", "1")
    command = on_a_leash(clients, "sh", "-c", "echo ${GONE-unset} $NEW", GONE=None, NEW="new")
    assert subprocess.run(command, capture_output=True, text=True).stdout == "unset new\n"


def test_a_leash_ends_its_command_with_all_its_children_at_the_deadline(clients: Path, tmp_path: Path) -> None:
    place = tmp_path / "child"
    script = f"sleep 100 & echo $! > {place}; trap '' TERM; wait"
    began = time.monotonic()
    assert subprocess.run(on_a_leash(clients, "sh", "-c", script, seconds=0.5)).returncode == leash.TIME_IS_UP
    assert 0.5 <= time.monotonic() - began < 10
    wait_for(lambda: not is_alive(int(place.read_text())))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_leash_that_is_asked_to_end_ends_its_command(clients: Path, tmp_path: Path, number: signal.Signals) -> None:
    place = tmp_path / "child"
    process = subprocess.Popen(on_a_leash(clients, "sh", "-c", f"echo $$ > {place}; exec sleep 100"))
    wait_for(lambda: place.exists() and place.read_text() != "")
    process.send_signal(number)
    assert process.wait(20) == 128 + number
    assert not is_alive(int(place.read_text()))


def test_a_leash_ends_its_command_when_its_parent_is_killed(clients: Path, tmp_path: Path) -> None:
    place = tmp_path / "child"
    command = on_a_leash(clients, "sh", "-c", f"echo $$ > {place}; exec sleep 100", parent=1)
    starter = (
        "import os, subprocess, json\n"
        f"command = {command!r}\n"
        "settings = {**json.loads(command[4]), 'parent': os.getpid()}\n"
        "subprocess.run([*command[:4], json.dumps(settings), *command[5:]])\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter])
    wait_for(lambda: place.exists() and place.read_text() != "")
    parent.kill()
    parent.wait()
    wait_for(lambda: not is_alive(int(place.read_text())))
    wait_for(lambda: list(clients.iterdir()) == [])


def test_a_leash_whose_parent_has_ended_starts_nothing(clients: Path, tmp_path: Path) -> None:
    subprocess.run(on_a_leash(clients, "touch", str(tmp_path / "started"), parent=1))
    assert not (tmp_path / "started").exists()


# What is ours in the build cache.


def test_the_entries_of_the_build_cache_are_read() -> None:
    first, second = records_in(LISTING)
    assert (first.identity, second.identity) == ("aaa111", "bbb222")
    assert second.made - first.made == pytest.approx(0.1073, abs=1e-5)
    assert first.description.endswith('with id "space1//c"')
    assert second.description == "mount / from exec /bin/bash -c echo one\necho two\n"


@pytest.mark.parametrize(
    ("description", "name", "source"),
    [
        ("[2/3] COPY a .", "[2/3] COPY a .", "COPY a ."),
        ("mount / from exec /bin/sh -c echo $A", "[2/3] RUN echo 1", "RUN echo $A"),
        (
            "mount / from exec /bin/bash -o pipefail -c x | y",
            "[2/3] RUN x | y",
            "RUN --mount=type=tmpfs,target=/t x | y",
        ),
        ("mount / from exec pip install a", '[2/3] RUN ["pip", "install", "a"]', "pip install a"),
        ("mount / from exec /bin/sh -c a\nb\n", "[2/3] RUN <<EOF (a...)", "RUN <<EOF\na\nb\n"),
        ("local source for context", "[internal] load build context", ""),
        ("local source for context", "[internal] load .dockerignore", ""),
        ("local source for dockerfile", "[internal] load build definition from Dockerfile", ""),
    ],
)
def test_an_entry_may_be_ours_if_it_describes_our_step_and_fits_in_time(
    description: str, name: str, source: str
) -> None:
    record = Record("x", 100.0, description)
    assert may_have_made(Trace(name, source, 90.0, 99.9), record), "after its end"
    assert may_have_made(Trace(name, source, 99.9, 110.0), record), "while it ran"
    assert may_have_made(Trace(name, source, 10.0, 0.0), record), "it never ended"
    assert not may_have_made(Trace(name, source, 10.0, 80.0), record), "long after it"
    assert not may_have_made(Trace(name, source, 101.0, 0.0), record), "before it"
    assert not may_have_made(Trace(name, source, 90.0, 99.9), record._replace(description="pulled from x"))
    assert not may_have_made(Trace(name, source, 90.0, 99.9), record._replace(description="[2/3] COPY b ."))


def test_of_several_entries_that_fit_each_step_has_made_the_nearest() -> None:
    notes = Notes()
    for key, began, ended in (("one", 90.0, 100.0), ("two", 95.0, 105.0)):
        notes.read(json.dumps({"moment": [key, "[2/3] COPY a .", "COPY a .", began, ended]}).encode())
    records = [Record(str(made), made, "[2/3] COPY a .") for made in (80.0, 100.1, 102.5, 105.01, 200.0)]
    assert notes.ours(records) == {"100.1", "105.01"}


def test_a_cache_mount_is_ours_by_its_namespace_alone() -> None:
    notes = Notes()
    notes.read(b'{"space": "space1"}\n')
    notes.read(b'{"spa')
    mount, layer = records_in(LISTING)
    others = [mount._replace(description=mount.description.replace("space1", other)) for other in ("space2", "")]
    assert notes.ours([mount, layer]) == {"aaa111"}
    assert notes.ours([layer, *others]) == set()


# The janitor, with a client that writes down what it is asked for.


class Client:
    """A program that stands in for a client: it notes its arguments and answers from files."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "client"
        self._calls = folder / "calls"
        self._calls.touch()
        answer = f'answer="{folder}/answer-$1-$2"'
        script = f'#!/bin/sh\necho "$*" >> {self._calls}\n{answer}\n[ ! -f "$answer" ] || cat "$answer"\n'
        self.program.write_text(script, "utf-8")
        self.program.chmod(0o755)
        (folder / "answer-ps---all").write_text("c1\nc2\n")
        (folder / "answer-image-ls").write_text(
            "i1 dfix-verify-s:1\ni1 dfix-verify-s:2\ni2 <none>:<none>\ni3 dfix-verify-s:3\n"
        )
        (folder / "answer-network-ls").write_text("n1\n")
        (folder / "answer-buildx-du").write_text(LISTING)

    @property
    def calls(self) -> list[str]:
        return self._calls.read_text().splitlines()


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(tmp_path)


def test_the_janitor_removes_what_bears_our_name_and_nothing_else(client: Client) -> None:
    belongings = Belongings(ClientCommand(str(client.program), {}, has_buildx=True))
    belongings.use_space("space1")
    belongings.trace(Moment("sha256:1", "[2/3] RUN true", "RUN true", 1.0, 2.0))
    belongings.keep("dfix-verify-s:3")
    locked = belongings.new_folder("locked")
    (locked / "file").write_text("x", "utf-8")
    locked.chmod(0)
    assert belongings.close() == ""
    assert belongings.close() == ""
    assert not belongings.folder.exists()
    label = f"label=dfix.verify={belongings.session}"
    assert [call for call in client.calls if "rm" in call.split()[:2] or "prune" in call][:4] == [
        "rm --force --volumes c1 c2",
        "image rm --force dfix-verify-s:1 dfix-verify-s:2 i2",
        "network rm n1",
        "buildx prune --force --all --filter id~=^(aaa111)$",
    ]
    assert all(label in call for call in client.calls if " ls " in call or call.startswith("ps"))


def test_without_buildx_the_build_cache_is_left_alone(client: Client) -> None:
    belongings = Belongings(ClientCommand(str(client.program), {}, has_buildx=False))
    belongings.use_space("space1")
    belongings.close()
    assert not [call for call in client.calls if "buildx" in call]


def test_what_resists_is_told(client: Client) -> None:
    client.program.write_text("#!/bin/sh\necho no server >&2\nexit 1\n", "utf-8")
    belongings = Belongings(ClientCommand(str(client.program), {}, has_buildx=False))
    assert "no server" in belongings.close()
    assert not belongings.folder.exists()


_KILLED = """
import os, subprocess, sys
from rewriter.verify.engine.belongings import Belongings, ClientCommand
belongings = Belongings(ClientCommand(sys.argv[1], {}, has_buildx=True))
belongings.use_space("space1")
words = belongings.leashed(60, {})[:-1]
subprocess.Popen([*words, "sh", "-c", f"echo $$ > {sys.argv[2]}; exec sleep 100"])
while not (os.path.exists(sys.argv[2]) and open(sys.argv[2]).read()):
    pass
print(belongings.folder, flush=True)
input()
"""


@pytest.mark.parametrize("kills_leash", [False, True])
def test_a_killed_process_leaves_neither_folder_nor_client(client: Client, tmp_path: Path, kills_leash: bool) -> None:
    """A hit on the whole group takes the leash with it; its command is then the janitor's."""
    place = tmp_path / "child"
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(client.program), str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert is_alive(int(place.read_text()))
    (os.killpg if kills_leash else os.kill)(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not is_alive(int(place.read_text())))
    wait_for(lambda: not folder.exists())
    assert "rm --force --volumes c1 c2" in client.calls


def test_buildx_knows_the_users_builders_but_keeps_its_state_with_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "docker" / "buildx"
    (theirs / "instances").mkdir(parents=True)
    (theirs / "instances" / "mine").write_text("{}", "utf-8")
    (theirs / ".buildNodeID").write_text("id", "utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("BUILDX_CONFIG", raising=False)
    ours = tmp_path / "ours"
    assert buildx_environment(ours) == buildx_environment(ours) == {"BUILDX_CONFIG": str(ours)}
    assert [path.name for path in ours.iterdir()] == ["instances"]
    assert (ours / "instances" / "mine").exists()


def test_names_tell_whose_things_they_are(client: Client) -> None:
    belongings = Belongings(ClientCommand(str(client.program), {}, has_buildx=False))
    prefix = f"dfix-verify-{belongings.session}"
    assert [belongings.tag(), belongings.container_name("a hint/é"), belongings.container_name("")] == [
        f"{prefix}:1",
        f"{prefix}-2-ahint",
        f"{prefix}-3",
    ]
    assert belongings.folder.name.startswith(prefix)
    belongings.close()
