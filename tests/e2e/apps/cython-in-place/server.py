"""Tells the prime numbers up to a limit."""

from bottle import Bottle, run
from primes.sieve import __file__ as place
from primes.sieve import primes

app = Bottle()


@app.get("/health")
def health():
    return {"status": "ok", "compiled": place.endswith(".so")}


@app.get("/primes/<limit:int>")
def up_to(limit):
    return {"primes": primes(min(limit, 100_000))}


if __name__ == "__main__":
    run(app, host="0.0.0.0", port=8000)
