"""Stories: what happens in the world outside, and what must come of it, said without a word of the product's rules.

A story is made of its number and the seed alone, so that others can be taken away without changing it. Those of whom
it tells have addresses of its own, except for requests: three people are written to by all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from streams.partition import partitions
from tests.builders import CODEC, NOON, bounce, event, send

SECOND, MINUTE = 1_000, 60_000
DAY_LASTS = 5 * MINUTE
"""In which all that is told begins (ms)."""
PARTITIONS = 2
PEOPLE = ("ann@example.com", "ben@example.org", "robot@example.net")


@dataclass(frozen=True, slots=True)
class Input:
    """A record that somebody else publishes, *at* ms after noon; without a partition it goes where its key belongs."""

    at: int
    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None

    @property
    def home(self) -> int:
        """Return the partition that it is published on."""
        if self.partition is not None or self.key is None:
            return self.partition or 0
        return partitions([self.key], PARTITIONS)[0]


@dataclass(slots=True)
class Story:
    """What is published, and what must come of it."""

    number: int
    inputs: list[Input] = field(default_factory=list)
    outcomes: set[tuple[str, str, str]] = field(default_factory=set)
    suppressed: set[str] = field(default_factory=set)
    spoilt: list[Input] = field(default_factory=list)
    asks: dict[str, tuple[str, ...]] = field(default_factory=dict)


def stories(seed: int, numbers: list[int]) -> Iterator[Story]:
    """Yield the stories of a seed that have these numbers."""
    for number in numbers:
        chance = Random(f"{seed}/{number}")
        kind = chance.choices(list(TOLD), [weight for _, weight in TOLD.values()])[0]
        story = Story(number)
        TOLD[kind][0](story, chance)
        story.inputs = [copy for one in story.inputs for copy in _copies(one, chance)]
        yield story


def _copies(one: Input, chance: Random) -> Iterator[Input]:
    """Yield a record, and now and then once or twice more, later."""
    yield one
    while chance.random() < 0.25:
        yield Input(one.at + chance.randrange(2 * MINUTE), one.topic, one.key, one.value, one.partition)


def _at(chance: Random) -> int:
    return chance.randrange(DAY_LASTS)


def _mail(story: Story, chance: Random, people: int = 1, *, known: bool = True) -> tuple[str, list[str]]:
    """Publish a Send, or only make one up; return its message id and its recipients."""
    message_id = f"0102-{story.number:04}"
    to = [f"p{story.number}-{n}@example.com" for n in range(people)]
    if known:
        record = send(message_id, recipients=to, request_id=None, sent_at=NOON - MINUTE)
        key = message_id.encode()
        stray = chance.random() < 0.05
        home = partitions([key], PARTITIONS)[0]
        wrong = (home + 1) % PARTITIONS if stray else None
        story.inputs.append(Input(_at(chance), "sends", key, encoded("mail.Send", record), wrong))
    return message_id, to


def _tell(story: Story, chance: Random, record: dict[str, Any], kind: str) -> None:
    key = record["message_id"].encode()
    story.inputs.append(Input(_at(chance), "feedback", key, encoded("mail.Feedback", record)))
    story.outcomes |= {(record["message_id"], one["address"], kind) for one in record["recipients"]}


def delivered(story: Story, chance: Random) -> None:
    """Tell of a mail to one or three that arrives."""
    message_id, to = _mail(story, chance, chance.choice((1, 1, 3)))
    _tell(story, chance, event("DELIVERY", message_id, *to), "DELIVERED")
    if chance.random() < 0.3:
        _tell(story, chance, event("OPEN", message_id, *to, occurred_at=NOON + 9_000), "OPENED")


def bounced_for_good(story: Story, chance: Random) -> None:
    """Tell of a mailbox that is not there, of whose mail a delivery was said first."""
    message_id, to = _mail(story, chance)
    if chance.random() < 0.5:
        _tell(story, chance, event("DELIVERY", message_id, *to), "DELIVERED")
    hard = {**bounce("Permanent", "General", "5.1.1"), **event("BOUNCE", message_id, *to, occurred_at=NOON + 7_000)}
    _tell(story, chance, {**hard, "bounce_type": "Permanent", "bounce_subtype": "General"}, "HARD_BOUNCED")
    story.suppressed |= set(to)


def complained_of(story: Story, chance: Random) -> None:
    """Tell of somebody who does not want this."""
    message_id, to = _mail(story, chance)
    _tell(story, chance, event("DELIVERY", message_id, *to), "DELIVERED")
    _tell(
        story,
        chance,
        event("COMPLAINT", message_id, *to, occurred_at=NOON + 8_000, complaint_type="abuse"),
        "COMPLAINED",
    )
    story.suppressed |= set(to)


def bounced_softly(story: Story, chance: Random) -> None:
    """Tell of a mailbox that is full."""
    message_id, to = _mail(story, chance)
    dsn = {"status": "4.2.2", "action": "failed", "diagnostic": "smtp; 452 full", "written": None}
    told = event("BOUNCE", message_id, bounce_type="Transient", bounce_subtype="MailboxFull")
    _tell(story, chance, {**told, "recipients": [{"address": to[0], **dsn}]}, "SOFT_BOUNCED")
    if chance.random() < 0.5:
        _tell(story, chance, event("DELIVERY_DELAY", message_id, *to, delay_type="MailboxFull"), "DELAYED")


def never_sent(story: Story, chance: Random) -> None:
    """Tell of a mail of which nobody ever says that it was sent."""
    message_id, to = _mail(story, chance, known=False)
    _tell(story, chance, event("DELIVERY", message_id, *to), "DELIVERED")
    if chance.random() < 0.5:
        hard = event("BOUNCE", message_id, *to, occurred_at=NOON + 7_000)
        _tell(story, chance, {**hard, "bounce_type": "Permanent", "bounce_subtype": "General"}, "HARD_BOUNCED")
        story.suppressed |= set(to)


def spoilt(story: Story, chance: Random) -> None:
    """Tell of bytes that nobody can read."""
    value = chance.choice((b"", b"\x01nonsense", b"\x00\x00\x00\xff\xffnobody", None))
    one = Input(_at(chance), chance.choice(("sends", "feedback", "outcomes")), b"k%d" % story.number, value)
    story.inputs.append(one)
    story.spoilt.append(one)


def asked(story: Story, chance: Random) -> None:
    """Tell of a request to one or two of the people whom all requests write to."""
    to = tuple(chance.sample(PEOPLE, chance.choice((1, 1, 2))))
    request_id = f"ask {story.number}"
    record = {
        "request_id": request_id,
        "attempt": 1,
        "stream": "receipts",
        "requested_at": NOON,
        "from_address": "Shop <shop@example.net>",
        "to": list(to),
        "in_reply_to": None,
        "content": ("mail.Simple", {"subject": "s", "text": "t", "html": None}),
    }
    story.asks[request_id] = to
    story.inputs.append(Input(_at(chance), "send-requests", request_id.encode(), encoded("mail.SendRequest", record)))


TOLD = {
    "delivered": (delivered, 5),
    "bounced for good": (bounced_for_good, 2),
    "complained of": (complained_of, 1),
    "bounced softly": (bounced_softly, 1),
    "never sent": (never_sent, 1),
    "spoilt": (spoilt, 1),
    "asked": (asked, 4),
}
"""What is told, and how often."""


def encoded(name: str, record: dict[str, Any]) -> bytes:
    """Return a record's bytes."""
    return CODEC.encode(name, record)
