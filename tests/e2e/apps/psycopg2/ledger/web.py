"""Shows the ledger, and says so when its database is away."""

import psycopg2
from flask import Flask, jsonify

from ledger.entries import DSN, entries

app = Flask(__name__)


@app.get("/health")
def health():
    return {"ok": True, "libpq": psycopg2.extensions.libpq_version() > 0}


@app.get("/dsn")
def dsn():
    return jsonify(psycopg2.extensions.parse_dsn(DSN))


@app.get("/entries")
def listed():
    try:
        return jsonify(entries())
    except psycopg2.OperationalError:
        return jsonify(error="the database is away"), 503
