"""Which Python a call of pip installs into, and how uv is told to use the same one."""

from __future__ import annotations

import posixpath
import re
from typing import Final, NamedTuple

from rewriter.model.image import ImageReference
from rewriter.model.interpreter import own_minor
from rewriter.model.managers.call import Call
from rewriter.model.managers.run_calls import calls
from rewriter.model.pip.files import CHANGES_PATH, Place
from rewriter.model.state import State, States
from rewriter.model.users import find_account
from rewriter.syntax.shell import Word
from rewriter.syntax.tree import Copy, Run


class Target(NamedTuple):
    """The options that name the Python, or why there are none. No option means the environment that was activated."""

    options: tuple[str, ...] = ()
    problem: str = ""


_PIP_AT_END: Final = re.compile(r"(?:^|/)pip((?:[23](?:\.[0-9]+)?)?)([\"']?)\Z")
_PYTHON_AT_END: Final = re.compile(r"(?:^|/)python(?:[23](?:\.[0-9]+)?)?[\"']?\Z")
_MINOR: Final = re.compile(r"3\.([0-9]+)")
# Tags without a minor version: https://github.com/docker-library/python. Those of a suite stay at its last Python.
_NEWEST: Final = re.compile(
    r"(?:3|latest)?-?(?:slim|alpine)?-?(?:alpine3\.[1-9][0-9]|buster|bullseye|bookworm|trixie)?\Z"
)
_BRINGS_PYTHON: Final = re.compile(
    r"\bpyenv\b|conda\b|mamba\b|altinstall|Python-[23]\.|update-alternatives|\buv python"
)
_MAKES_VENV: Final = re.compile(r"\bvenv\b|virtualenv")
_OLD_PYTHON: Final = re.compile(r"python2|python3\.[0-7]\b|(?:-p|--python)[\s=]*2")
_OTHER_PYTHON: Final = re.compile(r"(?:-p|--python)[\s=]|python2|python3\.[0-7]\b")

# The suites whose own Python is 3.8 or newer: https://packages.debian.org/python3, https://packages.ubuntu.com/python3
_SUITES: Final = {
    "debian": re.compile(r"(?:11|12|13|bullseye|bookworm|trixie|sid|testing|unstable|stable|latest)?(?:[.-]|\Z)"),
    "ubuntu": re.compile(r"(?:2[0-9]\.\d\d|focal|jammy|noble|oracular|plucky|questing|latest|rolling|devel)?(?:-|\Z)"),
}
_BARE_PYTHON: Final = re.compile(
    r"python(3\.\d+|3)(?:-(?:pip|dev|venv|setuptools|wheel|distutils|full|minimal|all|all-dev|virtualenv))?"
    r"|python(?:-is-python3|-dev-is-python3)"
)
_HIDDEN_PACKAGES: Final = re.compile(
    r"\bdpkg\s+(?:-i|--install)|\bbuild-dep\b|\bxargs\b.*\bapt|\b(?:tasksel|gdebi|mk-build-deps)\b"
)
# Packages of apt that bring no Python modules, neither by themselves nor by what they need: libglib2.0-dev and those on
# it bring python3-packaging.
_WITHOUT_MODULES: Final = re.compile(
    r"apt-transport-https|apt-utils|autoconf|automake|bash|bc|binutils|bison|build-essential|bzip2|ca-certificates"
    r"|ccache|cmake|cron|curl|default-mysql-client|dnsutils|dos2unix|dpkg-dev|dumb-init|espeak|espeak-ng"
    r"|ffmpeg|file|flex|fontconfig|fonts-[a-z0-9-]+|gcc|gettext|gfortran|git|git-lfs|gnupg|gnupg2|gosu|g\+\+|htop"
    r"|iproute2|iptables|iputils-ping|jq|less|locales|make|mariadb-client|nano"
    r"|net-tools|netbase|netcat|netcat-[a-z]+|nginx|ninja-build|nodejs|openjdk-\d+-[a-z-]+|openssh-client"
    r"|openssh-server|openssl|patch|patchelf|perl|pkg-config|poppler-utils|portaudio19-dev|postgresql-client|procps"
    r"|psmisc|redis-tools|rsync|screen|sox|sqlite3|ssh|strace|sudo|swig|tar|telnet|tesseract-ocr(?:-[a-z]+)?"
    r"|tini|tmux|tree|tzdata|unixodbc|unixodbc-dev|unzip|vim|wget|xvfb|xz-utils|zip|zlib1g|zlib1g-dev|zsh"
    r"|lib(?!reoffice|.*(?:python|py3|glib2|gtk|cairo|pango|girepository|pixbuf|gstreamer).*)[a-z0-9+.-]+"
    r"|lib(?:glib2\.0-0|gtk-3-0|cairo2|pango-1\.0-0|pangocairo-1\.0-0|pangoft2-1\.0-0|gdk-pixbuf-?2\.0-0|python3-dev)"
)
# Where ghcr.io/astral-sh/uv is published for: https://docs.astral.sh/uv/guides/integration/docker/#available-images
_PLATFORMS: Final = re.compile(r"linux/(?:amd64|arm64)(?:/v8)?\Z|\$\{?(?:BUILD|TARGET)PLATFORM\}?\Z")
_USERS_OF_PLATFORMS: Final = frozenset({"library", "amd64", "arm64v8"})
_OLD: Final = "uv supports Python 3.8 and newer"


def brings_python(run: Run) -> bool:
    """Whether a RUN itself changes which Pythons there are."""
    return _BRINGS_PYTHON.search(run.view.text) is not None


def find_unfit_base(state: State) -> str:
    """Why the base image does not let uv in; empty where nothing stands against it."""
    stage = state.stage
    origin = stage.origin if stage else None
    if stage is None or origin is None:
        return "the base image is not known"
    if stage.is_windows:
        return "the base image is Windows"
    for one in stage.lineage:
        if one.from_.platform is not None and not _PLATFORMS.match(one.from_.platform.value):
            return f"there may be no uv image for {one.from_.platform.value}"
    if state.which("pip").kind == "conda":
        return "conda's Python has packages that uv does not know"
    user = origin.repository.partition("/")[0]
    if origin.family and origin.registry == "docker.io" and user not in _USERS_OF_PLATFORMS:
        return f"there is no uv image for the platform of {origin.name}"
    return _unfit_version(origin)


def _unfit_version(origin: ImageReference) -> str:
    if origin.family == "python":
        if match := _MINOR.match(origin.tag):
            return _OLD if int(match[1]) < 8 else ""
        if origin.digest and not origin.tag:
            return "which Python the image has is not known"
        if _NEWEST.match(origin.tag):
            return ""
        return _OLD if origin.tag[:1].isdigit() else "which Python the image has is not known"
    suites = _SUITES.get(origin.family)
    if suites is None:
        return "which Python the image has is not known"
    return "" if suites.match(origin.tag) else _OLD


def find_target(call: Call, place: Place, run: Run, states: States) -> Target:
    """How uv is told to install where a call of pip does."""
    if call.wrapper:
        return Target(problem=f"pip is run through `{call.wrapper[0].text}`")
    if any(one.name in CHANGES_PATH for one in call.command.assignments):
        return Target(problem="the call changes where Python is found")
    word = call.program
    if call.launcher:
        if [one.value for one in call.launcher[1:]] not in ([], ["-m"]):
            return Target(problem=f"`{call.launcher[0].text}` has options of its own")
        word = call.launcher[0]
    if "/" in word.text:
        return _by_path(word, run, states)
    return Target(problem=place.problem) if place.problem else _by_name(word, place.activated, run, states)


def _by_path(word: Word, run: Run, states: States) -> Target:
    """A program that is named by its path: it belongs to the environment there."""
    state = states.at(run)
    text = word.text
    folder = posixpath.dirname((state.expand(text) if "$" in text else word.value) or text.strip("\"'"))
    if folder in ("/usr/local/bin", "/usr/bin", "/bin"):
        found = state.which(posixpath.basename(word.value))
        if posixpath.dirname(found.path) == folder and found.kind in ("official", "system"):
            return _of_kind(found.kind, state, run)
        return Target(problem=f"which Python {text} belongs to is not known")
    environment = posixpath.dirname(folder)
    written = posixpath.dirname(posixpath.dirname(text.strip("\"'")))
    names = {environment, written, posixpath.basename(environment)} - {""}
    texts = [one for one in (*state.python_setup, run.view.text) if _MAKES_VENV.search(one)]
    made = [one for one in texts if any(name in one for name in names)]
    if not made:
        return Target(problem=f"which Python {text} belongs to is not known")
    if any(_OTHER_PYTHON.search(one) for one in made):
        return Target(problem=f"which version of Python {text} belongs to is not known")
    if reason := _unwritable(environment, run, states):
        return Target(problem=reason)
    if _PYTHON_AT_END.search(text):
        return Target((f"--python {text}",))
    match = _PIP_AT_END.search(text)
    assert match is not None
    return Target((f"--python {text[: match.start()]}/python{match[1]}{match[2]}",))


def _by_name(word: Word, activated: str, run: Run, states: States) -> Target:
    """A program that PATH finds."""
    state = states.at(run)
    if any(_MAKES_VENV.search(one) and _OLD_PYTHON.search(one) for one in (*state.python_setup, run.view.text)):
        return Target(problem="a virtual environment may be one of an old Python")
    if activated:
        environment = posixpath.dirname(posixpath.dirname(activated.strip("\"'")))
        return Target(problem=_unwritable(environment, run, states))
    found = state.which(word.value)
    if found.kind == "venv":
        folder = posixpath.dirname(found.path)
        if reason := _unwritable(posixpath.dirname(folder), run, states):
            return Target(problem=reason)
        return Target((f"--python {folder}/python",))
    return _of_kind(found.kind, state, run)


def _of_kind(kind: str, state: State, run: Run) -> Target:
    if kind not in ("official", "system"):
        return Target(problem="which Python pip belongs to is not known")
    account = find_account(state)
    if account is None or account.uid != 0:
        return Target(problem=f"as USER {state.user or 'of the base image'} pip falls back to --user, and uv fails")
    if kind == "official":
        return Target(("--system",))
    origin = state.stage.origin if state.stage else None
    if origin is None or origin.family not in _SUITES:
        return Target(problem="which Python the image has is not known")
    for one in (*state.runs_where(_packages_problem, origin), run):
        if problem := _packages_problem(one, origin):
            return Target(problem=problem)
    if state.is_set("PIP_BREAK_SYSTEM_PACKAGES"):
        return Target(("--system", "--break-system-packages"))
    return Target(("--system",))


def _packages_problem(run: Run, image: ImageReference) -> str:
    """Why the packages of apt in a RUN may hold Python modules; each RUN is looked at once."""
    key = f"modules of apt in {image.name}:{image.tag}"
    if key not in run.memo:
        run.memo[key] = _find_packages_problem(run, image)
    return str(run.memo[key])


def _find_packages_problem(run: Run, image: ImageReference) -> str:
    if _HIDDEN_PACKAGES.search(run.view.text) or any("apt" in part.text for part in run.script.opaques()):
        return "uv does not see the Python packages of apt, and which there are is not known"
    for call in calls(run):
        if call.manager.name not in ("apt-get", "apt", "aptitude") or not call.installs:
            continue
        for package in call.packages:
            if not _brings_no_modules(re.split(r"[=:/]", package.value)[0], image):
                return f"uv does not see the Python packages of apt, such as {package.text} may be"
    return ""


def _brings_no_modules(package: str, image: ImageReference) -> bool:
    """Whether a package of apt is known to bring no Python modules besides pip and its like."""
    if match := _BARE_PYTHON.fullmatch(package):
        return match[1] in (None, "3", own_minor(image))
    return _WITHOUT_MODULES.fullmatch(package) is not None


def _unwritable(environment: str, run: Run, states: States) -> str:
    """Why the user in force may not write to a virtual environment; root may, and who made it or was given it."""
    state = states.at(run)
    account = find_account(state)
    if account is not None and account.uid == 0:
        return ""
    if account is None:
        return f"the uid of USER {state.user} is not known" if state.user else "the user in force is not known"
    name = posixpath.basename(environment)
    stage = state.stage
    for instruction in stage.instructions if stage else ():
        if instruction.start > run.start:
            break
        text = instruction.view.text
        if name not in text:
            continue
        is_own = isinstance(instruction, Run) and _MAKES_VENV.search(text)
        if is_own and states.at(instruction).user == state.user:
            return ""
        owned = f"{account.name}|{account.uid}"
        if isinstance(instruction, Run | Copy) and re.search(rf"chown[^&;]*\b(?:{owned})\b", text):
            return ""
    return f"whether USER {state.user} may write to {environment} is not known"
