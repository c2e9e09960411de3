"""Writes what an operator decides: instructions, pauses, requests, probes; each by its key, on its topic.

An operator's word goes by `ses.instructions`, and hop 2 carries it out (docs/decisions/0009): a suppression that was
written straight on its topic would be overruled by hop 2's next one. What may be asked for is checked by who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from streams.decide.instruction import Action
from streams.emit.ready import ready_publisher
from streams.schemas.codec import Codec
from streams.settings import Settings
from streams.topics import topic_name

WINDOW = 10_000
"""How many records are handed to the brokers before all of them must be acknowledged."""


class Word(NamedTuple):
    """Who says something, when (ms since the epoch), and why."""

    by: str
    at: int
    why: str


class Slot(NamedTuple):
    """Where the records of one schema go: the role of their topic, and the field that is their key."""

    role: str
    key: str


SLOTS = {
    "mail.Instruction": Slot("instructions", "recipient"),
    "mail.Pause": Slot("pauses", "stream"),
    "mail.SendRequest": Slot("send-requests", "request_id"),
    "mail.Send": Slot("sends", "message_id"),  # a probe's, as its feedback
    "mail.Feedback": Slot("feedback", "message_id"),
}


def instruction(recipient: str, action: Action, word: Word, **more: Any) -> dict[str, Any]:
    """Return a mail.Instruction about *recipient* (normal form); *more* is reason, scope, until, request_id, written.

    What is None is left to the schema's default.
    """
    said = {name: value for name, value in more.items() if value is not None}
    return {"recipient": recipient, "action": action.value, **word._asdict(), **said}


class Outbox:
    """Publishes records of some schemas, and waits for the brokers once a window; use it in a ``with``."""

    def __init__(self, settings: Settings, codec: Codec, *names: str) -> None:
        """Connect, and make sure that the topics of the schemas *names* are there.

        A topic that a broker makes by itself has the wrong number of partitions.

        Raises:
            WorldFailed: the brokers do not answer, or a topic is missing.

        """
        self._codec = codec
        self._topics = {name: topic_name(settings.topic_prefix, SLOTS[name].role) for name in names}
        self._publisher = ready_publisher(settings, set(self._topics.values()))
        self._open = 0

    def write(self, name: str, record: Mapping[str, Any]) -> None:
        """Publish one record; raises WorldFailed, or Unusable where it does not fit its schema."""
        self._put(name, record[SLOTS[name].key], self._codec.encode(name, record))

    def clear(self, name: str, key: str) -> None:
        """Publish a record without a value: what was said of *key* holds no more."""
        self._put(name, key, None)

    def finish(self) -> None:
        """Wait until every record is acknowledged; raises WorldFailed."""
        self._publisher.flush()
        self._open = 0

    def __enter__(self) -> Self:
        """Return the outbox itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Wait for the brokers, unless something failed already."""
        self._publisher.__exit__(kind, exc, tb)

    def _put(self, name: str, key: str, value: bytes | None) -> None:
        self._publisher.publish(self._topics[name], key.encode(), value)
        self._open += 1
        if self._open >= WINDOW:
            self.finish()
