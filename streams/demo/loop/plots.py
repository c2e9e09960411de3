"""All tales that the closed loop is made of: a table of what happens to requests, and the end that each must have.

A person's word tells the simulator how the mailbox behaves (`gone`, `busy-2`); what must come of it is written here, by
the rules page (docs/rules.md), never asked of the product. Each row is told at least once, however rare. The shares
keep a healthy sender's ratios, or the circuit breaker would rightly pause a stream.
"""

from __future__ import annotations

from typing import Any

from streams.demo.loop.tales import Ask, Cue, End, Fate, Odd, Order, Tale, ends, never

SOFT = ("SOFT_BOUNCED",)
MOST_ATTEMPTS = 4
"""The first, and three retries (docs/rules.md); the fourth soft bounce is the end."""
CROWD = 51
"""One recipient more than SES takes in one mail (SES developer guide, quotas)."""
ONE_STREAM, OTHER_STREAM = "tickets", "orders"

DELIVERED = ends(End.DELIVERED, ("DELIVERED",))
REPLIED = ends(End.DELIVERED, ("DELIVERED", "AUTO_REPLIED"))
SUPPRESSED = never(End.SUPPRESSED, "SUPPRESSED")
LOOPING = never(End.LOOPING, "LOOPING")
FAILED = never(End.FAILED, "FAILED")
UNSENT = Fate(end=End.WAITING)


def bounced_softly(times: int) -> Fate:
    """Return the fate of a request that bounces softly so many times and is delivered then."""
    return ends(End.DELIVERED, *[SOFT] * times, ("DELIVERED",))


def _ask(fate: Fate, **rest: Any) -> Ask:
    """One request to the tale's first person; *rest* as of Ask."""
    return Ask(fates=(fate,), **rest)


def _one(name: str, share: float, word: str, *steps: Ask | Order, stop: str | None = None) -> Tale:
    """One person, and what is asked for one after another."""
    return Tale(name=name, share=share, people=(word,), steps=steps, stops=(stop,))


EVERYDAY = (
    _one("delivered", 0.780, "", _ask(DELIVERED)),
    _one("opened and clicked", 0.030, "open", _ask(ends(End.DELIVERED, ("DELIVERED", "OPENED", "CLICKED")))),
    _one("delayed, then delivered", 0.020, "slow-1", _ask(ends(End.DELIVERED, ("DELAYED", "DELIVERED")))),
    _one("not before a time", 0.010, "", _ask(DELIVERED, odd=Odd.SOON)),
    _one("not before tomorrow", 0.001, "", _ask(UNSENT, odd=Odd.TOMORROW)),
    _one("published twice", 0.015, "", _ask(DELIVERED, odd=Odd.TWICE)),
    _one("asked for too late", 0.004, "", _ask(never(End.EXPIRED, "EXPIRED"), odd=Odd.PAST)),
    _one("a virus in it", 0.002, "", _ask(ends(End.REJECTED, ("REJECTED",)), odd=Odd.VIRUS)),
    _one("a sender whom SES does not know", 0.002, "", _ask(FAILED, odd=Odd.STRANGER)),
    Tale(
        name="one recipient too many",
        share=0.0001,
        people=("",) * CROWD,
        stops=(None,) * CROWD,
        steps=(Ask(fates=(FAILED,) * CROWD, to=tuple(range(CROWD))),),
    ),
)

RETRIED = (
    _one("busy once", 0.025, "busy-1", _ask(bounced_softly(1))),
    _one("busy twice", 0.012, "busy-2", _ask(bounced_softly(2))),
    _one("busy three times", 0.006, "busy-3", _ask(bounced_softly(3))),
    _one("busy for ever", 0.005, "busy-9", _ask(ends(End.BOUNCED, *[SOFT] * MOST_ATTEMPTS))),
    _one("no such domain for a while", 0.004, "nodomain-1", _ask(bounced_softly(1))),
    _one("undetermined, then delivered", 0.004, "undetermined-1", _ask(bounced_softly(1))),
    _one("too large", 0.002, "toolarge", _ask(ends(End.BOUNCED, SOFT))),
    _one("content refused", 0.002, "content", _ask(ends(End.BOUNCED, SOFT))),
    _one("attachment refused", 0.002, "attachment", _ask(ends(End.BOUNCED, SOFT))),
    Tale(
        name="two recipients, one of them busy",
        share=0.010,
        people=("", "busy-1"),
        stops=(None, None),
        steps=(Ask(fates=(DELIVERED, bounced_softly(1)), to=(0, 1)),),
    ),
    _one(
        "held behind a retry",
        0.006,
        "busy-2",
        _ask(bounced_softly(2)),
        _ask(DELIVERED, cue=Cue.WAITING, behind=1),
    ),
    _one(
        "waiting for room",
        0.002,
        "full-9",
        _ask(Fate(end=End.WAITING, said=(SOFT,), mails=1)),
        _ask(UNSENT, cue=Cue.WAITING),
    ),
)

STOPPED = (
    _one(
        "gone, and asked for again",
        0.010,
        "gone",
        _ask(ends(End.BOUNCED, ("HARD_BOUNCED",))),
        _ask(SUPPRESSED, cue=Cue.SUPPRESSED),
        stop="HARD_BOUNCE",
    ),
    _one(
        "accepted, then bounced",
        0.001,
        "late",
        _ask(ends(End.BOUNCED, ("DELIVERED", "HARD_BOUNCED"))),
        stop="HARD_BOUNCE",
    ),
    _one(
        "complained, and asked for again",
        0.0004,
        "complain",
        _ask(ends(End.COMPLAINED, ("DELIVERED", "COMPLAINED"))),
        _ask(SUPPRESSED, cue=Cue.SUPPRESSED),
        stop="COMPLAINT",
    ),
    Tale(
        name="one of two complained",
        share=0.0002,
        people=("angry", ""),
        stops=("SUSPECTED_COMPLAINT",) * 2,
        steps=(Ask(fates=(ends(End.COMPLAINED, ("DELIVERED", "COMPLAINED")),) * 2, to=(0, 1)),),
    ),
    _one("rescued from spam", 0.001, "notspam", _ask(ends(End.DELIVERED, ("DELIVERED", "NOT_SPAM")))),
    _one(
        "suppressed by hand, then released",
        0.001,
        "",
        Order(action="SUPPRESS"),
        _ask(SUPPRESSED, cue=Cue.SUPPRESSED),
        Order(action="RELEASE", cue=Cue.TURNED_AWAY),
        _ask(DELIVERED, cue=Cue.RELEASED),
    ),
    _one(
        "suppressed for one stream",
        0.001,
        "",
        Order(action="SUPPRESS", scope=ONE_STREAM),
        _ask(SUPPRESSED, cue=Cue.SUPPRESSED, stream=ONE_STREAM),
        _ask(DELIVERED, stream=OTHER_STREAM),
        stop="MANUAL",
    ),
)

MACHINES = (
    _one("out of office", 0.010, "vacation", _ask(REPLIED)),
    _one("out of office, to our own mailbox", 0.005, "responder", _ask(REPLIED)),
    Tale(
        name="a machine answers two mails",
        share=0.002,
        people=("robot",),
        loops=True,
        steps=(
            _ask(REPLIED),
            _ask(REPLIED, cue=Cue.REPLIED),
            _ask(LOOPING, odd=Odd.ANSWER, cue=Cue.FLAGGED),
            _ask(REPLIED),
        ),
    ),
    Tale(
        name="a machine answers our machine",
        share=0.002,
        people=("robot",),
        loops=True,
        steps=(_ask(REPLIED, odd=Odd.ANSWER), _ask(LOOPING, odd=Odd.ANSWER, cue=Cue.FLAGGED)),
    ),
    Tale(
        name="a machine writes back to our machine",
        share=0.002,
        people=("responder",),
        loops=True,
        steps=(_ask(REPLIED, odd=Odd.ANSWER), _ask(LOOPING, odd=Odd.ANSWER, cue=Cue.FLAGGED)),
    ),
)

TALES = EVERYDAY + RETRIED + STOPPED + MACHINES
LEAST_REQUESTS = sum(tale.requests for tale in TALES)
"""Fewer than these, and not every tale is told."""
