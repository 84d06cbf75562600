#!/usr/bin/python3
"""Notes over HTTP, kept in SQLite. Reads PORT and DATA (a folder) from its environment."""

import json
import os
import pathlib
import sqlite3
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "1"
SCHEMA = 1
HERE = pathlib.Path(__file__).resolve().parent


def greeting(name):
    return f"Hello, {name}!"


def database(data):
    return sqlite3.connect(pathlib.Path(data) / "notes.db", timeout=5)


def schema_of(connection):
    return connection.execute("PRAGMA user_version").fetchone()[0]


def missing_settings(environment):
    """What this version cannot serve without."""
    return [name for name in () if name not in environment]


def health(environment):
    """The status and the word that a health check sees."""
    missing = missing_settings(environment)
    if missing:
        return 503, f"missing setting: {missing[0]}"
    with database(environment["DATA"]) as connection:
        schema = schema_of(connection)
    if schema != SCHEMA:
        return 503, f"schema {schema}, wanted {SCHEMA}"
    return 200, "ok"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            status, word = health(os.environ)
            self.answer(status, {"status": word})
        elif self.path == "/version":
            self.answer(200, {"version": VERSION, "release": os.environ.get("TIDEGATE_RELEASE", "")})
        elif self.path == "/notes":
            with database(os.environ["DATA"]) as connection:
                rows = connection.execute("SELECT text FROM notes ORDER BY id").fetchall()
            self.answer(200, {"notes": [row[0] for row in rows]})
        else:
            self.answer(404, {"error": "no such page"})

    def answer(self, status, value):
        body = (json.dumps(value) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
