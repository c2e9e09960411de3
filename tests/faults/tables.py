"""Reads the workers' tables from their disks, by RocksDB alone, and holds them against the changelogs.

Wherever a worker died or was moved away, its table must be the changelog, folded up to the position that it names; and
where the last worker stopped in order, that position must be the changelog's end. No worker may be alive.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rocksdict import AccessType, Options, Rdict

from tests.faults.topics import Record
from tests.faults.verdict import Finding, Verdict, What

FAMILIES = ("timers", "meta")
_MARK, _MARKED = b"mark", struct.Struct(">IQ")
"""Under which key, beside the values, a table keeps its position: a format, the position, and more."""


@dataclass(frozen=True, slots=True)
class Table:
    """One partition of a table on one worker's disk."""

    worker: str
    name: str
    partition: int
    position: int
    values: dict[bytes, bytes]


def read_tables(worker: str, data: Path, names: Iterable[str]) -> Iterator[Table]:
    """Yield the tables of *names* under a worker's directory."""
    for name in names:
        for path in sorted((data / name).glob("[0-9]*")):
            if (path / "CURRENT").exists():
                yield _read(worker, name, path)


def _read(worker: str, name: str, path: Path) -> Table:
    options = Options(raw_mode=True)
    families = {family: Options(raw_mode=True) for family in FAMILIES}
    db = Rdict(str(path), options=options, column_families=families, access_type=AccessType.read_only())
    try:
        marked = db.get_column_family("meta").get(_MARK)
        position = _MARKED.unpack_from(marked)[1] if isinstance(marked, bytes) else 0
        values = dict(cast("Iterator[tuple[bytes, bytes]]", db.items()))
    finally:
        db.close()
    return Table(worker, name, int(path.name), position, values)


class Changelogs:
    """The changelogs, record by record, as they were read. *names*: topic to table."""

    def __init__(self, names: dict[str, str]) -> None:
        """Begin with nothing."""
        self._names = names
        self._records: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)
        self.ended: set[tuple[str, int]] = set()
        """Partitions of which a table has been seen that has come to the end."""

    def take(self, record: Record) -> None:
        """Take one record of any topic."""
        name = self._names.get(record.topic)
        if name is not None:
            self._records[name, record.partition].append(record)

    def judge_ends(self, verdict: Verdict) -> None:
        """Note in *verdict* the partitions of which no table has come to the end: somebody should have."""
        for name, partition in sorted(set(self._records) - self.ended):
            why = "no table has come to the changelog's end"
            verdict.find(Finding("tables", What.LOST, "I6", f"{name}/{partition}", why))

    def end(self, name: str, partition: int) -> int:
        """Return the offset behind a partition's last record."""
        records = self._records.get((name, partition))
        return records[-1].offset + 1 if records else 0

    def fold(self, name: str, partition: int, position: int) -> dict[bytes, bytes]:
        """Return what a partition's records before *position* add up to."""
        folded: dict[bytes, bytes] = {}
        for record in self._records.get((name, partition), ()):
            if record.offset >= position:
                break
            if record.value is None:
                folded.pop(record.key or b"", None)
            else:
                folded[record.key or b""] = record.value
        return folded


def judge_tables(tables: Iterable[Table], changelogs: Changelogs, verdict: Verdict) -> None:
    """Note in *verdict* what is to be said of the tables."""
    for table in tables:
        due = changelogs.fold(table.name, table.partition, table.position)
        end = changelogs.end(table.name, table.partition)
        if table.position == end and (table.name, table.partition) not in changelogs.ended:
            changelogs.ended.add((table.name, table.partition))
            right = sum(table.values.get(key) == value for key, value in due.items())
            verdict.due("tables", len(due), right)
        for finding in _differences(table, due, end):
            verdict.find(finding)


def _differences(table: Table, due: dict[bytes, bytes], end: int) -> Iterator[Finding]:
    name = f"{table.name}/{table.partition} of {table.worker}, position {table.position}"
    if table.position > end:
        yield Finding("tables", What.WRONG, "I6", name, f"it is ahead of its changelog, which ends at {end}")
        return
    for _ in due.keys() - table.values.keys():
        yield Finding("tables", What.LOST, "I6", name, "a key is missing")
    for key in table.values.keys() - due.keys():
        yield Finding("tables", What.WRONG, "I6", name, f"a key of {len(key)} bytes too many")
    for key in due.keys() & table.values.keys():
        if due[key] != table.values[key]:
            yield Finding("tables", What.WRONG, "I6", name, "a value differs")
