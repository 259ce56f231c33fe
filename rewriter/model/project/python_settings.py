"""The settings of Pydantic, whose fields environment variables fill.

Source: https://docs.pydantic.dev/latest/concepts/pydantic_settings/
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final, NamedTuple

from rewriter.model.project.answers import Text
from rewriter.model.project.python_values import Module, Modules, dotted

_DEEPEST: Final = 10
_NAMES: Final = ("validation_alias", "alias", "env")


class _Class(NamedTuple):
    node: ast.ClassDef
    module: Module


def field_of_settings(node: ast.expr, module: Module, modules: Modules) -> Text | None:
    """What `settings.port` comes to; None where that is no field of Pydantic's settings, or cannot be told."""
    while isinstance(node, ast.Call) and dotted(node.func, module) in ("int", "str") and node.args:
        node = node.args[0]
    if not isinstance(node, ast.Attribute):
        return None
    made = _made_by(node.value, module, modules)
    if made is None:
        return None
    call, place, found = made
    family = list(_family(found, modules))
    if not any(dotted(base, one.module).endswith("BaseSettings") for one in family for base in one.node.bases):
        return None
    if _has_other_sources(call, family):
        return None
    given = next((keyword.value for keyword in call.keywords if keyword.arg == node.attr), None)
    if given is not None:
        return modules.text(given, place)
    for one in family:
        for statement in one.node.body:
            match statement:
                case ast.AnnAssign(ast.Name(name), _, value) if name == node.attr:
                    return _field(name, value, one, family, modules)
    return None


def _has_other_sources(call: ast.Call, family: list[_Class]) -> bool:
    """Whether other files than `.env` may fill the fields, or sources that the project makes itself."""
    files = [option for one in family for key, option in _options(one) if key in ("env_file", "secrets_dir")]
    files += [keyword.value for keyword in call.keywords if keyword.arg in ("_env_file", "_secrets_dir")]
    if any(not isinstance(file, ast.Constant) or file.value not in (".env", None) for file in files):
        return True
    own = (statement for one in family for statement in one.node.body if isinstance(statement, ast.FunctionDef))
    return any(statement.name in ("settings_customise_sources", "customise_sources") for statement in own)


def _field(name: str, value: ast.expr | None, owner: _Class, family: list[_Class], modules: Modules) -> Text | None:
    alias: Text | None = None
    if isinstance(value, ast.Call) and dotted(value.func, owner.module).endswith("Field"):
        keywords = {keyword.arg: keyword.value for keyword in value.keywords}
        named = next((keywords[key] for key in _NAMES if key in keywords), None)
        alias = modules.text(named, owner.module)
        if named is not None and (alias is None or alias.known is None):
            return None
        value = value.args[0] if value.args else keywords.get("default")
    default = modules.text(value, owner.module)
    if value is not None and default is None:
        return None
    options = {key: option for one in reversed(family) for key, option in _options(one)}
    prefix = modules.text(options.get("env_prefix", ast.Constant("")), owner.module)
    if prefix is None or prefix.known is None:
        return None
    variable = alias.value if alias else prefix.value + name
    is_exact = isinstance(option := options.get("case_sensitive"), ast.Constant) and option.value is True
    return modules.variable(variable if is_exact else variable.upper(), default)


def _options(one: _Class) -> Iterator[tuple[str, ast.expr]]:
    """`model_config = SettingsConfigDict(env_prefix="APP_")`, `class Config: env_prefix = "APP_"`"""
    for statement in one.node.body:
        match statement:
            case ast.Assign([ast.Name("model_config")], ast.Call(keywords=keywords)):
                yield from ((keyword.arg, keyword.value) for keyword in keywords if keyword.arg)
            case ast.Assign([ast.Name("model_config")], ast.Dict(keys, values)):
                yield from ((str(key.value), value) for key, value in zip(keys, values, strict=True)
                            if isinstance(key, ast.Constant))  # fmt: skip
            case ast.ClassDef("Config", body=body):
                for inner in body:
                    if isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Name):
                        yield inner.targets[0].id, inner.value


def _family(one: _Class, modules: Modules) -> Iterator[_Class]:
    """A class and those of the project that it is derived from."""
    pending = [one]
    for _ in range(_DEEPEST):
        if not pending:
            return
        found = pending.pop(0)
        yield found
        bases = (_definition(base, found.module, modules) for base in found.node.bases)
        pending += [_Class(node, module) for node, module in filter(None, bases) if isinstance(node, ast.ClassDef)]


def _made_by(
    node: ast.expr | None, module: Module, modules: Modules, depth: int = 0
) -> tuple[ast.Call, Module, _Class] | None:
    """The call that makes what an expression stands for, with its class: of a name, or of what a function returns."""
    if node is None or depth > _DEEPEST:
        return None
    if isinstance(node, ast.Call):
        defined = _definition(node.func, module, modules)
        if defined is None:
            return None
        definition, place = defined
        if isinstance(definition, ast.ClassDef):
            return node, module, _Class(definition, place)
        returned = next((one.value for one in ast.walk(definition) if isinstance(one, ast.Return)), None)
        return _made_by(returned, place, modules, depth + 1)
    owner, name = _place(node, module, modules)
    if owner is None or name not in owner.assigned:
        return None
    return _made_by(owner.assigned[name], owner, modules, depth + 1)


def _definition(
    node: ast.expr, module: Module, modules: Modules
) -> tuple[ast.ClassDef | ast.FunctionDef, Module] | None:
    owner, name = _place(node, module, modules)
    for one in owner.tree.body if owner is not None else ():
        if isinstance(one, ast.ClassDef | ast.FunctionDef) and one.name == name and owner is not None:
            return one, owner
    return None


def _place(node: ast.expr, module: Module, modules: Modules) -> tuple[Module | None, str]:
    """The module that defines a name, through those that only import it, and the name there."""
    owner, _, name = dotted(node, module).rpartition(".")
    found = modules.load(owner) if owner else module
    for _ in range(_DEEPEST):
        imported = found.imports.get(name) if found is not None else None
        if imported is None or not imported.attribute:
            break
        found, name = modules.load(imported.module), imported.attribute
    return found, name
