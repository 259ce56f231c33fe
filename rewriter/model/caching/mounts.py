"""Where package managers keep what they download, as cache mounts of BuildKit.

Each manager has a row with the folders below its cache's root, and the variables that move that root. Sources stand at
the rows; what real builds showed decides where a manual is vague.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from rewriter.model.managers.run_calls import APT, calls
from rewriter.model.once import once_per_file
from rewriter.model.stages import Stage, StageGraph
from rewriter.model.state import State
from rewriter.model.users import ROOT, Account, find_account
from rewriter.syntax.tree import Dockerfile, Run


class CacheMount(NamedTuple):
    """A `RUN --mount=type=cache`. `sharing` is empty for `shared`, the default; `owner` is `uid=…,gid=…` or empty.

    Source: https://docs.docker.com/reference/dockerfile/#run---mounttypecache
    """

    target: str
    sharing: str = ""
    id: str = ""
    owner: str = ""

    @property
    def flag(self) -> str:
        """The flag as written in a Dockerfile."""
        fields = ["type=cache"]
        if self.id:
            fields.append(f"id={self.id}")
        fields.append(f"target={self.target}")
        if self.sharing:
            fields.append(f"sharing={self.sharing}")
        if self.owner:
            fields.append(self.owner)
        return f"--mount={','.join(fields)}"


class _Place(NamedTuple):
    """A cache: its folders below the home folder or, absolute, anywhere; `variables` move the folder with all below.

    `of_root` are the folders where root's differ. `ids` name the folders of a cache that must not be shared between two
    releases of a distribution or two C libraries, because it holds what was compiled for one of them.
    """

    folders: tuple[str, ...]
    source: str
    variables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sharing: str = ""
    of_root: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


_PLACES: Final[dict[str, _Place]] = {
    "apt-get": _Place(
        ("/var/cache/apt", "/var/lib/apt/lists"),
        "https://docs.docker.com/build/cache/optimize/ without /var/lib/apt, which holds extended_states",
        sharing="locked",
        ids=("apt-cache", "apt-lists"),
    ),
    "pip": _Place(
        (".cache/pip",),
        "https://pip.pypa.io/en/stable/topics/caching/",
        variables=(("PIP_CACHE_DIR", ("",)), ("XDG_CACHE_HOME", ("pip",))),
        ids=("pip",),
    ),
    "uv": _Place(
        (".cache/uv",),
        "https://docs.astral.sh/uv/concepts/cache/#cache-directory",
        variables=(("UV_CACHE_DIR", ("",)), ("XDG_CACHE_HOME", ("uv",))),
        ids=("uv",),
    ),
    "poetry": _Place(
        (".cache/pypoetry/cache", ".cache/pypoetry/artifacts"),  # virtualenvs/ beside them is the product
        "https://python-poetry.org/docs/configuration/#cache-dir",
        variables=(
            ("POETRY_CACHE_DIR", ("cache", "artifacts")),
            ("XDG_CACHE_HOME", ("pypoetry/cache", "pypoetry/artifacts")),
        ),
        ids=("poetry-cache", "poetry-artifacts"),
    ),
    "pipenv": _Place(
        (".cache/pip", ".cache/pipenv"),
        "https://pipenv.pypa.io/en/latest/configuration.html",
        variables=(("XDG_CACHE_HOME", ("pip", "pipenv")),),
        ids=("pip", "pipenv"),
    ),
    "npm": _Place(
        (".npm",),
        "https://docs.npmjs.com/cli/v11/using-npm/config#cache",
        variables=(("npm_config_cache", ("",)), ("NPM_CONFIG_CACHE", ("",))),
    ),
    "yarn": _Place(
        (".cache/yarn",),
        "https://classic.yarnpkg.com/lang/en/docs/cli/cache/",
        variables=(("YARN_CACHE_FOLDER", ("",)), ("XDG_CACHE_HOME", ("yarn",))),
        sharing="locked",
        of_root=("/usr/local/share/.cache/yarn",),
    ),
    "pnpm": _Place(
        (".local/share/pnpm/store",),
        "https://pnpm.io/settings#storedir",
        variables=(
            ("npm_config_store_dir", ("",)),
            ("PNPM_HOME", ("store",)),
            ("XDG_DATA_HOME", ("pnpm/store",)),
        ),
    ),
    "bun": _Place(
        (".bun/install/cache",),
        "https://bun.sh/docs/install/cache",
        variables=(("BUN_INSTALL_CACHE_DIR", ("",)), ("BUN_INSTALL", ("install/cache",))),
    ),
    "go": _Place(
        (".cache/go-build",),
        "https://go.dev/ref/mod#module-cache and https://pkg.go.dev/cmd/go#hdr-Build_and_test_caching",
        variables=(("GOCACHE", ("",)), ("XDG_CACHE_HOME", ("go-build",))),
    ),
    "composer": _Place(
        (".composer/cache",),
        "https://getcomposer.org/doc/03-cli.md#composer-cache-dir",
        variables=(("COMPOSER_CACHE_DIR", ("",)), ("COMPOSER_HOME", ("cache",))),
    ),
    "cargo": _Place(
        (".cargo/registry", ".cargo/git"),
        "https://doc.rust-lang.org/cargo/guide/cargo-home.html",
        variables=(("CARGO_HOME", ("registry", "git")),),
        sharing="locked",
    ),
    "mvn": _Place(
        (".m2/repository",), "https://maven.apache.org/settings.html#simple-values", sharing="locked"
    ),
    "gradle": _Place(
        (".gradle",),
        "https://docs.gradle.org/current/userguide/directory_layout.html",
        variables=(("GRADLE_USER_HOME", ("",)),),
        sharing="locked",
    ),
    "dotnet": _Place(
        (".nuget/packages",),
        "https://learn.microsoft.com/en-us/nuget/consume-packages/managing-the-global-packages-and-cache-folders",
        variables=(("NUGET_PACKAGES", ("",)),),
    ),
}  # fmt: skip

MOUNTABLE: Final = frozenset(_PLACES)
"""The managers, by name, whose caches are known."""


def cache_mounts(manager: str, state: State, account: Account | None = None) -> tuple[CacheMount, ...] | str:
    """The mounts that hold what a manager downloads; a text says why there is none.

    `account` is who runs it, by default the user in force.
    """
    place = _PLACES[manager]
    if all(map(posixpath.isabs, place.folders)):
        account = ROOT
    account = account or find_account(state)
    if account is None:
        return f"the uid of USER {state.user} is not known" if state.user else "the user in force is not known"
    folders = _folders(manager, state, account)
    if isinstance(folders, str):
        return folders
    if manager == "go":
        folders = (_module_cache(state, account.home), *folders)
    owner = "" if account.uid == 0 else f"uid={account.uid},gid={account.gid}"
    if not place.ids or state.stage is None or not _has_two_suites(state, place):
        return tuple(CacheMount(folder, place.sharing, "", owner) for folder in folders)
    ids = (f"{identity}-{_suite(state.stage)}" for identity in place.ids)
    return tuple(CacheMount(folder, place.sharing, next(ids), owner) for folder in folders)


def moving_variables(manager: str) -> tuple[str, ...]:
    """The variables that say where a manager's cache lies."""
    return tuple(name for name, _ in _PLACES[manager].variables)


def _folders(manager: str, state: State, account: Account) -> tuple[str, ...] | str:
    place = _PLACES[manager]
    for name, below in place.variables:
        if state.is_set(name):
            value = state.get(name)
            if not value or not posixpath.isabs(value):
                return f"{name} names a folder that is not known"
            return tuple(posixpath.normpath(posixpath.join(value, folder)) for folder in below)
    if found := _OF_IMAGES.get((manager, _family(state))):
        return found
    if place.of_root and account.uid == 0:
        return place.of_root
    if all(map(posixpath.isabs, place.folders)):
        return place.folders
    home = state.get("HOME") if state.is_set("HOME") else account.home
    if not home or not posixpath.isabs(home):
        return "HOME is not known"
    return tuple(posixpath.join(home, folder) for folder in place.folders)


def _module_cache(state: State, home: str) -> str:
    """Where Go keeps modules."""
    if (folder := state.get("GOMODCACHE")) and state.is_set("GOMODCACHE"):
        return folder
    path = state.get("GOPATH") if state.is_set("GOPATH") else ""
    return posixpath.join((path or ("/go" if _family(state) == "golang" else f"{home}/go")).split(":")[0], "pkg/mod")


def _family(state: State) -> str:
    origin = state.stage.origin if state.stage else None
    return origin.family if origin else ""


# What official images set: https://github.com/rust-lang/docker-rust, https://github.com/gradle/docker-gradle
_OF_IMAGES: Final = {
    ("cargo", "rust"): ("/usr/local/cargo/registry", "/usr/local/cargo/git"),
    ("gradle", "gradle"): ("/home/gradle/.gradle",),
}


_SUITE: Final = re.compile(
    r"(?:^|-)((?:alpine|buster|bullseye|bookworm|trixie|focal|jammy|noble|stretch|jessie|xenial|bionic)[0-9.]*)"
)


def _suite(stage: Stage) -> str:
    """A word for the C library and release that a stage runs on; alike for `python:3.11` and `python:3.11-slim`."""
    origin = stage.origin
    if origin is None:
        return stage.name or f"stage{stage.index}"
    if match := _SUITE.search(origin.tag):
        return match[1]
    name = posixpath.basename(origin.repository)
    if origin.family in ("python", "node", "golang", "ruby", "rust", "php", "openjdk", "buildpack-deps"):
        return "default"
    tag = origin.tag.removesuffix("-slim") or "latest"
    return f"{name}-{tag.split('.')[0] if name == 'debian' else tag}"


def _has_two_suites(state: State, place: _Place) -> bool:
    """Whether another stage of the file may fill the same cache on another release."""
    managers = APT if place.ids[0].startswith("apt") else _OF_PYTHON
    return _count_suites(state.graph.dockerfile, state.graph, managers) > 1


@once_per_file
def _count_suites(_: Dockerfile, graph: StageGraph, managers: frozenset[str]) -> int:
    return len({_suite(stage) for stage in graph.stages if _calls_any(stage, managers)})


_OF_PYTHON: Final = frozenset({"pip", "uv", "poetry", "pipenv"})


def _calls_any(stage: Stage, managers: frozenset[str]) -> bool:
    runs = (node for node in stage.instructions if isinstance(node, Run))
    return any(call.manager.name in managers for run in runs for call in calls(run))


def is_mounted(run: Run, target: str) -> bool:
    """Whether a mount of the RUN holds a folder."""
    for flag in run.mounts:
        for field in flag.value.split(","):
            key, _, value = field.partition("=")
            if key.lower() in ("target", "dst", "destination"):
                mounted = posixpath.normpath(value)
                if target == mounted or target.startswith(f"{mounted.rstrip('/')}/"):
                    return True
    return False


def cache_folders(environment: Mapping[str, str], homes: Iterable[str]) -> Iterator[str]:
    """Where all caches of an image lie, for the users with these homes and for what its environment says."""
    for place in _PLACES.values():
        for name, below in place.variables:
            if posixpath.isabs(value := environment.get(name, "")):
                yield from (posixpath.normpath(posixpath.join(value, folder)) for folder in below)
        yield from (posixpath.join(home, folder) for home in homes for folder in (*place.folders, *place.of_root))
    for folders in _OF_IMAGES.values():
        yield from folders
    go = [environment.get("GOPATH", "").split(":")[0], "/go", *(f"{home}/go" for home in homes)]
    yield from (f"{folder}/pkg/mod" for folder in go if posixpath.isabs(folder))
    if posixpath.isabs(value := environment.get("GOMODCACHE", "")):
        yield posixpath.normpath(value)
