"""What `ses-streams probe` does: a Send and its Delivery are published, and the outcome that joins them is waited for.

They must disturb nobody: a delivery suppresses nobody and asks for no retry, where a bounce of the same address would
put it on the list. The id has the form of SES's own, or doctor would call it foreign; no region's ids begin with 0000.
"""

from __future__ import annotations

import sys
import time
from typing import Any
from uuid import uuid4

import orjson
import typer

from streams.cli import FOUND
from streams.cli.desk import Desk
from streams.cli.options import now
from streams.cli.outcomes import coming
from streams.cli.probe import STREAM
from streams.cli.shown import people, say
from streams.emit.topic import Topic
from streams.settings import Settings

RECIPIENT = "success+ses-streams-probe@simulator.amazonses.com"
MARK = ("ses-streams", "probe")
"""The tag by which readers of outcomes can leave it out."""


def run(stream: str | None, seconds: float, *, as_json: bool, brokers: str | None) -> None:
    """Publish, wait, and say how long each step took; ends with exit code 1 where no outcome comes in time."""
    desk = Desk(brokers)
    at = now()
    mail = f"0000{at:012x}-{uuid4()}-000000"
    watch = _Watch(as_json=as_json)
    with Topic(desk.settings, "outcomes") as outcomes, desk.outbox("mail.Send", "mail.Feedback") as outbox:
        outcomes.from_now()
        watch.took("reached", f"the brokers at {desk.settings.brokers}, who have the topics")
        outbox.write("mail.Send", _send(mail, at, _stream(stream, desk.settings)))
        outbox.write("mail.Feedback", _delivery(mail, at))
        outbox.finish()
        watch.took("published", f"Send and Delivery of {mail}")
        found = (one for one in coming(outcomes, desk.codec, {RECIPIENT}, seconds) if one["message_id"] == mail)
        outcome = next(found, None)
    if outcome is not None and outcome["matched"]:
        watch.took("joined", "a worker has made their outcome")
    if outcome is not None and as_json:
        say("mail.Outcome", outcome)
    watch.close(mail)
    if "joined" not in watch.times:
        _fail(mail, "no outcome" if outcome is None else "an outcome without its Send", seconds)


class _Watch:
    """Says how long each step took: at once for people, all of them at the end as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json, self._since = as_json, time.monotonic()
        self.times: dict[str, float | None] = {}

    def took(self, step: str, words: str) -> None:
        """Note that a step is done."""
        before, self._since = self._since, time.monotonic()
        self.times[step] = taken = round((self._since - before) * 1000, 1)
        if not self._as_json:
            sys.stdout.write(f"{step:<10}{taken:>9,.0f} ms  {words}\n")
            sys.stdout.flush()

    def close(self, mail: str) -> None:
        """Print the steps as JSON, where that is wanted."""
        if self._as_json:
            steps = {f"{step}_ms": self.times.get(step) for step in ("reached", "published", "joined")}
            line = orjson.dumps({"probe": {"message_id": mail, "joined": "joined" in self.times, **steps}})
            sys.stdout.write(line.decode() + "\n")


def _send(mail: str, at: int, stream: str) -> dict[str, Any]:
    """Return the Send that upstream would publish."""
    return {"message_id": mail, "sent_at": at, "stream": stream, "recipients": [RECIPIENT], "tags": dict([MARK])}


def _delivery(mail: str, at: int) -> dict[str, Any]:
    """Return the Feedback that intake would publish."""
    name, value = MARK
    tags = {name: [value]}
    return {
        "kind": "DELIVERY",
        "message_id": mail,
        "occurred_at": at,
        "recipients": [{"address": RECIPIENT}],
        "tags": tags,
    }


def _stream(said: str | None, settings: Settings) -> str:
    """Return the stream: none where streams are listed, for one more would be `other`, and an alert tell of it."""
    if said is not None:
        return said
    listed = settings.metrics.streams
    return STREAM if not listed or STREAM in listed else ""


def _fail(mail: str, what: str, seconds: float) -> None:
    """Say what is missing, what it is likely to be, and the next command."""
    people(
        f"{what} after {seconds:g} s, though the brokers have Send and Delivery\n"
        "likely: no worker runs; or it still reads its state back, or lags; or it has another"
        " SES_STREAMS_TOPIC_PREFIX\n"
        f"next: ses-streams doctor --only topics,group; later: ses-streams trace {mail}"
    )
    raise typer.Exit(FOUND)
