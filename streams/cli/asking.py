"""Gets the answers that `why` and `trace` print: from a worker, or, without one, from the topics themselves.

A worker has the state at hand and answers at once; it is asked where its URL is said, or its token is set. Otherwise
one partition of a changelog is read to its end, with a bar, and gives the same answer.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from streams.answers.model import Trace, Why
from streams.answers.search import search
from streams.answers.trace import trace
from streams.answers.why import why
from streams.cli.options import now
from streams.cli.shown import Bar, people
from streams.cli.top_asking import checked_urls, why_silent
from streams.emit.codec import codec_of
from streams.emit.windows import Windows
from streams.errors import BadSettings, WorldFailed
from streams.settings import Settings, load_settings
from streams.settings.policy import policy_of
from streams.topics import changelog_name
from streams.web.peers import Question

_PATIENCE_S = 30.0
"""A trace may take a worker, or the one that it asks, so long."""

_PROBLEM = "application/problem+json"

Answer = TypeVar("Answer", bound=BaseModel)


class _NothingKnown(Exception):
    """The worker has never heard of what is asked, or has forgotten it."""


class Asking:
    """Asks on behalf of one command."""

    def __init__(self, brokers: str | None, url: str | None, *, deep: bool = False) -> None:
        """Read the settings; *deep* and *brokers* are about the topics, so no worker is asked then.

        Raises:
            BadSettings: the settings are wrong, or *url* is none.

        """
        self._settings: Settings = load_settings(brokers=brokers)
        token = self._settings.web.token
        self._token = None if token is None else token.get_secret_value()
        self._url = self._checked(url)
        self._must = url is not None
        self._deep = deep
        self._of_topics = deep or (brokers is not None and url is None)

    def why(self, address: str) -> Why:
        """Return whether we may write to *address* (normal form), and why."""
        asked = self._of_worker(Question.why(address), Why)
        if asked is not None:
            return asked
        stored = self._stored("standings", address.encode())
        return why(address, stored, policy_of(self._settings), now())

    def trace(self, message_id: str) -> Trace:
        """Return the life of a mail (message id in normal form)."""
        policy, codec, at = policy_of(self._settings), codec_of(self._settings), now()
        try:
            asked = self._of_worker(Question.trace(message_id), Trace)
        except _NothingKnown:
            return trace(message_id, None, (), policy, at, codec)
        if asked is not None:
            return asked
        stored = self._stored("lives", message_id.encode())
        with Bar("reading the topics") as bar, Windows(self._settings, deep=self._deep, told=bar.told) as windows:
            found = search(message_id, stored, policy, at, codec, windows.find)
        return trace(message_id, stored, found, policy, at, codec)

    def _stored(self, table: str, key: bytes) -> bytes | None:
        """Return what a table holds under a key, by its changelog."""
        words = f"reading {changelog_name(self._settings.group, table)}"
        with Bar(words) as bar, Windows(self._settings, told=bar.told) as windows:
            return windows.stored(table, key)

    def _of_worker(self, question: Question, model: type[Answer]) -> Answer | None:
        """Return what a worker answers; None where none is to be asked, or none is there."""
        if self._of_topics or (self._token is None and not self._must):
            return None
        try:
            return asyncio.run(self._asked(question, model))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if self._must:
                why = why_silent(error)
                raise WorldFailed(
                    f"no worker answers at {self._url}: {why}; without --url the topics are read"
                ) from error
            people(f"no worker answers at {self._url}; reading the topics instead")
            return None

    async def _asked(self, question: Question, model: type[Answer]) -> Answer:
        """Ask the worker.

        Raises:
            WorldFailed: it refuses, or answers what is no answer.

        """
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        patience = aiohttp.ClientTimeout(total=_PATIENCE_S)
        async with (
            aiohttp.ClientSession(timeout=patience, headers=headers) as session,
            session.request(
                question.method, self._url + question.path, json=question.body, allow_redirects=False
            ) as answer,
        ):
            body = await answer.read()
            if answer.status == HTTPStatus.NOT_FOUND and answer.content_type == _PROBLEM:
                raise _NothingKnown
            try:
                if answer.status == HTTPStatus.OK:
                    return model.model_validate_json(body)
            except ValidationError:
                pass  # another version, or somebody else answers there
            raise WorldFailed(f"the worker at {self._url} says {answer.status}: {_detail(body)}")

    def _checked(self, url: str | None) -> str:
        """Return where the worker is."""
        try:
            return checked_urls([url or f"http://127.0.0.1:{self._settings.web.port}"])[0]
        except ValueError:
            raise BadSettings("--url wants the address of a worker, such as http://127.0.0.1:8080") from None


def _detail(body: bytes) -> str:
    """Return why a worker refuses, in its words (RFC 9457)."""
    try:
        problem: Any = json.loads(body)
        return str(problem["detail"])
    except (ValueError, LookupError, TypeError):
        return "which is no answer of ses-streams"
