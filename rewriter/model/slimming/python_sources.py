"""Which programs a file of Python starts, and which libraries it loads by name: read from its syntax tree."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Final

from rewriter.model.managers.vocabulary import names
from rewriter.model.project.python_values import Module, dotted
from rewriter.model.slimming.commands_in_sources import COMPUTED, programs_of_text, programs_of_words
from rewriter.syntax.text import encode

_HINT: Final = re.compile(
    r"\bsubprocess\b|\bos\.(?:system|popen|exec|spawn|posix_spawn)|\bfrom os import|\bpexpect\b|\bplumbum\b"
    r"|\bimport sh\b|\bfrom sh import|\bshutil\.which\b|\bfrom shutil import|\bcreate_subprocess|\bctypes\b|\bcffi\b"
    r"|\bpty\b|\btkinter\b|\bturtle\b|\bimport_module\b.*subprocess"
)
_STARTERS: Final = names(
    "subprocess.run subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output "
    "subprocess.getoutput subprocess.getstatusoutput os.system os.popen os.execv os.execve os.execvp os.execvpe "
    "os.execl os.execlp os.execle os.execlpe os.spawnl os.spawnlp os.spawnv os.spawnve os.spawnvp os.spawnvpe "
    "os.posix_spawn os.posix_spawnp pty.spawn pexpect.spawn pexpect.run shutil.which "
    "asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess.create_subprocess_exec "
    "asyncio.subprocess.create_subprocess_shell"
)
_ALSO_TYPES: Final = names("subprocess.Popen")
_LOADERS: Final = names("ctypes.CDLL ctypes.cdll.LoadLibrary ctypes.util.find_library ctypes.PyDLL ctypes.WinDLL")
_LIBC: Final = re.compile(r"(?:lib)?(?:c|m|dl|pthread|rt|crypt|stdc\+\+)(?:\.so(?:\.\d+)*)?\Z")


def started_by_python(text: str, path: str) -> Iterator[str]:
    """The programs of a file; an empty name for one that cannot be told, or a library that it loads."""
    if not _HINT.search(text):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = Module(path, path, path, ast.parse(encode(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield ""
        return
    imported = {name.partition(".")[0] for name in module.imported_modules}
    if imported & {"sh", "plumbum", "tkinter", "turtle"}:
        yield ""
    called: set[int] = set()
    for node in module.nodes:
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func, module)
        if name in _STARTERS:
            called.add(id(node.func))
            yield from _of_call(node, name, module)
        elif name in _LOADERS and node.args:
            yield from _library(node.args[0])
    named = (node for node in module.nodes if isinstance(node, ast.Attribute | ast.Name) and id(node) not in called)
    if any(isinstance(node.ctx, ast.Load) and dotted(node, module) in _STARTERS - _ALSO_TYPES for node in named):
        yield ""  # what is handed on is called elsewhere, with what cannot be told


def _of_call(node: ast.Call, name: str, module: Module) -> Iterator[str]:
    given = [keyword.value for keyword in node.keywords if keyword.arg in ("args", "cmd", "command")]
    words = [*node.args, *given]
    if name.endswith("create_subprocess_exec"):
        yield from programs_of_words([_word(word, module) for word in words])
    else:
        yield from _named(words[0] if words else None, module)


def _named(node: ast.expr | None, module: Module, depth: int = 0) -> Iterator[str]:
    """The programs that the first argument of a call names."""
    match node:
        case ast.List(elements) | ast.Tuple(elements):
            yield from programs_of_words([_word(element, module) for element in elements])
        case ast.BinOp(left, ast.Add(), _) if depth < 5 and isinstance(_first(left, module), ast.List | ast.Tuple):
            yield from _named(_first(left, module), module, depth + 1)
        case ast.Name(name) if depth < 5 and module.assigned.get(name) is not None:
            yield from _named(module.assigned[name], module, depth + 1)
        case ast.Attribute() if dotted(node, module) == "sys.executable":
            yield "python"
        case ast.Constant(str()) | ast.JoinedStr() | ast.BinOp(_, ast.Add() | ast.Mod(), _):
            yield from programs_of_text(_text(node, module))
        case ast.Call(ast.Attribute(ast.Constant(str() as text), "format")):
            yield from programs_of_text(re.sub(r"\{[^}]*\}", COMPUTED, text))
        case _:
            yield ""


def _first(node: ast.expr, module: Module) -> ast.expr | None:
    """The first of some added expressions; of a name what it stands for."""
    for _ in range(5):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            node = node.left
    return module.assigned.get(node.id) if isinstance(node, ast.Name) else node


def _text(node: ast.expr, module: Module, depth: int = 0) -> str:
    """A text with what is put in when it runs marked."""
    match node:
        case ast.Constant(str() as text):
            return text
        case ast.JoinedStr(parts):
            return "".join(_text(part, module, depth + 1) for part in parts)
        case ast.BinOp(left, ast.Add(), right) if depth < 20:
            return _text(left, module, depth + 1) + _text(right, module, depth + 1)
        case ast.BinOp(ast.Constant(str() as text), ast.Mod(), _):
            return re.sub(r"%(?:\(\w+\))?[a-z]", COMPUTED, text)
        case ast.Name(name) if isinstance(module.assigned.get(name), ast.Constant) and depth < 20:
            return _text(module.assigned[name] or node, module, depth + 20)
    return COMPUTED


def _word(node: ast.expr, module: Module) -> str | None:
    match node:
        case ast.Constant(str() as text):
            return text
        case ast.Name(name) if isinstance(module.assigned.get(name), ast.Constant):
            return _word(module.assigned[name] or node, module)
        case ast.Attribute() if dotted(node, module) == "sys.executable":
            return "python"
    return None


def _library(node: ast.expr) -> Iterator[str]:
    """An empty name for a library that is loaded by its name, and that not every image has."""
    is_known = isinstance(node, ast.Constant) and (node.value is None or _LIBC.match(str(node.value)))
    if not is_known:
        yield ""
