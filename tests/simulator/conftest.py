"""A simulator in a thread with a loop of its own, as boto3 and smtplib need one; it ends with its test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import boto3
import orjson
import pytest
from botocore.config import Config

from streams.settings import Settings
from streams.simulator.server import Simulator
from streams.simulator.telling import Told
from streams.simulator.words import Conditions, SimulatorSettings

NOON = 1_790_000_000_000


class Running:
    """A simulator that runs, and all that it has told."""

    def __init__(self, settings: SimulatorSettings, kafka: Settings | None = None, clock: int | None = None) -> None:
        """Start it, and wait until it listens."""
        self.told: list[Told] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        words: dict[str, Any] = {} if clock is None else {"clock": lambda: clock}
        self.simulator = Simulator(settings, on_event=self.told.append, kafka=kafka, **words)
        self._do(self.simulator.start())

    def stop(self) -> None:
        """Stop it, and its thread."""
        if self._thread.is_alive():
            self._do(self.simulator.stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    @property
    def url(self) -> str:
        return self.simulator.api_url

    @property
    def client(self) -> Any:
        """An unmodified SDK client that does not try again by itself."""
        return self.client_waiting(10)

    def client_waiting(self, seconds: float) -> Any:
        """Return such a client that waits so long for an answer."""
        return boto3.client(
            "sesv2",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="any",
            aws_secret_access_key="thing",  # noqa: S106 - signatures are not verified
            config=Config(retries={"total_max_attempts": 1}, read_timeout=seconds),
        )

    def events(self) -> list[dict[str, Any]]:
        """Return all events, once none waits any more."""
        self._do(self.simulator.quiet())
        return [orjson.loads(told.body) for told in self.told]

    def kinds(self) -> list[str]:
        """Return what kinds of events there were, in their order."""
        return [event.get("eventType") or event["notificationType"] for event in self.events()]


Run = Callable[..., Running]


@pytest.fixture
def run() -> Iterator[Run]:
    """Return what starts simulators: words are those of the settings, or of the conditions."""
    started: list[Running] = []

    def runs(*, kafka: Settings | None = None, clock: int | None = None, **words: Any) -> Running:
        known = set(Conditions.__dataclass_fields__)
        conditions = {"delay_ms": 1.0} | {name: value for name, value in words.items() if name in known}
        others = {name: value for name, value in words.items() if name not in known}
        settings = SimulatorSettings(conditions=Conditions().changed(conditions), **others)
        started.append(Running(settings, kafka, clock))
        return started[-1]

    yield runs
    for one in started:
        one.stop()


def simple(*to: str, **words: Any) -> dict[str, Any]:
    """Return the words of a SendEmail with a simple content."""
    return {
        "FromEmailAddress": "Example Shop <shop@example.com>",
        "Destination": {"ToAddresses": list(to)},
        "Content": {"Simple": {"Subject": {"Data": "Your order"}, "Body": {"Text": {"Data": "It is on its way."}}}},
        **words,
    }


def template(name: str, data: str) -> dict[str, Any]:
    """Return the words of a SendEmail from a template."""
    return simple("ann@example.org", Content={"Template": {"TemplateName": name, "TemplateData": data}})
