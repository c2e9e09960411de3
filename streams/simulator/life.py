"""The life of one mail: what SES will say of it, about whom, in which order and when.

Pure: the mail and its time come in, chance comes from the seed. What an address stands for is fates.py; how an event is
written is events.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from streams.simulator.fates import MAILBOX, ON_THE_LIST, OUTAGE, Event, Memory, Turn, turns_of
from streams.simulator.ids import chance, feedback_id
from streams.simulator.mail import Mail, domain_of
from streams.simulator.words import Conditions


class Happening(NamedTuple):
    """One event: what, about whom, when it happened (ms since the epoch), and how long after the mail it is told (ms).

    name: tells it from the mail's other events. feedback_id: SES's own, where it gives one.
    """

    turn: Turn
    about: tuple[str, ...]
    at: int
    told_after: float
    name: str
    feedback_id: str


Course = tuple[tuple[str, ...], tuple[Turn, ...]]
"""Some recipients, and what becomes of the mail for them."""


class Draw(NamedTuple):
    """A mail, and the chance that is drawn for it."""

    mail: Mail
    seed: int
    delay_ms: float

    def chance(self, what: str) -> float:
        """Return a chance in [0, 1)."""
        return chance(self.seed, self.mail.number, what)

    def gap(self, before: str) -> float:
        """Return how long nothing is heard before an event: between half and one and a half of the mean."""
        return self.delay_ms * (0.5 + self.chance(f"gap {before}"))


def happenings(
    mail: Mail, memory: Memory, conditions: Conditions, seed: int, *, send_event: bool = True
) -> list[Happening]:
    """Return what will be told of *mail*, in the order in which it is told: for each recipient that of its turns.

    A mail whose template cannot be rendered was never sent, so it has no Send; a mail with a virus has one.
    """
    draw = Draw(mail, seed, conditions.delay_ms)
    everybody = tuple(dict.fromkeys(mail.submission.recipients))
    if mail.submission.failure is not None:
        return _followed(draw, "0", (everybody, (Turn(Event.RENDERING_FAILURE),)), 0.0)
    begun = draw.gap("send") if send_event else 0.0
    found = [Happening(Turn(Event.SEND), everybody, mail.at, begun, "send", "")] if send_event else []
    for number, course in enumerate(_courses(mail, everybody, memory, conditions)):
        found += _followed(draw, str(number), course, begun)
    found.sort(key=lambda one: one.told_after)  # stable: what is told together stays in order
    return _shuffled(draw, found) if conditions.disorder else found


def _courses(mail: Mail, everybody: tuple[str, ...], memory: Memory, conditions: Conditions) -> Iterator[Course]:
    """Yield who fares how; the mailbox simulator's recipients that fare alike share their events, as SES has it."""
    if mail.submission.virus:
        yield everybody, (Turn(Event.REJECT),)
        return
    alike: dict[tuple[Turn, ...], list[str]] = {}
    named: set[str] = set()
    for address in mail.suppressed:
        yield (address,), (ON_THE_LIST,)
    for address in mail.open_to:
        domain = domain_of(address)
        turns = OUTAGE.turns if domain in conditions.outage else turns_of(address, mail.at, memory)
        if domain == MAILBOX:
            alike.setdefault(turns, []).append(address)
        else:
            yield (address,), tuple(turn for turn in turns if not (turn.whole_domain and domain in named))
        if any(turn.whole_domain for turn in turns):  # one complaint a domain: it names them all
            named.add(domain)
    for turns, addresses in alike.items():
        yield tuple(addresses), turns


def _followed(draw: Draw, name: str, course: Course, begun: float) -> list[Happening]:
    """Return the events of one course, each a jittered delay after the one before; the first after *begun*."""
    (about, turns), told_after, at = course, begun, draw.mail.at
    found: list[Happening] = []
    for step, turn in enumerate(turns):
        label = f"{name}.{step}"
        told_after += draw.gap(label)
        # no two turns in one ms: who sorts by time keeps their order
        at = max(at + 1, draw.mail.at + round(told_after))
        reported = turn.event in {Event.BOUNCE, Event.COMPLAINT}
        feedback = feedback_id(draw.seed, draw.mail.number, label, at) if reported else ""
        named = _whole_domain(draw.mail, about[0]) if turn.whole_domain else about
        found.append(Happening(turn, named, at, told_after, label, feedback))
    return found


def _whole_domain(mail: Mail, address: str) -> tuple[str, ...]:
    """Return everybody who may have complained: the mail's recipients at that provider."""
    domain = domain_of(address)
    return tuple(other for other in mail.open_to if domain_of(other) == domain)


def _shuffled(draw: Draw, found: list[Happening]) -> list[Happening]:
    """Return the same events, told at any time up to the last one's; when they happened stays as it is."""
    span = max((one.told_after for one in found), default=0.0)
    placed = [(draw.chance(f"place {one.name}"), one) for one in found]
    return [one._replace(told_after=span * place) for place, one in sorted(placed, key=lambda pair: pair[0])]
