"""The server of the clippings."""

import os

from bottle import Bottle, request, response, static_file
from waitress import serve

from clippings.card import draw, headline

CARDS = os.environ.get("CARDS", "/srv/clippings/cards")

app = Bottle()


@app.get("/ping")
def ping():
    return "pong"


@app.post("/cards/<name:re:[a-z]+>")
def clip(name):
    os.makedirs(CARDS, exist_ok=True)
    title = headline(request.body.read())
    draw(title, os.path.join(CARDS, name + ".png"))
    response.status = 201
    return {"headline": title}


@app.get("/cards/<name:re:[a-z]+>")
def card(name):
    return static_file(name + ".png", root=CARDS)


if __name__ == "__main__":
    serve(app, host="0.0.0.0", port=8080)
