"""Keeps a diary in a database beside the program, which it makes when it starts."""

import sqlite3
from http.server import BaseHTTPRequestHandler, HTTPServer

BOOK = "diary.db"


class Diary(BaseHTTPRequestHandler):
    def do_GET(self):
        with sqlite3.connect(BOOK) as book:
            pages = [text for (text,) in book.execute("SELECT text FROM pages ORDER BY number")]
        self.answer(200, "\n".join(pages or ["nothing yet"]))

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with sqlite3.connect(BOOK) as book:
            book.execute("INSERT INTO pages (text) VALUES (?)", [text])
        self.answer(201, "kept")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(f"{text}\n".encode())


if __name__ == "__main__":
    with sqlite3.connect(BOOK) as book:
        book.execute("CREATE TABLE IF NOT EXISTS pages (number INTEGER PRIMARY KEY, text TEXT)")
    HTTPServer(("0.0.0.0", 7000), Diary).serve_forever()
