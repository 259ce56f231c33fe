"""Who lives in the zoo."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ANIMALS = Path("/zoo/animals")


class Zoo(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(", ".join(sorted(animal.name for animal in ANIMALS.iterdir())) or "nobody yet")

    def do_POST(self):
        (ANIMALS / self.path.strip("/")).touch()
        self.answer("welcome")

    def answer(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{text}\n".encode())


ThreadingHTTPServer(("", 7000), Zoo).serve_forever()
