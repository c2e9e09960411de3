"""One story while it is being told: mails, their Sends and events, and what must come of each.

Each recipient belongs to one story alone, so what must come of them is known without a rule of the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.stories import DueOutcome, DueSuppression, Put, Story
from tests.faults.wire import Wire

SECOND = 1_000
COPIES, MORE_COPIES = 0.08, 0.02
"""So many records are published twice, and so many three times."""
DOMAINS = ("example.com", "example.net", "example.org")
STREAMS = ("receipts", "news", "alerts")


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of a story."""

    message_id: str
    people: tuple[str, ...]
    stream: str
    sent_at: int
    request_id: str | None
    matched: bool


class Plot:
    """One story while it is being told."""

    def __init__(self, name: str, number: int, chance: Random, wire: Wire, at: int) -> None:
        """Begin; *at* is about when it happens, ms since the epoch."""
        self.story = Story(name=name, number=number)
        self.chance = chance
        self._wire = wire
        self._at = at
        self._slot = 0.0
        self._mails = 0

    def people(self, count: int = 1) -> tuple[str, ...]:
        """Return addresses that no other story has."""
        domain = self.chance.choice(DOMAINS)
        return tuple(f"p{self.story.number}.{place}@{domain}" for place in range(count))

    def mail(self, people: tuple[str, ...], *, request: bool = False, ago: int = 0, matched: bool = True) -> Mail:
        """Return a mail to *people*, sent *ago* ms before the story's time."""
        self._mails += 1
        name = f"{self.story.number:08d}-{self._mails}"
        asked = f"request-{name}" if request else None
        sent_at = self._at - ago - 2 * SECOND
        return Mail(f"0100{name}", people, self.chance.choice(STREAMS), sent_at, asked, matched)

    def send(self, mail: Mail, *, slot: float = 0, key: bytes | None = b"") -> None:
        """Publish its Send; an empty *key* is the right one."""
        record = {
            "sent_at": mail.sent_at,
            "message_id": mail.message_id,
            "stream": mail.stream,
            "request_id": mail.request_id,
            "recipients": list(mail.people),
            "from_address": f"{mail.stream}@example.com",
            "tags": {"stream": mail.stream},
        }
        value = self.story.sends[mail.message_id] = self._wire.encode("sends", record)
        self._put("sends", mail.message_id.encode() if key == b"" else key, value, slot)

    def event(  # noqa: PLR0913 - an event has many sides, each with its name
        self,
        mail: Mail,
        kind: str,
        people: tuple[str, ...] | None = None,
        *,
        due: tuple[str, str] | None,
        certain: bool = True,
        after: int = 1,
        dsn: str | None = None,
        slot: float | None = None,
        key: bytes | None = b"",
        **fields: Any,
    ) -> None:
        """Publish one event about *people*; each gets an outcome of the kind and with the reason that are *due*.

        *after*: seconds after the send. *dsn*: status of the delivery report, where there is one.
        """
        named = mail.people if people is None else people
        at = mail.sent_at + after * SECOND
        feedback_id = f"{kind.lower()}-{mail.message_id}-{len(self.story.events)}"
        tags = {"stream": [mail.stream]} | ({"request_id": [mail.request_id]} if mail.request_id else {})
        about = [{"address": one, "status": dsn, "action": "failed" if dsn else None} for one in named]
        record = {
            "kind": kind,
            "occurred_at": at,
            "feedback_id": feedback_id,
            "message_id": mail.message_id,
            "recipients": about,
            "source": f"{mail.stream}@example.com",
            "destination": list(mail.people),
            "sent_at": mail.sent_at,
            "tags": tags,
            "raw": '{"pad":"' + "x" * self.chance.randrange(400) + '"}',
            **fields,
        }
        value = self.story.events[feedback_id] = self._wire.encode("feedback", record)
        self._slot += 1
        self._put(
            "feedback", mail.message_id.encode() if key == b"" else key, value, self._slot if slot is None else slot
        )
        for one in () if due is None else named:
            self.story.outcomes.append(
                DueOutcome(
                    feedback_id=feedback_id,
                    recipient=one,
                    message_id=mail.message_id,
                    kind=due[0] if due else "",
                    reason=due[1] if due else "",
                    certain=certain,
                    matched=mail.matched,
                    occurred_at=at,
                )
            )

    def bounce(self, mail: Mail, people: tuple[str, ...] | None = None, *, means: str, said: str, **more: Any) -> None:
        """Publish a bounce; *said* is SES's type and sub-type."""
        first, _, second = said.partition("/")
        self.event(mail, "BOUNCE", people, due=(means, said), bounce_type=first, bounce_subtype=second, **more)

    def stands(self, people: tuple[str, ...], mail: Mail, reason: str) -> None:
        """Say how *people* must stand at the end."""
        for one in people:
            self.story.suppressions.append(DueSuppression(recipient=one, message_id=mail.message_id, reason=reason))

    def broken(self, role: str, key: bytes | None, value: bytes | None) -> None:
        """Publish what nobody can use, once: it must be set aside byte for byte."""
        self.story.letters.append((role, key, value))
        self.story.puts.append(Put(role=role, key=key, value=value))

    def encoded(self, role: str, record: dict[str, Any]) -> bytes:
        """Return a record's bytes."""
        return self._wire.encode(role, record)

    @property
    def at(self) -> int:
        """Return about when it happens, ms since the epoch."""
        return self._at

    def _put(self, role: str, key: bytes | None, value: bytes, slot: float) -> None:
        drawn = self.chance.random()
        copies = 3 if drawn < MORE_COPIES else 2 if drawn < MORE_COPIES + COPIES else 1
        self.story.puts.append(Put(role=role, key=key, value=value, slot=slot, copies=copies))
