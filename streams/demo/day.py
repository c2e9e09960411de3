"""A seeded mail day: stories told one after another, their records in the order in which they reach us.

Sends and events leave in order of arrival, which is not the order in which things happened: SES promises none. What
must come of each story goes into the ledger as it is told. Pure: chance comes from a seed, the present comes in.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, count
from random import Random
from typing import Any

from streams.demo import people
from streams.demo.envelopes import wrapped
from streams.demo.ledger import DueSuppression, Ledger, OutcomeFlags, OutcomeKey
from streams.demo.plots import STORIES
from streams.demo.sending import send_record, ses_id
from streams.demo.ses_json import OUR_DOMAIN, Posted, Told, event_of
from streams.demo.stories import DAY, HOUR, MINUTE, RELEASED, SECOND, Ending, Mail, Said, Story

STREAMS = {"newsletter": 34, "receipts": 28, "alerts": 12, "invoices": 10, "password-reset": 9, "digest": 7}
"""Sending streams, and their share in per cent."""

LEGACY_STREAM = "invoices"
"""The one stream whose events still come in the older format."""
TRACKED_STREAM = "alerts"
"""The one stream whose configuration set publishes SES's SEND events too."""

HOURS = (8, 5, 4, 3, 3, 5, 12, 30, 60, 85, 80, 70, 62, 66, 64, 60, 58, 60, 72, 64, 48, 34, 22, 13)
"""How much mail each hour of the day sees."""
TAIL = 6 * HOUR
"""The day ends this long before the present: the longest story's events have happened by then."""

REPEATED = 0.010  # SNS and SQS deliver at least once
IN_BOTH_FORMATS = 0.006  # the account has feedback notifications and event publishing on
STRANGERS_UNTIL = 0.6  # of the day: what nobody told us of waits a while, and the end need not wait for it
HOT = 0.2  # of all alerts go to one address
MOST_ROADS, ALL_BUT_BAD_ROADS = 0.85, 0.99
ODD_SPELLING = 0.01  # recipients whom SES writes with capitals


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One record as it reaches us: either a mail.Send *send*, or an SES event in its envelope, as *text*."""

    send: dict[str, Any] | None = None
    text: str | None = None


class Day:
    """One day's mail; the same arguments make the same day.

    Args:
        messages: about how many mails.
        seed: of all chance.
        until: the present, ms since the epoch; the day lies in the 30 hours before it.
        ledger: gets what must come out.

    """

    def __init__(self, *, messages: int, seed: int, until: int, ledger: Ledger) -> None:
        """Lay out the day; nothing is told yet."""
        self._chance = Random(seed)  # noqa: S311 - chance that must repeat, not secrets
        self._messages = messages
        self._begin = until - TAIL - DAY
        self._ledger = ledger
        self._people = max(200, messages // 3)
        self._own = count(1_000_000)  # people of a story's own: nobody else's mail reaches them
        self._order = count()
        self._waiting: list[tuple[int, int, Arrival]] = []

    def arrivals(self) -> Iterator[Arrival]:
        """Yield every record in the order of its arrival."""
        told = 0
        untold = self._once_each()
        while told < self._messages:
            part = told / self._messages
            at = self._begin + self._time_of(part)
            while self._waiting and self._waiting[0][0] <= at:
                yield heapq.heappop(self._waiting)[2]
            story = untold.pop() if untold and part >= 1 - len(untold) / len(STORIES) else self._pick(part)
            told += len(story.mails)
            self._tell(story, at)
        while self._waiting:
            yield heapq.heappop(self._waiting)[2]

    def _once_each(self) -> list[Story]:
        """Return every story once, in chance order, those of unknown mails to be told first (from the end)."""
        stories = list(STORIES)
        self._chance.shuffle(stories)
        return sorted(stories, key=_of_strangers)

    def _pick(self, part: float) -> Story:
        """Return a story by its share."""
        while True:
            story = self._chance.choices(STORIES, cum_weights=_SHARES)[0]
            if part < STRANGERS_UNTIL or not _of_strangers(story):
                return story

    def _time_of(self, part: float) -> int:
        """Return when in the day (ms) this part of its mail has been sent."""
        goal = part * _BY_HOUR[-1]
        hour = next(h for h, sent in enumerate(_BY_HOUR) if goal < sent)
        inside = (goal - (_BY_HOUR[hour] - HOURS[hour])) / HOURS[hour]
        return int((hour + inside) * HOUR)

    def _tell(self, story: Story, at: int) -> None:
        """Tell one story: its records wait to arrive, its consequences are in the ledger."""
        self._ledger.stories[story.name] += 1
        stream = self._chance.choice(story.streams) if story.streams else self._any_stream()
        persons = self._persons(story, stream)
        posted, last = [], []
        for mail in story.mails:
            post = self._post(tuple(persons[number] for number in mail.to), at - mail.ago, stream)
            posted.append(post)
            last.append(self._mail(mail, post, at))
        for person, ending in zip(persons, story.endings, strict=True):
            if ending is not None and ending.reason == RELEASED:
                self._ledger.released.add(person.lower())
            elif ending is not None:
                self._ledger.suppression(person.lower(), _due(ending, posted, last, stream))

    def _any_stream(self) -> str:
        return self._chance.choices(tuple(STREAMS), tuple(STREAMS.values()))[0]

    def _persons(self, story: Story, stream: str) -> list[str]:
        """Return the story's people as SES writes their addresses; several share one mailbox provider."""
        chance = self._chance
        if story.regulars:
            hot = stream == TRACKED_STREAM and chance.random() < HOT
            return [people.HOT if hot else people.regular(chance.random(), self._people)]
        numbers = [next(self._own) for _ in story.endings]
        domain = people.own_domain_of(numbers[0])
        found = [people.at_domain(number, domain) for number in numbers]
        return [p.title() for p in found] if chance.random() < ODD_SPELLING else found

    def _post(self, recipients: tuple[str, ...], sent_at: int, stream: str) -> Posted:
        return Posted(
            message_id=ses_id("0102", sent_at, self._chance),
            sent_at=sent_at,
            recipients=recipients,
            stream=stream,
            sender=f"{stream}@{OUR_DOMAIN}",
        )

    def _mail(self, mail: Mail, post: Posted, at: int) -> int:
        """Let one mail's records wait to arrive; return when the last thing happened to it."""
        chance = self._chance
        came = max(post.sent_at, at) + chance.randint(20, 500)
        if mail.ago:
            came += chance.randint(0, 10 * MINUTE)  # old news comes in any order
        happened = heard = came_last = post.sent_at
        if mail.stand_in or (mail.known and post.stream == TRACKED_STREAM):
            self._event(Told(mail=post, said=_SENT, at=post.sent_at, about=post.recipients, feedback_id=""), came)
        for said in mail.said:
            happened = max(happened + chance.randint(*said.after), happened)
            for told in self._events(said, post, happened):
                heard = max(came, happened) + self._road()
                self._event(told, heard)
                came_last = max(came_last, heard)
            self._expect(said, post, happened, matched=mail.known or mail.stand_in)
        if mail.known:
            self._ledger.sends += 1
            sent = came_last + chance.randint(SECOND, 20 * MINUTE) if mail.early else came
            self._push(sent, Arrival(send=send_record(post, chance)))
        return happened

    def _events(self, said: Said, post: Posted, at: int) -> Iterator[Told]:
        """Yield what SES says at one moment: one event for all recipients, or one for each."""
        for about in [(r,) for r in post.recipients] if said.each else [post.recipients]:
            feedback_id = ses_id("0102", at, self._chance)
            yield Told(mail=post, said=said, at=at, about=() if said.names_nobody else about, feedback_id=feedback_id)

    def _event(self, told: Told, heard: int) -> None:
        """Let an event wait to arrive, sometimes again, and sometimes again in the other format."""
        chance = self._chance
        legacy = told.said.legacy and told.mail.stream == LEGACY_STREAM
        forms = [legacy]
        if told.said.legacy and chance.random() < IN_BOTH_FORMATS:
            forms.append(not legacy)
        if chance.random() < REPEATED:
            forms.append(legacy)
        self._ledger.feedback += len(forms)
        self._ledger.duplicates += len(forms) - 1
        for form in forms:
            self._push(heard, Arrival(text=wrapped(event_of(told, legacy=form), chance)))
            heard += self._road()

    def _road(self) -> int:
        """Return how long (ms) a record is under way: mostly a second or two, now and then minutes."""
        chance = self._chance.random()
        if chance < MOST_ROADS:
            return self._chance.randint(200, 3 * SECOND)
        return self._chance.randint(3 * SECOND, MINUTE if chance < ALL_BUT_BAD_ROADS else 10 * MINUTE)

    def _expect(self, said: Said, post: Posted, at: int, *, matched: bool) -> None:
        """Write down the outcomes that one thing said must lead to."""
        if said.means is None:
            return
        for recipient in post.recipients:
            key = OutcomeKey(post.message_id, recipient.lower(), said.means, at)
            self._ledger.outcome(key, OutcomeFlags(said.certain, matched))

    def _push(self, at: int, arrival: Arrival) -> None:
        heapq.heappush(self._waiting, (at, next(self._order), arrival))


_SENT = Said(event="Send", means=None, after=(0, 0))
_SHARES = tuple(accumulate(story.share for story in STORIES))
_BY_HOUR = tuple(accumulate(HOURS))


def _of_strangers(story: Story) -> bool:
    """Tell whether a story has a mail of which nobody tells us."""
    return any(not mail.known and not mail.stand_in for mail in story.mails)


def _due(ending: Ending, posted: list[Posted], last: list[int], stream: str) -> DueSuppression:
    """Return what is due for a person whose story ends so."""
    return DueSuppression(
        reason=ending.reason,
        scope=stream if ending.of_stream else "*",
        until=None if ending.days is None else last[ending.counted_from] + ending.days * DAY,
        evidence=frozenset(posted[number].message_id for number in ending.rests_on),
    )
