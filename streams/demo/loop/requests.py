"""A seeded choice of tales, made into records: mail.SendRequest and mail.Instruction, without the times.

The same seed makes the same requests. What must become of each goes into the ledger when its tale is begun. Pure:
chance comes from a seed; who hands a record in adds the times.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, count
from random import Random
from typing import Any

from streams.demo import people
from streams.demo.loop.ledger import Line, LineKey, LoopLedger
from streams.demo.loop.plots import TALES
from streams.demo.loop.tales import Ask, Cue, Odd, Order, Tale
from streams.simulator.virus import EICAR

LOOP_DOMAIN = ".loop.example"
"""Every recipient of the closed loop has their mailbox below this domain, and nobody else's is there."""
OUR_DOMAIN = "shop.example"
STRANGE_DOMAIN = "stranger.example"
"""A sender's domain that the simulator does not know."""
STREAMS = ("orders", "tickets", "reminders", "surveys")
Content = tuple[str, dict[str, Any]]
"""A branch of the union in mail.SendRequest: its name, and its record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One record to hand in: *role* is the topic's, *keys* the ledger's lines that it is about.

    cue: what must be seen of whom before. odd: decides which times it gets, and whether it is published again.
    """

    role: str
    key: str
    record: dict[str, Any]
    cue: tuple[Cue, str] | None = None
    odd: Odd = Odd.NOTHING
    lines: tuple[LineKey, ...] = ()


@dataclass(slots=True)
class Cast:
    """Who a tale is told of, in which stream, and the requests that it has led to so far."""

    persons: list[str]
    stream: str
    requests: list[str] = field(default_factory=list)


class Requests:
    """Tales one after another; the same arguments make the same ones.

    Args:
        count: how many requests, at least plots.LEAST_REQUESTS.
        seed: of all chance.
        ledger: gets what must become of them.

    """

    def __init__(self, *, count: int, seed: int, ledger: LoopLedger) -> None:
        """Choose nothing yet."""
        self._chance = Random(f"requests {seed}")  # noqa: S311 - chance that must repeat, not secrets
        self._count_left = count
        self._ledger = ledger
        self._numbers = _numbers()

    def tales(self) -> Iterator[list[Step]]:
        """Yield the steps of one tale after another; its lines are in the ledger then."""
        untold = list(TALES)
        self._chance.shuffle(untold)
        owed = sum(tale.requests for tale in untold)
        while self._count_left > 0:
            room = self._count_left - owed
            pick = self._chance.choices(TALES, cum_weights=_SHARES)[0]
            if untold and (room < pick.requests or self._chance.random() < ONCE_EACH):
                pick = untold.pop()
                owed -= pick.requests
            elif pick.requests > room:
                pick = TALES[0]
            self._count_left -= pick.requests
            yield self._tell(pick)

    def _tell(self, tale: Tale) -> list[Step]:
        """Return a tale's steps, and write down what must become of them."""
        cast = Cast(self._persons(tale), self._chance.choice(STREAMS))
        for person, stop in zip(cast.persons, tale.stops, strict=True):
            if stop is not None:
                self._ledger.stops[person] = stop
        if tale.loops:
            self._ledger.loops.add(cast.persons[0])
        return [
            self._ask(tale, step, cast) if isinstance(step, Ask) else _instruction(step, cast.persons[0])
            for step in tale.steps
        ]

    def _persons(self, tale: Tale) -> list[str]:
        """Return addresses: invented people, or a word for the simulator and a label that nobody else has."""
        first = next(self._numbers)
        numbers = [first, *(next(self._numbers) for _ in tale.people[1:])]
        domain = people.domain_of(first).removesuffix(".example") + LOOP_DOMAIN
        named = [people.at_domain(number, domain) for number in numbers]
        return [
            name if not word else f"{word}+{number}@{domain}"
            for name, word, number in zip(named, tale.people, numbers, strict=True)
        ]

    def _ask(self, tale: Tale, ask: Ask, cast: Cast) -> Step:
        stream = cast.stream if ask.stream is None else ask.stream
        request_id = f"{stream}-{next(self._numbers)}"
        behind = None if ask.behind is None else cast.requests[-ask.behind]
        cast.requests.append(request_id)
        to = [cast.persons[number] for number in ask.to]
        lines = tuple(LineKey(request_id, person) for person in to)
        for key, fate in zip(lines, ask.fates, strict=True):
            self._ledger.line(key, Line(tale=tale.name, fate=fate, behind=behind))
        return Step(
            role="send-requests",
            key=request_id,
            record=_request(request_id, stream, to, ask.odd) | {"content": self._content(stream, to, ask.odd)},
            cue=None if ask.cue is None else (ask.cue, to[0]),
            odd=ask.odd,
            lines=lines,
        )

    def _content(self, stream: str, to: list[str], odd: Odd) -> Content:
        """Return what is to be sent: mostly a subject and a text, now and then a whole mail made by its sender."""
        text = EICAR if odd is Odd.VIRUS else "This mail was made up for a demo."
        if odd is not Odd.NOTHING or self._chance.random() >= RAW:
            return "mail.Simple", {"subject": f"Your {stream}", "text": text, "html": None}
        head = f"From: {stream}@{OUR_DOMAIN}\r\nTo: {', '.join(to)}\r\nSubject: Your {stream}\r\n"
        return "mail.Raw", {"mime": f"{head}MIME-Version: 1.0\r\n\r\n{text}\r\n".encode()}


RAW = 0.1
"""So many requests bring a whole mail along."""
ONCE_EACH = 0.25
"""Until every tale has been told, so often the next one is one that has not."""
_SHARES = tuple(accumulate(tale.share for tale in TALES))


def _numbers() -> Iterator[int]:
    """Yield numbers that no person of the day has."""
    return count(5_000_000)


def _request(request_id: str, stream: str, to: list[str], odd: Odd) -> dict[str, Any]:
    """Return a mail.SendRequest without its times and its content."""
    domain = STRANGE_DOMAIN if odd is Odd.STRANGER else OUR_DOMAIN
    return {
        "request_id": request_id,
        "stream": stream,
        "from_address": f"{stream}@{domain}",
        "to": to,
        "in_reply_to": f"<{request_id}@mail{LOOP_DOMAIN}>" if odd is Odd.ANSWER else None,
    }


def _instruction(order: Order, person: str) -> Step:
    """Return a mail.Instruction without its time."""
    return Step(
        role="instructions",
        key=person,
        record={"recipient": person, "action": order.action, "scope": order.scope, "by": "demo", "why": "a demo"},
        cue=None if order.cue is None else (order.cue, person),
    )
