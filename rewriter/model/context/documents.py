"""YAML documents of a project, read as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NOTHING: Final[Mapping[object, object]] = MappingProxyType({})


def load_yaml(data: bytes | str) -> object:
    """A YAML document; None where it cannot be read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="safe")
    yaml.allow_duplicate_keys = True
    try:
        return yaml.load(data)
    except (YAMLError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return None  # what the parser raises for broken files is not only its own error


def mapping(value: object) -> Mapping[object, object]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else _NOTHING


def sequence(value: object) -> list[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
