"""When the plants were watered."""

import json
from pathlib import Path

import falcon

CAN = Path(__file__).parent / "watered.json"


def watered():
    return json.loads(CAN.read_text()) if CAN.exists() else {}


class Health:
    def on_get(self, _request, response):
        response.media = {"status": "green"}


class Plants:
    def on_get(self, _request, response):
        response.media = watered()


class Plant:
    def on_post(self, _request, response, plant):
        times = watered()
        times[plant] = times.get(plant, 0) + 1
        CAN.write_text(json.dumps(times))
        response.media = times


app = falcon.App()
app.add_route("/health", Health())
app.add_route("/plants", Plants())
app.add_route("/plants/{plant}", Plant())
