"""What stands in front of CMD: whether the ENTRYPOINT in force runs the words of CMD as they are."""

from __future__ import annotations

import posixpath
from typing import Final

from rewriter.model.context.services import Services
from rewriter.model.data.base_contents import base_contents
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.start import own_entrypoint
from rewriter.model.stages import Stage
from rewriter.syntax.tree import Cmd, Entrypoint, ShellInstruction

INITS: Final = names("tini tini-static dumb-init docker-init catatonit")
"""Programs that run the command that they are given whatever it is: the manuals of the programs."""


def entrypoint_of(stage: Stage) -> ShellInstruction | None:
    """The ENTRYPOINT that the file gives an image; None where that of the image at the bottom stays."""
    for one in stage.lineage:
        for instruction in reversed(one.instructions):
            if isinstance(instruction, Entrypoint):
                return instruction
    return None


def reason_against_handing_over(stage: Stage, program: str) -> str:
    """Why the words of CMD are not simply run by what stands in front of them; empty where they are.

    What `/bin/sh -c "program …"` starts is then what `program …` starts. An entry script that looks at its first word
    does another thing when that is no longer the shell.
    """
    entrypoint = entrypoint_of(stage)
    if entrypoint is None:
        return _reason_in_base(stage, program)
    if entrypoint.json is None:
        return "the ENTRYPOINT is in shell form and does not see it"
    words = [string.value for string in entrypoint.json]
    if not words:
        return ""
    is_init = posixpath.basename(words[0]) in INITS and all(word.startswith("-") for word in words[1:])
    return "" if is_init else f"what the ENTRYPOINT `{words[0]}` makes of its arguments is not known"


def _reason_in_base(stage: Stage, program: str) -> str:
    folder, _, name = list(stage.lineage)[-1].from_.image.text.rpartition("/")
    image = stage.origin
    if image is None or "$" in folder + name.partition(":")[0]:
        return "a build argument decides which image it starts from, and so which ENTRYPOINT"
    own = own_entrypoint(image)
    if own or (own is None and base_contents(image).entrypoint):
        return f"what the ENTRYPOINT of `{image}` makes of its arguments is not known"
    if own is None:
        return f"the ENTRYPOINT of `{image}` is not known"
    if image.family == program == "nginx":
        # https://github.com/nginx/docker-nginx/blob/master/entrypoint/docker-entrypoint.sh
        return "given `nginx`, the image's ENTRYPOINT would run the scripts in /docker-entrypoint.d first"
    return ""


def reason_against_arguments(stage: Stage, services: Services) -> str:
    """Why an ENTRYPOINT may be handed arguments, which its shell form ignores; empty where it is not."""
    pending = [stage]
    while pending:
        one = pending.pop()
        if one is not stage and any(isinstance(node, Entrypoint) for node in one.instructions):
            continue
        pending += one.children
        command = next((node for node in one.instructions if isinstance(node, Cmd)), None)
        if command is not None and command.json != ():
            return "it would get the words of CMD as arguments"
        for service in services.of(one):
            if service.command and service.entrypoint is None:
                return f"it would get the words that {service} passes"
    return f"whether a compose file passes it arguments is not known: {services.unread[0]}" if services.unread else ""
