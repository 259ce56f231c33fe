"""What a Rust program is linked with, and what else its crates need of the system: told from Cargo.lock."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Unknown
from rewriter.model.project.sources import Sources, table
from rewriter.model.splitting.parts import UnsplitError

# https://docs.rs/openssl-probe/latest/openssl_probe/, https://docs.rs/rustls-native-certs/latest/rustls_native_certs/
_TRUSTS: Final = names(
    "curl-sys native-tls openssl-probe openssl-sys rustls rustls-native-certs rustls-platform-verifier boring-sys "
    "s2n-tls-sys"
)
# https://docs.rs/iana-time-zone/latest/iana_time_zone/, https://docs.rs/time/latest/time/#feature-flags
_TELLS_TIME: Final = names("chrono iana-time-zone jiff time tz-rs tzfile")
_LINKS: Final = re.compile(r"rustc-link|pkg_config|vcpkg|system_deps")
_DYNAMIC: Final = re.compile(r"prefer-dynamic|link-arg=-l|[\"'\s]-l[ =]?\w")


def crates_of(sources: Sources, folder: str) -> frozenset[str]:
    """The crates that a project in a folder of the image is built with. Raises UnsplitError where that is not known."""
    manifest = _copied(sources, folder, "Cargo.toml")
    if not manifest:
        raise UnsplitError("Cargo.toml is not in the build context")
    document = _read(sources, manifest)
    lock = _copied(sources, folder, "Cargo.lock")
    if not lock:
        if any(_dependencies(document)) or "workspace" in document:
            raise UnsplitError("there is no Cargo.lock: what the program is linked with is not known")
        return frozenset()
    packages = _read(sources, lock).get("package")
    found = frozenset(
        str(package.get("name")) for package in packages or () if isinstance(package, dict) and package.get("source")
    )
    own = frozenset(str(one.get("name")) for one in packages or () if isinstance(one, dict) and not one.get("source"))
    if missing := next((name for name in _dependencies(document) if name not in found | own), ""):
        raise UnsplitError(f"{lock} does not know {missing}")
    if strange := next((name for name in sorted(own) if name.endswith("-sys")), ""):
        raise UnsplitError(f"what the crate {strange} is linked with is not known")
    return found


def libraries_of(crates: frozenset[str]) -> tuple[str, ...]:
    """The packages of Debian whose libraries crates may be linked with. Raises UnsplitError where that is not known."""
    known, found = _table(), dict[str, None]()
    for name in sorted(crates):
        packages = known.get(name, None if name.endswith(("-sys", "-src")) else ())
        if packages is None and not (name.startswith(("windows", "winapi")) or name.endswith("openssl-src")):
            raise UnsplitError(f"what the crate {name} is linked with is not known")
        found.update(dict.fromkeys(packages or ()))
    return tuple(found)


def needs_of(crates: frozenset[str]) -> tuple[str, ...]:
    """The packages with data that crates look for: the certificates of authorities, the time zones."""
    needed = ("ca-certificates",) if crates & _TRUSTS else ()
    return (*needed, "tzdata") if crates & _TELLS_TIME else needed


def require_plain_links(sources: Sources, folder: str, text: str) -> None:
    """Raise unless the project itself links nothing; `text` are the instructions of the stage."""
    origin = sources.origin_of_folder(folder)
    paths = sources.context.walk(origin or "", names("build.rs config.toml config").__contains__)
    for path in paths or ():
        if posixpath.basename(path) != "build.rs" and posixpath.basename(posixpath.dirname(path)) != ".cargo":
            continue
        read = sources.read(path)
        if isinstance(read, Unknown):
            raise UnsplitError(read.reason)
        if (_LINKS if path.endswith(".rs") else _DYNAMIC).search(read):
            raise UnsplitError(f"{path} says what the program is linked with")
    if any("FLAGS" in line and _DYNAMIC.search(line) for line in text.split("\n")):
        raise UnsplitError("RUSTFLAGS say what the program is linked with")


def _copied(sources: Sources, folder: str, name: str) -> str:
    """The path in the context of a file in a folder of the image or, for a workspace, in those above."""
    while folder not in ("", "/"):
        if origin := sources.origin(posixpath.join(folder, name)):
            return origin
        folder = posixpath.dirname(folder)
    return ""


def _read(sources: Sources, path: str) -> dict[str, Any]:
    found = sources.toml(path)
    if isinstance(found, Unknown):
        raise UnsplitError(found.reason)
    return found


def _dependencies(document: dict[str, Any]) -> Iterator[str]:
    """https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html"""
    for kind in ("dependencies", "build-dependencies"):
        for name, wanted in table(document, kind).items():
            yield str(wanted["package"]) if isinstance(wanted, dict) and "package" in wanted else name


@cache
def _table() -> dict[str, tuple[str, ...] | None]:
    import os.path
    import tomllib

    folder = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data")
    with open(os.path.join(folder, "rust_crates.toml"), "rb") as file:
        entries = tomllib.load(file)["crate"]
    return {name: tuple(one["packages"]) if "packages" in one else None for one in entries for name in one["names"]}
