"""What the `# syntax` line of a file allows: which version of the Dockerfile language has which feature."""

from __future__ import annotations

import re
from typing import Final

from rewriter.model.image import parse_image
from rewriter.model.settings import Settings
from rewriter.syntax.tree import Directive, Dockerfile

MINIMUM: Final[dict[str, tuple[int, int]]] = {
    "run-mount": (1, 2),
    "copy-chmod": (1, 2),
    "heredoc": (1, 4),
    "secret-env": (1, 10),
}
"""The first version with a feature: https://github.com/moby/buildkit/releases?q=dockerfile"""

_NO_MOUNTS: Final = "the `# syntax` line names a version that does not know RUN --mount"
_VERSION: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?:\.[0-9]+)?(?:-(labs|experimental))?\Z")


def reason_against_mounts(dockerfile: Dockerfile, settings: Settings) -> str:
    """Why a RUN of a file can mount nothing, for people; empty where it can, or the user says that it cannot."""
    return settings.why_legacy or ("" if allows(dockerfile, "run-mount") else _NO_MOUNTS)


def allows(dockerfile: Dockerfile, feature: str) -> bool:
    """Whether the frontend that the file names has a feature; without a name it is the builder's own, which does."""
    named = _syntax_image(dockerfile)
    if not named:
        return True
    image = parse_image(named)
    if image.repository not in ("docker/dockerfile", "docker/dockerfile-upstream"):
        return False
    version = _VERSION.match(image.tag)
    if not version:
        return image.tag in ("", "latest", "labs", "experimental", "master")
    is_early_experiment = version[3] == "experimental"  # these had RUN --mount from the start
    number = (int(version[1]), int(version[2]) if version[2] else 99)
    return number >= MINIMUM[feature] or (is_early_experiment and feature == "run-mount")


def _syntax_image(dockerfile: Dockerfile) -> str:
    for node in dockerfile.nodes:
        if not isinstance(node, Directive):
            break
        if node.name == "syntax":
            return node.value
    return ""
