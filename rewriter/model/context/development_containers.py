"""Whether an editor builds an image to develop in: https://containers.dev/implementors/json_reference/"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.services import Service

_FILES: Final = (".devcontainer/devcontainer.json", ".devcontainer.json", "devcontainer.json")
_DOCKERFILE: Final = re.compile(r"\"docker[fF]ile\"\s*:\s*\"([^\"]+)\"")
_COMPOSE: Final = re.compile(r"\"([^\"\n]+\.ya?ml)\"")


def is_for_developers(context: BuildContext, services: Iterable[Service]) -> bool:
    """Whether a development container is built from the Dockerfile of a context, or by the files of its services."""
    dockerfile = context.dockerfile or "Dockerfile"
    if ".devcontainer" in f"{context.root}/{dockerfile}":
        return True
    wanted = {dockerfile, *(service.file for service in services)}
    for file in _FILES:
        text = context.host.read(file) or ""
        named = (*_DOCKERFILE.findall(text), *_COMPOSE.findall(text))
        if any(posixpath.normpath(posixpath.join(posixpath.dirname(file), one)) in wanted for one in named):
            return True
    return False
