"""Somebody leaves: from the header of a mail, by a click or a mail, to the list by which their stream stays away.

First through the hops in memory, where every step can be seen; then through the processes that users run, with a
simulator in SES's place, a broker between them, and a POST as mailbox providers send it.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from streams.demo.gauges import is_ready
from streams.demo.outlet import Outlet
from streams.demo.process import Process, free_port
from streams.demo.worker import Worker
from streams.dispatch.headers import headers_of
from streams.dispatch.leave import LeavingRoad, Ways, ways_of
from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.engine.broker import EmbeddedBroker
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.inlets.sorting import Sorter
from streams.intake.unsubscribes import Leaving, unsubscribes_of
from streams.mail.unsubscribe import ONE_CLICK, read_token
from streams.settings import Producer, Security, Settings
from streams.settings.unsubscribe import Unsubscribe, keys_of
from streams.topics import plan
from tests.builders import CODEC, DAY, NOON, POLICY, Bench, instruction
from tests.dispatch.bench import DispatchBench, request
from tests.simulator.conftest import Run, run

__all__ = ["run"]  # a fixture, which pytest finds here

WORDS = {
    "url": "https://mail.example.com/unsubscribe",
    "address": "unsubscribe@example.com",
    "key": "k" * 32,
    "streams": "newsletter,offers",
}
SETTINGS = Unsubscribe.model_validate(WORDS)
ANN, BEN = "ann@example.com", "ben@example.com"
HEADER = re.compile(r"<https://mail\.example\.com(/unsubscribe/([a-z2-7]+))>, <mailto:([^?]+)\?subject=([a-z2-7]+)>")


def ways() -> Ways:
    found = ways_of(SETTINGS)
    assert found is not None
    return found


class House:
    """The three hops over tables in memory; what one says, the next one hears."""

    def __init__(self) -> None:
        self.dispatch = DispatchBench()
        self.scripted = self.dispatch.road
        self.dispatch.road = LeavingRoad(self.scripted, ways())  # type: ignore[assignment]  # a road around the road
        self.dispatch.begin_anew()
        self.by_message, self.by_recipient = Bench(ByMessage(CODEC, POLICY.join)), Bench(ByRecipient(CODEC, POLICY))
        self.sorter = Sorter(CODEC, lambda: NOON, unsubscribes_of(SETTINGS))

    def ask(self, request_id: str, stream: str, *to: str) -> None:
        """Ask for a mail, and let it go as far as it may."""
        self.dispatch.ask(request(request_id, *to, stream=stream))
        self.dispatch.work_off()

    def header(self) -> re.Match[str]:
        """Return what the last mail says of leaving."""
        said = dict(headers_of(self.scripted.carried[-1]))
        assert said["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        found = HEADER.fullmatch(said["List-Unsubscribe"])
        assert found is not None
        return found

    def click(self, token: str, at: int = NOON) -> None:
        """Leave by a click, as the intake takes it."""
        leave = read_token(token, keys_of(SETTINGS))
        assert leave is not None
        said = Leaving(leave=leave, how=ONE_CLICK).feedback(occurred_at=at, headers={}, raw="{}")
        self.hear([record.value for record in self.sorter.event(said).records], at)

    def mail(self, to: str, subject: str, at: int = NOON) -> None:
        """Leave by a mail, as SES tells that it came."""
        listed = [{"name": "To", "value": to}, {"name": "Subject", "value": subject}]
        mail = {"timestamp": "2026-09-21T12:00:00Z", "messageId": "d6i", "destination": [to], "headers": listed}
        event = {"notificationType": "Received", "mail": mail, "receipt": {}}
        self.hear([record.value for record in self.sorter.sort(json.dumps(event).encode(), "sqs:q").records], at)

    def hear(self, feedback: list[bytes], at: int) -> None:
        """Let hop 1 hear it, hop 2 what follows, and dispatch what is on the list then."""
        before = len(self.by_message.emitted)
        self.by_message.work("feedback", list(feedback), at)
        outcomes = [value for role, _, value in self.by_message.emitted[before:] if role == "outcomes"]
        self.tell_list(lambda: self.by_recipient.work("outcomes", outcomes, at))

    def tell_list(self, work: Any) -> None:
        """Do *work* in hop 2, and put on dispatch's copy of the list what it says."""
        before = len(self.by_recipient.emitted)
        work()
        for role, key, value in self.by_recipient.emitted[before:]:
            if role == "suppressions":
                self.dispatch.tables[role].values.pop(key, None)
                if value is not None:
                    self.dispatch.tables[role].values[key] = value

    def _said(self) -> list[dict[str, Any]]:
        return self.dispatch.read("outcomes", "mail.Outcome")

    def ends(self) -> list[tuple[str, str, str]]:
        """Return which requests ended at the gate, for whom and how."""
        return [(one["request_id"], one["recipient"], one["kind"]) for one in self._said()]


@pytest.mark.parametrize("way", ["click", "mail"])
def test_who_leaves_by_what_a_mail_says_gets_no_more_of_that_stream_at_once_and_all_of_the_others(way: str) -> None:
    house = House()
    house.ask("r-1", "newsletter", ANN)
    _, token, address, subject = house.header().groups()
    if way == "click":
        house.click(token)
    else:
        house.mail(address, subject)
    (outcome,) = house.by_message.read("outcomes", "mail.Outcome")
    assert (outcome["kind"], outcome["recipient"], outcome["stream"]) == ("UNSUBSCRIBED", ANN, "newsletter")
    assert (outcome["request_id"], outcome["certain"]) == ("r-1", True)
    (closed,) = house.by_recipient.read("suppressions", "mail.Suppression")
    assert (closed["recipient"], closed["reason"], closed["scope"], closed["until"]) == (
        ANN,
        "UNSUBSCRIBED",
        "newsletter",
        None,
    )
    house.ask("r-2", "newsletter", ANN)
    house.ask("r-3", "offers", ANN)
    house.ask("r-4", "receipts", ANN)
    house.ask("r-5", "newsletter", BEN)
    assert house.ends() == [("r-2", ANN, "SUPPRESSED")]
    assert [letter.request_id for letter in house.scripted.carried] == ["r-1", "r-3", "r-4", "r-5"]


def test_nothing_is_parked_for_a_send_that_will_never_come() -> None:
    house = House()
    house.ask("r-1", "newsletter", ANN)
    house.click(house.header()[2])
    assert house.by_message.counts.get(("ses_parked_feedback_total",), 0) == 0
    assert house.by_message.counts.get(("ses_unmatched_feedback_total",), 0) == 0
    house.by_message.pass_time(NOON + 60 * DAY)
    assert len(house.by_message.read("outcomes", "mail.Outcome")) == 1
    assert house.by_message.table.values == {}, "and what was kept of it is forgotten"


def test_to_leave_twice_is_to_leave_once_and_after_a_release_it_counts_again() -> None:
    house = House()
    house.ask("r-1", "newsletter", ANN)
    token = house.header()[2]
    house.click(token)
    house.click(token)
    assert len(house.by_message.read("outcomes", "mail.Outcome")) == 1
    later = NOON + DAY
    word = CODEC.encode("mail.Instruction", instruction("RELEASE", later, recipient=ANN, scope="newsletter"))
    house.tell_list(lambda: house.by_recipient.work("instructions", [word], later))
    house.ask("r-2", "newsletter", ANN)
    assert house.ends() == []
    house.click(token, later + DAY)
    house.ask("r-3", "newsletter", ANN)
    assert house.ends() == [("r-3", ANN, "SUPPRESSED")]


PARTITIONS = 2
PATIENCE_S = 90.0


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[str]:
    """Run a broker that has our topics."""
    with EmbeddedBroker(tmp_path / "broker.log") as broker:
        topics = plan(prefix="ses.", partitions=PARTITIONS, replication=1, group="leaving")
        ensure_topics(broker.address, Security(), topics)
        yield broker.address


def worker_of(brokers: str, url: str, home: Path) -> Worker:
    """Return a worker that sends by the simulator at *url*, and says in its mails how to leave."""
    said = {
        "BROKERS": brokers,
        "GROUP": "leaving",
        "PARTITIONS": PARTITIONS,
        "REPLICATION": 1,
        "PRODUCER__IDEMPOTENT": "false",
        "ENGINE__SESSION_TIMEOUT_MS": 6000,
        "DISPATCH__ENABLED": "true",
        "DISPATCH__ENDPOINT_URL": url,
        **{f"UNSUBSCRIBE__{name.upper()}": word for name, word in WORDS.items()},
    }
    return Worker({f"SES_STREAMS_{name}": str(value) for name, value in said.items()}, home)


class Topics:
    """The topics of results, as somebody reads them who has nothing to do with us."""

    def __init__(self, brokers: str, worker: Worker) -> None:
        self._worker = worker
        self.found: dict[str, list[dict[str, Any]]] = {"Outcome": [], "Suppression": []}
        takes = {"ses.outcomes": self._take("Outcome"), "ses.suppressions": self._take("Suppression")}
        self.outlet = Outlet(brokers, takes, PARTITIONS)

    def _take(self, name: str) -> Any:
        return lambda _, value: self.found[name].append(CODEC.decode(f"mail.{name}", value or b""))

    def wait(self, name: str, **fields: str) -> dict[str, Any]:
        """Return the record that says *fields*, once it is there."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            self._worker.check()
            self.outlet.read(0.2)
            for one in self.found[name]:
                if fields.items() <= one.items():
                    return one
        raise AssertionError(f"no {name} says {fields}")


def ask(brokers: str, request_id: str, stream: str) -> None:
    """Ask for a mail to Ann."""
    with Publisher(brokers, idempotent=False) as publisher:
        record = request(request_id, ANN, stream=stream, from_address="Shop <shop@example.com>")
        publisher.publish("ses.send-requests", request_id.encode(), CODEC.encode("mail.SendRequest", record))


class Intake(Process):
    """An intake process that takes people who leave, and nothing else."""

    def __init__(self, brokers: str, home: Path) -> None:
        self.web, self.port = free_port(), free_port()
        said = {
            "BROKERS": brokers,
            "PRODUCER__IDEMPOTENT": "false",
            "WEB__PORT": self.web,
            "INTAKE__SNS__PORT": self.port,
            "UNSUBSCRIBE__KEY": WORDS["key"],
            "UNSUBSCRIBE__URL": WORDS["url"],
        }
        variables = {f"SES_STREAMS_{name}": str(value) for name, value in said.items()}
        super().__init__("the intake", ["intake"], variables, home / "intake.log")

    def wait(self) -> None:
        """Return when it says that it is ready."""
        until = time.monotonic() + PATIENCE_S
        while not is_ready(self.web):
            self.check()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)


async def post(url: str, body: dict[str, str]) -> int:
    """Post to *url* what mailbox providers post; return the status."""
    async with ClientSession() as session, session.post(url, data=body) as answer:
        return answer.status


@pytest.mark.slow
def test_from_the_header_of_a_mail_to_the_list_through_the_processes_that_users_run(
    run: Run,
    brokers: str,
    tmp_path: Path,
) -> None:
    ses = run(events=("kafka",), kafka=Settings(brokers=brokers, producer=Producer(idempotent=False)))
    worker = worker_of(brokers, ses.url, tmp_path)
    intake = Intake(brokers, tmp_path)
    worker.start()
    intake.start()
    topics = Topics(brokers, worker)
    try:
        intake.wait()
        ask(brokers, "first", "newsletter")
        topics.wait("Outcome", kind="DELIVERED", request_id="first")
        (mail,) = [event["mail"] for event in ses.events() if event["eventType"] == "Send"]
        headers = {one["name"]: one["value"] for one in mail["headers"]}
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        found = HEADER.fullmatch(headers["List-Unsubscribe"])
        assert found is not None
        url = f"http://127.0.0.1:{intake.port}{found[1]}"
        assert asyncio.run(post(url, {"a": "1"})) == 400
        assert asyncio.run(post(url[:-1], {"List-Unsubscribe": "One-Click"})) == 404
        assert asyncio.run(post(url, {"List-Unsubscribe": "One-Click"})) == 200
        left = topics.wait("Outcome", kind="UNSUBSCRIBED", recipient=ANN)
        assert (left["stream"], left["request_id"]) == ("newsletter", "first")
        topics.wait("Suppression", recipient=ANN, reason="UNSUBSCRIBED", scope="newsletter")
        ask(brokers, "second", "newsletter")
        topics.wait("Outcome", kind="SUPPRESSED", request_id="second")
        ask(brokers, "other", "receipts")
        topics.wait("Outcome", kind="DELIVERED", request_id="other")
        assert len({told.message_id for told in ses.told if told.kind == "Send"}) == 2
    finally:
        topics.outlet.close()
        stopped = worker.stop(), intake.stop()
    assert stopped == (0, 0)
    assert not any(word in intake.log.read_text() for word in (found[2], "ann@"))
