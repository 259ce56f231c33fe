"""Which hosts a Django project lets in, as far as its settings say: the literal ones, or a variable that names them.

Source: https://docs.djangoproject.com/en/stable/ref/settings/#allowed-hosts
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.project.python_values import Module, dotted

_READERS: Final = frozenset({"os.environ.get", "os.getenv"})
_SPLITTERS: Final = frozenset({"split", "strip", "replace", "lower"})
_HARMLESS: Final = frozenset({"list", "tuple", "filter", "map"})


class Hosts(NamedTuple):
    """`names` are literal. `variable` is that of the environment that names them, between commas or blanks.

    `default` is what counts where nothing sets it.
    """

    names: tuple[str, ...] = ()
    variable: str = ""
    default: str = ""


def hosts_in(value: ast.expr, module: Module) -> Hosts:
    """The hosts of an expression; none where it is computed in another way."""
    names = tuple(_literals(value))
    if names:
        return Hosts(names)
    reads = [node for node in ast.walk(value) if _is_read(node, module)]
    if len(reads) != 1 or not all(_is_harmless(node, module) for node in ast.walk(value) if isinstance(node, ast.Call)):
        return Hosts()
    texts = [node.value for node in _given(reads[0]) if isinstance(node, ast.Constant)]
    if not texts or not all(isinstance(text, str) for text in texts) or len(texts) != len(_given(reads[0])):
        return Hosts()
    name, *rest = map(str, texts)
    return Hosts((), name, rest[0] if rest else "") if name.isidentifier() else Hosts()


def _literals(node: ast.expr) -> Iterator[str]:
    """The texts in a list, also in lists that are added to others."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _literals(node.left)
        yield from _literals(node.right)
    for one in node.elts if isinstance(node, ast.List | ast.Tuple) else ():
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value:
            yield one.value


def _is_read(node: ast.AST, module: Module) -> bool:
    if isinstance(node, ast.Subscript):
        return dotted(node.value, module) == "os.environ"
    return isinstance(node, ast.Call) and dotted(node.func, module) in _READERS


def _given(read: ast.AST) -> list[ast.expr]:
    """The name that is read, and the default behind it."""
    if isinstance(read, ast.Subscript):
        return [read.slice]
    assert isinstance(read, ast.Call)
    return [*read.args, *(keyword.value for keyword in read.keywords)]


def _is_harmless(call: ast.Call, module: Module) -> bool:
    """Whether a call only reads, splits and tidies."""
    if _is_read(call, module):
        return True
    if isinstance(call.func, ast.Attribute):
        return call.func.attr in _SPLITTERS
    return isinstance(call.func, ast.Name) and call.func.id in _HARMLESS
