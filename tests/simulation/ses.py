"""Amazon SES, as far as a worker can tell: it takes mails or not, answers or not, and says what became of them.

What it did is written down here, apart from anything that a worker believes; the checker asks these notes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from streams.mail.address import normal_address
from streams.mail.letter import Accepted, Answer, Letter, Quota, Refused, Silent, Unsent
from tests.builders import event
from tests.simulation.loop import WORLD, Loop
from tests.simulation.stories import MINUTE, SECOND, encoded

REFUSALS = (
    ("TooManyRequestsException", "Maximum sending rate exceeded."),
    ("MessageRejected", "Email address is not verified."),
    ("InternalServiceErrorException", "Oh dear"),
)
CALL_S = 30.0


@dataclass(eq=False, slots=True)
class Call:
    """One call: when it began (ms), under which id SES took the mail if it did, and whether it said that it did not."""

    request_id: str
    attempt: int
    recipients: tuple[str, ...]
    began: int
    message_id: str | None = None
    was_denied: bool = False


class Ses:
    """Stands at the end of every road."""

    via = "API"

    def __init__(self, loop: Loop, chance: Random, publish: Callable[[str, bytes, bytes], None]) -> None:
        """Say by *publish* what becomes of mails."""
        self._loop = loop
        self._chance = chance
        self._publish = publish
        self.calls: list[Call] = []
        self._taken = 0

    async def open(self) -> None:
        """Make ready."""

    async def close(self) -> None:
        """Close."""

    async def quota(self) -> Quota | None:
        """Allow plenty."""
        return Quota(-1, 0, 50.0, sending=True)

    async def carry(self, letter: Letter) -> Answer:
        """Be called."""
        to = tuple(map(normal_address, letter.recipients))
        call = Call(letter.request_id, letter.attempt, to, self._loop.now)
        self.calls.append(call)
        heard: asyncio.Future[Answer] = self._loop.create_future()
        self._loop.call_later(self._chance.random() * 0.2, self._receive, letter, call, heard, context=WORLD)
        try:
            async with asyncio.timeout(CALL_S):
                answer = await heard
        except TimeoutError:
            return Silent("timeout", self._loop.now)
        call.was_denied = isinstance(answer, Refused | Unsent)
        return answer

    def _receive(self, letter: Letter, call: Call, heard: asyncio.Future[Answer]) -> None:
        mood = self._chance.random()
        if mood < 0.85:
            answer: Answer = self._accept(letter, call)
            if mood < 0.07:
                return  # and the answer is lost
        elif mood < 0.88:
            return  # lost on the way
        elif mood < 0.91:
            answer = Unsent("connection", self._loop.now)
        else:
            answer = Refused(*self._chance.choice(REFUSALS), self._loop.now)
        self._loop.call_later(
            self._chance.random() * 0.2, lambda: None if heard.done() else heard.set_result(answer), context=WORLD
        )

    def _accept(self, letter: Letter, call: Call) -> Accepted:
        now = self._loop.now
        self._taken += 1
        call.message_id = f"0103-{self._taken:06}"
        tags = {name: [value] for name, value in letter.tags.items()}
        mail = {"tags": tags, "destination": list(call.recipients), "sent_at": now, "source": letter.from_address}
        if self._chance.random() < 0.9:
            self._tell(event("SEND", call.message_id, *call.recipients, occurred_at=now, **mail), SECOND)
        for recipient in call.recipients:
            self._befall(call.message_id, recipient, mail)
        return Accepted(call.message_id, now)

    def _befall(self, message_id: str, recipient: str, mail: dict[str, Any]) -> None:
        """Decide what becomes of a mail for one recipient, and say so in a while."""
        chance, after = self._chance.random(), self._chance.randrange(SECOND, 3 * MINUTE)
        at = self._loop.now + after
        dsn = {"status": "4.2.2", "action": "failed", "diagnostic": "smtp; 452 no", "written": None}
        soft: dict[str, Any] = {"recipients": [{"address": recipient, **dsn}], "bounce_type": "Transient"}

        def tell(kind: str, **fields: Any) -> None:
            self._tell(event(kind, message_id, recipient, occurred_at=at, **{**mail, **fields}), after)

        if chance < 0.15:
            tell("BOUNCE", bounce_subtype=self._chance.choice(["General", "MailboxFull", "MessageTooLarge"]), **soft)
        elif chance < 0.2:
            tell("DELIVERY")
            tell("BOUNCE", bounce_type="Transient", bounce_subtype="General")
        else:
            tell("DELIVERY")

    def _tell(self, record: dict[str, Any], after: int) -> None:
        """Publish an event a while later, now and then twice; SES promises no order."""
        key, value = record["message_id"].encode(), encoded("mail.Feedback", record)
        for _ in range(2 if self._chance.random() < 0.1 else 1):
            late = (after + self._chance.randrange(10 * SECOND)) / 1000
            self._loop.call_later(late, self._publish, "feedback", key, value, context=WORLD)
