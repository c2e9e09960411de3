"""A worker and the simulator, each as it runs for users, with a broker between them: requests in, outcomes out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.demo.outlet import Outlet
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.engine.broker import EmbeddedBroker
from streams.schemas.codec import load_codec
from streams.settings import Producer, Security, Settings
from streams.topics import plan
from tests.simulator.conftest import Run

CODEC = load_codec()
PARTITIONS = 2
PATIENCE_S = 90.0
ENDS = {
    "ann@example.org": {("DELIVERED", 1)},
    "gone+1@example.org": {("HARD_BOUNCED", 1)},
    "busy-1+2@example.org": {("SOFT_BOUNCED", 1), ("DELIVERED", 2)},
    "robot+3@example.org": {("DELIVERED", 1), ("AUTO_REPLIED", 1)},
    "complain+4@example.org": {("DELIVERED", 1), ("COMPLAINED", 1)},
}
"""Whom a request goes to, and what must be said of it in the end, of which attempt; in any order."""


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[str]:
    """Run a broker that has our topics."""
    with EmbeddedBroker(tmp_path / "broker.log") as broker:
        topics = plan(prefix="ses.", partitions=PARTITIONS, replication=1, group="sending")
        ensure_topics(broker.address, Security(), topics)
        yield broker.address


def worker_of(brokers: str, home: Path, **dispatch: object) -> Worker:
    """Return a worker that sends, and retries within seconds."""
    said = {
        "BROKERS": brokers,
        "GROUP": "sending",
        "PARTITIONS": PARTITIONS,
        "REPLICATION": 1,
        "PRODUCER__IDEMPOTENT": "false",
        "ENGINE__SESSION_TIMEOUT_MS": 6000,
        "RETRY__FIRST_MINUTES": 0.02,
        "DISPATCH__ENABLED": "true",
        **{f"DISPATCH__{name}": value for name, value in dispatch.items()},
    }
    return Worker({f"SES_STREAMS_{name}": str(value) for name, value in said.items()}, home)


def ask(brokers: str, *addresses: str) -> None:
    """Ask for a mail to each of *addresses*."""
    with Publisher(brokers, idempotent=False) as publisher:
        for address in addresses:
            record = {
                "request_id": f"to {address}",  # a name that SES would not take as a tag
                "requested_at": 0,
                "stream": "receipts",
                "from_address": "Shop <shop@example.com>",
                "to": [address],
                "content": ("mail.Simple", {"subject": "Grüße", "text": "Your order", "html": "<p>Your order</p>"}),
            }
            publisher.publish("ses.send-requests", b"to " + address.encode(), CODEC.encode("mail.SendRequest", record))


def ends(worker: Worker, brokers: str) -> dict[str, set[tuple[str, int]]]:
    """Return what was said of each recipient, once it is all that is due, or nothing more is worth waiting for."""
    said: dict[str, set[tuple[str, int]]] = {address: set() for address in ENDS}

    def take(_: bytes | None, value: bytes | None) -> None:
        outcome: dict[str, Any] = CODEC.decode("mail.Outcome", value or b"")
        assert outcome["request_id"] == f"to {outcome['recipient']}"
        said[outcome["recipient"]].add((outcome["kind"], outcome["attempt"]))

    outlet, until = Outlet(brokers, {"ses.outcomes": take}, PARTITIONS), time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < until and any(len(said[who]) < len(due) for who, due in ENDS.items()):
            worker.check()
            outlet.read(0.2)
    finally:
        outlet.close()
    return said


@pytest.mark.slow
@pytest.mark.parametrize("road", ["api", "smtp"])
def test_a_worker_sends_through_the_simulator_by_either_road_and_hears_what_became_of_it(
    road: str, run: Run, brokers: str, tmp_path: Path
) -> None:
    kafka = Settings(brokers=brokers, producer=Producer(idempotent=False))
    ses = run(events=("kafka",), kafka=kafka, smtp_port=0)
    words: dict[str, object] = {"ENDPOINT_URL": ses.url}
    if road == "smtp":
        port = ses.simulator.smtp_port
        words |= {"VIA": "smtp", "SMTP__HOST": "127.0.0.1", "SMTP__PORT": port, "SMTP__TLS": "none"}
    worker = worker_of(brokers, tmp_path, **words)
    worker.start()
    try:
        ask(brokers, *ENDS, *ENDS)  # each twice: the second is a repeat
        assert ends(worker, brokers) == ENDS
        sent = [told.message_id for told in ses.told if told.kind == "Send"]
        assert len(set(sent)) == len(ENDS) + 1  # and the retry
    finally:
        assert worker.stop() == 0
