"""Requests by other people's clients: sent once, on whatever partition they came, and however often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from streams.simulator.words import Conditions, SimulatorSettings
from tests.foreign.clients import Post, librdkafka
from tests.foreign.line import Line
from tests.simulator.conftest import Running

pytestmark = pytest.mark.kafka

JAVA = librdkafka(partitioner="murmur2_random")
REQUESTS = 24


@pytest.fixture
def ses() -> Iterator[Running]:
    """Run an SES."""
    running = Running(SimulatorSettings(conditions=Conditions().changed({"delay_ms": 1.0})))
    yield running
    running.stop()


@pytest.fixture
def line(make_line: Callable[..., Line], ses: Running) -> Line:
    """Run a worker that sends."""
    made = make_line(DISPATCH__ENABLED="true", DISPATCH__ENDPOINT_URL=ses.url)
    made.worker.start()
    return made


def request(line: Line, number: int, key: bytes | None) -> Post:
    """Return a request to somebody of its own."""
    record = {
        "request_id": f"r-{number}",
        "requested_at": 0,
        "stream": "receipts",
        "from_address": "Shop <shop@example.com>",
        "to": [f"somebody-{number}@example.org"],
        "content": ("mail.Simple", {"subject": "Your order", "text": "It is on its way.", "html": None}),
    }
    return Post("send-requests", key, line.codec.encode("mail.SendRequest", record))


def test_a_request_that_comes_by_every_partitioner_and_under_no_key_is_sent_once(line: Line, ses: Running) -> None:
    everyone = {f"r-{number}" for number in range(REQUESTS)}
    for client in (librdkafka(), librdkafka(partitioner="random"), JAVA):
        line.publish(client, *[request(line, number, b"r-%d" % number) for number in range(REQUESTS)])
    line.publish(JAVA, *[request(line, number, None) for number in range(REQUESTS)])

    def sent() -> Counter[str]:
        line.read("sends")
        return Counter(one["request_id"] for one in line.said("sends", "mail.Send"))

    line.wait_for(lambda: sent().keys() >= everyone, "sends")
    line.wait_for(lambda: lag(line) == 0, "the end of the requests")
    assert sent() == dict.fromkeys(everyone, 1)
    mails = Counter(event["mail"]["destination"][0] for event in ses.events() if event.get("eventType") == "Send")
    assert mails == {f"somebody-{number}@example.org": 1 for number in range(REQUESTS)}
    assert line.letters() == 0


def lag(line: Line) -> float:
    """Return how many requests wait, as the worker says; 1 while it says nothing."""
    page = line.worker.page()
    return 1.0 if page is None else page.total("ses_consumer_lag", topic=line.name("send-requests"))


def test_a_request_without_a_value_is_a_dead_letter(line: Line) -> None:
    line.publish(JAVA, Post("send-requests", b"r-1", None))
    letter = line.wait_for_letter(None, b"r-1")
    assert (letter["reason"], letter["topic"], letter["stage"]) == ("NO_VALUE", line.name("send-requests"), "DISPATCH")
