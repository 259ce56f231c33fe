"""COPY for what ADD would only copy."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace, spell
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.model.context.archive import is_archive
from rewriter.model.context.build_context import BuildContext, clean
from rewriter.model.context.evidence import REMOTE
from rewriter.model.state import State
from rewriter.syntax.expansion import is_heredoc
from rewriter.syntax.tree import Add

# Those that ADD and COPY share: https://docs.docker.com/reference/dockerfile/#add
_SHARED_FLAGS = frozenset({"chown", "chmod", "link", "exclude"})
_OF_ARCHIVES = (".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".tzst")


@fixer(
    code="DF502",
    name="add-instead-of-copy",
    level=Level.SAFE,
    phase="spelling",
    replaces=["DL3020"],
    gains=["reliability"],
    example=Example(
        before="FROM python:3.13-slim\nADD . /app\n",
        after="FROM python:3.13-slim\nCOPY . /app\n",
    ),
)
def write_copy(add: Add, state: State, context: BuildContext) -> Iterator[Fix | Skip]:
    """Write COPY instead of ADD for files and folders that ADD would not unpack.

    ADD unpacks a file that is a tar, compressed or not, whatever its name; so each file is looked at in the build
    context. What lies in a folder is never unpacked. URLs, repositories and archives keep their ADD, and so does an
    ADD with a flag that COPY does not have.
    """
    if len(add.paths) < 2 or any(flag.name not in _SHARED_FLAGS for flag in add.flags):
        return
    doubts: list[str] = []
    for source in add.sources:
        if is_heredoc(source):
            continue  # written as it is
        value = state.value(source)
        if REMOTE.match(source) or REMOTE.match(value.text):
            return
        if value.known is None or not value.is_fixed:
            doubts.append(f"{source} depends on a variable")
            continue
        unpacked = _is_unpacked(value.known, context)
        if unpacked is True:
            return
        doubts += [unpacked] if unpacked else []
    if doubts:
        yield Skip(add, f"{doubts[0]}, and ADD unpacks archives")
        return
    what = add.sources[0] if len(add.sources) == 1 else "these sources"
    yield Fix(add, f"ADD only copies {what}", [replace(add.keyword, spell("COPY", like=add))])


def _is_unpacked(source: str, context: BuildContext) -> bool | str:
    """Whether ADD unpacks anything that a source stands for, or why that is not known."""
    name = clean(source)
    if not name or (source.endswith("/") and not context.matches(name) and not name.endswith(_OF_ARCHIVES)):
        return False  # a slash makes no folder of a file, so what is there is looked at
    paths = context.matches(name)
    if paths is None:
        return "the build context is not known"
    if not paths:
        return f"{source} is not in the build context"
    doubt = ""
    for path in paths:
        if context.is_folder(path):
            continue
        unpacked = is_archive(context, path)
        if unpacked:
            return True
        if unpacked is None:
            doubt = doubt or f"the content of {path} is not known"
    return doubt or False
