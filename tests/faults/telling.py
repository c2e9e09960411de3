"""Other stories than the usual ones, for what data can do: poison of all sorts, ids that are not known yet, and more.

`tell` has a stage tell a test's own plots. What is poison on a topic that the checker reads too is planted there: the
checker looks past it on that topic, and for it among the dead letters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.faults.evidence import Evidence
from tests.faults.plot import Plot
from tests.faults.process import Worker
from tests.faults.registry import FOREIGN
from tests.faults.stage import Stage
from tests.faults.teller import Teller
from tests.faults.topics import Record
from tests.faults.watch import run
from tests.faults.wire import HEADER, Wire

Plots = Sequence[tuple[Callable[[Plot], None], float]]
PLANTED = b"planted"
"""What the checker looks past where the worker publishes as well."""
LARGE = 900_000


class OtherTeller(Teller):
    """Tells a test's own plots."""

    def __init__(self, seed: int, wire: Wire, began: int, plots: Plots) -> None:
        """Begin before the first; *plots* are of the form of PLOTS."""
        super().__init__(seed, wire, began)
        self._plots = [plot for plot, _ in plots]
        self._weights = [weight for _, weight in plots]


class LookingPast(Evidence):
    """Looks past what was planted."""

    def take(self, record: Record) -> None:
        """Take one record of any topic, unless it was planted there."""
        planted = self._roles.get(record.topic) == "outcomes" and PLANTED in (record.value or b"")
        if not planted:
            super().take(record)


def tell(stage: Stage, plots: Plots, began: int | None = None, seed: int | None = None) -> None:
    """Have a stage tell *plots* from now on; *began* is when they happen (ms), now where it is None."""
    wire, at = Wire(), int(time.time() * 1000) if began is None else began
    stage._teller = OtherTeller(stage.seed if seed is None else seed, wire, at, plots)
    stage.evidence = LookingPast(wire, {name: role for role, name in stage.topics.items()})


def offhand(stage: Stage, how: str, name: str = "one", **settings: object) -> Worker:
    """Return a worker, started, that is careless with data: see offhand.py."""
    return run(stage, name, ("-m", "tests.faults.offhand", how), **settings)


def of_another_kind(plot: Plot) -> None:
    """Publish a record of another schema than the topic's."""
    role, other = plot.chance.sample(("sends", "feedback"), 2)
    plot.broken(role, _name(plot), _record(plot, other))


def of_no_mail(plot: Plot) -> None:
    """Publish a record that names no mail."""
    role = plot.chance.choice(("sends", "feedback"))
    plot.broken(role, _name(plot), _record(plot, role, message_id=plot.chance.choice(("", "<>"))))


def of_no_time(plot: Plot) -> None:
    """Publish a record of a time that is none: microseconds, or one before the epoch."""
    field, role = plot.chance.choice((("sent_at", "sends"), ("occurred_at", "feedback")))
    plot.broken(role, _name(plot), _record(plot, role, **{field: plot.chance.choice((plot.at * 1000, -plot.at))}))


def of_great_size(plot: Plot) -> None:
    """Publish nearly a megabyte of nothing."""
    role = plot.chance.choice(("sends", "feedback"))
    plot.broken(role, _name(plot), plot.chance.randbytes(4) + bytes(LARGE))


def of_other_topics(plot: Plot) -> None:
    """Publish what nobody can use where workers publish, and operators."""
    role = plot.chance.choice(("outcomes", "instructions"))
    begin = plot.chance.choice((b"", _record(plot, "feedback")[:HEADER], b"\0\x7f\0\0\1", b"{", b"\0"))
    plot.broken(role, _name(plot), begin + b"\xff" * 9 + PLANTED + _name(plot))


POISONS: Plots = (
    (of_another_kind, 0.25),
    (of_no_mail, 0.25),
    (of_no_time, 0.25),
    (of_great_size, 0.1),
    (of_other_topics, 0.8),
)
"""Beside those of PLOTS: not so many that the worker stops."""


def foreign(plot: Plot) -> None:
    """Deliver a mail, or bounce it, and say so under the id of somebody else's registry: at first nobody knows it."""
    mail = plot.mail(plot.people())
    plot.send(mail)
    if plot.chance.random() < 0.5:
        plot.event(mail, "DELIVERY", due=("DELIVERED", ""))
    else:
        plot.bounce(mail, means="HARD_BOUNCED", said="Permanent/NoEmail", dsn="5.1.1")
        plot.stands(mail.people, mail, "HARD_BOUNCE")
    ((name, value),) = plot.story.events.items()
    said = plot.story.events[name] = b"\0" + FOREIGN.to_bytes(4, "big") + value[HEADER:]
    put = plot.story.puts[-1]
    plot.story.puts[-1] = replace(put, value=said, copies=1)
    plot.story.letters.append((put.role, put.key, said))


def _name(plot: Plot) -> bytes:
    return f"poison-{plot.story.number}".encode()


def _record(plot: Plot, role: str, **fields: Any) -> bytes:
    """Return a record that has what it must have, and *fields*."""
    needed: dict[str, dict[str, Any]] = {
        "sends": {"message_id": _name(plot).decode(), "sent_at": plot.at},
        "feedback": {"message_id": _name(plot).decode(), "kind": "DELIVERY", "occurred_at": plot.at},
    }
    return plot.encoded(role, needed[role] | fields)
