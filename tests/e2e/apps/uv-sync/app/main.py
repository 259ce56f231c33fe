"""Says which shard a key belongs to."""

import mmh3
from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.get("/shards/{key}")
async def shard(key: str, of: int = 16):
    return {"key": key, "shard": mmh3.hash(key, signed=False) % of}
