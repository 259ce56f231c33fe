"""Installs of Node's packages that a lock file in step with package.json lets run without changing it.

    COPY package*.json ./                 COPY package*.json ./
    RUN npm install                 ->    RUN npm ci

Where the build context holds the lock file and only package.json is copied, the copy can bring both.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, takewhile
from typing import Any, Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.effects.copies import CopiedFiles, folder_at
from rewriter.model.effects.instructions import common_path
from rewriter.model.effects.shell import Step
from rewriter.model.installing.lock_file_copies import AddedSource, added_source
from rewriter.model.installing.locks import Question, out_of_step, yarn
from rewriter.model.installing.locks.package_json import read_object
from rewriter.model.installing.locks.registries import other_registry
from rewriter.model.installing.manifests import NotMovableError, Project, locks_of
from rewriter.model.installing.node_versions import manager_version, runs_by_corepack
from rewriter.model.installing.stage_installs import Install, StageInstalls, is_left_by_an_install, simple_commands
from rewriter.model.managers.call import Call, Option
from rewriter.model.managers.run_calls import calls
from rewriter.model.managers.vocabulary import names
from rewriter.syntax.shell_tree import Word
from rewriter.syntax.tree import Copy, Instruction, Run


class FrozenInstall(NamedTuple):
    """An install that can be told to keep to the lock file.

    `replaced` are words with what stands in their place, `inserted` is written behind `behind`, `dropped` are words
    that go. `lock` is the lock file's path in the context. `added` is the copy that must bring it as well, where none
    does yet. `relied_on` are the instructions that bring the files.
    """

    install: Install
    lock: str
    replaced: tuple[tuple[Word, str], ...]
    behind: Word
    inserted: str
    dropped: tuple[Word, ...]
    added: AddedSource | None
    relied_on: tuple[Instruction, ...]


class Loose(NamedTuple):
    """Why an install stays as it is; `{line}` stands for the line of the culprit."""

    install: Install
    reason: str
    culprit: Instruction | None = None


class _LooseError(Exception):
    def __init__(self, reason: str, culprit: Instruction | None = None) -> None:
        super().__init__(reason)
        self.reason: Final = reason
        self.culprit: Final = culprit


_MANAGERS: Final = names("npm yarn pnpm bun")
_FROZEN: Final = names("--frozen-lockfile --immutable --immutable-cache")
# What `npm ci` heeds as `npm install` does: https://docs.npmjs.com/cli/v11/commands/npm-ci
_KEPT_BY_NPM: Final = names(
    "--production --prod --only --omit --include --legacy-peer-deps --strict-peer-deps --force -f --no-audit --audit "
    "--no-fund --fund --silent -s --quiet -q --loglevel --verbose -d --unsafe-perm --ignore-scripts --no-optional "
    "--optional --prefer-offline --prefer-online --offline --registry --cache --no-progress --progress --prefix -C "
    "--no-bin-links --bin-links --no-update-notifier --userconfig --fetch-retries --fetch-timeout "
    "--fetch-retry-mintimeout --fetch-retry-maxtimeout --maxsockets --network-timeout --timeout --strict-ssl "
    "--no-strict-ssl --foreground-scripts --install-strategy --cpu --os --libc --no-color --color --also --dev "
    "--engine-strict --no-engine-strict --no-shrinkwrap=false --build-from-source --allow-root --python "
    "--ignore-engines --yes -y --cafile --ca --https-proxy --proxy --noproxy --arch --platform"
)
_MEANINGLESS: Final = names("--save -S --save-exact -E --no-save --save-prod -P --save-dev -D --save-optional -O")
"""Options about what a package named in the call is written down as; without one, they say nothing."""
_REFUSED: Final[Mapping[str, frozenset[str]]] = {
    "yarn": names("--no-lockfile --flat --update-checksums --mode --inline-builds --har --json --immutable "
                  "--immutable-cache --refresh-lockfile"),
    "pnpm": names("--no-frozen-lockfile --frozen-lockfile --no-lockfile --lockfile --lockfile-only --fix-lockfile "
                  "--resolution-only --prefer-frozen-lockfile --no-prefer-frozen-lockfile --force -f --dev -D "
                  "--merge-git-branch-lockfiles --lockfile-dir --shared-workspace-lockfile"),
    "bun": names("--no-save --force -f --dry-run --lockfile-only --save-text-lockfile --yarn -y --frozen-lockfile -g"),
}  # fmt: skip
_FREE: Final = names("--no-package-lock --package-lock --no-shrinkwrap --shrinkwrap --no-lockfile --no-frozen-lockfile")
_ELSEWHERE: Final = names("-w --workspace --workspaces --filter -F -r --recursive --lockfile-dir")
_SETTINGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "npm": ((".npmrc", "package-lock"), (".npmrc", "shrinkwrap"), (".npmrc", "workspaces")),
    "pnpm": ((".npmrc", "lockfile"), (".npmrc", "auto-install-peers"), (".npmrc", "exclude-links"),
             ("pnpm-workspace.yaml", ""), (".pnpmfile.cjs", ""), (".pnpmfile.mjs", "")),
    "yarn": ((".yarnrc", "lockfile"), (".yarnrc", "--install"), (".yarnrc.yml", "immutable"), (".yarnrc.yml", "lock")),
    "bun": (("bunfig.toml", "lockfile"), ("bunfig.toml", "frozen")),
}  # fmt: skip
"""Settings that change what becomes of lock files: the file, and a word in it; an empty one stands for the file."""
# They change who owns a file, or nothing at all.
_HARMLESS: Final = names("chmod chown chgrp mkdir cat ls head tail grep stat du echo")


def frozen_installs(all_: StageInstalls) -> Iterator[FrozenInstall | Loose]:
    """The installs of a stage that may change the lock file, or work without one."""
    for install in all_.installs:
        call = install.call
        if install.project is None or call.manager.name not in _MANAGERS or call.action != "install":
            continue
        starts = {one.command.start for one in calls(install.run)}  # others stand in an `if`
        if (
            any(word not in call.unknown for word in call.packages)
            or call.has(*_FROZEN)
            or call.command.start not in starts
        ):
            continue
        if _is_frozen_anyway(install.project):
            continue
        try:
            yield _Reader(all_, install, install.project).frozen()
        except _LooseError as error:
            yield Loose(install, error.reason, error.culprit)
        except NotMovableError as error:
            yield Loose(install, str(error), error.culprit)


def _is_frozen_anyway(project: Project) -> bool:
    """Whether CI is set, which pnpm and Yarn 2 and newer take for the option."""
    state = project.state
    if project.call.manager.name == "npm":
        return False
    if state.is_set("YARN_ENABLE_IMMUTABLE_INSTALLS"):
        return True
    return project.call.manager.name == "pnpm" and (state.get("CI") or "") not in ("", "false", "0")


def _sets_lock_files(run: Run) -> bool:
    """Whether a RUN changes the settings about lock files."""
    return any(
        call.action.startswith("config") and any("lock" in word.text for word in call.packages) for call in calls(run)
    )


def _sets_registry(run: Run) -> bool:
    text = run.view.text
    return "registry" in text and ("config" in text or "rc" in text)


class _Reader:
    """What is to be found out about one install."""

    def __init__(self, all_: StageInstalls, install: Install, project: Project) -> None:
        self._all: Final = all_
        self._install: Final = install
        self._project: Final = project
        self._call: Final[Call] = install.call
        self._manager: Final = install.call.manager.name
        self._context: Final[BuildContext] = all_.context

    def frozen(self) -> FrozenInstall:
        """The install that keeps to the lock file. Raises _LooseError or NotMovableError where there is none."""
        project = self._project
        self._require_plain_call()
        package_path = project.path("package.json")
        brought = project.brought_by(package_path)
        if brought is None and self._context.status("package.json") == "unknown":
            raise _LooseError("the build context is not known")
        if brought is None:
            raise _LooseError("package.json does not come from the build context by a COPY")
        package = self._object(project.read("package.json"))
        lock, added = self._lock(brought)
        text = self._context.read(lock)
        if text is None:
            raise _LooseError(f"{lock} cannot be read")
        if is_left_by_an_install(lock, self._context):
            raise _LooseError(f"git ignores {lock}, so others have none")
        if added is not None and (host := other_registry(text)):
            raise _LooseError(f"{lock} names {host}, which a build may not reach")
        if added is not None and self._manager == "yarn" and self._has_a_mirror():
            raise _LooseError(f"{lock} names registries, and the build has one of its own")
        self._require_no_settings()
        if package.get("workspaces"):
            raise _LooseError("package.json has workspaces, whose manifests must be in step as well")
        version = manager_version(self._manager, project.state, package, self._install.run)
        if self._manager == "yarn" and not self._is_yarn(version, text):
            version = 0
        settings = posixpath.join(posixpath.dirname(brought[1]), ".yarnrc.yml")
        if self._manager == "yarn" and not project.has(".yarnrc.yml") and self._context.status(settings) != "absent":
            raise _LooseError(f"{settings}, which may change what {lock} holds, is not copied")
        question = Question(self._manager, lock, text, package, version, self._ignores_peers())
        if reason := out_of_step(question):
            raise _LooseError(reason)
        lock_path = project.path(posixpath.basename(lock))
        self._require_unchanged(brought[0].instruction, (package_path, lock_path))
        if self._manager == "npm":
            self._require_no_modules()
        return self._result(lock, added, brought[0], version)

    def _result(self, lock: str, added: AddedSource | None, manifest: CopiedFiles, version: int) -> FrozenInstall:
        call = self._call
        replaced: list[tuple[Word, str]] = []
        dropped: list[Word] = []
        behind, inserted = call.subcommand or call.program, ""
        if self._manager == "npm":
            assert call.subcommand is not None
            replaced.append((call.subcommand, "ci"))
            dropped = [option.word for option in call.options if option.name in _MEANINGLESS]
        else:
            option = "--immutable" if self._manager == "yarn" and version > 1 else "--frozen-lockfile"
            pure = [one.word for one in call.options if one.name == "--pure-lockfile"]
            if pure:
                replaced.append((pure[0], option))
            else:
                inserted = f" {option}" if call.subcommand else f" install {option}"
        relied = {manifest.instruction}
        if added is None and (found := self._project.brought_by(self._project.path(posixpath.basename(lock)))):
            relied.add(found[0].instruction)
        ordered = tuple(sorted(relied, key=lambda it: it.start))
        return FrozenInstall(
            self._install, lock, tuple(replaced), behind, inserted, tuple(dropped), added, ordered
        )  # fmt: skip

    def _require_plain_call(self) -> None:
        call, step = self._call, self._install.step
        if call.unknown:
            raise _LooseError(f"a variable is involved: {call.unknown[0].text}")
        if step.item.operator == "||":
            raise _LooseError("it stands in for a command that failed")
        if not step.folder:
            raise _LooseError("in which folder it installs is not known")
        for option in call.options:
            if option.name in _FREE:
                raise _LooseError(f"`{option.name}` asks for an install without a lock file")
            if option.name in _ELSEWHERE:
                raise _LooseError(f"`{option.name}` picks projects of a workspace")
            if not self._is_understood(option):
                raise _LooseError(f"`{option.name}` may not go with an install that keeps to the lock file")
        for mount in self._install.run.mounts:
            if "node_modules" in mount.value:
                raise _LooseError("node_modules is a mount")

    def _is_understood(self, option: Option) -> bool:
        if self._manager == "npm":
            return option.name in _KEPT_BY_NPM or (option.name in _MEANINGLESS and option.value_word is None)
        return option.name not in _REFUSED[self._manager]

    @staticmethod
    def _object(text: str) -> Mapping[str, Any]:
        value = read_object(text)
        if value is None:
            raise _LooseError("package.json cannot be understood")
        return value

    def _lock(self, brought: tuple[CopiedFiles, str]) -> tuple[str, AddedSource | None]:
        """The lock file's path in the context, and the copy that has to bring it where none does."""
        known = locks_of(self._manager)
        for name in reversed(known) if self._manager == "npm" else known:  # a shrinkwrap goes before the other
            found = self._project.brought_by(self._project.path(name))
            if found is not None:
                if name == "bun.lockb":
                    raise _LooseError("bun.lockb is no text, so whether it is in step cannot be told")
                return found[1], None
        copied, manifest = brought
        folder = posixpath.dirname(manifest)
        for name in known:
            path = posixpath.join(folder, name)
            if self._context.status(path) == "absent":
                if self._context.host.status(path) != "absent":
                    raise _LooseError(f"the ignore file keeps {path} out")
                continue
            if name == "bun.lockb":
                break
            return path, self._added_to(copied, name)
        raise _LooseError(f"{posixpath.join(folder, known[0])} is not in the build context")

    def _added_to(self, copied: CopiedFiles, name: str) -> AddedSource:
        added = added_source(copied, self._project.path("package.json"), name)
        if isinstance(added, str):
            raise _LooseError(added, copied.instruction)
        return added

    def _is_yarn(self, version: int, lock: str) -> bool:
        """Whether a version of Yarn, as far as the Dockerfile and package.json tell it, is the one that runs."""
        settings = self._project.read(".yarnrc.yml") if self._project.has(".yarnrc.yml") else ""
        if version == 1:
            return not settings and not yarn.is_modern(lock)
        return "yarnPath" in settings or runs_by_corepack(self._project.state, self._install.run)

    def _has_a_mirror(self) -> bool:
        """Whether a registry is set, of which Yarn 1 asks for nothing that a lock file names by its address."""
        project, files = self._project, (".npmrc", ".yarnrc")
        if self._call.has("--registry") or any(project.state.runs_where(_sets_registry)):
            return True
        if any(project.state.is_set(name) for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry", "YARN_REGISTRY")):
            return True
        return any("registry" in project.read(name) for name in files if project.has(name))

    def _require_no_settings(self) -> None:
        state = self._project.state
        for variable in ("NPM_CONFIG_PACKAGE_LOCK", "npm_config_package_lock", "npm_config_lockfile"):
            if state.is_set(variable):
                raise _LooseError(f"{variable} says what becomes of lock files")
        if any(True for _ in state.runs_where(_sets_lock_files)):
            raise _LooseError("an earlier RUN says what becomes of lock files")
        for file, word in _SETTINGS[self._manager]:
            if self._project.has(file) and word in self._project.read(file):
                raise _LooseError(f"{file} says what becomes of lock files")

    def _ignores_peers(self) -> bool:
        if self._call.has("--legacy-peer-deps", "--force", "-f"):
            return True
        project = self._project
        if any(project.state.is_set(name) for name in ("NPM_CONFIG_LEGACY_PEER_DEPS", "npm_config_legacy_peer_deps")):
            return True
        settings = project.read(".npmrc") if self._manager == "npm" and project.has(".npmrc") else ""
        lines = (line.replace(" ", "") for line in settings.split("\n"))
        return any(line.strip() in ("legacy-peer-deps=true", "force=true") for line in lines)

    def _require_unchanged(self, since: Instruction, paths: Sequence[str]) -> None:
        """Nothing between the copy and the install may write to package.json or the lock file."""
        for run, steps in self._all.steps.items():
            if not since.start < run.start <= self._install.run.start:
                continue
            assert isinstance(run, Run)
            for step in steps:
                if step is self._install.step:
                    return
                if self._may_change(step, paths):
                    raise _LooseError("line {line} may change package.json or the lock file", run)

    def _may_change(self, step: Step, paths: Sequence[str]) -> bool:
        for call in step.calls:
            if call.manager.name not in _MANAGERS or (call.action in ("run", "ci", "exec") and not step.unknown):
                continue
            if call.packages or call.action not in ("install", "ci", "run", "exec", "dlx", "build", "test", "start"):
                return True
        if all(command.name in _HARMLESS for command in simple_commands(step)) and not step.effects.unknown:
            return False
        if step.effects.unknown:
            text = step.item.pipeline.text
            return "package" in text or "lock" in text
        written = step.effects.writes | step.effects.makes
        return common_path(paths, written) != "" if written else False

    def _require_no_modules(self) -> None:
        """`npm ci` empties node_modules first, so nothing may have been put there."""
        folder = self._project.path("node_modules")
        below = [StageInstalls(stage, self._all.states, self._context) for stage in self._all.stage.lineage][1:]
        above = takewhile(lambda it: it.step is not self._install.step, self._all.installs)
        for other in chain(above, *(all_.installs for all_ in below)):
            if other.project is not None and other.project.path("node_modules") == folder:
                raise _LooseError("line {line} has filled node_modules, which `npm ci` would empty", other.run)
        for instruction in self._all.stage.instructions:
            if instruction.start >= self._install.run.start:
                break
            if isinstance(instruction, Copy) and instruction.words and self._brings_modules(instruction, folder):
                raise _LooseError("line {line} brings node_modules, which `npm ci` would empty", instruction)

    def _brings_modules(self, copy: Copy, folder: str) -> bool:
        state = self._all.states.at(copy)
        target = state.expand(copy.destination) or ""
        path = posixpath.normpath(posixpath.join(folder_at(state) or "/", target))
        if (path + "/").startswith(folder + "/") or any(
            posixpath.basename(source.rstrip("/")) == "node_modules" for source in copy.sources
        ):
            return True
        if copy.source_stage is not None:
            return (folder + "/").startswith(path.rstrip("/") + "/")
        copied = next((one for one in self._all.copies if one.instruction is copy), None)
        origin = copied.origin(folder) if copied else None
        return origin is not None and self._context.status(origin) in ("present", "unreadable")
