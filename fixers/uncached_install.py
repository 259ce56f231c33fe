"""Installs that download everything again whenever their layer is built anew."""

from collections.abc import Iterable, Iterator

from rewriter.fixing.commands import remove_cleanup, remove_words, text_in_front
from rewriter.fixing.edits import insert_after, insert_in_front, remove_instruction, remove_word, replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.fixing.flags import insert_flags
from rewriter.model.caching.apt import DOCKER_CLEAN, AptLayers, AptRun, find_apt_layers
from rewriter.model.caching.builds import BuildLayers, find_build_layers
from rewriter.model.caching.installs import InstallRun, find_install_runs, find_switches
from rewriter.model.caching.system import SystemCall, SystemRun, find_system_runs
from rewriter.model.features import reason_against_mounts
from rewriter.model.settings import Settings
from rewriter.model.state import States
from rewriter.syntax.text import Edit
from rewriter.syntax.tree import Dockerfile, Env
from rewriter.syntax.words import Word


@fixer(
    code="DF202",
    name="uncached-install",
    level=Level.SAFE,
    phase="cache",
    changes=["package-caches", "env"],
    gains=["speed", "size"],
    example=Example(
        before="FROM node:20\nCOPY package*.json ./\nRUN npm ci && npm cache clean --force\n",
        after="FROM node:20\nCOPY package*.json ./\nRUN --mount=type=cache,target=/root/.npm npm ci\n",
    ),
)
def mount_caches(dockerfile: Dockerfile, states: States, settings: Settings) -> Iterator[Fix | Skip]:
    """Keep what package managers download in BuildKit cache mounts, which outlive the layer and are not in the image.

    When a layer is built anew, because one package more is asked for, only that one is downloaded. What would empty the
    cache (`--no-cache-dir`, `npm cache clean`, `rm -rf /var/lib/apt/lists/*`) goes, for the mount is not in the image.

    apt gets mounts on all RUNs of a stage and the stages based on it or on none: each must run its own update, and
    Debian's `docker-clean`, which deletes downloads, is lifted before the first.

    apk keeps packages from Alpine 3.23 on, and dnf from Fedora 41 on, each RUN for itself: what told them not to goes,
    and they are told to ask for today's index, as they would without a cache. Older releases are left alone: apk 2
    shares too much between images, and in dnf 4 the lock of a build that was stopped halts the next one. So is bundler:
    its cache has nothing but names and versions to tell the gems of two sources apart.
    """
    if not (settings.has_mounts or settings.why_legacy):
        return
    reason = reason_against_mounts(dockerfile, settings)
    can_mount = not reason
    for layers in find_apt_layers(states):
        yield from _apt_fixes(layers) if can_mount else ()
    for one in find_system_runs(states) if can_mount else ():
        yield _system_fix(one)
    for builds in find_build_layers(states) if can_mount else ():
        yield from _build_fixes(builds)
    installs = list(find_install_runs(states))
    switches = list(find_switches(dockerfile, installs)) if can_mount else []
    for variables, word in switches:
        message = f"{word.text} would keep the cache mounts empty"
        yield Fix(variables, message, _without(variables, word), level=Level.GUARDED)
    for install in installs:
        if not can_mount:
            yield Skip(install.run, reason)
        elif install.problem:
            yield Skip(install.run, install.problem, install.culprit)
        else:
            yield Fix(install.run, f"what {install.manager} downloads is kept in a cache mount", _edits(install))


def _without(variables: Env, word: Word) -> Iterable[Edit]:
    if len(variables.words) == 1:
        return remove_instruction(variables, keep_comments=True)
    return remove_words(variables.dockerfile, variables.words, [word])


def _edits(install: InstallRun) -> Iterator[Edit]:
    run = install.run
    yield insert_flags(run, [mount.flag for mount in install.mounts])
    for call, words in install.hindrances:
        yield from remove_words(run.dockerfile, call.command.words, words)
    for assignment in install.assignments:
        yield remove_word(run.dockerfile, assignment)
    yield from remove_cleanup(run, install.cleanup)


def _build_fixes(builds: BuildLayers) -> Iterator[Fix | Skip]:
    if builds.problem:
        for one in builds.runs:
            yield Skip(one.run, builds.problem, builds.culprit)
        return
    edits: list[Edit] = []
    for one in builds.runs:
        edits.append(insert_flags(one.run, [mount.flag for mount in one.mounts]))
        edits += remove_cleanup(one.run, one.cleanup)
    message = f"what {builds.manager} downloads is kept in a cache mount"
    yield Fix(builds.runs[0].run, message, edits, reads=[one.run.span for one in builds.runs[1:]])


def _apt_fixes(layers: AptLayers) -> Iterator[Fix | Skip]:
    waiting = [one for one in layers.runs if one.mounts]
    if not waiting:
        return
    if layers.problem:
        for one in waiting:
            if one.is_install:
                yield Skip(one.run, layers.problem, layers.culprit)
        return
    if not any(one.is_install for one in waiting):
        return
    edits: list[Edit] = []
    for one in waiting:
        edits += _apt_edits(one)
    others = [one.run.span for one in waiting[1:]]
    yield Fix(waiting[0].run, "what apt downloads is kept in cache mounts", edits, reads=others)


def _apt_edits(one: AptRun) -> Iterator[Edit]:
    run, script = one.run, one.run.script
    flags = [mount.flag for mount in one.mounts]
    gone = one.cleanup.items
    first = next(number for number in range(len(script.items)) if number >= one.first and number not in gone)
    is_at_start = script is run.shell and all(number in gone for number in range(first))
    command = f"{one.sudo}rm -f {DOCKER_CLEAN}"
    lift = text_in_front(run, first, command, on_own_line=is_at_start and bool(flags)) if one.lifts else ""
    yield insert_flags(run, flags, in_front=lift if is_at_start else "")
    if lift and not is_at_start:
        yield insert_in_front(script.pipelines[first], lift)
    yield from remove_cleanup(run, one.cleanup)


def _system_fix(one: SystemRun) -> Fix | Skip:
    if one.problem:
        return Skip(one.run, one.problem, one.culprit)
    edits: list[Edit] = []
    for call in one.calls:
        edits += _system_edits(one, call)
    edits += remove_cleanup(one.run, one.cleanup)
    edits.append(insert_flags(one.run, [one.habits.mount.flag], along=edits))
    return Fix(one.run, f"what {one.habits.name} downloads is kept in a cache mount", edits)


def _system_edits(one: SystemRun, call: SystemCall) -> Iterator[Edit]:
    habits, words = one.habits, call.call.command.words
    options = " ".join([habits.keeps, *([habits.asks] if call.is_stale else [])])
    before = call.call.program if habits.is_early else call.call.subcommand
    if call.refusals:
        yield replace(call.refusals[0], options)
        yield from remove_words(one.run.dockerfile, words, call.refusals[1:])
    elif before is not None:
        yield insert_after(before, f" {options}")
