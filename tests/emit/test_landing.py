"""Landed means that it is in its topic; what is not is said in time, by its place, and holds up nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # public, and not marked so

from streams.emit.landing import LARGEST, Full, Landing, NotLanded, Record
from streams.engine.broker import EmbeddedBroker
from streams.errors import WorldFailed
from streams.partition import partitions
from streams.settings import Producer as ProducerSettings
from streams.settings import Security
from tests.kafka.cluster import Cluster

PARTITIONS = 4
PATIENCE_S = 3.0
LONG_S = 60.0
LARGE = 200_000
"""Bytes that the narrow topic does not take."""

Topics = dict[str, str]


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedBroker]:
    """Give the embedded broker."""
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def brokers(request: pytest.FixtureRequest) -> str:
    """Give the address of a broker: the embedded one, and Apache Kafka."""
    return str(request.getfixturevalue(request.param).address)


def make_topics(brokers: str, name: str) -> Topics:
    """Make topics of a test's own; return them by role."""
    names = {"feedback": f"{name}.feedback", "dead-letters": f"{name}.dead-letters"}
    admin = AdminClient({"bootstrap.servers": brokers})
    made = admin.create_topics(
        [NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1) for topic in names.values()]
    )
    for future in made.values():
        future.result(LONG_S)
    return names


@pytest.fixture
def topics(brokers: str, request: pytest.FixtureRequest) -> Topics:
    """Give topics of this test's own."""
    return make_topics(brokers, f"landing.{abs(hash(request.node.nodeid))}")


@asynccontextmanager
async def landed_at(  # noqa: PLR0913 - each test says what it is about
    brokers: str,
    topics: Topics,
    *,
    idempotent: bool = True,
    patience_s: float = PATIENCE_S,
    most_bytes: int = 1 << 20,
    on_failure: Callable[[WorldFailed], None] = lambda _: None,
) -> AsyncIterator[Landing]:
    """Run a landing."""
    at = Landing(
        brokers,
        Security(),
        topics,
        settings=ProducerSettings(idempotent=idempotent),
        patience_s=patience_s,
        most_bytes=most_bytes,
        on_failure=on_failure,
    )
    await at.start()
    try:
        yield at
    finally:
        await at.stop()


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < end, f"not in time: {what}"
        await asyncio.sleep(0.01)


async def lands_again(at: Landing, record: Record) -> None:
    """Land a record as SNS would, which comes again till it hears yes."""
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        try:
            return await at.land([record])
        except NotLanded:
            await asyncio.sleep(0.1)
    pytest.fail("nothing lands any more")


def read(brokers: str, topic: str) -> set[tuple[int, bytes | None, bytes | None]]:
    """Return partition, key and value of what is in a topic now."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": "look",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_uncommitted",
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found, ended, end = set[tuple[int, bytes | None, bytes | None]](), set[int](), time.monotonic() + LONG_S
    while len(ended) < PARTITIONS and time.monotonic() < end:
        for message in consumer.consume(1000, timeout=0.1):
            error = message.error()
            if error is None:
                found.add((message.partition() or 0, message.key(), message.value()))
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(message.partition() or 0)
    consumer.close()
    assert len(ended) == PARTITIONS
    return found


def feedback(number: int, size: int = 20) -> Record:
    return Record("feedback", b"m-%d" % number, b"v%d" % number + b"x" * size)


async def test_what_has_landed_is_in_its_topic_on_the_partition_of_its_key(brokers: str, topics: Topics) -> None:
    records = [feedback(number) for number in range(300)]
    async with landed_at(brokers, topics) as at:
        await asyncio.gather(*(at.land(records[start : start + 3]) for start in range(0, 300, 3)))
        found = read(brokers, topics["feedback"])
        assert at.bytes == 0
    where = partitions([record.key or b"" for record in records], PARTITIONS)
    assert found == {(part, one.key, one.value) for part, one in zip(where, records, strict=True)}


async def test_a_handful_may_go_to_several_topics(brokers: str, topics: Topics) -> None:
    async with landed_at(brokers, topics) as at:
        await at.land([feedback(1), Record("dead-letters", None, b"dead")])
        await at.land([])
    assert {value for _, _, value in read(brokers, topics["dead-letters"])} == {b"dead"}
    assert len(read(brokers, topics["feedback"])) == 1


async def test_nothing_is_acknowledged_before_the_broker_has_answered(
    embedded: EmbeddedBroker, request: pytest.FixtureRequest
) -> None:
    topics = make_topics(embedded.address, f"landing.{abs(hash(request.node.nodeid))}")
    async with landed_at(embedded.address, topics, idempotent=False, patience_s=LONG_S) as at:
        await at.land([feedback(0)])
        os.kill(embedded.pid or 0, signal.SIGSTOP)
        try:
            waiting = asyncio.create_task(at.land([feedback(1)]))
            await asyncio.sleep(0.3)
            assert not waiting.done()
            assert at.silent_since is not None
        finally:
            os.kill(embedded.pid or 0, signal.SIGCONT)
        await waiting
        assert at.silent_since is None


class Frozen:
    """A broker that answers nothing for a while; the embedded one does not take the idempotent back after that."""

    def __init__(self, stop: Callable[[], None], go_on: Callable[[], None], *, idempotent: bool) -> None:
        """Keep how."""
        self.stop, self.go_on, self.idempotent = stop, go_on, idempotent


@pytest.fixture
def frozen(brokers: str, request: pytest.FixtureRequest) -> Frozen:
    """Give what freezes the broker of this test."""
    if "embedded" in request.node.name:
        pid = request.getfixturevalue("embedded").pid
        return Frozen(lambda: os.kill(pid, signal.SIGSTOP), lambda: os.kill(pid, signal.SIGCONT), idempotent=False)
    node = request.getfixturevalue("kafka").nodes[0]
    return Frozen(node.pause, node.go_on, idempotent=True)


async def test_a_broker_that_freezes_is_waited_for_no_longer_than_patience_and_heard_when_it_is_back(
    brokers: str, topics: Topics, frozen: Frozen
) -> None:
    async with landed_at(brokers, topics, idempotent=frozen.idempotent, most_bytes=1 << 16) as at:
        await at.land([feedback(0)])
        frozen.stop()
        try:
            under_way = [asyncio.create_task(at.land([feedback(number)])) for number in range(1, 20)]
            results = await asyncio.wait_for(asyncio.gather(*under_way, return_exceptions=True), LONG_S)
            assert {type(result) for result in results} == {NotLanded}
            assert "landing." in str(results[0])
            assert "m-1" not in str(results)
            assert at.bytes == 0
            assert at.silent_since is not None
        finally:
            frozen.go_on()
        await until(lambda: at.silent_since is None, "the broker is known to be back, though nobody sends us anything")
        await lands_again(at, feedback(20))
    assert {b"m-0", b"m-20"} <= {key for _, key, _ in read(brokers, topics["feedback"])}


@pytest.mark.kafka
async def test_a_broker_that_is_killed_loses_nothing_that_had_landed_and_takes_more_when_it_is_back(
    make_kafka: Callable[..., Cluster],
) -> None:
    kafka = make_kafka()
    topics = make_topics(kafka.brokers, "landing.killed")
    said: list[bytes | None] = []

    async def post(at: Landing, number: int) -> None:
        await at.land([feedback(number, 1000)])
        said.append(feedback(number).key)

    async with landed_at(kafka.brokers, topics, most_bytes=1 << 22) as at:
        tasks = [asyncio.create_task(post(at, number)) for number in range(2_000)]
        await until(lambda: len(said) > 100, "the first have landed")
        kafka.nodes[0].kill()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), LONG_S)
        assert at.bytes == 0
        with pytest.raises(NotLanded):
            await at.land([feedback(9_999)])
        kafka.nodes[0].start()
        await asyncio.to_thread(kafka.wait)
        await until(lambda: at.silent_since is None, "the broker is known to be back")
        await lands_again(at, feedback(10_000))
    keys = {key for _, key, _ in read(kafka.brokers, topics["feedback"])}
    assert set(said) | {b"m-10000"} <= keys
    assert len(said) > 100


async def test_where_there_is_no_room_it_is_said_and_room_waits_for_it(brokers: str, topics: Topics) -> None:
    async with landed_at(brokers, topics, most_bytes=50_000) as at:
        tasks = [asyncio.create_task(at.land([feedback(number, 10_000)])) for number in range(4)]
        await asyncio.sleep(0)  # each hands over
        with pytest.raises(Full):
            await at.land([feedback(9, 10_000)])
        waiting = [asyncio.create_task(at.room()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()  # one poller that stops must not stop the others
        await asyncio.gather(*waiting[1:], *tasks)
        assert at.bytes == 0
        await at.land([feedback(10, 100_000)])  # one item always has room
        await at.room()


async def test_whoever_stops_waiting_frees_the_room_once_the_broker_has_answered(brokers: str, topics: Topics) -> None:
    async with landed_at(brokers, topics, most_bytes=50_000) as at:
        gone = asyncio.create_task(at.land([feedback(1, 30_000)]))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert at.bytes > 30_000  # librdkafka has it still
        await asyncio.wait_for(at.room(), LONG_S)
        assert at.bytes == 0
        await at.land([feedback(2)])
    assert {key for _, key, _ in read(brokers, topics["feedback"])} == {b"m-1", b"m-2"}


@pytest.mark.kafka
async def test_a_record_that_its_topic_does_not_take_is_refused_with_its_place_and_its_neighbours_land(
    kafka: Cluster,
) -> None:
    narrow = NewTopic("landing.narrow", num_partitions=1, replication_factor=1, config={"max.message.bytes": "100000"})
    admin = AdminClient({"bootstrap.servers": kafka.brokers})
    admin.create_topics([narrow])["landing.narrow"].result(LONG_S)
    async with landed_at(kafka.brokers, {"feedback": "landing.narrow"}, most_bytes=1 << 23) as at:
        noise = os.urandom(LARGE)  # that does not pack well
        others = [asyncio.create_task(at.land([feedback(number)])) for number in range(50)]
        large = asyncio.create_task(at.land([Record("feedback", b"ann@example.com", noise)]))
        more = [asyncio.create_task(at.land([feedback(number)])) for number in range(50, 100)]
        with pytest.raises(NotLanded, match=r"topic landing\.narrow, partition 0: .*large") as refused:
            await large
        assert "ann" not in str(refused.value)
        assert await asyncio.gather(*others, *more) == [None] * 100
        await until(lambda: at.silent_since is None, "one record that is refused is no silence")


async def test_a_record_beyond_every_topic_is_refused_at_once_and_its_neighbours_land(
    brokers: str, topics: Topics
) -> None:
    async with landed_at(brokers, topics, most_bytes=1 << 24) as at:
        with pytest.raises(NotLanded, match=rf"{topics['feedback']} takes no record of {LARGEST + 1} bytes"):
            await at.land([feedback(1), Record("feedback", b"k", b"x" * (LARGEST + 1)), feedback(2)])
        await at.land([feedback(3)])
        assert at.bytes == 0
    assert {key for _, key, _ in read(brokers, topics["feedback"])} == {b"m-1", b"m-2", b"m-3"}


@pytest.mark.kafka
async def test_a_topic_that_is_not_there_is_named_and_the_others_go_on(kafka: Cluster) -> None:
    topics = make_topics(kafka.brokers, "landing.half")
    async with landed_at(kafka.brokers, {**topics, "feedback": "landing.missing"}) as at:
        with pytest.raises(NotLanded, match=r"topic landing\.missing, .*ses-streams topics check"):
            await at.land([feedback(1)])
        await at.land([Record("dead-letters", None, b"dead")])
        assert at.bytes == 0


@pytest.mark.kafka
async def test_an_intake_is_not_ready_till_a_topic_that_was_missing_is_there(kafka: Cluster) -> None:
    names = {"feedback": f"landing.later.{time.monotonic_ns()}"}
    async with landed_at(kafka.brokers, names) as at:
        with pytest.raises(NotLanded):
            await at.land([feedback(1)])
        await asyncio.sleep(1.5)  # more than one knock
        assert at.silent_since is not None
        admin = AdminClient({"bootstrap.servers": kafka.brokers})
        admin.create_topics([NewTopic(names["feedback"], PARTITIONS, 1)])[names["feedback"]].result(LONG_S)
        await until(lambda: at.silent_since is None, "the topic is seen")
        await lands_again(at, feedback(2))


async def test_an_error_that_is_for_good_is_told_once_and_nothing_lands_after_it(brokers: str, topics: Topics) -> None:
    told: list[WorldFailed] = []
    async with landed_at(brokers, topics, on_failure=told.append) as at:
        await at.land([feedback(1)])
        at._told(KafkaError(KafkaError._TRANSPORT, "down for a moment"))
        await at.land([feedback(2)])
        for _ in range(2):
            at._told(KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "sequence", fatal=True))
        with pytest.raises(NotLanded, match="sequence"):
            await at.land([feedback(3)])
    assert [brokers in str(error) for error in told] == [True]


async def test_a_tick_that_dies_is_told_and_leaves_nobody_waiting(brokers: str, topics: Topics) -> None:
    told: list[WorldFailed] = []

    class Stumbling:
        def produce(self, *_: object, **__: object) -> None:
            """Take it and never answer."""

        def poll(self, _: float) -> None:
            raise ZeroDivisionError

        def purge(self) -> None:
            """Have nothing."""

    async with landed_at(brokers, topics, on_failure=told.append) as at:
        at._producer = Stumbling()  # type: ignore[assignment]  # as one whose callback of ours raises
        with pytest.raises(NotLanded):
            await asyncio.wait_for(at.land([feedback(1)]), LONG_S)
    assert "ZeroDivisionError" in str(told)


async def test_stopping_waits_for_what_is_under_way_and_takes_nothing_more(brokers: str, topics: Topics) -> None:
    async with landed_at(brokers, topics) as at:
        under_way = [asyncio.create_task(at.land([feedback(number)])) for number in range(50)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*under_way) == [None] * 50
    with pytest.raises(NotLanded, match="we stop"):
        await at.land([feedback(51)])
    assert len(read(brokers, topics["feedback"])) == 50


async def test_stopping_gives_up_where_the_broker_does_not_answer(brokers: str, topics: Topics, frozen: Frozen) -> None:
    async with landed_at(brokers, topics, idempotent=frozen.idempotent) as first:
        await first.land([feedback(0)])  # a broker that has just begun may need more than the second of the next one
    async with landed_at(brokers, topics, idempotent=frozen.idempotent, patience_s=1.0) as at:
        await at.land([feedback(0)])
        frozen.stop()
        try:
            under_way = asyncio.create_task(at.land([feedback(1)]))
            await asyncio.sleep(0)
            await asyncio.wait_for(at.stop(), LONG_S)
            with pytest.raises(NotLanded):
                await asyncio.wait_for(under_way, LONG_S)
        finally:
            frozen.go_on()


async def test_nothing_lands_before_the_start(brokers: str, topics: Topics) -> None:
    at = Landing(
        brokers,
        Security(),
        topics,
        settings=ProducerSettings(),
        patience_s=1,
        most_bytes=1000,
        on_failure=lambda _: None,
    )
    with pytest.raises(NotLanded):
        await at.land([feedback(1)])
