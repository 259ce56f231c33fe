"""Which programs a file of JavaScript or TypeScript starts: what the patterns here do not know counts as unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rewriter.model.slimming.commands_in_sources import COMPUTED, programs_of_text, programs_of_words

_HINT: Final = re.compile(r"child_process|\bexeca\b|shelljs|[\"']zx[\"']|cross-spawn|\bBun\.(?:spawn|\$)|Deno\.Command")
_MODULE: Final = re.compile(
    r"(?:const|let|var|import)\s+(?:\*\s*as\s+)?(\w+)\s*(?:=\s*(?:await\s+)?(?:require|import)\s*\(\s*|\s+from\s+)"
    r"[\"'`](?:(?:node:)?child_process|shelljs|execa|cross-spawn)[\"'`]"
)
_PROMISED: Final = re.compile(
    r"(\w+)\s*=\s*(?:[\w$]+\.|require\([^)]*\)\.)*promisify\s*\(\s*(?:[\w$]+\.|require\([^)]*\)\.)*(exec|execFile)\b"
)
_RENAMED: Final = re.compile(
    r"\b(exec|execSync|execFile|execFileSync|spawn|spawnSync|execa|execaSync)\s*(?::|\bas\b)\s*(\w+)\s*[,}]"
)
_SHELL: Final = ("exec", "execSync", "execAsync", "execPromise", "execaCommand", "execaCommandSync")
_WORDS: Final = ("execFile", "execFileSync", "execFileAsync", "spawn", "spawnSync", "execa", "execaSync", "crossSpawn")
_OF_NODE: Final = ("fork",)
_TEXT: Final = re.compile(r"\s*([\"'`])((?:(?!\1)(?:\\.|[^\\]))*)\1\s*(\+|,\s*\[([^\]]*)\])?", re.DOTALL)
_OWN: Final = re.compile(r"\s*process\.(?:execPath|argv0|argv\[0\])")
_WORD: Final = re.compile(r"\s*(?:([\"'`])((?:(?!\1)[^\n])*)\1|[^,]+)\s*(?:,|\Z)")
_PUT_IN: Final = re.compile(r"\$\{[^}]*\}")


def started_by_node(text: str) -> Iterator[str]:
    """The programs of a file; an empty name for one that cannot be told."""
    if not _HINT.search(text):
        return
    modules = {match[1] for match in _MODULE.finditer(text)} | {"child_process", "cp", "childProcess"}
    kinds = dict.fromkeys(_SHELL, "shell") | dict.fromkeys(_WORDS, "words") | dict.fromkeys(_OF_NODE, "node")
    for match in _PROMISED.finditer(text):
        kinds[match[1]] = kinds[match[2]]
    for match in _RENAMED.finditer(text):
        kinds[match[2]] = kinds[match[1]]
    kinds |= dict.fromkeys(modules & {"execa", "spawn", "crossSpawn"}, "words")
    called = re.compile(r"(?<![\w$.])(?:([\w$]+|\))\s*\.\s*)?(" + "|".join(map(re.escape, kinds)) + r")\s*\(")
    has_call = False
    for match in called.finditer(text):
        # Regular expressions have an `exec` as well.
        if match[2] == "exec" and match[1] and match[1] not in modules | {")"}:
            continue
        if text[: match.start()].rstrip().endswith("function"):
            continue
        has_call = True
        yield from _of_call(kinds[match[2]], text, match.end())
    if not has_call:
        yield ""


def _of_call(kind: str, text: str, at: int) -> Iterator[str]:
    if kind == "node" or _OWN.match(text, at):
        yield "node"
        return
    match = _TEXT.match(text, at)
    if match is None:
        yield ""
        return
    written = _PUT_IN.sub(COMPUTED, match[2]) if match[1] == "`" else match[2]
    if kind == "shell" or "shell: true" in text[match.end() : match.end() + 200]:
        yield from programs_of_text(written + (f" {COMPUTED}" if match[3] == "+" else ""))
        return
    rest = [word[2] if word[1] and word[1] != "`" else None for word in _WORD.finditer(match[4] or "")]
    yield from programs_of_words([None if COMPUTED in written or match[3] == "+" else written, *rest])
