"""A picture of letters over HTTP."""

import argparse

from bottle import Bottle, response

from mandelbrot.escape import escape

app = Bottle()


@app.get("/")
def picture():
    response.content_type = "text/plain"
    rows = (y / 10 for y in range(-10, 11))
    return "\n".join("".join(" .:-=+*#%@"[escape(x / 20, y) // 6] for x in range(-40, 20)) for y in rows)


@app.get("/health")
def health():
    return "fine"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    app.run(host="0.0.0.0", port=parser.parse_args().port)
