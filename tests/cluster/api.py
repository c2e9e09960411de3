"""Kubernetes's API as tests ask it: objects in and out as JSON, and server-side apply, each mistake an error.

It knows no kind: what the plural of one is, and whether it has a namespace, the server says.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from functools import cache
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

Object = dict[str, Any]
NOT_FOUND, CONFLICT = 404, 409
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Refused(Exception):
    """The server's answer is no; *status* says how."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(f"{status}: {words}")
        self.status = status


class Api:
    """A server at ``127.0.0.1:port``, known by the certificate that it made for itself."""

    def __init__(self, port: int, certificate: Path, token: str) -> None:
        self.port, self._token = port, token
        self._trust = ssl.create_default_context(cafile=str(certificate))
        self._kinds = cache(self._resources)

    def ask(self, method: str, path: str, body: object = None, kind: str = "application/json") -> Object:
        """Return the answer.

        Raises:
            Refused: it is none of the 200s.

        """
        return dict(json.loads(self.text(path, method, body, kind)))

    def text(self, path: str, method: str = "GET", body: object = None, kind: str = "application/json") -> str:
        """Return the answer as it comes, such as a log; raise as `ask` does."""
        connection = HTTPSConnection("127.0.0.1", self.port, context=self._trust, timeout=60)
        try:
            said = None if body is None else json.dumps(body)
            connection.request(method, path, said, {"Authorization": f"Bearer {self._token}", "Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused(answer.status, _message(text))
        return text.decode(errors="replace")

    def list(self, path: str, **where: str) -> list[Object]:
        """Return the objects at a path such as ``/api/v1/pods``."""
        query = f"?{urlencode(where)}" if where else ""
        return list(self.ask("GET", path + query).get("items") or [])

    def find(self, path: str) -> Object | None:
        """Return one object, or None."""
        try:
            return self.ask("GET", path)
        except Refused as refused:
            if refused.status == NOT_FOUND:
                return None
            raise

    def apply(self, one: Mapping[str, Any], namespace: str, *, dry: bool = False) -> Object:
        """Apply one object on the server, which refuses unknown fields; return it as the server has it then."""
        query = {"fieldManager": "tests", "fieldValidation": "Strict", "force": "true"} | (
            {"dryRun": "All"} if dry else {}
        )
        return self.ask("PATCH", f"{self.path_of(one, namespace)}?{urlencode(query)}", one, APPLY)

    def path_of(self, one: Mapping[str, Any], namespace: str) -> str:
        """Return where an object is, or would be."""
        version = str(one["apiVersion"])
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        plural, namespaced = self._kinds(root)[one["kind"]]
        within = f"/namespaces/{one['metadata'].get('namespace', namespace)}" if namespaced else ""
        return f"{root}{within}/{plural}/{one['metadata']['name']}"

    def _resources(self, root: str) -> dict[str, tuple[str, bool]]:
        found = self.ask("GET", root)["resources"]
        return {one["kind"]: (one["name"], one["namespaced"]) for one in found if "/" not in one["name"]}


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")[:500]
