"""What `ses-streams suppressions import` does: write an instruction for everybody whom a file names, and add up.

How a line is read stands in entries.py. What could not be used is told by the number of its line.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import nullcontext

from streams.cli.desk import Desk, Faults
from streams.cli.entries import Bad, Entry, read_entries
from streams.cli.lines import reading
from streams.cli.options import now
from streams.cli.shown import counted, people, say
from streams.decide.instruction import Action
from streams.emit.instruct import Outbox, Word, instruction
from streams.mail.suppression import SuppressionReason


def run(
    file: str, by: str, why: str, *, dry_run: bool, as_json: bool, progress: bool | None, brokers: str | None
) -> None:
    """Import a file; see the command's help for the rest."""
    faults, reasons = Faults(), Counter[str]()
    outbox = nullcontext(None) if dry_run else Desk(brokers).outbox("mail.Instruction")
    shown = False if as_json and sys.stdout.isatty() else progress  # the bar and the lines would cross
    with reading(file, shown=shown) as lines, outbox as out:
        for number, found in read_entries(lines, now()):
            if isinstance(found, Bad):
                faults.add(f"line {number}: {found.why}")
                continue
            reasons[found.reason] += 1
            _write(found, by, why, out, as_json=as_json)
    people(_sum(reasons, dry_run=dry_run))
    faults.close("line cannot be used", "lines cannot be used")


def _write(entry: Entry, by: str, why: str, out: Outbox | None, *, as_json: bool) -> None:
    """Write the instructions of one entry; streams that were left besides stay left, each by one of its own."""
    asked = [(entry.scope, entry.reason, entry.until)]
    asked += [(name, SuppressionReason.UNSUBSCRIBED, None) for name in entry.streams if name not in ("", entry.scope)]
    for scope, reason, until in asked:
        word, more = Word(by, entry.at, why), {"reason": reason, "scope": scope, "until": until}
        record = instruction(entry.who.recipient, Action.SUPPRESS, word, **more, written=entry.who.written)
        if out is not None:
            out.write("mail.Instruction", record)
        if as_json:
            say("mail.Instruction", record)


def _sum(reasons: Counter[str], *, dry_run: bool) -> str:
    """Return what was done, for people."""
    done = "would be suppressed" if dry_run else "told to be suppressed, acknowledged"
    parts = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    return f"{counted(reasons.total(), 'recipient')} {done}" + (f": {parts}" if parts else "")
