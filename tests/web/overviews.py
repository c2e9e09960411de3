"""Builds overviews for tests of the page: a worker at noon that sends well, and what one asks to be otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from streams.web.overview import (
    ACCOUNT,
    Counts,
    Evidence,
    Flow,
    Notice,
    Overview,
    Partition,
    Provider,
    Rates,
    Reputation,
    Step,
    Stock,
    Worker,
    added,
    moment,
    reputation,
)
from tests.builders import NOON

AT = moment(NOON)
ROOM = 10_000


def worker(**said: Any) -> Worker:
    """Return a worker that is well."""
    given = {"name": "one:8080", "version": "1.2.3", "state": "running", "live": True, "ready": True, "since": AT}
    return Worker(**{**given, **said})


def stream(
    name: str, bounces: int = 10, complaints: int = 0, sends: int = 1000, lately: Counts | None = None
) -> Reputation:
    """Return a stream's reputation; *lately* is of the last quarter of an hour."""
    window = Counts(sends=sends, bounces=bounces, complaints=complaints)
    return reputation(name, window, ROOM, lately or Counts(), 900)


def partition(lag: int, topic: str = "ses.sends", number: int = 0, **said: Any) -> Partition:
    """Return a partition."""
    return Partition(topic=topic, partition=number, lag=lag, worker="one:8080", **said)


def suppressed(address: str | None = None, **said: Any) -> Notice:
    """Return a notice of a suppression."""
    given: dict[str, Any] = {
        "at": AT,
        "said": "suppressed",
        "who": "<0123456789 at example.com>",
        "address": address,
        "reason": "HARD_BOUNCE",
        "scope": "*",
        "evidence": [Evidence(message_id="m-1", kind="HARD_BOUNCED", status="5.1.1")],
    }
    return Notice(**{**given, **said})


def overview(**said: Any) -> Overview:
    """Return an overview."""
    streams = said.pop("streams", [stream("receipts")])
    steps = [Step(until=AT - timedelta(seconds=5 * n), sends=10, outcomes=12) for n in range(30, 0, -1)]
    given: dict[str, Any] = {
        "at": AT,
        "workers": [worker()],
        "flow": Flow(now=Rates(sends=10, outcomes=12), steps=steps),
        "account": added(ACCOUNT, streams),
        "streams": streams,
        "providers": [
            Provider(provider="gmail", outcomes={"DELIVERED": 990, "HARD_BOUNCED": 10}),
            Provider(provider="gmx", outcomes={"DELIVERED": 80, "HARD_BOUNCED": 15, "SOFT_BOUNCED": 5}),
        ],
        "providers_minutes": 60,
        "notices": [suppressed()],
        "partitions": [partition(0)],
        "stock": Stock(suppressions={"HARD_BOUNCE": 25}),
    }
    return Overview(**{**given, **said})
