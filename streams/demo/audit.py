"""What did come out, record by record, held against the ledger; and at the end what is missing and what is wrong.

Records come in as bytes from wherever they were read; they are decoded by the schemas, never by the product's hops.
At least once is the product's promise for topics, effectively once for their meaning: so a repeat of an outcome is
known by its id and only counted, while the same outcome under a second id is wrong.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from streams.demo.ledger import DueLetter, DueSuppression, Ledger, OutcomeFlags, OutcomeKey
from streams.errors import Unusable
from streams.schemas.codec import Codec

WHOLE_EVERY = 50
"""Of the deliveries each n-th is decoded whole, embedded send and feedback included; of the other outcomes, all."""

LAST = 6


class Thing(StrEnum):
    """What is reconciled."""

    OUTCOME = "outcomes"
    SUPPRESSION = "suppressions"
    LETTER = "dead letters"
    REQUEST = "requests"
    """Of the closed loop, a recipient each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is lost or wrong, in words for people; the addresses of a demo day are invented."""

    thing: Thing
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How the reconciliation ended: due and found counts for each thing, and every fault."""

    due: Counter[Thing]
    found: Counter[Thing]
    lost: tuple[Fault, ...]
    wrong: tuple[Fault, ...]

    @property
    def good(self) -> bool:
        """True where nothing is lost and nothing is wrong."""
        return not self.lost and not self.wrong


@dataclass(slots=True)
class Seen:
    """What has come out so far, for the view: counts, and the latest suppressions.

    bounced: hard bounces as SES counts them, so without those on the account's own list. complained: message ids.
    unmatched: outcomes whose send was not found. repeats: outcomes that were written again.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    bounced: int = 0
    complained: set[str] = field(default_factory=set)
    unmatched: int = 0
    repeats: int = 0
    latest: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LAST))


class Audit:
    """Takes every record of the three topics of results and says what is lost and what is wrong."""

    def __init__(self, ledger: Ledger, codec: Codec) -> None:
        """Prepare the readers; the ledger may still grow."""
        self._ledger = ledger
        self._read = codec.prefix_reader("mail.Outcome", "written")
        self._codec = codec
        self._ids: set[str] = set()
        self._found: set[OutcomeKey] = set()
        self._wrong: list[Fault] = []
        self._standing: dict[str, dict[str, Any] | None] = {}
        self._letters: Counter[DueLetter] = Counter()
        self._positions: set[tuple[str, int, int]] = set()
        self.seen = Seen()

    def outcome(self, value: bytes | None) -> None:
        """Take one record of ses.outcomes."""
        try:
            record = self._read(value or b"")
            if record["kind"] != "DELIVERED" or len(self._ids) % WHOLE_EVERY == 0:
                self._codec.decode("mail.Outcome", value or b"")
        except Unusable as why:
            if not any(value == letter.value for letter in self._ledger.letters):  # the demo's own broken records
                self._fault(Thing.OUTCOME, f"an outcome that cannot be read: {why}")
            return
        if record["outcome_id"] in self._ids:
            self.seen.repeats += 1
            return
        self._ids.add(record["outcome_id"])
        self._count(record)
        self._compare(record)

    def suppression(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record of ses.suppressions; a null releases."""
        recipient = (key or b"").decode(errors="replace")
        try:
            record = None if value is None else self._codec.decode("mail.Suppression", value)
        except Unusable as why:
            self._fault(Thing.SUPPRESSION, f"a suppression that cannot be read: {why}")
            return
        if record is not None and record["recipient"] != recipient:
            self._fault(Thing.SUPPRESSION, f"{recipient}: the record is about {record['recipient']}")
        self._standing[recipient] = record
        self.seen.latest.append({"recipient": recipient, "reason": "released"} if record is None else record)

    def letter(self, value: bytes | None) -> None:
        """Take one record of ses.dead-letters; the same position twice is one letter."""
        try:
            record = self._codec.decode("mail.DeadLetter", value or b"")
        except Unusable as why:
            self._fault(Thing.LETTER, f"a dead letter that cannot be read: {why}")
            return
        position = (record["topic"], record["partition"], record["offset"])
        if position not in self._positions:
            self._positions.add(position)
            self._letters[DueLetter(record["stage"], record["reason"], record["value"])] += 1

    @property
    def outcomes_found(self) -> int:
        """How many different outcomes of the ledger have come out."""
        return len(self._found)

    @property
    def suppressed(self) -> Counter[str]:
        """How many recipients are not to be written to now, by reason."""
        return Counter(record["reason"] for record in self._standing.values() if record is not None)

    @property
    def letters_found(self) -> int:
        """How many different dead letters have come out."""
        return self._letters.total()

    @property
    def records_seen(self) -> int:
        """A number that grows with whatever comes out: where it stands still, nothing does."""
        return len(self._ids) + self.seen.repeats + len(self._standing) + self.letters_found + len(self._wrong)

    def complete(self) -> bool:
        """Tell whether everything that is due has come out."""
        if len(self._found) < len(self._ledger.outcomes) or self.letters_found < self._ledger.letters.total():
            return False
        return not any(fault.thing is Thing.SUPPRESSION for fault in (*self._lost(), *self._misjudged()))

    def verdict(self) -> Verdict:
        """Say what is lost and what is wrong, as of now."""
        standing = sum(record is not None for record in self._standing.values())
        sizes = (len(self._ledger.outcomes), len(self._ledger.suppressions), self._ledger.letters.total())
        found = (len(self._ids), standing, self.letters_found)
        things = (Thing.OUTCOME, Thing.SUPPRESSION, Thing.LETTER)
        return Verdict(
            due=Counter(dict(zip(things, sizes, strict=True))),
            found=Counter(dict(zip(things, found, strict=True))),
            lost=tuple(self._lost()),
            wrong=(*self._wrong, *self._misjudged()),
        )

    def _count(self, record: dict[str, Any]) -> None:
        """Count one new outcome for the view."""
        self.seen.kinds[record["kind"]] += 1
        self.seen.unmatched += not record["matched"]
        if record["kind"] == "HARD_BOUNCED":
            self.seen.bounced += not record["reason"].endswith("OnAccountSuppressionList")
        elif record["kind"] == "COMPLAINED":
            self.seen.complained.add(record["message_id"])

    def _compare(self, record: dict[str, Any]) -> None:
        """Hold one new outcome against the ledger."""
        key = OutcomeKey(record["message_id"], record["recipient"], record["kind"], record["occurred_at"])
        due = self._ledger.outcomes.get(key)
        if due is None:
            self._fault(Thing.OUTCOME, f"{_words(key)}: nothing of the kind is due")
            return
        if key in self._found:
            self._fault(Thing.OUTCOME, f"{_words(key)}: came out twice, under two ids")
        self._found.add(key)
        flags = OutcomeFlags(record["certain"], record["matched"])
        if flags != due:
            self._fault(Thing.OUTCOME, f"{_words(key)}: {_flags(due)} is due, {_flags(flags)} came out")

    def _lost(self) -> list[Fault]:
        """Return what is due and has not come out."""
        outcomes = [f"{_words(key)} never came out" for key in self._ledger.outcomes if key not in self._found]
        missing = [r for r in self._ledger.suppressions if self._standing.get(r) is None]
        suppressions = [f"{r} is not suppressed; due: {self._ledger.suppressions[r].reason}" for r in missing]
        letters = [f"{d.stage} {d.reason}, {n} missing" for d, n in (self._ledger.letters - self._letters).items()]
        whats = ((Thing.OUTCOME, outcomes), (Thing.SUPPRESSION, suppressions), (Thing.LETTER, letters))
        return [Fault(thing=thing, what=what) for thing, said in whats for what in said]

    def _misjudged(self) -> list[Fault]:
        """Return the suppressions and dead letters that are not as they should be."""
        found = []
        for recipient, record in self._standing.items():
            if record is not None and (why := _differs(record, self._ledger.suppressions.get(recipient))):
                found.append(Fault(thing=Thing.SUPPRESSION, what=f"{recipient}: {why}"))
        for letter, extra in (self._letters - self._ledger.letters).items():
            found.append(Fault(thing=Thing.LETTER, what=f"{letter.stage} {letter.reason}, {extra} not due"))
        return found

    def _fault(self, thing: Thing, what: str) -> None:
        self._wrong.append(Fault(thing=thing, what=what))


def _differs(record: dict[str, Any], due: DueSuppression | None) -> str:
    """Say how a suppression differs from what is due; empty where it does not."""
    if due is None:
        return f"suppressed ({record['reason']}), and nothing is due"
    said = {name: record[name] for name in ("reason", "scope", "until")}
    wanted = {"reason": due.reason, "scope": due.scope, "until": due.until}
    wrong = [f"{name} is {said[name]}, due {wanted[name]}" for name in said if said[name] != wanted[name]]
    missing = due.evidence - {item["message_id"] for item in record["evidence"]}
    if missing:
        wrong.append(f"its evidence does not name {len(missing)} of {len(due.evidence)} messages")
    return "; ".join(wrong)


def _words(key: OutcomeKey) -> str:
    return f"{key.kind} of {key.message_id} for {key.recipient}"


def _flags(flags: OutcomeFlags) -> str:
    certain = "certain" if flags.certain else "a guess"
    return f"{certain} and {'matched' if flags.matched else 'unmatched'}"
