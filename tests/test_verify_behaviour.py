"""What `dfix verify` makes of what programs print, open and answer; no engine is needed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from rewriter.verify.behaviour import observation as behaviour
from rewriter.verify.behaviour.compare_behaviour import UNSTEADY_ANSWER, UNSTEADY_BUILD, UNSTEADY_RUN, compare_behaviour
from rewriter.verify.behaviour.listening import EVERYWHERE, INSIDE, OUTSIDE, Listener, listeners, reaches
from rewriter.verify.behaviour.observation import Ending, Health, Observation, Questions, observe
from rewriter.verify.behaviour.printed import A_DATABASE, different_lines, refusals, without_accidents
from rewriter.verify.behaviour.probe import Answer, alike, answer, health_path, request
from rewriter.verify.behaviour.written import instant, places
from rewriter.verify.engine.builder import Engine, EngineError
from rewriter.verify.report import Allowed, Check, Status

NOTHING = Allowed({})
USER = Allowed({"user": ("DF401",)})

TABLES = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1FBB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 62170 1 0 100 0 0 10 0
   1: 0B00007F:8A3D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 62171 1 0 100 0 0 10 0
   2: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 62172 1 0 100 0 0 10 0
   3: 0200 11AC
   4: 050011AC:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 62173 1 0 100 0 0 10 0
   5: 050011AC:D2F0 0101A8C0:01BB 01 00000000:00000000 00:00000000 00000000     0        0 62174 1 0 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   1: 00000000000000000000000001000000:1F41 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   2: 0000000000000000FFFF00000100007F:1F42 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
cat: /proc/net/tcp6: No such file or directory
"""


def test_listening_sockets_are_read_from_the_kernels_tables() -> None:
    assert listeners(TABLES) == {
        Listener(8123, "127.0.0.1"),
        Listener(8000, "0.0.0.0"),
        Listener(80, "172.17.0.5"),
        Listener(3000, "::"),
        Listener(8001, "::1"),
        Listener(8002, "127.0.0.1"),
    }
    assert listeners("") == listeners("cat: not found") == frozenset()


def test_the_widest_reach_of_a_port_counts() -> None:
    found = [Listener(80, "127.0.0.1"), Listener(80, "::"), Listener(81, "172.17.0.5"), Listener(82, "::1")]
    assert reaches(found) == {80: EVERYWHERE, 81: OUTSIDE, 82: INSIDE}


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("PermissionError: [Errno 13] Permission denied: '/app/data.db'", "/app/data.db"),
        ("PermissionError: [Errno 13] Permission denied: 'data.db'", "/srv/data.db"),
        ("PermissionError: [Errno 13] Permission denied: 'uploads'", "/srv/uploads"),
        ("OSError: [Errno 30] Read-only file system: '/app/x'", "/app/x"),
        ("python: can't open file '/app/main.py': [Errno 13] Permission denied", "/app/main.py"),
        ("Error: EACCES: permission denied, open '/app/log.txt'", "/app/log.txt"),
        ("Error: EACCES: permission denied, mkdir '/app/logs'", "/app/logs"),
        ("Error: EROFS: read-only file system, open 'x.log'", "/srv/x.log"),
        ("2024/01/01 12:00:00 open /data/x.db: permission denied", "/data/x.db"),
        ("panic: mkdir /var/lib/app: permission denied", "/var/lib/app"),
        ("java.io.FileNotFoundException: /app/out.txt (Permission denied)", "/app/out.txt"),
        ("java.nio.file.AccessDeniedException: /app/out.txt", "/app/out.txt"),
        ("Access to the path '/app/keys' is denied.", "/app/keys"),
        ("/bin/sh: 1: cannot create /app/x: Permission denied", "/app/x"),
        ("sh: can't create /app/x: Permission denied", "/app/x"),
        ("bash: line 1: /app/x: Permission denied", "/app/x"),
        ("/start.sh: line 3: log/x: Permission denied", "/srv/log/x"),
        ("/bin/sh: 1: cannot create data.db: Permission denied", "/srv/data.db"),
        ("open data.db: permission denied", "/srv/data.db"),
        ("touch: cannot touch '/app/x': Permission denied", "/app/x"),
        ("touch: cannot touch \u2018/app/x\u2019: Permission denied", "/app/x"),
        ("mkdir: can't create directory '/app/y': Permission denied", "/app/y"),
        ("chown: changing ownership of '/data': Operation not permitted", "/data"),
        ('nginx: [emerg] open() "/var/run/nginx.pid" failed (13: Permission denied)', "/var/run/nginx.pid"),
        ("Permission denied @ rb_sysopen - /app/log/x.log (Errno::EACCES)", "/app/log/x.log"),
        ("PHP Warning: fopen(/app/x): Failed to open stream: Permission denied in /app/i.php on line 3", "/app/x"),
        ("sqlite3.OperationalError: attempt to write a readonly database", A_DATABASE),
        ("  code: 'EACCES',", ""),
        ("no such file: '/app/x'", ""),
        ("permission denied for table users", ""),
    ],
)
def test_the_path_that_was_refused_is_found_in_what_a_runtime_says(line: str, path: str) -> None:
    found = [refusal.path for refusal in refusals(f"first\n{line}\nlast", "/srv")]
    assert found == ([path] if path else [])


def test_what_differs_by_nature_is_no_difference() -> None:
    pairs = [
        ("[2024-01-02 03:04:05 +0000] [7] [INFO] Booting", "[2025-11-12 13:14:15 +0000] [12] [INFO] Booting"),
        ("at 2024-01-02T03:04:05.123Z", "at 2024-01-02T03:04:06.9Z"),
        ("Mon Jan  2 03:04:05 UTC 2024", "Tue Feb 13 13:14:15 UTC 2024"),
        ("02/Jan/2024 03:04:05", "12/Feb/2024 13:14:15"),
        ("took 1.25 ms", "took 312 ms"),
        ("<object at 0x7f0011223344>", "<object at 0x7fffaabbccdd>"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id 00000000-e89b-12d3-a456-426614174000"),
        ("pid: 17", "pid: 99"),
        ("epoch 1700000000.12", "epoch 1800000000.99"),
        ("/tmp/tmpab12cd34/x", "/tmp/tmpzz99yy88/x"),
        ("listening on 172.17.0.3", "listening on 172.17.0.14"),
        ("\x1b[32mgreen\x1b[0m", "green"),
    ]
    for before, after in pairs:
        assert without_accidents(before) == without_accidents(after), (before, after)
    assert without_accidents("host 232fa74e9511", ["232fa74e9511"]) == "host <container>"


def test_what_says_something_is_kept() -> None:
    for text in ("version 3.11.7", "port 8000", "3 users", "status 200", "Python 3.12", "0.4.2", "1,024 files"):
        assert without_accidents(text) == text


def test_the_order_of_lines_says_nothing() -> None:
    assert different_lines("a\nb\nb\n", "b\na\n") == (["b"], [])
    assert different_lines("a\nb", "b\na") == ([], [])


def test_a_request_has_no_line_of_a_strangers() -> None:
    assert "\r\n" not in request("127.0.0.1", 80, "/a b\r\nX: y").split(" HTTP/1.0")[0]
    assert "Host: localhost:80\r\n" in request("::1", 80, "/")


def test_an_answer_is_read() -> None:
    listener = Listener(80, "0.0.0.0")
    response = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Type: text/html\r\n\r\nhello 03:04:05\n"
    found = answer(listener, "/", response, response.replace("05", "06"))
    assert (found.status, found.content_type, found.location, found.is_steady) == (302, "text/html", "/login", True)
    assert not answer(listener, "/", response, response.replace("hello", "goodbye")).is_steady
    for broken in ("", "220 smtp ready\r\n", "HTTP/", "\x00\x15\x03"):
        assert not answer(listener, "/", broken, "").is_http


def body(first: str, second: str) -> Answer:
    return answer(Listener(80, "::"), "/", f"HTTP/1.0 200 OK\n\n{first}", f"HTTP/1.0 200 OK\n\n{second}")


def test_bodies_are_alike_but_for_what_changes_by_itself() -> None:
    old = body('{"a": 1, "id": "x1"}', '{"a": 1, "id": "x2"}')
    assert alike(old, body('{"a": 1, "id": "x3"}', '{"a": 1, "id": "x4"}'))
    assert not alike(old, body('{"a": 2, "id": "x3"}', '{"a": 2, "id": "x4"}'))
    assert not alike(old, body('{"a": 1}', '{"a": 1}'))
    assert alike(body("same", "same"), body("same", "same"))


@pytest.mark.parametrize(
    ("test", "path"),
    [
        (["CMD-SHELL", "curl -f http://localhost:8000/health?x=1 || exit 1"], "/health?x=1"),
        (["CMD", "wget", "-q", "http://127.0.0.1/ready"], "/ready"),
        (["CMD-SHELL", "python -c \"urlopen('http://localhost:8000')\""], "/"),
        (["CMD", "pg_isready"], ""),
        (["NONE"], ""),
    ],
)
def test_the_path_of_a_health_check(test: list[str], path: str) -> None:
    assert health_path({"Healthcheck": {"Test": test}}) == path
    assert health_path({}) == ""


def test_places_have_no_names_of_one_run_and_no_names_of_a_user() -> None:
    assert list(places(["/tmp/tmpab12cd34/x", "/root/.app/x"])) == ["/root/.app/x", "/tmp/<temporary>/x"]
    assert (
        list(places(["/root/.app/x"], is_at_home=True))
        == ["~/.app/x"]
        == list(places(["/home/app/.app/x"], is_at_home=True))
    )


def test_an_instant_with_nine_digits() -> None:
    assert instant("1970-01-01T00:00:01.500000000Z") == 1.5
    assert instant("1970-01-01T01:00:01.123456789+01:00") == pytest.approx(1.123456)
    assert instant("") == 0.0


RUNNING = Observation(
    listeners=frozenset({Listener(80, "0.0.0.0")}), answers=(body("x", "x"),), user=0, users=frozenset({0})
)
ENDED = Observation(Ending(0), output="one\ntwo\n")


def subjects(check: Check) -> list[str]:
    return [difference.subject for difference in check.failures]


def test_the_same_is_the_same() -> None:
    for observation in (RUNNING, ENDED, Observation(listeners=None)):
        assert compare_behaviour(observation, observation, NOTHING).status is Status.PASSED


def test_a_new_end_is_told_with_its_last_words_and_what_was_refused() -> None:
    output = "starting\nPermissionError: [Errno 13] Permission denied: '/app/x'\n"
    after = Observation(Ending(1), output=output, refused=refusals(output))
    check = compare_behaviour(RUNNING, after, NOTHING)
    assert subjects(check) == ["exit status", "opens /app/x"]
    assert check.failures[0].after.startswith("ends with status 1: PermissionError")


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending(139), "ends with status 139 (SIGSEGV)"),
        (Ending(137, is_out_of_memory=True), "is killed because it takes more memory than it may"),
        (Ending(127, error='exec: "x": not found'), 'cannot be started: exec: "x": not found'),
        (Ending(200), "ends with status 200"),
    ],
)
def test_ends_have_words(ending: Ending, words: str) -> None:
    assert compare_behaviour(RUNNING, Observation(ending), NOTHING).failures[0].after == words


def test_a_difference_of_two_runs_of_the_old_program_is_excused() -> None:
    before, again = RUNNING, RUNNING._replace(listeners=frozenset({Listener(80, "::"), Listener(40123, "::")}))
    after = RUNNING._replace(listeners=frozenset({Listener(80, "::"), Listener(40999, "::")}))
    assert subjects(compare_behaviour(before, after, NOTHING, before)) == ["port 40999"]
    again_too = again._replace(listeners=frozenset({Listener(80, "::"), Listener(40999, "::")}))
    check = compare_behaviour(before, after, NOTHING, again_too)
    assert [difference.reason for difference in check.differences] == [UNSTEADY_RUN]


def test_output_is_excused_only_where_it_is_unsteady() -> None:
    before, again = ENDED._replace(output="id=a\nsame"), ENDED._replace(output="id=b\nsame")
    assert compare_behaviour(before, ENDED._replace(output="id=c\nsame"), NOTHING, again).status is Status.PASSED
    for output in ("id=c\nother", "id=c\nsame\nmore", "id=c"):
        assert subjects(compare_behaviour(before, ENDED._replace(output=output), NOTHING, again)) == ["output"]


def test_a_body_that_changes_its_shape_is_excused() -> None:
    before = RUNNING._replace(answers=(body("a", "a b"),))
    after = RUNNING._replace(answers=(body("a b c", "a b c d"),))
    assert [it.reason for it in compare_behaviour(before, after, NOTHING).differences] == [UNSTEADY_ANSWER]
    before = RUNNING._replace(answers=(body("a 1", "a 2"),))
    after = RUNNING._replace(answers=(body("b 3", "b 4"),))
    assert [it.reason for it in compare_behaviour(before, after, NOTHING).differences] == [""]


def test_names_that_a_build_makes_up_are_excused_and_nothing_else_of_a_body() -> None:
    def serving(text: str) -> Observation:
        return RUNNING._replace(answers=(body(text, text),))

    before, rebuilt = serving("<p>hats</p> build=k2_x-9"), serving("<p>hats</p> build=-j81Xz")
    check = compare_behaviour(before, serving("<p>hats</p> build=Q0-0-q"), NOTHING, before, rebuilt)
    assert [it.reason for it in check.differences] == [UNSTEADY_BUILD]
    for text in ("<p>cats</p> build=Q00q", "<p>hats</p>", "<p>hats</p> build=Q00q <p>more</p>"):
        assert subjects(compare_behaviour(before, serving(text), NOTHING, before, rebuilt)) == ["GET / on port 80"]
    assert compare_behaviour(before, serving("<p>cats</p> build=Q00q"), NOTHING, before, before).failures
    long = "p" * 70_000
    before, broken, rebuilt = (serving(f"{long} {end}") for end in ("end", "", "another end"))
    for other in (before, rebuilt):
        assert subjects(compare_behaviour(before, broken, NOTHING, before, other)) == ["GET / on port 80"]


def test_health_is_judged() -> None:
    def judged(before: Health | None, after: Health | None, allowed: Allowed = NOTHING) -> Check:
        return compare_behaviour(RUNNING._replace(health=before), RUNNING._replace(health=after), allowed)

    well, ill = Health("healthy"), Health("unhealthy", "/bin/sh: 1: curl: not found", "curl")
    allowed = Allowed({"healthcheck": ("DF402",)})
    assert judged(None, well, allowed).failures == ()
    assert subjects(judged(None, well)) == subjects(judged(well, None)) == ["health"]
    assert judged(well, None, allowed).failures == ()
    assert judged(ill, ill).failures == ()
    assert judged(Health("starting"), well).failures == ()
    check = judged(None, ill, allowed)
    assert check.failures[0].after == "unhealthy: the command of the check does not exist: curl"
    assert subjects(judged(well, ill, allowed)) == ["health"]
    assert judged(well, Health("starting", "no"), allowed).failures[0].after == "not healthy in time: no"


def test_users_are_compared() -> None:
    after = RUNNING._replace(user=1000, users=frozenset({1000}))
    assert subjects(compare_behaviour(RUNNING, after, NOTHING)) == ["user id"]
    assert compare_behaviour(RUNNING, after, USER).failures == ()
    assert subjects(compare_behaviour(RUNNING, RUNNING._replace(users=frozenset({0, 5})), NOTHING)) == [
        "user ids of all processes"
    ]
    assert compare_behaviour(RUNNING, RUNNING._replace(user=None), NOTHING).failures == ()


def test_what_was_written_and_is_no_more() -> None:
    before = RUNNING._replace(written=frozenset({"/app/data/db", "/root/.app/x", "/tmp/tmpab12cd34"}))
    refused = refusals("mkdir /app/data: permission denied")
    after = RUNNING._replace(written=frozenset({"/home/app/.app/x", "/tmp/tmpzz99yy88"}), refused=refused)
    check = compare_behaviour(before, after, USER)
    assert [(it.subject, it.after) for it in check.failures] == [
        ("writes /app/data/db", "not written: mkdir /app/data: permission denied")
    ]
    assert compare_behaviour(after, after, NOTHING).failures == ()


class Program:
    """A container that does what a test says: one that has seen a second pass after each look at it."""

    def __init__(self, looks: Sequence[Mapping[str, Any]], tables: str = "", volume: bytes = b"") -> None:
        self.identity = "c0ffee" * 10
        self.looks = list(looks)
        self.tables = tables
        self.volume = volume
        self.is_removed = False

    def state(self) -> Mapping[str, Any]:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def logs(self) -> str:
        return "hello\n"

    def exec(self, command: Sequence[str], timeout: float) -> tuple[int, str]:
        assert timeout
        return 0, self.tables if "/proc/net/tcp" in command else "HTTP/1.0 200 OK\r\n\r\nhi"

    def top(self) -> list[tuple[int, int, str]]:
        return [(10, 0, "init"), (11, 1000, "program")]

    def changed_paths(self) -> list[tuple[str, str]]:
        changed = ["/app", "/app/x", "/app/__pycache__", "/app/__pycache__/x.pyc", "/tmp", "/tmp/hsperfdata_root/1"]
        return [("C", path) for path in changed]

    def copy_out(self, path: str) -> bytes:
        assert path == "/data"
        return self.volume

    def remove(self) -> None:
        self.is_removed = True


class FakeEngine:
    """Starts programs in the order of a list; an error stands for one that cannot be started."""

    def __init__(self, *programs: Program | EngineError, **configuration: Any) -> None:
        self.programs = list(programs)
        self.settings = configuration
        self.options: list[dict[str, Any]] = []

    def configuration(self, identity: str) -> dict[str, Any]:
        assert identity
        return self.settings

    def start(self, identity: str, **options: Any) -> Program:
        self.options.append({"image": identity, **options})
        program = self.programs.pop(0)
        if isinstance(program, EngineError):
            raise program
        return program


UP = {"Running": True, "Pid": 11, "StartedAt": "1970-01-01T00:16:40Z"}
DOWN = {"Running": False, "ExitCode": 3}


@pytest.fixture(autouse=True)
def _no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SETTLED", "_QUIET", "_PAUSE", "_BETWEEN_REQUESTS"):
        monkeypatch.setattr(behaviour, name, 0.001)


def watched(engine: FakeEngine, questions: Questions = Questions()) -> Observation:  # noqa: B008
    return observe(cast(Engine, engine), "image", questions)


def test_a_program_is_watched_and_removed() -> None:
    volume = io.BytesIO()
    with tarfile.open(fileobj=volume, mode="w") as archive:
        for name, age in (("data/old", 999), ("data/new", 1001)):
            member = tarfile.TarInfo(name)
            member.mtime = age
            archive.addfile(member)
    program, window = Program([UP], volume=volume.getvalue()), Program([UP], TABLES)
    found = watched(FakeEngine(program, window, Volumes={"/data": {}}))
    assert program.is_removed
    assert window.is_removed
    assert (found.ending, found.user, found.users) == (None, 1000, frozenset({0, 1000}))
    assert found.written == {"/app/x", "/data/new"}
    assert [it.port for it in found.answers if it.path == "/"] == [80, 3000, 8000, 8001, 8002, 8123]


def test_a_program_that_ends_at_once_is_looked_at_through_nothing() -> None:
    engine = FakeEngine(Program([DOWN]))
    assert watched(engine).ending == Ending(3)
    assert len(engine.options) == 1


def test_a_program_that_ends_while_it_is_looked_at() -> None:
    engine = FakeEngine(Program([UP, UP, DOWN]), Program([UP], TABLES))
    found = watched(engine)
    assert (found.ending, found.answers) == (Ending(3), ())


def test_a_program_that_cannot_be_started() -> None:
    message = 'Docker did not do `start`: Error response from daemon: runc create failed: exec: "x": not found'
    found = watched(FakeEngine(EngineError(message)))
    assert found.ending == Ending(127, error='runc create failed: exec: "x": not found')


def test_without_a_window_ports_are_published_and_asked_from_outside() -> None:
    missing = EngineError("executable file not found")
    first, second = Program([UP]), Program([UP])
    second.host_port = lambda _: 1  # type: ignore[attr-defined]
    engine = FakeEngine(first, *[missing] * 7, second, ExposedPorts={"80/tcp": {}, "53/udp": {}})
    found = watched(engine, Questions(patience=0.1))
    assert (found.listeners, found.answers) == (None, ())
    assert first.is_removed
    assert second.is_removed
    assert [options["ports"] for options in engine.options if "ports" in options] == [[], [80]]


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("/bin/sh: 1: curl: not found", "curl"),
        ("/bin/sh: curl: not found", "curl"),
        ("/bin/sh: line 1: curl: command not found", "curl"),
        ('OCI runtime exec failed: exec: "curl": executable file not found in $PATH: unknown', "curl"),
        ('exec: "/bin/sh": stat /bin/sh: no such file or directory: unknown', "/bin/sh"),
        ("python: can't open file '/check.py': [Errno 2] No such file or directory", "/check.py"),
        ("Error: Cannot find module '/app/health.js'", "/app/health.js"),
        ("curl: (22) The requested URL returned error: 404 Not Found", ""),
        ("HTTP Error 404: Not Found", ""),
        ("connection refused", ""),
    ],
)
def test_the_program_that_a_health_check_misses(said: str, missing: str) -> None:
    state = {**UP, "Health": {"Status": "unhealthy", "Log": [{"Output": "first"}, {"Output": said + "\n"}]}}
    found = watched(FakeEngine(Program([state]), Program([UP], TABLES)), Questions(path="/"))
    assert found.health == Health("unhealthy", said, missing)
