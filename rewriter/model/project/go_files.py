"""Go sources as data: the files of a package and of those of its module that it imports."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rewriter.model.project.answers import Unknown
from rewriter.model.project.sources import Sources
from rewriter.model.project.trees import MOST_BROKEN, field, parse_source, text_of, walk

if TYPE_CHECKING:
    from tree_sitter import Node

MOST_FILES: Final = 150
_STARTING_OTHERS: Final = frozenset({"os/exec", "plugin", "golang.org/x/tools/go/packages", "go/build"})
_MODULE: Final = re.compile(r"(?m)^module[ \t]+\"?([^\s\"]+)")


class GoFile:
    """A file of a package."""

    __slots__ = ("assigned", "folder", "imports", "nodes", "path")

    def __init__(self, path: str, root: Node) -> None:
        self.path: Final = path
        self.folder: Final = posixpath.dirname(path)
        self.nodes: Final = tuple(walk(root))
        self.imports: Final[dict[str, str]] = {}
        self.assigned: Final[dict[str, list[Node]]] = {}
        for node in self.nodes:
            if node.type == "import_spec":
                module = text_of(field(node, "path")).strip('"`')
                name = text_of(field(node, "name")) or re.sub(r"/v\d+\Z", "", module).rpartition("/")[2]
                self.imports[name] = module
            elif node.type in ("short_var_declaration", "assignment_statement"):
                self._note(field(node, "left"), field(node, "right"))
            elif node.type in ("const_spec", "var_spec"):
                names = [one for one in node.named_children if one.type == "identifier"]
                values = field(node, "value")
                if names and values is not None and values.named_children:
                    self.assigned.setdefault(text_of(names[0]), []).append(values.named_children[0])

    @property
    def starts_others(self) -> str:
        """A module that it imports and that starts, loads or builds other programs; empty where there is none."""
        return min(_STARTING_OTHERS.intersection(self.imports.values()), default="")

    def strings(self) -> Iterator[str]:
        """The texts of the strings in it, without the paths of imports."""
        for node in self.nodes:
            is_import = node.parent is not None and node.parent.type == "import_spec"
            if node.type in ("interpreted_string_literal", "raw_string_literal") and not is_import:
                yield text_of(node).strip('"`')

    def _note(self, left: Node | None, right: Node | None) -> None:
        if left is not None and right is not None and left.named_children and right.named_children:
            self.assigned.setdefault(text_of(left.named_children[0]), []).append(right.named_children[0])


class Packages:
    """The packages of a module, each read once."""

    __slots__ = ("_read", "module", "root", "sources", "unread")

    def __init__(self, sources: Sources) -> None:
        self.sources: Final = sources
        self.unread: Final[list[str]] = []
        self._read = 0
        self.module = ""
        self.root = ""

    def read(self, folder: str) -> list[GoFile]:
        """The files of a package and of those that it imports from the same module."""
        self._find_module(folder)
        pending, seen, found = [folder], {folder}, list[GoFile]()
        while pending:
            for file in self._package(pending.pop(0)):
                found.append(file)
                for module in file.imports.values():
                    if self.module and (module == self.module or module.startswith(f"{self.module}/")):
                        place = posixpath.join(self.root, module[len(self.module) + 1 :])
                        if place not in seen:
                            seen.add(place)
                            pending.append(place)
        return found

    def read_program(self, file: str) -> list[GoFile]:
        """The files of what `go build` is given, and of what it imports: `.`, the folder of a package, or `main.go`."""
        return self.read(posixpath.dirname(file) if file.endswith(".go") else "" if file == "." else file)

    def _find_module(self, folder: str) -> None:
        while True:
            text = self.sources.read(posixpath.join(folder, "go.mod"))
            if isinstance(text, str) and (match := _MODULE.search(text)):
                self.module, self.root = match[1], folder
                return
            if not folder:
                return
            folder = posixpath.dirname(folder)

    def _package(self, folder: str) -> Iterator[GoFile]:
        names = self.sources.context.list(folder)
        for name in names or ():
            if not name.endswith(".go") or name.endswith("_test.go"):
                continue
            if self._read >= MOST_FILES or len(self.unread) >= MOST_BROKEN:
                self.unread.append("the project has more sources than are read")
                return
            self._read += 1
            path = posixpath.join(folder, name)
            text = self.sources.read(path)
            root = text if isinstance(text, Unknown) else parse_source(text, "go")
            if isinstance(root, Unknown):
                self.unread.append(root.reason)
            else:
                yield GoFile(path, root)
