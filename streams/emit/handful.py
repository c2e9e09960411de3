"""Records that land together or do not: counts the brokers' answers, and says when the last one is there.

What an answer is about is told by topic and partition, never by key or value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from confluent_kafka import KafkaError, Message

NEXT: dict[int, str] = {
    KafkaError.UNKNOWN_TOPIC_OR_PART: "ses-streams topics check",
    KafkaError._UNKNOWN_TOPIC: "ses-streams topics check",  # noqa: SLF001 - librdkafka's own errors have such names
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "this user needs Write and Describe on it",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "this user needs IdempotentWrite on the cluster",
    KafkaError.MSG_SIZE_TOO_LARGE: "max.message.bytes of the topic is below what ses-streams topics create sets",
}
"""What to do about an error that does not pass by itself."""


class Handful:
    """Waits for as many answers as it has records."""

    __slots__ = ("_left", "_over", "landed", "size", "why")

    def __init__(self, size: int, count: int, over: Callable[[Handful], None]) -> None:
        """Wait for *count* answers; *size* is what they take, in bytes; *over* is told once."""
        self.size, self._left, self._over = size, count, over
        self.why: str | None = None
        """Why not all have landed, in words that name no mail."""
        self.landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(self, error: KafkaError | None, message: Message) -> None:
        """Hear the answer for one record."""
        if error is None:
            self._answered(1)
        else:
            where = "no partition" if message.partition() is None else f"partition {message.partition()}"
            hint = f": {NEXT[error.code()]}" if error.code() in NEXT else ""
            self.missed(f"topic {message.topic()}, {where}: {error.str()}{hint}")

    def missed(self, why: str, count: int = 1) -> None:
        """Note that *count* records do not land; the first reason is kept."""
        if self.why is None:
            self.why = why
        self._answered(count)

    def give_up(self, why: str) -> None:
        """Wait for no more answers."""
        self.missed(why, self._left)

    def _answered(self, count: int) -> None:
        """Count; an answer that comes after we gave up changes nothing."""
        if self._left > 0:
            self._left -= count
            if self._left <= 0:
                self._over(self)
