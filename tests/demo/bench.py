"""A demo day without a broker: handed in to lists, carried through the hops over tables in memory, then audited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from streams.demo.audit import Audit
from streams.demo.corpus import expect, specimens
from streams.demo.day import Arrival, Day
from streams.demo.feed import Feeder
from streams.demo.ledger import Ledger
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.mail.policy import HOUR
from streams.pipeline import Chunk, Effects, Hop
from streams.state.memory import MemoryTable
from tests.builders import CODEC, NOON, POLICY

NOW = NOON
MESSAGES = 600


class Record(NamedTuple):
    """One record as it was published: the topic's role, key and value."""

    role: str
    key: bytes | None
    value: bytes | None


def day(seed: int = 1, messages: int = MESSAGES) -> tuple[list[Arrival], Ledger]:
    """Return a day's arrivals and its ledger."""
    ledger = Ledger()
    arrivals = list(Day(messages=messages, seed=seed, until=NOW, ledger=ledger).arrivals())
    return arrivals, ledger


def handed_in(arrivals: Sequence[Arrival], ledger: Ledger, *, broken: bool = True) -> list[Record]:
    """Return the records that the corpus, the arrivals and the broken records become."""
    records: list[Record] = []
    feeder = Feeder(codec=CODEC, publish=lambda t, k, v: records.append(Record(t[4:], k, v)), prefix="ses.", now=NOW)
    for specimen in specimens():
        expect(specimen, ledger)
        feeder.item(specimen.text)
    for arrival in arrivals:
        feeder.arrival(arrival)
    for one in feeder.all_broken() if broken else ():
        feeder.broken(one, ledger)
    return records


class Bench:
    """Both hops, and an audit of what they emit."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin with empty tables."""
        self.audit = Audit(ledger, CODEC)
        self.out: list[Record] = []
        self._hops: dict[str, tuple[Hop, MemoryTable]] = {}
        first = (ByMessage(CODEC, POLICY.join), MemoryTable())
        self._hops = {"sends": first, "feedback": first}
        self._hops["outcomes"] = (ByRecipient(CODEC, POLICY), MemoryTable())
        self._offsets: Counter[str] = Counter()

    def carry(self, records: Sequence[Record], chunk: int = 100) -> None:
        """Carry records through the hops in chunks, and let what waits for its send wait in vain."""
        for begin in range(0, len(records), chunk):
            part = records[begin : begin + chunk]
            for role in ("feedback", "sends", "outcomes"):
                self._work(role, [r for r in part if r.role == role])
            for record in part:
                if record.role == "dead-letters":
                    self._emit(record)
        _, table = self._hops["feedback"]
        later = NOW + HOUR
        while (due := table.next_due()) is not None and due <= later:
            self._keep("feedback", self._hops["feedback"][0].wake(table.take_due(), table.recall, later))

    def _work(self, role: str, records: Sequence[Record]) -> None:
        hop, table = self._hops[role]
        if not records:
            return
        offsets = range(self._offsets[role], self._offsets[role] + len(records))
        self._offsets[role] += len(records)
        keys, values = [r.key for r in records], [r.value for r in records]
        chunk = Chunk(topic=role, partition=0, keys=keys, values=values, offsets=offsets)
        self._keep(role, hop.work(chunk, table.recall, NOW))

    def _keep(self, role: str, effects: Effects) -> None:
        self._hops[role][1].apply(effects)
        for topic, batch in effects.outputs.items():
            made = [Record(topic, k, v) for k, v in zip(batch.keys, batch.values, strict=True)]
            for record in made:
                self._emit(record)
            if topic == "outcomes":
                self._work("outcomes", made)

    def _emit(self, record: Record) -> None:
        self.out.append(record)
        hand_over(self.audit, record)


def hand_over(audit: Audit, record: Record) -> None:
    """Let an audit take one record of the topics of results."""
    match record.role:
        case "outcomes":
            audit.outcome(record.value)
        case "suppressions":
            audit.suppression(record.key, record.value)
        case "dead-letters":
            audit.letter(record.value)
        case _:
            return  # settlements, retries, loops and what waits are the closed loop's
