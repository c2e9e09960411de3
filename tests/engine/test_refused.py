"""What brokers refuse for good, on Apache Kafka: the worker ends, says what, where and what then, and acks nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.errors import KafkaError
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are there, its stubs do not say so
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from streams.engine.refusals import REFUSALS, kind_of, passes, refused, words
from tests.engine.conftest import PARTITIONS, Bench
from tests.engine.test_worker import amounts, in_process
from tests.kafka.cluster import Cluster

RECORDS = 1_000
SOON = {"request_timeout": 2_000, "rebalance_timeout": 2_000, "stop_timeout": 2_000}
AUTHORIZED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
Make = Callable[..., Cluster]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.error.__name__)
def test_every_refusal_says_where_what_and_what_then(refusal: Any) -> None:
    said = str(refused(refusal.error(), "ses.sends/3"))
    assert said == f"ses.sends/3: {refusal.says} ({refusal.error.__name__}). {refusal.then}"
    assert "@" not in said


def test_an_error_is_known_by_its_name_where_it_is_wrapped_and_its_words_are_not_passed_on() -> None:
    wrapped = KafkaError(repr(errors.InvalidSessionTimeoutError("ann@example.com")))
    assert kind_of(wrapped) is errors.InvalidSessionTimeoutError
    assert "session timeout" in words(wrapped)
    assert "@" not in words(wrapped) + words(KafkaError("ann@example.com"))


def test_what_passes_by_itself_does_not_stop_a_worker() -> None:
    assert passes(errors.GroupLoadInProgressError())
    assert passes(KafkaError(repr(errors.GroupCoordinatorNotAvailableError())))
    assert passes(errors.RebalanceInProgressError())
    assert not passes(errors.GroupAuthorizationFailedError("g"))
    assert not passes(KafkaError("who knows"))


@pytest.fixture
def shop(kafka: Cluster, tmp_path: Path) -> Any:
    """Yield a bench on Apache Kafka only."""
    bench = Bench(kafka, tmp_path)
    bench.create_topics()
    yield bench
    bench.close()


@pytest.fixture
def own_shop(make_kafka: Make, tmp_path: Path) -> Any:
    """Yield a bench on a broker of its own, which holds to access lists."""
    bench = Bench(make_kafka(config=AUTHORIZED), tmp_path)
    bench.create_topics()
    yield bench
    bench.close()


def manage(bench: Bench, act: Callable[[AdminClient], dict[Any, Any]]) -> None:
    """Have an administrator do something, and wait until it is done."""
    admin = AdminClient({"bootstrap.servers": bench.broker.address})
    for future in act(admin).values():
        future.result(30)


def keep(bench: Bench, kind: ResourceType, name: str) -> None:
    """Let nobody but somebody else use a resource."""
    only = AclBinding(
        kind,
        name,
        ResourcePatternType.LITERAL,
        "User:else",
        "*",
        AclOperation.ALL,
        AclPermissionType.ALLOW,
    )
    manage(bench, lambda admin: admin.create_acls([only]))


@pytest.mark.kafka
def test_a_session_that_the_brokers_do_not_allow_ends_the_worker_with_a_sentence(shop: Bench) -> None:
    worker = shop.start(session_timeout=3_600_000)
    assert worker.wait(40) == 1
    assert "the brokers do not allow this session timeout" in shop.log(worker)
    assert "SES_STREAMS_ENGINE__SESSION_TIMEOUT_MS" in shop.log(worker)


@pytest.mark.kafka
def test_a_group_that_is_not_ours_to_use_ends_the_worker(own_shop: Bench) -> None:
    keep(own_shop, ResourceType.GROUP, own_shop.group)
    worker = own_shop.start()
    assert worker.wait(40) == 1
    assert f"group {own_shop.group}: this user may not use the consumer group" in own_shop.log(worker)


@pytest.mark.kafka
@pytest.mark.parametrize("role", ["a", "out"])
def test_a_topic_that_is_taken_from_us_while_we_work_ends_the_worker(own_shop: Bench, role: str) -> None:
    own_shop.feed("a", amounts(RECORDS))
    worker = own_shop.start()
    own_shop.wait_until_committed(RECORDS, worker)
    own_shop.feed("b", amounts(1))
    if role == "out":
        keep(own_shop, ResourceType.TOPIC, own_shop.topics[role])
        own_shop.feed("a", amounts(RECORDS, seed=2))
    else:
        own_shop.feed("a", amounts(RECORDS, seed=2))
        keep(own_shop, ResourceType.TOPIC, own_shop.topics[role])
    assert worker.wait(40) == 1
    assert own_shop.topics[role] in own_shop.log(worker)
    assert "this user may not use the topic" in own_shop.log(worker)


@pytest.mark.kafka
@pytest.mark.parametrize("role", ["a", "out"])
def test_a_topic_that_is_deleted_while_we_work_ends_the_worker(shop: Bench, role: str) -> None:
    shop.feed("a", amounts(RECORDS))
    worker = shop.start(stall=4_000, **SOON)
    shop.wait_until_committed(RECORDS, worker)
    shop.delete_topics(shop.topics[role])
    assert worker.wait(60) == 1
    assert f"{shop.topics[role]} is not there any more" in shop.log(worker)
    assert "ses-streams topics check" in shop.log(worker)


@pytest.mark.kafka
def test_partitions_that_are_added_while_we_work_end_the_worker(shop: Bench) -> None:
    worker = shop.start(stall=4_000)
    shop.wait_until_running(worker)
    more = [NewPartitions(shop.topics["a"], PARTITIONS + 1)]
    manage(shop, lambda admin: admin.create_partitions(more))
    assert worker.wait(60) == 1
    assert f"{shop.topics['a']} has 3 partitions, and had 2. Run: ses-streams topics check" in shop.log(worker)


@pytest.mark.kafka
def test_a_record_that_is_too_large_for_its_topic_ends_the_worker_and_nothing_is_committed(shop: Bench) -> None:
    remake(shop, {"max.message.bytes": "1000"})
    shop.feed("a", amounts(RECORDS))
    worker = shop.start()
    assert worker.wait(40) == 1
    assert f"{shop.topics['out']}/" in shop.log(worker)
    assert "a record is larger than the topic takes (MessageSizeTooLargeError)" in shop.log(worker)
    assert sum(shop.committed().values()) == 0


@pytest.mark.kafka
def test_what_too_few_replicas_have_is_not_taken_for_durable(make_kafka: Make, tmp_path: Path) -> None:
    quick = {"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500"}
    bench = Bench(kafka := make_kafka(nodes=3, config=quick), tmp_path)
    bench.create_topics(copies=3)
    remake(bench, {"min.insync.replicas": "3"}, copies=3)
    bench.feed("a", amounts(RECORDS))
    kafka.nodes[2].kill()
    bench.wait_for(lambda: in_step(bench, bench.topics["out"]) == 2)
    worker = bench.start(**SOON)
    assert worker.wait(60) == 1
    assert "too few replicas are in step with their leader (NotEnoughReplicasError)" in bench.log(worker)
    assert sum(bench.committed().values()) == 0


def remake(bench: Bench, config: dict[str, str], copies: int = 1) -> None:
    bench.delete_topics(bench.topics["out"])
    wanted = [NewTopic(bench.topics["out"], PARTITIONS, copies, config=config)]
    manage(bench, lambda admin: admin.create_topics(wanted))


def in_step(bench: Bench, topic: str) -> int:
    """Return how many replicas of a topic's partitions are in step with their leaders, at most."""
    admin = AdminClient({"bootstrap.servers": bench.broker.address, "log_level": 0})
    return max(len(each.isrs) for each in admin.list_topics(topic, timeout=10).topics[topic].partitions.values())


@pytest.mark.kafka
def test_a_record_that_is_damaged_on_the_brokers_disk_ends_the_worker(make_kafka: Make, tmp_path: Path) -> None:
    kafka = make_kafka()
    bench = Bench(kafka, tmp_path)
    bench.create_topics()
    bench.feed("a", amounts(RECORDS))
    segment = kafka.nodes[0].data / f"{bench.topics['a']}-0" / f"{0:020}.log"
    damaged = bytearray(segment.read_bytes())
    damaged[-1] ^= 0xFF
    segment.write_bytes(damaged)
    worker = bench.start()
    assert worker.wait(40) == 1
    assert f"{bench.topics['a']}/0 offset " in bench.log(worker)
    assert "a record is damaged where the broker keeps it" in bench.log(worker)
    ends, committed = bench.ends_by_watermark(), bench.committed()
    assert committed[bench.topics["a"], 0] < ends[bench.topics["a"], 0]


@pytest.mark.kafka
def test_records_that_retention_took_before_they_were_read_are_counted_and_the_rest_goes_on(shop: Bench) -> None:
    shop.feed("a", amounts(RECORDS))
    worker = shop.start()
    shop.wait_until_committed(RECORDS, worker)
    assert shop.stop(worker) == 0
    before = shop.committed()
    shop.feed("a", amounts(RECORDS, seed=2))
    topic = shop.topics["a"]
    gone = {partition: before[topic, partition] + 100 + partition for partition in range(PARTITIONS)}
    places = [TopicPartition(topic, *place) for place in gone.items()]
    manage(shop, lambda admin: admin.delete_records(places))
    told: list[object] = []
    engine = in_process(shop, told)
    running = threading.Thread(target=lambda: told.append(engine.run()))
    running.start()
    shop.wait_until_committed(2 * RECORDS)
    shop.wait_for(lambda: engine.progress().lag == 0)
    lost = engine.progress().lost
    engine.request_stop()
    running.join(30)
    assert lost == {"a": 201}
    ends = shop.ends_by_watermark()
    read = {
        partition: [*range(before[topic, partition]), *range(gone[partition], ends[topic, partition])]
        for partition in range(PARTITIONS)
    }
    assert shop.outputs() == {f"a/{partition}/{offset}".encode() for partition in read for offset in read[partition]}


@pytest.mark.kafka
def test_a_lost_record_is_an_error_in_the_log(shop: Bench) -> None:
    shop.feed("a", amounts(RECORDS))
    worker = shop.start()
    shop.wait_until_committed(RECORDS, worker)
    assert shop.stop(worker) == 0
    before, topic = shop.committed(), shop.topics["a"]
    shop.feed("a", amounts(RECORDS, seed=2))
    ends = shop.ends_by_watermark()
    place = TopicPartition(topic, 0, ends[topic, 0])
    manage(shop, lambda admin: admin.delete_records([place]))
    worker = shop.start()
    shop.wait_until_committed(2 * RECORDS, worker)  # of partition 0 nothing is left, and its end is committed
    assert shop.stop(worker) == 0
    said = f"ERROR {topic}/0: offsets {before[topic, 0]}..{ends[topic, 0] - 1} were deleted before they were read"
    assert shop.log(worker).count(said) == 1
