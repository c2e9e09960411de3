"""The demo's own small corpus of SES events, each as it reaches us, with what must come of it beside it.

One JSON object a line in corpus.ndjson: *about* (words), *item* (what arrives: an object in any envelope, or text),
*outcomes* and *suppressions* that are due, *again* where it says what an earlier line said. Nobody published a Send
for these mails, so their outcomes are unmatched. All addresses and ids are invented; the shapes are SES's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

import orjson

from streams.demo.ledger import DueSuppression, Ledger, OutcomeFlags, OutcomeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """One line: the *text* as it arrives, and the *outcomes* and *suppressions* that it must lead to."""

    about: str
    text: str
    again: bool
    outcomes: tuple[tuple[OutcomeKey, OutcomeFlags], ...]
    suppressions: tuple[tuple[str, DueSuppression], ...]


def specimens() -> Iterator[Specimen]:
    """Yield the corpus, in order."""
    for line in files("streams.demo").joinpath("corpus.ndjson").read_bytes().splitlines():
        row = orjson.loads(line)
        item = row["item"]
        yield Specimen(
            about=row["about"],
            again=row["again"],
            text=item if isinstance(item, str) else orjson.dumps(item).decode(),
            outcomes=tuple(_outcome(one) for one in row["outcomes"]),
            suppressions=tuple((one["recipient"], _suppression(one)) for one in row["suppressions"]),
        )


def expect(specimen: Specimen, ledger: Ledger) -> None:
    """Write down what a specimen must lead to."""
    ledger.duplicates += specimen.again
    for key, flags in specimen.outcomes:
        ledger.outcome(key, flags)
    for recipient, due in specimen.suppressions:
        ledger.suppression(recipient, due)


def _outcome(row: dict[str, Any]) -> tuple[OutcomeKey, OutcomeFlags]:
    at = round(datetime.fromisoformat(row["at"]).timestamp() * 1000)
    key = OutcomeKey(row["message_id"], row["recipient"], row["kind"], at)
    return key, OutcomeFlags(certain=row["certain"], matched=False)


def _suppression(row: dict[str, Any]) -> DueSuppression:
    return DueSuppression(reason=row["reason"], scope="*", until=None, evidence=frozenset({row["message_id"]}))
