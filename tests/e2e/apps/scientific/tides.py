"""Predicts the tide, and draws it."""

import os

import matplotlib.pyplot as plt
import numpy as np
from flask import Flask, jsonify, send_from_directory
from scipy.interpolate import CubicSpline

CHARTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "charts")
os.makedirs(CHARTS, exist_ok=True)

HOURS = np.array([0, 6, 12, 18, 24])
METRES = np.array([0.4, 3.1, 0.6, 2.9, 0.5])

app = Flask(__name__)
level = CubicSpline(HOURS, METRES)


@app.route("/healthz")
def healthz():
    return "fine"


@app.route("/tide/<int:hour>")
def tide(hour):
    return jsonify(hour=hour, metres=round(float(level(hour)), 2))


@app.route("/chart", methods=["POST"])
def draw():
    hours = np.linspace(0, 24, 97)
    figure, axes = plt.subplots()
    axes.plot(hours, level(hours))
    figure.savefig(os.path.join(CHARTS, "today.png"))
    plt.close(figure)
    return {"drawn": "today.png"}, 201


@app.route("/charts/<name>")
def chart(name):
    return send_from_directory(CHARTS, name)


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
