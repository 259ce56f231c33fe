"""Base images without a version, which are another image next year."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.model.image import ImageReference
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.tree import Dockerfile, Run

if TYPE_CHECKING:
    from rewriter.model.project.toolchain import Asked


@fixer(
    code="DF103",
    name="moving-base-tag",
    level=Level.GUARDED,
    phase="stages",
    replaces=["DL3006", "DL3007"],
    changes=["base-image", "build-tools", "bytecode", "env", "installers", "system-packages"],
    gains=["reliability"],
    example=Example(
        before='FROM node:latest\nCOPY server.js .\nCMD ["node", "server.js"]\n',
        after='FROM node:20\nCOPY server.js .\nCMD ["node", "server.js"]\n',
        files=((".nvmrc", "20\n"), ("server.js", "")),
    ),
)
def name_version(_: Dockerfile, states: States, context: BuildContext) -> Iterator[Fix | Skip]:
    """Name the version of a base image that has no tag, or `latest`.

    Such a build is another one whenever a new version is published, and may break on a day when nobody changed
    anything. The version is the one that the project itself names: `.python-version`, `.nvmrc`, `.node-version`,
    `.tool-versions`, `.ruby-version`, `rust-toolchain`, the `toolchain` of go.mod.

    Where no file does, what `latest` stood for when dfix learnt the tags is as good a choice as any, but only you can
    make it, as with a version that a manifest merely bounds: with `--select DF103`. Of images that are not among
    Docker's official ones the versions are not known.
    """
    for stage in states.graph.stages:
        if stage.base is not None and _is_moving(stage.base):
            yield _of_stage(stage, stage.base, context)


def _is_moving(image: ImageReference) -> bool:
    return not image.digest and not image.is_scratch and image.tag in ("", "latest")


def _of_stage(stage: Stage, image: ImageReference, context: BuildContext) -> Fix | Skip:
    from rewriter.model.data.official_tags import is_known, meaning_of_latest
    from rewriter.model.project.toolchain import contradiction, is_same, versions_asked_for

    if stage.from_.image.text != str(image):
        return Skip(stage.from_, "a variable says which tag it is")
    if not is_known(image):
        return Skip(stage.from_, f"which versions of {image.name} there are is not known")
    asked = list(versions_asked_for(image.family, context))
    exact = [one for one in asked if one.is_exact]
    if asked:
        other = next((one.file for one in exact if not is_same(one.version, exact[0].version)), "")
        if other := other or (contradiction(asked[0], image.family, context) if exact else ""):
            files = dict.fromkeys((asked[0].file, other))
            return Skip(stage.from_, f"{' and '.join(files)} ask{'' if len(files) > 1 else 's'} for different versions")
        return _as_asked(stage, image, asked[0])
    if tag := meaning_of_latest(image):
        return _fix(stage, image, tag, f"`latest` was {tag} when dfix learnt the tags", level=Level.OPT_IN)
    return Skip(stage.from_, f"which version of {image.name} is meant cannot be told")


def _as_asked(stage: Stage, image: ImageReference, asked: "Asked") -> Fix | Skip:
    """The version that the project asks for; files that name one come before those that bound it."""
    from rewriter.model.data.official_tags import is_version, suite

    if not asked.version or not is_version(image, asked.version):
        return Skip(stage.from_, f"{asked.file} names no single version")
    tag = _tag_for(image, asked.version)
    if not tag:
        return Skip(stage.from_, f"{asked.file} asks for {asked.version}, which {image.name} has no tag for")
    release = suite(image._replace(tag=tag))
    if release != suite(image._replace(tag="latest")) and any(map(_installs_system_packages, stage.family)):
        return Skip(stage.from_, f"{image.name}:{tag} is of {release or 'another release'}, where packages differ")
    level = Level.GUARDED if asked.is_exact else Level.OPT_IN
    return _fix(stage, image, tag, f"{asked.file} asks for {asked.version}", level=level)


def _installs_system_packages(stage: Stage) -> bool:
    return any(
        isinstance(one, Run) and f"{name} " in one.text for one in stage.instructions for name in SYSTEM_MANAGERS
    )


def _tag_for(image: ImageReference, version: str) -> str:
    """The tag of a version; that of its first numbers where the whole was never published, or not yet."""
    from rewriter.model.data.official_tags import listing

    numbers = version.split(".")
    tags = [".".join(numbers[:length]) for length in range(len(numbers), 0, -1)]
    return next((tag for tag in tags[:2] if listing(image._replace(tag=tag))), "")


def _fix(stage: Stage, image: ImageReference, tag: str, why: str, *, level: Level) -> Fix:
    named = str(image._replace(tag=tag))
    return Fix(stage.from_, f"{named}: {why}", [replace(stage.from_.image, named)], level=level)
