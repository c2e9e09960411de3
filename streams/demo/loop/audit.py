"""What did become of the requests, record by record, read from the topics of results.

Records come in as bytes and are decoded by the schemas, never by the product's hops. A repeat of a record says what
was known: everything here is a set, or the last word on a key. What it all means is said in judgement.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from streams.demo.loop.ledger import LineKey, LoopLedger, Said
from streams.demo.loop.sent import Mailed
from streams.demo.loop.tales import Cue, End
from streams.errors import Unusable
from streams.schemas.codec import Codec

DECISIVE = {
    "COMPLAINED": End.COMPLAINED,
    "REJECTED": End.REJECTED,
    "RENDERING_FAILED": End.REJECTED,
    "HARD_BOUNCED": End.BOUNCED,
    "DELIVERED": End.DELIVERED,
    "SUPPRESSED": End.SUPPRESSED,
    "LOOPING": End.LOOPING,
    "EXPIRED": End.EXPIRED,
    "FAILED": End.FAILED,
}
"""Outcome kinds that are an end, the one that counts first: a complaint ends what was delivered before."""
PASSING = ("SOFT_BOUNCED", "FAILED")
"""Outcome kinds that a retry may follow."""


@dataclass(slots=True)
class Wait:
    """What ses.waiting says of one recipient: when each request is due again, and whether newer ones wait too."""

    due: dict[str, int] = field(default_factory=dict)
    holding: bool = False


class LoopAudit:
    """Takes every record about the closed loop's people; says which ends have been seen."""

    def __init__(self, ledger: LoopLedger, codec: Codec) -> None:
        """Begin with nothing seen; the ledger may still grow."""
        self._ledger, self._codec = ledger, codec
        self._read = codec.prefix_reader("mail.Outcome", "written")
        self.said: defaultdict[LineKey, dict[Said, int]] = defaultdict(dict)
        self.mailed: set[Mailed] = set()
        self.stops: dict[str, dict[str, Any] | None] = {}
        self.loops: set[str] = set()
        self.waits: dict[str, Wait] = {}
        self.retries: defaultdict[LineKey, set[int]] = defaultdict(set)
        self.strange: list[str] = []
        self._ended: dict[LineKey, End] = {}
        self._ends: Counter[End] = Counter()
        self._closed: set[LineKey] = set()
        self._seen_of: set[tuple[str, str]] = set()
        self.records_seen = 0
        """Grows with every record: where it stands still, nothing comes out."""

    def outcome(self, value: bytes | None) -> None:
        """Take one record of ses.outcomes."""
        self.records_seen += 1
        try:
            record = self._read(value or b"")
        except Unusable as why:
            self.strange.append(f"an outcome that cannot be read: {why}")
            return
        key = LineKey(record["request_id"] or "", record["recipient"])
        line = self._ledger.lines.get(key)
        if line is None:
            self.strange.append(f"{record['kind']} for {key.recipient}, who was not in request {key.request_id}")
            return
        self._seen_of.add((key.recipient, record["kind"]))
        self.said[key].setdefault(Said(record["attempt"], record["kind"]), record["occurred_at"])
        if record["message_id"] is not None:
            self.mailed.add(Mailed(record["message_id"], key, record["attempt"]))
        if line.due <= self.said[key].keys():
            self._closed.add(key)
        self._count(key)

    def suppression(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record of ses.suppressions; a null releases."""
        self.stops[_text(key)] = self._decoded("mail.Suppression", value)

    def retry(self, value: bytes | None) -> None:
        """Take one record of ses.retries; those of the day's mails are nobody's business here."""
        record = self._decoded("mail.Retry", value) or {"request_id": "", "recipient": "", "attempt": 0}
        key = LineKey(record["request_id"], record["recipient"])
        if key in self._ledger.lines:
            self.retries[key].add(record["attempt"])

    def loop(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record of ses.loops; a flag once seen counts, though it were cleared later."""
        if self._decoded("mail.LoopFlag", value) is not None:
            self.loops.add(_text(key))

    def waiting(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record of ses.waiting; a null says that nothing waits."""
        record = self._decoded("mail.Waiting", value)
        self.waits.pop(_text(key), None)
        if record is not None:
            due = {retry["request_id"]: retry["due_at"] for retry in record["retries"]}
            self.waits[_text(key)] = Wait(due, record["holding"])

    def seen(self, cue: Cue, person: str) -> bool:
        """Tell whether a cue has been seen of a person."""
        match cue:
            case Cue.SUPPRESSED:
                return self.stops.get(person) is not None
            case Cue.RELEASED:
                return person in self.stops and self.stops[person] is None
            case Cue.FLAGGED:
                return person in self.loops
            case Cue.WAITING:
                return person in self.waits
            case Cue.REPLIED:
                return (person, "AUTO_REPLIED") in self._seen_of
            case Cue.TURNED_AWAY:
                return (person, "SUPPRESSED") in self._seen_of

    def end_of(self, key: LineKey, now: int) -> tuple[End, int | None] | None:
        """Return how a line has ended, and when it is due where it waits; None where it has no end, as far as seen."""
        kinds = {said.kind for said in self.said.get(key, ())}
        found = next((end for kind, end in DECISIVE.items() if kind in kinds and kind not in PASSING), None)
        if found is not None:
            return found, None
        line, wait = self._ledger.lines[key], self.waits.get(key.recipient, _NO_WAIT)
        if key.request_id in wait.due:
            return End.WAITING, wait.due[key.request_id]
        if kinds:
            last = max(said.attempt for said in self.said[key])
            on_its_way = max(self.retries.get(key, ()), default=0) > last
            return None if on_its_way else (End.FAILED if "FAILED" in kinds else End.BOUNCED, None)
        if line.not_before is not None and line.not_before > now:
            return End.WAITING, line.not_before
        return (End.WAITING, min(wait.due.values(), default=None)) if wait.holding else None

    def ends(self, now: int) -> Counter[End]:
        """Return how many lines have ended how, as far as seen; of those that are to wait, how many do."""
        ends = [self.end_of(key, now) for key in self._ledger.waiters]
        return self._ends + Counter(end[0] for end in ends if end is not None)

    @property
    def waiting_count(self) -> int:
        """How many retries wait."""
        return sum(len(wait.due) for wait in self.waits.values())

    def complete(self, now: int, *, roughly: bool) -> bool:
        """Tell whether everything that is due has come out.

        *roughly*: a line that was sent twice may never say all that is due, so its end is enough (judgement.py).
        """
        stopped = {person for person, record in self.stops.items() if record is not None}
        marked = self._ledger.stops.keys() <= stopped and self._ledger.loops <= self.loops
        return marked and all(self._is_over(key, now, roughly=roughly) for key in self._ledger.lines)

    def _is_over(self, key: LineKey, now: int, *, roughly: bool) -> bool:
        """Tell whether a line has come to its end."""
        due = self._ledger.lines[key].fate.end
        if due is not End.WAITING and key in self._closed:
            return True
        end = self.end_of(key, now) if roughly or due is End.WAITING else None
        return end is not None and (end[0] is due or (roughly and end[0] is End.DELIVERED))

    def _count(self, key: LineKey) -> None:
        """Keep count of the ends, for the view; a soft bounce is one only where no retry is due."""
        if self._ledger.lines[key].fate.end is End.WAITING:
            return
        ended, before = self.end_of(key, 0), self._ended.pop(key, None)
        if before is not None:
            self._ends[before] -= 1
        if ended is not None and (key in self._closed or ended[0] is not End.BOUNCED):
            self._ended[key] = ended[0]
            self._ends[ended[0]] += 1

    def _decoded(self, name: str, value: bytes | None) -> dict[str, Any] | None:
        """Return a record; None for a null, or for what cannot be read, which is strange."""
        self.records_seen += 1
        try:
            return None if value is None else self._codec.decode(name, value)
        except Unusable as why:
            self.strange.append(f"a {name} that cannot be read: {why}")
            return None


_NO_WAIT = Wait()


def _text(key: bytes | None) -> str:
    return (key or b"").decode(errors="replace")
