"""What is installed in an image: the packages of distributions and of languages, and the files of each."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rewriter.verify.files.snapshot import Kind, Snapshot


class Package(NamedTuple):
    """A package as its manager knows it; `place` is the folder that it is installed in, empty for a distribution's."""

    manager: str
    place: str
    name: str
    version: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same when only the version changes."""
        return self.manager, self.place, self.name

    @property
    def is_of_the_system(self) -> bool:
        """Whether a package manager of the distribution installed it."""
        return self.manager in ("dpkg", "apk")


Installed = tuple[Package, Iterable[str]]
"""A package, and the paths that its manager says belong to it."""


def system_packages(snapshot: Snapshot) -> Iterator[Installed]:
    """The packages of dpkg and apk; rpm's database is not read."""
    yield from _dpkg(snapshot)
    for path in ("/lib/apk/db/installed", "/usr/lib/apk/db/installed"):
        for package, files in _apk(snapshot.text(path)):
            yield package, map(snapshot.place, files)


_DPKG: Final = "/var/lib/dpkg"


def _dpkg(snapshot: Snapshot) -> Iterator[Installed]:
    """The stanzas of dpkg's status, and of the files that distroless images keep instead; see deb-control(5)."""
    names = (path for path in sorted(snapshot.entries) if path.startswith(f"{_DPKG}/status.d/"))
    for path in (f"{_DPKG}/status", *names):
        for stanza in snapshot.text(path).split("\n\n"):
            fields = dict(re.findall(r"^(Package|Version|Architecture|Status): (.*)$", stanza, re.MULTILINE))
            if "Package" not in fields or not fields.get("Status", "installed").endswith("installed"):
                continue
            name = fields["Package"]
            package = Package("dpkg", "", name, fields.get("Version", ""))
            listed = (f"{_DPKG}/info/{name}.list", f"{_DPKG}/info/{name}:{fields.get('Architecture', '')}.list")
            # Packages list their files as they were before /bin, /lib and /sbin became links into /usr.
            yield package, [snapshot.place(line) for it in listed for line in snapshot.text(it).split("\n") if line]


_SCRIPT: Final = re.compile(rf"{_DPKG}/info/(?P<name>[^/:]+)(?::[^/]+)?\.postinst")


def installation_scripts(snapshot: Snapshot) -> dict[str, str]:
    """By package, the script that dpkg runs once it is unpacked: it makes what no list of files names.

    Source: https://www.debian.org/doc/debian-policy/ch-maintainerscripts.html
    """
    found = map(_SCRIPT.fullmatch, snapshot.entries)
    return {match["name"]: snapshot.text(match[0]) for match in found if match}


def _apk(database: str) -> Iterator[tuple[Package, list[str]]]:
    """The stanzas of apk's database, one letter per field: https://wiki.alpinelinux.org/wiki/Apk_spec."""
    for stanza in database.split("\n\n"):
        name = version = folder = ""
        files = []
        for line in stanza.split("\n"):
            field, _, value = line.partition(":")
            if field == "P":
                name = value
            elif field == "V":
                version = value
            elif field == "F":
                folder = f"/{value}"
                files.append(folder)
            elif field == "R":
                files.append(posixpath.join(folder, value))
        if name:
            yield Package("apk", "", name, version), files


_DIST_INFO: Final = re.compile(r"(?P<place>.*)/(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info")
_EGG_INFO: Final = re.compile(r"(?P<place>.*)/(?P<name>[^/]+?)(?:-(?P<version>[^/-]+)(?:-py[\d.]+)?)?\.egg-info")


def python_packages(snapshot: Snapshot, paths: Iterable[str]) -> Iterator[Installed]:
    """The distributions that `importlib.metadata` would find.

    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    for path in paths:
        if found := _DIST_INFO.fullmatch(path):
            version = found["version"]
            listed = [line.rsplit(",", 2)[0].strip('"') for line in snapshot.text(f"{path}/RECORD").split("\n") if line]
            base = found["place"]
        elif found := _EGG_INFO.fullmatch(path):
            version = found["version"] or _version_in(snapshot.text(f"{path}/PKG-INFO") or snapshot.text(path))
            listed = snapshot.text(f"{path}/installed-files.txt").split("\n")
            base = path
        else:
            continue
        name = re.sub(r"[-_.]+", "-", found["name"]).lower()
        files = (posixpath.normpath(posixpath.join(base, line)) for line in listed if line)
        yield Package("Python", found["place"], name, version), [path, *map(snapshot.place, files)]


def _version_in(metadata: str) -> str:
    found = re.search(r"^Version: *(\S+)", metadata, re.MULTILINE)
    return found[1] if found else ""


_MODULE: Final = re.compile(r"(?P<place>.*/node_modules)/(?P<name>(?:@[^/]+/)?[^/@.][^/]*)/package\.json")


def node_packages(snapshot: Snapshot, paths: Iterable[str]) -> Iterator[Installed]:
    """The modules below any `node_modules`; their files are all that lies below their folder.

    Source: https://docs.npmjs.com/cli/v11/configuring-npm/folders
    """
    for path in paths:
        if found := _MODULE.fullmatch(path):
            try:
                manifest = json.loads(snapshot.text(path) or "{}")
            except ValueError:
                continue
            version = manifest.get("version") if isinstance(manifest, dict) else None
            if isinstance(version, str):
                yield Package("Node", found["place"], found["name"], version), [posixpath.dirname(path)]


_GEM: Final = re.compile(
    r"(?P<place>.*)/specifications/(?P<full>(?P<name>[^/]+?)-(?P<version>\d[^/-]*)(?:-[^/]+)?)\.gemspec"
)


def ruby_packages(paths: Iterable[str]) -> Iterator[Installed]:
    """The gems of every folder of gems; see `gem help environment` for how one is laid out."""
    for path in paths:
        if found := _GEM.fullmatch(path):
            place = found["place"]
            folders = [f"{place}/gems/{found['full']}", f"{place}/build_info/{found['full']}.info"]
            yield Package("Ruby", place, found["name"], found["version"]), [path, *folders]


def has_rpm(snapshot: Snapshot) -> bool:
    """Whether rpm manages the packages of the distribution."""
    places = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
    return any(snapshot.real(place) and _is_filled(snapshot, snapshot.real(place)) for place in places)


def _is_filled(snapshot: Snapshot, folder: str) -> bool:
    names = ("rpmdb.sqlite", "Packages", "Packages.db")
    return any(snapshot.entries.get(f"{folder}/{name}", None) is not None for name in names)


def folders_and_files(snapshot: Snapshot) -> Iterator[str]:
    """The paths at which something lies, without links to it."""
    return (path for path, entry in snapshot.entries.items() if entry.kind is not Kind.LINK)
