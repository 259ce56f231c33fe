"""The engine: builds images, exports them, starts containers, through Docker's or Podman's own client.

python-on-whales calls the client. What it cannot do is called with the same words in front: it takes an export and the
files of a container for text, it knows neither `top` nor the image format of Podman's builds, of a failed command it
loses output that is no text, and an inspection comes as types that leave out what they do not know.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple, cast

from rewriter.verify.engine.belongings import Belongings, buildx_environment
from rewriter.verify.engine.buildah import BuildahProgress, arguments_of, lines_of, saved_configuration
from rewriter.verify.engine.client import (
    Client,
    EngineError,
    NoBuildxError,
    NoEngineError,
    OldEngineError,
    engine_errors,
    find_client,
)
from rewriter.verify.engine.container import Container
from rewriter.verify.engine.failures import BuildError, Failure, explain
from rewriter.verify.engine.janitor import LABEL
from rewriter.verify.engine.leash import TIME_IS_UP
from rewriter.verify.engine.progress import Moment, Progress, Step
from rewriter.verify.engine.recipe import Recipe

if TYPE_CHECKING:
    from python_on_whales import DockerClient

__all__ = [
    "BuildError",
    "Built",
    "Container",
    "Engine",
    "EngineError",
    "Failure",
    "NoBuildxError",
    "NoEngineError",
    "OldEngineError",
    "Recipe",
    "Step",
    "open_engine",
]

_NOT_THEIRS: Final = frozenset({LABEL, "io.buildah.version"})
"""Labels that no Dockerfile has asked for."""

_PATIENCE: Final = 120.0
"""How long a command that is no build may take, in seconds."""


class Built(NamedTuple):
    """An image, how long its build took in seconds, and what the builder said."""

    identity: str
    seconds: float
    context_bytes: int
    steps: tuple[Step, ...]


@contextmanager
def open_engine(tell: Callable[[str], None] = lambda _: None) -> Iterator[Engine]:
    """An engine for some time; all that it made is removed at the end. `tell` is told what is going on.

    Raises EngineError if there is none.
    """
    engine = Engine(tell)
    try:
        yield engine
    finally:
        engine.close()


class Engine:
    """Docker or Podman, whichever answers first. Raises EngineError if neither does."""

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self._client: Final[Client] = find_client()
        self._belongings: Final = Belongings(self._client.command)
        self._known_spaces: Final[set[str]] = set()
        self._tags: Final[dict[str, str]] = {}
        self.tell: Final = tell

    @property
    def name(self) -> str:
        """What the engine is called, with its versions."""
        return self._client.name

    @property
    def folder(self) -> Path:
        """A folder for whatever is needed until the session ends."""
        return self._belongings.folder

    def new_space(self) -> str:
        """A name for caches of one's own, which are empty at first."""
        return f"{self._belongings.session}{os.urandom(4).hex()}"

    def close(self) -> None:
        """Remove everything that was made, and wait for it."""
        if complaints := self._belongings.close():
            self.tell(f"not all could be removed: {complaints}")

    def keep(self, identity: str) -> str:
        """Let an image stay; its name."""
        tag = self._tags[identity]
        self._belongings.keep(tag)
        return tag

    def build(self, recipe: Recipe, space: str, *, listen: Callable[[str], None] | None = None) -> Built:
        """Build an image.

        `space` names the cache mounts and the layers that it may use: a new one is cold, one used again is warm.
        `listen` is told each step as it begins. Raises BuildError.
        """
        dockerfile = recipe.write(self._belongings.new_folder("recipe"))
        tag = self._belongings.tag()
        self._belongings.use_space(space)
        progress: Progress = Progress(recipe.dockerfile, listen or self.tell, self._watch)
        if self._client.is_podman:
            progress = BuildahProgress(recipe.dockerfile, listen or self.tell, self._belongings.made_image)
        began = time.monotonic()
        lines = (
            self._buildah(recipe, space, dockerfile, tag)
            if self._client.is_podman
            else self._buildx(recipe, space, dockerfile, tag)
        )
        code = _drain(lines, progress)
        seconds = time.monotonic() - began
        self._known_spaces.add(space)
        progress.finish()
        if code:
            raise explain(progress, code == TIME_IS_UP and seconds >= recipe.timeout, recipe.timeout)
        identity = str(self._inspect_image(tag)["Id"])
        self._tags[identity] = tag
        return Built(identity, seconds, progress.context_bytes, progress.steps)

    def _buildx(self, recipe: Recipe, space: str, dockerfile: Path, tag: str) -> Iterator[str]:
        environment = buildx_environment(self.folder / f"buildx-{space}")
        blank = dict.fromkeys(self._client.proxy_variables(), "")
        whales = self._client.whales(self._belongings.leashed(recipe.timeout, environment))
        lines = whales.buildx.build(
            recipe.context,
            file=dockerfile,
            # The layer cache knows what is run by its hosts too, but with locked mounts not by their namespace.
            add_hosts={f"{space}.invalid": "127.0.0.1"},
            build_args={**blank, **dict(recipe.build_args), "BUILDKIT_CACHE_MOUNT_NS": space},
            labels=self._belongings.labels,
            load=True,
            network=recipe.network or None,
            # The types of python-on-whales are older than this format.
            progress=cast(Any, "rawjson"),
            provenance=False,
            secrets=list(recipe.secrets),
            tags=tag,
            target=recipe.target or None,
            stream_logs=True,
        )
        return cast(Iterator[str], lines)

    def _buildah(self, recipe: Recipe, space: str, dockerfile: Path, tag: str) -> Iterator[str]:
        """Buildah keeps cache mounts below TMPDIR, and knows no layers by a space: the first build uses none."""
        place = self.folder / f"buildah-{space}"
        place.mkdir(exist_ok=True)
        leash = self._belongings.leashed(recipe.timeout, {"TMPDIR": str(place)})
        labels = self._belongings.labels
        return lines_of(
            [*leash, *arguments_of(recipe, dockerfile, tag, labels, is_cold=space not in self._known_spaces)]
        )

    def _watch(self, moment: Moment) -> None:
        self._belongings.trace(moment)

    def configuration(self, identity: str) -> dict[str, Any]:
        """`Config` of the image's inspection, with Author, Size in bytes, Layers (how many) and Architecture."""
        found = self._inspect_image(identity)
        config = dict(found.get("Config") or {})
        if self._client.is_podman:
            with self._stream("save", "--format=docker-archive", identity) as stream:
                config = saved_configuration(stream)
        labels = {name: value for name, value in (config.get("Labels") or {}).items() if name not in _NOT_THEIRS}
        return {
            **config,
            "Labels": labels or None,
            "Author": found.get("Author") or "",
            "Size": int(found["Size"]),
            "Layers": len((found.get("RootFS") or {}).get("Layers") or ()),
            "Architecture": found.get("Architecture") or "",
        }

    def _inspect_image(self, name: str) -> dict[str, Any]:
        return cast(dict[str, Any], json.loads(self._ask("image", "inspect", name).stdout)[0])

    @contextmanager
    def export(self, identity: str) -> Iterator[IO[bytes]]:
        """The image's file system as the stream of a tar archive."""
        with engine_errors():
            made = self._whales().container.create(
                identity,
                ["nothing"],
                labels=self._belongings.labels,
                name=self._belongings.container_name("export"),
                networks=["none"],
                pull="never",
            )
        container = self._container(made.id)
        try:
            with self._stream("export", container.identity) as stream:
                yield stream
        finally:
            container.remove()

    @contextmanager
    def _stream(self, *arguments: str) -> Iterator[IO[bytes]]:
        """What the client puts out, as it comes."""
        with subprocess.Popen(
            [*self._belongings.leashed(_PATIENCE * 10, {}), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            try:
                yield process.stdout
                # What follows the end of an archive is read, too, so that one that was cut off is noticed.
                while process.stdout.read(1 << 20):
                    pass
                if process.wait():
                    said = process.stderr.read().decode(errors="replace").strip()
                    raise EngineError(f"{self.name} did not do `{' '.join(arguments)}`: {said}")
            finally:
                process.terminate()

    def start(
        self,
        identity: str,
        *,
        name_hint: str = "",
        command: Sequence[str] | None = None,
        entrypoint: str | None = None,
        ports: Sequence[int] = (),
        network: str = "bridge",
        health_interval: float | None = None,
        memory: str = "1g",
        cpus: float = 2,
        pids: int = 512,
    ) -> Container:
        """Start a container in the background, with limits, and with ports on the loopback interface only.

        With an `entrypoint` of the caller's, the image's health check is not run. Raises EngineError.
        """
        with engine_errors():
            made = self._whales().container.create(
                identity,
                list(command or ()),
                cpus=min(cpus, self._client.processors),
                entrypoint=entrypoint,
                envs=dict.fromkeys(self._client.proxy_variables(), ""),
                health_interval=None if health_interval is None else max(1, round(health_interval)),
                healthcheck=entrypoint is None,
                labels=self._belongings.labels,
                memory=memory,
                memory_swap=memory,
                name=self._belongings.container_name(name_hint),
                networks=[network],
                pids_limit=pids,
                publish=[(f"127.0.0.1::{port}",) for port in ports],
                pull="never",
                security_options=["no-new-privileges"],
            )
        container = self._container(made.id)
        try:
            with engine_errors():
                self._whales().container.start(container.identity)
        except EngineError:
            container.remove()
            raise
        return container

    def _whales(self, seconds: float = _PATIENCE) -> DockerClient:
        return self._client.whales(self._belongings.leashed(seconds, {}))

    def _container(self, identity: str) -> Container:
        return Container(identity, self._ask, self._whales, is_podman=self._client.is_podman)

    def _ask(
        self, *arguments: str, seconds: float = _PATIENCE, checks: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        leash = self._belongings.leashed(seconds, {})
        done = subprocess.run([*leash, *arguments], stdin=subprocess.DEVNULL, capture_output=True)
        if checks and done.returncode:
            reason = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
            raise EngineError(f"{self.name} did not do `{' '.join(arguments[:2])}`: {reason}")
        return done


def _drain(lines: Iterator[str], progress: Progress) -> int:
    from python_on_whales.exceptions import DockerException

    try:
        for line in lines:
            progress.feed(line)
    except DockerException as error:
        return error.return_code
    except UnicodeDecodeError:
        # python-on-whales decodes what a failed command printed, whatever it was.
        return 1
    return 0
