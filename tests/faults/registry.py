"""A schema registry of our own, as far as a worker asks one; it can be away, slow, confused, or tell another schema.

It knows our schemas by the ids of schemas/lock.json, so that what is written with it is what is written without it,
and mail.Feedback under FOREIGN, and two ids more, besides.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from fastavro.schema import load_schema

from tests.faults.wire import SCHEMAS

FOREIGN = 7
"""The id under which somebody else's registry has mail.Feedback."""
NOT_FOUND = 404


class Registry:
    """Use it in a ``with``; *status*, *delay* and *schemas* may be set at any time."""

    def __init__(self, prefix: str) -> None:
        """Take a port; nothing answers yet. *prefix* is of the topics, after which subjects are named."""
        rows = json.loads((SCHEMAS / "lock.json").read_text("utf-8"))["schemas"]
        ids = {row["schema"]: int(row["id"]) for row in rows}  # the last row is today's
        whole = {name: load_schema(str(SCHEMAS / f"{name}.avsc"), _write_hint=False) for name in ids}
        self.schemas: dict[int, Any] = {ids[name]: whole[name] for name in ids}
        self.schemas |= dict.fromkeys(range(FOREIGN, FOREIGN + 3), whole["mail.Feedback"])
        self._subjects = {f"{prefix}{row['role']}-value": ids[row["schema"]] for row in rows}
        self.status, self.delay, self.asked = 200, 0.0, 0
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.up()

    @property
    def url(self) -> str:
        """Return where it answers, or would."""
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        """Answer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Answer no more."""
        self.down()

    def up(self) -> None:
        """Answer, at the same port as before."""
        registry = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, said = registry.answer(self.path)
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Answers)
        self._port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="registry", daemon=True).start()

    def down(self) -> None:
        """Let connections be refused."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def answer(self, path: str) -> tuple[int, Any]:
        """Return status and JSON for a request."""
        self.asked += 1
        time.sleep(self.delay)
        match path.strip("/").split("/"):
            case _ if self.status != 200:
                return self.status, {"message": "something is wrong in here"}
            case ["subjects", subject, "versions"] if subject in self._subjects:
                return 200, [1]
            case ["subjects", subject, "versions", "1"] if subject in self._subjects:
                found = self._subjects[subject]
                return 200, {"id": found, "version": 1, "schema": json.dumps(self.schemas[found])}
            case ["schemas", "ids", number] if int(number) in self.schemas:
                return 200, {"schema": json.dumps(self.schemas[int(number)])}
        return NOT_FOUND, {"message": "no such thing"}
