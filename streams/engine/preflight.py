"""What must hold before anything starts: the private parts that we lean on, and the topics that we read and write.

A library that changed under us, or a topic with another number of partitions, would show itself as lost mail weeks
later; here it is a sentence at start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from types import CodeType
from typing import Any

import aiokafka
import aiokafka.consumer.fetcher as fetching
import aiokafka.consumer.group_coordinator as coordinating
import faust.app.base
import faust.tables.recovery
import faust.transport.consumer
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.consumer.subscription_state import TopicPartitionState
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from aiokafka.producer.sender import Sender, SendProduceReqHandler
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.record._crecords import default_records
from aiokafka.record.memory_records import MemoryRecords
from faust.assignor.partition_assignor import PartitionAssignor
from faust.transport.drivers import aiokafka as driver

from streams.engine.config import EngineConfig
from streams.engine.knock import knock
from streams.errors import NO_TOPIC, WorldFailed

log = logging.getLogger(__name__)

RETRY_S = 1.0
_SET_IN_INIT: tuple[tuple[type, tuple[str, ...]], ...] = (
    (
        fetching.Fetcher,
        ("_records", "_subscriptions", "_fetch_waiters", "_wait_consume_future", "_closed", "_fetch_task"),
    ),
    (coordinating.GroupCoordinator, ("generation", "member_id", "_coordination_task", "_closing")),
    (aiokafka.AIOKafkaConsumer, ("_fetcher", "_coordinator", "_client")),
    (MessageAccumulator, ("_batches", "_pending_batches", "_waiter_future")),
    (Sender, ("_message_accumulator", "_txn_manager")),
    (PartitionAssignor, ("_tps_url", "_active_tps")),
    (TransactionManager, ("_pid_and_epoch", "_pid_waiter", "_sequence_numbers")),
    (TopicPartitionState, ("_position", "highwater", "lso")),
    (faust.transport.consumer.Consumer, ("_committed_offset", "suspend_flow", "flow_active", "can_resume_flow")),
)
_ON_CLASS: tuple[tuple[type, tuple[str, ...]], ...] = (
    (fetching.Fetcher, ("_create_fetch_waiter", "_notify")),
    (coordinating.GroupCoordinator, ("_do_heartbeat", "_push_error_to_user", "request_rejoin")),
    (SendProduceReqHandler, ("_can_retry",)),
    (PartitionAssignor, ("_url", "_decompress")),
    (MessageAccumulator, ("drain_by_nodes", "_wakeup")),
    (
        faust.transport.consumer.Consumer,
        (
            "_wait_next_records",
            "_filter_tps_with_pending_acks",
            "_new_offset",
            "wait_empty",
            "perform_seek",
            "_drain_messages",
            "_is_changelog_tp",
        ),
    ),
    (driver.AIOKafkaConsumerThread, ("_create_worker_consumer", "_fetch_records", "_ensure_consumer")),
    (driver.Producer, ("_settings_default", "_settings_auth", "_ensure_producer")),
    (
        faust.tables.recovery.Recovery,
        (
            "on_rebalance",
            "_restart_recovery",
            "_slurp_changelogs",
            "_publish_stats",
            "_set_recovery_started",
            "_set_recovery_ended",
            "flush_buffers",
        ),
    ),
    (faust.app.base.App, ("_on_partitions_revoked", "_stop_consumer", "on_rebalance_end", "_new_transport")),
)


def missing_parts() -> list[str]:
    """Return the private parts of aiokafka and Faust that we use and that are not there, as ``Class.name``."""
    missing = [f"{cls.__name__}.{name}" for cls, names in _ON_CLASS for name in names if not hasattr(cls, name)]
    for cls, names in _SET_IN_INIT:
        known = _names(vars(cls)["__init__"].__code__) | set(dir(cls))
        missing += [f"{cls.__name__}.{name}" for name in names if name not in known]
    for part, names in _samples():
        missing += [f"{type(part).__name__}.{name}" for name in names if not hasattr(part, name)]
    return missing


def check_parts() -> None:
    """Raise WorldFailed when a library is not the one that this engine was written against."""
    missing = missing_parts()
    if missing:
        raise WorldFailed(
            f"aiokafka or faust-streaming has changed: {', '.join(missing)} is gone; install the pinned versions"
        )


async def check_topics(config: EngineConfig, keyed: set[str], others: set[str]) -> dict[str, int]:
    """Return the number of partitions of each topic, once all are as they must be.

    Args:
        config: where the brokers are; *config.partitions* is what *keyed* topics must have.
        keyed: inputs and changelogs.
        others: outputs and global tables; any number of partitions will do.

    Raises:
        WorldFailed: no broker answers, or lets us in, a topic is missing, or it has another number of partitions.
    """
    with _alone():
        found = await _patiently(config, keyed | others)
    faults = [f"{topic} is missing" for topic in sorted(keyed | others) if topic not in found]
    faults += [
        f"{topic} has {found[topic]} partitions, not {config.partitions}"
        for topic in sorted(keyed)
        if found.get(topic, config.partitions) != config.partitions
    ]
    if faults:
        hint = "; one that this user may not DESCRIBE looks missing too" if config.security.mechanism else ""
        raise WorldFailed(f"{'; '.join(faults)}{hint}. Run: {NO_TOPIC}")
    return found


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let only us say that no broker answers: aiokafka would add an error a second."""
    theirs = logging.getLogger("aiokafka")
    level = theirs.level
    theirs.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        theirs.setLevel(level)


async def _patiently(config: EngineConfig, topics: set[str]) -> dict[str, int]:
    until = asyncio.get_running_loop().time() + config.request_timeout / 1000
    brokers, told = ", ".join(config.brokers), ""
    while True:
        try:
            return await described(config, topics)
        except (KafkaError, OSError) as exc:
            why = await knock(config) or type(exc).__name__
            if asyncio.get_running_loop().time() > until:
                raise WorldFailed(
                    f"no broker answers at {brokers}: {why}. Start one, or set SES_STREAMS_BROKERS"
                ) from exc
            if why != told:
                told = why
                log.warning("no broker answers at %s yet: %s", brokers, why)
        await asyncio.sleep(RETRY_S)


async def described(config: EngineConfig, topics: set[str]) -> dict[str, int]:
    """Return the number of partitions of those of *topics* that there are; raise what the brokers answer instead."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=list(config.brokers), client_id=config.group, **config.security.client_options()
    )
    try:
        await admin.start()
        described: list[Mapping[str, Any]] = await admin.describe_topics()  # all: to ask for one by name makes it
    finally:
        await admin.close()
    return {each["topic"]: len(each["partitions"]) for each in described if each["topic"] in topics}


def _samples() -> tuple[tuple[object, tuple[str, ...]], ...]:
    """Return objects that can be made without a broker, and the names that we use of them."""
    tp = TopicPartition("t", 0)
    records = fetching.PartitionRecords(
        tp, MemoryRecords(b""), None, 0, None, None, check_crcs=True, isolation_level=fetching.READ_COMMITTED
    )
    result = fetching.FetchResult(tp, assignment=None, partition_records=records, backoff=0)
    builder = BatchBuilder(1 << 10, 0)
    return (
        (
            records,
            (
                "_records",
                "next_fetch_offset",
                "_check_crcs",
                "_isolation_level",
                "_consume_aborted_up_to",
                "_contains_abort_marker",
                "_aborted_producers",
            ),
        ),
        (result, ("_partition_records", "_update_position", "check_assignment", "has_more")),
        (builder, ("_builder", "_relative_offset")),
        (default_records, ("zstd_encode",)),
    )


def _names(code: CodeType) -> set[str]:
    return set(code.co_names)
