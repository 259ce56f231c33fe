"""bun.lock: the workspace that stands for the project must name the same ranges as package.json.

Source: https://bun.com/docs/pm/lockfile
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rewriter.model.installing.locks.package_json import GROUPS, group, read_object

_STRING_OR_COMMA: Final = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])')


def out_of_step(text: str, package: Mapping[str, Any], version: int) -> str:
    """Why bun would not take the lock file as it is."""
    if not version:
        return "whether this bun reads {lock} is not known"
    # JSON, but for commas behind the last item.
    lock = read_object(_STRING_OR_COMMA.sub(lambda it: "" if it[0] == "," else it[0], text))
    if lock is None:
        return "{lock} cannot be understood"
    projects = lock.get("workspaces")
    if not isinstance(projects, dict) or not isinstance(projects.get(""), dict):
        return "{lock} cannot be understood"
    if len(projects) > 1:
        return "{lock} holds several projects"
    tables = ("overrides", "patchedDependencies", "trustedDependencies", "catalog", "catalogs")
    if any(package.get(name) or lock.get(name) for name in (*tables, "resolutions")):
        return "package.json or {lock} has settings of bun that must be the same in both"
    for name in GROUPS:
        asked, locked = group(package, name), group(projects[""], name)
        if asked != locked:
            differing = sorted(key for key in {**asked, **locked} if asked.get(key) != locked.get(key))
            return f"{{lock}} is out of step with package.json: {differing[0]}"
    return ""
