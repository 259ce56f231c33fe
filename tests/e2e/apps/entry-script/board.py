"""The score board of a quiz night."""

import json
import os
from pathlib import Path

from flask import Flask, request

BOARD = Path(os.environ["SCORES_DIR"]) / "board.json"

app = Flask(__name__)


@app.cli.command("prepare")
def prepare():
    """Make an empty board if there is none."""
    if not BOARD.exists():
        BOARD.write_text("{}")


@app.get("/health")
def health():
    return {"ok": True}


@app.get("/")
def board():
    return json.loads(BOARD.read_text())


@app.post("/")
def score():
    scores = board()
    team = request.form["team"]
    scores[team] = scores.get(team, 0) + int(request.form["points"])
    BOARD.write_text(json.dumps(scores))
    return scores
