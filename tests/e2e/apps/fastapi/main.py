"""A service that adds."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def add(a: int = 1, b: int = 2) -> dict[str, int]:
    return {"sum": a + b}
