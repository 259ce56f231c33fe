"""The phase of the moon on a day."""

import ephem
import falcon


class Health:
    def on_get(self, _, response):
        response.media = {"status": "up"}


class Moon:
    def on_get(self, _, response, day):
        response.media = {"full": str(ephem.next_full_moon(day)), "lit": round(ephem.Moon(day).phase)}


application = falcon.App()
application.add_route("/health", Health())
application.add_route("/moon/{day}", Moon())
