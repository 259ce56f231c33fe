"""What the program of an image does when it is started: seen from outside, so that two images can be compared."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rewriter.verify.behaviour.listening import FIRST_TEMPORARY_PORT, Listener
from rewriter.verify.behaviour.printed import ENOUGH, Refusal, refusals
from rewriter.verify.behaviour.probe import ROUTES, Answer, answer, health_path
from rewriter.verify.behaviour.window import PublishedPorts, View, open_window
from rewriter.verify.behaviour.written import places, written_paths

if TYPE_CHECKING:
    from rewriter.verify.engine.builder import Container, Engine

_SETTLED: Final = 2.0
"""Ports that have not changed for so many seconds are all that there are."""

_QUIET: Final = 10.0
"""A program that says of no port, and opens none for so many seconds, is taken for one without."""

_HEALTH_INTERVAL: Final = 1.0
_MOST_PUBLISHED: Final = 8
_PAUSE: Final = 0.25
_BETWEEN_REQUESTS: Final = 1.1
"""The clocks that programs print change each second."""

_NOT_READY: Final = frozenset({0, 502, 503, 504})
"""Answers of a server that has not found those behind it yet."""

_NOT_FOUND: Final = re.compile(
    r"""exec: "(?P<exec>[^"]+)": (?:executable file not found|stat [^:]+: no such file)|"""
    r"""(?:^|[:\s])(?P<shell>[\w./+-]+): (?:command )?not found|executable file `(?P<podman>[^`']+)' not found|"""
    r"""can't open file '(?P<python>[^']+)'|Cannot find module '(?P<node>[^']+)'""",
    re.MULTILINE,
)


class Questions(NamedTuple):
    """How to look at the program of an image.

    `path` is the HTTP path to ask for; if it is empty, that of the image's health check is, else the first of `routes`
    that is answered well, and `/` in any case. `patience` is how many seconds the program may take to be there.
    `command` stands in for the image's own. `tools` are images whose programs look into the network of this one, for
    it may have none. `expected` is what another program did: this one is given the time to do it as well.
    """

    path: str = ""
    patience: float = 30.0
    has_network: bool = True
    command: tuple[str, ...] = ()
    routes: tuple[str, ...] = ROUTES
    tools: tuple[str, ...] = ()
    expected: Observation | None = None

    def like(self, before: Observation) -> Questions:
        """The same questions about the image that is to do what another did."""
        return self._replace(expected=before)


class Ending(NamedTuple):
    """How a program ended; `error` is why it could not even be started."""

    status: int
    is_out_of_memory: bool = False
    error: str = ""


class Health(NamedTuple):
    """The health state that the engine gives a container, and what the last check printed.

    `missing` is the program that the check could not find.
    """

    status: str
    said: str = ""
    missing: str = ""


class Observation(NamedTuple):
    """What a program did.

    `ending` is None while it keeps running. `listeners` are None if nobody could see them. `user` is the user id of
    the main process, `users` are those of all; None and none if it ended before. `written` are the paths that it made
    or changed, `refused` those that it said it was not allowed to. `seconds` is how long it was looked at.
    """

    ending: Ending | None = None
    listeners: frozenset[Listener] | None = frozenset()
    answers: tuple[Answer, ...] = ()
    health: Health | None = None
    user: int | None = None
    users: frozenset[int] = frozenset()
    output: str = ""
    is_output_cut: bool = False
    written: frozenset[str] = frozenset()
    refused: tuple[Refusal, ...] = ()
    names: tuple[str, ...] = ()
    seconds: float = 0.0


def observe(engine: Engine, identity: str, questions: Questions) -> Observation:
    """Start the program of an image with limits, look at what it does, and remove it.

    Raises EngineError where the engine itself fails; a program that cannot be started is an observation.
    """
    from rewriter.verify.engine.builder import EngineError

    configuration = engine.configuration(identity)
    images = tuple(dict.fromkeys((*questions.tools, identity)))
    published: list[int] = []
    while True:
        try:
            container = _started(engine, identity, configuration, questions, published)
        except EngineError as error:
            # An engine that is gone says so here; else it is the image that has nothing to start.
            engine.configuration(identity)
            return Observation(Ending(127, error=_cause(str(error))))
        try:
            view = PublishedPorts(container, published) if published else open_window(engine, container, images)
            if view is None and questions.has_network and container.state().get("Running"):
                # Nothing can look from inside: what is to be asked from outside must be published from the start.
                published = sorted(awaited_ports(configuration, questions))[:_MOST_PUBLISHED]
                if published:
                    continue
            return _Look(container, view, configuration, questions).observation()
        finally:
            container.remove()


def _started(
    engine: Engine, identity: str, configuration: Mapping[str, Any], questions: Questions, ports: Sequence[int]
) -> Container:
    words = (configuration.get("Healthcheck") or {}).get("Test") or ()
    has_check = list(words[:1]) not in ([], ["NONE"])
    return engine.start(
        identity,
        name_hint="program",
        command=questions.command or None,
        ports=ports,
        network="bridge" if questions.has_network else "none",
        health_interval=_HEALTH_INTERVAL if has_check else None,
    )


def awaited_ports(configuration: Mapping[str, Any], questions: Questions) -> set[int]:
    """The ports that another program had, else those that the image says it has."""
    if questions.expected:
        expected = questions.expected.listeners or frozenset()
        return {listener.port for listener in expected if listener.port < FIRST_TEMPORARY_PORT}
    ports = (str(port).partition("/") for port in configuration.get("ExposedPorts") or {})
    return {int(number) for number, _, protocol in ports if protocol in ("", "tcp") and number.isdigit()}


class _Look:
    """One look at a container that was just started."""

    def __init__(
        self, container: Container, view: View | None, configuration: Mapping[str, Any], questions: Questions
    ) -> None:
        self._container: Final = container
        self._view: Final = view
        self._configuration: Final = configuration
        self._questions: Final = questions
        self._expected: Final = questions.expected or Observation()
        self._names: Final = (container.identity, container.identity[:12])
        self._start: Final = time.monotonic()

    def observation(self) -> Observation:
        try:
            found = self._found()
        finally:
            if self._view:
                self._view.close()
        self._wait_for_paths()
        state = self._container.state()
        output = self._container.logs()
        workdir = self._configuration.get("WorkingDir") or "/"
        return found._replace(
            ending=_ending(state),
            output=output[:ENOUGH],
            is_output_cut=len(output) > ENOUGH,
            written=self._written(),
            refused=refusals(output[:ENOUGH], workdir),
            names=self._names,
            seconds=self._elapsed(),
        )

    def _elapsed(self) -> float:
        return time.monotonic() - self._start

    def _is_running(self) -> bool:
        return bool(self._container.state().get("Running"))

    def _found(self) -> Observation:
        """What can be seen only while the program runs."""
        found = self._wait_for_ports()
        if not self._is_running():
            return Observation()
        answers = tuple(self._answers(self._view, found or frozenset())) if self._view else ()
        health = self._wait_for_health()
        user, users = self._users()
        return Observation(listeners=found, answers=answers, health=health, user=user, users=users)

    def _wait_for_ports(self) -> frozenset[Listener] | None:
        """The listening sockets once they stay the same for a while, or the program has ended, or patience has."""
        found: frozenset[Listener] | None = None
        changed = self._elapsed()
        while self._is_running():
            seen = self._view.listeners() if self._view else None
            if seen is not None and seen != found:
                found, changed = seen, self._elapsed()
            if self._is_settled(found or frozenset(), changed):
                break
            time.sleep(_PAUSE)
        return found

    def _is_settled(self, found: frozenset[Listener], changed: float) -> bool:
        patience = self._questions.patience
        if self._elapsed() >= patience:
            return True
        if self._expected.ending:
            return False
        missing = awaited_ports(self._configuration, self._questions) - {listener.port for listener in found}
        if missing and not (found and not self._questions.expected):
            return False
        return self._elapsed() - changed >= (_SETTLED if found else self._quiet())

    def _quiet(self) -> float:
        # The second program gets less: one that ends when its work is done must not be seen to end only there.
        return min(_QUIET * (0.8 if self._questions.expected else 1.0), self._questions.patience)

    def _answers(self, view: View, found: frozenset[Listener]) -> Iterator[Answer]:
        for listener in sorted(_one_for_each_port(found)):
            first = dict(self._first_answers(view, listener))
            time.sleep(_BETWEEN_REQUESTS)
            for path, response in first.items():
                if answer(listener, path, response, "").is_http:
                    again = view.ask(listener, path)
                    yield answer(listener, path, response, again, self._names)
                else:
                    yield Answer(listener.port, path, 0)

    def _first_answers(self, view: View, listener: Listener) -> Iterator[tuple[str, str]]:
        """The paths to ask for, and what came back."""
        expected = [it.path for it in self._expected.answers if it.port == listener.port]
        named = expected or [path for path in (self._questions.path,) if path]
        for path in named:
            yield path, self._ready_answer(view, listener, path)
        if not named:
            root = self._ready_answer(view, listener, "/")
            yield "/", root
            if answer(listener, "/", root, "").is_http:
                yield from self._health_route(view, listener)

    def _health_route(self, view: View, listener: Listener) -> Iterator[tuple[str, str]]:
        """What came back for the path of the health check, else for the first common one that the server knows."""
        if path := health_path(self._configuration):
            yield path, self._ready_answer(view, listener, path)
            return
        for path in self._questions.routes:
            response = view.ask(listener, path)
            if 200 <= answer(listener, path, response, "").status < 300:
                yield path, response
                return

    def _ready_answer(self, view: View, listener: Listener, path: str) -> str:
        """The answer of a server, which may need a moment after it has opened its port."""
        expected = {(it.port, it.path): it for it in self._expected.answers}.get((listener.port, path))
        end = self._elapsed() + _QUIET / 2
        while True:
            response = view.ask(listener, path)
            status = answer(listener, path, response, "").status
            is_there = status == expected.status if expected else status not in _NOT_READY
            is_something_else = bool(response) and not status
            if is_there or is_something_else or self._elapsed() >= end:
                return response
            time.sleep(2 * _PAUSE)

    def _wait_for_health(self) -> Health | None:
        end = self._elapsed() + self._questions.patience
        while (health := _health(self._container.state())) and health.status == "starting":
            if health.missing or self._elapsed() >= end:
                break
            time.sleep(2 * _PAUSE)
        return health

    def _users(self) -> tuple[int | None, frozenset[int]]:
        from rewriter.verify.engine.builder import EngineError

        with suppress(EngineError):
            processes = self._container.top()
            main = int(self._container.state().get("Pid") or 0)
            users = {number: user for number, user, _ in processes}
            if users:
                return users.get(main, processes[0][1]), frozenset(users.values())
        return None, frozenset()

    def _wait_for_paths(self) -> None:
        """Give the program the time to write what the other wrote: as long as that one was looked at, and longer."""
        end = min(self._questions.patience, 2 * self._expected.seconds)
        wanted = places(self._expected.written).keys()
        while wanted - places(self._written()).keys() and self._is_running() and self._elapsed() < end:
            time.sleep(4 * _PAUSE)

    def _written(self) -> frozenset[str]:
        return written_paths(self._container, self._configuration.get("Volumes") or {})


def _one_for_each_port(found: frozenset[Listener]) -> list[Listener]:
    return list({one.port: one for one in sorted(found, key=lambda it: (it.host == "127.0.0.1", it.address))}.values())


def _cause(message: str) -> str:
    """The end of an engine's message: what comes before it is the way that it came."""
    found = re.search(r"(?s:.*)(?:unable to start container process|OCI runtime create failed|daemon): (.*)", message)
    return found[1] if found else message


def _ending(state: Mapping[str, Any]) -> Ending | None:
    if state.get("Running"):
        return None
    return Ending(int(state.get("ExitCode") or 0), bool(state.get("OOMKilled")), str(state.get("Error") or ""))


def _health(state: Mapping[str, Any]) -> Health | None:
    """The health of a container. Docker calls it `Health`, Podman has called it `Healthcheck`."""
    health = state.get("Health") or state.get("Healthcheck") or {}
    status = health.get("Status") or "none"
    if status == "none":
        return None
    said = [str(entry.get("Output") or "").strip() for entry in health.get("Log") or ()]
    last = said[-1] if said else ""
    found = _NOT_FOUND.search(last) if status != "healthy" else None
    missing = next(filter(None, found.groups()), "") if found else ""
    return Health(status, last, missing)
