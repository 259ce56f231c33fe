"""When the next bus comes."""

from aiohttp import web

BUSES = {"12": [5, 35], "40": [20]}


async def status(_request):
    return web.json_response({"status": "ok"})


async def line(request):
    minutes = BUSES.get(request.match_info["line"])
    if minutes is None:
        raise web.HTTPNotFound(text="no such line\n")
    return web.json_response({"minutes": minutes})


app = web.Application()
app.router.add_get("/status", status)
app.router.add_get("/lines/{line}", line)

if __name__ == "__main__":
    web.run_app(app, port=8080)
