"""Dear diary: one file for each day."""

import os
from datetime import date

from flask import Flask, abort, request

PAGES = os.environ.get("PAGES", "pages")

app = Flask(__name__)


@app.get("/health")
def health():
    return "well"


@app.put("/<day>")
def write(day):
    page = os.path.join(PAGES, date.fromisoformat(day).isoformat() + ".txt")
    with open(page, "a", encoding="utf-8") as pages:
        pages.write(request.get_data(as_text=True) + "\n")
    return "noted\n"


@app.get("/<day>")
def read(day):
    page = os.path.join(PAGES, date.fromisoformat(day).isoformat() + ".txt")
    if not os.path.exists(page):
        abort(404)
    with open(page, encoding="utf-8") as pages:
        return pages.read()
