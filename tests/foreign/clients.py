"""Clients that others publish with, as they come and otherwise: librdkafka by its Python face, and aiokafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

PATIENCE_S = 30.0
LARGEST = 1_048_588
"""What a broker takes by default, of one batch."""

Header = tuple[str, bytes | None]


class Post(NamedTuple):
    """One record as somebody publishes it; *at* is its time in ms, None for now."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()
    at: int | None = None


Client = Callable[[str, Iterable[Post]], None]
"""``client(brokers, posts)``: publish, and return once all are acknowledged."""


def librdkafka(**set_up: Any) -> Client:
    """Return a client of librdkafka's with its defaults, but for *set_up* (dots as underscores)."""
    settings = {name.replace("_", "."): value for name, value in set_up.items()}

    def publish(brokers: str, posts: Iterable[Post]) -> None:
        refused: list[str] = []
        told = {"on_delivery": lambda error, _: refused.append(error.str()) if error is not None else None}
        producer = Producer({"bootstrap.servers": brokers, "message.max.bytes": LARGEST, **settings})
        for post in posts:
            words: dict[str, Any] = {} if post.at is None else {"timestamp": post.at}
            words |= {"key": post.key, "value": post.value, "headers": list(post.headers), **told}
            producer.produce(post.topic, **words)
            producer.poll(0)
        assert producer.flush(PATIENCE_S) == 0
        assert refused == []

    return publish


def aiokafka(**words: Any) -> Client:
    """Return a client of aiokafka's with its defaults, but for *words*."""

    async def publish(brokers: str, posts: Iterable[Post]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=brokers, max_request_size=LARGEST, **words) as producer:
            for post in posts:
                await producer.send_and_wait(
                    post.topic, post.value, key=post.key, headers=list(post.headers), timestamp_ms=post.at
                )

    return lambda brokers, posts: asyncio.run(publish(brokers, list(posts)))
