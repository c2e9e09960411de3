"""An operator's records as rows of a table for people: which columns there are, and what stands in them.

The records are whole (every field there, times in ms); JSON shows them as they are, and this shows what one looks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from streams.cli.shown import Head, counted, day, minute

Record = dict[str, Any]

SUPPRESSION = (
    Head("recipient", breaks=True),
    Head("reason"),
    Head("stream", breaks=True),
    Head("since"),
    Head("until"),
    Head("by", breaks=True),
    Head("evidence", breaks=True),
)
WAITING = (
    Head("due"),
    Head("recipient", breaks=True),
    Head("request", breaks=True),
    Head("try"),
    Head("because", breaks=True),
    Head("newer mail"),
)
LOOP = (
    Head("recipient", breaks=True),
    Head("answers", breaks=True),
    Head("mails"),
    Head("within"),
    Head("since"),
    Head("until"),
)
PAUSE = (
    Head("stream"),
    Head("since"),
    Head("until"),
    Head("by", breaks=True),
    Head("because", breaks=True),
)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def suppression(record: Record) -> tuple[str, ...]:
    """Return the row of a mail.Suppression; of its evidence the last event and how many there are."""
    evidence = record["evidence"]
    last = f"{evidence[-1]['kind']} {evidence[-1]['message_id'] or ''}".strip() if evidence else ""
    more = f" (and {len(evidence) - 1} more)" if len(evidence) > 1 else ""
    since, until = day(record["since"]), day(record["until"])
    return record["recipient"], record["reason"], _streams(record), since, until, record["by"], last + more


def waiting(record: Record) -> Iterator[tuple[str, ...]]:
    """Yield a row for each retry of a mail.Waiting; one that says so where only the answer to a probe is awaited."""
    held = "held" if record["holding"] else "goes out"
    for retry in record["retries"]:
        number = str(retry["attempt"])
        yield minute(retry["due_at"]), record["recipient"], retry["request_id"], number, retry["because"], held
    if not record["retries"]:
        probe = "" if record["probe_at"] is None else f"a retry went out {minute(record['probe_at'])}"
        yield "-", record["recipient"], "-", "-", probe, held


def loop(record: Record) -> tuple[str, ...]:
    """Return the row of a mail.LoopFlag."""
    window, mails = _span(record["window_seconds"]), f"{record['replies']:,}"
    return record["recipient"], record["local_address"], mails, window, minute(record["since"]), minute(record["until"])


def pause(record: Record) -> tuple[str, ...]:
    """Return the row of a mail.Pause; a ratio with what it was made of."""
    made_of = f" ({record['bad']:,} of {counted(record['sends'], 'send')})" if record["sends"] else ""
    until = minute(record["until"], none="somebody clears it")
    return record["stream"], minute(record["since"]), until, record["by"], record["because"] + made_of


def _streams(record: Record) -> str:
    """Return which sending streams must not write."""
    if record["scope"] == "*":
        return "every"
    return ", ".join(dict.fromkeys([record["scope"], *record["streams"]]))


def _span(seconds: int) -> str:
    """Return a length of time in its largest whole unit, such as `10 min`."""
    for size, unit in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return "-"
