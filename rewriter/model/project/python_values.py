"""Python sources as data: their modules, what those import from the project, and what expressions come to."""

from __future__ import annotations

import ast
import posixpath
import warnings
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.project.answers import Program, Text, Unknown
from rewriter.model.project.environment import Environment
from rewriter.model.project.sources import Sources
from rewriter.model.stages import UNKNOWN_PART
from rewriter.syntax.text import encode

MOST_MODULES: Final = 200
DEEPEST: Final = 25


class Imported(NamedTuple):
    """A name that comes from another module: `attribute` is empty for the module itself."""

    module: str
    attribute: str


class Module:
    """A module: `file` is its path in the context, `path` that in the image."""

    __slots__ = ("assigned", "configured", "file", "imports", "name", "nodes", "path", "tree")

    def __init__(self, name: str, file: str, path: str, tree: ast.Module) -> None:
        self.name: Final = name
        self.file: Final = file
        self.path: Final = path
        self.tree: Final = tree
        self.nodes: Final = tuple(ast.walk(tree))
        self.imports: Final[dict[str, Imported]] = {}
        self.assigned: Final[dict[str, ast.expr | None]] = {}
        self.configured: Final[dict[str, ast.expr]] = {}
        for node in self.nodes:
            self._note(node)

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names):
                for alias in names:
                    self.imports[alias.asname or alias.name.partition(".")[0]] = Imported(
                        alias.name if alias.asname else alias.name.partition(".")[0], ""
                    )
            case ast.ImportFrom(module, names, level):
                base = self.package(level) if level else ""
                origin = ".".join(filter(None, [base, module or ""]))
                for alias in names:
                    self.imports[alias.asname or alias.name] = Imported(origin, alias.name)
            case ast.Assign([ast.Name(name)], value):
                self.assigned[name] = value if name not in self.assigned else None
            case ast.AnnAssign(ast.Name(name), _, ast.expr() as value):
                self.assigned[name] = value if name not in self.assigned else None
            case ast.Assign([ast.Subscript(ast.Attribute(_, "config"), ast.Constant(str() as key))], value):
                self.configured[key] = value
            case ast.AugAssign(ast.Name(name)):
                self.assigned[name] = None

    def package(self, level: int) -> str:
        """The package that a relative import starts from."""
        parts = self.name.split(".")
        if not self.path.endswith("/__init__.py"):
            parts = parts[:-1]
        return ".".join(parts[: len(parts) - level + 1])

    @property
    def imported_modules(self) -> Iterator[str]:
        """The names of all modules that are imported, whole or in part."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                origin = ".".join(filter(None, [self.package(node.level) if node.level else "", node.module or ""]))
                yield origin
                yield from (f"{origin}.{alias.name}" for alias in node.names)


def dotted(node: ast.AST, module: Module) -> str:
    """The full name of what an expression names, such as `os.environ.get`; imports resolved, empty for others."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    imported = module.imports.get(node.id)
    first = ".".join(filter(None, imported)) if imported else node.id
    return ".".join([first, *reversed(parts)])


class Modules:
    """The modules of the context that a program imports, from one of them on."""

    __slots__ = ("_roots", "by_name", "environment", "sources", "unread")

    def __init__(self, sources: Sources, environment: Environment, roots: list[str]) -> None:
        self.sources: Final = sources
        self.environment: Final = environment
        self.by_name: Final[dict[str, Module]] = {}
        self.unread: Final[list[str]] = []
        self._roots: Final = list(dict.fromkeys(filter(None, roots)))

    def load(self, name: str) -> Module | None:
        """The module of a name, if it is one of the context."""
        if name in self.by_name:
            return self.by_name[name]
        if not name or len(self.by_name) >= MOST_MODULES:
            return None
        path = name.replace(".", "/")
        for root in self._roots:
            for candidate in (f"{path}.py", f"{path}/__init__.py"):
                place = posixpath.join(root, candidate)
                if origin := self.sources.origin(place):
                    return self.add(name, origin, place)
        return None

    def add(self, name: str, file: str, path: str) -> Module | None:
        """Read a file as a module."""
        text = self.sources.read(file)
        if isinstance(text, Unknown):
            self.unread.append(text.reason)
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about what the source could do better
                tree = ast.parse(encode(text))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self.unread.append(f"{file} cannot be understood")
            return None
        module = self.by_name[name] = Module(name, file, path, tree)
        return module

    def follow(self, first: Module) -> None:
        """Read all that a module imports from the context, and so on."""
        pending, tried = [first], {first.name}
        while pending:
            module = pending.pop(0)
            for name in dict.fromkeys(module.imported_modules):
                parts = name.split(".")
                for length in range(1, len(parts) + 1):
                    part = ".".join(parts[:length])
                    if part in tried:
                        continue
                    tried.add(part)
                    if found := self.load(part):
                        pending.append(found)
            if len(self.by_name) >= MOST_MODULES:
                self.unread.append("the project has more modules than are read")
                return

    # What expressions come to

    def text(self, node: ast.AST | None, module: Module, depth: int = 0) -> Text | None:
        """What an expression comes to as a text: strings, numbers, paths; None where that cannot be told."""
        if depth > DEEPEST or node is None:
            return None
        match node:
            case ast.Constant(str() as value):
                return Text(value)
            case ast.Constant(bool()):
                return None
            case ast.Constant(int() as value):
                return Text(str(value))
            case ast.Name("__file__"):
                return Text(module.path)
            case ast.Name(name):
                return self._named(name, module, depth)
            case ast.JoinedStr(values):
                return self._join([self.text(part, module, depth + 1) for part in values])
            case ast.FormattedValue(value):
                return self.text(value, module, depth + 1)
            case ast.BinOp(left, ast.Add(), right):
                return self._join([self.text(left, module, depth + 1), self.text(right, module, depth + 1)])
            case ast.BinOp(left, ast.Div(), right):
                return self._path(self.text(left, module, depth + 1), self.text(right, module, depth + 1))
            case ast.BoolOp(ast.Or(), [first, *others]):
                return self._either(self.text(first, module, depth + 1), self.text(others[-1], module, depth + 1))
            case ast.Attribute(value, "parent"):
                return self._parent(self.text(value, module, depth + 1))
            case ast.Attribute():
                return self._attribute(node, module, depth)
            case ast.Subscript(value, ast.Constant(key)):
                return self._item(value, key, module, depth)
            case ast.Call():
                return self._called(node, module, depth)
        return None

    def _named(self, name: str, module: Module, depth: int) -> Text | None:
        if name in module.assigned:
            return self.text(module.assigned[name], module, depth + 1)
        imported = module.imports.get(name)
        if imported and imported.attribute and (other := self.load(imported.module)) and other is not module:
            return self._named(imported.attribute, other, depth + 1) if depth < DEEPEST else None
        return None

    def _attribute(self, node: ast.Attribute, module: Module, depth: int) -> Text | None:
        name = dotted(node, module)
        owner, _, attribute = name.rpartition(".")
        other = self.load(owner)
        return self._named(attribute, other, depth + 1) if other else None

    @staticmethod
    def _join(parts: list[Text | None]) -> Text | None:
        result = Text("")
        for part in parts:
            result += part if part is not None else Text(UNKNOWN_PART)
        return result if parts and any(part is not None for part in parts) else None

    @staticmethod
    def _path(folder: Text | None, name: Text | None) -> Text | None:
        if folder is None:
            return None
        name = name if name is not None else Text(UNKNOWN_PART)
        return Text(posixpath.join(folder.value, name.value), (*folder.variables, *name.variables))

    @staticmethod
    def _parent(path: Text | None) -> Text | None:
        return None if path is None else path._replace(value=posixpath.dirname(path.value.rstrip("/")) or ".")

    @staticmethod
    def _either(first: Text | None, second: Text | None) -> Text | None:
        if first is None or second is None:
            return None
        if first.known is None or not first.value:
            return second._replace(variables=(*first.variables, *second.variables))
        return first

    def _item(self, value: ast.expr, key: object, module: Module, depth: int) -> Text | None:
        if dotted(value, module) == "os.environ" and isinstance(key, str):
            return self.variable(key, None)
        if isinstance(value, ast.Attribute) and value.attr == "config" and isinstance(key, str):
            return self._setting(key, depth)
        if isinstance(value, ast.Attribute) and value.attr == "parents" and isinstance(key, int) and key < 20:
            path = self.text(value.value, module, depth + 1)
            for _ in range(key + 1):
                path = self._parent(path)
            return path
        return None

    def _setting(self, key: str, depth: int) -> Text | None:
        """`app.config["UPLOAD_FOLDER"]`, which one module sets and others read."""
        places = [module for module in self.by_name.values() if key in module.configured]
        return self.text(places[0].configured[key], places[0], depth + 1) if len(places) == 1 else None

    def variable(self, name: str, default: Text | None) -> Text:
        """The value of an environment variable, with what is taken where it is unset."""
        return self.environment.text(name, default)

    def _called(self, call: ast.Call, module: Module, depth: int) -> Text | None:
        name = dotted(call.func, module)
        arguments = call.args
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        first = arguments[0] if arguments else None
        if name in _READS_VARIABLE or (
            name.rpartition(".")[0] in ("env", "config") and name.rpartition(".")[2] in _CASTS
        ):
            key = self.text(first, module, depth + 1)
            default = arguments[1] if len(arguments) > 1 else keywords.get("default")
            if key is None or key.known is None:
                return None
            return self.variable(key.value, self.text(default, module, depth + 1))
        if name in _SAME:
            return self.text(first, module, depth + 1)
        if name in ("os.path.join", "pathlib.Path", "pathlib.PurePath") and arguments:
            result = self.text(first, module, depth + 1)
            for other in arguments[1:]:
                result = self._path(result, self.text(other, module, depth + 1))
            return result
        if name == "os.path.dirname":
            return self._parent(self.text(first, module, depth + 1))
        if name in ("os.getcwd", "pathlib.Path.cwd"):
            return Text(".")
        if isinstance(call.func, ast.Attribute):
            return self._method(call.func, first, module, depth)
        return None

    def _method(self, function: ast.Attribute, first: ast.expr | None, module: Module, depth: int) -> Text | None:
        if function.attr in _SAME_METHODS:
            return self.text(function.value, module, depth + 1)
        if function.attr == "joinpath" and first is not None:
            return self._path(self.text(function.value, module, depth + 1), self.text(first, module, depth + 1))
        return None


_READS_VARIABLE: Final = frozenset({"os.getenv", "os.environ.get", "decouple.config", "environ.get", "getenv"})
_CASTS: Final = frozenset({"int", "str", "get", "path"})
_SAME: Final = frozenset({"int", "str", "os.path.abspath", "os.path.realpath", "os.path.expanduser", "os.fspath"})
_SAME_METHODS: Final = frozenset({"resolve", "absolute", "as_posix", "strip", "expanduser", "rstrip", "__str__"})


def open_modules(sources: Sources, program: Program, environment: Environment) -> tuple[Modules, Module] | Unknown:
    """The modules that a Python program imports from the context, all read, and the one that it runs."""
    if not program.file:
        return Unknown(f"the source of `{program.target or program.name}` is not in the build context")
    extra = [path for path in (environment.get("PYTHONPATH") or "").split(":") if path.startswith("/")]
    target = program.target.removeprefix("-m ")
    is_module = not target.endswith(".py") and "/" not in target
    name = target.partition(":")[0] if is_module else posixpath.basename(program.path or program.file)[:-3]
    own = posixpath.dirname(program.path)
    if is_module and program.path:
        depth = name.count(".") + program.path.endswith(("/__init__.py", "/__main__.py"))
        for _ in range(depth):
            own = posixpath.dirname(own)
    modules = Modules(sources, environment, [own, program.folder, *extra])
    first = modules.add(name, program.file, program.path)
    if first is None:
        return Unknown(modules.unread[-1] if modules.unread else "the source cannot be read")
    modules.follow(first)
    return modules, first
