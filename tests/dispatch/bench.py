"""A dispatch hop on a workbench: a road that answers from a script, tables in memory, and a clock that tests move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache
from typing import Any

from streams.dispatch.breaker import Breaker
from streams.dispatch.by_request import ByRequest
from streams.dispatch.errand import Heard
from streams.dispatch.gate import Globals
from streams.dispatch.pace import Pace
from streams.mail.letter import Accepted, Answer, Letter, Quota
from streams.mail.policy import Policy
from streams.mail.request import Request
from streams.pipeline import Chunk, Effects, Errand
from streams.state.memory import MemoryTable
from streams.state.requests import unpack_request
from tests.builders import CODEC, NOON

SECOND, MINUTE = 1_000, 60_000
ONCE = copy(CODEC)
"""The codec, but for this: it makes each reader and writer once, for a hop is made anew many times here."""
ONCE.prefix_reader = cache(CODEC.prefix_reader)  # type: ignore[method-assign]  # the same function, remembered
ONCE.prefix_writer = cache(CODEC.prefix_writer)  # type: ignore[method-assign]  # as above

PLENTY = Quota(per_day=-1, sent=0, per_second=1_000_000, sending=True)


def request(request_id: str = "r-1", *to: str, **fields: Any) -> dict[str, Any]:
    """Return a mail.SendRequest to Ann, unless somebody is named."""
    return {
        "request_id": request_id,
        "stream": "receipts",
        "requested_at": NOON,
        "from_address": "Shop <shop@example.net>",
        "to": list(to or ("ann@example.com",)),
        "content": ("mail.Simple", {"subject": "Your receipt", "text": "Thank you", "html": None}),
        **fields,
    }


def retry(
    request_id: str = "r-1", recipient: str = "ann@example.com", attempt: int = 2, **fields: Any
) -> dict[str, Any]:
    """Return a mail.Retry that is due."""
    return {"request_id": request_id, "recipient": recipient, "attempt": attempt, "due_at": NOON, **fields}


def settlement(kind: str, message_id: str | None, request_id: str = "r-1", **fields: Any) -> dict[str, Any]:
    """Return a mail.Settlement of the first attempt."""
    return {"request_id": request_id, "kind": kind, "at": NOON, "message_id": message_id, **fields}


class ScriptedRoad:
    """A `Road` that keeps what it carried and answers as told; without a word it accepts as m-1, m-2 and so on."""

    via = "API"

    def __init__(self) -> None:
        self.carried: list[Letter] = []
        self.times: list[int] = []
        self.script: list[Answer] = []
        self.clock: Callable[[], int] = lambda: NOON

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def carry(self, letter: Letter) -> Answer:
        """Keep the letter and answer."""
        self.carried.append(letter)
        self.times.append(self.clock())
        return self.script.pop(0) if self.script else Accepted(f"m-{len(self.carried)}", self.clock())

    async def quota(self) -> Quota | None:
        """Return plenty."""
        return PLENTY


class DispatchBench:
    """The hop, its table, the tables that it asks, and the world behind the road."""

    def __init__(self, policy: Policy | None = None, pace: Pace | None = None) -> None:
        self.policy = Policy() if policy is None else policy
        self.road = ScriptedRoad()
        self.road.clock = lambda: self.now
        self.given = pace
        self.table = MemoryTable()
        self.tables = {name: MemoryTable() for name in Globals._fields}
        self.globals = Globals(**{name: table.recall for name, table in self.tables.items()})
        self.now = NOON
        self.emitted: list[tuple[str, bytes, bytes | None]] = []
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.errands: list[Errand] = []
        self.wakes = 0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Make the hop anew over the same table, as after a crash: what it held in memory is gone."""
        self.errands = []
        self.pace = Pace() if self.given is None else self.given
        self.pace.learned(PLENTY, self.now)
        self.pace.accepted()
        self.breaker = Breaker(self.policy.breaker)
        self.hop = ByRequest(ONCE, self.policy, {}, self.road, self.pace, self.globals, self.breaker)

    def tell(self, table: str, key: str, name: str, **record: Any) -> None:
        """Put a record into a table of another stage."""
        self.tables[table].values[key.encode()] = CODEC.encode(name, record)

    def forget(self, table: str, key: str) -> None:
        """Take a record out of a table of another stage."""
        self.tables[table].values.pop(key.encode(), None)

    def ask(self, *records: dict[str, Any]) -> None:
        """Let requests come."""
        self.put("send-requests", "mail.SendRequest", *records)

    def retry(self, *records: dict[str, Any]) -> None:
        """Let retries come."""
        self.put("retries", "mail.Retry", *records)

    def settle(self, *records: dict[str, Any]) -> None:
        """Let settlements come."""
        self.put("settlements", "mail.Settlement", *records)

    def put(self, topic: str, name: str, *records: dict[str, Any]) -> None:
        """Let one chunk of records come."""
        self.put_bytes(topic, [CODEC.encode(name, record) for record in records])

    def put_bytes(self, topic: str, values: Sequence[bytes | None]) -> None:
        """Let one chunk of values come."""
        keys: list[bytes | None] = [b"k"] * len(values)
        chunk = Chunk(topic=topic, partition=0, keys=keys, values=list(values), offsets=range(len(values)))
        self._keep(self.hop.work(chunk, self.table.recall, self.now))

    def run_errands(self) -> list[tuple[bytes, Heard]]:
        """Run what has been asked for, and return what came of it without telling the hop."""
        running, self.errands = self.errands, []
        heard = [(errand.key, _run(errand)) for errand in running]
        for errand in running:
            errand.over()
        return heard

    def hear(self, results: Sequence[tuple[bytes, Heard]]) -> None:
        """Tell the hop what came of errands."""
        self._keep(self.hop.heard(results, self.table.recall, self.now))

    def work_off(self) -> None:
        """Run errands and tell what came of them, until there are none."""
        while self.errands:
            self.hear(self.run_errands())

    def pass_time(self, milliseconds: int) -> None:
        """Let time pass, look at what is due, and let the world answer at once."""
        end = self.now + milliseconds
        while (due := self.table.next_due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.wakes += 1
            self.wake(self.table.take_due())
            self.work_off()
        self.now = end

    def wake(self, keys: Sequence[bytes]) -> None:
        """Let the hop look at keys."""
        self._keep(self.hop.wake(keys, self.table.recall, self.now))

    def read(self, topic: str, name: str) -> list[dict[str, Any]]:
        """Return what was emitted on a topic, decoded."""
        return [CODEC.decode(name, value) for where, _, value in self.emitted if where == topic and value is not None]

    @property
    def sends(self) -> list[dict[str, Any]]:
        """What was sent."""
        return self.read("sends", "mail.Send")

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        """Who did not get a mail: recipient, kind, reason."""
        return [(o["recipient"], o["kind"], o["reason"]) for o in self.read("outcomes", "mail.Outcome")]

    def stored(self, request_id: str = "r-1") -> Request:
        """Return a request as it is stored."""
        return unpack_request(self.table.values[request_id.encode()])

    def _keep(self, effects: Effects) -> None:
        """Keep what the hop wants kept, as the engine does: the errands come last."""
        self.table.apply(effects)
        for topic, batch in effects.outputs.items():
            self.emitted += [(topic, key, value) for key, value in zip(batch.keys, batch.values, strict=True)]
        self.counts.update(effects.counts)
        self.errands += effects.errands


def _run(errand: Errand) -> Heard:
    """Run one errand: the scripted road waits for nothing, so one step is all of it."""
    running = errand.run()
    try:
        running.send(None)
    except StopIteration as end:
        heard: Heard = end.value
        return heard
    raise AssertionError("a scripted road does not wait")
