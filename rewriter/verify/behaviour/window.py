"""A second container in the network of the one that is looked at: an image without a shell can be seen into, too."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from rewriter.verify.behaviour.listening import Listener, listeners
from rewriter.verify.behaviour.probe import ENOUGH, TOOLS, Tool, request

if TYPE_CHECKING:
    from rewriter.verify.engine.builder import Container, Engine

_SECONDS: Final = 20
"""How long one look may take."""


class View(Protocol):
    """A way to see what a container does in its network."""

    def listeners(self) -> frozenset[Listener] | None:
        """The sockets that listen; None when nothing could be seen."""
        ...

    def ask(self, listener: Listener, path: str) -> str:
        """What came back for a GET request; empty if nothing did."""
        ...

    def close(self) -> None:
        """Remove what was made to look."""
        ...


class Window:
    """Looks into the network of a container through the programs of an image that has some.

    Nothing runs in the container itself, so that its files, its processes and its limits are those of its program.
    """

    def __init__(self, container: Container, tool: Tool) -> None:
        self._container: Final = container
        self._tool: Final = tool

    def listeners(self) -> frozenset[Listener] | None:
        """The sockets that listen; None when nothing could be seen, because the program has ended."""
        code, tables = self._container.exec(self._tool.reading(), timeout=_SECONDS)
        return listeners(tables) if "local_address" in tables and code in (0, 1) else None

    def ask(self, listener: Listener, path: str) -> str:
        """What came back for a GET request; empty if nothing did."""
        code, said = self._container.exec(self._tool.asking(listener.host, listener.port, path), timeout=_SECONDS)
        # A failure prints why. An answer that takes too long is still one, as far as it came.
        return said if code == 0 or said.startswith("HTTP/") else ""

    def close(self) -> None:
        """Remove the second container."""
        self._container.remove()


class PublishedPorts:
    """Looks at a container from outside, through its published ports: it sees those that answer, and no others."""

    def __init__(self, container: Container, ports: Sequence[int]) -> None:
        self._container: Final = container
        self._ports: Final = ports

    def listeners(self) -> frozenset[Listener] | None:
        """The ports that answer; None if none does, for then nothing is known."""
        found = (Listener(port, "0.0.0.0") for port in self._ports)
        return frozenset(listener for listener in found if self.ask(listener, "/")) or None

    def ask(self, listener: Listener, path: str) -> str:
        """What came back for a GET request; empty if nothing did."""
        import socket

        place = ("127.0.0.1", self._container.host_port(listener.port))
        received = bytearray()
        with suppress(OSError), socket.create_connection(place, _SECONDS / 2) as peer:
            peer.sendall(request("127.0.0.1", listener.port, path).encode())
            while len(received) < ENOUGH and (part := peer.recv(65_536)):
                received += part
        return received.decode(errors="replace")

    def close(self) -> None:
        """There is nothing to remove."""


def open_window(engine: Engine, looked_at: Container, images: Sequence[str]) -> Window | None:
    """A window through the first of some images that has a program to look with; None if none has."""
    from rewriter.verify.engine.builder import EngineError

    if not looked_at.state().get("Running"):
        return None
    for image, tool in ((image, tool) for image in images for tool in TOOLS):
        program, *words = tool.idle
        try:
            container = engine.start(
                image,
                name_hint="window",
                entrypoint=program,
                command=words,
                network=f"container:{looked_at.identity}",
            )
        except EngineError:
            container = None
        if container:
            window = Window(container, tool)
            if window.listeners() is not None:
                return window
            window.close()
        # The image has no such program, or what was to be looked at has ended.
        if not looked_at.state().get("Running"):
            return None
    return None
