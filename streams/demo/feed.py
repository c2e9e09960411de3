"""Hands the day to the broker by the roads that real records take: sends as upstream publishes them, events by intake.

Each event is peeled out of its envelope, read and encoded by the product's own intake; what intake cannot use becomes
its dead letter. Broken records go straight to their topics. The feeder decides nothing and waits for nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

from streams.demo.day import Arrival
from streams.demo.ledger import Ledger
from streams.demo.poison import Broken, broken_items, broken_records
from streams.emit.records import dead_letter_record, feedback_record
from streams.errors import Unusable
from streams.intake.envelope import Torn, open_envelopes
from streams.intake.ses import read_event
from streams.mail.deadletter import DeadLetter, DeadReason, Stage
from streams.schemas.codec import Codec
from streams.topics import topic_name

_GOOD_SEND: dict[str, Any] = {"sent_at": 0, "message_id": "0102-broken-000000", "stream": "alerts", "via": "UPSTREAM"}
_GOOD_FEEDBACK: dict[str, Any] = {
    "kind": "DELIVERY",
    "occurred_at": 0,
    "feedback_id": "broken",
    "message_id": "0102-broken-000000",
    "recipients": [{"address": "nobody@example.com"}],
    "raw": '{"eventType":"Delivery","mail":{"messageId":"0102-broken-000000"}}',
}


class Publish(Protocol):
    """Whatever takes a record: topic, key, value."""

    def __call__(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Take it; durable after a later flush."""


class Feeder:
    """Turns arrivals into records.

    Args:
        codec: writes Avro.
        publish: takes the records.
        prefix: of the topics' names.
        now: ms since the epoch; when intake gives up what it cannot use.

    """

    def __init__(self, *, codec: Codec, publish: Publish, prefix: str, now: int) -> None:
        """Prepare the topics' names."""
        self._codec = codec
        self._publish = publish
        self._prefix = prefix
        self._now = now
        self._items = 0
        self.sends = 0
        self.events = 0

    def arrival(self, arrival: Arrival) -> None:
        """Hand in one record of the day."""
        if arrival.send is not None:
            self.sends += 1
            self._put("sends", arrival.send["message_id"], self._codec.encode("mail.Send", arrival.send))
        if arrival.text is not None:
            self.item(arrival.text)

    def item(self, text: str) -> None:
        """Hand in what reached intake, as `ses-streams ingest` would: events to feedback, the rest to dead letters."""
        self._items += 1
        for part in open_envelopes(text):
            try:
                if isinstance(part, Torn):
                    raise part.why
                feedback = read_event(*part)
            except Unusable as why:
                self._give_up(text, why)
                continue
            self.events += 1
            record = self._codec.encode("mail.Feedback", feedback_record(feedback))
            self._put("feedback", feedback.message_id, record)

    def broken(self, broken: Broken, ledger: Ledger) -> None:
        """Hand in a broken record, and write down the dead letter that is due for it."""
        ledger.letter(broken.due)
        if broken.topic == "intake":
            self.item((broken.value or b"").decode())
        else:
            self._publish(topic_name(self._prefix, broken.topic), broken.key, broken.value)

    def all_broken(self) -> list[Broken]:
        """Return one broken record of every sort."""
        samples = {
            "sends": self._codec.encode("mail.Send", _GOOD_SEND),
            "feedback": self._codec.encode("mail.Feedback", _GOOD_FEEDBACK),
        }
        return broken_records(samples) + broken_items()

    def _give_up(self, text: str, why: Unusable) -> None:
        """Write intake's dead letter."""
        letter = DeadLetter(
            topic="file:demo",
            offset=self._items,
            value=text.encode(),
            stage=Stage.INTAKE,
            reason=DeadReason(why.reason),
            detail=why.detail,
            at=self._now,
        )
        self._put("dead-letters", "", self._codec.encode("mail.DeadLetter", dead_letter_record(letter)))

    def _put(self, role: str, key: str, value: bytes) -> None:
        self._publish(topic_name(self._prefix, role), key.encode(), value)
