"""What can be told of a project: each answer is a value, or `Unknown` with the reason."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from rewriter.model.stages import UNKNOWN_PART


class Unknown:
    """That something is not known, and why. It is false, so that `if project.port:` asks whether a port is known."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason: Final = reason

    def __bool__(self) -> Literal[False]:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown) and other.reason == self.reason

    def __hash__(self) -> int:
        return hash(self.reason)

    def __repr__(self) -> str:
        return f"Unknown({self.reason!r})"


class Text(NamedTuple):
    """A text as a program sees it at run time.

    `value` is what it is by the Dockerfile alone, with UNKNOWN_PART for what that leaves open; `variables` are the
    environment variables that can make it another one when the container starts.
    """

    value: str
    variables: tuple[str, ...] = ()

    @property
    def known(self) -> str | None:
        """The text, None where a part of it is not known."""
        return None if UNKNOWN_PART in self.value else self.value

    def __add__(self, other: object) -> Text:
        """Both, one behind the other."""
        assert isinstance(other, Text)
        return Text(self.value + other.value, tuple(dict.fromkeys(self.variables + other.variables)))


class Command(NamedTuple):
    """A program with its arguments. `folder` is where it runs in the image, empty where that is not known.

    `is_conditional` says that it may not run: it stands in an `if`, a loop, or behind `||`. `unread` says why what it
    runs in turn is not known, such as a script that cannot be read; empty for commands that were followed to the end.
    `variables` are those that scripts set for it: `PORT=4000`, `export PORT=4000`.
    """

    words: tuple[Text, ...]
    folder: str = ""
    is_conditional: bool = False
    unread: str = ""
    variables: tuple[tuple[str, Text], ...] = ()

    @property
    def text(self) -> str:
        """The command for people to read."""
        return " ".join(word.value.replace(UNKNOWN_PART, "?") for word in self.words)


class Start(NamedTuple):
    """What happens when a container starts.

    `commands` run one after the other; the last one is the server, for what stands behind a server never runs.
    `followed` names what led to them, such as `entrypoint.sh` or `npm run start`, `scripts` the shell scripts of the
    context among them. `unread` says what could not be read on the way: it may do anything. `around` are programs that
    only run another one, such as `dumb-init`, and the variables that are set for a command, such as `NODE_ENV=`.
    """

    commands: tuple[Command, ...]
    followed: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    around: tuple[str, ...] = ()


class Program(NamedTuple):
    """The program that serves in the end.

    `name` is how it is known (`gunicorn`, `node`, `next start`, `java`), `target` what it is given to run (`main:app`,
    `server.js`), `file` the file of the context that holds that, empty where there is none. `path` is the program's
    own path in the image where the Dockerfile builds or copies it, `stage` the number of the stage in which that path
    leads to `file`, -1 where it is the one that runs. `arguments` are the words behind its name, `variables` those
    that its start script sets.
    """

    name: str
    language: str
    target: str = ""
    file: str = ""
    path: str = ""
    arguments: tuple[Text, ...] = ()
    folder: str = ""
    stage: int = -1
    variables: tuple[tuple[str, Text], ...] = ()


class Packages(NamedTuple):
    """Who installs the dependencies: `manager` is `pip`, `uv`, `poetry`, `npm`, ...; `lock` is empty without one."""

    manager: str
    manifest: str
    lock: str = ""


class Script(NamedTuple):
    """The script of package.json that builds the project, and the folder that it fills; empty where not known."""

    name: str
    command: str
    output: str = ""


Origin = Literal["command", "variable", "source", "configuration", "default", "EXPOSE"]


class Port(NamedTuple):
    """The port that the server listens on.

    `variable` is the environment variable that it is read from at run time, empty where none is; then `number` is what
    it is without setting from outside. `origin` says who tells: `default` is what the program does untold.
    """

    number: int
    variable: str = ""
    origin: Origin = "command"


class Address(NamedTuple):
    """The address that the server binds: `0.0.0.0`, `127.0.0.1`, ... `variable` as in `Port`."""

    host: str
    variable: str = ""

    @property
    def is_local_only(self) -> bool:
        """Whether only the container itself can connect."""
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


class Route(NamedTuple):
    """A route that answers GET, the path with all its prefixes; `doubts` say why it may refuse or need more.

    `changes` says that its handler, which HEAD runs as well, visibly changes something.
    """

    path: str
    file: str
    doubts: tuple[str, ...] = ()
    changes: bool = False


class Routes(NamedTuple):
    """The GET routes with literal paths that the source defines; `unread` says what may define others or prefixes."""

    routes: tuple[Route, ...] = ()
    unread: tuple[str, ...] = ()

    def find(self, path: str) -> Route | None:
        """The route of a path, one without doubts first."""
        found = [route for route in self.routes if route.path == path]
        return min(found, key=lambda route: len(route.doubts), default=None)


class Gate(NamedTuple):
    """What in the project refuses a request that comes from the container itself: `host` or `https`, and where.

    `admits` is a host that a request may name to be let in, empty where none is known. Where `variable` is not empty,
    that of the environment names such hosts, between commas or blanks, and `admits` is what counts without it.
    """

    kind: Literal["host", "https"]
    name: str
    admits: str = ""
    variable: str = ""


class Writes(NamedTuple):
    """Where the program writes, as absolute paths in the image; `unread` says what may write anywhere else."""

    paths: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
