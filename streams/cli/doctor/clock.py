"""Clocks: this machine's against the brokers', by the times that they gave to the latest records.

A record from the future says that the clocks differ. None says little: that is said, too. Nothing is written for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World

BEHIND = Rule(
    "CLOCK_BEHIND",
    Level.WRONG,
    "this machine's clock is {seconds:,.0f} s behind the brokers': timers fire late, and retries with them",
    "let an NTP client set the clock (timedatectl set-ntp true)",
)
NOTHING = Rule("CLOCK_NOT_SEEN", Level.UNKNOWN, "no record has a time of the brokers' to hold ours against")
OLD = Rule(
    "CLOCK_NOT_AHEAD",
    Level.OK,
    "no record is from the future; whether this clock is ahead cannot be told, for the last one is {minutes:,.0f} min"
    " old",
)
FINE = Rule("CLOCK_FINE", Level.OK, "within {seconds:,.1f} s of the brokers'")
RULES = (BEHIND, NOTHING, OLD, FINE)
ROLES = ("sends", "feedback", "outcomes")
TOLERATED_S = 2.0
"""A machine that keeps time by NTP is within milliseconds; a cluster's own brokers differ by as much."""
_FRESH_S = 60.0


def look(world: World) -> list[Finding]:
    """Take the latest time of the brokers'."""
    import time

    from streams.emit.topic import Topic

    latest = -1
    for role in ROLES:
        with Topic(world.settings, role, patience_s=world.patience_s) as topic:
            latest = max(latest, *(row.at for row in topic.to_the_end(last=1)), -1)
    return list(judge(latest, time.time_ns() // 1_000_000))


def judge(latest: int, now: int) -> Iterator[Finding]:
    """Yield what the latest record's time says of our clock; both in ms, *latest* is -1 where there is none."""
    ahead_s = (latest - now) / 1000
    if latest < 0:
        yield NOTHING.found()
    elif ahead_s > TOLERATED_S:
        yield BEHIND.found(seconds=ahead_s)
    elif -ahead_s > _FRESH_S:
        yield OLD.found(minutes=-ahead_s / 60)
    else:
        yield FINE.found(seconds=abs(ahead_s))
