"""Puts together whoever answers questions over HTTP: this worker's own state, the other workers, the pen, the gate.

The front door hands in what it has; this keeps the wiring of the API out of it. The page asks `anywhere`, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

from streams.errors import WorldFailed
from streams.schemas.codec import Codec
from streams.settings import Settings
from streams.web.anywhere import Anywhere, Here, Tables
from streams.web.api import Api
from streams.web.instructing import Instructing
from streams.web.limits import Limits
from streams.web.peers import Peers
from streams.web.tokens import Tokens


class Answering:
    """The API of one worker: its routes, and what must run for them."""

    def __init__(  # noqa: PLR0913 - what the front door has, each its own kind of thing
        self,
        settings: Settings,
        tables: Tables,
        here: Here,
        *,
        codec: Codec,
        topics: Mapping[str, str],
        now: Callable[[], int],
        on_failure: Callable[[WorldFailed], None],
    ) -> None:
        """Connect to nothing yet; *topics* are names by role, *on_failure* is told where nothing can be written."""
        token = settings.web.token
        self._writes = token is not None
        self._peers = Peers(token, lambda: tables.url)
        self._pen = Instructing(settings, codec, topics, on_failure)
        self.anywhere = Anywhere(tables, here, self._peers)
        self.limits = Limits(settings.web.rate)
        """One for the API and the page: with two, a token could be guessed twice as fast."""
        api = Api(
            self.anywhere,
            tokens=Tokens(token),
            limits=self.limits,
            write=self._pen.write,
            clock=now,
        )
        self.routes: list[web.RouteDef] = api.routes()

    async def start(self) -> None:
        """Get ready to ask others, and, where anybody may have something written, to write."""
        await self._peers.start()
        if self._writes:
            await self._pen.start()

    async def stop(self) -> None:
        """Finish what is being written, and ask no more."""
        await self._pen.stop()
        await self._peers.stop()
