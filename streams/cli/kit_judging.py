"""Judges a topic that another team writes to, record by record: which rules of kit_findings it breaks, and how often.

Records, the time and the topic's shape come in, findings go out; nobody is asked and nothing is read here. A record
that cannot be read has that one fault and its key's absence. No address leaves: an example is a place, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from streams.cli.kit_findings import CONFIGS, RULES, Found
from streams.cli.kit_golden import key_of
from streams.cli.kit_partitioners import Suspects
from streams.dispatch.gate import MOST_RECIPIENTS
from streams.emit.topic import Row
from streams.errors import Unusable
from streams.mail.address import normal_address, normal_message_id
from streams.mail.time import UNKNOWN, is_time
from streams.observe.labels import FIRST_STREAMS
from streams.partition import partitions
from streams.schemas.codec import Codec

HOUR = 3_600_000
LARGE = 64 * 1024 * 1024
"""Bytes of a topic below which nobody minds how it is packed."""
TELLING = 1_000_000
"""Bytes that must have come before their packing can be told from what goes with every answer of a broker."""
_COMPRESSED = 0.9
_SECONDS = range(UNKNOWN + 1, 100_000_000_000)  # as milliseconds before March 1973; as seconds until the year 5138
_SES_ID = re.compile(r"[0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-[0-9]{6}")
_OF_REASON = {
    "BAD_MAGIC": "NO_MAGIC",
    "UNKNOWN_SCHEMA": "UNKNOWN_SCHEMA",
    "WRONG_TYPE": "OTHER_SCHEMA",
    "NOT_AVRO": "NOT_AVRO",
}
_SPEAKS_OF_SOMEBODY = {"DELIVERY", "COMPLAINT", "REJECT", "OPEN", "CLICK"}
"""Kinds of feedback that say nothing where they name nobody; a bounce without recipients is an automatic answer."""


class Times(NamedTuple):
    """The times of a schema: when it happened, and all of them."""

    happened: str
    every: tuple[str, ...]


_TIMES = {
    "mail.SendRequest": Times("requested_at", ("requested_at", "not_before", "expires_at")),
    "mail.Send": Times("sent_at", ("sent_at",)),
    "mail.Feedback": Times("occurred_at", ("occurred_at",)),  # of its other times nothing is decided
}


class Judge:
    """Judges the records of one topic."""

    def __init__(self, codec: Codec, name: str, count: int, now: int) -> None:
        """Start with nothing found; *name* is the schema of its values, *count* its partitions, *now* in ms."""
        self._codec, self._name, self._count, self._now = codec, name, count, now
        self._found: dict[str, tuple[int, tuple[int, int] | None]] = {}
        self._streams: set[str] = set()
        self._suspects = Suspects(count)
        self.records = 0
        self.bytes = 0

    def see(self, row: Row) -> None:
        """Judge one record."""
        self.records += 1
        self.bytes += len(row.key or b"") + len(row.value or b"")
        here = row.partition, row.offset
        for name in dict.fromkeys(self._faults(row)):
            count, first = self._found.get(name, (0, None))
            self._found[name] = count + 1, here if first is None else min(first, here)

    def configured(self, config: Mapping[str, str]) -> None:
        """Judge the topic's configuration, as far as the broker tells it."""
        for (word, value), name in CONFIGS.items():
            if config.get(word) == value:
                self._found[name] = self._found.get(name, (0, None))

    def travelled(self, wire: int, payload: int, held: int) -> None:
        """Judge that *payload* bytes of records came as *wire* bytes; the topic holds *held* records in all."""
        size = held * self.bytes / max(self.records, 1)
        if size >= LARGE and payload >= TELLING and wire > payload * _COMPRESSED:
            self._found["UNCOMPRESSED"] = 0, None

    def found(self) -> list[Found]:
        """Return what is wrong, in the table's order."""
        if len(self._streams) > FIRST_STREAMS:
            self._found["MANY_STREAMS"] = self.records, None
        return [
            Found(rule, *self._found[rule.name], self._detail(rule.name)) for rule in RULES if rule.name in self._found
        ]

    def _detail(self, name: str) -> str:
        if name == "WRONG_PARTITION":
            return self._suspects.named()
        return f"{len(self._streams)} names so far" if name == "MANY_STREAMS" else ""

    def _faults(self, row: Row) -> Iterator[str]:
        """Yield the rules that one record breaks."""
        if row.headers:
            yield "HEADERS"
        if not row.key:
            yield "NO_KEY"
        if row.value is None:
            yield "NO_VALUE"
            return
        try:
            record = self._codec.decode(self._name, row.value)
        except Unusable as why:
            yield _OF_REASON[why.reason]
            return
        yield from self._time_faults(record)
        yield from self._people_faults(record)
        self._streams.add(record.get("stream", ""))
        yield from self._key_faults(row, record)

    def _key_faults(self, row: Row, record: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong with the ids of a record, and with where it lies."""
        right = key_of(self._name, record)
        if not right:
            yield "NO_ID"
            return
        if self._name != "mail.SendRequest":
            if right != record["message_id"]:
                yield "ID_WRITTEN_OTHERWISE"
            if not _SES_ID.fullmatch(right):
                yield "FOREIGN_MESSAGE_ID"
        key = row.key or b""
        if key and key != right.encode():
            yield "KEY_WRITTEN_OTHERWISE" if _alike(key, right) else "OTHER_KEY"
        if partitions([right.encode()], self._count)[0] != row.partition:
            yield "WRONG_PARTITION"
            if key:
                self._suspects.wrong(key, row.partition)

    def _time_faults(self, record: Mapping[str, Any]) -> Iterator[str]:
        happened, every = _TIMES[self._name]
        times = [record[field] for field in every if record[field] is not None]
        if not all(map(is_time, times)):
            yield "BAD_TIME"
        if any(at in _SECONDS for at in times):
            yield "TIME_IN_SECONDS"
        if is_time(record[happened]) and record[happened] > self._now + HOUR:
            yield "TIME_IN_FUTURE"

    def _people_faults(self, record: Mapping[str, Any]) -> Iterator[str]:
        people = _people(self._name, record)
        if not people and record.get("kind", "DELIVERY") in _SPEAKS_OF_SOMEBODY:
            yield "NO_RECIPIENTS"
        if self._name == "mail.Feedback":
            return  # SES wrote it: how many there are, and how they are written, is nobody's fault
        if len({normal_address(one) for one in people}) > MOST_RECIPIENTS:
            yield "MANY_RECIPIENTS"
        if self._name == "mail.Send" and any(normal_address(one) != one for one in people):
            yield "ADDRESS_WRITTEN_OTHERWISE"


def _people(name: str, record: Mapping[str, Any]) -> list[str]:
    """Return whom a record is about."""
    if name == "mail.SendRequest":
        return [*record["to"], *record["cc"], *record["bcc"]]
    if name == "mail.Feedback":
        return [one["address"] for one in record["recipients"]] or list(record["destination"])
    return list(record["recipients"])


def _alike(key: bytes, right: str) -> bool:
    """Return whether a key is the right one but for how it is written."""
    return normal_message_id(key.decode("utf-8", "replace")).lower() == right.lower()
