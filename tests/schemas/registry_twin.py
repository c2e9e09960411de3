"""A registry to test against: the few endpoints that ours asks, in memory, over real HTTP on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Twin:
    """What the registry holds, what it was asked, how many questions it has answered, and after which pause (seconds).

    `first_id` is that of the first schema.
    """

    def __init__(self, first_id: int = 1) -> None:
        self.subjects: dict[str, list[dict[str, Any]]] = {}
        self.config: dict[str, str] = {}
        self.asked: list[str] = []
        self.answered = 0
        self.pause = 0.0
        self.refuse: int | None = None
        self.url = ""
        self._next_id = first_id

    def register(self, subject: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keep a schema; the same text under the same subject keeps its id."""
        for row in self.subjects.get(subject, ()):
            if row["schema"] == body["schema"] and row["references"] == body.get("references", []):
                return row
        row = {
            "subject": subject,
            "id": self._next_id,
            "version": len(self.subjects.get(subject, ())) + 1,
            "schemaType": body.get("schemaType", "AVRO"),
            "schema": body["schema"],
            "references": body.get("references", []),
        }
        self._next_id += 1
        self.subjects.setdefault(subject, []).append(row)
        return row

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Return the JSON of an answer; None for what is not there."""
        match method, path.strip("/").split("/"):
            case "PUT", ["config", subject]:
                self.config[subject] = body["compatibility"]
                return body
            case "POST", ["subjects", subject, "versions"]:
                return {"id": self.register(subject, body)["id"]}
            case "POST", ["subjects", subject]:
                return self.register(subject, body)
            case "GET", ["subjects", subject, "versions"]:
                rows = self.subjects.get(subject)
                return rows and [row["version"] for row in rows]
            case "GET", ["subjects", subject, "versions", version]:
                return self.subjects[subject][int(version) - 1]
            case "GET", ["schemas", "ids", schema_id]:
                rows = [row for rows in self.subjects.values() for row in rows if row["id"] == int(schema_id)]
                return rows[0] if rows else None
        return None


@contextmanager
def running(twin: Twin) -> Iterator[Twin]:
    """Serve *twin* on a free port until the end of the block."""

    class Answerer(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            twin.asked.append(f"{self.command} {self.path}")
            time.sleep(twin.pause)
            found = None if twin.refuse else twin.answer(self.command, self.path, body)
            status = twin.refuse or (404 if found is None else 200)
            said = json.dumps(found or {"error_code": status * 100, "message": "the twin says no"}).encode()
            twin.answered += 1
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - http.server's own names

        def log_message(self, *_: Any) -> None:
            """Say nothing: pytest's output is for people."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answerer)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    twin.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield twin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
