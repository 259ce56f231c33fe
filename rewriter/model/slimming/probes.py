"""Checks of containers that files beside compose speak of: of Kubernetes, Amazon ECS, Nomad and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.context.build_context import BuildContext
from rewriter.syntax.text import decode

_ENDINGS: Final = (".yml", ".yaml", ".json", ".tf", ".hcl", ".tpl")
_MOST_FILES: Final = 200
_LARGEST: Final = 128 * 1024
_PROBE: Final = re.compile(
    r"(?:CMD-SHELL|(?:liveness|readiness|startup)Probe|preStop|postStart|health_?check)\b(.{0,400}?)"
    r"[\s\"',\[/](curl|wget|git|pgrep|pkill|ps)[\s\"',\]]",
    re.IGNORECASE | re.DOTALL,
)


def probes_of(context: BuildContext) -> Iterator[tuple[str, str]]:
    """Files that have a container checked by a program, and the program.

    Which image they speak of is not looked at.
    https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/,
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    """
    files = context.host
    paths = files.walk("", lambda name: name.endswith(_ENDINGS) and "compose" not in name and "lock" not in name)
    for path in (paths or ())[:_MOST_FILES]:
        text = decode(files.head(path, _LARGEST) or b"")
        if match := _PROBE.search(text):
            yield path, match[2].lower()
