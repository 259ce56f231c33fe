"""package-lock.json and npm-shrinkwrap.json.

`npm ci` compares the tree that the lock file holds with the one that package.json leads to, and fails where npm would
add, remove or change a package. So the lock file must name the same ranges for the project itself, and every range in
it must lead to a package of it, peer dependencies included: a lock file written with --legacy-peer-deps lacks those.
An optional peer may be absent, but not there in another version: npm up to 10 adds the right one.
Packages for other platforms must be there as well: npm 11 adds those, older versions do without them.
Source: https://docs.npmjs.com/cli/v11/commands/npm-ci,
https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json, https://github.com/npm/cli/issues/4828
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from rewriter.model.installing.locks.package_json import GROUPS, asked_for, group, read_object
from rewriter.model.installing.locks.semver import satisfies

_UNREADABLE: Final = "{lock} cannot be understood"
_FOLDER: Final = "node_modules/"


def out_of_step(text: str, package: Mapping[str, Any], version: int, *, ignores_peers: bool) -> str:
    """Why `npm ci` of this major version would refuse the lock file; empty where it takes it."""
    lock = read_object(text)
    if lock is None or lock.get("lockfileVersion") not in (1, 2, 3):
        return _UNREADABLE
    if not version:
        return "which version of npm runs is not known"
    if version < 6:
        return f"npm {version} has no dependable `npm ci`"
    if package.get("overrides"):
        return "package.json has overrides, which {lock} does not tell"
    packages = lock.get("packages")
    if lock["lockfileVersion"] == 1 or not isinstance(packages, dict):
        if version > 6:
            return "{lock} was written by npm 6, and newer versions complete it"
        return _old_reason(lock, package)
    if lock["lockfileVersion"] == 3 and version == 6:
        return "npm 6 does not understand {lock}"
    return _reason(packages, package, ignores_peers=ignores_peers)


def _old_reason(lock: Mapping[str, Any], package: Mapping[str, Any]) -> str:
    """Version 1 names no ranges of the project: the versions in it must lie in those of package.json."""
    locked = lock.get("dependencies")
    locked = locked if isinstance(locked, dict) else {}
    for name, wanted in asked_for(package).items():
        entry = locked.get(name)
        version = entry.get("version") if isinstance(entry, dict) else None
        if isinstance(version, str) and version.startswith("file:"):
            return _local(name)
        if not isinstance(version, str) or satisfies(version, wanted) is not True:
            return f"{{lock}} is out of step with package.json: {name}"
    return ""


def _reason(packages: Mapping[str, Any], package: Mapping[str, Any], *, ignores_peers: bool) -> str:
    root = packages.get("")
    if not isinstance(root, dict):
        return _UNREADABLE
    for name in GROUPS:
        asked, locked = group(package, name), group(root, name)
        if asked != locked:
            differing = sorted(key for key in {**asked, **locked} if asked.get(key) != locked.get(key))
            return f"{{lock}} is out of step with package.json: {differing[0]}"
    for path, entry in packages.items():
        if not isinstance(entry, dict):
            return _UNREADABLE
        owner = path.rpartition(_FOLDER)[2] or "package.json"
        if entry.get("link"):
            return _local(owner)
        for edge in _edges(entry, is_root=not path, ignores_peers=ignores_peers):
            found = _resolve(packages, path, edge.name)
            if found is None and not edge.may_be_absent:
                return f"{{lock}} lacks {edge.name}, which {owner} asks for"
            version = found.get("version") if found else None
            if isinstance(version, str) and satisfies(version, _plain(edge.wanted)) is False:
                return f"{{lock}} has {edge.name} {version}, but {owner} asks for {edge.wanted}"
    if missing := _lacks_optional(packages):
        return f"{{lock}} lacks the optional package {missing}"
    return ""


def _local(name: str) -> str:
    return f"{{lock}} leads to a local folder, whose package.json must be in step as well: {name}"


class _Edge(NamedTuple):
    """A package that another one asks for."""

    name: str
    wanted: str
    may_be_absent: bool = False


def _edges(entry: Mapping[str, Any], *, is_root: bool, ignores_peers: bool) -> Iterator[_Edge]:
    """The packages that must be there for this one, or be the right ones where they are there."""
    yield from (_Edge(*pair) for pair in group(entry, "dependencies").items())
    if is_root:
        yield from (_Edge(*pair) for pair in group(entry, "devDependencies").items())
    if ignores_peers:
        return
    meta = entry.get("peerDependenciesMeta")
    for name, wanted in group(entry, "peerDependencies").items():
        about = meta.get(name) if isinstance(meta, dict) else None
        yield _Edge(name, wanted, isinstance(about, dict) and bool(about.get("optional")))


def _resolve(packages: Mapping[str, Any], path: str, name: str) -> Mapping[str, Any] | None:
    """The package that Node finds for a name from a place, the nearest folder first."""
    place = path
    while True:
        entry = packages.get(f"{place}/{_FOLDER}{name}" if place else f"{_FOLDER}{name}")
        if isinstance(entry, dict):
            target = packages.get(entry.get("resolved", "")) if entry.get("link") else None
            return target if isinstance(target, dict) else entry
        if not place:
            return None
        place = place.rpartition(_FOLDER)[0].rstrip("/") if _FOLDER in place else ""


def _plain(wanted: str) -> str:
    """The range behind an alias: `npm:other@^1` is `^1`."""
    return wanted.rpartition("@")[2] if wanted.startswith("npm:") else wanted


def _packages(text: str) -> dict[str, Any] | None:
    """The entries by their paths; None where the lock file has none, as those of npm 6."""
    packages = (read_object(text) or {}).get("packages")
    return packages if isinstance(packages, dict) else None


def _lacks_optional(packages: Mapping[str, Any]) -> str:
    """An optional package that a lock file misses: it was written where another platform's was installed."""
    for path, entry in packages.items():
        for name in group(entry, "optionalDependencies") if isinstance(entry, dict) else ():
            if _resolve(packages, path, name) is None:
                return name
    return ""


def kept_packages(text: str) -> frozenset[str] | None:
    """The names of packages that stay without those of development, by the lock file's marks; None where it has none.

    Only those in the project's own node_modules count: what lies deeper, the project cannot import.
    """
    packages = _packages(text)
    if packages is None:
        return None
    return frozenset(
        path.removeprefix(_FOLDER)
        for path, entry in packages.items()
        if path.startswith(_FOLDER) and path.count(_FOLDER) == 1 and isinstance(entry, dict) and _is_kept(entry)
    )


def _is_kept(entry: Mapping[str, Any]) -> bool:
    return not (entry.get("dev") or entry.get("devOptional"))


def programs(text: str) -> dict[str, bool] | None:
    """The programs in `node_modules/.bin`, and whether one stays there without development packages.

    None where the lock file names none: those of npm 6.
    """
    packages = _packages(text)
    if packages is None:
        return None
    found: dict[str, bool] = {}
    for path, entry in packages.items():
        if not isinstance(entry, dict) or not path.startswith(_FOLDER) or path.count(_FOLDER) != 1:
            continue
        named = entry.get("bin")
        names = named if isinstance(named, dict) else [path.rpartition("/")[2]] if isinstance(named, str) else ()
        for name in names:
            found[name] = found.get(name, False) or _is_kept(entry)
    return found
