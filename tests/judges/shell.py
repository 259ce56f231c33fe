"""bash and dash as judges of syntax: would `bash -n` and `dash -n` take this text?

A process for each of thousands of texts costs minutes. One shell judges many instead: it forks a subshell per text,
and there `eval` first meets `set -n`, after which the shell reads on but executes nothing, as with `-n`:

    (eval 'set -n
    the text') 2>/dev/null && echo y || echo n
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

_CHUNK: Final = 400
_known: Final[dict[tuple[str, str], bool]] = {}


def is_installed(shell: str) -> bool:
    """Whether the judge is there at all."""
    return shutil.which(shell) is not None


def bash_accepts(texts: Sequence[str]) -> list[bool]:
    """For each text, whether `bash -n` takes it."""
    return _accepts("bash", texts)


def dash_accepts(texts: Sequence[str]) -> list[bool]:
    """For each text, whether `dash -n` takes it."""
    return _accepts("dash", texts)


def _accepts(shell: str, texts: Sequence[str]) -> list[bool]:
    unknown = [text for text in dict.fromkeys(texts) if (shell, text) not in _known]
    chunks = [unknown[start : start + _CHUNK] for start in range(0, len(unknown), _CHUNK)]
    with ThreadPoolExecutor(2) as pool:
        for chunk, answers in zip(chunks, pool.map(lambda chunk: _judge(shell, chunk), chunks), strict=True):
            _known.update(((shell, text), answer) for text, answer in zip(chunk, answers, strict=True))
    return [_known[shell, text] for text in texts]


def _judge(shell: str, texts: Sequence[str]) -> list[bool]:
    with tempfile.NamedTemporaryFile(suffix=".sh") as script:
        script.write(b"".join(_question(text) for text in texts))
        script.flush()
        run = subprocess.run([shell, script.name], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    answers = run.stdout.split()
    if len(answers) != len(texts):
        raise RuntimeError(f"{shell} judged {len(answers)} of {len(texts)} texts: {run.stderr[-500:]!r}")
    return [answer == b"y" for answer in answers]


def _question(text: str) -> bytes:
    quoted = text.replace("\0", "").replace("'", "'\\''").encode("utf-8", "surrogateescape")
    return b"(eval 'set -n\n" + quoted + b"') 2>/dev/null && echo y || echo n\n"


def newly_broken(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """The texts of `after` that a shell refuses although what they replace was valid: one entry per shell and text.

    Texts that stand on both sides are not judged. Of the rest, as many may be invalid as were invalid before.
    """
    old, new = Counter(before), Counter(after)
    gone, added = [*(old - new).elements()], [*(new - old).elements()]
    broken: list[str] = []
    for shell, accepts in (("bash", bash_accepts), ("dash", dash_accepts)):
        if not is_installed(shell):
            continue
        was_invalid = accepts(gone).count(False)
        refused = [text for text, good in zip(added, accepts(added), strict=True) if not good]
        broken += [f"{shell} -n refuses: {text}" for text in refused[was_invalid:]]
    return broken
