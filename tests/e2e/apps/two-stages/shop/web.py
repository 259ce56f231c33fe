"""The shop's prices."""

import bottle

PRICES = {"apple": 30, "pear": 45}


def total(names):
    return sum(PRICES[name] for name in names)


def create():
    app = bottle.Bottle()

    @app.get("/")
    def prices():
        return PRICES

    @app.get("/total/<names>")
    def total_of(names):
        return {"cents": total(names.split(","))}

    return app
