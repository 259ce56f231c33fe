"""Packages that sources name in strings, where they load one by its name or run its program.

knex({ client: "sqlite3" })        execSync("npx knex migrate:latest")        importlib.import_module("ruff")
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from rewriter.model.managers.vocabulary import names

_STARTS: Final = re.compile(r"child_process|\b(?:execa|shelljs|cross-spawn|zx|subprocess)\b|os\.system")
_STRING: Final = re.compile(r"'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`")
_IMPORT: Final = re.compile(r"(?m)^[ \t]*(?:from|import)[ \t]+(\w+)")
_MAPPERS: Final = names("sequelize sequelize-typescript typeorm @nestjs/typeorm @nestjs/sequelize @mikro-orm/core knex "
                        "objection bookshelf sqlalchemy sqlmodel databases tortoise-orm peewee")  # fmt: skip
_DRIVERS: Final = names("pg mysql mysql2 sqlite3 better-sqlite3 tedious mariadb oracledb psycopg psycopg2 "
                        "psycopg2-binary asyncpg pymysql aiomysql mysqlclient aiosqlite pyodbc")  # fmt: skip


def named_package(text: str, packages: Collection[str]) -> str:
    """The first of some packages or programs that a string of a source holds as a word; empty where none does."""
    known = "|".join(sorted(map(re.escape, packages), key=len, reverse=True))
    if not known:
        return ""
    word = re.compile(rf"(?<![\w@/.-])(?:{known})(?![\w-])")
    for found in _STRING.finditer(text):
        if inside := word.search(found[1] or found[2] or found[3] or ""):
            return inside[0]
    return next((found[1] for found in _IMPORT.finditer(text) if found[1] in packages), "")


def starts_programs(text: str) -> bool:
    """Whether a source may start programs."""
    return _STARTS.search(text) is not None


def driver_by_name(gone: Collection[str], kept: Collection[str]) -> str:
    """A driver among packages that go which an object-relational mapper that stays may load; empty where none is."""
    return next((name for name in gone if name in _DRIVERS), "") if _MAPPERS & set(kept) else ""
