"""Lets people through, and notes each of them in a log file."""

import itertools
import logging
from http.server import BaseHTTPRequestHandler, HTTPServer

logging.basicConfig(filename="/var/log/turnstile/passages.log", level=logging.INFO, format="%(asctime)s %(message)s")

log = logging.getLogger("turnstile")
passages = itertools.count(1)


class Turnstile(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, "walk up to the turnstile\n")

    def do_POST(self):
        number = next(passages)
        log.info("passage %d", number)
        self.answer(200, f"you are number {number}\n")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    log.info("open")
    HTTPServer(("0.0.0.0", 9000), Turnstile).serve_forever()
