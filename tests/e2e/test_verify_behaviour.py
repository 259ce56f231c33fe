"""Real programs in real containers: what `dfix verify` sees of them, and what it calls a difference."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rewriter.verify.behaviour.compare_behaviour import UNSTEADY_ANSWER, UNSTEADY_RUN, compare_behaviour
from rewriter.verify.behaviour.listening import Listener
from rewriter.verify.behaviour.observation import Observation, Questions, observe
from rewriter.verify.behaviour.probe import TOOLS
from rewriter.verify.behaviour.window import Window
from rewriter.verify.engine.builder import Container, Engine, Recipe, open_engine
from rewriter.verify.report import Allowed, Check, Status

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SERVER = "FROM python:3.11-slim\nWORKDIR /srv\nEXPOSE 8000\n"
SERVE = 'CMD ["python", "-m", "http.server", "8000"]\n'
NOBODY = "USER 65534\n"
NOTHING = Allowed({})
USER = Allowed({"user": ("DF401",)})
QUESTIONS = Questions(patience=15.0)

CHANGING = """\
import http.server, itertools, os, time

numbers = itertools.count()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f'{{"hello": "{HELLO}", "number": {next(numbers)}, "id": "{os.urandom(8).hex()}", "now": {time.time()}}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""

STATIC = """\
FROM golang:1.19 AS build
WORKDIR /src
COPY main.go .
RUN CGO_ENABLED=0 go build -o /server main.go
FROM scratch
COPY --from=build /server /server
EXPOSE 8080
CMD ["/server"]
"""

MAIN = """\
package main

import "net/http"

func main() {
    http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello from nowhere")) })
    http.ListenAndServe(":8080", nil)
}
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine() as found:
        yield found


def built(engine: Engine, text: str, folder: Path, **files: str) -> str:
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    # What the builds are about is not shown here: one space of caches saves their time.
    return engine.build(Recipe(text, folder), "e2ebehaviour").identity


def seen(engine: Engine, text: str, folder: Path, questions: Questions = QUESTIONS) -> Observation:
    return observe(engine, built(engine, text, folder), questions)


def compared(
    engine: Engine,
    before: str,
    after: str,
    folder: Path,
    allowed: Allowed = NOTHING,
    questions: Questions = QUESTIONS,
) -> Check:
    old = built(engine, before, folder)
    observation = observe(engine, old, questions)
    other = observe(engine, built(engine, after, folder), questions._replace(tools=(old,)).like(observation))
    return compare_behaviour(observation, other, allowed)


def subjects(check: Check) -> list[str]:
    return [difference.subject for difference in check.failures]


@pytest.mark.parametrize("has_network", [True, False])
def test_a_server_is_asked_with_and_without_a_network(engine: Engine, tmp_path: Path, has_network: bool) -> None:
    found = seen(engine, SERVER + SERVE, tmp_path, Questions(has_network=has_network))
    assert found.listeners == frozenset({Listener(8000, "0.0.0.0")})
    assert [(it.port, it.path, it.status, it.is_steady) for it in found.answers] == [(8000, "/", 200, True)]
    assert "Directory listing" in found.answers[0].body
    assert (found.ending, found.user, found.users, found.health) == (None, 0, frozenset({0}), None)


def test_a_server_is_like_itself(engine: Engine, tmp_path: Path) -> None:
    check = compared(engine, SERVER + SERVE, SERVER + SERVE, tmp_path)
    assert check == Check(
        "behaviour", Status.PASSED, "keeps running; listens on 8000; GET / on 8000 gives 200; runs as user 0"
    )


def test_another_user_must_be_allowed(engine: Engine, tmp_path: Path) -> None:
    after = SERVER + NOBODY + SERVE
    assert subjects(compared(engine, SERVER + SERVE, after, tmp_path)) == ["user id"]
    check = compared(engine, SERVER + SERVE, after, tmp_path, USER)
    assert check.status is Status.PASSED
    assert [(it.before, it.after, it.reason) for it in check.differences] == [("0", "65534", "DF401")]


def test_a_port_that_is_closed(engine: Engine, tmp_path: Path) -> None:
    after = SERVER + 'CMD ["python", "-m", "http.server", "8001"]\n'
    check = compared(engine, SERVER + SERVE, after, tmp_path, questions=Questions(patience=6.0))
    assert subjects(check) == ["port 8000", "port 8001"]
    assert "port 8000: open to every address, now closed" in check.summary


def test_a_port_that_only_its_own_container_reaches(engine: Engine, tmp_path: Path) -> None:
    after = SERVER + 'CMD ["python", "-m", "http.server", "8000", "--bind", "127.0.0.1"]\n'
    check = compared(engine, SERVER + SERVE, after, tmp_path)
    assert [(it.subject, it.after) for it in check.failures] == [("port 8000", "open to only inside the container")]


def test_a_wrong_answer(engine: Engine, tmp_path: Path) -> None:
    before, after = (f"{SERVER}RUN echo {word} > index.html\n{SERVE}" for word in ("one", "other"))
    check = compared(engine, before, after, tmp_path)
    assert [(it.subject, it.before, it.after) for it in check.failures] == [("GET / on port 8000", "one", "other")]
    check = compared(engine, after, SERVER + SERVE, tmp_path, questions=Questions(path="/index.html"))
    assert [(it.subject, it.before[:13]) for it in check.failures] == [
        ("GET /index.html on port 8000", "200 text/html")
    ]


def test_an_answer_that_changes_each_time(engine: Engine, tmp_path: Path) -> None:
    text = SERVER + "COPY serve.py .\nRUN sed -i s/HELLO/world/ serve.py\n" + 'CMD ["python", "serve.py"]\n'
    built(engine, text, tmp_path, serve_py=CHANGING.replace("{HELLO}", "HELLO"))
    assert compared(engine, text, text, tmp_path).differences == ()
    check = compared(engine, text, text.replace("world", "moon"), tmp_path)
    assert [(it.subject, it.reason) for it in check.differences] == [
        ("GET / on port 8000", ""),
        ("GET /health on port 8000", ""),
    ]


def test_an_answer_of_another_length_each_time(engine: Engine, tmp_path: Path) -> None:
    text = SERVER + "COPY serve.py .\n" + 'CMD ["python", "serve.py"]\n'
    built(engine, text, tmp_path, serve_py=CHANGING.replace("{HELLO}", '{"-a" * next(numbers)}'))
    check = compared(engine, text, text, tmp_path)
    assert {it.reason for it in check.differences} == {UNSTEADY_ANSWER}
    assert check.status is Status.PASSED


def test_a_worker_without_a_port(engine: Engine, tmp_path: Path) -> None:
    text = "FROM debian:12-slim\nCMD while :; do echo working; sleep 1; done\n"
    check = compared(engine, text, text, tmp_path)
    assert (check.status, check.summary) == (Status.PASSED, "keeps running; listens on no port; runs as user 0")
    check = compared(engine, text, "FROM debian:12-slim\nCMD echo working; exit 3\n", tmp_path)
    assert subjects(check) == ["exit status"]
    assert check.failures[0].after == "ends with status 3: working"


def test_a_program_that_ends(engine: Engine, tmp_path: Path) -> None:
    text = 'FROM debian:12-slim\nCMD echo "$(date +%H:%M:%S.%N) $(hostname) one"; echo two >&2\n'
    check = compared(engine, text, text, tmp_path)
    assert (check.status, check.summary) == (Status.PASSED, "ends with status 0 and the same output")
    check = compared(engine, text, text.replace("two", "three"), tmp_path)
    assert [(it.subject, it.before, it.after) for it in check.differences] == [("output", "two", "three")]


def test_a_program_that_fails_the_same_way(engine: Engine, tmp_path: Path) -> None:
    text = "FROM debian:12-slim\nCMD echo no database >&2; exit 1\n"
    check = compared(engine, text, text, tmp_path)
    assert check.status is Status.PASSED
    assert check.summary == "ends with status 1 in both; what it does when it has all it needs is not shown"


def test_output_that_is_never_the_same_is_excused_by_a_second_run(engine: Engine, tmp_path: Path) -> None:
    text = 'FROM debian:12-slim\nCMD echo "$(od -An -N8 -tx1 /dev/urandom)"; echo same\n'
    image = built(engine, text, tmp_path)
    first, second, third = (observe(engine, image, Questions()) for _ in range(3))
    assert subjects(compare_behaviour(first, second, NOTHING)) == ["output"]
    check = compare_behaviour(first, second, NOTHING, third)
    assert [(it.subject, it.reason) for it in check.differences] == [("output", UNSTEADY_RUN)]
    other = seen(engine, text.replace("same", "other"), tmp_path)
    assert subjects(compare_behaviour(first, other, NOTHING, third)) == ["output"]


def test_a_program_that_prints_megabytes_and_bytes_that_are_no_text(engine: Engine, tmp_path: Path) -> None:
    text = 'FROM debian:12-slim\nCMD head -c 30000000 /dev/urandom; printf "\\377\\n"\n'
    found = seen(engine, text, tmp_path)
    assert found.is_output_cut
    assert compare_behaviour(found, found, NOTHING).status is Status.PASSED


def test_a_program_that_takes_too_much_memory(engine: Engine, tmp_path: Path) -> None:
    text = 'FROM python:3.11-slim\nCMD ["python", "-c", "\'x\' * 3_000_000_000"]\n'
    found = seen(engine, text, tmp_path)
    assert found.ending is not None
    assert (found.ending.status, found.ending.is_out_of_memory) == (137, True)


def test_what_is_written_below_the_working_directory(engine: Engine, tmp_path: Path) -> None:
    text = 'FROM python:3.11-slim\nWORKDIR /app\n{}CMD ["python", "-c", "open(\'data.db\', \'w\'); print(1)"]\n'
    before = text.format("")
    assert seen(engine, before, tmp_path).written == {"/app/data.db"}
    check = compared(engine, before, text.format("RUN chown 65534 .\n" + NOBODY), tmp_path, USER)
    assert check.failures == ()
    check = compared(engine, before, text.format(NOBODY), tmp_path, USER)
    assert subjects(check) == ["exit status", "writes /app/data.db"]
    assert check.failures[1].after == ("not written: PermissionError: [Errno 13] Permission denied: 'data.db'")


def test_a_server_that_goes_on_without_what_it_may_not_write(engine: Engine, tmp_path: Path) -> None:
    text = (
        "FROM debian:12-slim\nWORKDIR /app\nRUN mkdir /data && chown 65534 /data\nVOLUME /data\n{}"
        "CMD while :; do echo x > /app/log; echo x > /data/kept; sleep 1; done\n"
    )
    before = text.format("")
    assert seen(engine, before, tmp_path).written == {"/app/log", "/data/kept"}
    check = compared(engine, before, text.format(NOBODY), tmp_path, USER)
    assert [(it.subject, it.after) for it in check.failures] == [
        ("writes /app/log", "not written: /bin/sh: 1: cannot create /app/log: Permission denied")
    ]


def test_health(engine: Engine, tmp_path: Path) -> None:
    asks = "HEALTHCHECK --interval=60s CMD python -c \"import urllib.request as r; r.urlopen('http://localhost:8000/x')\"\n"
    found = seen(engine, SERVER + "RUN mkdir x\n" + asks + SERVE, tmp_path)
    # The image asks once in a minute; it is asked to be quicker.
    assert found.seconds < 55
    assert found.health is not None
    assert found.health.status == "healthy"
    assert [(it.path, it.status) for it in found.answers] == [("/", 200), ("/x", 301)]
    found = seen(engine, SERVER + asks + SERVE, tmp_path)
    assert found.health is not None
    assert (found.health.status, found.health.missing) == ("unhealthy", "")


@pytest.mark.parametrize(
    ("check", "missing"),
    [
        ("CMD curl -f http://localhost:8000/ || exit 1", "curl"),
        ('CMD ["curl", "-f", "http://localhost:8000/"]', "curl"),
        ('CMD ["python", "/check.py"]', "/check.py"),
        ('CMD ["/check.sh"]', "/check.sh"),
    ],
)
def test_a_health_check_whose_command_does_not_exist(engine: Engine, tmp_path: Path, check: str, missing: str) -> None:
    after = f"{SERVER}HEALTHCHECK --start-period=20s {check}\n{SERVE}"
    found = compared(engine, SERVER + SERVE, after, tmp_path, Allowed({"healthcheck": ("DF402",)}))
    assert subjects(found) == ["health"]
    assert f"the command of the check does not exist: {missing}" in found.summary


def test_a_new_health_check_that_is_right(engine: Engine, tmp_path: Path) -> None:
    after = SERVER + "HEALTHCHECK CMD true\n" + SERVE
    allowed = Allowed({"healthcheck": ("DF402",)})
    assert compared(engine, SERVER + SERVE, after, tmp_path, allowed).failures == ()
    assert subjects(compared(engine, SERVER + SERVE, after, tmp_path)) == ["health"]


def test_an_image_without_a_shell(engine: Engine, tmp_path: Path) -> None:
    scratch = built(engine, STATIC, tmp_path, main_go=MAIN)
    from_outside = observe(engine, scratch, Questions())
    assert from_outside.listeners == frozenset({Listener(8080, "0.0.0.0")})
    tools = built(engine, "FROM debian:12-slim\n", tmp_path)
    through_window = observe(engine, scratch, Questions(tools=(tools,), has_network=False))
    for found in (from_outside, through_window):
        assert [it.body for it in found.answers if it.path == "/"] == ["hello from nowhere"]
    assert compare_behaviour(from_outside, through_window, NOTHING).status is Status.PASSED


def test_an_image_without_a_shell_and_without_a_network_keeps_its_ports_to_itself(
    engine: Engine, tmp_path: Path
) -> None:
    scratch = built(engine, STATIC, tmp_path, main_go=MAIN)
    found = observe(engine, scratch, Questions(has_network=False, patience=5.0))
    assert (found.listeners, found.answers, found.ending) == (None, (), None)
    assert "its ports are unknown" in compare_behaviour(found, found, NOTHING).summary


def test_tools_of_other_images(engine: Engine, tmp_path: Path) -> None:
    """A program of another image looks in: node where there is nothing else."""
    text = (
        "FROM node:20-slim\nRUN rm -f /usr/bin/perl* /usr/bin/sleep /usr/bin/python*\n"
        'CMD ["node", "-e", "require(\'http\').createServer((q, r) => r.end(\'hello\')).listen(3000)"]\n'
    )
    found = seen(engine, text, tmp_path)
    assert found.listeners == frozenset({Listener(3000, "::")})
    assert [(it.path, it.status, it.body) for it in found.answers if it.path == "/"] == [("/", 200, "hello")]


@pytest.mark.parametrize(
    ("image", "number"), [("debian:12-slim", 0), ("python:3.11-slim", 1), ("node:20-slim", 2), ("debian:12-slim", 4)]
)
def test_every_tool_sees_ports_and_asks(engine: Engine, tmp_path: Path, image: str, number: int) -> None:
    server = engine.start(built(engine, SERVER + "RUN echo ok > index.html\n" + SERVE, tmp_path), name_hint="server")
    tool = TOOLS[number]
    program, *words = tool.idle
    network = f"container:{server.identity}"
    window = Window(engine.start(image, entrypoint=program, command=words, network=network), tool)
    listener = Listener(8000, "0.0.0.0")
    end = time.monotonic() + 30
    while window.listeners() != frozenset({listener}) and time.monotonic() < end:
        time.sleep(0.2)
    assert window.listeners() == frozenset({listener})
    assert window.ask(listener, "/").endswith("ok\n")
    assert window.ask(listener, "/x").startswith("HTTP/1.0 404 ")
    assert window.ask(Listener(8001, "0.0.0.0"), "/") == ""
    window.close()
    server.remove()


def test_a_program_that_ignores_the_signal_to_end_is_removed_at_once(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove, removals = Container.remove, []

    def timed(container: Container) -> None:
        began = time.monotonic()
        remove(container)
        removals.append(time.monotonic() - began)

    monkeypatch.setattr(Container, "remove", timed)
    found = seen(
        engine, "FROM debian:12-slim\nCMD trap '' TERM; while :; do sleep 1; done\n", tmp_path, Questions(patience=1.0)
    )
    assert found.ending is None
    assert len(removals) == 2
    # Docker waits ten seconds for a program that is asked to end.
    assert max(removals) < 9


def test_what_cannot_be_started(engine: Engine, tmp_path: Path) -> None:
    missing = 'FROM debian:12-slim\nCMD ["gunicorn", "app:app"]\n'
    check = compared(engine, SERVER + SERVE, missing, tmp_path)
    assert subjects(check) == ["exit status"]
    assert check.failures[0].after == 'cannot be started: exec: "gunicorn": executable file not found in $PATH'
    check = compared(engine, missing, missing, tmp_path)
    assert check.status is Status.SKIPPED
    check = compared(engine, "FROM scratch\nCOPY . /\n", "FROM scratch\nCOPY . /\n", tmp_path)
    assert check.status is Status.SKIPPED
    assert "no command specified" in check.summary.lower()


def test_a_port_that_is_not_http(engine: Engine, tmp_path: Path) -> None:
    program = (
        "import socket\\nserver = socket.create_server((str(), 7000))\\n"
        "while True:\\n peer = server.accept()[0]\\n peer.send(b'220 hello')\\n peer.close()\\n"
    )
    text = f'FROM python:3.11-slim\nRUN printf "{program}" > /serve.py\nCMD ["python", "/serve.py"]\n'
    found = seen(engine, text, tmp_path)
    assert [(it.port, it.is_http) for it in found.answers] == [(7000, False)]
    assert compared(engine, text, text, tmp_path).status is Status.PASSED
