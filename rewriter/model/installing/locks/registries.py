"""Where a lock file fetches packages from."""

from __future__ import annotations

import re
from typing import Final

_ADDRESS: Final = re.compile(
    r"(?:resolved\"?:? \"|tarball: )(?:git\+)?[a-z]+://(?:[^@/\"\s]*@)?([^/:\"\s]+)", re.IGNORECASE
)
_PUBLIC: Final = frozenset({"registry.npmjs.org", "registry.yarnpkg.com", "github.com", "codeload.github.com",
                            "gitlab.com", "bitbucket.org"})  # fmt: skip


def other_registry(text: str) -> str:
    """A host other than the public ones that a lock file names, which a build may not reach; empty for none."""
    return next((found[1] for found in _ADDRESS.finditer(text) if found[1].lower() not in _PUBLIC), "")
