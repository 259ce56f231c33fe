"""The pip calls that only read requirements files, and leave nothing in the folder of the project."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Final

from rewriter.model.installing.by_name import is_local_requirement
from rewriter.model.managers.call import Call
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import read_requirements

_FILES: Final = names("-r --requirement --requirements -c --constraint --constraints")
_ELSEWHERE: Final = names(
    "-e --editable -t --target --prefix --root --src --log --report --cache-dir --python -p --user -f --find-links"
)
"""Options that write, or read, somewhere else: https://pip.pypa.io/en/stable/cli/pip_install/"""


def installs_from_files(call: Call, folder: str, read: Callable[[str], str | None]) -> bool:
    """Whether a pip or `uv pip` call installs packages by name and requirements files, none of which leads elsewhere.

    `read` gives the text of a file by its path in the image, None where it is not known.
    """
    if (call.manager.name, call.action) not in (("pip", "install"), ("uv", "pip install")) or call.unknown:
        return False
    if call.has(*_ELSEWHERE) or any(not word.value or is_local_requirement(word.value) for word in call.packages):
        return False
    for option in call.options:
        if option.name in _FILES:
            text = read(posixpath.normpath(posixpath.join(folder, option.value))) if folder and option.value else None
            if text is None or not _is_harmless(text):
                return False
    return True


def _is_harmless(text: str) -> bool:
    found = read_requirements(text)
    is_nested = any(option.name in _FILES for option in found.options)
    return not is_nested and not any(
        one.is_editable or (one.kind == "path" and is_local_requirement(one.text)) for one in found.requirements
    )
