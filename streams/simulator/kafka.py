"""Events straight to Kafka: read as intake reads them, and published as mail.Feedback, keyed by message id.

A short cut for whoever runs simulator and workers without SNS between them: what SNS and the webhook would do to an
event is left out, nothing else. A received mail that is no auto-reply gives no record.
"""

from __future__ import annotations

import asyncio
import time

import orjson

from streams.emit.codec import codec_of
from streams.emit.publish import Publisher
from streams.emit.ready import ready_publisher
from streams.emit.records import feedback_record
from streams.intake.envelope import Letter
from streams.intake.letters import read_letter
from streams.mail.address import normal_message_id
from streams.settings import Settings
from streams.simulator.telling import Told
from streams.topics import topic_name

FLUSH_EVERY_S = 1.0
"""How often it is made sure that the brokers have what they were given."""


class ToKafka:
    """Publishes each event to the topic of feedback."""

    def __init__(self, settings: Settings) -> None:
        """Keep the settings: brokers, prefix, producer, registry."""
        self._settings = settings
        self._publisher: Publisher | None = None
        self._topic = topic_name(settings.topic_prefix, "feedback")
        self._flushed = 0.0
        self.undelivered = 0

    async def open(self) -> None:
        """Connect.

        Raises:
            SchemaUnknown: a registry is set and does not know our schemas.
            WorldFailed: the brokers do not answer, or have no such topic: one that they make by themselves is wrong.

        """
        self._codec = await asyncio.to_thread(codec_of, self._settings)
        self._publisher = await asyncio.to_thread(ready_publisher, self._settings, {self._topic})

    def take(self, told: Told, /) -> None:
        """Publish one event.

        Raises:
            WorldFailed: the brokers did not take an earlier one.

        """
        if self._publisher is None:
            return
        feedback = read_letter(Letter(orjson.loads(told.body), told.body.decode()))
        if feedback is None:
            return
        value = self._codec.encode("mail.Feedback", feedback_record(feedback))
        self._publisher.publish(self._topic, normal_message_id(feedback.message_id).encode(), value)

    async def settle(self) -> None:
        """Make sure, now and then, that the brokers have it all.

        Raises:
            WorldFailed: they have not.

        """
        if self._publisher is not None and time.monotonic() - self._flushed >= FLUSH_EVERY_S:
            await asyncio.to_thread(self._publisher.flush)
            self._flushed = time.monotonic()

    async def close(self) -> None:
        """Wait until the brokers have it all.

        Raises:
            WorldFailed: they have not.

        """
        if self._publisher is not None:
            await asyncio.to_thread(self._publisher.flush)
