"""Builders for the pure core: a mail handed in, accepted, and what is told of it."""

from __future__ import annotations

from typing import Any

from streams.simulator.account import Account
from streams.simulator.events import Json, event_of, mail_part
from streams.simulator.fates import Memory
from streams.simulator.life import Happening, happenings
from streams.simulator.mail import Mail, Submission, Via
from streams.simulator.refusals import No, Refusal
from streams.simulator.words import Conditions, Form, SimulatorSettings

NOON = 1_790_000_000_000


def submission(*to: str, **words: Any) -> Submission:
    """Return a mail to *to*."""
    headers = (("From", "shop@example.com"), ("To", ", ".join(to)), ("Subject", "Your order"))
    return Submission(**{"via": Via.API, "sender": "shop@example.com", "to": to, "headers": headers} | words)


class Bench:
    """An account and a memory, at a time that the test sets."""

    def __init__(self, conditions: Conditions | None = None, **settings: Any) -> None:
        """Begin at noon."""
        self.settings = SimulatorSettings(**settings)
        self.conditions = Conditions() if conditions is None else conditions
        self.account = Account(self.settings)
        self.memory = Memory()
        self.now = NOON

    def take(self, *to: str, **words: Any) -> Mail:
        """Hand a mail in."""
        return self.account.take(submission(*to, **words), self.now, self.conditions)

    def refused(self, *to: str, **words: Any) -> Refusal | None:
        """Hand a mail in; return how it is refused."""
        try:
            self.take(*to, **words)
        except No as no:
            return no.refusal
        return None

    def follows(self, *to: str, **words: Any) -> list[Happening]:
        """Hand a mail in; return what will be told of it."""
        mail = self.take(*to, **words)
        settings = self.settings
        return happenings(mail, self.memory, self.conditions, settings.seed, send_event=settings.send_events)

    def events(self, *to: str, form: Form = Form.EVENTS, **words: Any) -> list[Json]:
        """Hand a mail in; return its events as JSON (but for Received)."""
        mail = self.take(*to, **words)
        part = mail_part(mail, self.settings.region, form)
        follows = happenings(mail, self.memory, self.conditions, self.settings.seed)
        return [event_of(mail, one, part, form) for one in follows]

    def told(self, *to: str, **words: Any) -> list[str]:
        """Hand a mail in; return its events in short: `Delivery`, `Bounce Transient/General 4.3.2`."""
        return [short(one) for one in self.follows(*to, **words)]


def short(one: Happening) -> str:
    """Return an event in a few words."""
    turn = one.turn
    words: list[str | None] = [turn.event.value, "/".join(turn.bounce) if turn.bounce[0] else None, turn.complaint]
    words += [turn.delay or None, None if turn.dsn is None else turn.dsn.status]
    return " ".join(word for word in words if word is not None)
