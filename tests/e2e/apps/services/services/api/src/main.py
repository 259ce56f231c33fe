"""What a basket costs."""

import mmh3
from fastapi import FastAPI
from pricing import total
from routes import router

app = FastAPI()
app.include_router(router)


@app.get("/baskets/{apples}")
def basket(apples: int) -> dict[str, float | str]:
    return {"price": total(apples), "etag": format(mmh3.hash(str(apples), signed=False), "x")}
