"""Keeps what a weather station has measured."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READINGS = "/station/readings"
os.makedirs(READINGS, exist_ok=True)


class Station(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.answer("ok\n")
        else:
            with open(f"{READINGS}/all.txt") as readings:
                self.answer(readings.read())

    def do_POST(self):
        reading = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(f"{READINGS}/all.txt", "a") as readings:
            readings.write(f"{reading}\n")
        self.answer(f"{reading} noted\n")

    def answer(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8000), Station).serve_forever()
