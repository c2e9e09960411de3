"""How the closed loop ended: its figures for the summary, its row and its notes for the last page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from streams.demo.loop.judgement import LoopVerdict
from streams.demo.loop.tales import End


@dataclass(frozen=True, slots=True, kw_only=True)
class Looped:
    """How it ended.

    planned and requests: how many were to be handed in, and were. repeats: how many were published a second time.
    doubts: mails of which the worker did not know whether SES had them. kills_in_dispatch: how often it was killed
    while SES was taking mails from it. in_doubt_bound: how many mails may be sent twice at most, by all kills.
    """

    verdict: LoopVerdict
    planned: int
    requests: int
    repeats: int = 0
    doubts: int = 0
    kills_in_dispatch: int = 0
    in_doubt_bound: int = 0

    @property
    def lost(self) -> tuple[str, ...]:
        """What never came out, in words; also what was never handed in."""
        missing = self.planned - self.requests
        return (*self.verdict.lost, *([f"{missing:,} requests were never handed in"] if missing > 0 else ()))

    @property
    def wrong(self) -> tuple[str, ...]:
        """What is not as it should be, in words; also more mails sent twice than may be."""
        twice, bound = self.verdict.sent_twice, self.in_doubt_bound
        return (
            *self.verdict.wrong,
            *([f"{twice:,} mails were sent twice; at most {bound:,} may be"] if twice > bound else ()),
        )


def loop_summary(looped: Looped) -> dict[str, Any]:
    """Return the figures of the closed loop."""
    verdict = looped.verdict
    due = verdict.earliest_due
    return {
        "requests": looped.requests,
        "published_again": looped.repeats,
        "recipients": verdict.due,
        "ends": {end.value: verdict.ends[end] for end in End},
        "next_due_at": None if due is None else _iso(due),
        "sent": verdict.sent,
        "retries": verdict.retries,
        "held": verdict.held,
        "loops_flagged": verdict.loops,
        "kills_in_dispatch": looped.kills_in_dispatch,
        "doubts": looped.doubts,
        "sent_twice": verdict.sent_twice,
        "in_doubt_bound": looped.in_doubt_bound,
        "lost": len(looped.lost),
        "wrong": len(looped.wrong),
    }


def loop_notes(looped: Looped) -> Iterator[str]:
    """Yield what the reader should know of the closed loop."""
    verdict = looped.verdict
    ends = ", ".join(f"{end} {verdict.ends[end]:,}" for end in End if verdict.ends[end])
    yield f"{looped.requests:,} requests ended, recipient by recipient: {ends}"
    yield (
        f"{verdict.sent:,} mails sent, {verdict.retries:,} of them retries; "
        f"{verdict.held:,} requests held behind a retry, {verdict.loops:,} loops flagged"
    )
    if looped.in_doubt_bound:
        yield (
            f"killed in mid-dispatch {looped.kills_in_dispatch} times; {looped.doubts:,} mails were in doubt; "
            f"sent twice: {verdict.sent_twice:,}, and {looped.in_doubt_bound:,} may be (kills times calls at a time)"
        )


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
