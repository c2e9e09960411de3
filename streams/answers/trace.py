"""The life of one mail: from what is stored of it, and the records found of it, to a timeline with a rule at each step.

What is stored says how far the mail got, and which facts were heard; so it is known whether all of them were found.
Pure: time is an argument, and all that was read is handed in. Who reads is emit/windows.py, what for search.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from streams.answers import sayings
from streams.answers.ahead import ahead
from streams.answers.follows import Consequences, Follows
from streams.answers.model import Trace
from streams.answers.rehearsal import NOWHERE, Rehearsal, Rehearsed, Told
from streams.answers.rules import Rules
from streams.answers.said import minute, moment
from streams.answers.steps import Concluded, Furthest, Place, Search, Step, StepKind
from streams.errors import Unusable
from streams.mail.address import normal_address, normal_message_id
from streams.mail.found import Found
from streams.mail.life import Life, Reached
from streams.mail.outcome import OutcomeKind
from streams.mail.policy import Policy
from streams.schemas.codec import Codec
from streams.state.lives import unpack_life


def trace(  # noqa: PLR0913, PLR0917 - all that an answer is made of, by the names that everybody uses for it
    message_id: str, stored: bytes | None, records: Sequence[Found], policy: Policy, now: int, codec: Codec
) -> Trace:
    """Return the life of a mail at *now* (ms).

    *stored* is the value of the table `lives` under the message id in normal form; None where there is none. *records*
    may hold more than this mail's, and the same one twice.
    """
    message_id = normal_message_id(message_id)
    life = None if stored is None else unpack_life(stored)
    heard = Rehearsal(message_id, codec, policy).run(life, records, now)
    return _Tracing(message_id, life, heard, policy, codec).answer(records, now)


class _Tracing:
    """Puts one answer together."""

    def __init__(self, message_id: str, life: Life | None, heard: Rehearsed, policy: Policy, codec: Codec) -> None:
        """Take what is remembered, and what was heard once more."""
        self._message_id, self._life, self._heard, self._policy, self._codec = message_id, life, heard, policy, codec
        self._rules = Rules(policy)
        self._consequences = Consequences(codec, policy, self._rules)
        known = life or heard.life
        self._reached: dict[str, Reached] = {} if known is None else known.reached
        self._send: dict[str, Any] | None = None
        if known is not None and known.send is not None:
            self._send = codec.decode("mail.Send", known.send)
        self._planned: dict[str, Follows] = {}

    def answer(self, records: Sequence[Found], now: int) -> Trace:
        """Return the answer."""
        send, known = self._send, self._life or self._heard.life
        steps = [*self._told(self._aside(records)), *self._beside(records), *self._silence()]
        steps.sort(key=lambda step: (step.at, _ORDER.index(step.kind), step.arrived_at or step.at))
        return Trace(
            message_id=self._message_id,
            asked_at=moment(now),
            known=self._life is not None or bool(self._heard.told),
            answer=self._answer(),
            request_id=None if send is None else send["request_id"],
            attempt=None if send is None else send["attempt"],
            stream=None if send is None else send["stream"],
            from_address=None if send is None else send["from_address"],
            recipients=() if send is None else tuple(map(normal_address, send["recipients"])),
            via=None if send is None else send["via"],
            sent_at=None if send is None else moment(send["sent_at"]),
            matched=send is not None,
            stand_in=known is not None and known.stand_in,
            steps=tuple(steps),
            furthest=tuple(
                Furthest(recipient=who, kind=far.kind, at=moment(far.at)) for who, far in sorted(self._reached.items())
            ),
            search=self._search(),
            ahead=tuple(ahead(known, self._planned, self._policy, self._rules, now)),
            others=self._others(records),
        )

    def _aside(self, records: Sequence[Found]) -> set[tuple[str, int, int]]:
        """Return of which records there is a dead letter, by the end of the topic's name, partition and offset."""
        letters = (self._read("mail.DeadLetter", one) for one in records if one.topic == "dead-letters")
        return {
            (one["topic"].rpartition(".")[2], one["partition"], one["offset"]) for one in letters if one is not None
        }

    def _told(self, aside: set[tuple[str, int, int]]) -> Iterator[Step]:
        """Yield a step for each send and each event; what a dead letter tells of is not told twice."""
        for told in self._heard.told:
            if told.rule == "unusable":
                if (told.found.topic, told.found.partition, told.found.offset) in aside:
                    continue
                yield self._step(StepKind.DEAD_LETTER, told.found.at, f"set aside: {told.detail}", told)
            elif told.found.topic == "sends":
                yield self._step(StepKind.SENT, told.says["sent_at"], sayings.sent(told.says), told)
            else:
                concluded = tuple(self._concluded(outcome) for outcome in told.outcomes)
                step = self._step(StepKind.SES_SAID, told.says["occurred_at"], sayings.event(told.says), told)
                yield step.model_copy(update={"concluded": concluded})

    def _step(self, kind: StepKind, at: int, says: str, told: Told) -> Step:
        """Return a step of what was heard."""
        found = told.found
        if found.offset == NOWHERE:
            return Step(at=moment(at), kind=kind, says=says, because=self._rules(told.rule))
        return Step(
            at=moment(at),
            arrived_at=moment(found.at),
            kind=kind,
            says=says,
            because=self._rules(told.rule),
            place=_place(found),
        )

    def _concluded(self, outcome: dict[str, Any]) -> Concluded:
        """Return what an event says of one recipient."""
        here = Reached(OutcomeKind(outcome["kind"]), outcome["occurred_at"])
        far = self._reached.get(outcome["recipient"])
        follows = self._consequences.of(outcome)
        if follows.retry is not None:
            self._planned[outcome["recipient"]] = follows
        because = sayings.reading(outcome, self._rules)
        weaker = far is not None and far != here
        says = (self._rules("further", further=far.kind, here=here.kind).says,) if far is not None and weaker else ()
        return Concluded(
            recipient=outcome["recipient"],
            kind=here.kind,
            reason=outcome["reason"],
            certain=outcome["certain"],
            status=outcome["status"],
            matched=outcome["matched"],
            outcome_id=outcome["outcome_id"],
            furthest=not weaker,
            because=because,
            follows=(*follows.says, *says),
        )

    def _beside(self, records: Sequence[Found]) -> Iterator[Step]:
        """Yield a step for each request, retry and dead letter of this mail."""
        met = set[tuple[str, int, int]]()
        for one in records:
            place = one.topic, one.partition, one.offset
            if one.topic in _BESIDE and place not in met:
                met.add(place)
                name, kind, time, words, rule = _BESIDE[one.topic]
                says = self._read(name, one)
                if says is not None and self._is_ours(one, says):
                    yield Step(
                        at=moment(says[time]),
                        arrived_at=moment(one.at) if one.at else None,
                        kind=kind,
                        says=words(says),
                        because=self._rules(rule),
                        place=_place(one),
                    )

    def _is_ours(self, one: Found, says: dict[str, Any]) -> bool:
        """Tell whether a record beside the join is about this mail."""
        send = self._send
        if one.topic == "dead-letters":
            return True  # found by the message id within its bytes
        if send is None or says["request_id"] != send["request_id"]:
            return False
        if one.topic == "send-requests":
            return True
        return self._message_id == says["message_id"] or bool(send["attempt"] == says["attempt"])

    def _others(self, records: Sequence[Found]) -> tuple[str, ...]:
        """Return the message ids of the request's other attempts, by their retries and their outcomes."""
        request_id = None if self._send is None else self._send["request_id"]
        found = set[str]()
        for one in records:
            name = {"retries": "mail.Retry", "outcomes": "mail.Outcome"}.get(one.topic)
            says = None if name is None or not request_id else self._read(name, one)
            if says is not None and says["request_id"] == request_id and says["message_id"]:
                found.add(says["message_id"])
        return tuple(sorted(found - {self._message_id}))

    def _read(self, name: str, one: Found) -> dict[str, Any] | None:
        """Return what a record says; None where it cannot be read."""
        try:
            return self._codec.decode(name, one.value or b"")
        except Unusable:
            return None

    def _silence(self) -> Iterator[Step]:
        """Yield the step at which silence was counted."""
        at = self._heard.silent_at
        if at is not None and (self._life is None or self._life.counted):
            words = "SES has said nothing of what became of it: counted as unanswered"
            yield Step(at=moment(at), kind=StepKind.SILENCE, says=words, because=self._rules("silence"))

    def _search(self) -> Search:
        """Return which facts were found of those that were heard."""
        found = frozenset[bytes]() if self._heard.life is None else self._heard.life.seen
        if self._life is None:
            words = f"nothing is remembered of it; {len(found)} facts found" if found else "nothing is remembered of it"
            return Search(heard=0, found=len(found), complete=False, says=words)
        heard = self._life.seen
        complete = heard <= found
        words = f"{len(heard & found)} of {len(heard)} facts found"
        lost = "; the others lie outside of the times looked at (--deep reads all that is kept), or are kept no more"
        says = words if complete else words + lost
        return Search(heard=len(heard), found=len(heard & found), complete=complete, says=says)

    def _answer(self) -> str:
        """Return the answer in a sentence."""
        if self._life is None and not self._heard.told:
            return "Nothing is known of it: it was never heard of, or it is forgotten."
        send = self._send
        begun = "No Send of it is known" if send is None else f"Handed to SES {minute(send['sent_at'])}"
        kinds = Counter(far.kind.value for far in self._reached.values())
        far = ", ".join(f"{kind} for {count}" for kind, count in sorted(kinds.items()))
        silent = max(0, len(send["recipients"]) - len(self._reached)) if send is not None else 0
        if not far:
            return f"{begun}; nothing is known of what became of it."
        return f"{begun}: {far}{f', nothing known of {silent}' if silent else ''}."


_ORDER = (
    StepKind.REQUESTED,
    StepKind.RETRY_DUE,
    StepKind.SENT,
    StepKind.SES_SAID,
    StepKind.DEAD_LETTER,
    StepKind.SILENCE,
)
"""What comes first of what happened at the same time."""

_BESIDE: dict[str, Any] = {
    "send-requests": ("mail.SendRequest", StepKind.REQUESTED, "requested_at", sayings.requested, "requested"),
    "retries": ("mail.Retry", StepKind.RETRY_DUE, "due_at", sayings.retried, "retry-due"),
    "dead-letters": ("mail.DeadLetter", StepKind.DEAD_LETTER, "at", sayings.set_aside, "unusable"),
}


def _place(found: Found) -> Place:
    return Place(topic=found.topic, partition=found.partition, offset=found.offset)
