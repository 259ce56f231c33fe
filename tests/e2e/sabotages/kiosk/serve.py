"""A kiosk: tells its prices, and writes down that it was opened."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PRICES = Path("prices.txt").read_bytes()


class Counter(BaseHTTPRequestHandler):
    """Tells the prices to whoever comes to the counter itself."""

    def do_GET(self) -> None:
        if self.path != "/":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(PRICES)


try:
    Path("till/opened.txt").write_text("opened\n")
except OSError as error:
    print(f"the till stays closed: {error}", flush=True)
address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8000"))
ThreadingHTTPServer(address, Counter).serve_forever()
