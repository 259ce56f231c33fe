"""Whether Yarn leaves packages in its cache in the home folder, and programs are run from there.

Yarn 2 and newer unpacks nothing by default: `.pnp.cjs` leads to the archives in its cache, which the projects of a user
share from Yarn 4 on. https://yarnpkg.com/features/pnp, https://yarnpkg.com/configuration/yarnrc#enableGlobalCache
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from rewriter.model.project.sources import Sources
from rewriter.model.running.shipped import Shipped
from rewriter.syntax.tree import Run

_FIRST_WITH_SHARED_CACHE: Final = 4
_SETTING: Final = re.compile(r"(?m)^(\w+):[ \t]*[\"']?([^\s\"'#]+)")
_RELEASE: Final = re.compile(r"yarn[-@](\d+)")
_ELSEWHERE: Final = ("YARN_CACHE_FOLDER", "YARN_GLOBAL_FOLDER")


def keeps_packages_in_home(run: Run, shipped: Shipped) -> bool:
    """Whether what an install of Yarn brings is run from the home folder of the user who installs."""
    folder, sources = shipped.states.at(run).workdir, shipped.project.sources
    settings = dict(_SETTING.findall(_text(posixpath.join(folder, ".yarnrc.yml"), sources)))
    release = _RELEASE.search(settings.get("yarnPath", "")) or _RELEASE.search(_package_manager(folder, sources))
    is_berry = "__metadata:" in _text(posixpath.join(folder, "yarn.lock"), sources)
    version = int(release[1]) if release else _FIRST_WITH_SHARED_CACHE if is_berry else 1
    state = shipped.states.at(run)
    linker = state.get("YARN_NODE_LINKER") or settings.get("nodeLinker", "pnp")
    is_elsewhere = "cacheFolder" in settings or "globalFolder" in settings or any(map(state.is_set, _ELSEWHERE))
    if version == 1 or linker != "pnp" or is_elsewhere:
        return False
    is_shared = state.get("YARN_ENABLE_GLOBAL_CACHE") or settings.get("enableGlobalCache", "")
    return is_shared in ("true", "1") or (not is_shared and version >= _FIRST_WITH_SHARED_CACHE)


def _text(path: str, sources: Sources) -> str:
    origin = sources.origin(path)
    text = sources.read(origin) if origin else ""
    return text if isinstance(text, str) else ""


def _package_manager(folder: str, sources: Sources) -> str:
    origin = sources.origin(posixpath.join(folder, "package.json"))
    package = sources.json(origin) if origin else {}
    return str(package.get("packageManager", "")) if isinstance(package, dict) else ""
