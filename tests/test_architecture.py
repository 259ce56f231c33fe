"""The house keeps its order: a room imports only rooms that stand above it, and a fixer knows only the first three."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent

# From the ground up. Names on one line may import each other's files; `files` and `config` know no engine.
ROOMS: Final[tuple[frozenset[str], ...]] = tuple(
    frozenset(names.split())
    for names in (
        "syntax",
        "model",
        "fixing",
        "laws second_reader",
        "engine",
        "files config discovery",
        "batch",
        "verify",
        "output",
        "session verify_session",
        "cli",
        "bot",
        "fleet",
        "companions",
    )
)
FOR_FIXERS: Final = frozenset({"syntax", "model", "fixing"})
NAMELESS: Final = frozenset({"utils", "util", "helpers", "helper", "common", "misc"})
LONGEST_FUNCTION: Final = 70

MODULES: Final = sorted([*ROOT.glob("rewriter/**/*.py"), *ROOT.glob("fixers/**/*.py")])
FIXERS: Final = sorted(path for path in ROOT.glob("fixers/**/*.py") if path.name != "__init__.py")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imports_of(path: Path) -> Iterator[str]:
    return imports_in(tree_of(path), path.relative_to(ROOT).parent.parts)


def imports_in(module: ast.Module, package: Sequence[str]) -> Iterator[str]:
    """The dotted names that a module of a package imports, inside functions too; a relative import made absolute."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join([*base, *filter(None, [node.module])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def room_of(dotted: str) -> str:
    """The room that an imported name belongs to; empty for the package itself and what is not ours."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "rewriter" and len(parts) > 1 and _exists(parts[1]) else ""


def _exists(room: str) -> bool:
    return (ROOT / "rewriter" / room).is_dir() or (ROOT / "rewriter" / f"{room}.py").is_file()


def floor_of(room: str) -> int:
    return next((number for number, rooms in enumerate(ROOMS) if room in rooms), -1)


def test_every_room_has_its_place() -> None:
    rooms = {path.relative_to(ROOT / "rewriter").parts[0].removesuffix(".py") for path in ROOT.glob("rewriter/**/*.py")}
    unplaced = {room for room in rooms - {"__init__", "__main__"} if floor_of(room) < 0}
    assert not unplaced, "say in ROOMS where they stand"


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    own = path.relative_to(ROOT).parts[1].removesuffix(".py")
    if path.parent.name == "fixers" or own in ("__init__", "__main__"):
        return
    upwards = sorted(
        dotted
        for dotted in imports_of(path)
        if floor_of(room_of(dotted)) > floor_of(own) or dotted.split(".")[0] in ("fixers", "tests", "scripts")
    )
    if own == "fixing" and path.name == "registry.py":
        upwards = [dotted for dotted in upwards if dotted != "fixers"]  # it looks into the package to find them
    assert upwards == []


@pytest.mark.parametrize("path", FIXERS, ids=named)
def test_a_fixer_imports_only_syntax_model_and_fixing(path: Path) -> None:
    ours = [dotted for dotted in imports_of(path) if dotted.split(".")[0] in ("rewriter", "fixers", "tests", "scripts")]
    assert [dotted for dotted in ours if room_of(dotted) not in FOR_FIXERS] == []


@pytest.mark.parametrize("path", FIXERS, ids=named)
def test_a_fixer_speaks_in_nodes_not_in_offsets(path: Path) -> None:
    assert not {"re", "regex"} & {dotted.split(".")[0] for dotted in imports_of(path)}, "no regular expressions"
    assert [ast.unparse(node) for node in ast.walk(tree_of(path)) if _is_offset_arithmetic(node)] == []


def _is_offset_arithmetic(node: ast.AST) -> bool:
    """Sums with a `.start` or `.end`, and slices by them: the work of `syntax/text.py` and `fixing`."""
    match node:
        case ast.BinOp(left, ast.Add() | ast.Sub(), right):
            return _is_offset(left) or _is_offset(right)
        case ast.Subscript(slice=ast.Slice(lower, upper)):
            return any(bound is not None and _mentions_offset(bound) for bound in (lower, upper))
        case _:
            return False


def _is_offset(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("start", "end")


def _mentions_offset(node: ast.AST) -> bool:
    return any(_is_offset(inner) for inner in ast.walk(node))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_names_say_something_and_functions_are_short(path: Path) -> None:
    assert not NAMELESS & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}, "say what it holds"
    functions = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION] == []


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_public_thing_says_what_it_is(path: Path) -> None:
    module = tree_of(path)
    assert path.name == "__init__.py" or ast.get_docstring(module), "the module says its one idea"
    definitions = (node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    bare = [node.name for node in definitions if not node.name.startswith("_") and not ast.get_docstring(node)]
    assert bare == []


def test_the_reader_of_imports_misses_none() -> None:
    source = """
import rewriter.engine
from rewriter import cli
from . import text
from ..model.image import Image
def late():
    from rewriter.output.diff import unified
"""
    assert set(imports_in(ast.parse(source), ("rewriter", "syntax"))) == {
        "rewriter.engine",
        "rewriter.cli",
        "rewriter.syntax.text",
        "rewriter.model.image.Image",
        "rewriter.output.diff.unified",
    }


@pytest.mark.parametrize("source", ["a = word.span.start + 1", "b = text[node.end:]", "c = 2 - x.end"])
def test_offset_arithmetic_is_seen(source: str) -> None:
    assert any(_is_offset_arithmetic(node) for node in ast.walk(ast.parse(source)))


# A new fixer is one new file plus fixtures.


@pytest.fixture
def scaffold(tmp_path: Path) -> Path:
    """A copy of what the scaffold needs to run in and to test itself with."""
    for name in ("rewriter", "fixers", "scripts", "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "*.Dockerfile") if name == "tests" else None
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


NEW: Final = ("scripts.new_fixer", "--code", "DF999", "--name", "my-thing")


def test_the_skeleton_of_a_fixer_is_collected_and_passes(scaffold: Path) -> None:
    before = {path: path.read_bytes() for path in scaffold.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    made = run_in(scaffold, *NEW)
    assert made.returncode == 0, made.stderr
    assert all(path.read_bytes() == data for path, data in before.items()), "it touched a file that was there"
    tests = run_in(scaffold, "pytest", "-p", "no:cacheprovider", "tests/test_fixtures.py", "-k", "my-thing", "-v")
    assert tests.returncode == 0, tests.stdout
    assert "test_result_and_report[my-thing/first-case] PASSED" in tests.stdout
    assert "test_every_fixer_has_fixtures_that_fire_and_an_example_that_holds[my-thing] PASSED" in tests.stdout


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--code", "DF1", "--name", "my-thing"), "three digits"),
        (("--code", "DF999", "--name", "My_Thing"), "lower case with hyphens"),
        (("--code", "DF999", "--name", "my-thing", "--phase", "later"), "one of order, stages"),
        (("--code", "DF601", "--name", "my-thing"), "DF601 instruction-casing already"),
        (("--code", "DF999", "--name", "instruction-casing"), "DF601 instruction-casing already"),
        (("--code", "DF999", "--name", "class"), "a word of Python"),
    ],
)
def test_the_scaffold_refuses_and_writes_nothing(arguments: tuple[str, ...], reason: str) -> None:
    before = sorted(ROOT.glob("fixers/*.py"))
    refused = run_in(ROOT, "scripts.new_fixer", *arguments)
    assert (refused.returncode, sorted(ROOT.glob("fixers/*.py"))) == (2, before)
    assert reason in refused.stderr


def test_the_scaffold_overwrites_nothing(scaffold: Path) -> None:
    own = scaffold / "tests/fixtures/my-thing/first-case/before.Dockerfile"
    own.parent.mkdir(parents=True)
    own.write_text("FROM mine\n", encoding="utf-8")
    refused = run_in(scaffold, *NEW)
    assert (refused.returncode, own.read_text("utf-8")) == (2, "FROM mine\n")
    assert "exists already" in refused.stderr
    assert not (scaffold / "fixers/my_thing.py").exists()
