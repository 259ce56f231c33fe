"""The command that takes packages for developers out of a Node project that is built.

A workspace of pnpm is installed once more, for `pnpm prune` empties the packages below:
https://pnpm.io/cli/prune
What is left in the virtual store would wait there for a week: https://pnpm.io/settings#modulescachemaxage
pnpm would also run the scripts of the project again, such as `husky`, without the packages that they need.
Yarn 4 has `workspaces focus` itself, older ones as a plugin: https://yarnpkg.com/cli/workspaces/focus
"""

from __future__ import annotations

import re
import shlex
from typing import Final

from rewriter.model.installing.locks.package_json import group
from rewriter.model.installing.node_versions import manager_version
from rewriter.model.splitting.node_builds import Builds, named
from rewriter.model.splitting.node_needs import Manifest
from rewriter.model.splitting.parts import New, UnsplitError
from rewriter.model.state import State
from rewriter.syntax.tree import Run

_LINKER: Final = re.compile(r"(?m)^nodeLinker:\s*[\"']?node-modules\b")
_RELEASE: Final = re.compile(r"(?m)^yarnPath:.*\byarn-(\d+)\.")
_FIRST_WITH_FOCUS: Final = 4
_FIRST_WITH_OPTION: Final = 8
_PATCHES: Final = re.compile(r"\bpatch-package\b|\b(?:sed|cp|mv|patch|perl)\s[^&|;]*\bnode_modules/")
"""What yarn takes back, for it fetches files anew that are not as long as they were."""
_INSTALL_SCRIPTS: Final = ("preinstall", "install", "postinstall")


def pruning(builds: Builds, manifest: Manifest, state: State, last: Run) -> New:
    """The RUN that stands behind the last build. Raises UnsplitError where none is known to do just that."""
    managers = {call.manager.name for _, call in builds.installs}
    if len(managers) != 1:
        raise UnsplitError("several package managers install the packages")
    for run, call in builds.installs:
        known = manifest.running | manifest.developing | {"."}
        if stranger := next((name for name in named(call) if name not in known), ""):
            raise UnsplitError(f"line {{line}} installs {stranger}, which is not in package.json", run)
    command = _command(managers.pop(), builds, manifest, state, last)
    where = "" if state.workdir == builds.folder else f"cd {shlex.quote(builds.folder)} && "
    return New("RUN", where + command)


def _command(manager: str, builds: Builds, manifest: Manifest, state: State, last: Run) -> str:
    release = _RELEASE.search(manifest.read(".yarnrc.yml")) if manager == "yarn" else None
    version = int(release[1]) if release else manager_version(manager, state, manifest.package, last)
    if manager != "pnpm" and not version:
        raise UnsplitError(f"which version of {manager} runs is not known")
    if manager != "npm" and "@prisma/client" in manifest.running:
        raise UnsplitError(f"{manager} may remove the generated client of Prisma")
    scripts = " ".join(map(str, group(manifest.package, "scripts").values()))
    if manager != "npm" and _PATCHES.search(f"{scripts} {builds.text}"):
        raise UnsplitError(f"{manager} undoes what is changed in node_modules")
    if manager == "npm":
        calls = [call for _, call in builds.installs]
        peers = " --legacy-peer-deps" if any(call.has("--legacy-peer-deps", "--force", "-f") for call in calls) else ""
        return f"npm prune --omit=dev{peers}" if version > 6 else "npm prune --production"
    is_frozen = any(call.has("--frozen-lockfile") for _, call in builds.installs)
    if manager == "pnpm":
        if not manifest.has("pnpm-workspace.yaml"):
            option = "--config.ignore-scripts=true" if 0 < version < _FIRST_WITH_OPTION else "--ignore-scripts"
            return f"CI=true pnpm prune --prod {option}"
        frozen = "--frozen-lockfile " if is_frozen else ""
        return f"CI=true pnpm install --prod {frozen}--ignore-scripts --config.modules-cache-max-age=0"
    if version == 1 and not manifest.has(".yarnrc.yml"):
        frozen = "--frozen-lockfile " if is_frozen else ""
        return f"yarn install --production {frozen}--ignore-scripts --prefer-offline"
    if version < _FIRST_WITH_FOCUS:
        raise UnsplitError("this Yarn has no command that leaves only some packages")
    if not _LINKER.search(manifest.read(".yarnrc.yml")):
        raise UnsplitError("this Yarn keeps packages outside of node_modules")
    if script := next((name for name in _INSTALL_SCRIPTS if name in manifest.scripts), ""):
        raise UnsplitError(f"Yarn runs the script `{script}` again when packages go")
    return "yarn workspaces focus --all --production"
