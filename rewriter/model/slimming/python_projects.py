"""Whether a Python project compiles anything when it is installed, and what it depends on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

from rewriter.model.context.build_context import BuildContext
from rewriter.model.managers.vocabulary import names
from rewriter.model.pip.requirements import normal_name
from rewriter.model.project.sources import table

# https://packaging.python.org/en/latest/tutorials/packaging-projects/#choosing-a-build-backend
_PURE_BACKENDS: Final = (
    "hatchling",
    "poetry.core",
    "poetry_core",
    "flit_core",
    "pdm.backend",
    "uv_build",
    "flit.buildapi",
)
_COMPILES: Final = re.compile(
    r"\bext_modules\b|\bcythonize\b|\bExtension\s*\(|cffi_modules|rust_extensions|pybind11|numpy\.get_include"
)
_BUILD_TOOLS: Final = re.compile(
    r"cython|pybind11|setuptools[-_]rust|maturin|scikit[-_]build|meson|cffi|numpy|hatch-cython", re.IGNORECASE
)
_FROM_GIT: Final = re.compile(
    r"setuptools[-_]scm|hatch[-_]vcs|versioneer|\bpbr\b|poetry-dynamic-versioning|setuptools-git", re.IGNORECASE
)

_HATCH_VCS: Final = re.compile(r"hatch[-_]vcs", re.IGNORECASE)
_SETTINGS: Final = names("setup.py setup.cfg pyproject.toml meson.build CMakeLists.txt Cargo.toml")
_LINKS: Final = re.compile(
    r"\blibraries\s*[=:](?!\s*\[?\s*[\"']?m[\"']?\s*\]?\s*(?:[,)]|$))|\bpkg_?config\b|extra_link_args|extra_objects"
    r"|\blibrary_dirs|find_package|find_library|\bdependency\(|openmp|\bffi\b|^\[[\w.]*dependencies\]",
    re.MULTILINE,
)

_Read = Callable[[str], str | None]


def build_problem(folder: str, read: _Read) -> str:
    """Why a project may compile something; `git` where it reads its version from there; empty where neither is so."""
    settings = _settings(folder, read)
    setup = read(posixpath.join(folder, "setup.py")) or ""
    if settings is None and not setup:
        return f"what the project in {folder} is built with cannot be read"
    build = table(settings or {}, "build-system")
    backend, requires = str(build.get("build-backend", "")), " ".join(map(str, build.get("requires", ())))
    text = f"{requires} {setup}"
    if _BUILD_TOOLS.search(requires) or _COMPILES.search(setup):
        return f"the project in {folder} compiles"
    poetry = table(settings or {}, "tool", "poetry").get("build")
    hooks = table(settings or {}, "tool", "hatch", "build", "hooks")
    if poetry or set(hooks) - {"vcs"} or (backend and not backend.startswith((*_PURE_BACKENDS, "setuptools"))):
        return f"what the project in {folder} is built with may compile"
    return "git" if _FROM_GIT.search(text if _versions_by_hatch(settings or {}) else _HATCH_VCS.sub("", text)) else ""


def _versions_by_hatch(settings: dict[str, Any]) -> bool:
    """Whether hatch-vcs has something to do: it reads a version that is dynamic, or writes a file as a build hook.

    https://github.com/ofek/hatch-vcs#readme
    """
    build = table(settings, "tool", "hatch", "build")
    targets = table(build, "targets").values()
    has_hook = any("vcs" in table(one, "hooks") for one in (build, *targets))
    return has_hook or "version" not in table(settings, "project") or bool(table(settings, "tool", "hatch", "version"))


def names_libraries(context: BuildContext) -> str:
    """The path of a file that has what the project compiles linked with libraries of the system; empty where none does.

    https://setuptools.pypa.io/en/latest/userguide/ext_modules.html
    """
    paths = context.walk("", lambda name: name in _SETTINGS or name.endswith((".pyx", ".pxd")))
    if paths is None:
        return "the build context"
    texts = ((path, context.read(path)) for path in paths)
    return next((path for path, text in texts if text is None or _LINKS.search(text)), "")


def dependencies_of(folder: str, read: _Read, extras: Iterable[str] = ()) -> list[str] | None:
    """What pyproject.toml says that a project and some extras depend on; None where it does not say all of it."""
    settings = _settings(folder, read)
    project = table(settings or {}, "project")
    poetry = table(settings or {}, "tool", "poetry", "dependencies")
    if not project and not poetry:
        return None
    dynamic = project.get("dynamic", ())
    if isinstance(dynamic, list) and "dependencies" in dynamic and not poetry:
        return None
    listed = project.get("dependencies", [])
    found = [str(one) for one in listed] if isinstance(listed, list) else []
    optional = {normal_name(name): names for name, names in table(project, "optional-dependencies").items()}
    for extra in extras:
        more = optional.get(normal_name(extra))
        if not isinstance(more, list) and not poetry:
            return None
        found += map(str, more or ())
    return found + [_of_poetry(name, value) for name, value in poetry.items() if name != "python"]


def _of_poetry(name: str, value: object) -> str:
    """`^2.1` allows what lies below 3: https://python-poetry.org/docs/dependency-specification/#version-constraints"""
    if isinstance(value, dict):
        if "git" in value:
            return f"{name} @ git+{value['git']}"
        if "path" in value or "url" in value:
            return f"{name} @ {value.get('url') or './' + str(value['path'])}"
        extras = ",".join(map(str, value.get("extras", ())))
        return _of_poetry(f"{name}[{extras}]" if extras else name, str(value.get("version", "*")))
    version = str(value).strip()
    if re.match(r"[0-9]", version):
        return f"{name}=={version}"
    if match := re.match(r"[~^]\s*([0-9]+)\.?([0-9]*)", version):
        major, minor = int(match[1]), match[2]
        is_narrow = version.startswith("~") or major == 0
        return f"{name}<{major}.{int(minor) + 1}" if is_narrow and minor else f"{name}<{major + 1}"
    return f"{name}{version}" if version[:1] in "<>=!" else name


def _settings(folder: str, read: _Read) -> dict[str, Any] | None:
    import tomllib

    text = read(posixpath.join(folder, "pyproject.toml"))
    try:
        return tomllib.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return None
