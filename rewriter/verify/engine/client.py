"""The engine's client: Docker with buildx, else Podman, found, asked for its version, and kept on a leash."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rewriter.verify.engine.belongings import ClientCommand, docker_config

if TYPE_CHECKING:
    from python_on_whales import DockerClient

_OLDEST_DOCKER: Final = (23, 0)
"""The first whose builder is BuildKit."""

_OLDEST_BUILDX: Final = (0, 13)
"""The first with `--progress=rawjson`: https://github.com/docker/buildx/releases/tag/v0.13.0"""

_OLDEST_PODMAN: Final = (4, 1)
"""The first whose Buildah knows `RUN --mount=type=cache`."""

_PROXIES: Final = {
    "httpProxy": "HTTP_PROXY",
    "httpsProxy": "HTTPS_PROXY",
    "ftpProxy": "FTP_PROXY",
    "noProxy": "NO_PROXY",
    "allProxy": "ALL_PROXY",
}
"""What the client's configuration file calls proxies, and the variables that it would set in builds and containers.

Source: https://docs.docker.com/engine/cli/proxy/
"""
_PATIENCE: Final = 30.0


class EngineError(Exception):
    """Something that the engine does not do; the message says what to do about it."""


class NoEngineError(EngineError):
    """There is neither Docker nor Podman, or none that answers."""


class NoBuildxError(EngineError):
    """Docker is there, but not its builder."""


class OldEngineError(EngineError):
    """The engine is too old."""


@contextmanager
def engine_errors() -> Iterator[None]:
    """Within, what python-on-whales raises becomes an EngineError with what the client said."""
    from python_on_whales.exceptions import DockerException

    try:
        yield
    except DockerException as error:
        said = (error.stderr or error.stdout or "").strip()
        raise EngineError(f"the engine refuses: {said or f'exit code {error.return_code}'}") from None
    except UnicodeDecodeError:
        # It decodes what a failed command said, whatever that is.
        raise EngineError("the engine refuses, in words that are no text") from None


class Client(NamedTuple):
    """An engine that answers: what calls it, what a person calls it, how many processors it has."""

    command: ClientCommand
    name: str
    processors: float

    @property
    def is_podman(self) -> bool:
        """Whether it is Podman, with Buildah as its builder."""
        return not self.command.has_buildx

    def whales(self, leash: list[str]) -> DockerClient:
        """The client as python-on-whales calls it, behind the words of a leash."""
        from python_on_whales import DockerClient

        return DockerClient(client_call=leash, client_type="podman" if self.is_podman else "docker")

    def proxy_variables(self) -> tuple[str, ...]:
        """The variables that the client would set, by its configuration file, in everything that it builds and runs."""
        if self.is_podman:
            return ()
        try:
            settings = json.loads((docker_config() / "config.json").read_text("utf-8"))
            sections = [*settings.get("proxies", {}).values()]
        except (OSError, ValueError, AttributeError):
            return ()
        found = {_PROXIES[key] for section in sections for key, value in section.items() if key in _PROXIES and value}
        return tuple(sorted(name for upper in found for name in (upper, upper.lower())))


def find_client() -> Client:
    """Docker if a server answers, else Podman. Raises an EngineError that says what was tried."""
    try:
        import python_on_whales  # noqa: F401
    except ImportError:
        raise NoEngineError(
            "`dfix verify` calls Docker or Podman through python-on-whales: pip install 'dfix[verify]'"
        ) from None
    if os.name != "posix":
        raise NoEngineError("`dfix verify` runs on Linux and macOS; on Windows, call it within WSL")
    reasons = []
    for name, find in (("docker", _docker), ("podman", _podman)):
        program = shutil.which(name)
        if program is None:
            reasons.append(f"`{name}` is not installed")
            continue
        found = find(program)
        if isinstance(found, Client):
            return found
        reasons.append(found)
    raise NoEngineError(
        "there is no engine to build with: "
        + "; ".join(reasons)
        + ". Start Docker, or install it (https://docs.docker.com/engine/install/) or Podman (https://podman.io/docs/installation)"
    )


def _docker(program: str) -> Client | str:
    said = _ask(program, "version", "--format", "{{json .}}")
    server = (_read(said.stdout) or {}).get("Server")
    if not server:
        where = os.environ.get("DOCKER_HOST") or "its usual socket"
        return f"`docker` reaches no server at {where} ({_last_line(said.stderr) or 'it says nothing'})"
    version = server["Version"]
    if _numbers(version) < _OLDEST_DOCKER:
        raise OldEngineError(
            f"Docker {version} is too old: `dfix verify` needs {_spelled(_OLDEST_DOCKER)} or newer, whose builder is "
            "BuildKit (https://docs.docker.com/engine/install/)"
        )
    buildx = _ask(program, "buildx", "version")
    found = re.search(r"v?(\d+\.\d+\.\d+)", buildx.stdout.partition(" ")[2])
    if buildx.returncode or found is None:
        raise NoBuildxError(
            f"Docker {version} is there, but not buildx, its builder: install the package docker-buildx-plugin or "
            "docker-buildx, or see https://github.com/docker/buildx#installing"
        )
    if _numbers(found[1]) < _OLDEST_BUILDX:
        raise OldEngineError(
            f"buildx {found[1]} is too old: `dfix verify` needs {_spelled(_OLDEST_BUILDX)} or newer "
            "(https://github.com/docker/buildx#installing)"
        )
    information = _read(_ask(program, "info", "--format", "{{json .}}").stdout) or {}
    if information.get("OSType", "linux") != "linux":
        raise OldEngineError("this Docker runs Windows containers: switch it to Linux containers")
    return Client(
        ClientCommand(program, {}, has_buildx=True),
        f"Docker {version.partition('+')[0]} with buildx {found[1]}",
        float(information.get("NCPU") or 1),
    )


def _podman(program: str) -> Client | str:
    said = _ask(program, "info", "--format", "json")
    information = _read(said.stdout)
    if not information:
        return f"`podman` does not work ({_last_line(said.stderr) or 'it says nothing'})"
    version = information.get("version", {}).get("Version", "0")
    if _numbers(version) < _OLDEST_PODMAN:
        raise OldEngineError(
            f"Podman {version} is too old: `dfix verify` needs {_spelled(_OLDEST_PODMAN)} or newer "
            "(https://podman.io/docs/installation)"
        )
    return Client(
        ClientCommand(program, {}, has_buildx=False),
        f"Podman {version}",
        float(information.get("host", {}).get("cpus") or 1),
    )


def _ask(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Before there is a session there is no leash; a deadline is enough for questions that change nothing.
    try:
        return subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess([], 1, "", f"no answer within {_PATIENCE:.0f} seconds")
    except OSError as error:
        return subprocess.CompletedProcess([], 1, "", str(error))


def _read(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def _spelled(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
