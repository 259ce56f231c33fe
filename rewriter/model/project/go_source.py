"""What Go sources say of a program: framework, routes, where it listens and writes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from rewriter.model.data.quiet_packages import is_quiet
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Program, Route, Text, Unknown, Writes
from rewriter.model.project.environment import Environment
from rewriter.model.project.findings import Findings, Listen, Router, gather
from rewriter.model.project.go_files import GoFile, Packages
from rewriter.model.project.sources import Sources
from rewriter.model.project.trees import arguments_of, field, text_of
from rewriter.model.stages import UNKNOWN_PART

if TYPE_CHECKING:
    from tree_sitter import Node

DEEPEST: Final = 20
_FRAMEWORKS: Final[Mapping[str, str]] = {
    "github.com/gin-gonic/gin": "gin", "github.com/labstack/echo": "echo", "github.com/gofiber/fiber": "fiber",
    "github.com/go-chi/chi": "chi", "github.com/gorilla/mux": "gorilla/mux", "google.golang.org/grpc": "gRPC",
}  # fmt: skip
_MAKERS: Final = frozenset({"gin.Default", "gin.New", "echo.New", "fiber.New", "chi.NewRouter", "chi.NewMux",
                            "mux.NewRouter", "http.NewServeMux"})  # fmt: skip
_GETS: Final = frozenset({"GET", "Get", "HandleFunc", "Handle", "Any", "All"})
# Which argument of a call is the address that it listens at.
_LISTENS: Final[Mapping[str, int]] = {
    "ListenAndServe": 0, "ListenAndServeTLS": 0, "Start": 0, "Run": 0, "Listen": 0, "StartTLS": 0, "RunTLS": 0,
}  # fmt: skip
_WRITES: Final = names(
    "os.Create os.MkdirAll os.Mkdir os.WriteFile ioutil.WriteFile os.OpenFile os.Remove os.RemoveAll sqlite.Open "
    "bolt.Open bbolt.Open badger.DefaultOptions"
)
_SAVES: Final = names("SaveUploadedFile SaveFile")  # of gin and fiber
_HARMLESS: Final = re.compile(
    r"(?i)log|recover|cors|gzip|compress|request_?id|realip|metric|prometheus|heartbeat|trace|otel|favicon|helmet|timeout"
)
_GUARDS: Final = re.compile(
    r"(?i)auth|limit|guard|protect|require|verif|secur|login|admin|jwt|session|middleware|chain"
)
_LITERAL: Final = re.compile(r"/[\w./-]*\Z")


def read_go(sources: Sources, program: Program, environment: Environment) -> Findings | Unknown:
    """What the sources of a Go program say: its own package, and those of its module that it imports."""
    if not program.file:
        return Unknown(f"the sources of `{program.name}` are not in the build context")
    packages = Packages(sources)
    files = packages.read_program(program.file)
    if not files:
        return Unknown(
            packages.unread[0] if packages.unread else f"{program.file} holds no Go sources that can be read"
        )
    return _Reader(files, packages, program, environment).read()


class _Reader:
    """Goes through the files once."""

    __slots__ = (
        "_environment", "_files", "_packages", "_program", "_routers", "_wrappers", "listens", "paths", "unwritten",
    )  # fmt: skip

    def __init__(self, files: list[GoFile], packages: Packages, program: Program, environment: Environment) -> None:
        self._files: Final = files
        self._packages: Final = packages
        self._program: Final = program
        self._environment: Final = environment
        self._routers: Final[dict[object, Router]] = {}
        self._wrappers: Final[list[str]] = []
        self.listens: Final[list[Listen]] = []
        self.paths: Final[set[str]] = set()
        self.unwritten: Final[list[str]] = []

    def read(self) -> Findings:
        for file in self._files:
            for node in file.nodes:
                if node.type == "call_expression":
                    self._call(node, file)
                elif node.type == "composite_literal" and text_of(field(node, "type")) == "http.Server":
                    self._server(node, file)
        for router in self._routers.values():
            router.doubts.extend(self._wrappers)
        included = {other for router in self._routers.values() for _, other, _ in router.included}
        roots = [key for key in self._routers if key not in included]
        modules = {module for file in self._files for module in file.imports.values()}
        frameworks = [name for path, name in _FRAMEWORKS.items()
                      if any(module == path or module.startswith(f"{path}/") for module in modules)]  # fmt: skip
        self.unwritten.extend(self._packages.unread)
        self.unwritten.extend(self._other_writers())
        if not frameworks and "net/http" in modules:
            frameworks = ["net/http"]
        return Findings(tuple(frameworks), tuple(dict.fromkeys(self.listens)), gather(self._routers, roots), (),
                        Writes(tuple(sorted(self.paths)), tuple(dict.fromkeys(self.unwritten))),
                        tuple(dict.fromkeys(self._packages.unread)),
                        tuple(file.path for file in self._files))  # fmt: skip

    def _other_writers(self) -> Iterator[str]:
        """The modules of others that are imported and may write."""
        own = self._packages.module
        for file in self._files:
            for module in file.imports.values():
                is_standard = "." not in module.partition("/")[0]
                is_own = bool(own) and (module == own or module.startswith(f"{own}/"))
                if not (is_standard or is_own or is_quiet(module, "go")):
                    yield f"{module}, which {file.path} imports, may write files"

    def _call(self, call: Node, file: GoFile) -> None:
        function = field(call, "function")
        name = text_of(function)
        arguments = arguments_of(call)
        if name in _WRITES:
            if arguments and not (
                name == "os.OpenFile" and "os.O_RDONLY" in text_of(arguments[1] if len(arguments) > 1 else None)
            ):
                self._write(arguments[0], name, file)
            return
        if name.rpartition(".")[2] in _SAVES and len(arguments) > 1:
            self._write(arguments[1], name, file)
            return
        if name in ("exec.Command", "exec.CommandContext"):
            self.unwritten.append(f"`{name}` in {file.path} runs another program")
            return
        if name == "sql.Open" and len(arguments) > 1 and "sqlite" in text_of(arguments[0]):
            self._write(arguments[1], name, file)
            return
        if function is None or function.type != "selector_expression":
            return
        owner, method = text_of(field(function, "operand")), text_of(field(function, "field"))
        if method in _LISTENS:
            self._listen(owner, method, arguments, file)
        elif method in _GETS and len(arguments) > 1:
            self._route(owner, method, arguments, call, file)
        elif method in ("Use", "Pre") and arguments:
            self._use(owner, arguments, file)

    # Where it listens

    def _listen(self, owner: str, method: str, arguments: list[Node], file: GoFile) -> None:
        if owner == "net" and method == "Listen":
            arguments = arguments[1:]
            if not arguments:
                return
        made = self._maker_of(owner, file)
        if method == "Run" and not (made.startswith("gin.") or owner in ("r", "router", "engine")):
            return
        is_known = owner in ("net", "e", "app", "server", "router") or made.startswith(("echo.", "fiber."))
        if method in ("Start", "Listen") and not is_known:
            return
        if not arguments and method == "Run":
            default = self._variable("PORT", Text("8080"))  # https://pkg.go.dev/github.com/gin-gonic/gin#Engine.Run
            self.listens.append(Listen(default, Text("0.0.0.0"), file.path, "gin"))
        elif arguments and method.startswith("ListenAndServe") and owner != "http":
            return  # that of a http.Server, whose Addr says where
        elif arguments:
            self._note_listen(self._text(arguments[0], file), file)
            self._note_wrapper(arguments[1] if len(arguments) > 1 else None, file)

    def _note_wrapper(self, handler: Node | None, file: GoFile) -> None:
        """`http.ListenAndServe(":80", auth(mux))`: what is wrapped around all routes may refuse a request."""
        if handler is not None and _is_wrapped(handler):
            self._wrappers.append(f"`{text_of(handler)[:30]}` in {file.path} looks at every request")

    def _server(self, literal: Node, file: GoFile) -> None:
        body = field(literal, "body")
        for element in body.named_children if body is not None else ():
            key, value = text_of(field(element, "key")), field(element, "value")
            if key == "Addr" and value is not None and value.named_children:
                self._note_listen(self._text(value.named_children[0], file), file)
            elif key == "Handler" and value is not None and value.named_children:
                self._note_wrapper(value.named_children[0], file)

    def _note_listen(self, text: Text | None, file: GoFile) -> None:
        if text is None:
            self.listens.append(Listen(None, None, file.path))
            return
        host, colon, port = text.value.rpartition(":")
        if not colon:
            self.listens.append(Listen(None, None, file.path))
            return
        self.listens.append(Listen(text._replace(value=port), Text(host.strip("[]") or "0.0.0.0"), file.path))

    # Routes

    def _maker_of(self, name: str, file: GoFile) -> str:
        """The function that made what a name stands for."""
        values = file.assigned.get(name.rpartition(".")[2], [])
        return text_of(field(values[0], "function")) if values and values[0].type == "call_expression" else ""

    def _router(self, owner: str, file: GoFile, depth: int = 0) -> Router:
        """The router of a name: an engine, or a group below another with its prefix."""
        key = (file.folder, owner)
        if key in self._routers:
            return self._routers[key]
        router = self._routers[key] = Router.empty()
        values = file.assigned.get(owner, [])
        value = values[0] if len(values) == 1 else None
        function = text_of(field(value, "function")) if value is not None else ""
        base, _, method = function.rpartition(".")
        if owner == "http" and file.imports.get("http") == "net/http":
            return router
        if method == "Group" and value is not None and depth < DEEPEST and base != owner:
            arguments = arguments_of(value)
            prefix = self._text(arguments[0], file) if arguments else None
            parent = self._router(base, file, depth + 1)
            if prefix is not None and prefix.known is not None:
                doubts = ("it belongs to a group with middleware",) if len(arguments) > 1 else ()
                parent.included.append((prefix.value, key, (*doubts,)))
        elif function not in _MAKERS:
            router.unread.append(f"what `{owner}` in {file.path} is part of is not followed")
        return router

    def _route(self, owner: str, method: str, arguments: list[Node], call: Node, file: GoFile) -> None:
        text = self._text(arguments[0], file)
        if text is None or text.known is None:
            return
        path = text.value.removeprefix("GET ")
        if not _LITERAL.match(path):
            return
        router = self._router(owner, file)
        if method in ("HandleFunc", "Handle") and self._wants_other_method(call):
            return
        doubts = list(router.doubts) + list(router.unread)
        if len(arguments) > 2:
            doubts.append("middleware stands before it")
        if _is_wrapped(arguments[1]):
            doubts.append(f"`{text_of(field(arguments[1], 'function'))[:30]}` stands before it")
        if _is_nested(call, owner):
            doubts.append("it stands in a nested function")
        router.routes.append(Route(path, file.path, tuple(doubts)))

    @staticmethod
    def _wants_other_method(call: Node) -> bool:
        """`r.HandleFunc(...).Methods("POST")`"""
        parent = call.parent
        outer = parent.parent if parent is not None and text_of(field(parent, "field")) == "Methods" else None
        return outer is not None and "GET" not in text_of(field(outer, "arguments")) and "MethodGet" not in text_of(
            field(outer, "arguments"))  # fmt: skip

    def _use(self, owner: str, arguments: list[Node], file: GoFile) -> None:
        router = self._router(owner, file)
        for argument in arguments:
            if not _HARMLESS.search(text_of(field(argument, "function") or argument)):
                router.doubts.append(f"`{text_of(argument)[:30]}` in {file.path} looks at every request")

    # Where it writes

    def _write(self, node: Node, name: str, file: GoFile) -> None:
        text = self._text(node, file)
        folder = self._program.folder
        if text is None or text.known is None or not (folder or text.value.startswith("/")):
            self.unwritten.append(f"`{name}` in {file.path} writes to a path that is computed")
        elif ":memory:" not in text.value:
            path = text.value.removeprefix("file:").partition("?")[0]
            self.paths.add(posixpath.normpath(posixpath.join(folder, path)))

    # What expressions come to

    def _variable(self, name: str, default: Text | None = None) -> Text:
        return self._environment.text(name, default)

    def _text(self, node: Node | None, file: GoFile, depth: int = 0) -> Text | None:
        if node is None or depth > DEEPEST:
            return None
        match node.type:
            case "interpreted_string_literal" | "raw_string_literal":
                return Text(text_of(node)[1:-1])
            case "int_literal":
                return Text(text_of(node))
            case "parenthesized_expression" | "literal_element":
                return self._text(node.named_children[0] if node.named_children else None, file, depth + 1)
            case "identifier":
                return self._named(text_of(node), file, depth)
            case "selector_expression":
                return self._selected(node, file, depth)
            case "binary_expression" if text_of(field(node, "operator")) == "+":
                left = self._text(field(node, "left"), file, depth + 1)
                right = self._text(field(node, "right"), file, depth + 1)
                return (left or Text(UNKNOWN_PART)) + (right or Text(UNKNOWN_PART)) if left or right else None
            case "call_expression":
                return self._called(node, file, depth)
        return None

    def _named(self, name: str, file: GoFile, depth: int) -> Text | None:
        """A variable: one that is set again where it is empty keeps both, as `if port == "" { port = "8080" }`."""
        package = (one for one in self._files if one.folder == file.folder and name in one.assigned)
        values = file.assigned.get(name) or next((one.assigned[name] for one in package), [])
        texts = [self._text(value, file, depth + 1) for value in values[:3]]
        if len(texts) == 1:
            return texts[0]
        if len(texts) != 2 or texts[0] is None or texts[1] is None:
            return None
        first, second = sorted((text for text in texts if text is not None), key=lambda text: not text.variables)
        if not first.variables or second.variables:
            return None
        return first if first.known else second._replace(variables=first.variables)

    def _selected(self, node: Node, file: GoFile, depth: int) -> Text | None:
        package = file.imports.get(text_of(field(node, "operand")), "")
        if self._packages.module and package.startswith(self._packages.module):
            folder = posixpath.join(self._packages.root, package[len(self._packages.module) + 1 :])
            name = text_of(field(node, "field"))
            other = next((one for one in self._files if one.folder == folder and name in one.assigned), None)
            return self._named(name, other, depth + 1) if other else None
        return None

    def _called(self, node: Node, file: GoFile, depth: int) -> Text | None:
        name = text_of(field(node, "function"))
        arguments = arguments_of(node)
        if name in ("os.Getenv", "os.LookupEnv") and arguments:
            key = self._text(arguments[0], file, depth + 1)
            return self._variable(key.value) if key is not None and key.known else None
        if name == "fmt.Sprintf" and arguments:
            return self._format([self._text(one, file, depth + 1) for one in arguments])
        if name in ("filepath.Join", "path.Join"):
            parts = [self._text(one, file, depth + 1) for one in arguments]
            known = [one for one in parts if one is not None]
            if known and len(known) == len(parts):
                return Text(posixpath.join(known[0].value, *(one.value.lstrip("/") for one in known[1:])))
            return None
        if len(arguments) == 2 and re.search(r"(?i)env", name):  # a function of the project: getEnv("PORT", "8080")
            key, default = (self._text(one, file, depth + 1) for one in arguments)
            if key is not None and re.fullmatch(r"[A-Z][A-Z0-9_]*", key.value):
                return self._variable(key.value, default)
        return None

    @staticmethod
    def _format(parts: list[Text | None]) -> Text | None:
        pattern, *values = parts
        if pattern is None:
            return None
        result = Text("")
        for number, piece in enumerate(re.split(r"%[dsv]", pattern.value)):
            if number:
                value = values[number - 1] if number <= len(values) else None
                result += value or Text(UNKNOWN_PART)
            result += Text(piece)
        return result


def _is_wrapped(handler: Node) -> bool:
    """Whether something stands around a handler that is not known to let everything through."""
    for _ in range(DEEPEST):
        if handler.type != "call_expression" or not (arguments := arguments_of(handler)):
            return False
        name = text_of(field(handler, "function"))
        inner = arguments[-1] if arguments[-1].type == "call_expression" else arguments[0]
        if not (_HARMLESS.search(name) or name in ("http.HandlerFunc", "h2c.NewHandler")):
            kinds = ("func_literal", "call_expression", "identifier", "selector_expression")
            return inner.type in kinds and (inner.type == "func_literal" or bool(_GUARDS.search(name)))
        handler = inner
    return True


def _is_nested(call: Node, owner: str) -> bool:
    """Whether a route stands in a function literal whose parameter is its router: `r.Route("/api", func(r ...) {`."""
    node = call.parent
    while node is not None:
        if node.type == "func_literal" and re.search(rf"\b{re.escape(owner)}\b", text_of(field(node, "parameters"))):
            return True
        node = node.parent
    return False
