"""Converts temperatures."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def index() -> str:
    return "try /fahrenheit/20"


@app.get("/fahrenheit/{celsius}")
def fahrenheit(celsius: float) -> float:
    return round(celsius * 9 / 5 + 32, 1)


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    return {"alive": True}
