"""Other Dockerfiles of the project that start from the image: what they do would run as its user."""

from __future__ import annotations

import posixpath
from typing import Final

from rewriter.model.context.image_names import dockerfiles, is_called, names_of_image, without_tag
from rewriter.model.running.shipped import Doubt, Shipped
from rewriter.model.stages import Stage, StageGraph
from rewriter.syntax.parser import parse
from rewriter.syntax.tree import Cmd, Entrypoint, Run, User

_MOST_DOCKERFILES: Final = 200


def doubt_of_images_upon(shipped: Shipped) -> Doubt | None:
    """A Dockerfile that starts from the image, by the name that the project gives it, and names no user of its own."""
    context = shipped.context
    own = posixpath.normpath(context.dockerfile or "Dockerfile")
    others = [path for path in dockerfiles(context) if path != own][:_MOST_DOCKERFILES]
    if not others or not shipped.stage.is_final:
        return None
    built = (service.settings.get("image") for service in shipped.services if "build" in service.settings)
    names = names_of_image(context) | {without_tag(image) for image in built if isinstance(image, str)}
    for path in others if names else ():
        for stage in StageGraph(parse(context.host.read(path) or "")).stages:
            base = stage.base
            if base is not None and is_called(str(base), names) and _works_as_its_user(stage):
                return Doubt(f"{path} starts from the image, and may need root")
    return None


def _works_as_its_user(stage: Stage) -> bool:
    """Whether a stage runs something as the user of its base: while it is built, or as what a container starts."""
    first = next((one for one in stage.instructions if isinstance(one, Run | User | Cmd | Entrypoint)), None)
    return first is not None and not isinstance(first, User)
