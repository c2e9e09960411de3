"""Asks other workers of the group what only they know: once, with our token, and not for long.

Who is asked for another says so in a header, so that two workers of two minds about who has a key do not ask each other
for ever. Where a worker lives, the group itself says; whoever may join it (the brokers decide) gets our token.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from pydantic import BaseModel, SecretStr, ValidationError

from streams.web.operations import API
from streams.web.overview import Overview
from streams.web.problems import Refused, later

log = logging.getLogger(__name__)

ASKED_BY = "Ses-Streams-Asked-By"
"""The header of a worker that asks another; whoever is asked so asks nobody else."""
_LARGEST = 8 * 1024 * 1024
"""Bytes of an answer that are read."""
_AT_A_TIME = 16
"""Connections to other workers: what waits for one is answered late, and not by more of them."""
_TRACE_S = 20.0
"""How long another worker may take for a trace, which reads topics."""
_OVERVIEW_S = 1.0
"""A page waits for it: a worker that hangs is named as missing."""
_BY_OTHERS = "the worker that has this part of the state"

Model = TypeVar("Model", bound=BaseModel)


class Question(NamedTuple):
    """What to ask of a worker: *patience* is for how long (seconds)."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    patience: float = 3.0

    @classmethod
    def why(cls, address: str) -> Question:
        """Ask whether we may write to *address*; it goes in the body, for a path may be logged on its way."""
        return cls("POST", f"{API}/why", {"address": address})

    @classmethod
    def trace(cls, message_id: str) -> Question:
        """Ask what became of a mail."""
        return cls("GET", f"{API}/messages/{quote(message_id, safe='')}", patience=_TRACE_S)


class Said(NamedTuple):
    """What a worker answered."""

    status: int
    body: bytes


class Peers:
    """The other workers: `start`, then ask, then `stop`."""

    def __init__(self, token: SecretStr | None, us: Callable[[], str | None]) -> None:
        """Take the token that all workers have, and what says where we are."""
        self._token, self._us = token, us
        self._session: ClientSession | None = None

    async def start(self) -> None:
        """Get ready to ask."""
        self._session = ClientSession(
            connector=TCPConnector(limit=_AT_A_TIME), cookie_jar=DummyCookieJar(), trust_env=False
        )

    async def stop(self) -> None:
        """Ask no more."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, url: str, question: Question, model: type[Model]) -> Model:
        """Return what the worker at *url* answers.

        Raises:
            Refused: it does not answer, or has none.
        """
        try:
            said = await self._ask(url, question)
        except (ClientError, TimeoutError, OSError) as error:
            log.warning("%s does not answer: %s", url, type(error).__name__)
            raise later(f"{_BY_OTHERS} does not answer; if it has died, another takes over soon") from error
        if said.status != HTTPStatus.OK:
            raise _cannot(said.status)
        try:
            return model.model_validate_json(said.body)
        except ValidationError as error:
            raise _cannot(said.status) from error

    async def overviews(self, urls: Iterable[str], *, named: bool) -> tuple[list[Overview], list[str]]:
        """Return the overviews of the workers at *urls*, and who of them did not give one."""
        asked = list(urls)
        found = await asyncio.gather(*(self._overview(url, named=named) for url in asked))
        silent = [url for url, overview in zip(asked, found, strict=True) if overview is None]
        return [overview for overview in found if overview is not None], silent

    async def _overview(self, url: str, *, named: bool) -> Overview | None:
        path = f"{API}/overview?names={'shown' if named else 'hidden'}"
        try:
            said = await self._ask(url, Question("GET", path, patience=_OVERVIEW_S))
            return Overview.model_validate_json(said.body) if said.status == HTTPStatus.OK else None
        except (ClientError, TimeoutError, OSError, ValidationError, Refused) as error:
            log.warning("%s gives no overview: %s", url, type(error).__name__)
            return None

    async def _ask(self, url: str, question: Question) -> Said:
        if self._session is None:
            raise later("this worker is starting or stopping")
        headers = {ASKED_BY: self._us() or "?"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        async with self._session.request(
            question.method,
            url.rstrip("/") + question.path,
            json=question.body,
            headers=headers,
            allow_redirects=False,
            timeout=ClientTimeout(total=question.patience),
        ) as answer:
            body = bytearray()
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > _LARGEST:
                    raise ClientError
            return Said(answer.status, bytes(body))


def is_asked_by_peer(request: web.Request) -> bool:
    """Tell whether another worker asks."""
    return ASKED_BY in request.headers


def _cannot(status: int) -> Refused:
    """Return what to say when a worker was reached and did not give an answer."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        words = f"{_BY_OTHERS} has another token: SES_STREAMS_WEB__TOKEN must be the same on every worker"
        return Refused(HTTPStatus.BAD_GATEWAY, words)
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        return later(f"{_BY_OTHERS} cannot answer now: it starts, recovers, or hands it on")
    return Refused(HTTPStatus.BAD_GATEWAY, f"{_BY_OTHERS} answers ({status}) as this one would not: another version?")
