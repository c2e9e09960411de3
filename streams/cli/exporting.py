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
from streams.mail.suppression import SuppressionReason
from streams.schemas.plain import iso_time

COLUMNS = ("address", "reason", "at", "scope", "until")
_STDOUT = "-"
_NDJSON = (".ndjson", ".jsonl")
_OWNER_ONLY = 0o600
_STEP = 1_000


def run(file: str, *, as_json: bool, progress: bool | None, brokers: str | None) -> None:
    """Export the list; see the command's help for the rest."""
    desk, count = Desk(brokers), 0
    as_csv = not (as_json or file.endswith(_NDJSON))
    with (
        desk.table("suppressions", "mail.Suppression") as records,
        _opened(file) as out,
        Bar("writing the file", shown=progress) as bar,
    ):
        if as_csv:
            out.write(_row(COLUMNS))
        for count, record in enumerate(records, 1):
            out.writelines(_rows(record) if as_csv else [json_line("mail.Suppression", record)])
            if count % _STEP == 0:
                bar.told(count, None)
    people(f"{counted(count, 'recipient')} written")
    desk.close()


def _rows(record: dict[str, Any]) -> Iterator[str]:
    """Yield a line of CSV, and one for each further stream that was left.

    The address is as SES wrote it, for SES's own list wants it so.
    """
    address = record["recipient"] if record["written"] is None else record["written"]
    since, until = iso_time(record["since"]), "" if record["until"] is None else iso_time(record["until"])
    yield _row((address, record["reason"], since, record["scope"], until))
    for stream in record["streams"]:
        if stream not in ("", record["scope"]):
            yield _row((address, SuppressionReason.UNSUBSCRIBED.value, since, stream, ""))


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
