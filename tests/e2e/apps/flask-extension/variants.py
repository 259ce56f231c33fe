"""Puts customers into the variants of an experiment, each always into the same one."""

import mmh3
from flask import Flask, jsonify

VARIANTS = ("plain", "picture", "price first")

app = Flask(__name__)


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/variant/<customer>")
def variant(customer):
    number = mmh3.hash(customer, signed=False) % len(VARIANTS)
    return jsonify(customer=customer, variant=VARIANTS[number])
