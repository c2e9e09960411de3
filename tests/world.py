"""A world in memory, for tests of all three hops at once: topics that delay and repeat, an SES with moods, and deaths.

Everything that happens has a time, and the world goes from one to the next: a record reaches a hop, a timer fires, SES
answers, an event of SES arrives. Chance comes from one seed. What is checked at the end is asked of this world's own
notes (what SES accepted, what it said of it), never of the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple

from streams.dispatch.breaker import Breaker
from streams.dispatch.by_request import ByRequest
from streams.dispatch.gate import Globals
from streams.dispatch.pace import Pace
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.mail.address import normal_address
from streams.mail.letter import Accepted, Answer, Letter, Quota, Refused, Silent, Unsent
from streams.mail.policy import BreakerPolicy
from streams.pipeline import Chunk, Effects, Hop
from streams.state.memory import MemoryTable
from tests.builders import CODEC, DAY, NOON, POLICY, event

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
HOP_OF = {
    "send-requests": 0,
    "settlements": 0,
    "retries": 0,
    "sends": 1,
    "feedback": 1,
    "outcomes": 2,
    "instructions": 2,
}
COMPACTED = {
    "suppressions": "mail.Suppression",
    "loops": "mail.LoopFlag",
    "waiting": "mail.Waiting",
    "pauses": "mail.Pause",
}
ENDS = {
    "DELIVERED",
    "HARD_BOUNCED",
    "SOFT_BOUNCED",
    "COMPLAINED",
    "REJECTED",
    "AUTO_REPLIED",
    "FAILED",
    "SUPPRESSED",
    "LOOPING",
    "EXPIRED",
}
REFUSALS = (
    ("TooManyRequestsException", "Maximum sending rate exceeded."),
    ("MessageRejected", "Email address is not verified."),
    ("InternalServiceErrorException", "Oh dear"),
    ("SendingPausedException", "Sending paused for this account."),
    ("LimitExceededException", "Daily message quota exceeded."),
    ("SomethingNew", "of which nobody has heard"),
)


class Ask(NamedTuple):
    """A request that somebody makes; *answers*: it answers a mail itself. It is published *copies* times."""

    number: int
    to: tuple[str, ...]
    after_s: int
    answers: bool
    copies: int

    @property
    def request_id(self) -> str:
        """What it is called."""
        return f"ask {self.number}"


class Carried(NamedTuple):
    """A letter that was handed to SES, and whether SES took it and whether anybody heard so."""

    at: int
    letter: Letter
    accepted: bool
    heard: bool


class World:
    """One world; `live` lets it run until nothing more can happen."""

    def __init__(self, seed: int, deaths: float = 0.0) -> None:
        """Begin at noon. *deaths*: how often a worker dies while a call is under way."""
        self.seed, self.deaths = seed, deaths
        self.machines = 0.15
        self.now = NOON
        self.carried: list[Carried] = []
        self.outcomes: list[dict[str, Any]] = []
        self.answered: dict[tuple[str, str], int] = {}
        self.settled: dict[tuple[str, int, str], int] = {}
        self.dead_letters = 0
        self.waiting_said: dict[bytes, dict[str, Any]] = {}
        self._chance = Random(seed)
        self._compacted: dict[str, dict[bytes, bytes]] = {role: {} for role in COMPACTED}
        self._asked: set[tuple[str, str]] = set()
        self._failed_once: set[tuple[str, str]] = set()
        self._against: list[str] = []
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._messages = 0
        self._tables = (MemoryTable(), MemoryTable(), MemoryTable())
        self._hops: tuple[Hop, ...] = ()
        self._start_worker()

    def __repr__(self) -> str:
        """Return how to make it again."""
        return f"World(seed={self.seed}, deaths={self.deaths})"

    def live(self, asked: list[Ask], days: int = 20) -> None:
        """Ask, and let *days* pass."""
        for ask in asked:
            for copy in range(ask.copies):
                at = NOON + ask.after_s * SECOND + copy * self._chance.randrange(2 * HOUR)
                self._at(at, lambda ask=ask: self._publish_request(ask))  # type: ignore[misc]  # mypy loses a default
        self.run(NOON + days * DAY)

    def ask_again(self, asked: list[Ask]) -> None:
        """Ask for everything once more, under the same ids, as the next attempt."""
        for ask in asked:
            self._publish_request(ask, attempt=7)
        self.run(self.now + 3 * DAY)

    def run(self, until: int) -> None:
        """Go from event to event up to *until*."""
        while True:
            dues = [due for table in self._tables if (due := table.next_due()) is not None]
            timer = min(dues, default=until + 1)
            arrival = self._queue[0][0] if self._queue else until + 1
            if min(timer, arrival) > until:
                self.now = until
                return
            if arrival <= timer:
                self.now, _, action = heappop(self._queue)
                action()
            else:
                self.now = max(self.now, timer)
                number = next(n for n, table in enumerate(self._tables) if table.next_due() == timer)
                table = self._tables[number]
                self._carry_out(number, self._hops[number].wake(table.take_due(), table.recall, self.now))

    # What was promised.

    def sent_too_often(self) -> list[str]:
        """Return who got one attempt of a request more often than calls of unknown end can excuse."""
        accepted, unheard = Counter[tuple[str, int, str]](), Counter[tuple[str, int, str]]()
        for one in self.carried:
            for recipient in one.letter.recipients:
                name = (one.letter.request_id, one.letter.attempt, normal_address(recipient))
                accepted[name] += one.accepted
                unheard[name] += not one.heard
        return [f"{name}: {count}" for name, count in accepted.items() if count > 1 + unheard[name]]

    def sent_again_too_soon(self) -> list[str]:
        """Return who was sent an attempt again though SES had not been given its time to say that it has the last."""
        last: dict[tuple[str, int, str], Carried] = {}
        found = []
        for one in self.carried:
            for recipient in one.letter.recipients:
                name = (one.letter.request_id, one.letter.attempt, normal_address(recipient))
                was = last.get(name)
                said = self.settled.get(name, one.at)
                if was is not None and not was.heard and (one.at < was.at + POLICY.dispatch.doubt or said < one.at):
                    found.append(f"{name}: after {one.at - was.at} ms")
                last[name] = one
        return found

    def without_end(self) -> list[tuple[str, str]]:
        """Return which request has no end for which recipient, and does not wait for a time either."""
        ended = {(one["request_id"], one["recipient"]) for one in self.outcomes if one["kind"] in ENDS}
        waits = {
            (retry["request_id"], said["recipient"]) for said in self.waiting_said.values() for retry in said["retries"]
        }
        return sorted(self._asked - ended - waits)

    def sent_against_the_list(self) -> list[str]:
        """Return who was written to while dispatch could read that they must not be."""
        return self._against

    def retried_for_somebody_else(self) -> list[str]:
        """Return who was sent a retry though nothing of that request had bounced or been refused for them."""
        return [
            f"{one.letter.request_id}/{one.letter.attempt}"
            for one in self.carried
            if one.letter.attempt in range(2, 7)
            and not all((one.letter.request_id, normal_address(r)) in self._failed_once for r in one.letter.recipients)
        ]

    def sent_after_a_machine_answered(self) -> list[str]:
        """Return what was sent again to whom after dispatch had been told that a machine answered it."""
        return [
            f"{one.letter.request_id}/{one.letter.attempt}"
            for one in self.carried
            for recipient in one.letter.recipients
            if self.answered.get((one.letter.request_id, normal_address(recipient)), one.at) < one.at
        ]

    def broken_records(self) -> int:
        """Return how many records of ours a hop could not use."""
        return self.dead_letters

    # How it goes on.

    def _start_worker(self) -> None:
        """Start all hops anew, over the tables as they are."""
        pace = Pace(None, 8)
        pace.learned(Quota(-1, 0, 50.0, sending=True), self.now)
        tables = Globals(**{role: self._reader(role) for role in COMPACTED})
        hop = ByRequest(CODEC, POLICY, {}, _Ses(self), pace, tables, Breaker(BreakerPolicy()))
        hop.shared(1.0)
        self._hops = (hop, ByMessage(CODEC, POLICY.join), ByRecipient(CODEC, POLICY))
        self._worker = object()

    def _reader(self, role: str) -> Callable[[Any], list[bytes | None]]:
        return lambda keys: [self._compacted[role].get(key) for key in keys]

    def _at(self, at: int, action: Callable[[], None]) -> None:
        self._count += 1
        heappush(self._queue, (at, self._count, action))

    def _publish_request(self, ask: Ask, attempt: int = 1) -> None:
        self._asked.update((ask.request_id, recipient) for recipient in ask.to)
        record = {
            "request_id": ask.request_id,
            "attempt": attempt,
            "stream": "receipts",
            "requested_at": self.now,
            "from_address": "Shop <shop@example.net>",
            "to": list(ask.to),
            "in_reply_to": "<question@example.org>" if ask.answers else None,
            "content": ("mail.Simple", {"subject": "s", "text": "t", "html": None}),
        }
        self._publish("send-requests", ask.request_id.encode(), CODEC.encode("mail.SendRequest", record))

    def _publish(self, role: str, key: bytes, value: bytes | None) -> None:
        """Put a record on a topic; whoever reads it gets it a little later, now and then twice."""
        if role in COMPACTED:
            self._keep(role, key, value)
            return
        if role == "dead-letters":
            self.dead_letters += 1
            return
        if role == "outcomes" and value is not None:
            self.outcomes.append(CODEC.decode("mail.Outcome", value))
            self._note_failure(self.outcomes[-1])
        for _ in range(2 if self._chance.random() < 0.05 else 1):
            self._at(self.now + self._chance.randrange(1, 3 * SECOND), lambda: self._deliver(role, key, value))

    def _keep(self, role: str, key: bytes, value: bytes | None) -> None:
        """Put a record on a compacted topic; dispatch sees it at once."""
        if value is None:
            self._compacted[role].pop(key, None)
        else:
            self._compacted[role][key] = value
        if role == "waiting":
            if value is None:
                self.waiting_said.pop(key, None)
            else:
                self.waiting_said[key] = CODEC.decode("mail.Waiting", value)

    def _note_failure(self, outcome: dict[str, Any]) -> None:
        if outcome["kind"] in ("SOFT_BOUNCED", "FAILED") and outcome["request_id"] is not None:
            self._failed_once.add((outcome["request_id"], outcome["recipient"]))

    def _deliver(self, role: str, key: bytes, value: bytes | None) -> None:
        number = HOP_OF[role]
        if role == "settlements" and value is not None:
            said = CODEC.decode("mail.Settlement", value)
            if said["kind"] == "AUTO_REPLIED":
                self.answered.setdefault((said["request_id"], said["recipient"]), self.now)
            for recipient in said["recipients"]:
                self.settled.setdefault((said["request_id"], said["attempt"], recipient), self.now)
        chunk = Chunk(topic=role, partition=0, keys=[key], values=[value], offsets=[0])
        self._carry_out(number, self._hops[number].work(chunk, self._tables[number].recall, self.now))

    def _carry_out(self, number: int, effects: Effects) -> None:
        """Do what the engine does: outputs, then state, then errands."""
        self._tell_topics(effects)
        self._tables[number].apply(effects)
        for errand in effects.errands:
            worker = self._worker
            answer = _result(errand.run())
            after = self._chance.randrange(5, 2 * SECOND)
            dies = self._chance.random() < self.deaths
            last = self.carried[-1]
            self.carried[-1] = last._replace(heard=last.heard and not dies)
            self._at(self.now + after, lambda w=worker, e=errand, a=answer, d=dies: self._end(w, e, a, dies=d))  # type: ignore[misc]  # mypy loses a default

    def _tell_topics(self, effects: Effects) -> None:
        for role, batch in effects.outputs.items():
            for key, value in zip(batch.keys, batch.values, strict=True):
                self._publish(role, key, value)

    def _end(self, worker: object, errand: Any, answer: Answer, *, dies: bool) -> None:
        """A call is over: its worker hears of it, or dies just before."""
        if worker is not self._worker:
            index = next(i for i, one in enumerate(self.carried) if one.letter is errand.letter)
            self.carried[index] = self.carried[index]._replace(heard=False)
            return
        if dies:
            if self._chance.random() < 0.5:  # after its outputs are durable, and before its state is
                effects = self._hops[0].heard([(errand.key, answer)], self._tables[0].recall, self.now)  # type: ignore[attr-defined]  # hop 0 acts
                self._tell_topics(effects)
            self._start_worker()
            return
        errand.over()
        hop: Any = self._hops[0]
        self._carry_out(0, hop.heard([(errand.key, answer)], self._tables[0].recall, self.now))

    # SES.

    def carry(self, letter: Letter) -> Answer:
        """Be SES: take a letter or do not, and let things follow."""
        self._check_list(letter)
        mood = self._chance.random()
        if mood < 0.75:
            return self._accept(letter, heard=True)
        if mood < 0.80:
            self._accept(letter, heard=False)
            return Silent("timeout", self.now)
        if mood < 0.84:
            self.carried.append(Carried(self.now, letter, accepted=False, heard=False))
            return Silent("connection", self.now)
        self.carried.append(Carried(self.now, letter, accepted=False, heard=True))
        if mood < 0.88:
            return Unsent("connection", self.now)
        return Refused(*self._chance.choice(REFUSALS), self.now)

    def _accept(self, letter: Letter, *, heard: bool) -> Accepted:
        self._messages += 1
        message_id = f"0102-{self._messages:06}-000000"
        self.carried.append(Carried(self.now, letter, accepted=True, heard=heard))
        tags = {name: [value] for name, value in letter.tags.items()}
        to = [normal_address(r) for r in letter.recipients]
        mail = {"tags": tags, "destination": to, "sent_at": self.now, "source": letter.from_address}
        if self._chance.random() < 0.9:
            self._tell(event("SEND", message_id, *to, occurred_at=self.now, **mail), SECOND)
        for recipient in to:
            self._befall(message_id, recipient, mail)
        return Accepted(message_id, self.now)

    def _befall(self, message_id: str, recipient: str, mail: dict[str, Any]) -> None:
        """Decide what becomes of a mail for one recipient, and let SES tell it."""
        chance, after = self._chance.random(), self._chance.randrange(SECOND, 4 * HOUR)
        dsn = {"status": "4.2.2", "action": "failed", "diagnostic": "smtp; 452 no", "written": None}
        soft: dict[str, Any] = {"recipients": [{"address": recipient, **dsn}], "bounce_type": "Transient"}
        at = self.now + after

        def tell(kind: str, at: int = at, **fields: Any) -> None:
            self._tell(event(kind, message_id, recipient, occurred_at=at, **{**mail, **fields}), at - self.now + MINUTE)

        if chance < self.machines:
            tell("DELIVERY")
            tell("BOUNCE", at + SECOND, bounce_type="Transient", bounce_subtype="General")
        elif chance < self.machines + 0.15:
            tell("BOUNCE", bounce_subtype=self._chance.choice(["General", "MailboxFull", "MessageTooLarge"]), **soft)
        elif chance < self.machines + 0.2:
            tell("DELIVERY_DELAY", delay_type="MailboxFull")
            tell("BOUNCE", at + HOUR, bounce_subtype="General", **soft)
            if self._chance.random() < 0.5:
                tell("BOUNCE", at + 2 * HOUR, bounce_type="Transient", bounce_subtype="General")  # and a machine, too
        elif chance < self.machines + 0.23:
            tell("BOUNCE", bounce_type="Permanent", bounce_subtype="General")
        elif chance < self.machines + 0.25:
            tell("DELIVERY")
            tell("COMPLAINT", at + HOUR, complaint_type="abuse")
        else:
            tell("DELIVERY")

    def _tell(self, record: dict[str, Any], after: int) -> None:
        """Publish an event of SES a while later; SES promises no order."""
        value = CODEC.encode("mail.Feedback", record)
        at = self.now + after + self._chance.randrange(30 * SECOND)
        self._at(at, lambda: self._publish("feedback", record["message_id"].encode(), value))

    def _check_list(self, letter: Letter) -> None:
        """Note who is written to although the list that dispatch reads says not to."""
        for recipient in map(normal_address, letter.recipients):
            value = self._compacted["suppressions"].get(recipient.encode())
            if value is None:
                continue
            said = CODEC.decode("mail.Suppression", value)
            if said["scope"] == "*" and (said["until"] is None or said["until"] > self.now):
                self._against.append(f"{letter.request_id} to somebody, {said['reason']}")


def _result(call: Coroutine[Any, Any, Any]) -> Any:
    """Return what a call comes to that never waits: this world has its own time, and needs no loop."""
    try:
        call.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a call to this world's SES waits for something")


class _Ses:
    """The road to this world's SES."""

    via = "API"

    def __init__(self, world: World) -> None:
        """Lead to *world*."""
        self._world = world

    async def open(self) -> None:
        """Make ready."""

    async def close(self) -> None:
        """Close."""

    async def carry(self, letter: Letter) -> Answer:
        """Hand a letter over."""
        return self._world.carry(letter)

    async def quota(self) -> Quota | None:
        """Say what is allowed."""
        return Quota(-1, 0, 50.0, sending=True)
