"""Why an image may have to run as root: its base, its packages, its ports, what compose asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from rewriter.model.context.documents import sequence
from rewriter.model.context.services import Service
from rewriter.model.data.root_programs import PACKAGES, SERVER_IMAGES
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.model.running.home_of_root import doubt_of_home
from rewriter.model.running.shipped import Doubt, Shipped, text_of
from rewriter.model.running.starts import doubt_of_start
from rewriter.syntax.tree import Copy, Onbuild, Run

FIRST_OPEN_PORT: Final = 1024
"""Ports under this one are for root in some networks, such as that of the host."""

# A mode that shuts others out of what they would have to read or run: its last digit lacks reading.
_SHUT: Final = re.compile(
    r"\bchmod\s+(?:-\S+\s+)*(?:0?[0-7]{2}[0-3]\b|u[+=]\S+|\S*o(?:-\S*[rx]|=(?!\S*r))\S*)|\bumask\s+0?[0-7][0-7]7\b"
)
_PORT_VARIABLE: Final = re.compile(r"(?:\A|_)(?:PORTS?|URLS)\Z")
_SETTINGS: Final = ("privileged", "devices", "cap_add", "device_cgroup_rules", "cgroup_parent", "userns_mode")
_SHARED: Final = ("network_mode", "pid", "ipc")


def doubt_of_root(shipped: Shipped) -> Doubt | None:
    """Why it cannot be said that the image works without root; None where it does."""
    for doubts in (_doubts_of_image, _doubts_of_services, _doubts_of_ports):
        if doubt := next(doubts(shipped), None):
            return doubt
    return doubt_of_start(shipped) or doubt_of_home(shipped)


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
            if _SHUT.search(text_of(one)):
                yield Doubt("the modes that line {line} sets shut other users out", one)
        elif isinstance(one, Copy) and one.source_stage and one.paths and one.paths[-2:] == ("/", "/"):
            yield Doubt("line {line} copies a whole system", one)
        elif isinstance(one, Copy) and (flag := one.flag("chmod")) and not re.fullmatch(r"0?[0-7]{2}[4-7]", flag.value):
            yield Doubt("the mode that line {line} sets shuts other users out", one)


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
    for value in sequence(settings.get("environment")):
        if str(value).startswith(("HOME=/root", "UID=0", "PUID=0")):
            yield "sets the home folder of root"


def _doubts_of_ports(shipped: Shipped) -> Iterator[Doubt]:
    port, exposed = shipped.project.port, shipped.project.exposed
    if port and 0 < port.number < FIRST_OPEN_PORT:
        yield Doubt(f"it listens on port {port.number}, which is for root in some networks")
    for name, value in shipped.project.environment.items():
        match = re.fullmatch(r"(?:\S*:)?(\d+)/?", value or "") if _PORT_VARIABLE.search(name) else None
        if match and 0 < int(match[1]) < FIRST_OPEN_PORT:
            yield Doubt(f"{name} is {value}, a port that is for root in some networks")
    if exposed and (low := next((number for number in exposed if number < FIRST_OPEN_PORT), 0)):
        yield Doubt(f"it exposes port {low}, which is for root in some networks")
