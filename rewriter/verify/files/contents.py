"""What the paths of an image are: the application, packages, or what their managers leave behind."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Final

from rewriter.model.caching.mounts import cache_folders
from rewriter.model.data.package_roles import NODE_MANAGERS, NODE_TOOLS
from rewriter.verify.files import accounts
from rewriter.verify.files.installed import (
    Installed,
    Package,
    folders_and_files,
    has_rpm,
    installation_scripts,
    node_packages,
    python_packages,
    ruby_packages,
    system_packages,
)
from rewriter.verify.files.snapshot import Kind, Snapshot
from rewriter.verify.report import ALWAYS, Allowed


class Group(StrEnum):
    """What a reader sorts differences by."""

    APPLICATION = "application"
    """All that is nothing else."""

    LANGUAGE = "language packages"
    SYSTEM = "system packages"
    BUILD_TOOLS = "build tools"
    INSTALLERS = "installers"
    RECORDS = "installer records"
    BYTECODE = "byte code"
    ENVIRONMENTS = "virtual environments"
    USERS = "users"
    CACHES = "package caches"
    LOGS = "logs"

    def reason(self, allowed: Allowed, *, vanishes: bool = False) -> str:
        """Who allows a difference in this group."""
        if self in (Group.CACHES, Group.LOGS):
            return ALWAYS
        if self is Group.BUILD_TOOLS:
            said = allowed.reason("build-tools") if vanishes else ""
            return said or allowed.reason("system-packages")
        if self is Group.ENVIRONMENTS and vanishes:
            return ""
        return allowed.reason(_WORDS.get(self, ""))


_WORDS: Final[Mapping[Group, str]] = {
    Group.SYSTEM: "system-packages",
    Group.INSTALLERS: "installers",
    Group.RECORDS: "installer-records",
    Group.BYTECODE: "bytecode",
    Group.ENVIRONMENTS: "virtual-environment",
}
"""The words of `rewriter.fixing.changes` that allow a difference in a group."""


# Two builds of one file differ in these, and no program of an image reads them: locks, backups, and the databases of
# package managers, whose packages are compared instead.
_UNIMPORTANT: Final = re.compile(
    r"/etc/(?:ld\.so\.cache|machine-id|\.pwd\.lock|(?:passwd|group|shadow|gshadow|subuid|subgid)-|apk/world)|"
    r"/etc/ssl/certs/java/cacerts|/run/adduser|/run/lock(?:/.*)?|"
    r"/var/cache/(?:debconf|ldconfig|fontconfig|man)(?:/.*)?|/var/lib/(?:dpkg|rpm|ucf|pam|dnf|yum)(?:/.*)?|"
    r"/usr/lib/sysimage(?:/.*)?|/var/lib/apt/extended_states|/(?:usr/)?lib/apk/db(?:/.*)?|/var/lib/shells\.state|"
    r"/var/lib/dbus/machine-id|/root/\.(?:wget-hsts|node_repl_history|python_history|bash_history)"
)

_LOGS: Final = re.compile(r"/var/log(?:/.*)?|.*/(?:npm|yarn|pnpm)-(?:debug|error)\.log")

_CACHES: Final = re.compile(
    # https://virtualenv.pypa.io/en/latest/cli_interface.html, --app-data
    r"/(?:root|home/[^/]+)/\.(?:cache|local/share)/virtualenv(?:/.*)?|"
    r"/(?:root|home/[^/]+)/\.yarn(?:/berry(?:/.*)?)?|"  # https://yarnpkg.com/configuration/yarnrc#globalFolder
    r"/var/cache/(?:apk|dnf|yum|libdnf5|zypp|PackageKit)(?:/.*)?|/etc/apk/cache(?:/.*)?|"
    # apt's configuration about keeping downloads, which stands in official images
    r"/etc/apt/apt\.conf\.d/(?:docker-clean|keep-cache)|"
    r"/tmp/(?:v8-compile-cache|node-compile-cache|yarn--|npm-|pip-|uv-|corepack-)[^/]*(?:/.*)?|/tmp/\.?yarn-cache.*|"
    r".*/\.(?:node-gyp|yarn/berry/cache|cache/(?:node-gyp|pnpm|go-build|Microsoft/TypeScript))(?:/.*)?"
)
"""Caches that no cache mount of ours holds; the others are known to `rewriter.model.caching.mounts`."""

_RECORDS: Final = re.compile(
    r".*/\.yarn/install-state\.gz|"  # https://yarnpkg.com/configuration/yarnrc#installStatePath
    r".*\.dist-info/(?:INSTALLER|REQUESTED|RECORD|direct_url\.json|uv_cache\.json|uv_build\.json)|"
    r".*/node_modules/\.(?:package-lock\.json|pnpm/lock\.yaml|yarn-integrity|yarn-state\.yml|modules\.yaml|pnpm-workspace-state.*)|"
    r".*/installed-files\.txt"
)

# What distributions write when packages are installed: links between alternatives, indexes of certificates, of
# services and the like. They belong to no package, but follow from those that are there.
_MADE_BY_PACKAGES: Final = re.compile(
    r"/etc/(?:alternatives|ssl/certs|rc[0-6S]\.d|systemd|ca-certificates|pam\.d|java[^/]*|emacs|sgml|xml|mercurial)(?:/.*)?|"
    r"/etc/python[23](?:\.\d+)?(?:/.*)?|"
    r"/etc/(?:ca-certificates\.conf|shells|mailcap|inputrc|environment|security/opasswd)|/usr/share/(?:info/dir|mime(?:/.*)?)|"
    r"/usr/local/lib/python[\d.]+(?:/dist-packages)?|"  # which Debian's python3 makes for pip, and empty
    r".*/(?:gschemas\.compiled|giomodule\.cache|loaders\.cache|mimeinfo\.cache|icon-theme\.cache|\.uuid)|"
    r"/var/lib/(?:systemd|python|alternatives|polkit-1|sgml-base|xml-core|emacsen-common|man-db|dbus|apt)(?:/.*)?"
)
_OF_RPM: Final = re.compile(r"/(?:usr/(?!local/|src/)|bin/|sbin/|lib/|lib64/|etc/|var/lib/)[^/].*")

_INSTALLERS: Final = frozenset({"pip", "setuptools", "wheel", "distribute", "uv", "npm"}) | NODE_MANAGERS
_OF_INSTALLERS: Final = re.compile(
    r"(?:/usr/local|/usr)/lib/node_modules/(?:npm|corepack|yarn|pnpm|@yarnpkg)(?:/.*)?|/opt/yarn-v[^/]+(?:/.*)?|"
    r"(?:/usr/local|/usr)/bin/(?:npm|npx|corepack|yarn|yarnpkg|pnpm|pnpx|pip[\d.]*|uv|uvx)|"
    r".*/\.cache/node/corepack(?:/.*)?|/root/\.(?:npmrc|yarnrc)|.*/\.config/(?:pip|uv|yarn|configstore|pypoetry)(?:/.*)?|"
    # where pipenv would make environments: https://pipenv.pypa.io/en/stable/virtualenv.html
    r"/(?:root|home/[^/]+)/\.local/share/virtualenvs"
)

# The folders and programs of packages that are installed beside a project to build it.
_OF_NODE_TOOLS: Final = re.compile(
    rf"/usr(?:/local)?/lib/node_modules/(?:@nestjs|@angular|{'|'.join(map(re.escape, sorted(NODE_TOOLS)))})(?:/.*)?|"
    r"/usr(?:/local)?/bin/(?:tsc|tsserver|nest|ng|node-gyp|gulp|grunt|webpack|webpack-cli|vite|turbo|rimraf)"
)
_BUILD_TOOLS: Final = re.compile(
    r"(?:gcc|g\+\+|cpp|gfortran|clang|llvm|lld|gdb|golang|rustc|cargo|nodejs-dev|openjdk-\d+-jdk|linux-headers)(?:-.*)?|"
    r"(?:binutils|lib(?:gcc|stdc\+\+|gfortran|asan|tsan|ubsan)-\d+-dev|dpkg-dev|libdpkg-perl)(?:-.*)?|"
    r"(?:auto(?:conf|make|tools-dev|point)|build-(?:essential|base)|fortify-headers|fakeroot|libfakeroot|make|cmake)(?:-.*)?|"
    r"(?:bison|flex|gettext|gperf|intltool|libtool|m4|meson|nasm|ninja(?:-build)?|patch|pkg-?conf(?:ig)?|yasm|swig)|"
    r".+-(?:dev|devel|headers)|linux-libc-dev|libc-dev-bin|rpcsvc-proto|"
    r"lib(?:asan|atomic|binutils|cc1-|ctf|gprofng|hwasan|isl|itm|lsan|mpc|mpfr|quadmath|tsan|ubsan)[-\w]*"
)
"""Packages of distributions that only building needs."""


class Contents:
    """What lies in an image; `environment` is that of its configuration, which may move caches."""

    def __init__(self, snapshot: Snapshot, environment: Mapping[str, str]) -> None:
        self.snapshot: Final = snapshot
        self.packages: Final[dict[tuple[str, str, str], Package]] = {}
        self._caches: Final = frozenset(cache_folders(environment, accounts.homes(snapshot)))
        self._above_caches: Final = frozenset(_folders_above(self._caches))
        self._owners: Final[dict[str, Package]] = {}
        self._roots: Final[dict[str, Package]] = {}
        self._groups: Final[dict[str, Group | None]] = {}
        self._add(system_packages(snapshot))
        self._add(self._of_languages())

    def _of_languages(self) -> list[Installed]:
        names = ("info", "package.json", ".gemspec")
        paths = sorted(it for it in folders_and_files(self.snapshot) if it.endswith(names) and self._is_free(it))
        snapshot = self.snapshot
        found = [*python_packages(snapshot, paths), *ruby_packages(paths), *node_packages(snapshot, paths)]
        return [(package, files) for package, files in found if not _is_inside_tools(package.place)]

    def _is_free(self, path: str) -> bool:
        return path not in self._owners and not self._is_cache(path) and not _is_inside_tools(path)

    def _add(self, installed: Iterable[Installed]) -> None:
        for package, files in installed:
            twin = self.packages.get(package.key)
            if twin and twin.version != package.version:
                versions = sorted({*twin.version.split(", "), package.version})
                package = package._replace(version=", ".join(versions))
            self.packages[package.key] = package
            for path in files:
                entry = self.snapshot.entries.get(path)
                if entry and entry.kind is Kind.FOLDER and not package.is_of_the_system:
                    self._roots[path] = package
                elif entry or package.is_of_the_system:  # slim images lack files of packages, but have links to them
                    self._owners.setdefault(path, package)

    def owner(self, path: str) -> Package | None:
        """The package that a path belongs to."""
        if found := self._owners.get(path) or self._owners.get(self._alternative(path)):
            return self.packages[found.key]
        if compiled := _SOURCE.fullmatch(path):
            return self.owner(f"{compiled[1]}/{compiled[2]}.py")
        for folder in (path, *_above(path)):
            if found := self._roots.get(folder):
                return self.packages[found.key]
        if self._is_link_among_modules(path):
            target = self.snapshot.real(path)
            return self.owner(target) if target != path and target else None
        return self._owner_of_all.get(path)

    def maker(self, path: str) -> Package | None:
        """The package whose installation script made what is in no list.

        That is a link to a file of the package in a folder that the script names, or an empty folder that it names.
        """
        entry = self.snapshot.entries.get(path)
        kind = entry.kind if entry else None
        if kind is Kind.LINK:
            owner = self._owners.get(self.snapshot.real(path))
            return owner if owner and posixpath.dirname(path) in self._named_by_scripts.get(owner.name, ()) else None
        if kind is not Kind.FOLDER or path in self._full_folders:
            return None
        makers = (name for name, paths in self._named_by_scripts.items() if path in paths)
        return next(filter(None, (self.packages.get(("dpkg", "", name)) for name in makers)), None)

    @cached_property
    def _named_by_scripts(self) -> dict[str, frozenset[str]]:
        """The paths in the installation scripts of packages."""
        return {name: frozenset(_PATH.findall(text)) for name, text in installation_scripts(self.snapshot).items()}

    def _is_link_among_modules(self, path: str) -> bool:
        """Whether a path is a link to a module or to a program of one: pnpm lays modules out by them."""
        entry = self.snapshot.entries.get(path)
        return "/node_modules/" in path and entry is not None and entry.kind is Kind.LINK

    def _alternative(self, path: str) -> str:
        """What a link that `update-alternatives` made leads to, directly or through its own folder."""
        for _ in range(2):
            entry = self.snapshot.entries.get(path)
            is_one = entry and (path.startswith(_ALTERNATIVES) or entry.target.startswith(_ALTERNATIVES))
            path = entry.target if entry and is_one else path
        return self.snapshot.place(path)

    @cached_property
    def _owner_of_all(self) -> dict[str, Package | None]:
        """For folders of languages' packages that hold one package's files: that package."""
        found: dict[str, Package | None] = {}
        for path, package in self._owners.items():
            if package.manager != "Python":
                continue
            for folder in _above(path):
                if not folder.startswith(f"{package.place}/"):
                    break
                found[folder] = package if found.get(folder, package) == package else None
        return found

    def group(self, path: str) -> Group | None:
        """What a path is; None for what no two builds have alike and no program needs."""
        if path not in self._groups:
            self._groups[path] = self._group(path)
        return self._groups[path]

    def _group(self, path: str) -> Group | None:
        if _UNIMPORTANT.fullmatch(path):
            return None
        if self._is_cache(path):
            return Group.CACHES
        if _LOGS.fullmatch(path):
            return Group.LOGS
        if path in accounts.FILES:
            return Group.USERS
        if "/__pycache__" in path:
            return Group.BYTECODE
        if _OF_INSTALLERS.fullmatch(path):
            return Group.INSTALLERS
        if _RECORDS.fullmatch(path) or self._is_lock_of_environment(path) or self._is_empty_among_packages(path):
            return Group.RECORDS
        if owner := self.owner(path):
            return group_of(owner)
        languages = self.compilers & _OF_COMPILERS.keys()
        if _OF_NODE_TOOLS.fullmatch(path) or any(_OF_COMPILERS[one].fullmatch(path) for one in languages):
            return Group.BUILD_TOOLS
        if self._is_of_environment(path):
            return Group.ENVIRONMENTS
        return Group.SYSTEM if self._is_made_by_packages(path) else Group.APPLICATION

    def _is_empty_among_packages(self, path: str) -> bool:
        """Whether a path is an empty folder among Python's packages: uv makes those of a wheel, pip does not."""
        entry = self.snapshot.entries.get(path)
        if entry is None or entry.kind is not Kind.FOLDER or path in self._full_folders:
            return False
        return posixpath.basename(posixpath.dirname(path)) in ("site-packages", "dist-packages")

    @cached_property
    def _full_folders(self) -> frozenset[str]:
        return frozenset(map(posixpath.dirname, self.snapshot.entries))

    def _is_lock_of_environment(self, path: str) -> bool:
        """Whether a path is what uv locks a virtual environment by."""
        folder, name = posixpath.split(path)
        return name == ".lock" and f"{folder}/pyvenv.cfg" in self.snapshot.entries

    def is_in_environment(self, path: str) -> bool:
        """Whether a path lies in a virtual environment: https://docs.python.org/3/library/venv.html."""
        return any(f"{folder}/pyvenv.cfg" in self.snapshot.entries for folder in (path, *_above(path)))

    def _is_of_environment(self, path: str) -> bool:
        """Whether a path is what `python -m venv` makes."""
        folder = next((it for it in (path, *_above(path)) if f"{it}/pyvenv.cfg" in self.snapshot.entries), "")
        return bool(folder) and _OF_ENVIRONMENT.fullmatch(path[len(folder) :]) is not None

    def is_above_cache(self, path: str) -> bool:
        """Whether a folder is there because of the caches below it, as far as its name tells."""
        return path in self._above_caches

    def _is_cache(self, path: str) -> bool:
        if path in self._caches or path in self._above_caches or _CACHES.fullmatch(path):
            return True
        return any(folder in self._caches for folder in _above(path))

    def _is_made_by_packages(self, path: str) -> bool:
        entry = self.snapshot.entries.get(path)
        if entry and entry.target.startswith((_ALTERNATIVES, _FONTS)):
            return True
        return bool(_MADE_BY_PACKAGES.fullmatch(path) or (self._has_rpm and _OF_RPM.fullmatch(path)))

    @cached_property
    def compilers(self) -> frozenset[str]:
        """The languages whose compilers are installed as in their official images."""
        entries = self.snapshot.entries
        found = {language for language, path in _COMPILERS.items() if path in entries}
        return frozenset(found | {"java"} if any(path.endswith("/bin/javac") for path in entries) else found)

    @cached_property
    def _has_rpm(self) -> bool:
        return has_rpm(self.snapshot)

    def cache_of(self, path: str) -> str:
        """The folder of the cache that a path lies in; the path itself where it is not known."""
        folders = (path, *_above(path))
        last = next((it for it in folders if posixpath.dirname(it) == "/tmp"), path)
        return next((folder for folder in folders if folder in self._caches), last)


_OF_ENVIRONMENT: Final = re.compile(
    r"|/pyvenv\.cfg|/\.gitignore|/(?:bin|include|lib|lib64|share|etc)|/include/(?:site/)?python[\d.]*(?:/[^/]+)?|"
    r"/lib(?:64)?/python[\d.]+(?:/site-packages)?|/bin/(?:[Aa]ctivate(?:[._]\w+)*|deactivate\.\w+|python[\d.]*|pip[\d.]*)"
)
# Where official images keep compilers, and what they make for packages: https://github.com/docker-library/golang,
# https://github.com/rust-lang/docker-rust, https://github.com/dotnet/dotnet-docker
_COMPILERS: Final = {
    "go": "/usr/local/go",
    "rust": "/usr/local/cargo/bin/cargo",
    "dotnet": "/usr/share/dotnet/sdk",
}
_OF_COMPILERS: Final = {
    "go": re.compile(r"/usr/local/go(?:/.*)?|/go(?:/(?:bin|src|pkg))?"),
    # `cargo install` puts programs beside those that come with it.
    "rust": re.compile(
        r"/usr/local/(?:rustup(?:/.*)?|cargo(?:/(?!bin/).*)?|"
        r"cargo/bin/(?:cargo(?:-clippy|-fmt|-miri)?|clippy-driver|rls|rust-(?:analyzer|gdb|gdbgui|lldb)|rust(?:c|doc|fmt|up)))"
    ),
    "dotnet": re.compile(
        r"/usr/share/(?:dotnet/(?:sdk|packs|templates|sdk-manifests|dnx)|powershell)(?:/.*)?|"
        r"/root/\.dotnet(?:/(?!tools/).*)?"  # not the tools that one installs
    ),
}
_PATH: Final = re.compile(r"(?<![\w./$}-])/[\w./+-]*[\w+-]")
_ALTERNATIVES: Final = "/etc/alternatives/"
_FONTS: Final = "/usr/share/fontconfig/conf.avail/"
_SOURCE: Final = re.compile(r"(.*)/__pycache__/([^/.]+)\.[^/]*pyc")


def group_of(package: Package) -> Group:
    """What a package is."""
    if package.is_of_the_system:
        return Group.BUILD_TOOLS if _BUILD_TOOLS.fullmatch(package.name) else Group.SYSTEM
    is_installer = package.name in _INSTALLERS and (package.manager == "Python" or package.place.startswith("/usr/"))
    return Group.INSTALLERS if is_installer else Group.LANGUAGE


def _is_inside_tools(path: str) -> bool:
    return _OF_INSTALLERS.fullmatch(path) is not None or _OF_NODE_TOOLS.fullmatch(path) is not None


def _above(path: str) -> Iterable[str]:
    """The folders above a path, the nearest first, without the root."""
    while (path := posixpath.dirname(path)) != "/":
        yield path


def _folders_above(caches: Collection[str]) -> Iterable[str]:
    """Hidden folders that exist for a cache below them, such as `.cache`, but hold other things too."""
    for cache in caches:
        yield from (folder for folder in _above(cache) if "/." in folder)
