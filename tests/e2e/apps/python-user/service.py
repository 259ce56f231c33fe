"""Says who it runs as."""

import os

from flask import Flask

app = Flask(__name__)


@app.get("/")
def who() -> dict[str, int]:
    return {"user": os.getuid()}
