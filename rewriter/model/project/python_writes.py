"""Where Python sources write: files that they open, folders that they make, databases, logs and uploads."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from rewriter.model.data.quiet_packages import is_quiet
from rewriter.model.data.standard_library import STANDARD_MODULES
from rewriter.model.managers.vocabulary import names
from rewriter.model.project.answers import Text, Writes
from rewriter.model.project.python_values import Module, Modules, dotted
from rewriter.model.stages import UNKNOWN_PART

_WRITE_MODE: Final = re.compile(r"[rbt]*[wax+]")
_SQLITE: Final = re.compile(r"sqlite(?:\+\w+)?://(?:/(?P<path>.*))?\Z")
# Functions whose first argument, or one by keyword, is a file or folder that they write.
_FIRST: Final[Mapping[str, str]] = {
    "os.makedirs": "name", "os.mkdir": "path", "sqlite3.connect": "database", "aiosqlite.connect": "database",
    "logging.FileHandler": "filename", "logging.handlers.RotatingFileHandler": "filename",
    "logging.handlers.TimedRotatingFileHandler": "filename", "logging.handlers.WatchedFileHandler": "filename",
    "shelve.open": "filename", "dbm.open": "file", "os.remove": "path", "os.unlink": "path", "os.rmdir": "path",
    "shutil.rmtree": "path", "numpy.save": "file", "zipfile.ZipFile": "file",
    "duckdb.connect": "database", "shutil.make_archive": "base_name", "os.open": "path",
    "dotenv.set_key": "dotenv_path", "dotenv.unset_key": "dotenv_path", "zipfile.PyZipFile": "file",
}  # fmt: skip
_SECOND: Final = names(
    "shutil.copy shutil.copy2 shutil.copyfile shutil.move shutil.copytree os.rename os.replace torch.save joblib.dump "
    "urllib.request.urlretrieve os.symlink os.link shutil.unpack_archive"
)
_OPENERS: Final = names(
    "open io.open aiofiles.open codecs.open gzip.open bz2.open lzma.open wave.open tarfile.open fileinput.input"
)
# What reads a configuration from a file, or a module by its name: anything may stand in it.
_LOADERS: Final = names(
    "logging.config.fileConfig logging.config.dictConfig importlib.import_module __import__ runpy.run_path "
    "runpy.run_module"
)
_LOADING_METHODS: Final = names("from_object from_pyfile from_envvar from_file autodiscover_tasks")
_RENAMES: Final = names("rename symlink_to hardlink_to")
_OF_FOLDERS: Final = names("os.makedirs os.mkdir os.rmdir shutil.rmtree mkdir save_model save_pretrained extractall")
_SAVERS: Final = ("PIL", "torch", "flask", "werkzeug", "openpyxl", "docx", "matplotlib")
_PATH_METHODS: Final = names("write_text write_bytes mkdir touch unlink")
_ARGUMENT_METHODS: Final = names(
    "to_csv to_excel to_parquet to_json to_pickle savefig save save_model save_pretrained extractall download_file "
    "imwrite"
)
_SETTINGS: Final = names(
    "UPLOAD_FOLDER UPLOAD_DIR UPLOAD_DIRECTORY MEDIA_ROOT STATIC_ROOT LOG_FILE SESSION_FILE_DIR CACHE_DIR DATA_DIR "
    "FILE_UPLOAD_TEMP_DIR"
)


def find_writes(modules: Modules, folder: str) -> Writes:
    """The paths that the modules write, absolute in the image where the folder that the program runs in is known."""
    finder = _Finder(modules, folder)
    for module in list(modules.by_name.values()):
        for node in module.nodes:
            finder.look(node, module)
    if finder.has_database and any(
        "flask_sqlalchemy" in module.imported_modules for module in modules.by_name.values()
    ):
        # https://flask-sqlalchemy.palletsprojects.com/en/stable/config/#connection-url-format
        finder.unread.append("Flask-SQLAlchemy puts databases into a folder of its own, which it makes")
    others = (f"{name}, which {file} imports, may write files" for file, name in _not_quiet(modules))
    unread = (*finder.unread, *modules.unread, *others)
    return Writes(tuple(sorted(finder.paths)), tuple(dict.fromkeys(unread)))


def _not_quiet(modules: Modules) -> Iterator[tuple[str, str]]:
    """The packages of others that are imported and may write, each with the file that does."""
    own = {name.partition(".")[0] for name in modules.by_name}
    for module in modules.by_name.values():
        for name in dict.fromkeys(module.imported_modules):
            first = name.partition(".")[0]
            if first and first not in own and first not in STANDARD_MODULES and not is_quiet(name, "python"):
                yield module.file, first


class _Finder:
    """Collects paths."""

    __slots__ = ("_folder", "_modules", "has_database", "paths", "unread")

    def __init__(self, modules: Modules, folder: str) -> None:
        self._modules: Final = modules
        self._folder: Final = folder
        self.paths: Final[set[str]] = set()
        self.unread: Final[list[str]] = []
        self.has_database = False

    def look(self, node: ast.AST, module: Module) -> None:
        match node:
            case ast.Constant(str() as value) if value.startswith("sqlite"):
                self._database(Text(value))
            case ast.JoinedStr([ast.Constant(str() as first), *_]) if first.startswith("sqlite"):
                self._database(self._modules.text(node, module))
            case ast.Assign([ast.Name("INSTALLED_APPS" | "MIDDLEWARE")], ast.List(elements) | ast.Tuple(elements)):
                self._loaded_by_django(elements, module)
            case ast.Assign([ast.Name(name)], value) if name in _SETTINGS:
                self._add(value, module, name)
            case ast.Assign([ast.Subscript(_, ast.Constant(name))], value) if name in _SETTINGS:
                self._add(value, module, str(name))
            case ast.Dict(keys, values):
                self._settings(keys, values, module)
            case ast.Call():
                self._call(node, module)

    def _loaded_by_django(self, names: list[ast.expr], module: Module) -> None:
        """https://docs.djangoproject.com/en/stable/ref/settings/#installed-apps"""
        for node in names:
            name = node.value if isinstance(node, ast.Constant) else ""
            if not isinstance(name, str) or not name:
                self.unread.append(f"which applications {module.file} installs is not plain")
            elif not is_quiet(name, "python") and not self._modules.load(name.partition(".")[0]):
                self.unread.append(f"{name.partition('.')[0]}, which {module.file} installs, may write files")

    def _settings(self, keys: list[ast.expr | None], values: list[ast.expr], module: Module) -> None:
        """Django's DATABASES and LOGGING: the NAME beside an ENGINE of SQLite, the filename of a handler."""
        found = {key.value: value for key, value in zip(keys, values, strict=True) if isinstance(key, ast.Constant)}
        engine = found.get("ENGINE")
        if isinstance(engine, ast.Constant) and "sqlite3" in str(engine.value) and "NAME" in found:
            self._add(found["NAME"], module, "DATABASES")
        if "filename" in found and "class" in found:
            self._add(found["filename"], module, "LOGGING")

    def _call(self, call: ast.Call, module: Module) -> None:
        name = dotted(call.func, module)
        short = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        first = call.args[0] if call.args else None
        if name in _FIRST:
            self._add(first or keywords.get(_FIRST[name]), module, name)
        elif name in _LOADERS or short in _LOADING_METHODS:
            if not (name == "logging.config.dictConfig" and isinstance(first, ast.Dict | ast.Name)):
                self.unread.append(f"what `{name or short}` in {module.file} loads may write files")
        elif name in _OPENERS or short == "open":
            is_method = short == "open" and name not in _OPENERS
            mode = keywords.get("mode") or next(iter(call.args[0 if is_method else 1 :]), None)
            if mode is None or (isinstance(mode, ast.Constant) and not _WRITE_MODE.match(str(mode.value))):
                return
            if is_method and not isinstance(mode, ast.Constant):
                return  # Image.open(file) and the like
            assert not is_method or isinstance(call.func, ast.Attribute)
            target = call.func.value if is_method and isinstance(call.func, ast.Attribute) else first
            self._add(target or keywords.get("file"), module, "open")
        elif name == "logging.basicConfig":
            if "filename" in keywords:
                self._add(keywords["filename"], module, name)
        elif name in _SECOND and len(call.args) > 1:
            self._add(call.args[1], module, name)
        elif name.startswith("subprocess.") or name in ("os.system", "os.popen"):
            self.unread.append(f"`{name}` in {module.file} runs another program")
        elif name.startswith("tempfile."):
            self.paths.add("/tmp")
            if "dir" in keywords:
                self._add(keywords["dir"], module, name)
        elif short in _RENAMES and first is not None:
            self._add(first, module, short)
        elif short in _PATH_METHODS and isinstance(call.func, ast.Attribute):
            self._add(call.func.value, module, short)
        elif short in _ARGUMENT_METHODS and first is not None and (short != "save" or _saves(first, module)):
            self._add(first, module, short)

    def _add(self, node: ast.expr | None, module: Module, what: str) -> None:
        text = self._modules.text(node, module)
        if text is not None and what.endswith("connect") and (_SQLITE.match(text.value) or text.value == ":memory:"):
            return
        if text is not None and not (what in _SETTINGS or what in _OF_FOLDERS or what in _SECOND):
            text = text._replace(value=folder_of_bare(text.value))
        self._note(text, f"`{what}` in {module.file} writes to a path that is computed")

    def _database(self, text: Text | None) -> None:
        match = _SQLITE.match(text.value) if text else None
        if text is None or match is None or not match["path"] or ":memory:" in text.value:
            return
        path = match["path"].partition("?")[0]
        self.has_database = True
        self._note(text._replace(value=path), "the path of a SQLite database is computed")

    def _note(self, text: Text | None, reason: str) -> None:
        """Note a path; of one that is known up to some folder, that folder."""
        if text is None or not text.value:
            self.unread.append(reason)
            return
        known, *rest = text.value.split(UNKNOWN_PART)
        path = posixpath.dirname(known) if rest else known
        if (rest and not known.rpartition("/")[0]) or not (self._folder or path.startswith("/")):
            self.unread.append(reason)
            return
        self.paths.add(posixpath.normpath(posixpath.join(self._folder, path)))


def folder_of_bare(path: str) -> str:
    """The folder of a file whose name has no ending: else its path would look like that of a folder."""
    folder, _, name = path.rpartition("/")
    return path if "." in name or UNKNOWN_PART in path or not name else folder or ("/" if path[0] == "/" else ".")


def _saves(first: ast.expr, module: Module) -> bool:
    """Whether `x.save(y)` writes a file: models of Django have such a method as well."""
    return isinstance(first, ast.Constant) or any(name.startswith(_SAVERS) for name in module.imported_modules)
