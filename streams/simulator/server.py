"""The simulator, whole: both doors, the desk between them, and the events that go out.

`start`, then `api_url` and `smtp_port` say where; `stop` ends it. It lives in one event loop, and in no other thread
than that loop's. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from streams.errors import WorldFailed
from streams.simulator.api import Sending, errors
from streams.simulator.desk import Desk
from streams.simulator.life import Happening
from streams.simulator.mail import Mail
from streams.simulator.telling import Callback, Outlet, Teller, ToCallback
from streams.simulator.words import SimulatorSettings

_LARGEST_REQUEST = 64 * 1024 * 1024  # a mail of 40 MB in base64, and what goes with it


def _clock() -> int:
    return time.time_ns() // 1_000_000


class Simulator:
    """An SES that runs at home.

    Args:
        settings: how it is started.
        on_event: hears every event, in the simulator's loop; beside the outlets of the settings.
        clock: ms since the epoch; a fixed one makes ids and times the same in every run.

    """

    def __init__(
        self,
        settings: SimulatorSettings,
        *,
        on_event: Callback | None = None,
        clock: Callable[[], int] = _clock,
    ) -> None:
        """Prepare; nothing listens yet."""
        self.settings = settings
        self._clock = clock
        self._outlets: list[Outlet] = [] if on_event is None else [ToCallback(on_event)]

    async def start(self) -> None:
        """Listen, and begin to tell.

        Raises:
            WorldFailed: a port is taken, or an outlet cannot be opened.

        """
        settings = self.settings
        self.teller = Teller(seed=settings.seed, region=settings.region, form=settings.form, outlets=self._outlets)
        self.desk = Desk(settings, self._clock, self._expect)
        self._sending = Sending(self.desk, settings)
        for outlet in self._outlets:
            await outlet.open()
        await self._listen()
        self._telling = asyncio.create_task(self.teller.run())

    async def _listen(self) -> None:
        app = web.Application(middlewares=[errors], client_max_size=_LARGEST_REQUEST)
        app.add_routes(self._sending.routes())
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=1.0
        )
        await self._runner.setup()
        where = f"{self.settings.host}:{self.settings.api_port}"
        try:
            await web.TCPSite(self._runner, self.settings.host, self.settings.api_port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise WorldFailed(f"cannot listen on {where}: {error.strerror}") from error

    async def stop(self) -> None:
        """Stop listening, and close what events go to; events that are not due yet are not told."""
        self._sending.closing.set()
        await self._runner.cleanup()
        self._telling.cancel()
        with suppress(asyncio.CancelledError):
            await self._telling
        for outlet in self._outlets:
            await outlet.close()

    @property
    def api_url(self) -> str:
        """Where the API is: the `endpoint_url` of an SDK."""
        return f"http://{self.settings.host}:{self._runner.addresses[0][1]}"

    def _expect(self, mail: Mail, happenings: list[Happening]) -> None:
        self.teller.expect(mail, happenings, self.desk.conditions)
