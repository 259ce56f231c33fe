"""A box for pictures: what was put in can be looked at again."""

from pathlib import Path

from fastapi import FastAPI, HTTPException, UploadFile
from fastapi.responses import FileResponse

PICTURES = Path(__file__).parent / "pictures"

app = FastAPI(title="Picture box")


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/pictures")
def names() -> list[str]:
    return sorted(place.name for place in PICTURES.glob("*"))


@app.post("/pictures", status_code=201)
async def put_in(picture: UploadFile) -> dict[str, int | str]:
    PICTURES.mkdir(exist_ok=True)
    place = PICTURES / Path(picture.filename or "unnamed").name
    return {"name": place.name, "bytes": place.write_bytes(await picture.read())}


@app.get("/pictures/{name}")
def look_at(name: str) -> FileResponse:
    place = PICTURES / name
    if not place.is_file():
        raise HTTPException(404, "no such picture")
    return FileResponse(place)
