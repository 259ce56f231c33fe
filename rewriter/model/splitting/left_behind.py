"""What lies beside a program and is not for it: sources, what describes how it is built, and what people read."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = re.compile(
    r".*\.(?:go|md|mod|sum|work|proto|qtpl|templ)|(?i:license|makefile|readme|changelog|contributing|authors|codeowners)(?:\..*)?|vendor|"
    r"(?i:.*dockerfile.*|docker-compose.*|compose\.ya?ml|containerfile.*|jenkinsfile|taskfile.*|procfile)|\.(?!env\Z).*|"
    r"cloudbuild\.ya?ml|skaffold\.ya?ml|k8s|kubernetes|helm|charts?|deploy(?:ment)?s?|docs?|tests?|testdata|hack|scripts|"
    r"buf\..*\.yaml|proto|deployment\.ya?ml"
)


def is_left_behind(name: str) -> bool:
    """Whether a compiled program is known not to look for a file or folder of this name."""
    return _NAMES.fullmatch(name) is not None
