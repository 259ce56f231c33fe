"""Whether lock files are in step with package.json, and the ranges of versions in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from rewriter.model.installing.locks import Question, npm, out_of_step
from rewriter.model.installing.locks.python import all_packages, kept_by_poetry, kept_by_uv
from rewriter.model.installing.locks.registries import other_registry
from rewriter.model.installing.locks.semver import satisfies

SHOP = {"dependencies": {"express": "^4.19.0"}, "devDependencies": {"@scope/tool": "^2.0.0"}}
YARN = """# yarn lockfile v1


"@scope/tool@^2.0.0":
  version "2.1.0"

express@^4.18.0, express@^4.19.0:
  version "4.19.2"
"""
PNPM = """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      express:
        specifier: ^4.19.0
        version: 4.19.2
    devDependencies:
      '@scope/tool':
        specifier: ^2.0.0
        version: 2.1.0

packages:
"""
BUN = '{"workspaces": {"": {"dependencies": {"express": "^4.19.0",}, "devDependencies": {"@scope/tool": "^2.0.0"}}},}'


def npm_lock(root: Mapping[str, Any] = SHOP, /, version: int = 3, **entries: Any) -> str:
    """npm's lock file. The names of entries have `__` for a slash."""
    tool = {"version": "2.1.0", "dev": True, "bin": {"tool": "x.js"}}
    found = {"express": {"version": "4.19.2"}, "@scope/tool": tool}
    found.update({name.replace("__", "/"): dict(it) for name, it in entries.items()})
    packages = {"": root, **{f"node_modules/{name}": it for name, it in found.items()}}
    return json.dumps({"lockfileVersion": version, "packages": packages})


def reason(text: str, manager: str = "npm", version: int = 10, *, ignores_peers: bool = False, **package: Any) -> str:
    """Why a lock file is not taken."""
    return out_of_step(Question(manager, "LOCK", text, {**SHOP, **package}, version, ignores_peers))


@pytest.mark.parametrize(
    ("version", "wanted", "answer"),
    [
        ("1.2.3", "^1.2.0", True),
        ("2.0.0", "^1", False),
        ("0.2.5", "^0.2.3", True),
        ("0.3.0", "^0.2.3", False),
        ("0.0.4", "^0.0.3", False),
        ("0.0.3", "^0.0", True),
        ("0.1.0", "^0.0", False),
        ("0.5.0", "^0", True),
        ("1.2.9", "~1.2", True),
        ("1.3.0", "~1.2", False),
        ("1.9.0", "1.x", True),
        ("1.9.0", "v1.9", True),
        ("5.0.0", "*", True),
        ("5.0.0", "", True),
        ("5.0.0", "x", True),
        ("1.5.0", "1.0 - 2", True),
        ("3.0.0", "1.0 - 2", False),
        ("3.0.0", ">=1 <3", False),
        ("4.1.0", ">= 4", True),
        ("1.2.3", ">1.2", False),
        ("1.3.0", ">1.2", True),
        ("1.2.3", "<=1.2", True),
        ("1.2.3", "<1.2", False),
        ("5.0.0", ">*", False),
        ("18.2.0", "^16 || ^17 || ^18", True),
        ("1.0.0-beta.1", "1.0.0-beta.1", True),
        ("1.0.0-beta.1", "^1.0.0", False),
        ("1.0.0-beta.1", "^0.9 || ^2", False),
        ("1.0.0-beta.1", "*", None),
        ("1.0.0-beta.1", "^1.0.0-alpha", None),
        ("1.0.0", "^1.0.0-beta.1", True),
        ("1.0.0", "1.0.0-beta.1", False),
        ("1.0.0", ">1.0.0-beta.1", True),
        ("1.0.0", "<=1.0.0-beta.1", False),
        ("0.9.0", "^1.0.0-beta.1 || ^0.8", False),
        ("1.0.0", "latest", None),
        ("1.0.0", "github:someone/thing", None),
    ],
)
def test_ranges(version: str, wanted: str, answer: bool | None) -> None:
    assert satisfies(version, wanted) is answer


def test_a_lock_file_in_step() -> None:
    assert reason(npm_lock()) == ""
    assert reason(npm_lock(version=2), version=6) == ""
    assert reason(YARN, "yarn", 1) == ""
    assert reason(PNPM, "pnpm", 9) == ""
    assert reason(BUN, "bun", 1) == ""


@pytest.mark.parametrize(("manager", "text"), [("npm", npm_lock()), ("yarn", YARN), ("pnpm", PNPM), ("bun", BUN)])
@pytest.mark.parametrize(
    "dependencies", [{"express": "^4.20.0"}, {"express": "^4.19.0", "ms": "^2.0.0"}], ids=["range", "package"]
)
def test_one_out_of_step(manager: str, text: str, dependencies: dict[str, str]) -> None:
    version = {"npm": 10, "pnpm": 9}.get(manager, 1)
    name = "ms" if "ms" in dependencies else "express"
    assert reason(text, manager, version, dependencies=dependencies) == f"LOCK is out of step with package.json: {name}"


@pytest.mark.parametrize(("manager", "version"), [("npm", 10), ("yarn", 1), ("pnpm", 9), ("bun", 1)])
@pytest.mark.parametrize("text", ["", "{", "[]", "\ufeff", "{}" * 3, "[" * 100_000, "x: y", '{"packages": []}'])
def test_one_that_cannot_be_read(manager: str, version: int, text: str) -> None:
    assert reason(text, manager, version) != ""


def test_every_range_in_npms_lock_file_leads_to_a_package() -> None:
    nested: dict[str, Any] = {"express__node_modules__ms": {"version": "2.0.0"}, "ms": {"version": "1.0.0"}}
    express = {"version": "4.19.2", "dependencies": {"ms": "2.0.0"}}
    assert reason(npm_lock(express=express, **nested)) == ""
    assert reason(npm_lock(express=express)) == "LOCK lacks ms, which express asks for"
    assert reason(npm_lock(express=express, ms={"version": "1.0.0"})) == "LOCK has ms 1.0.0, but express asks for 2.0.0"
    alias = {"version": "4.19.2", "dependencies": {"ms": "npm:other@^2"}}
    assert reason(npm_lock(express=alias, ms={"version": "2.1.0"})) == ""


def test_peers_count_unless_they_are_ignored_or_optional() -> None:
    express = {"version": "4.19.2", "peerDependencies": {"pino": "^9"}}
    assert reason(npm_lock(express=express)) == "LOCK lacks pino, which express asks for"
    assert reason(npm_lock(express=express), ignores_peers=True) == ""
    express["peerDependenciesMeta"] = {"pino": {"optional": True}}
    assert reason(npm_lock(express=express)) == ""
    assert reason(npm_lock(express=express, pino={"version": "9.1.0"})) == ""
    other = npm_lock(express=express, pino={"version": "8.1.0"})
    assert reason(other) == "LOCK has pino 8.1.0, but express asks for ^9"


def test_local_folders_have_manifests_of_their_own() -> None:
    root = {**SHOP, "dependencies": {"express": "^4.19.0", "own": "file:own"}}
    text = json.loads(npm_lock(root, own={"resolved": "own", "link": True}))
    text["packages"]["own"] = {"version": "1.0.0"}
    assert "a local folder" in reason(json.dumps(text), dependencies=root["dependencies"])
    old = json.dumps({"lockfileVersion": 1, "dependencies": {"own": {"version": "file:own"}}})
    assert "a local folder" in reason(old, version=6, dependencies={"own": "file:own"}, devDependencies={})


def test_versions_of_npm() -> None:
    old = json.dumps({"lockfileVersion": 1, "dependencies": {"express": {"version": "4.19.2"}}})
    assert reason(old, version=6, devDependencies={}) == ""
    assert reason(old, version=6) == "LOCK is out of step with package.json: @scope/tool"
    assert "newer versions complete it" in reason(old, version=8)
    assert reason(npm_lock(), version=6) == "npm 6 does not understand LOCK"
    assert reason(npm_lock(), version=5) == "npm 5 has no dependable `npm ci`"
    assert reason(npm_lock(), version=0) == "which version of npm runs is not known"


def test_what_is_optional_and_what_is_for_development() -> None:
    express = {"version": "4.19.2", "optionalDependencies": {"@e/linux": "1.0.0"}}
    assert reason(npm_lock(express=express)) == "LOCK lacks the optional package @e/linux"
    assert npm.kept_packages(npm_lock()) == frozenset({"express"})
    assert npm.programs(npm_lock(express={"version": "4.19.2", "bin": "cli.js"})) == {"tool": False, "express": True}
    assert npm.programs("{}") is None
    assert npm.kept_packages("[") is None


def test_settings_of_pnpm() -> None:
    plain = "settings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:"
    assert reason(PNPM.replace("importers:", plain), "pnpm", 9) == ""
    for other in (plain.replace("true", "false"), plain.replace("\n\n", "\n  injectWorkspacePackages: true\n\n")):
        assert "settings of pnpm" in reason(PNPM.replace("importers:", other), "pnpm", 9)


def test_registries_other_than_the_public_ones() -> None:
    public = (
        '"resolved": "https://registry.npmjs.org/ms/-/ms-2.0.0.tgz"\n"resolved": "git+ssh://git@github.com/a/b.git#c"'
    )
    assert other_registry(public) == ""
    assert other_registry('  resolved "https://registry.yarnpkg.com/ms/-/ms-2.0.0.tgz#ab"') == ""
    assert other_registry(f'{public}\n"resolved": "http://npm.shop.example:4873/ms"') == "npm.shop.example"
    assert other_registry('  resolved "https://npm.shop.example/ms#ab"') == "npm.shop.example"


UV = """[[package]]
name = "Shop"
source = { editable = "." }
dependencies = [{ name = "flask", extra = ["async"] }]

[package.optional-dependencies]
admin = [{ name = "rich" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }, { name = "rich" }]

[[package]]
name = "flask"
dependencies = [{ name = "click" }, { name = "flask" }]

[package.optional-dependencies]
async = [{ name = "asgiref" }]
dotenv = [{ name = "python-dotenv" }]

[[package]]
name = "pytest"
"""


def test_what_stays_by_the_lock_file_of_uv() -> None:
    assert kept_by_uv(UV, ()) == frozenset({"shop", "flask", "click", "asgiref"})
    assert kept_by_uv(UV, ["admin"]) == frozenset({"shop", "flask", "click", "asgiref", "rich"})
    assert all_packages(UV) == frozenset({"shop", "flask", "pytest"})
    assert kept_by_uv(UV.replace("editable", "registry"), ()) is None


def test_what_stays_by_the_lock_file_of_poetry() -> None:
    new = '[[package]]\nname = "A.b"\ngroups = ["main", "dev"]\n[[package]]\nname = "c"\ngroups = ["dev"]\n'
    old = '[[package]]\nname = "A.b"\ncategory = "main"\n[[package]]\nname = "c"\ncategory = "dev"\n'
    assert kept_by_poetry(new) == kept_by_poetry(old) == frozenset({"a-b"})
    assert kept_by_poetry('[[package]]\nname = "a"\noptional = false\n') is None


@pytest.mark.parametrize("text", ["", "=", "package = 1", "[[package]]\nname = 1\n", "package = [1]"])
def test_a_lock_file_of_python_that_cannot_be_read(text: str) -> None:
    assert kept_by_uv(text, ()) is None
    assert kept_by_poetry(text) is None
    all_packages(text)
