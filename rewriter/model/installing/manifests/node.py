"""What npm, yarn, pnpm and bun read when they install a project's dependencies."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from rewriter.model.installing.manifests.files import Needs, NotMovableError, Project

LOCKS: Final[dict[str, tuple[str, ...]]] = {
    "npm": ("package-lock.json", "npm-shrinkwrap.json"),
    "yarn": ("yarn.lock",),
    "pnpm": ("pnpm-lock.yaml",),
    "bun": ("bun.lock", "bun.lockb"),
}
"""The lock files that each manager writes and reads first."""

_SETTINGS: Final[dict[str, tuple[str, ...]]] = {
    "npm": (".npmrc",),
    "yarn": (".npmrc", ".yarnrc", ".yarnrc.yml", ".yarnclean", ".yarn/releases", ".yarn/plugins", ".yarn/patches"),
    "pnpm": (".npmrc", "pnpm-workspace.yaml", ".pnpmfile.cjs", ".pnpmfile.mjs"),
    "bun": (".npmrc", "bunfig.toml"),
}
# What is read where the manager's own lock file is absent:
# https://docs.npmjs.com/cli/v11/commands/npm-install, https://bun.com/docs/pm/cli/install
_FOREIGN_LOCKS: Final[dict[str, tuple[str, ...]]] = {
    "npm": ("yarn.lock",),
    "bun": ("package-lock.json", "yarn.lock", "pnpm-lock.yaml"),
}
_GROUPS: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
# https://docs.npmjs.com/cli/v11/using-npm/scripts
INSTALL_SCRIPTS: Final = (
    "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare", "pnpm:devPreinstall",
    "dependencies",
)  # fmt: skip
# What such a script may call without needing the sources; what it does need goes along.
_HARMLESS: Final = re.compile(
    r"(?:npx (?:--yes |-y )?)?(?:husky(?: install)?|patch-package|prisma generate|only-allow \w+|ngcc|is-ci|true)"
    r"(?:\s*\|\|\s*(?:true|exit 0|husky(?: install)?))?\Z"
)
# https://docs.npmjs.com/cli/v11/using-npm/package-spec
_LOCAL: Final = re.compile(
    r"(?:(?:git\+)?file|link|portal|workspace|exec):|(?:\.\.?|~)?[/\\]|\.\.?\Z|[a-z]:[/\\]|(?!\w[\w+.-]*:)\S*\.(?:tgz|tar\.gz|tar)\Z",
    re.IGNORECASE,
)  # fmt: skip
_RELATIVE_IMPORT: Final = re.compile(r"(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*[\"'`]\.")
_PATCH: Final = re.compile(r"patch:[^#]*#(?:~builtin<|optional!builtin<|)(\.?/?[^:&]*\.patch)?")


def node_manifest(project: Project) -> str:
    """The package.json that an install works on; empty for calls that install by name, and others."""
    call = project.call
    plain = {
        "npm": ("install", "ci"),
        "pnpm": ("install", "ci", "fetch"),
        "bun": ("install", "ci"),
        "yarn": ("install",),
    }
    if call.action not in plain[call.manager.name] or call.has("-g", "--global"):
        return ""
    project.move_to("--prefix", "--cwd", "-C", "--dir")
    return project.path("package.json")


def node_needs(project: Project) -> Needs:
    """package.json, lock files and settings, patches and Prisma schemas that the install uses."""
    call = project.call
    name = call.manager.name
    if call.packages:
        raise NotMovableError(f"it adds {call.packages[0].text} to package.json")
    if call.unknown:
        raise NotMovableError(f"a variable is involved: {call.unknown[0].text}")
    project.forbid_options("-w", "--workspace", "--filter", "-F", "--lockfile-dir", "--modules-dir", "--modules-folder",
                           "--userconfig", "--config", "--virtual-store-dir", "-r", "--recursive",
                           "--offline")  # fmt: skip
    project.forbid_variables("NPM_CONFIG_USERCONFIG", "npm_config_userconfig", "YARN_RC_FILENAME")
    if re.search(r"--?r|--import|loader", project.state.get("NODE_OPTIONS") or ""):
        raise NotMovableError("NODE_OPTIONS loads a file")
    package = project.json("package.json")
    locks = [lock for lock in LOCKS[name] if project.take(lock)]
    if not locks and (call.action == "ci" or call.has("--frozen-lockfile", "--immutable")):
        raise NotMovableError(f"{LOCKS[name][0]} is not in the build context")
    for lock in _FOREIGN_LOCKS.get(name, ()) if not locks else ():
        project.take(lock)
    if name == "npm" and call.action == "install":
        _check_lock(project, package, locks)
    for setting in _SETTINGS[name]:
        project.take(setting)
    _check_workspaces(project, package)
    _check_dependencies(project, package)
    _check_scripts(project, package)
    fills = ["node_modules"]
    if name == "yarn" and _is_modern(project, package):
        _check_linker(project)
        fills.append(".yarn/install-state.gz")
    _take_patches(project, package)
    _take_schemas(project, package)
    _take_configurations(project)
    return project.needs(fills=fills)


def _check_workspaces(project: Project, package: dict[str, Any]) -> None:
    if package.get("workspaces"):
        raise NotMovableError("package.json has workspaces, whose manifests the install reads")
    is_pnpm = project.call.manager.name == "pnpm" and project.has("pnpm-workspace.yaml")
    if is_pnpm and re.search(r"^packages:", project.read("pnpm-workspace.yaml"), re.MULTILINE):
        raise NotMovableError("pnpm-workspace.yaml has packages, whose manifests the install reads")
    for setting in (".yarnrc", ".npmrc") if project.call.manager.name == "yarn" else ():
        if project.has(setting) and "offline-mirror" in project.read(setting):
            raise NotMovableError(f"{setting} names a folder of packages")
    if is_pnpm and re.search(r":\s*[\"']?(?:link|file):", project.read("pnpm-workspace.yaml")):
        raise NotMovableError("pnpm-workspace.yaml names folders of the project")
    folder = project.folder
    while folder != "/" and folder:
        folder = posixpath.dirname(folder)
        above = project.path("package.json", folder)
        if project.has(above) and '"workspaces"' in project.read(above):
            raise NotMovableError(f"{project.shown(above)} has workspaces, whose manifests the install reads")
        for setting in ("pnpm-workspace.yaml", ".yarnrc.yml", ".yarnrc"):
            if project.has(path := project.path(setting, folder)):
                raise NotMovableError(f"{project.shown(path)} above it counts as well")


def _check_lock(project: Project, package: dict[str, Any], locks: Sequence[str]) -> None:
    """A lock file that the install brings up to date would be put back by the sources, and fail a later `npm ci`."""
    import json

    for lock in locks:
        try:
            packages = json.loads(project.read(lock)).get("packages", {})
            root = packages.get("", {}) if isinstance(packages, dict) else {}
        except (NotMovableError, ValueError, AttributeError):
            continue
        if not isinstance(root, dict) or not root:
            continue
        if any(_inside(package, group) != _inside(root, group) for group in _GROUPS):
            raise NotMovableError(f"{project.shown(project.path(lock))} is out of date, and the install changes it")


def _check_dependencies(project: Project, package: dict[str, Any]) -> None:
    for name, version in _versions(package):
        if _LOCAL.match(version.strip()):
            raise NotMovableError(f"{name} comes from a folder of the project")
    if project.has("binding.gyp"):
        raise NotMovableError("binding.gyp makes the install compile the sources")


def _versions(package: dict[str, Any]) -> Iterator[tuple[str, str]]:
    tables = [package.get(group) for group in _GROUPS]
    tables += [package.get("resolutions"), package.get("overrides"), _inside(package, "pnpm").get("overrides")]
    while tables:
        table = tables.pop(0)
        if isinstance(table, dict):
            yield from ((name, version) for name, version in table.items() if isinstance(version, str))
            tables += table.values()


def _inside(value: dict[str, Any], key: str) -> dict[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _check_scripts(project: Project, package: dict[str, Any]) -> None:
    if project.call.has("--ignore-scripts"):
        return
    for name, command in _install_scripts(project, package):
        if not all(_HARMLESS.match(part.strip()) for part in command.split("&&")):
            raise NotMovableError(f"the install runs the script `{name}`, which may need the sources: {command}")


def _install_scripts(project: Project, package: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The scripts that the install runs. Only npm knows the one called `dependencies`."""
    for name in INSTALL_SCRIPTS:
        command = _inside(package, "scripts").get(name)
        if isinstance(command, str) and (name != "dependencies" or project.call.manager.name == "npm"):
            yield name, command


def _uses(project: Project, package: dict[str, Any], name: str, command: str) -> bool:
    """Whether a package is among the dependencies, or an install script calls it without."""
    if any(name in _inside(package, group) for group in _GROUPS):
        return True
    return any(command in script for _, script in _install_scripts(project, package))


def _is_modern(project: Project, package: dict[str, Any]) -> bool:
    """Whether this is Yarn 2 or newer."""
    manager = package.get("packageManager")
    return project.has(".yarnrc.yml") or (isinstance(manager, str) and re.match(r"yarn@[2-9]", manager) is not None)


def _check_linker(project: Project) -> None:
    """Yarn 2 and newer fill the project with more than node_modules, unless told otherwise."""
    settings = project.read(".yarnrc.yml") if project.has(".yarnrc.yml") else ""
    if not re.search(r"^nodeLinker:\s*[\"']?(?:node-modules|pnpm)\b", settings, re.MULTILINE):
        raise NotMovableError("Yarn's Plug'n'Play writes into the project")
    if project.has(".yarn/cache"):
        raise NotMovableError(".yarn/cache is part of the project")


def _take_patches(project: Project, package: dict[str, Any]) -> None:
    manager = project.call.manager.name
    named = [
        path for table in (_inside(package, "pnpm"), package) for path in _inside(table, "patchedDependencies").values()
    ]
    named += [match[1] for _, version in _versions(package) if (match := _PATCH.match(version)) and match[1]]
    uses_tool = _uses(project, package, "patch-package", "patch-package")
    settings = "pnpm-workspace.yaml"
    if manager == "pnpm" and project.has(settings) and "patchedDependencies" in project.read(settings):
        uses_tool = True
    if uses_tool:
        project.take("patches")
    for path in named:
        if not isinstance(path, str) or not project.has(path):
            raise NotMovableError("a patch of a dependency is not in the build context")
        if not (project.has("patches") and path.removeprefix("./").startswith("patches/")):
            project.take(path)
        else:
            project.take("patches")


def _take_schemas(project: Project, package: dict[str, Any]) -> None:
    """The client of Prisma is generated from the schema when it is installed."""
    if not _uses(project, package, "@prisma/client", "prisma generate"):
        return
    schema = _inside(package, "prisma").get("schema", "")
    # https://www.prisma.io/docs/orm/reference/prisma-config-reference
    for name in _program_names("prisma.config"):
        if project.has(name):
            schema = _schema_of(_take_program(project, name)) or schema
    if project.has(".config/prisma.ts"):
        raise NotMovableError(".config/prisma.ts says where the Prisma schema is")
    if schema:
        if not isinstance(schema, str) or not project.take(schema):
            raise NotMovableError("the Prisma schema is not in the build context")
    elif not project.take("prisma"):
        project.take("schema.prisma")


def _schema_of(text: str) -> str:
    """The schema that a configuration of Prisma names."""
    if not (match := re.search(r"\bschema\b[\"']?\s*:\s*(.*)", text)):
        return ""
    value = re.match(r"[\"']([^\"'$]+)[\"']|(?:path\.)?join\(([\"'\w\s,./-]*)\)", match[1])
    if value is None or re.search(r"(?:^|,)\s*\w", value[2] or ""):
        raise NotMovableError("where the Prisma schema is cannot be understood")
    return value[1] or "/".join(re.findall(r"[\"']([^\"']*)[\"']", value[2]))


def _program_names(stem: str) -> Iterator[str]:
    return (f"{stem}.{kind}" for kind in ("ts", "js", "mts", "mjs", "cts", "cjs"))


def _take_program(project: Project, name: str) -> str:
    """Take a file that is run. What it imports of the project's own is not followed."""
    text = project.require(name)
    if _RELATIVE_IMPORT.search(text):
        raise NotMovableError(f"{project.shown(project.path(name))} imports other files of the project")
    return text


def _take_configurations(project: Project) -> None:
    """Puppeteer's own install script reads its configuration: https://pptr.dev/guides/configuration

    Other packages bring Puppeteer along, so it need not be a dependency of the project itself.
    """
    for name in (*_program_names(".puppeteerrc"), *_program_names("puppeteer.config")):
        if project.has(name):
            _take_program(project, name)
    for ending in ("", ".json", ".yaml", ".yml"):
        project.take(f".puppeteerrc{ending}")
