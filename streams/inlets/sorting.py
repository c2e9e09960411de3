"""From the bytes of one item to the records that it becomes: feedback, and dead letters of what cannot be used.

Whatever road it came by; total, so that nothing a stranger writes can stop the road. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from streams.emit.landing import Record
from streams.emit.records import dead_letter_record, feedback_record, scrub
from streams.intake.envelope import open_envelopes
from streams.intake.parts import Refused, read_part
from streams.intake.unsubscribes import Unsubscribes
from streams.mail.address import normal_message_id
from streams.mail.deadletter import DeadLetter, DeadReason, Stage
from streams.mail.feedback import Feedback
from streams.schemas.codec import Codec

LARGEST_KEPT = 3 * 1024 * 1024
"""Bytes of an item that a dead letter keeps: what its topic takes, less what stands beside them."""


class Sorted(NamedTuple):
    """What one item became.

    records: for Kafka, in the order of the item's parts.
    events: how many of them are feedback.
    dead: why each of the others is a dead letter.
    occurred: when each event happened, ms since the epoch.
    """

    records: list[Record]
    events: int
    dead: list[DeadReason]
    occurred: list[int]


NOTHING = Sorted([], 0, [], [])
"""What an item became that says nothing of a mail."""


class Sorter:
    """Reads items as all roads do."""

    def __init__(self, codec: Codec, clock: Callable[[], int], unsubscribes: Unsubscribes | None = None) -> None:
        """Know how to write and to read.

        Args:
            codec: writes records.
            clock: ms since the epoch; says when a dead letter was given up.
            unsubscribes: how to read mail from people who leave; without it there is none.

        """
        self._codec = codec
        self._clock = clock
        self._unsubscribes = unsubscribes

    def sort(self, item: bytes, origin: str, value: object = None) -> Sorted:
        """Return what *item* becomes.

        Args:
            item: its bytes, as they came.
            origin: where it came from, for dead letters: `sns:TOPIC_ARN`, `sqs:QUEUE`, `s3:BUCKET/KEY`.
            value: the item parsed, where the caller has that too.

        """
        found = Sorted([], 0, [], [])
        events = 0
        parts = open_envelopes(item, value)
        for part in parts:
            read = read_part(part, item, len(item), alone=len(parts) == 1, unsubscribes=self._unsubscribes)
            if isinstance(read, Feedback):
                events += 1
                found.occurred.append(read.occurred_at)
                found.records.append(self._feedback(read))
            elif read is not None:
                found.dead.append(DeadReason(read.why.reason))
                found.records.append(self._dead(read, origin))
        return found._replace(events=events)

    def event(self, feedback: Feedback) -> Sorted:
        """Return what an event becomes that we made ourselves."""
        return Sorted([self._feedback(feedback)], 1, [], [feedback.occurred_at])

    def _feedback(self, feedback: Feedback) -> Record:
        value = self._codec.encode("mail.Feedback", feedback_record(feedback))
        return Record("feedback", normal_message_id(feedback.message_id).encode(), value)

    def _dead(self, refused: Refused, origin: str) -> Record:
        letter = DeadLetter(
            topic=scrub(origin),
            value=refused.value[:LARGEST_KEPT],
            stage=Stage.INTAKE,
            reason=DeadReason(refused.why.reason),
            detail=scrub(refused.why.detail),
            at=self._clock(),
        )
        return Record("dead-letters", None, self._codec.encode("mail.DeadLetter", dead_letter_record(letter)))
