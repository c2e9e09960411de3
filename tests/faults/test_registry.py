"""Fault 15: a schema registry that is away, slow, confused, or tells another schema.

Events come under an id that only the registry knows. The broken twin is the one that takes such an id for poison
(tests/faults/careless.py): it sets good events aside, and the checker misses their outcomes, as the last test shows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.engine.broker import EmbeddedBroker
from tests.faults.generator import Traffic
from tests.faults.process import Worker
from tests.faults.registry import FOREIGN, Registry
from tests.faults.stage import Stage
from tests.faults.stories import Put, Story
from tests.faults.watch import QUICK, careless, impatient, stays, stops_loudly, wait_until
from tests.faults.wire import HEADER

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]
RATE = 200
WITHIN_PATIENCE_S = 7.0
"""A worker asks for 30 s."""
SLOW_S = 3.0
"""It waits 5 s for an answer."""


@pytest.fixture
def stage(seed: int, tmp_path: Path) -> Iterator[Stage]:
    """Use the embedded broker: nothing here is Kafka's."""
    setting = replace(QUICK, kind="embedded", idempotent=False)
    with EmbeddedBroker(tmp_path / "broker.log") as broker, Stage(tmp_path / "stage", seed, broker, setting) as ready:
        yield ready


@pytest.fixture
def registry(stage: Stage) -> Iterator[Registry]:
    with Registry(stage.prefix) as ready:
        yield ready


@pytest.fixture
def worker(stage: Stage, registry: Registry) -> Worker:
    worker = stage.worker(schema_registry__url=registry.url)
    worker.wait_until_ready()
    return worker


def test_a_registry_that_goes_away_stops_no_id_that_is_known(stage: Stage, registry: Registry, worker: Worker) -> None:
    with stage.traffic(rate=RATE) as traffic:
        time.sleep(1)
        _speak_foreign(stage)
        _wait_for(traffic, 1_000)
        wait_until(lambda: not _lags(worker, 500), "the worker keeps up")
        registry.down()
        _wait_for(traffic, 3_000)
        wait_until(lambda: not _lags(worker, 500), "the worker keeps up")
    stays(worker)
    stage.end("registry: away, ids known")


def test_an_unknown_id_and_nobody_to_ask_stop_the_worker(stage: Stage, registry: Registry) -> None:
    worker = impatient(stage, patience=14, schema_registry__url=registry.url)
    worker.wait_until_ready()
    with stage.traffic(rate=RATE):
        time.sleep(2)
        registry.down()
        time.sleep(1)
        _speak_foreign(stage)
        stops_loudly(worker, registry.url, f"schemas/ids/{FOREIGN}", stage.topics["feedback"])
        worker.start()
        stops_loudly(worker, registry.url)
        registry.up()
        worker.start()
        worker.wait_until_ready()
        time.sleep(2)
    stage.end("registry: away, an id unknown")


def test_a_registry_that_fails_for_a_while_stops_nobody(stage: Stage, registry: Registry, worker: Worker) -> None:
    with stage.traffic(rate=RATE):
        time.sleep(1)
        registry.down()
        _speak_foreign(stage, FOREIGN)
        time.sleep(WITHIN_PATIENCE_S)
        registry.up()
        for schema_id, status, delay in ((FOREIGN + 1, 500, 0.0), (FOREIGN + 2, 200, SLOW_S)):
            wait_until(lambda: not _lags(worker, 500), "the worker has caught up")
            registry.status, registry.delay = status, delay
            _speak_foreign(stage, schema_id)
            time.sleep(WITHIN_PATIENCE_S)
            registry.status, registry.delay = 200, 0.0
        time.sleep(2)
    stays(worker)
    stage.end("registry: away, then 500, then slow, for a while")


def test_what_is_by_another_schema_is_set_aside(stage: Stage, registry: Registry, worker: Worker) -> None:
    """The registry tells another kind of record, or what is no schema that could be used."""
    registry.schemas[FOREIGN] = "string"
    registry.schemas[FOREIGN + 1] = {"type": "array", "items": "null"}
    with stage.traffic(rate=RATE) as traffic:
        _wait_for(traffic, 500)
        told = _foreign_letters(stage, 20)  # few enough not to stop a worker
        _wait_for(traffic, 2_500)
    stays(worker)
    assert told
    stage.end("registry: it tells another schema")


def test_the_checker_sees_a_worker_that_takes_unknown_ids_for_poison(stage: Stage, registry: Registry) -> None:
    worker = careless(stage, "rash", schema_registry__url=registry.url)
    worker.wait_until_ready()
    ours = stage._teller._wire._heads["feedback"]
    with stage.traffic(mails=600, rate=RATE / 4) as traffic:
        _wait_for(traffic, 400)
        _speak_foreign(stage)
        _wait_for(traffic, 403)  # fewer than the dead letters at which a worker stops
        stage._teller._wire._heads["feedback"] = ours
    wait_until(lambda: not stage.lag(), "all is acknowledged")
    assert stage.verdict().lost


def _speak_foreign(stage: Stage, schema_id: int = FOREIGN) -> None:
    """Have all events from now on come under an id that only the registry knows."""
    stage._teller._wire._heads["feedback"] = _head(schema_id)


def _foreign_letters(stage: Stage, count: int) -> int:
    """Publish events that cannot be read by what the registry says of their ids, and enter them in the ledger."""
    producer = Producer({"bootstrap.servers": stage.broker.address, "partitioner": "murmur2_random"})
    good = next(iter(stage.ledger.events().values()))[0]
    for number in range(count):
        key, value = f"foreign-{number}".encode(), _head(FOREIGN + number % 2) + good[HEADER:]
        producer.produce(stage.topics["feedback"], key=key, value=value)
        put = Put(role="feedback", key=key, value=value)
        stage.ledger.enter(Story(name="foreign", number=-1 - number, puts=[put], letters=[("feedback", key, value)]))
    return int(producer.flush(30) == 0)


def _head(schema_id: int) -> bytes:
    return b"\0" + schema_id.to_bytes(4, "big")


def _wait_for(traffic: Traffic, told: int) -> None:
    wait_until(lambda: traffic.told >= told, f"{told} mails are told")


def _lags(worker: Worker, most: int) -> bool:
    page = worker.page()
    return page is None or sum(page.get("ses_consumer_lag", {}).values()) > most
