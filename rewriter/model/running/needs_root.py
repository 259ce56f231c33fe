"""Why an image may have to run as root: its base, its packages, its ports, what compose asks for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from rewriter.model.context.development_containers import is_for_developers
from rewriter.model.context.documents import mapping, sequence
from rewriter.model.context.services import Service
from rewriter.model.data.root_programs import LIBRARIES, PACKAGES, SERVER_IMAGES
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.model.running.built_upon import doubt_of_images_upon
from rewriter.model.running.command_line import doubt_of_command_line
from rewriter.model.running.home_of_root import doubt_of_home
from rewriter.model.running.shipped import Doubt, Shipped, downloads, text_of
from rewriter.model.running.starts import doubt_of_start
from rewriter.model.running.written_folders import is_inside
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Copy, Expose, Instruction, Onbuild, Run

FIRST_OPEN_PORT: Final = 1024
"""Ports under this one are for root in some networks, such as that of the host."""

# A mode that shuts others out of what they would have to read or run: its last digit lacks reading.
_SHUT: Final = re.compile(
    r"\bchmod\s+(?:-\S+\s+)*(?:0?[0-7]{2}[0-3]\b|u[+=]\S+|\S*o(?:-\S*[rx]|=(?!\S*r))\S*)|\bumask\s+0?[0-7][0-7]7\b"
)
_SHUT_MODE: Final = re.compile(r"0?[0-7]{2}[0-3]")
# Modes of keys and logins, which builders keep to themselves.
_OF_LOGINS: Final = re.compile(r"\bchmod\b[^\n;&|]{0,200}?(?:\.(?:ssh|gnupg|netrc|aws|npmrc)|id_\w+)\b[^\n;&|]*")
_PORT_VARIABLE: Final = re.compile(r"(?:\A|_)(?:PORTS?|URLS)\Z")
_OF_OTHERS: Final = re.compile(r"SMTP|MAIL|IMAP|POP3|LDAP|SSH|FTP|SNMP|NTP|SYSLOG|PROXY|REMOTE|UPSTREAM")
# "Docker actions must be run by the default Docker user (root)."
# https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support#user
_OF_ACTIONS: Final = ("action.yml", "action.yaml")
_RUNS_IN_DOCKER: Final = re.compile(r"""(?m)^\s*using:\s*["']?docker\b""")
_SETTINGS: Final = ("privileged", "devices", "cap_add", "device_cgroup_rules", "cgroup_parent", "userns_mode")
_SHARED: Final = ("network_mode", "pid", "ipc")


def doubt_of_root(shipped: Shipped) -> Doubt | None:
    """Why it cannot be said that the image works without root; None where it does."""
    for doubts in (_doubts_of_image, _doubts_of_modes, _doubts_of_callers, _doubts_of_services, _doubts_of_ports):
        if doubt := next(doubts(shipped), None):
            return doubt
    return doubt_of_command_line(shipped) or doubt_of_start(shipped) or doubt_of_home(shipped)


def _doubts_of_image(shipped: Shipped) -> Iterator[Doubt]:
    origin = shipped.stage.origin
    family = origin.family if origin else ""
    if family in SERVER_IMAGES:
        yield Doubt(f"the image {family} starts as root on purpose")
    for one in shipped.steps:
        if isinstance(one, Onbuild):
            yield Doubt("line {line} would run as the new user in the builds that start from this image", one)
        elif isinstance(one, Run):
            for call in calls(one):
                if call.installs and call.manager.name in SYSTEM_MANAGERS:
                    for word in call.packages:
                        name = re.split(r"[=<>~:/]", word.value)[0]
                        if name in PACKAGES:
                            yield Doubt(f"line {{line}} installs {name}, which is for root", one)
        elif isinstance(one, Copy) and one.source_stage and one.paths and one.paths[-2:] == ("/", "/"):
            yield Doubt("line {line} copies a whole system", one)
        elif isinstance(one, Copy) and (flag := one.flag("chmod")) and not re.fullmatch(r"0?[0-7]{2}[4-7]", flag.value):
            yield Doubt("the mode that line {line} sets shuts other users out", one)
    dependencies = shipped.project.dependencies
    if dependencies and (needed := sorted(dependencies.names & LIBRARIES)):
        yield Doubt(f"`{needed[0]}`, which it depends on, works with what is root's")


def _doubts_of_modes(shipped: Shipped) -> Iterator[Doubt]:
    """Files that others than root may not read: modes come along with what a COPY takes from another stage."""
    for run in shipped.runs:
        if _SHUT.search(text_of(run)) or any(map(_makes_shut, run.script.simple_commands())):
            yield Doubt("the modes that line {line} sets shut other users out", run)
    for one in _steps_behind(shipped):
        if isinstance(one, Run) and _SHUT.search(_OF_LOGINS.sub("", text_of(one))):
            yield Doubt("the modes that line {line} sets shut other users out", one)
        elif isinstance(one, Copy) and downloads(one) and _is_taken(one, shipped):
            yield Doubt("only root may read what line {line} downloads", one)


def _makes_shut(command: SimpleCommand) -> bool:
    """Whether `install -m 640` or `mkdir -m 700` makes what others may not read."""
    if command.name not in ("install", "mkdir"):
        return False
    words = [word.value for word in command.words]
    modes = [word for option, word in pairwise(words) if option in ("-m", "--mode")]
    modes += [word.partition("=")[2] for word in words if word.startswith("--mode=")]
    modes += [word[2:] for word in words if word.startswith("-m")]
    return any(_SHUT_MODE.fullmatch(mode) for mode in modes)


def _steps_behind(shipped: Shipped) -> Iterator[Instruction]:
    """The steps of the stages that an image takes files from."""
    graph = shipped.states.graph
    flags = (copy.source_stage for copy in shipped.copies)
    found = [stage for flag in flags if flag and (stage := graph.find(flag.value))]
    own = set(shipped.stage.lineage)
    for stage in dict.fromkeys(below for taken in found for below in taken.lineage):
        if stage not in own:
            yield from stage.instructions


def _is_taken(download: Copy, shipped: Shipped) -> bool:
    """Whether an image takes from another stage what an ADD has downloaded there."""
    place = posixpath.normpath(posixpath.join("/", download.destination))
    taken = (source for copy in shipped.copies if copy.source_stage for source in copy.sources)
    return any(is_inside(posixpath.normpath(posixpath.join("/", source)), place) for source in taken)


def _doubts_of_callers(shipped: Shipped) -> Iterator[Doubt]:
    host = shipped.context.host
    if any(_RUNS_IN_DOCKER.search(host.read(file) or "") for file in _OF_ACTIONS):
        yield Doubt("it is a GitHub action, which has to run as root")
    if doubt := doubt_of_images_upon(shipped):
        yield doubt
    if is_for_developers(shipped.context, shipped.services):
        yield Doubt("it is a development container, in which an editor works as its user")


def _doubts_of_services(shipped: Shipped) -> Iterator[Doubt]:
    yield from (Doubt(reason) for reason in shipped.unread_services)
    for service in shipped.services:
        yield from (Doubt(f"{service} {reason}") for reason in _asks_for_root(service))


def _asks_for_root(service: Service) -> Iterator[str]:
    settings: Mapping[object, object] = service.settings
    if service.user.partition(":")[0] in ("root", "0"):
        yield "runs it as root"
    for key in _SETTINGS:
        if settings.get(key):
            yield f"asks for `{key}`"
    for key in _SHARED:
        if str(settings.get(key, "")).startswith("host"):
            yield f"shares the host's `{key}`"
    for mount in service.mounts:
        if mount.source.endswith(".sock") or mount.source.startswith(("/dev", "/proc", "/sys", "/var/run", "/run")):
            yield f"mounts {mount.source} of the host"
        if mount.target.startswith("/root"):
            yield f"mounts {mount.target}, which only root may enter"
    if any(port < FIRST_OPEN_PORT for port in service.ports):
        yield "publishes a port under 1024"
    watched = sequence(mapping(settings.get("develop")).get("watch"))
    if any("sync" in str(mapping(one).get("action")) for one in watched):
        yield "copies changed sources into it as its user"
    for name, value in service.environment:
        if (name, value.partition("/")[0]) in (("UID", "0"), ("PUID", "0")) or (name == "HOME" and value == "/root"):
            yield "sets the home folder of root"
        elif low := _low_port_in(name, value):
            yield f"sets {name} to {low}, a port that is for root in some networks"


def _doubts_of_ports(shipped: Shipped) -> Iterator[Doubt]:
    port, exposed = shipped.project.port, shipped.project.exposed
    if port and 0 < port.number < FIRST_OPEN_PORT:
        yield Doubt(f"it listens on port {port.number}, which is for root in some networks")
    for name, value in shipped.project.variables.items():
        if low := _low_port_in(name, value or ""):
            yield Doubt(f"{name} is {low}, a port that is for root in some networks")
    datagrams = (one for one in shipped.steps if isinstance(one, Expose) and "/udp" in one.arguments.lower())
    numbers = [int(number) for one in datagrams for number in re.findall(r"\b(\d+)[-\d]*/udp", one.arguments.lower())]
    for number in (*(exposed or ()), *numbers):
        if number < FIRST_OPEN_PORT:
            yield Doubt(f"it exposes port {number}, which is for root in some networks")


def _low_port_in(name: str, value: str) -> str:
    """The value of a variable that names a port for root; empty where it does not."""
    is_own = _PORT_VARIABLE.search(name) and not _OF_OTHERS.search(name)
    match = re.fullmatch(r"(?:\S*:)?(\d+)/?", value) if is_own else None
    return value if match and 0 < int(match[1]) < FIRST_OPEN_PORT else ""
