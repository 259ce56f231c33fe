"""Where JavaScript and TypeScript sources write."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rewriter.model.data.quiet_packages import is_quiet
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Text, Writes
from rewriter.model.project.imports import BUILT_IN, package_of
from rewriter.model.project.javascript_values import Script, Scripts
from rewriter.model.project.python_writes import folder_of_bare
from rewriter.model.project.trees import arguments_of, field, text_of
from rewriter.model.stages import UNKNOWN_PART

if TYPE_CHECKING:
    from tree_sitter import Node

_METHODS: Final = frozenset(
    {"writeFile", "writeFileSync", "appendFile", "appendFileSync", "createWriteStream", "mkdir", "mkdirSync", "unlink",
     "unlinkSync", "rm", "rmSync", "rmdirSync", "outputFile", "outputJson", "ensureDir", "ensureDirSync", "mkdtemp",
     "outputFileSync", "outputJsonSync", "outputJSON", "writeJson", "writeJsonSync", "writeJSON", "ensureFile",
     "ensureFileSync", "mkdirp", "mkdtempSync", "truncate", "truncateSync", "symlink", "symlinkSync"}
)  # fmt: skip
_SQLITE_OF_PRISMA: Final = re.compile(r"provider\s*=\s*\"sqlite\"")
_FILE_SYSTEM: Final = names("fs fsp fse promises fs.promises fsPromises")
_OF_FILES: Final = re.compile(r"[fF]ile|Json|WriteStream|unlink")
_RUNS: Final = frozenset({"exec", "execSync", "execFile", "execFileSync", "spawn", "spawnSync", "fork"})
_SECOND: Final = frozenset(
    {"copyFile", "copyFileSync", "rename", "renameSync", "cp", "cpSync", "copy", "copySync", "move"}
)
_OPENS: Final = frozenset({"open", "openSync"})
_CONSTRUCTORS: Final = frozenset({"sqlite3.Database", "Database", "DatabaseSync", "JSONFile", "JSONFileSync", "Low"})
_OPTIONS: Final = frozenset(
    {"dest", "destination", "filename", "storage", "database", "dirname", "uploadDir", "tempFileDir"}
)
_HOLDERS: Final = re.compile(
    r"multer|diskStorage|FilesInterceptor|FileInterceptor|FileFieldsInterceptor|MulterModule|transports\.File|DailyRotateFile|Sequelize|DataSource|TypeOrm|formidable|fileUpload"
)


def find_writes(scripts: Scripts, folder: str) -> Writes:
    """The paths that the files write, absolute in the image where the folder that the program runs in is known."""
    paths: set[str] = set()
    unread: list[str] = []
    for script in scripts.by_path.values():
        for node in script.nodes:
            if node.type not in ("call_expression", "new_expression"):
                continue
            for text in _written(node, scripts, script):
                path = _place(text, folder)
                if path:
                    paths.add(path)
                elif text is None or UNKNOWN_PART in text.value or not folder:
                    made = text_of(field(node, "function") or field(node, "constructor"))[:40]
                    unread.append(f"`{made}` in {script.file} writes to a path that is computed")
    unread += scripts.unread
    for script in scripts.by_path.values():
        unread += _doubts_of(script)
    if any("@prisma/client" in script.required for script in scripts.by_path.values()):
        unread += _databases_of_prisma(scripts)
    return Writes(tuple(sorted(paths)), tuple(dict.fromkeys(unread)))


def _doubts_of(script: Script) -> Iterator[str]:
    """What in a file may write where nobody sees it: packages of others, files and functions that go by other names."""
    packages = dict.fromkeys(map(package_of, script.required))
    for package in packages:
        if package and package not in BUILT_IN and not is_quiet(package, "javascript"):
            yield f"{package}, which {script.file} loads, may write files"
    if script.loads_by_expression:
        yield f"{script.file} loads files by names that it puts together"
    for node in script.nodes:
        if node.type == "new_expression" and text_of(field(node, "constructor")).rpartition(".")[2] == "Worker":
            yield f"{script.file} starts a worker"
        elif _is_writer_by_another_name(node):
            yield f"{script.file} writes by functions of other names"


def _databases_of_prisma(scripts: Scripts) -> Iterator[str]:
    """https://www.prisma.io/docs/orm/overview/databases/sqlite"""
    context = scripts.sources.context
    for path in context.walk("", lambda name: name.endswith(".prisma")) or ():
        if _SQLITE_OF_PRISMA.search(context.read(path) or ""):
            yield f"{path} keeps a database in a file"


def _is_writer_by_another_name(node: Node) -> bool:
    """`import { writeFile as save }`, `const { writeFile: save }`, `promisify(fs.writeFile)`"""
    if text_of(node) not in _METHODS or node.parent is None:
        return False
    holder = node.parent
    if holder.type == "import_specifier":
        return field(holder, "alias") is not None
    if holder.type == "pair_pattern":
        return True
    if holder.type != "member_expression" or text_of(field(holder, "object")) not in _FILE_SYSTEM:
        return False
    outer = holder.parent
    return outer is not None and field(outer, "function") != holder


def _written(node, scripts: Scripts, script: Script):  # type: ignore[no-untyped-def]
    arguments = arguments_of(node)
    function = field(node, "function") or field(node, "constructor")
    name = text_of(function)
    method = text_of(field(function, "property")) or name
    if method in _RUNS and "child_process" in script.required:
        yield None
    elif node.type == "new_expression" and name in _CONSTRUCTORS and arguments:
        text = scripts.text(arguments[0], script)
        if text is None or text.value != ":memory:":
            yield text
    elif method in _METHODS and arguments:
        yield _of_file(scripts.text(arguments[0], script), method)
    elif method in _OPENS and text_of(field(function, "object")) in _FILE_SYSTEM:
        if len(arguments) > 1 and text_of(arguments[1]).strip("\"'`") not in ("r", "rs"):
            yield _of_file(scripts.text(arguments[0], script), "openFile")
    elif method in _SECOND and len(arguments) > 1:
        yield _of_file(scripts.text(arguments[1], script), method)
    elif _HOLDERS.search(name):
        for argument in arguments:
            options = scripts.object(argument, script)
            for part in options.named_children if options is not None else ():
                key = text_of(field(part, "key")) if part.type == "pair" else text_of(field(part, "name"))
                if key in _OPTIONS:
                    value = field(part, "value")
                    is_function = part.type == "method_definition" or (
                        value is not None and value.type in ("arrow_function", "function_expression"))  # fmt: skip
                    if key in ("filename", "database") and (
                        is_function or ("File" not in name and "otate" not in name)
                    ):
                        text = scripts.text(value, script)
                        if text is None or ("/" not in text.value and "." not in text.value):
                            continue
                    yield None if is_function else scripts.text(value, script)


def _of_file(text: Text | None, method: str) -> Text | None:
    """What a method writes to; of a file whose name has no ending, its folder."""
    if text is None or not text.value or not _OF_FILES.search(method):
        return text
    return text._replace(value=folder_of_bare(text.value))


def _place(text: Text | None, folder: str) -> str:
    if text is None or not text.value:
        return ""
    known, *rest = text.value.split(UNKNOWN_PART)
    path = posixpath.dirname(known) if rest else known
    if (rest and "/" not in known) or not (folder or path.startswith("/")):
        return ""
    return posixpath.normpath(posixpath.join(folder, path))
