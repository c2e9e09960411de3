"""Answers about any key, whichever worker is asked: here where the state is ours, or else by the worker that has it.

The API and the page ask here. The owner is asked once; who is asked by another worker answers for itself alone. Nothing
is answered from a copy that may be behind, and nothing is guessed while workers come and go: whoever asks is told to
ask again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from pydantic import BaseModel

from streams.answers.model import Trace, Why
from streams.errors import NotOurs, NotReady
from streams.web.merge import merge
from streams.web.overview import Overview
from streams.web.peers import Peers, Question
from streams.web.problems import later

Model = TypeVar("Model", bound=BaseModel)


class Tables(Protocol):
    """What a worker's engine says of its tables (streams/engine/tables.py)."""

    @property
    def url(self) -> str | None:
        """Where this worker is."""

    def look_up(self, table: str, key: bytes) -> bytes | None:
        """Return what is stored; raises NotOurs, NotReady."""

    def owner(self, table: str, key: bytes) -> str | None:
        """Return the URL of the worker that has a key."""

    def peers(self) -> Sequence[str]:
        """Return the URLs of all workers."""


class Here(Protocol):
    """What is made of the state of this worker (streams/web/here.py)."""

    def why(self, address: str, stored: bytes | None) -> Why:
        """Return whether we may write to *address*."""

    async def trace(self, message_id: str, stored: bytes | None) -> Trace:
        """Return what became of a mail."""

    def overview(self, *, named: bool) -> Overview:
        """Return how it goes here."""


class Anywhere:
    """Answers for the whole group. Keys are in normal form; *asked* says that it is another worker that asks."""

    def __init__(self, tables: Tables, here: Here, peers: Peers) -> None:
        """Keep whom to ask."""
        self._tables, self._here, self._peers = tables, here, peers

    async def why(self, address: str, *, asked: bool = False) -> Why:
        """Return whether we may write to *address*.

        Raises:
            Refused: it cannot be told now.
        """
        key = address.encode()
        try:
            return self._here.why(address, self._look_up("standings", key))
        except NotOurs:
            return await self._elsewhere(key, "standings", Question.why(address), Why, asked=asked)

    async def trace(self, message_id: str, *, asked: bool = False) -> Trace:
        """Return what became of a mail.

        Raises:
            Refused: it cannot be told now.
        """
        key = message_id.encode()
        try:
            stored = self._look_up("lives", key)
        except NotOurs:
            return await self._elsewhere(key, "lives", Question.trace(message_id), Trace, asked=asked)
        return await self._here.trace(message_id, stored)

    async def overview(self, *, group: bool, named: bool) -> Overview:
        """Return how it goes here, or in the whole *group*; with addresses only where *named*."""
        here = self._here.overview(named=named)
        if not group:
            return here
        others = [url for url in self._tables.peers() if url != self._tables.url]
        found, silent = await self._peers.overviews(others, named=named)
        return merge([here, *found], silent)

    def _look_up(self, table: str, key: bytes) -> bytes | None:
        try:
            return self._tables.look_up(table, key)
        except NotReady as error:
            raise later(str(error)) from error

    async def _elsewhere(self, key: bytes, table: str, question: Question, model: type[Model], *, asked: bool) -> Model:
        """Have the worker that has a key answer."""
        owner = self._tables.owner(table, key)
        if owner is None or asked:
            raise later("nobody has this part of the state now: workers come or go")
        if owner == self._tables.url:
            raise later("several workers say that they are where we are: SES_STREAMS_WEB__ADVERTISE must differ")
        return await self._peers.ask(owner, question, model)
