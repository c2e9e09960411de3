"""One moment of the show as plain numbers: all that a view may know, so that a view can be looked at without a show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopScene:
    """How far the closed loop is.

    planned and asked are requests, mails those that SES has taken, waiting retries that are planned. A line is one
    request for one recipient: *due* of them are to end, *ends* says how those have ended that are over.
    """

    planned: int
    asked: int = 0
    mails: int = 0
    waiting: int = 0
    loops: int = 0
    due: int = 0
    ends: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A moment.

    Rates are per second, *elapsed* is seconds since the curtain rose. *due* is how many outcomes are due for what has
    been handed in so far, *part* how much of the day that is (0 to 1). *latest* are suppressions, oldest first.
    *bounces* and *complaints* are shares of the mails sent, as SES counts them. *loop* is None without a closed loop,
    whose records are counted nowhere else. *address* is where the worker's status page is.
    """

    doing: str
    over: bool = False
    elapsed: float = 0.0
    part: float = 0.0
    messages: int = 0
    seed: int = 0
    sends: int = 0
    events: int = 0
    due: int = 0
    outcomes: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    latest: tuple[dict[str, Any], ...] = ()
    letters: int = 0
    duplicates: int = 0
    unmatched: int = 0
    fed_rate: float = 0.0
    work_rate: float = 0.0
    lag: int | None = None
    bounces: float = 0.0
    complaints: float = 0.0
    kills: int = 0
    kills_planned: int = 0
    worker: str = ""
    address: str = ""
    loop: LoopScene | None = None
