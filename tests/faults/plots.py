"""The plots: what SES says of mails, as it does say it, with what must come of each by construction.

Each recipient belongs to one story alone, so what must come of them is known without a rule of the product. Chance is
seeded and times come in: the same seed tells the same stories.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.faults.stories import DueOutcome, DueRetry, DueSuppression, Put, Story
from tests.faults.wire import Wire

SECOND, HOUR = 1_000, 3_600_000
EARLY = 4.0
"""Windows by which some feedback is ahead of its Send."""
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


def delivered(plot: Plot) -> None:
    """Deliver it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))


def read(plot: Plot) -> None:
    """Deliver it; it is opened, and clicked."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.event(mail, "OPEN", due=("OPENED", ""), after=60)
    plot.event(mail, "CLICK", due=("CLICKED", ""), after=70)


def bounced(plot: Plot) -> None:
    """Bounce it for good: there is no such mailbox."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1")
    plot.stands(mail.people, mail, "HARD_BOUNCE")


def listed(plot: Plot) -> None:
    """Bounce it because SES's own list has the recipient."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/OnAccountSuppressionList", dsn="5.1.1")
    plot.stands(mail.people, mail, "SES_LIST")


def soft_then_delivered(plot: Plot) -> None:
    """Bounce it softly, perhaps twice, and then deliver it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    for turn in range(plot.chance.randint(1, 2)):
        plot.bounce(mail, means="SOFT_BOUNCED", said="Transient/MailboxFull", dsn="4.2.2", after=2 + turn)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""), after=9)


def soft_at_last(plot: Plot) -> None:
    """Bounce it softly: SES has given up, so it is to be sent again."""
    mail = plot.mail(plot.people(), request=True)
    plot.send(mail)
    plot.bounce(mail, means="SOFT_BOUNCED", said="Transient/General", dsn="4.4.1")
    plot.story.retries.append(DueRetry(request_id=mail.request_id or "", recipient=mail.people[0], attempt=2))


def soft_for_days(plot: Plot) -> None:
    """Bounce five mails to one recipient softly, over 80 hours."""
    people = plot.people()
    mails = [plot.mail(people, ago=(4 - turn) * 20 * HOUR) for turn in range(5)]
    for turn, mail in enumerate(mails):
        plot.send(mail, slot=float(turn))
        plot.bounce(mail, means="SOFT_BOUNCED", said="Transient/MailboxFull", dsn="4.2.2")
    plot.stands(people, mails[-1], "SOFT_BOUNCES")


def complained(plot: Plot) -> None:
    """Deliver it; the recipient complains."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.event(mail, "COMPLAINT", due=("COMPLAINED", "abuse"), after=60, complaint_type="abuse")
    plot.stands(mail.people, mail, "COMPLAINT")


def suspected(plot: Plot) -> None:
    """Deliver it to several, of whom SES says that one complained."""
    mail = plot.mail(plot.people(plot.chance.randint(2, 4)))
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.event(mail, "COMPLAINT", due=("COMPLAINED", "abuse"), certain=False, after=60, complaint_type="abuse")
    plot.stands(mail.people, mail, "SUSPECTED_COMPLAINT")


def forgiven(plot: Plot) -> None:
    """Let a recipient complain, and then fetch the mail out of the spam folder."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "COMPLAINT", due=("COMPLAINED", "abuse"), after=60, complaint_type="abuse")
    plot.event(mail, "COMPLAINT", due=("NOT_SPAM", "not-spam"), after=90, complaint_type="not-spam")
    plot.stands(mail.people, mail, "")


def answered(plot: Plot) -> None:
    """Let a machine answer it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.bounce(mail, means="AUTO_REPLIED", said="Transient/General")


def rejected(plot: Plot) -> None:
    """Let SES find a virus in it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "REJECT", due=("REJECTED", "Bad content"), reason="Bad content")


def delayed(plot: Plot) -> None:
    """Delay it, perhaps twice, and deliver it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    for turn in range(plot.chance.randint(1, 2)):
        plot.event(mail, "DELIVERY_DELAY", due=("DELAYED", "MailboxFull"), after=2 + turn, delay_type="MailboxFull")
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""), after=9)


def bounced_late(plot: Plot) -> None:
    """Deliver it; the server that took it bounces it later."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/General", dsn="5.2.0", after=30)
    plot.stands(mail.people, mail, "HARD_BOUNCE")


def several(plot: Plot) -> None:
    """Send it to four: two get it, one bounces for good, one softly."""
    mail = plot.mail(plot.people(4))
    plot.send(mail)
    plot.event(mail, "DELIVERY", mail.people[:2], due=("DELIVERED", ""))
    plot.bounce(mail, mail.people[2:3], means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1")
    plot.bounce(mail, mail.people[3:], means="SOFT_BOUNCED", said="Transient/General", dsn="4.4.1")
    plot.stands(mail.people[2:3], mail, "HARD_BOUNCE")


def early(plot: Plot) -> None:
    """Let SES speak before the Send comes: a delivery, or a bounce for good."""
    mail = plot.mail(plot.people())
    if plot.chance.random() < 0.5:
        plot.event(mail, "DELIVERY", due=("DELIVERED", ""), slot=0)
    else:
        plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1", slot=0)
        plot.stands(mail.people, mail, "HARD_BOUNCE")
    plot.send(mail, slot=EARLY)


def orphaned(plot: Plot) -> None:
    """Let SES speak of a mail of which no Send ever comes."""
    mail = plot.mail(plot.people(), matched=False)
    if plot.chance.random() < 0.5:
        plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    else:
        plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1")
        plot.stands(mail.people, mail, "HARD_BOUNCE")


def stood_in(plot: Plot) -> None:
    """Let SES's own SEND event stand in for a Send that never comes."""
    mail = plot.mail(plot.people())
    plot.event(mail, "SEND", due=None, slot=0)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    plot.story.stand_ins += 1


def left(plot: Plot) -> None:
    """Let a recipient leave the stream."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    plot.event(mail, "SUBSCRIPTION", due=("UNSUBSCRIBED", "unsubscribed-all"), after=60, reason="unsubscribed-all")
    plot.stands(mail.people, mail, "UNSUBSCRIBED")


def silent(plot: Plot) -> None:
    """Send it, and hear nothing."""
    plot.send(plot.mail(plot.people()))


def odd_key(plot: Plot) -> None:
    """Deliver it, with keys that are nobody's: none at all, or bytes that are no text."""
    mail = plot.mail(plot.people())
    plot.send(mail, key=None)
    plot.event(mail, "DELIVERY", due=("DELIVERED", ""), key=b"\xff\xfe" + mail.message_id.encode())


def poison(plot: Plot) -> None:
    """Publish one record that nobody can use."""
    name = f"poison-{plot.story.number}"
    role = plot.chance.choice(("sends", "feedback"))
    record: dict[str, Any] = {"message_id": name}
    record |= {"sent_at": plot.at} if role == "sends" else {"kind": "DELIVERY", "occurred_at": plot.at}
    good = plot.encoded(role, record)
    key, value = plot.chance.choice(
        (
            (name.encode(), b"\x07" + good[1:]),  # another first byte than the wire's
            (name.encode(), good[: plot.chance.randrange(6, len(good) - 1)]),  # torn
            (name.encode(), b"\0\x7f\xff\xff\x01" + good[5:]),  # nobody's schema
            (name.encode(), None),
            (None, b"\x08" + good[1:]),
            (b"\xff\xfe" + name.encode(), b"{" + good[1:]),
        )
    )
    plot.broken(role, key, value)


PLOTS: tuple[tuple[Callable[[Plot], None], float], ...] = (
    (delivered, 38),
    (read, 6),
    (bounced, 7),
    (listed, 3),
    (soft_then_delivered, 5),
    (soft_at_last, 4),
    (soft_for_days, 0.7),
    (complained, 3),
    (suspected, 2),
    (forgiven, 2),
    (answered, 3),
    (rejected, 1),
    (delayed, 4),
    (bounced_late, 3),
    (several, 4),
    (early, 4),
    (orphaned, 2),
    (stood_in, 2),
    (left, 2),
    (silent, 2),
    (odd_key, 1),
    (poison, 1.3),
)
"""Each plot, and how many of a hundred stories it is, about."""


class Teller:
    """Tells stories, one after another; the same arguments tell the same ones."""

    def __init__(self, seed: int, wire: Wire, began: int, without: Collection[str] = ()) -> None:
        """Begin before the first; *began* is now, ms since the epoch; *without* names plots that are left out."""
        self._chance = Random(f"stories {seed}")
        self._wire = wire
        self._began = began
        self._told = 0
        told = [(plot, weight) for plot, weight in PLOTS if plot.__name__ not in without]
        self._plots = [plot for plot, _ in told]
        self._weights = [weight for _, weight in told]

    def tell(self) -> Story:
        """Return the next story."""
        tell = self._chance.choices(self._plots, self._weights)[0]
        plot = Plot(tell.__name__, self._told, self._chance, self._wire, self._began + self._told)
        self._told += 1
        tell(plot)
        return plot.story
