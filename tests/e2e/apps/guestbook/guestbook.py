"""A guest book that lives in a file beside the program."""

import shutil
import sqlite3
from pathlib import Path

from flask import Flask, redirect, render_template, request

HERE = Path(__file__).parent
BOOK = HERE / "data" / "book.db"

app = Flask(__name__)

if not BOOK.exists():
    BOOK.parent.mkdir(exist_ok=True)
    shutil.copy(HERE / "empty.db", BOOK)


def connect():
    return sqlite3.connect(BOOK)


@app.get("/")
def read():
    with connect() as book:
        entries = book.execute("SELECT name, says FROM entries ORDER BY id").fetchall()
    return render_template("book.html", entries=entries)


@app.post("/")
def write():
    with connect() as book:
        book.execute("INSERT INTO entries (name, says) VALUES (?, ?)", (request.form["name"], request.form["says"]))
    return redirect("/")
