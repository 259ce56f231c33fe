"""Installs that keep to the lock file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rewriter.fixing.commands import remove_words
from rewriter.fixing.compose import speaks_of
from rewriter.fixing.edits import insert_after, replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.build_context import BuildContext
from rewriter.model.installing.stage_installs import StageInstalls
from rewriter.model.stages import Stage
from rewriter.model.state import States
from rewriter.syntax.text import Edit

if TYPE_CHECKING:
    from rewriter.model.installing.frozen_installs import FrozenInstall

_OF_FROZEN_INSTALLS = ("npm ci", "frozen", "immutable")


@fixer(
    code="DF302",
    name="npm-install",
    level=Level.GUARDED,
    phase="packages",
    changes=["installer-records", "locked-packages"],
    gains=["reliability", "speed"],
    example=Example(
        before="FROM node:20\nWORKDIR /app\nCOPY package.json ./\nRUN npm install\nCOPY . .\n",
        after="FROM node:20\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\nCOPY . .\n",
        files=(
            ("package.json", '{"name": "shop"}'),
            ("package-lock.json", '{"lockfileVersion": 3, "packages": {"": {"name": "shop"}}}'),
        ),
    ),
)
def keep_to_the_lock_file(stage: Stage, states: States, context: BuildContext) -> Iterator[Fix | Skip]:
    """Install the versions that the lock file names, and no others.

    `npm install` brings the lock file up to date, or does without one: the same Dockerfile makes another image
    tomorrow. `npm ci` installs what is locked, and fails where package.json asks for something else. Yarn 1, pnpm and
    bun do so with `--frozen-lockfile`, Yarn 2 and newer with `--immutable`. Where the build context holds a lock file
    that no COPY brings, the COPY of package.json brings it as well, unless it names a registry of one's own.

    The build context must show that the lock file is in step with package.json, holds the packages of all platforms,
    and is in a format that this version of the manager reads; an unknown context or version is left alone. So are
    installs that ask for no lock file, and `npm install` where node_modules holds something already, for `npm ci`
    begins by emptying it.

    `--prefer-offline` is not added: what a lock file names by address and checksum comes from npm's cache without a
    question to the registry anyway.
    """
    installs = StageInstalls(stage, states, context)
    if not installs.installs:
        return
    from rewriter.model.installing.frozen_installs import FrozenInstall, frozen_installs  # most files do without

    for found in frozen_installs(installs):
        if isinstance(found, FrozenInstall):
            yield _fix(found)
        else:
            yield Skip(found.install.run, found.reason, found.culprit)


def _fix(found: "FrozenInstall") -> Fix | Skip:
    run, call = found.install.run, found.install.call
    for instruction in (run, *found.relied_on):
        is_changed = instruction is run or found.added is not None
        if speaks_of(instruction, *_OF_FROZEN_INSTALLS, *(("lock",) if is_changed else ())):
            return Skip(run, "the comment above line {line} speaks of lock files", instruction)
    edits: list[Edit] = [replace(word, text) for word, text in found.replaced]
    if found.inserted:
        edits.append(insert_after(found.behind, found.inserted))
    edits += remove_words(run.dockerfile, call.command.words, found.dropped)
    message = f"the install keeps to {found.lock}"
    if found.added is not None:
        edits.append(insert_after(found.added.behind, found.added.text))
        if found.added.destination is not None:
            edits.append(replace(*found.added.destination))
        message += ", which is copied now"
    return Fix(run, message, edits, reads=[one.span for one in found.relied_on])
