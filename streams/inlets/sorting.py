"""From the bytes of one item to the records that it becomes: feedback, and dead letters of what cannot be used.

Whatever road it came by; total, so that nothing a stranger writes can stop the road. Nothing is sent here. What an item
only names, instead of carrying it, is fetched before by whoever is set to (objects/fetching.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from streams.emit.landing import Record
from streams.emit.records import dead_letter_record, feedback_record, scrub
from streams.errors import SesStreamsError
from streams.intake.envelope import Letter, Torn, open_envelopes
from streams.intake.files import Item
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
    objects: how many objects in S3 were read for it.
    """

    records: list[Record]
    events: int
    dead: list[DeadReason]
    occurred: list[int]
    objects: int = 0


class Unsorted(SesStreamsError):
    """What an item becomes cannot be said now, by no fault of its own: it must come again."""


class Fetches(Protocol):
    """Fetches what items only name."""

    def may_name(self, item: bytes, /) -> bool:
        """Tell whether *item* may name something that can be fetched; cheap, and asked of every item."""

    async def sort(self, item: bytes, origin: str, value: object, /) -> Sorted:
        """Return what *item* becomes with what it names; raises Unsorted."""


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
        self.unsubscribes = unsubscribes
        self._codec = codec
        self.clock = clock
        self.fetching: Fetches | None = None
        """Fetches what items only name; without one nothing is fetched."""

    async def read(self, item: bytes, origin: str, value: object = None) -> Sorted:
        """Return what *item* becomes, with what it names instead of carrying it; for a road, which has a loop.

        Raises:
            Unsorted: what it names cannot be had now; the item must come again.

        """
        if self.fetching is None or not self.fetching.may_name(item):
            return self.sort(item, origin, value)
        return await self.fetching.sort(item, origin, value)

    def sort(self, item: bytes, origin: str, value: object = None) -> Sorted:
        """Return what *item* becomes.

        Args:
            item: its bytes, as they came.
            origin: where it came from, for dead letters: `sns:TOPIC_ARN`, `sqs:QUEUE`, `s3:BUCKET/KEY`.
            value: the item parsed, where the caller has that too.

        """
        parts = open_envelopes(item, value)
        return self.sort_parts(parts, item, origin, alone=len(parts) == 1)

    def sort_parts(self, parts: Iterable[Letter | Torn], item: bytes, origin: str, *, alone: bool) -> Sorted:
        """Return what parts of an item become; *alone* is whether it holds nothing else."""
        found = Sorted([], 0, [], [])
        events = 0
        for part in parts:
            read = read_part(part, item, len(item), alone=alone, unsubscribes=self.unsubscribes)
            if isinstance(read, Feedback):
                events += 1
                found.occurred.append(read.occurred_at)
                found.records.append(self._feedback(read))
            elif read is not None:
                found.dead.append(DeadReason(read.why.reason))
                found.records.append(self.dead(self.letter(read, origin)))
        return found._replace(events=events)

    def event(self, feedback: Feedback) -> Sorted:
        """Return what an event becomes that we made ourselves."""
        return Sorted([self._feedback(feedback)], 1, [], [feedback.occurred_at])

    def _feedback(self, feedback: Feedback) -> Record:
        value = self._codec.encode("mail.Feedback", feedback_record(feedback))
        return Record("feedback", normal_message_id(feedback.message_id).encode(), value)

    def letter(self, refused: Refused, origin: str) -> DeadLetter:
        """Return the dead letter of what cannot be used."""
        return DeadLetter(
            topic=scrub(origin),
            value=refused.value[:LARGEST_KEPT],
            stage=Stage.INTAKE,
            reason=DeadReason(refused.why.reason),
            detail=scrub(refused.why.detail),
            at=self.clock(),
        )

    def dead(self, letter: DeadLetter) -> Record:
        """Return a dead letter as it goes to its topic."""
        return Record("dead-letters", None, self._codec.encode("mail.DeadLetter", dead_letter_record(letter)))

    def items(self, items: Iterable[Item]) -> Sorted:
        """Return what the items of a file become."""
        found = Sorted([], 0, [], [])
        for item in items:
            if item.feedback is not None:
                found.occurred.append(item.feedback.occurred_at)
                found.records.append(self._feedback(item.feedback))
            elif item.dead is not None:
                found.dead.append(item.dead.reason)
                found.records.append(self.dead(item.dead))
        return found._replace(events=len(found.occurred))


def together(parts: Sequence[Sorted]) -> Sorted:
    """Return what several parts become, as one."""
    return Sorted(
        records=[record for part in parts for record in part.records],
        events=sum(part.events for part in parts),
        dead=[reason for part in parts for reason in part.dead],
        occurred=[at for part in parts for at in part.occurred],
        objects=sum(part.objects for part in parts),
    )
