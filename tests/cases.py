"""The fixture cases: `tests/fixtures/<fixer-name>/<english-case>/`, files that a user could have written.

    before.Dockerfile   the input
    after.Dockerfile    the result; absent when nothing must change, and then the case is called skip-<why>
    expected.txt        a line for each fix and skip: LINE:COLUMN CODE message, or LINE:COLUMN CODE skipped: reason
    context/            the build context, if the fixer looks at it
    case.toml           `fixers` (default: the one that the folder is named after), `level`, `builder`, `uv`,
                        `listed` (files of the context that exist but cannot be read)

Everything is compared as bytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rewriter import engine
from rewriter.engine import Outcome
from rewriter.fixing.fixer import Fixer, Level
from rewriter.fixing.registry import load_fixers, select
from rewriter.model.context.build_context import BuildContext
from rewriter.model.settings import UV_IMAGE, Settings
from rewriter.syntax.text import decode

FIXTURES = Path(__file__).parent / "fixtures"


class Case(NamedTuple):
    """One fixture."""

    folder: Path
    fixers: tuple[Fixer, ...]
    limit: Level | None
    settings: Settings
    listed: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def before(self) -> str:
        return decode((self.folder / "before.Dockerfile").read_bytes())

    @property
    def after(self) -> str:
        path = self.folder / "after.Dockerfile"
        return decode(path.read_bytes()) if path.exists() else self.before

    @property
    def expected(self) -> str:
        path = self.folder / "expected.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def context(self) -> BuildContext:
        folder = self.folder / "context"
        root = str(folder) if folder.is_dir() else None
        if not self.listed:
            return BuildContext(root, dockerfile="Dockerfile")
        there = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        return BuildContext.of_list([*there, *self.listed], root, dockerfile="Dockerfile")

    def run(self, text: str, fixers: Sequence[Fixer] | None = None) -> Outcome:
        chosen = self.fixers if fixers is None else fixers
        return engine.fix(text, chosen, context=lambda _: self.context, limit=self.limit, settings=self.settings)


def load_cases() -> list[Case]:
    """Every fixture."""
    known = load_fixers()
    return [_load(path.parent, known) for path in sorted(FIXTURES.glob("*/*/before.Dockerfile"))]


def _load(folder: Path, known: tuple[Fixer, ...]) -> Case:
    settings = folder / "case.toml"
    options = tomllib.loads(settings.read_text(encoding="utf-8")) if settings.exists() else {}
    chosen = select(known, select=options.get("fixers", [folder.parent.name]))
    limit = Level(options["level"]) if "level" in options else None
    chosen_settings = Settings(options.get("builder", "buildkit"), options.get("uv", UV_IMAGE))
    return Case(folder, chosen, limit, chosen_settings, tuple(options.get("listed", ())))


def report(outcome: Outcome) -> str:
    """Fixes and skips as lines, in the order of the file; or why the file was left alone."""
    if outcome.refusal:
        return f"{outcome.refusal.line}:{outcome.refusal.column} refused: {outcome.refusal.message}\n"
    if outcome.broken_law:
        return f"broken law: {outcome.broken_law}\n"
    lines = [(fix.line, fix.column, fix.code, fix.message) for fix in outcome.applied]
    lines += [(skip.line, skip.column, skip.code, f"skipped: {skip.reason}") for skip in outcome.skips]
    return "".join(f"{line}:{column} {code} {message}\n" for line, column, code, message in sorted(lines))
