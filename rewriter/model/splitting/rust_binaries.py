"""The programs that `cargo` builds besides the one that is started: someone may start them as well.

https://doc.rust-lang.org/cargo/reference/cargo-targets.html#target-auto-discovery
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rewriter.model.managers.call import Call
from rewriter.model.project.answers import Unknown
from rewriter.model.project.sources import Sources, table
from rewriter.model.splitting.parts import UnsplitError

_CHOOSE: Final = ("--bin", "-p", "--package", "--manifest-path", "--example", "--exclude", "--profile")
_MOST: Final = 6
"""How many programs are copied one by one."""


def other_binaries(sources: Sources, folder: str, calls: Sequence[Call], started: str) -> list[str]:
    """The paths of those programs beside the started one, as far as they are built for sure.

    The last of the `calls` builds the package, or the workspace, in a folder of the image. Raises UnsplitError where
    there are more than one would copy by name.
    """
    place = posixpath.dirname(started)
    fitting = [call for call in calls if call.action == "install" or _profile(call) == posixpath.basename(place)]
    names = {one.value for call in fitting for one in call.options if one.name == "--bin" and one.value}
    origin = sources.origin(posixpath.join(folder, "Cargo.toml"))
    if origin and calls[-1] in fitting and not calls[-1].has(*_CHOOSE) and _is_here(calls[-1]):
        document = sources.toml(origin)
        if not isinstance(document, Unknown):
            names |= set(_programs(document, posixpath.dirname(origin), sources))
    names.discard(posixpath.basename(started))
    if len(names) > _MOST:
        raise UnsplitError(f"more than {_MOST} programs are built besides the one that is started")
    return [posixpath.join(place, name) for name in sorted(names) if "$" not in name]


def _profile(call: Call) -> str:
    return "release" if call.has("--release", "-r") else "debug"


def _is_here(call: Call) -> bool:
    return all(option.value in (".", "./") for option in call.options if option.name == "--path")


def _programs(document: dict[str, Any], folder: str, sources: Sources) -> Iterator[str]:
    if "package" in document:
        yield from _of_package(document, folder, sources)
        return
    workspace = table(document, "workspace")
    if "default-members" in workspace or "exclude" in workspace:
        return
    for member in workspace.get("members") or ():
        base = posixpath.join(folder, str(member).removesuffix("/*"))
        listed = sources.context.list(base) or () if str(member).endswith("/*") else (".",)
        for name in listed:
            place = posixpath.normpath(posixpath.join(base, name))
            inner = sources.toml(posixpath.join(place, "Cargo.toml"))
            if "*" not in place and not isinstance(inner, Unknown):
                yield from _of_package(inner, place, sources)


def _of_package(document: dict[str, Any], folder: str, sources: Sources) -> Iterator[str]:
    package, told = table(document, "package"), [one for one in document.get("bin") or () if isinstance(one, dict)]
    conditional = {one.get("name") for one in told if "required-features" in one}
    yield from (str(one["name"]) for one in told if "name" in one and one["name"] not in conditional)
    if package.get("autobins") is False or "edition" not in package or any("path" in one for one in told):
        return
    found = sources.context.list(posixpath.join(folder, "src")) or ()
    names = [str(package.get("name"))] if "main.rs" in found else []
    for name in sources.context.list(posixpath.join(folder, "src/bin")) or () if "bin" in found else ():
        inner = sources.context.list(posixpath.join(folder, "src/bin", name)) or ()
        if name.endswith(".rs") or "main.rs" in inner:
            names.append(name.removesuffix(".rs"))
    yield from (name for name in names if name not in conditional)
