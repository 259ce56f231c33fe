"""What was found, and where."""

import os

from flask import Flask, request

FOUND = "/opt/lost-and-found/found"

app = Flask(__name__)


@app.route("/health")
def health():
    return "ok"


@app.route("/found/<thing>", methods=["GET", "POST"])
def found(thing):
    note = os.path.join(FOUND, os.path.basename(thing))
    if request.method == "POST":
        os.makedirs(FOUND, exist_ok=True)
        with open(note, "w") as file:
            file.write(request.form["where"])
    if not os.path.exists(note):
        return "still lost\n", 404
    with open(note) as file:
        return file.read() + "\n"


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
