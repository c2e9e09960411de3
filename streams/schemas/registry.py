"""Schemas and ids from a registry that speaks Confluent's protocol: `schema_registry.url` in the settings.

Six requests of its REST API, by the standard library: Confluent's own client brings an HTTP stack of eight packages
for them. Asking blocks: the codec asks at start for our own eight schemas, and later once for each id that it has
never seen. What is remembered, and what to do about a no, is the codec's business, not this file's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from streams.errors import SchemaUnknown
from streams.schemas.avsc import Schema, load_head, read_directory, resolved
from streams.schemas.files import schema_home
from streams.schemas.lock import fingerprint_of, read_lock

COMPATIBILITY = "FULL_TRANSITIVE"
_ANSWER_SECONDS = 5.0  # a registry answers in milliseconds, and a worker that waits holds up its partitions
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_NOT_FOUND = 404
_WHOLE = ""  # the place of the asked schema among those that it refers to, which have names


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One of our schemas as the registry has it; *version* counts within the *subject*."""

    schema: str
    subject: str
    id: int
    version: int


class _NotThereError(SchemaUnknown):
    """The registry answered that it has no such thing."""


class Client:
    """The REST API of a registry, as far as it is needed; every fault is SchemaUnknown and names the registry."""

    def __init__(self, url: str, username: str | None = None, password: str | None = None) -> None:
        """Ask at *url* (http or https); nothing is asked yet."""
        self._url = url.rstrip("/")
        self._headers = {"Accept": _MEDIA_TYPE, "Content-Type": _MEDIA_TYPE}
        if username is not None:
            token = base64.b64encode(f"{username}:{password or ''}".encode()).decode("ascii")
            self._headers["Authorization"] = f"Basic {token}"

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON answer to a request."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data, self._headers, method=method)  # noqa: S310 - settings allow http only
        try:
            with urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - as above
                return json.load(answer)
        except HTTPError as error:
            kind = _NotThereError if error.code == _NOT_FOUND else SchemaUnknown
            raise kind(f"{self._url} answered {error.code} to {method} {path}: {_words(error)}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise SchemaUnknown(f"{self._url} gave no answer to {method} {path}: {error}") from error


class Registry:
    """A SchemaSource that asks a registry; subjects are `<topic>-value`."""

    def __init__(self, client: Client, topic_prefix: str = "ses.", home: Path | None = None) -> None:
        """Ask through *client* for the schemas of *home* (our own, if None); nothing is asked yet."""
        home = schema_home() if home is None else home
        self._client = client
        self._written = read_directory(home)
        self._marks = {name: fingerprint_of(schema) for name, schema in load_head(home).items()}
        self._subjects = {row.schema: f"{topic_prefix}{row.role}-value" for row in read_lock(home)}

    def id_of(self, name: str) -> int:
        """Return the id of the newest version that writes the same bytes as today's schema *name*."""
        subject = self._subjects[name]
        try:
            for version in sorted(self._client.ask("GET", f"/subjects/{quote(subject)}/versions"), reverse=True):
                found = self._version(subject, version)
                schema = self._self_contained(found)
                if schema is not None and fingerprint_of(schema) == self._marks[name]:
                    return int(found["id"])
        except (_NotThereError, LookupError, TypeError):
            pass  # nothing of that name, or an answer that says nothing: the same words help
        raise SchemaUnknown(f"the registry has no {subject} like ours: run `ses-streams schemas register`")

    def schema_of(self, schema_id: int) -> Schema | None:
        """Return the self-contained schema of an id; None where there is none, or one that is no Avro."""
        try:
            return self._self_contained(self._client.ask("GET", f"/schemas/ids/{schema_id}"))
        except _NotThereError:
            return None

    def register(self) -> Iterator[Registered]:
        """Register our schemas, those that others refer to first, and set their subjects to FULL_TRANSITIVE.

        Registering what is there changes nothing. SchemaUnknown where the registry refuses or does not answer.
        """
        done: dict[str, Registered] = {}
        for name in sorted(self._written, key=lambda name: len(self._references(name))):
            subject = self._subjects[name]
            self._client.ask("PUT", f"/config/{quote(subject)}", {"compatibility": COMPATIBILITY})
            schema = {
                "schemaType": "AVRO",
                "schema": json.dumps(self._written[name]),
                "references": [_reference(done[other]) for other in self._references(name)],
            }
            schema_id = self._client.ask("POST", f"/subjects/{quote(subject)}/versions", schema)["id"]
            version = self._client.ask("POST", f"/subjects/{quote(subject)}", schema)["version"]
            done[name] = Registered(schema=name, subject=subject, id=schema_id, version=version)
            yield done[name]

    def _references(self, name: str) -> list[str]:
        """Return the other schemas that schema *name* names."""
        text = json.dumps(self._written[name])
        return [other for other in self._written if other != name and json.dumps(other) in text]

    def _version(self, subject: str, version: int) -> Any:
        return self._client.ask("GET", f"/subjects/{quote(subject)}/versions/{version}")

    def _self_contained(self, answer: Mapping[str, Any]) -> Schema | None:
        """Return a registry's schema with what it refers to written out; None where it is no Avro."""
        if answer.get("schemaType", "AVRO") != "AVRO":
            return None
        written: dict[str, Schema] = {}
        try:
            self._gather(_WHOLE, answer, written)
        except (LookupError, TypeError, ValueError) as error:
            raise SchemaUnknown(f"the registry answered what is no schema: {error!r}") from error
        try:
            return resolved(written)[_WHOLE]
        except (TypeError, ValueError, RecursionError):  # JSON, but none that Avro could mean
            return None

    def _gather(self, name: str, answer: Mapping[str, Any], written: dict[str, Schema]) -> None:
        written[name] = json.loads(answer["schema"])
        for reference in answer.get("references", ()):
            if reference["name"] not in written:
                self._gather(reference["name"], self._version(reference["subject"], reference["version"]), written)


def _reference(row: Registered) -> dict[str, Any]:
    return {"name": row.schema, "subject": row.subject, "version": row.version}


def _words(error: HTTPError) -> str:
    """Return what the registry says about its refusal."""
    try:
        return str(json.load(error)["message"])
    except (OSError, ValueError, LookupError, TypeError):
        return error.reason
