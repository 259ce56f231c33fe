"""The entries of a ledger, which stand in a database."""

import os

import psycopg2
from psycopg2.extensions import make_dsn

DSN = make_dsn(
    host=os.environ.get("DB_HOST", "db"),
    user=os.environ.get("DB_USER", "ledger"),
    dbname=os.environ.get("DB_NAME", "ledger"),
    connect_timeout=2,
)


def entries():
    with psycopg2.connect(DSN) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT day, amount, purpose FROM entries ORDER BY day")
        return cursor.fetchall()
