"""What `ses-streams send` does: publish one request or a file of them, and wait for what becomes of one.

Ids are printed once the brokers have acknowledged their requests, never before.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, nullcontext
from typing import Any
from uuid import uuid4

import orjson
import typer

from streams.cli import FOUND
from streams.cli.desk import Desk, Faults
from streams.cli.lines import reading
from streams.cli.options import now
from streams.cli.outcomes import coming
from streams.cli.requests import fault_in
from streams.cli.shown import counted, harmless, json_line, people, say
from streams.emit.instruct import WINDOW, Outbox
from streams.emit.topic import Topic
from streams.errors import Unusable
from streams.mail.address import normal_address
from streams.mail.outcome import OutcomeKind
from streams.schemas.codec import Codec
from streams.schemas.plain import from_plain

_NAME = "mail.SendRequest"

_LIKELY = """likely: no worker sends (SES_STREAMS_DISPATCH__ENABLED), its stream is paused, or SES takes nothing
next: ses-streams doctor; ses-streams pauses list"""

ENDS = frozenset(
    {
        OutcomeKind.DELIVERED,
        OutcomeKind.HARD_BOUNCED,
        OutcomeKind.SOFT_BOUNCED,
        OutcomeKind.COMPLAINED,
        OutcomeKind.REJECTED,
        OutcomeKind.RENDERING_FAILED,
        OutcomeKind.FAILED,
        OutcomeKind.SUPPRESSED,
        OutcomeKind.LOOPING,
        OutcomeKind.EXPIRED,
    }
)
"""Outcomes that end an attempt for a recipient. A delay does not, nor does what people and machines do later."""


def send_one(record: dict[str, Any], *, dry_run: bool, wait: float | None, as_json: bool, brokers: str | None) -> None:
    """Publish one request; see the command's help for the rest."""
    desk = Desk(brokers)
    fault = fault_in(record, desk.codec, now())
    if fault is not None:
        raise typer.BadParameter(fault, param_hint="the mail")
    if dry_run:
        say(_NAME, record)
        return
    with ExitStack() as stack:
        outcomes = None if wait is None else stack.enter_context(Topic(desk.settings, "outcomes"))
        if outcomes is not None:
            outcomes.from_now()
        with desk.outbox(_NAME) as outbox:
            outbox.write(_NAME, record)
        sys.stdout.write(_line(record, as_json=as_json))
        sys.stdout.flush()
        if outcomes is not None and wait is not None:
            Waiting(record, desk.codec, as_json=as_json).run(outcomes, wait)


def send_file(file: str, *, dry_run: bool, as_json: bool, progress: bool | None, brokers: str | None) -> None:
    """Publish a file of requests; see the command's help for the rest."""
    desk, faults, count = Desk(brokers), Faults(), 0
    out = nullcontext(None) if dry_run else desk.outbox(_NAME)
    shown = False if sys.stdout.isatty() else progress  # the bar and the ids would cross
    with reading(file, shown=shown) as lines, out as outbox:
        printing = Printing(outbox, as_json=as_json or dry_run)
        for number, line in enumerate(lines, 1):
            record = _record(line) if line.strip() else None
            why = fault_in(record, desk.codec, now()) if isinstance(record, dict) else record
            if why is not None:
                faults.add(f"line {number}: {why}")
            elif isinstance(record, dict):
                count += 1
                printing.take(record)
        printing.finish()
    people(f"{counted(count, 'request')} {'would be published' if dry_run else 'published, acknowledged'}")
    faults.close("line cannot be used", "lines cannot be used")


class Printing:
    """Publishes requests, and prints each once the brokers have it; prints at once where there is no outbox."""

    def __init__(self, outbox: Outbox | None, *, as_json: bool) -> None:
        """Print ids, or whole records."""
        self._outbox = outbox
        self._as_json = as_json
        self._open: list[str] = []

    def take(self, record: dict[str, Any]) -> None:
        """Publish one."""
        if self._outbox is not None:
            self._outbox.write(_NAME, record)
        self._open.append(_line(record, as_json=self._as_json))
        if len(self._open) >= WINDOW:
            self.finish()

    def finish(self) -> None:
        """Wait for the brokers, and print what they have acknowledged."""
        if self._outbox is not None:
            self._outbox.finish()
        sys.stdout.write("".join(self._open))
        self._open.clear()


class Waiting:
    """Waits for what becomes of one request, for each of its recipients."""

    def __init__(self, record: dict[str, Any], codec: Codec, *, as_json: bool) -> None:
        """Wait for everybody whom *record* names."""
        self._id, self._attempt = record["request_id"], record["attempt"]
        self._left = {normal_address(one) for one in (*record["to"], *record["cc"], *record["bcc"])}
        self._codec = codec
        self._as_json = as_json
        self._failed = False

    def run(self, outcomes: Topic, seconds: float) -> None:
        """Print each outcome as it comes; ends with exit code 1 unless everybody gets it within *seconds*."""
        for outcome in coming(outcomes, self._codec, frozenset(self._left), seconds):
            self._hear(outcome)
            if not self._left:
                break
        if self._left:
            people(f"no answer yet for {counted(len(self._left), 'recipient')} after {seconds:g} s")
            people(_LIKELY)
        if self._left or self._failed:
            raise typer.Exit(FOUND)

    def _hear(self, outcome: dict[str, Any]) -> None:
        """Print an outcome of ours, and cross its recipient off where it is an end."""
        if (outcome.get("request_id"), outcome.get("attempt")) != (self._id, self._attempt):
            return
        if self._as_json:
            say("mail.Outcome", outcome)
        else:
            words = f"{outcome['kind']:<16} {outcome['recipient']}  {outcome['reason']}".rstrip()
            sys.stdout.write(harmless(words) + "\n")
        sys.stdout.flush()
        if outcome["kind"] in ENDS:
            self._failed |= outcome["kind"] != OutcomeKind.DELIVERED and outcome["recipient"] in self._left
            self._left.discard(outcome["recipient"])


def _record(line: bytes) -> dict[str, Any] | str:
    """Return the request that a line says, with an id and a time where it has none; else what is wrong with it."""
    try:
        said = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
        said = said.get(_NAME, said) if isinstance(said, dict) else said
        return from_plain(_NAME, {"request_id": str(uuid4()), "requested_at": now()} | said)
    except orjson.JSONDecodeError:
        return "this is no JSON"
    except TypeError:
        return "this is no mail.SendRequest: not an object"
    except Unusable as fault:
        return fault.detail


def _line(record: dict[str, Any], *, as_json: bool) -> str:
    """Return what is printed of a request."""
    return json_line(_NAME, record) if as_json else f"{record['request_id']}\n"
