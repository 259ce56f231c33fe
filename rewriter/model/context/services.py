"""Who runs the image of a Dockerfile: the services of the compose files in and above its build context.

A compose file may give the image another command, user or health check, mount volumes into it and ask for its port. It
lies anywhere in the build context, or above it up to the folder that holds `.git`.
Source: https://github.com/compose-spec/compose-spec/blob/main/05-services.md
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.compose import COMPOSE_FILE, build_of, services_in
from rewriter.model.context.documents import load_yaml, mapping, sequence
from rewriter.model.stages import Stage
from rewriter.syntax.text import decode

_FENCED: Final = re.compile(r"(?ms)^```ya?ml[^\n]*\n(.*?)^```")
_LARGEST: Final = 512 * 1024
_NOWHERE: Final = "/context"  # where a context is thought to lie that has no folder


class Mount(NamedTuple):
    """What a service mounts: `kind` is `volume`, `bind` or `tmpfs`, `target` the path in the container.

    `source` is the name of a volume or a path of the host; empty for a volume without a name.
    """

    kind: str
    source: str
    target: str
    is_read_only: bool = False


class Service(NamedTuple):
    """A service that runs the image. `settings` are as written, so what holds a `$` may turn out to be anything.

    `file` is the compose file's path from the build context, `target` the stage that it builds, empty for the last one.
    One that several files speak of is there once for each of them.
    """

    file: str
    name: str
    target: str
    settings: Mapping[object, object]

    @property
    def command(self) -> tuple[str, ...] | None:
        """The words that run in place of CMD; None where CMD stays."""
        return _words(self.settings.get("command"))

    @property
    def entrypoint(self) -> tuple[str, ...] | None:
        """The words that run in place of ENTRYPOINT, and drop CMD; None where both stay."""
        return _words(self.settings.get("entrypoint"))

    @property
    def user(self) -> str:
        """The user that it runs as; empty where that of the image stays."""
        return _text(self.settings.get("user"))

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """The variables that it gives the container, with their values as written; empty is one of the host's."""
        settings = self.settings.get("environment")
        listed = [str(one).partition("=")[::2] for one in sequence(settings)]
        named = [(str(name), _text(value)) for name, value in mapping(settings).items()]
        return (*listed, *named)

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables that it sets under `environment`."""
        return frozenset(name for name, _ in self.environment)

    @property
    def env_files(self) -> tuple[str, ...]:
        """The paths under `env_file`, from the build context."""
        value = self.settings.get("env_file")
        entries = [value] if isinstance(value, str) else sequence(value)
        paths = (_text(mapping(entry).get("path", entry)) for entry in entries)
        return tuple(posixpath.normpath(posixpath.join(posixpath.dirname(self.file), path)) for path in paths if path)

    @property
    def health_command(self) -> tuple[str, ...] | None:
        """The words of its own health check, `("NONE",)` where it switches the image's off; None where that stays."""
        check = mapping(self.settings.get("healthcheck"))
        if check.get("disable") is True:
            return ("NONE",)
        test = check.get("test")
        return ("CMD-SHELL", test) if isinstance(test, str) else _words(test)

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of the container that it publishes or exposes; those that a variable fills are left out."""
        found: list[int] = []
        for value in (*sequence(self.settings.get("ports")), *sequence(self.settings.get("expose"))):
            target = mapping(value).get("target", value)
            number = str(target).rpartition(":")[2].partition("/")[0]
            found += [int(number)] if number.isdigit() else []
        return tuple(dict.fromkeys(found))

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What it mounts into the container, tmpfs included."""
        found = [_mount(value) for value in sequence(self.settings.get("volumes"))]
        tmpfs = self.settings.get("tmpfs")
        places = [tmpfs] if isinstance(tmpfs, str) else sequence(tmpfs)
        found += [Mount("tmpfs", "", str(place).partition(":")[0]) for place in places]
        return tuple(found)

    def __str__(self) -> str:
        return f"service {self.name} of {self.file}"


class Services:
    """The services that run images of a Dockerfile; they are looked for when the first question is asked."""

    def __init__(self, context: BuildContext) -> None:
        self._context: Final = context

    @property
    def running(self) -> tuple[Service, ...]:
        """Every service that runs an image of the Dockerfile."""
        return self._found[0]

    @property
    def unread(self) -> tuple[str, ...]:
        """Why there may be others; empty where there are not."""
        return self._found[1]

    def ships(self, stage: Stage) -> bool:
        """Whether the image of a stage leaves the build: it is the last one, or a service runs it."""
        return stage.is_final or bool(self.of(stage))

    def of(self, stage: Stage) -> tuple[Service, ...]:
        """Those that run the image of a stage."""
        return tuple(
            service
            for service in self.running
            if (service.target.lower() == stage.name if service.target else stage.is_final)
        )

    @cached_property
    def by_image(self) -> tuple[Service, ...]:
        """Those that start an image which may be that of the Dockerfile, by its name alone.

        Compose files for people who do not build it are written so, and the ones that a README shows.
        """
        from rewriter.model.context.image_names import may_be_image, names_of_image, without_tag

        entries = [entry for folder in self._entries[0].values() for entry in folder]
        entries += _shown_entries(self._context.host)
        known = {(service.file, service.name) for service in self.running}
        named = [one for one in entries if one.settings.get("image") and "build" not in one.settings]
        named = [one for one in named if (one.file, one.name) not in known and "volumes" in one.settings]
        if not named:
            return ()
        built = (service.settings.get("image") for service in self.running if "build" in service.settings)
        names = names_of_image(self._context) | {without_tag(_text(image)) for image in built if image}
        return tuple(
            Service(one.file, one.name, "", one.settings)
            for one in named
            if may_be_image(_text(one.settings.get("image")), names, self._context)
        )

    @cached_property
    def _entries(self) -> tuple[dict[str, list[_Entry]], list[str]]:
        """What the compose files of each folder say, and why there may be more."""
        unread: list[str] = []
        folders: dict[str, list[_Entry]] = {}
        for file, text in _compose_files(self._context, unread):
            document = _document(text)
            if document is None:
                unread.append(f"{file} cannot be read")
            for name, settings in services_in(document):
                folders.setdefault(posixpath.dirname(file), []).append(_Entry(file, name, settings))
        return folders, unread

    @cached_property
    def _found(self) -> tuple[tuple[Service, ...], tuple[str, ...]]:
        context = self._context
        folders, unread = self._entries
        root = os.path.realpath(context.root) if context.root is not None else _NOWHERE
        running = [
            service
            for folder, entries in folders.items()
            for service in _running(entries, os.path.join(root, folder), root, context.dockerfile or "Dockerfile")
        ]
        return tuple(running), tuple(unread)


class _Entry(NamedTuple):
    """What one file says of one service."""

    file: str
    name: str
    settings: Mapping[object, object]


def _shown_entries(host: BuildContext) -> Iterator[_Entry]:
    """What the compose files say that documents show between fences."""
    from rewriter.model.context.told_files import documents

    for path in documents(host):
        for shown in _FENCED.finditer(host.read(path) or ""):
            if "volumes:" in shown[1]:
                yield from (_Entry(path, name, settings) for name, settings in services_in(_document(shown[1])))


def _running(entries: list[_Entry], folder: str, root: str, dockerfile: str) -> Iterator[Service]:
    """Those of one folder that are built from the Dockerfile, extend one that is, or run the image that it makes."""
    targets: dict[str, str] = {}  # by the service's name, and by the image's behind a colon
    for file, name, settings in entries:
        match = COMPOSE_FILE.match(posixpath.basename(file))
        adds = bool(match and match["part"]) and any(one.name == name and one.file != file for one in entries)
        build = build_of(settings, is_override=adds)
        place = os.path.normpath(os.path.join(folder, str(build.context))) if build else ""
        if build and place == root and posixpath.normpath(str(build.dockerfile)) == posixpath.normpath(dockerfile):
            targets[name] = _text(build.target)
            if image := _text(settings.get("image")):
                targets.setdefault(f":{image}", targets[name])
    for file, name, settings in entries:
        extends = settings.get("extends")
        base = extends if isinstance(extends, str) else mapping(extends).get("service")
        known = (key for key in (name, f":{_text(settings.get('image'))}", _text(base)) if key in targets)
        for key in known:
            yield Service(file, name, targets[key], settings)
            break


def _compose_files(context: BuildContext, unread: list[str]) -> Iterator[tuple[str, str]]:
    """The compose files with their texts, those above the context last."""
    paths = context.host.walk("", lambda name: bool(COMPOSE_FILE.match(name)))
    if paths is None:
        unread.append("the build context is not known")
        return
    for path in paths:
        text = context.host.read(path)
        if text is None:
            unread.append(f"{path} cannot be read")
        else:
            yield path, text
    if context.root is not None:
        yield from _files_above(os.path.realpath(context.root))


def _files_above(root: str) -> Iterator[tuple[str, str]]:
    """The compose files in the folders above one, up to that of the repository; none where there is no repository."""
    folders = [root]
    while not os.path.lexists(os.path.join(folders[-1], ".git")):
        above = os.path.dirname(folders[-1])
        if above == folders[-1]:
            return
        folders.append(above)
    for folder in folders[1:]:
        for name in sorted(name for name in os.listdir(folder) if COMPOSE_FILE.match(name)):
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    yield os.path.relpath(path, root), decode(file.read(_LARGEST))
            except OSError:
                continue


@lru_cache(maxsize=64)
def _document(text: str) -> object:
    """A compose file read; many Dockerfiles ask for the same one."""
    return load_yaml(text)


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, Mapping | list) else str(value)


def _words(value: object) -> tuple[str, ...] | None:
    """A command as words; a text is split as compose does. None where there is none."""
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(map(str, value))
    import shlex

    try:
        return tuple(shlex.split(str(value)))
    except ValueError:
        return (str(value),)


def _mount(value: object) -> Mount:
    """A volume in either syntax: `data:/var/lib/data:ro`, or a mapping."""
    settings = mapping(value)
    if settings:
        kind, is_read_only = str(settings.get("type", "volume")), settings.get("read_only") is True
        return Mount(kind, _text(settings.get("source")), _text(settings.get("target")), is_read_only)
    parts = str(value).split(":")
    if len(parts) == 1:
        return Mount("volume", "", parts[0])
    # `${DATA:-./data}:/data` has colons of its own.
    target = next((part for part in parts[1:] if part.startswith("/")), parts[1])
    source = str(value).partition(f":{target}")[0]
    kind = "bind" if source.startswith((".", "/", "~", "$")) else "volume"
    return Mount(kind, source, target, "ro" in parts[-1].split(",") and parts[-1] != target)
