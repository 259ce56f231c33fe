"""Keeps letters under the hash of what they say."""

from pathlib import Path

import mmh3
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

LETTERS = Path(__file__).parent.parent / "letters"


async def health(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


async def keep(request: Request) -> JSONResponse:
    text = (await request.body()).decode()
    name = format(mmh3.hash(text, signed=False), "08x")
    LETTERS.mkdir(exist_ok=True)
    (LETTERS / name).write_text(text)
    return JSONResponse({"name": name}, status_code=201)


async def read(request: Request) -> PlainTextResponse:
    place = LETTERS / Path(request.path_params["name"]).name
    return PlainTextResponse(place.read_text()) if place.is_file() else PlainTextResponse("no such letter", 404)


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/letters", keep, methods=["POST"]),
        Route("/letters/{name}", read),
    ]
)
