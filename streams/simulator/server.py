"""The simulator, whole: both doors, the desk between them, and the events that go out.

`start`, then `api_url` and `smtp_port` say where; `stop` ends it. It lives in one event loop, and in no other thread
than that loop's. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from streams.errors import BadSettings, WorldFailed, cannot_listen
from streams.settings import Settings
from streams.simulator.api import Sending
from streams.simulator.desk import Desk
from streams.simulator.kafka import ToKafka
from streams.simulator.life import Happening
from streams.simulator.mail import Mail
from streams.simulator.outlets import ToCallback, ToFile, ToSns
from streams.simulator.publishing import Publishing
from streams.simulator.records import Records
from streams.simulator.smtp import SmtpDoor
from streams.simulator.steering import Steering
from streams.simulator.telling import Outlet, Teller, Told
from streams.simulator.wire import Json, errors
from streams.simulator.words import SimulatorSettings

_LARGEST_REQUEST = 64 * 1024 * 1024  # a mail of 40 MB in base64, and what goes with it


def _clock() -> int:
    return time.time_ns() // 1_000_000


class Simulator:
    """An SES that runs at home.

    Args:
        settings: how it is started.
        on_event: hears every event, in the simulator's loop; beside the outlets of the settings.
        kafka: the settings of ses-streams, where events go to Kafka.
        clock: ms since the epoch; a fixed one makes ids and times the same in every run.

    Raises:
        BadSettings: `events` names what is no outlet.

    """

    def __init__(
        self,
        settings: SimulatorSettings,
        *,
        on_event: Callable[[Told], None] | None = None,
        kafka: Settings | None = None,
        clock: Callable[[], int] = _clock,
    ) -> None:
        """Prepare; nothing listens yet."""
        self.settings = settings
        outlets = [outlet_of(word, settings, kafka, clock) for word in settings.events]
        if on_event is not None:
            outlets.append(ToCallback(on_event))
        self.teller = Teller(seed=settings.seed, region=settings.region, form=settings.form, outlets=outlets)
        self.desk = Desk(settings, clock, self._expect)
        self._closing = asyncio.Event()
        self._steering = Steering(self.desk, self.teller)
        self._smtp = SmtpDoor(self.desk, settings, self._closing)
        self._runner = web.AppRunner(
            self._app(), access_log=None, handle_signals=False, handler_cancellation=True, shutdown_timeout=1.0
        )
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, and begin to tell.

        Raises:
            WorldFailed: a port is taken, or an outlet cannot be opened.

        """
        try:
            await self.teller.open()
            self._telling = asyncio.create_task(self.teller.run())
            await self._listen()
            if self.settings.smtp_port is not None:
                await self._smtp.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop listening, and close what events go to; what is not due yet is not told. Twice is once.

        Raises:
            WorldFailed: an outlet could not be closed well.

        """
        self._closing.set()
        await self._smtp.stop()
        await self._runner.cleanup()
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError, WorldFailed):  # what made it fail was said by `failed`
                await self._telling
            self._telling = None
        await self.teller.close()

    async def failed(self) -> None:
        """Wait until an outlet fails, and raise what it says.

        Raises:
            WorldFailed: a file or a broker does not take events.

        """
        if self._telling is not None:
            await asyncio.shield(self._telling)

    async def quiet(self) -> None:
        """Wait until no event waits for its time."""
        await self.teller.idle.wait()

    @property
    def api_url(self) -> str:
        """Where the API is: the `endpoint_url` of an SDK."""
        return f"http://{self.settings.host}:{self._runner.addresses[0][1]}"

    @property
    def smtp_port(self) -> int:
        """Where SMTP is; 0 where there is none."""
        return self._smtp.port

    def counts(self) -> Json:
        """Return what was done so far; see `GET /simulator/health`."""
        return self._steering.counts()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[errors], client_max_size=_LARGEST_REQUEST)
        app.add_routes(Sending(self.desk, self.settings, self._closing).routes())
        app.add_routes(Records(self.desk, self.settings).routes())
        app.add_routes(Publishing(self.settings).routes())
        app.add_routes(self._steering.routes())
        return app

    async def _listen(self) -> None:
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.settings.host, self.settings.api_port).start()
        except OSError as error:
            mend = "take another --port, or 0 for one that is free"
            raise cannot_listen(self.settings.host, self.settings.api_port, error, mend) from error

    def _expect(self, mail: Mail, happenings: list[Happening]) -> None:
        self.teller.expect(mail, happenings, self.desk.conditions)


def outlet_of(word: str, settings: SimulatorSettings, kafka: Settings | None, clock: Callable[[], int]) -> Outlet:
    """Return the outlet that a word stands for.

    Raises:
        BadSettings: it stands for none.

    """
    kind, _, where = word.partition(":")
    if kind == "file" and where:
        return ToFile(Path(where))
    if kind == "sns" and where.startswith(("http://", "https://")):
        return ToSns(where, settings.region, settings.patience_ms, clock)
    if word == "kafka" and kafka is not None:
        return ToKafka(kafka)
    raise BadSettings(f"events go to file:PATH, sns:URL or kafka, not to {word}")
