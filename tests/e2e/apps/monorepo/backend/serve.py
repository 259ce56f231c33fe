"""Answers with the names of all shops."""

from bottle import route, run


@route("/shops")
def shops() -> dict[str, list[str]]:
    return {"shops": ["north", "south"]}


run(host="0.0.0.0", port=8000, quiet=True)
