"""JavaScript and TypeScript sources as data: their files, what those import, and what expressions come to."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final, NamedTuple

from rewriter.model.project.answers import Text, Unknown
from rewriter.model.project.environment import Environment
from rewriter.model.project.sources import Sources
from rewriter.model.project.trees import MOST_BROKEN, arguments_of, field, language_of, parse_source, text_of, walk
from rewriter.model.stages import UNKNOWN_PART

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_FILES: Final = 200
DEEPEST: Final = 25
_ENDINGS: Final = ("", ".js", ".ts", ".mjs", ".cjs", ".mts", ".tsx", ".jsx", "/index.js", "/index.ts", "/index.mjs")
_INSIDE: Final = frozenset({"parenthesized_expression", "as_expression", "non_null_expression", "satisfies_expression",
                            "await_expression", "type_assertion"})  # fmt: skip
_SAME: Final = frozenset({"Number", "parseInt", "String", "normalizePort", "parseFloat", "path.normalize", "toNumber"})


class Imported(NamedTuple):
    """A name that comes from a module, as it is written; `attribute` is `default` or a name, empty for the whole."""

    module: str
    attribute: str


class Script:
    """A source file. `file` is its path in the context, `path` that in the image.

    `required` are the modules that it imports; `loads_by_expression` says that it imports others, by names that it
    puts together.
    """

    __slots__ = ("assigned", "default", "exported", "file", "imports", "loads_by_expression", "nodes", "path",
                 "required", "settings")  # fmt: skip

    def __init__(self, file: str, path: str, root: Node) -> None:
        self.file: Final = file
        self.path: Final = path
        self.nodes: Final = tuple(walk(root))
        self.imports: Final[dict[str, Imported]] = {}
        self.assigned: Final[dict[str, Node | None]] = {}
        self.required: Final[list[str]] = []
        self.loads_by_expression = False
        self.settings: Final[dict[str, Node]] = {}
        self.default = ""
        self.exported: Node | None = None
        for node in self.nodes:
            self._note(node)

    def _note(self, node: Node) -> None:
        match node.type:
            case "import_statement" | "export_statement":
                self._import(node)
            case "variable_declarator":
                self._declare(field(node, "name"), field(node, "value"))
            case "assignment_expression":
                self._assign(node)
            case "call_expression":
                self._call(node)

    def _import(self, node: Node) -> None:
        source = field(node, "source")
        if source is not None:
            module = text_of(source).strip("\"'`")
            self.required.append(module)
            for inner in walk(node):
                if inner.type == "import_specifier":
                    name = text_of(field(inner, "name"))
                    self.imports[text_of(field(inner, "alias")) or name] = Imported(module, name)
                elif inner.type == "import_clause":
                    for one in inner.named_children:
                        if one.type == "identifier":
                            self.imports[text_of(one)] = Imported(module, "default")
                        elif one.type == "namespace_import":
                            self.imports[text_of(one.named_children[-1])] = Imported(module, "")
        elif node.type == "export_statement" and (value := field(node, "value")) is not None:
            self.default = text_of(value) if value.type == "identifier" else self.default
            self.exported = value

    def _declare(self, name: Node | None, value: Node | None) -> None:
        if name is None:
            return
        module = required(value)
        if name.type == "identifier":
            own = text_of(name)
            if module:
                self.imports[own] = Imported(module, "default")
            elif (
                value is not None and value.type == "member_expression" and (inner := required(field(value, "object")))
            ):
                self.imports[own] = Imported(inner, text_of(field(value, "property")))
            else:
                self.assigned[own] = value if own not in self.assigned else None
        elif name.type == "object_pattern":
            for part in name.named_children:
                self._destructure(part, module, value)

    def _destructure(self, part: Node, module: str, value: Node | None) -> None:
        """`const { PORT = 3000 } = process.env`, `const { Router } = require("express")`"""
        key, own = part, part
        if part.type == "pair_pattern":
            key, own = field(part, "key") or part, field(part, "value") or part
        elif part.type == "object_assignment_pattern":
            key = own = field(part, "left") or part
        if module:
            self.imports[text_of(own)] = Imported(module, text_of(key))
        elif text_of(value) == "process.env":
            self.assigned[text_of(own)] = part

    def _assign(self, node: Node) -> None:
        left, right = field(node, "left"), field(node, "right")
        name = text_of(left)
        if name == "module.exports" and right is not None:
            self.default = text_of(right) if right.type == "identifier" else self.default
            self.exported = right
        elif left is not None and (left.type == "identifier" or name.startswith("this.")):
            self.assigned[name] = None if self.assigned.get(name) is not None else right

    def _call(self, node: Node) -> None:
        arguments = arguments_of(node)
        function = field(node, "function")
        if module := required(node):
            self.required.append(module)
        elif text_of(function) in ("require", "import"):
            self.loads_by_expression = True
        if len(arguments) == 2 and text_of(field(function, "property")) == "set" and arguments[0].type == "string":
            self.settings[text_of(arguments[0]).strip("\"'`")] = arguments[1]


def required(node: Node | None) -> str:
    """The module of `require("x")` and `import("x")`; empty for other expressions."""
    if node is None or node.type != "call_expression" or text_of(field(node, "function")) not in ("require", "import"):
        return ""
    arguments = arguments_of(node)
    return text_of(arguments[0]).strip("\"'`") if arguments and arguments[0].type == "string" else ""


class Scripts:
    """The files of the context that a program imports, from one of them on."""

    __slots__ = ("_broken", "by_path", "environment", "sources", "unread")

    def __init__(self, sources: Sources, environment: Environment) -> None:
        self.sources: Final = sources
        self.environment: Final = environment
        self.by_path: Final[dict[str, Script]] = {}
        self._broken = 0
        self.unread: Final[list[str]] = []

    def add(self, file: str, path: str) -> Script | None:
        """Read a file."""
        if path in self.by_path:
            return self.by_path[path]
        if self._broken >= MOST_BROKEN:
            return None
        text = self.sources.read(file)
        root = text if isinstance(text, Unknown) else parse_source(text, language_of(path))
        if isinstance(root, Unknown):
            self._broken += 1
            self.unread.append(root.reason)
            return None
        if root.has_error:
            self.unread.append(f"{file} cannot be understood in all parts")
        script = self.by_path[path] = Script(file, path, root)
        return script

    def resolve(self, script: Script, module: str) -> Script | None:
        """The file that a script means by a relative module."""
        if not module.startswith("."):
            return None
        base = posixpath.normpath(posixpath.join(posixpath.dirname(script.path), module))
        candidates = [base + ending for ending in _ENDINGS]
        if base.endswith((".js", ".mjs")):
            candidates += [base[:-3].removesuffix(".") + ".ts", base[:-3] + ".tsx"]
        for path in candidates:
            if path in self.by_path:
                return self.by_path[path]
            origin = self.sources.origin(path) if posixpath.basename(path).count(".") else ""
            if origin and not self.sources.context.is_folder(origin):
                return None if origin.endswith(".json") else self.add(origin, path)
        return None

    def follow(self, first: Script) -> None:
        """Read all that a script imports from the context, and so on."""
        pending, seen = [first], {first.path}
        while pending:
            script = pending.pop(0)
            for module in dict.fromkeys(script.required):
                if module.startswith(("@/", "~/", "src/", "#")):
                    self.unread.append(f"{script.file} imports {module}")
                found = self.resolve(script, module)
                if found is not None and found.path not in seen:
                    seen.add(found.path)
                    pending.append(found)
                if len(seen) >= MOST_FILES:
                    self.unread.append("the project has more sources than are read")
                    return

    # What expressions come to

    def text(self, node: Node | None, script: Script, depth: int = 0) -> Text | None:
        """What an expression comes to as a text; None where that cannot be told."""
        if node is None or depth > DEEPEST:
            return None
        kind = node.type
        if kind == "number":
            return Text(text_of(node).replace("_", ""))
        if kind == "string":
            return Text(text_of(node)[1:-1])
        if kind == "template_string":
            return self._template(node, script, depth)
        if kind == "identifier":
            return self._named(text_of(node), script, depth)
        if kind in _INSIDE:
            return self.text(node.named_children[0] if node.named_children else None, script, depth + 1)
        if kind == "unary_expression" and text_of(field(node, "operator")) == "+":
            return self.text(field(node, "argument"), script, depth + 1)
        if kind == "binary_expression":
            return self._binary(node, script, depth)
        if kind == "ternary_expression":
            first = self.text(field(node, "consequence"), script, depth + 1)
            return self._either(first, self.text(field(node, "alternative"), script, depth + 1)) if (
                first is not None and first.variables) else None  # fmt: skip
        if kind in ("member_expression", "subscript_expression"):
            return self._member(node, script, depth)
        if kind in ("call_expression", "new_expression"):
            return self._called(node, script, depth)
        if kind in ("shorthand_property_identifier_pattern", "pair_pattern", "object_assignment_pattern"):
            return self._destructured(node, script, depth)
        return None

    def _template(self, node: Node, script: Script, depth: int) -> Text:
        result = Text("")
        for part in node.named_children:
            if part.type == "string_fragment":
                result += Text(text_of(part))
            elif part.type == "template_substitution":
                inner = part.named_children[0] if part.named_children else None
                result += self.text(inner, script, depth + 1) or Text(UNKNOWN_PART)
            else:
                result += Text(UNKNOWN_PART)
        return result

    def _named(self, name: str, script: Script, depth: int) -> Text | None:
        if name == "__dirname":
            return Text(posixpath.dirname(script.path))
        if name in script.assigned:
            return self.text(script.assigned[name], script, depth + 1)
        imported = script.imports.get(name)
        other = self.resolve(script, imported.module) if imported else None
        if imported is None or other is None or depth > DEEPEST:
            return None
        own = other.default if imported.attribute == "default" else imported.attribute
        return self._named(own, other, depth + 1) if own in other.assigned else None

    @staticmethod
    def _either(first: Text | None, second: Text | None) -> Text | None:
        if first is not None and first.known:
            return first
        if first is None or second is None:
            return None
        if first.known is None or not first.value:
            return second._replace(variables=tuple(dict.fromkeys((*first.variables, *second.variables))))
        return first

    def _binary(self, node: Node, script: Script, depth: int) -> Text | None:
        left = self.text(field(node, "left"), script, depth + 1)
        right = self.text(field(node, "right"), script, depth + 1)
        operator = text_of(field(node, "operator"))
        if operator in ("||", "??"):
            return self._either(left, right)
        if operator == "+" and (left is not None or right is not None):
            return (left or Text(UNKNOWN_PART)) + (right or Text(UNKNOWN_PART))
        return None

    def variable(self, name: str, default: Text | None = None) -> Text:
        """The value of an environment variable."""
        return self.environment.text(name, default)

    def _member(self, node: Node, script: Script, depth: int) -> Text | None:
        owner = text_of(field(node, "object"))
        name = text_of(field(node, "property") or field(node, "index")).strip("\"'`")
        if owner == "this":
            return self._named(text_of(node), script, depth)
        if owner == "process.env" or (owner.endswith(".env") and "import.meta" in owner):
            return self.variable(name)
        if text_of(node) == "import.meta.dirname":
            return Text(posixpath.dirname(script.path))
        holder, owner_script = self.holder(field(node, "object"), script, depth + 1)
        return self.text(self.property(holder, name), owner_script, depth + 1) if holder is not None else None

    def holder(self, node: Node | None, script: Script, depth: int = 0) -> tuple[Node | None, Script]:
        """The object literal that an expression stands for, and the file that it stands in: maybe another one."""
        if node is None or depth > DEEPEST:
            return None, script
        if node.type == "member_expression":
            outer, place = self.holder(field(node, "object"), script, depth + 1)
            return self.holder(self.property(outer, text_of(field(node, "property"))), place, depth + 1)
        imported = script.imports.get(text_of(node)) if node.type == "identifier" else None
        other = self.resolve(script, imported.module) if imported else None
        if imported is None or other is None:
            return self.object(node, script, depth + 1), script
        if imported.attribute in ("default", ""):
            return self.holder(other.exported, other, depth + 1)
        return self.holder(other.assigned.get(imported.attribute), other, depth + 1)

    def object(self, node: Node | None, script: Script, depth: int = 0) -> Node | None:
        """The object literal that an expression stands for."""
        if node is None or depth > DEEPEST:
            return None
        if node.type == "object":
            return node
        if node.type == "identifier":
            return self.object(script.assigned.get(text_of(node)), script, depth + 1)
        if node.type == "member_expression":
            holder = self.object(field(node, "object"), script, depth + 1)
            return self.object(self.property(holder, text_of(field(node, "property"))), script, depth + 1)
        return None

    @staticmethod
    def property(node: Node | None, name: str) -> Node | None:
        """The value of a key of an object literal."""
        for part in node.named_children if node is not None else ():
            if part.type == "pair" and text_of(field(part, "key")).strip("\"'") == name:
                return field(part, "value")
        return None

    def _called(self, node: Node, script: Script, depth: int) -> Text | None:
        function = field(node, "function")
        name = text_of(function)
        arguments = arguments_of(node)
        if name in _SAME and arguments:
            return self.text(arguments[0], script, depth + 1)
        if name in ("path.join", "path.resolve", "join", "resolve") and arguments:
            parts = [self.text(one, script, depth + 1) for one in arguments]
            if any(part is None for part in parts):
                return None
            known = [part for part in parts if part is not None]
            return Text(posixpath.join(*(one.value.lstrip("/") if number and name.endswith("join") else one.value
                                         for number, one in enumerate(known))),
                        tuple(variable for one in known for variable in one.variables))  # fmt: skip
        if name == "process.cwd":
            return Text(".")
        if name in ("path.dirname", "fileURLToPath", "dirname") and "import.meta.url" in text_of(node):
            return Text(script.path if name == "fileURLToPath" else posixpath.dirname(script.path))
        if (
            text_of(field(function, "property")) in ("get", "getOrThrow")
            and arguments
            and arguments[0].type == "string"
        ):
            return self._setting(name, text_of(arguments[0])[1:-1], arguments, script, depth)
        return None

    def _setting(self, name: str, key: str, arguments: list[Node], script: Script, depth: int) -> Text | None:
        """`app.get("port")` of Express, `configService.get("PORT", 3000)` of Nest."""
        if len(arguments) == 1 and key in script.settings:
            return self.text(script.settings[key], script, depth + 1)
        if key.isupper() and "config" in name.lower():
            return self.variable(key, self.text(arguments[1], script, depth + 1) if len(arguments) > 1 else None)
        return None

    def _destructured(self, node: Node, script: Script, depth: int) -> Text | None:
        if node.type == "object_assignment_pattern":
            name = text_of(field(node, "left"))
            return self.variable(name, self.text(field(node, "right"), script, depth + 1))
        if node.type == "pair_pattern":
            return self.variable(text_of(field(node, "key")))
        return self.variable(text_of(node))
