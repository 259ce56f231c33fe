"""The skeleton of a new fixer with its first fixture: `make new-fixer CODE=DF999 NAME=my-thing [PHASE=packages]`.

The skeleton is a whole fixer that fires on a harmless example, so its tests pass from the first minute on.
From there: change the fixture to what you want to see, watch it fail, write the function.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rewriter.fixing.fixer import PHASES, Fixer
from rewriter.fixing.registry import load_fixers

ROOT: Final = Path(__file__).parent.parent
_CODE: Final = re.compile(r"DF[0-9]{3}")
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

FIXER: Final = '''\
"""Say in a line what is better afterwards."""

from collections.abc import Iterator

from rewriter.fixing.edits import replace
from rewriter.fixing.fixer import Example, Fix, Level, Skip, fixer
from rewriter.syntax.tree import Run


@fixer(
    code="{code}",
    name="{name}",
    level=Level.OPT_IN,
    phase="{phase}",
    replaces=[],
    example=Example(
        before="FROM debian:12\\nRUN {name} old\\n",
        after="FROM debian:12\\nRUN {name} new\\n",
    ),
)
def rewrite_{module}(run: Run) -> Iterator[Fix | Skip]:
    """Tell a user in one sentence what this does.

    Then why, what it relies on, and where it leaves the file alone.
    """
    for command in run.commands("{name}", "old"):
        if len(command.arguments) > 1:
            yield Skip(run, "`{name}` takes more than one argument here")
            continue
        yield Fix(run, "`{name} old` has a newer form", [replace(word, "new") for word in command.arguments])
'''

FIXTURE: Final = {
    "before.Dockerfile": "FROM debian:12\nRUN {name} old && \\\n    true\n",
    "after.Dockerfile": "FROM debian:12\nRUN {name} new && \\\n    true\n",
    "expected.txt": "2:1 {code} `{name} old` has a newer form\n",
}

NEXT: Final = """\
Next:
  1. Write in {fixture} what you have and what you want.
  2. Write {fixer}; the docstrings of rewriter/fixing/edits.py list the verbs.
  3. `make test TESTS="tests/test_fixtures.py -k {name}"` until it passes; `make fixtures` writes expected.txt for you.
  4. Add a fixture called skip-<why> for each case that must be left alone, and run `make corpus`."""


class UsageError(Exception):
    """What the user asked for cannot be done, in words."""


def write_skeleton(root: Path, *, code: str, name: str, phase: str, known: Sequence[Fixer]) -> list[Path]:
    """Write the files of a new fixer below `root` and return their paths. Raises UsageError, with nothing written."""
    if not _CODE.fullmatch(code):
        raise UsageError(f"CODE={code!r}: DF and three digits, such as DF999")
    if not _NAME.fullmatch(name):
        raise UsageError(f"NAME={name!r}: what the fixer finds, in lower case with hyphens, such as my-thing")
    if phase not in PHASES:
        raise UsageError(f"PHASE={phase!r}: one of {', '.join(PHASES)}")
    for fixer in known:
        if code == fixer.code or name == fixer.name:
            raise UsageError(f"{code} {name}: there is {fixer.code} {fixer.name} already")
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise UsageError(f"NAME={name!r} is a word of Python itself")
    texts = {root / "fixers" / f"{module}.py": FIXER}
    texts |= {root / "tests/fixtures" / name / "first-case" / file: text for file, text in FIXTURE.items()}
    for path in (*texts, root / "tests/fixtures" / name):
        if path.exists():
            raise UsageError(f"{path.relative_to(root)} exists already")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(code=code, name=name, module=module, phase=phase), encoding="utf-8")
    return list(texts)


def main() -> int:
    """Write the skeleton and say what comes next."""
    parser = argparse.ArgumentParser(prog="make new-fixer", description=main.__doc__)
    parser.add_argument("--code", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--phase", default="spelling")
    options = parser.parse_args()
    try:
        paths = write_skeleton(ROOT, code=options.code, name=options.name, phase=options.phase, known=load_fixers())
    except UsageError as error:
        print(f"make new-fixer: {error}", file=sys.stderr)
        return 2
    written = [str(path.relative_to(ROOT)) for path in paths]
    print(*written, sep="\n")
    print(NEXT.format(fixture=str(Path(written[1]).parent), fixer=written[0], name=options.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
