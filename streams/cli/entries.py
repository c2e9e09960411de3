"""Whom a file of suppressions names: CSV with a header, NDJSON as `export` writes it, or one address a line.

The first line says which. A line that cannot be used is told by its number and what is wrong with it, never by what it
says: it holds somebody's address. What is done about them is no business of this file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import orjson

from streams.cli.options import moment_or_none, who_or_none
from streams.errors import Unusable
from streams.mail.address import Who
from streams.mail.suppression import EVERY_STREAM, SuppressionReason
from streams.schemas.plain import from_plain

_DELIMITERS = ",;\t"

REASONS: Mapping[str, str] = {
    "": SuppressionReason.MANUAL,  # nobody said: then it is an operator's word
    "BOUNCE": SuppressionReason.HARD_BOUNCE,  # SES's word on its own list (SESv2 SuppressionListReason)
    **{reason.value: reason for reason in SuppressionReason if reason is not SuppressionReason.UNKNOWN},
}
"""What a file may give as a reason, in capitals, and which of ours that is."""

COLUMNS: Mapping[str, str] = {
    "address": "address",
    "recipient": "address",  # what our records call it
    "email": "address",  # what most other programs call it
    "emailaddress": "address",  # what SES's API calls it (SESv2 SuppressedDestination)
    "reason": "reason",
    "at": "at",
    "since": "at",
    "lastupdatetime": "at",  # SES's API, again
    "scope": "scope",
    "until": "until",
}
"""Columns that are read, in small letters and without blanks, dashes and underscores; others are passed over."""


class Entry(NamedTuple):
    """Somebody whom a file wants suppressed. Times in ms; *streams* are those left one by one."""

    who: Who
    reason: str
    at: int
    scope: str = EVERY_STREAM
    until: int | None = None
    streams: tuple[str, ...] = ()


class Bad(NamedTuple):
    """Why a line cannot be used."""

    why: str


Read = tuple[int, Entry | Bad]
"""A line's number, and what it says."""


def read_entries(source: Iterable[bytes], at: int) -> Iterator[Read]:
    """Yield each line of *source* with what it says; *at* is the time of those who bear none."""
    lines = _numbered(source)
    first = next(lines, None)
    if first is None:
        return
    number, line = first
    if line.lstrip().startswith("{"):
        yield from ((n, _from_json(text, at)) for n, text in _again(first, lines))
    elif (columns := _columns(line)) is not None:
        yield from _from_csv(columns, _delimiter(line), lines, number, at)
    else:
        yield from ((n, _from_fields({"address": text}, at)) for n, text in _again(first, lines))


def _from_csv(
    columns: list[str], delimiter: str, lines: Iterator[tuple[int, str]], head: int, at: int
) -> Iterator[Read]:
    """Yield the rows below a header; a quoted field may hold line ends, so a row has the number of its last line."""
    place = [head]

    def texts() -> Iterator[str]:
        for number, line in lines:
            place[0] = number
            yield line

    rows = csv.reader(texts(), delimiter=delimiter)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield place[0], Bad("this is no row of CSV")
            continue
        named = {name: cell for name, cell in zip(columns, row, strict=False) if name}
        yield place[0], _from_fields(named, at)


def _from_fields(fields: Mapping[str, str], at: int) -> Entry | Bad:
    """Return what a row says."""
    named = who_or_none(fields.get("address", ""))
    if named is None or "\ufffd" in named.recipient:
        return Bad("this is no mail address")
    reason = REASONS.get(fields.get("reason", "").strip().upper())
    if reason is None:
        return Bad(f"the reason is none of {', '.join(name for name in REASONS if name)}")
    times: dict[str, int | None] = {}
    for name in ("at", "until"):
        text = fields.get(name, "").strip()
        times[name] = moment_or_none(text, at) if text else None
        if text and times[name] is None:
            return Bad(f"{name} is no time, such as 2026-11-30T12:00:00Z")
    since = times["at"]
    return Entry(
        named, reason, at if since is None else since, fields.get("scope", "").strip() or EVERY_STREAM, times["until"]
    )


def _from_json(line: str, at: int) -> Entry | Bad:
    """Return what a line of NDJSON says: a mail.Suppression under its name, or bare."""
    try:
        said = orjson.loads(line)
        said = said.get("mail.Suppression", said) if isinstance(said, dict) else said
        record: dict[str, Any] = from_plain("mail.Suppression", {"reason": "MANUAL", "since": at} | said)
    except orjson.JSONDecodeError:
        return Bad("this is no JSON")
    except TypeError:
        return Bad("this is no mail.Suppression: not an object")
    except Unusable as fault:
        return Bad(f"this is no mail.Suppression: {fault.detail}")
    named = who_or_none(record["written"] or record["recipient"])
    if named is None:
        return Bad("this is no mail address")
    reason = REASONS.get(record["reason"], SuppressionReason.MANUAL)
    return Entry(named, reason, record["since"], record["scope"], record["until"], tuple(record["streams"]))


def _numbered(source: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield what is not blank, with the number of its line; what is no UTF-8 becomes a mark that no address holds."""
    texts = (line.decode("utf-8", "replace") for line in source)
    return ((number, line.removeprefix("\ufeff")) for number, line in enumerate(texts, 1) if line.strip())


def _again(first: tuple[int, str], rest: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    yield first
    yield from rest


def _columns(line: str) -> list[str] | None:
    """Return what each column of a header is to us, empty where nothing; None where the line is no header."""
    named = [COLUMNS.get(_plain(cell), "") for cell in next(csv.reader([line], delimiter=_delimiter(line)))]
    return named if "address" in named else None


def _plain(cell: str) -> str:
    return "".join(letter for letter in cell.lower() if letter.isalnum())


def _delimiter(line: str) -> str:
    """Return what separates the columns: spreadsheets write semicolons where the comma is a decimal's."""
    return max(_DELIMITERS, key=line.count)
