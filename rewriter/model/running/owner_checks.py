"""Steps of root that do otherwise once a COPY gives its files to the user: git and npm look at who owns a folder.

git serves nobody but the owner of `.git`, not even root, and npm 7 and 8 run scripts as the owner of the folder:
https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory,
https://docs.npmjs.com/cli/v7/using-npm/scripts#user
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.source_texts import UnreadSourcesError, source_texts
from rewriter.model.data.base_contents import base_contents
from rewriter.model.effects.copies import CopiedFiles
from rewriter.model.effects.known_programs import ACCOUNT_PROGRAMS, PATH_PROGRAMS, SILENT
from rewriter.model.installing.node_versions import manager_version
from rewriter.model.managers.call import call_of
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import SYSTEM_MANAGERS, names
from rewriter.model.programs import has_program
from rewriter.model.running.shipped import Doubt, Shipped, text_of
from rewriter.model.running.written_folders import absolute, folders_made_by, is_inside
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.shell import SimpleCommand
from rewriter.syntax.tree import Copy, Instruction, Run, Workdir

_ELSEWHERE: Final = re.compile(r"\bcd\s|--prefix\b|\s-C\s|--cwd\b")
_GIT: Final = ".git"
_CALLS_NOTHING: Final = SILENT | PATH_PROGRAMS | ACCOUNT_PROGRAMS
# Go writes the commit into what it builds: https://pkg.go.dev/cmd/go#hdr-Compile_packages_and_dependencies
_STAMPS: Final = names("build install run")
_STAMPS_NOTHING: Final = re.compile(r"-buildvcs=(?:false|0)\b")
# Calls in sources, and packages that take the version of a project from git.
_CALLS_GIT: Final = re.compile(
    r"\bgit\b[\s\"',(\[]*(?:-C\b|--\w|rev-|describe|log\b|show\b|status\b|diff\b|tag\b|branch\b|ls-files|lfs\b|"
    r"submodule|symbolic-ref|archive\b|name-rev|remote\b|for-each-ref|checkout\b|fetch\b)"
    r"|setuptools[-_]scm|setuptools-git|hatch-vcs|versioningit|dunamai|dynamic-versioning|versioneer|miniver|"
    r"poetry-version-plugin|incremental\[scm|pdm-bump|\bpbr\b|gitpython|\bvergen\b|\bgit2\b|git-version|gitversion|"
    r"git-rev|git-describe|git-repo-info|simple-git|buildnumber|nerdbank|minver|gitinfo|palantir\.git|nebula\.release",
    re.IGNORECASE,
)
_SOURCES: Final = re.compile(
    r"\.(?:py|pyx|[cm]?[jt]sx?|vue|rb|rs|go|sh|bash|mk|cmake|gradle|kts|groovy|php|ex|exs|toml|cfg|json|xml|cs\w*|props|"
    r"targets|gemspec|ya?ml)\Z|(?:Makefile|makefile|GNUmakefile|Rakefile|Taskfile|Justfile|justfile|configure|gradlew)\Z"
)
_LOCKS: Final = re.compile(r"(?:\A|/)(?:package-lock\.json|[\w-]*-lock\.\w+|[\w-]+\.lock)\Z")


def doubt_of_owner_checks(copies: Iterable[Copy], shipped: Shipped) -> Doubt | None:
    """Why some COPYs cannot give their files to another user: a RUN of root that follows minds."""
    caller_in_sources = cache(lambda: _caller_in(shipped.context))
    for copy in copies:
        copied = CopiedFiles(copy, shipped.states.at(copy), shipped.context)
        brings_repository = _brings_repository(copied, shipped)
        for run in (one for one in shipped.runs if one.start > copy.start):
            if brings_repository and (caller := _caller_of_git(run, shipped, caller_in_sources)):
                return Doubt(f"{caller} git, which serves nobody but the owner of .git: name it in .dockerignore", run)
            if _runs_scripts_as_owner(run, copied, shipped):
                return Doubt("the npm of line {line} would run scripts as the owner of the folder", run)
    return None


# npm


def _runs_scripts_as_owner(run: Run, copied: CopiedFiles, shipped: Shipped) -> bool:
    """Whether an old npm runs scripts in a folder that a COPY brings, or makes."""
    state = shipped.states.at(run)
    is_npm = any(call.manager.name == "npm" for call in calls(run))
    if not is_npm or manager_version("npm", state, {}, run) not in (7, 8):
        return False
    copy = copied.instruction
    if copy.source_stage is not None or not copied.target or _ELSEWHERE.search(text_of(run)):
        return True
    return is_inside(state.workdir, copied.target) and not _is_made_above(state.workdir, copy, shipped)


def _is_made_above(folder: str, copy: Copy, shipped: Shipped) -> bool:
    """Whether a folder is there before a COPY, and so remains root's."""
    above = (one for one in shipped.steps if one.start < copy.start)
    return any(is_inside(path, folder) for one in above for path in _made_by(one, shipped))


def _made_by(step: Instruction, shipped: Shipped) -> Iterator[str]:
    """The folders that a step makes, if they are not there."""
    state = shipped.states.at(step)
    if isinstance(step, Workdir):
        yield absolute(state.expand(step.path.text) or UNKNOWN_PART, state.workdir)
    elif isinstance(step, Copy) and not step.flag("chown"):
        yield CopiedFiles(step, state, shipped.context).target
    elif isinstance(step, Run):
        yield from folders_made_by(step, shipped)


# git


def _brings_repository(copied: CopiedFiles, shipped: Shipped) -> bool:
    return copied.instruction.source_stage is None and any(
        source.is_tree and shipped.context.status(posixpath.join(source.path, _GIT)) != "absent"
        for source in copied.sources
    )


def _caller_of_git(run: Run, shipped: Shipped, caller_in_sources: Callable[[], str]) -> str:
    """What of a RUN calls git, or may; empty where nothing does, or git is not there. `{line}` is that of the RUN."""
    if not _may_have_git(run, shipped):
        return ""
    text = text_of(run)
    if _CALLS_GIT.search(text):
        return "line {line} calls"
    commands = list(run.script.simple_commands()) if run.json is None else []
    go = (command for command in commands if command.name == "go" and len(command.words) > 1)
    if any(command.words[1].value in _STAMPS for command in go) and not _STAMPS_NOTHING.search(text):
        return "`go` in line {line} calls"
    if commands and not run.heredocs and not any(run.script.opaques()) and all(map(_calls_nothing, commands)):
        return ""
    caller = caller_in_sources()
    return f"{caller}, which line {{line}} may run, calls" if caller else ""


def _calls_nothing(command: SimpleCommand) -> bool:
    call = call_of(command)
    return command.name in _CALLS_NOTHING or (call is not None and call.manager.name in SYSTEM_MANAGERS)


def _may_have_git(run: Run, shipped: Shipped) -> bool:
    """Whether git may be there at a RUN: of the images whose contents are known, some lack it."""
    state = shipped.states.at(run)
    origin = state.stage.origin if state.stage else None
    return has_program("git", state) or not base_contents(origin).tools


def _caller_in(context: BuildContext) -> str:
    """What of the sources of a project calls git; empty where none does."""
    paths = context.walk("", lambda name: _SOURCES.search(name) is not None and not _LOCKS.search(name))
    if paths is None:
        return "a source that is not read"
    try:
        for path, text in source_texts(context, paths):
            if _CALLS_GIT.search(text):
                return path
    except UnreadSourcesError:
        return "a source that is not read"
    return ""
