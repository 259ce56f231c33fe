"""Which Python, or pip, a command means: what PATH finds, and what that belongs to."""

from __future__ import annotations

import posixpath
import re
from typing import Final, NamedTuple

from rewriter.model.image import ImageReference
from rewriter.model.stage_facts import COPIED
from rewriter.model.stages import UNKNOWN_PART
from rewriter.model.state import State


class Interpreter(NamedTuple):
    """The program that PATH finds, and what it belongs to.

    `kind` is `official` (/usr/local of the python images), `system` (the distribution's package), `venv`, `conda` or
    `unknown`; `path` is empty when it is not known.
    """

    path: str
    kind: str


_UNKNOWN: Final = Interpreter("", "unknown")
_PYTHON: Final = re.compile(r"(?:python|pip)([23](?:(\.[0-9]+))?)?\Z")
_SYSTEM_FOLDERS: Final = frozenset(["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"])
_VENV_NAME: Final = re.compile(r"venv|virtualenv|(?:^|[/._-])env(?:$|[/._-])", re.IGNORECASE)
_MAKES_VENV: Final = re.compile(r"\bvenv\b|virtualenv")
_BRINGS_PYTHON: Final = re.compile(
    r"pyenv|conda\b|mamba|miniforge|Python-[23]|altinstall|\buv python|\basdf\b|\bmise\b|alternatives|ln -"
)
_CONDA_NAME: Final = re.compile(r"conda|mamba|miniforge", re.IGNORECASE)
_CONDA_IMAGE: Final = re.compile(r"(?:^|/)(?:continuumio|condaforge|mambaorg|conda)/", re.IGNORECASE)
# Folders that other programs put on PATH, without a Python in them.
_NO_PYTHON: Final = re.compile(
    r"/\.local/bin|/\.cargo/bin|/go/bin|node_modules|/gems?/|/bundle|yarn|pnpm|/\.npm|/\.bun|/\.deno|poetry|java|jvm|jdk"
    r"|jre|maven|gradle|flutter|dotnet|gcloud|cuda|nvidia|postgresql|mysql|nginx"
)


# https://packages.debian.org/python3 and https://packages.ubuntu.com/python3
_MINORS: Final = {
    "debian": {"11": "3.9", "bullseye": "3.9", "12": "3.11", "bookworm": "3.11", "13": "3.13", "trixie": "3.13"},
    "ubuntu": {
        "20.04": "3.8", "focal": "3.8", "22.04": "3.10", "jammy": "3.10", "24.04": "3.12", "noble": "3.12",
    },
}  # fmt: skip


def own_minor(image: ImageReference) -> str:
    """The minor version of the Python that a release of Debian or Ubuntu has; empty when not known."""
    release = image.tag.partition("-")[0]
    if image.family == "debian" and release[:2].isdigit():
        release = release[:2]  # as in 12.5
    return _MINORS.get(image.family, {}).get(release, "")


def find_python(state: State, program: str) -> Interpreter:
    """What PATH finds for `python`, `python3`, `pip`, ... where nothing in the command itself changes PATH."""
    match = _PYTHON.match(program)
    if not match or (match[1] or "").startswith("2"):
        return _UNKNOWN
    known, *base = state.value("$PATH").text.split(UNKNOWN_PART, 1)
    entries = known.split(":")
    if base:
        entries.pop()  # what touches the unknown part is not whole
    environment = state.get("VIRTUAL_ENV") if state.is_set("VIRTUAL_ENV") else ""
    if environment is None or (environment and f"{environment}/bin" not in entries):
        return _UNKNOWN
    for entry in entries:
        folder = entry.rstrip("/")
        parent = posixpath.dirname(folder)
        if folder in _SYSTEM_FOLDERS:
            break
        if _CONDA_NAME.search(folder):
            return Interpreter(f"{folder}/{program}", "conda")
        made = any(parent in text and _MAKES_VENV.search(text) for text in state.python_setup)
        if made or parent == environment or _VENV_NAME.search(parent):
            # Which minor version a virtual environment has is not known.
            return _UNKNOWN if match[2] else Interpreter(f"{folder}/{program}", "venv")
        if not _NO_PYTHON.search(folder):
            return _UNKNOWN
    else:
        if not base:
            return _UNKNOWN  # none of the system's folders is on PATH
    return _python_of_base(state, program, match[1] if match[2] else "")


def _python_of_base(state: State, program: str, version: str) -> Interpreter:
    origin = state.stage.origin if state.stage else None
    brings = [text for text in state.python_setup if not _MAKES_VENV.search(text) or _BRINGS_PYTHON.search(text)]
    if origin is not None and origin.family == "python":
        # Whatever is copied there, /usr/local/bin stays first.
        brings = [text for text in brings if text != COPIED]
    if origin is None or brings:
        return _UNKNOWN
    if _CONDA_IMAGE.search(origin.repository):
        return Interpreter("", "conda")
    if origin.family == "python":
        if origin.is_windows or (version and not re.match(rf"{re.escape(version)}(?:[.-]|\Z)", origin.tag)):
            return _UNKNOWN
        return Interpreter(f"/usr/local/bin/{program}", "official")
    if version and state.distribution in ("debian", "ubuntu") and version != own_minor(origin):
        return _UNKNOWN  # it comes from elsewhere, or there are several
    if state.distribution in ("debian", "ubuntu", "alpine", "rhel"):
        return Interpreter(f"/usr/bin/{program}", "system")
    return _UNKNOWN
