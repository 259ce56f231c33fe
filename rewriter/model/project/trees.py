"""JavaScript, TypeScript and Go as syntax trees, by the grammars of tree-sitter, which the extra `source` installs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from rewriter.model.project.answers import Unknown
from rewriter.syntax.text import encode

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MISSING: Final = "the grammars that read it are not installed: pip install 'dfix[source]'"
MOST_NODES: Final = 400_000
MOST_STEPS_IN_ERROR: Final = 200
MOST_BROKEN: Final = 20
"""Bounds: nodes of a file, steps of the parser after an error, and files that cannot be read or understood."""

_CHUNK: Final = 65_536
_GRAMMARS: Final = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
}


@lru_cache
def _parser(language: str) -> Parser | None:
    import importlib

    module, function = _GRAMMARS[language]
    try:
        from tree_sitter import Language, Parser

        grammar: Any = importlib.import_module(module)
        return Parser(Language(getattr(grammar, function)()))
    except (ImportError, ValueError, AttributeError):  # absent, or of a version that does not fit
        return None


class _Patience:
    """Lets a parser go on until it has spent too many steps on text with errors, which cost it a hundred times more."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps = MOST_STEPS_IN_ERROR

    def __call__(self, _: int, has_error: bool) -> bool:
        self._steps -= has_error
        return self._steps < 0


def parse_source(text: str, language: str) -> Node | Unknown:
    """The tree of a source file. Errors in it are nodes of their own; with too many it cannot be understood."""
    parser = _parser(language)
    if parser is None:
        return Unknown(MISSING)
    data = encode(text)
    try:
        tree = parser.parse(lambda offset, _: data[offset : offset + _CHUNK], progress_callback=_Patience())
    except ValueError:
        parser.reset()
        return Unknown("a source cannot be understood")
    return tree.root_node


def language_of(path: str) -> str:
    """Which grammar reads a file of JavaScript or TypeScript."""
    if path.endswith((".ts", ".mts", ".cts")):
        return "typescript"
    return "tsx" if path.endswith(".tsx") else "javascript"


def walk(root: Node) -> Iterator[Node]:
    """All named nodes in the order of the text, without recursion, up to a bound."""
    pending = [root]
    for _ in range(MOST_NODES):
        if not pending:
            return
        node = pending.pop()
        yield node
        pending.extend(reversed(node.named_children))


def text_of(node: Node | None) -> str:
    """What a node covers."""
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def field(node: Node | None, name: str) -> Node | None:
    """A child by its name in the grammar."""
    return node.child_by_field_name(name) if node is not None else None


def arguments_of(call: Node) -> list[Node]:
    """The arguments of a call."""
    found = field(call, "arguments")
    return [one for one in found.named_children if one.type != "comment"] if found is not None else []
