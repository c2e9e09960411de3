"""Where mail is handed in, by whichever door: the account's rules, the trouble of the day, and what follows.

Both doors ask the desk and put its answer in their own words. It knows the time and the conditions; it waits where an
answer is to take time, and does nothing else that a test could not do in its head.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from streams.simulator.account import Account
from streams.simulator.fates import MAILBOX, Event, Memory
from streams.simulator.ids import chance
from streams.simulator.life import Happening, happenings
from streams.simulator.mail import Mail, Submission, bare, domain_of
from streams.simulator.refusals import BROKEN, TOO_FAST, No, Refusal
from streams.simulator.suppressed import Suppressed
from streams.simulator.words import Conditions, SimulatorSettings


class Silence(Enum):
    """No answer at all."""

    SILENCE = auto()


Answer = str | Refusal | Silence
"""A message id, a refusal, or nothing."""

Tell = Callable[[Mail, list[Happening]], None]
"""Whoever is to tell what will happen to a mail."""


class Sent(NamedTuple):
    """What is remembered of an accepted mail."""

    message_id: str
    at: int
    sender: str
    recipients: tuple[str, ...]
    tags: dict[str, str]
    via: str
    answered: bool


class Desk:
    """Takes mail. Create it within the loop that it works in."""

    def __init__(self, settings: SimulatorSettings, clock: Callable[[], int], tell: Tell) -> None:
        """Begin with a clean account; *clock* gives ms since the epoch, *tell* hears of every accepted mail."""
        self._settings, self._clock, self._tell = settings, clock, tell
        self.reset()

    def reset(self) -> None:
        """Forget everything, and go back to the conditions of the start."""
        self.conditions: Conditions = self._settings.conditions
        self.account = Account(self._settings)
        self.sent: deque[Sent] = deque(maxlen=self._settings.remember)
        self.refused: Counter[str] = Counter()
        self._memory = Memory()
        self._asked = 0

    def now(self) -> int:
        """Return the time, in ms since the epoch."""
        return self._clock()

    async def hand_in(self, made: Callable[[], Submission]) -> Answer:
        """Take a mail, and return the answer when it is time; what *made* refuses is refused here."""
        conditions = self.conditions
        if conditions.latency_ms:
            await asyncio.sleep(conditions.latency_ms / 1000)
        answer = self._decide(made, self.conditions)
        if isinstance(answer, Refusal):
            self.refused[answer.code] += 1
        return answer

    def _decide(self, made: Callable[[], Submission], conditions: Conditions) -> Answer:
        """Return the answer to one mail, and let what follows be told."""
        self._asked += 1
        if self._draws("throttle", conditions.throttle):
            return TOO_FAST
        if self._draws("fail", conditions.fail):
            return BROKEN
        try:
            mail = self.account.take(made(), self.now(), conditions)
        except No as no:
            return no.refusal
        silent, doubtful = self._draws("hang", conditions.hang), self._draws("fail after", conditions.fail_after)
        self._accepted(mail, conditions, answered=not (silent or doubtful))
        if silent:
            return Silence.SILENCE
        return BROKEN if doubtful else mail.message_id

    def _draws(self, what: str, ratio: float) -> bool:
        """Return whether the request that is asked now meets with *what*."""
        return ratio > 0 and chance(self._settings.seed, self._asked, what) < ratio

    def _accepted(self, mail: Mail, conditions: Conditions, *, answered: bool) -> None:
        """Remember a mail, and let its life begin."""
        submission = mail.submission
        sender, tags = bare(submission.sender), dict(submission.tags)
        self.sent.append(
            Sent(mail.message_id, mail.at, sender, submission.recipients, tags, submission.via.value, answered)
        )
        settings = self._settings
        follows = happenings(mail, self._memory, conditions, settings.seed, send_event=settings.send_events)
        if settings.suppress:
            self._suppress(mail, follows)
        self._tell(mail, follows)

    def _suppress(self, mail: Mail, follows: list[Happening]) -> None:
        """Put hard bounces and complaints on the account's list, as SES does by itself."""
        for one in follows:
            hard = one.turn.event is Event.BOUNCE and one.turn.bounce == ("Permanent", "General")
            complained = one.turn.event is Event.COMPLAINT and one.turn.complaint != "not-spam"
            if hard or complained:
                reason = "BOUNCE" if hard else "COMPLAINT"
                for address in one.about:
                    if domain_of(address) != MAILBOX:
                        entry = Suppressed(address, reason, one.at, mail.message_id, one.feedback_id)
                        self.account.suppressed.put(entry)
