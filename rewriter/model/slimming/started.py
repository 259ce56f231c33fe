"""What a project's own sources use of the system: the programs that they start, and the files that they name."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from rewriter.model.context.build_context import BuildContext
from rewriter.model.context.source_texts import UnreadSourcesError, source_texts
from rewriter.model.slimming.node_sources import started_by_node
from rewriter.model.slimming.python_sources import started_by_python

_ENDINGS: Final = {
    "python": (".py",),
    "javascript": (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".jsx", ".tsx"),
}
_NOT_RUN: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|e2e|cypress|docs?|examples?|node_modules|\.[^/]+|venv|env)/"
    r"|(?:^|/)(?:test_[^/]*|conftest|setup|noxfile|fabfile|manage_dev)\.py$|\.(?:test|spec)\.[cm]?[jt]sx?$|\.d\.ts$"
)
_FILES: Final = re.compile(
    r"/usr/s?bin/([\w.+-]+)"
    r"|(DejaVu[\w-]*\.ttf|(?:/usr/share/(?:fonts/truetype/dejavu|mime|misc/magic|file|git-core)|/etc/mime\.types"
    r"|/usr/include|/usr/lib/[\w-]+-linux-gnu|/etc/ssl/certs)\b)"
)
_MEDIA_TYPES: Final = re.compile(r"^\s*(?:import|from) mimetypes\b", re.MULTILINE)


class Started(NamedTuple):
    """The programs that sources start, and the files of the system that they name, each with a source that does.

    `unread` says what could not be told.
    """

    programs: dict[str, str]
    files: dict[str, str]
    unread: tuple[str, ...]


def programs_started(context: BuildContext, language: str, commands: str = "") -> Started:
    """What the sources of a language, `python` or `javascript`, use; tests and the like left out.

    `commands` are those that start the container: what they name is not left out.
    """
    found = Started({}, {}, ())
    endings = _ENDINGS[language]
    paths = context.walk("", lambda name: name.endswith(endings))
    if paths is None:
        return found._replace(unread=("the sources are not known",))
    unread: list[str] = []
    try:
        for path, text in source_texts(context, [path for path in paths if _is_run(path, commands)]):
            for program in started_by_python(text, path) if language == "python" else started_by_node(text):
                if program:
                    found.programs.setdefault(program, path)
                else:
                    unread.append(f"which programs or libraries {path} uses cannot be told")
            for match in _FILES.finditer(text):
                (found.programs if match[1] else found.files).setdefault(match[1] or match[2], path)
            if language == "python" and _MEDIA_TYPES.search(text):
                found.files.setdefault("/etc/mime.types", path)
    except UnreadSourcesError as error:
        return found._replace(unread=(*unread, str(error)))
    return found._replace(unread=tuple(dict.fromkeys(unread)))


def _is_run(path: str, commands: str) -> bool:
    match = _NOT_RUN.search(path)
    return match is None or match[0].strip("/").removesuffix(".py") in commands
