"""Takes orders for the bakery."""

from flask import Flask
from recipes import RECIPES

app = Flask(__name__)


@app.get("/health")
def health():
    return {"ok": True}


@app.get("/recipes")
def recipes():
    return RECIPES
