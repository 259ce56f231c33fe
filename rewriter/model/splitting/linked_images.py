"""The image that a compiled program runs in: a small one of the release that the compiler's image is based on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from rewriter.model.data.debian import SUITES
from rewriter.model.data.official_tags import listing, suite_in, suites
from rewriter.model.data.package_roles import only_runs
from rewriter.model.image import ImageReference
from rewriter.model.installing.stage_installs import simple_commands
from rewriter.model.managers.vocabulary import names
from rewriter.model.programs import programs_of_package
from rewriter.model.slimming.twins import kinds
from rewriter.model.splitting.compiled import Compiled
from rewriter.model.splitting.parts import UnsplitError
from rewriter.model.splitting.settings import mentions
from rewriter.model.splitting.system_packages import Base, base_of
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Run

_OF_THE_IMAGE: Final = {
    program: package
    for package, programs in {
        "curl": "curl",
        "git": "git",
        "wget": "wget",
        "procps": "pgrep pkill ps top",
        "openssh-client": "ssh scp sftp ssh-keygen ssh-keyscan",
        "ca-certificates": "update-ca-certificates",
    }.items()
    for program in programs.split()
}
"""Programs that the compilers' images have, and the small ones of Debian have not, with their packages."""

_NOTHING_MORE: Final = "--no-install-recommends "
_IS_DATA: Final = re.compile(
    r"(?:fonts|ttf|font|hunspell|aspell)-.*|tzdata|ca-certificates|locales|mime-support|media-types"
)
_SERVES_BUILDS: Final = names(
    "apt-utils apt-transport-https autoconf automake bison build-essential clang cmake curl dpkg-dev flex g++ gcc git "
    "gnupg gnupg2 lld lldb llvm lsb-release make mold musl-dev musl-tools nasm ninja-build patch perl pkg-config "
    "pkgconf protobuf-compiler protoc python3 software-properties-common sudo unzip wget xz-utils zip"
)
"""Packages beside those of `data/debian` that are installed for builds; programs of some are asked for by name."""


def release_of(stage: Stage, language: str) -> str:
    """The release of the compiler's image: the one that its tag names, else the newest that it is published for."""
    origin = stage.origin
    if origin is None or "$" in stage.from_.image.text or origin.digest or stage.parent:
        raise UnsplitError(f"which {language} image it is may change")
    known = [one for one in suites(origin) if one in SUITES or one.startswith("alpine")]
    found = max((one for one in known if _is_published(origin, one)), key=_number, default="")
    if not found:
        raise UnsplitError(f"the release that the {language} image is based on is not known")
    return found


def small_image(stage: Stage, release: str) -> str:
    """The small image of a release, from the same registry."""
    assert stage.origin is not None
    registry = stage.origin.name.removesuffix(stage.origin.family)
    if release.startswith("alpine"):
        return f"{registry}alpine:{release.removeprefix('alpine')}"
    return f"{registry}debian:{release}-slim"


def pinned_to(stage: Stage, release: str) -> str:
    """The compiler's image of just this release; empty where the tag names one already."""
    origin = stage.origin
    assert origin is not None
    return "" if suite_in(origin.tag) else f"{origin.name}:{_with_release(origin.tag, release)}"


def _is_published(origin: ImageReference, release: str) -> bool:
    if suite_in(origin.tag) == release:
        return True
    return listing(origin._replace(tag=_with_release(origin.tag, release))) is not None


def _number(release: str) -> tuple[int, ...]:
    if release in SUITES:
        return (SUITES.index(release),)
    return tuple(int(part) for part in release.removeprefix("alpine").split("."))


def _with_release(tag: str, release: str) -> str:
    if release.startswith("alpine"):
        return f"{tag.removesuffix('alpine')}{release}"
    return f"{tag}-{release}" if tag and tag != "latest" else release


class Needed(NamedTuple):
    """The packages that the small image of a base needs, and the options that they are installed with."""

    base: Base
    packages: tuple[str, ...]
    options: str

    @property
    def programs(self) -> frozenset[str]:
        """The programs that the packages bring."""
        return frozenset().union(*map(programs_of_package, self.packages))


def needed_packages(compiled: Compiled, release: str, first: Iterable[str], *, is_parallel: bool) -> Needed:
    """What the small image needs: some packages in any case, what RUNs that go leave, what is called by name.

    What a RUN installs with the packages that are recommended for it, is installed with them.
    """
    reading = compiled.reading
    base = base_of(reading.stage, is_parallel=is_parallel)
    if base is None:
        raise UnsplitError("the packages of the base image's release are not known")
    base = base._replace(suites=frozenset({release}))
    kept = compiled.kept()
    packages = dict.fromkeys(first)
    options = _NOTHING_MORE
    for run, system in reading.system_runs(base).items():
        if system.is_unclear:
            raise UnsplitError("what line {line} installs is not known", system.run)
        if run in compiled.systems:
            named = [one.text for one in kept if not isinstance(one, Run)]
            own = [it for it in system.kept() if it not in system.libraries and _may_be_needed(it, named)]
            packages.update(dict.fromkeys((*own, *system.libraries)))
            options = system.options if own else options
    start = reading.project.start
    texts = [one.text for one in kept] + [command.text for command in (start.commands if start else ())]
    texts += [reading.context.read(script) or "" for script in compiled.scripts]
    if base.manager == "apt-get":
        texts += [" ".join(service.health_command or ()) for service in reading.services]
        called = (it for program, it in _OF_THE_IMAGE.items() if any(mentions(text, program) for text in texts))
        packages.update(dict.fromkeys(called))
        _require_known_programs(compiled, packages)
    return Needed(base, tuple(packages), options)


def _require_known_programs(compiled: Compiled, packages: Collection[str]) -> None:
    """Raise where a RUN that stays, or what a container starts, calls another program of the compiler's image."""
    reading = compiled.reading
    start = reading.project.start
    called = {posixpath.basename(command.words[0].value) for command in (start.commands if start else ())}
    runs = (run for run in reading.runs if compiled.below.get(run, [run]))
    called |= {command.name for run in runs for step in reading.steps(run) for command in simple_commands(step)}
    there = _OF_THE_IMAGE.keys() | {program for package in packages for program in programs_of_package(package)}
    lacking = kinds()["ruby", "slim"].lacks & called - there
    if lacking:
        raise UnsplitError(f"`{min(lacking)}` is not in the small image")


def _may_be_needed(package: str, texts: Iterable[str]) -> bool:
    """Whether a program that starts no others itself, or what stays beside it, may need a package that builds do not.

    What the program is linked with, or a script, may call any program; the names of packages often differ from those.
    """
    if (
        only_runs(package)
        or package.startswith("lib")
        or _IS_DATA.fullmatch(package)
        or any(mentions(text, package) for text in texts)
    ):
        return True
    return package not in _SERVES_BUILDS
