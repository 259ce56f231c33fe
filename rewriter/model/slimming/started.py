"""Which programs of the system a project's own sources start, and which libraries they load by name."""

from __future__ import annotations

import ast
import posixpath
import re
import warnings
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.python_values import Module, dotted
from rewriter.model.slimming.words import programs_in_text
from rewriter.syntax.text import decode, encode

MOST_FILES: Final = 3_000
LARGEST: Final = 1024 * 1024
MOST_BYTES: Final = 32 * 1024 * 1024
"""Bounds on what is read of a project."""

_ENDINGS: Final = {
    "python": (".py",),
    "javascript": (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".jsx", ".tsx"),
}
_NOT_RUN: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|e2e|cypress|docs?|examples?|node_modules|\.[^/]+|venv|env)/"
    r"|(?:^|/)(?:test_[^/]*|conftest|setup|noxfile|fabfile|tasks|manage_dev)\.py$|\.(?:test|spec)\.[cm]?[jt]sx?$"
    r"|(?:^|/)[^/]*\.config\.[cm]?[jt]s$|\.d\.ts$"
)
_PYTHON_HINT: Final = re.compile(
    r"\bsubprocess\b|\bos\.(?:system|popen|exec|spawn|posix_spawn)|\bpexpect\b|\bplumbum\b|\bimport sh\b"
    r"|\bfrom sh import|\bshutil\.which\b|\bcreate_subprocess|\bctypes\b|\bcffi\b|\bpty\b"
    r"|\btkinter\b|\bturtle\b|\bimport_module\b.*subprocess"
)
_NODE_HINT: Final = re.compile(
    r"child_process|\bexeca\b|shelljs|[\"']zx[\"']|cross-spawn|\bBun\.(?:spawn|\$)|Deno\.Command"
)
_NODE_CALL: Final = re.compile(
    r"(?:^|[^\w.]|child_process\.|\bcp\.|\bchildProcess\.)(exec|execSync|execFile|execFileSync|spawn|spawnSync|execa"
    r"|execaSync|execAsync|execPromise|execFileAsync)\s*\(\s*(?:([\"'`])((?:(?!\2|\$\{)[^\n])*))?"
)
_STARTERS: Final = names(
    "subprocess.run subprocess.Popen subprocess.call subprocess.check_call subprocess.check_output "
    "subprocess.getoutput subprocess.getstatusoutput os.system os.popen os.execv os.execve os.execvp os.execvpe "
    "os.execl os.execlp os.spawnl os.spawnv os.spawnvp os.posix_spawn pty.spawn pexpect.spawn pexpect.run shutil.which "
    "asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess.create_subprocess_exec"
)
_LOADERS: Final = names("ctypes.CDLL ctypes.cdll.LoadLibrary ctypes.util.find_library ctypes.PyDLL ctypes.WinDLL")
_LIBC: Final = re.compile(r"(?:lib)?(?:c|m|dl|pthread|rt|crypt|stdc\+\+)(?:\.so(?:\.\d+)*)?\Z")


class Started(NamedTuple):
    """The programs that sources start, each with a file that does; `unread` says what could not be told."""

    programs: dict[str, str]
    unread: tuple[str, ...]


def programs_started(context: BuildContext, language: str) -> Started:
    """The programs that the sources of a language, `python` or `javascript`, start; tests and the like left out."""
    endings = _ENDINGS[language]
    paths = context.walk("", lambda name: name.endswith(endings))
    if paths is None:
        return Started({}, ("the sources are not known",))
    paths = [path for path in paths if not _NOT_RUN.search(path)]
    if len(paths) > MOST_FILES:
        return Started({}, ("the project has more sources than are read",))
    found: dict[str, str] = {}
    unread: list[str] = []
    budget = MOST_BYTES
    for path in paths:
        data = context.head(path, LARGEST)
        if data is None:
            return Started(found, (*unread, f"{path} cannot be read"))
        budget -= len(data)
        if budget < 0:
            return Started(found, (*unread, "the project has more sources than are read"))
        text = decode(data)
        reader = _of_python if language == "python" else _of_node
        for program in reader(text, path):
            if program:
                found.setdefault(program, path)
            else:
                unread.append(f"which programs or libraries {path} uses cannot be told")
    return Started(found, tuple(dict.fromkeys(unread)))


def _of_node(text: str, _: str) -> Iterator[str]:
    """The programs of a file of JavaScript; an empty name for one that cannot be told."""
    if not _NODE_HINT.search(text):
        return
    for match in _NODE_CALL.finditer(text):
        written = match[3]
        if written is None:
            yield "" if "execPath" not in text[match.end() : match.end() + 20] else "node"
        elif match[1] in ("exec", "execSync", "execAsync", "execPromise"):
            yield from programs_in_text(written) or [""]
        else:
            yield posixpath.basename(written.strip().split(" ")[0])


def _of_python(text: str, path: str) -> Iterator[str]:
    """The programs of a file of Python; an empty name for one that cannot be told."""
    if not _PYTHON_HINT.search(text):
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
    for node in module.nodes:
        if not isinstance(node, ast.Call):
            continue
        name = dotted(node.func, module)
        if name in _STARTERS:
            given = [keyword.value for keyword in node.keywords if keyword.arg in ("args", "cmd", "command")]
            first = next(iter([*node.args, *given]), None)
            yield from _named(first, module)
        elif name in _LOADERS and node.args:
            yield from _library(node.args[0])


def _named(node: ast.expr | None, module: Module, depth: int = 0) -> Iterator[str]:
    """The programs that the first argument of a call names."""
    match node:
        case ast.Constant(str() as text):
            yield from programs_in_text(text) or [""]
        case ast.List([first, *_]) | ast.Tuple([first, *_]):
            yield from _program(first, module)
        case ast.BinOp(left, ast.Add(), _) if depth < 5:
            yield from _named(left, module, depth + 1)
        case ast.JoinedStr([ast.Constant(str() as text), *_]) if " " in text.strip(" ") or text.endswith(" "):
            yield from programs_in_text(text) or [""]
        case ast.Name(name) if depth < 5 and module.assigned.get(name) is not None:
            yield from _named(module.assigned[name], module, depth + 1)
        case ast.Attribute() if dotted(node, module) == "sys.executable":
            yield "python"
        case _:
            yield ""


def _program(node: ast.expr, module: Module) -> Iterator[str]:
    """The first word of a list of words."""
    match node:
        case ast.Constant(str() as text):
            yield posixpath.basename(text)
        case ast.Name(name) if isinstance(module.assigned.get(name), ast.Constant):
            yield from _program(module.assigned[name] or node, module)
        case ast.Attribute() if dotted(node, module) == "sys.executable":
            yield "python"
        case _:
            yield ""


def _library(node: ast.expr) -> Iterator[str]:
    """A library that is loaded by its name; an empty name where it is none that every image has."""
    is_known = isinstance(node, ast.Constant) and (node.value is None or _LIBC.match(str(node.value)))
    if not is_known:
        yield ""


_JDK: Final = re.compile(
    rb"\bjavax\.tools\b|\bcom\.sun\.tools\b|\bsun\.jvmstat\b|\bjdk\.(?:jshell|jfr\.consumer)\b|ToolProvider"
)


def java_problems(context: BuildContext) -> Iterator[str]:
    """What in the sources of a project on the Java machine speaks for the development kit at run time."""
    paths = context.walk("", lambda name: name.endswith((".java", ".kt", ".scala", ".groovy")))
    if not paths:
        yield "its sources are not in the build context"
        return
    if len(paths) > MOST_FILES:
        yield "the project has more sources than are read"
        return
    for path in paths:
        if "/src/test/" in f"/{path}":
            continue
        data = context.head(path, LARGEST)
        if data is None:
            yield f"{path} cannot be read"
            return
        if match := _JDK.search(data):
            yield f"{path} uses {match[0].decode()}, which only the JDK has"
            return
