"""What `ses-streams suppressions export` does: write the list of whom we must not write to, to a file.

The file holds people's addresses, so only its owner may read it; and it appears under its name when it is whole.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from streams.cli.desk import Desk
from streams.cli.shown import Bar, counted, json_line, people
from streams.errors import WorldFailed
from streams.schemas.plain import iso_time

COLUMNS = ("address", "reason", "at", "scope", "until")
_STDOUT = "-"
_NDJSON = (".ndjson", ".jsonl")
_OWNER_ONLY = 0o600
_STEP = 1_000


def run(file: str, *, as_json: bool, progress: bool | None, brokers: str | None) -> None:
    """Export the list; see the command's help for the rest."""
    desk, count = Desk(brokers), 0
    lines = _ndjson if as_json or file.endswith(_NDJSON) else _csv
    with (
        desk.table("suppressions", "mail.Suppression") as records,
        _opened(file) as out,
        Bar("writing the file", shown=progress) as bar,
    ):
        for line in lines(records):
            out.write(line)
            count += 1
            if count % _STEP == 0:
                bar.told(count, None)
    people(f"{counted(max(0, count - (lines is _csv)), 'recipient')} written")
    desk.close()


def _ndjson(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each record."""
    return (json_line("mail.Suppression", record) for record in records)


def _csv(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the header, then a line for each record: the address as SES wrote it, for SES's list wants it so."""
    yield _row(COLUMNS)
    for record in records:
        address = record["recipient"] if record["written"] is None else record["written"]
        until = "" if record["until"] is None else iso_time(record["until"])
        yield _row((address, record["reason"], iso_time(record["since"]), record["scope"], until))


def _row(cells: Iterable[object]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    """Give what to write to; a file takes its name at the end, and what fails before leaves an older one as it was."""
    if file == _STDOUT:
        yield sys.stdout
        return
    part = Path(f"{file}.part")
    try:
        part.unlink(missing_ok=True)
        made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
        with os.fdopen(made, "w", encoding="utf-8", newline="") as out:
            yield out
        part.replace(file)
    except OSError as error:
        raise WorldFailed(f"{file}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
