"""Whose machine answers ours, and what waits to be sent to somebody again: each reply and each retry, with its rule.

`decide/loops.py` and `decide/turn.py` decide; this puts their own steps into words.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.answers.evidence import Evidence, EvidenceKind, Loop, RetryWaits, WaitsFor
from streams.answers.rules import Rules
from streams.answers.said import moment, moment_or_none
from streams.decide.loops import Flagged, loop_flag, pairs, reply_runs
from streams.decide.retry import MAILBOX_FULL, label_of
from streams.decide.turn import Barred, next_probe
from streams.mail.loop import Reply
from streams.mail.policy import LoopPolicy
from streams.mail.retry import ALL_REQUESTS, Wait, WaitKind
from streams.mail.standing import NEVER, Standing

Counted = tuple[str, bool, int | None]
"""The rule's name, whether the evidence counts, and until when."""


def loop(recipient: str, standing: Standing, policy: LoopPolicy, rules: Rules, now: int) -> Loop | None:
    """Return the flag that holds now; None where none does."""
    flag = loop_flag(recipient, standing, policy, now)
    if flag is None:
        return None
    return Loop(
        local_address=flag.local_address,
        replies=flag.replies,
        window_seconds=flag.window_seconds,
        since=moment(flag.since),
        until=moment(flag.until),
        because=rules("loop" if flag.window_seconds else "loop-answer"),
    )


def replies(standing: Standing, policy: LoopPolicy, rules: Rules, now: int) -> Iterator[Evidence]:
    """Yield every auto-reply that is remembered, and an operator's word that a loop is over."""
    for of_pair in pairs(standing).values():
        counted = _counted(of_pair, standing.cleared_at, policy, now)
        for reply in of_pair:
            name, counts, until = counted[reply.id]
            yield Evidence(
                at=moment(reply.at),
                kind=EvidenceKind.AUTO_REPLY,
                counts=counts,
                because=rules(name),
                until=moment_or_none(until),
                message_id=reply.message_id,
            )
    if standing.cleared_at != NEVER:
        yield Evidence(
            at=moment(standing.cleared_at),
            kind=EvidenceKind.LOOP_CLEARED,
            counts=True,
            because=rules("loop-cleared"),
        )


def _counted(of_pair: list[Reply], cleared_at: int, policy: LoopPolicy, now: int) -> dict[bytes, Counted]:
    """Return what each reply of one pair is worth: by its run, or why it is in none."""
    counted: dict[bytes, Counted] = {}
    runs = reply_runs(of_pair, cleared_at, policy)
    for run in runs:
        open_ = run.flag is None and run is runs[-1]
        few: Counted = (
            ("loop-few", open_, None) if open_ or run.flag is not None else ("loop-before-quiet", False, None)
        )
        counted |= dict.fromkeys((reply.id for reply in run.replies), few)
        if run.flag is not None:
            counted |= dict.fromkeys((reply.id for reply in run.flag.found.replies), _of_flag(run.flag, now))
    met = set[str]()
    for reply in of_pair:
        if reply.at <= cleared_at:
            name = "loop-settled"
        elif reply.message_id is not None and reply.message_id in met:
            name = "loop-same-mail"
        else:
            name = "loop-in-flag"
        counted.setdefault(reply.id, (name, False, None))
        met |= {reply.message_id} if reply.message_id is not None and reply.at > cleared_at else set()
    return counted


def _of_flag(flag: Flagged, now: int) -> Counted:
    """Return what the replies are worth that raised a flag."""
    if flag.until <= now:
        return "loop-over", False, None
    return "loop" if flag.found.window else "loop-answer", True, flag.until


def retries(standing: Standing, barred: Barred, rules: Rules) -> Iterator[RetryWaits]:
    """Yield what waits to be sent again, the first due first."""
    asks_next = next_probe(standing, barred)
    for wait in sorted(standing.waits, key=lambda one: (one.due_at, one.request_id)):
        waits_for, name = _waits_for(wait, asks_next, barred)
        yield RetryWaits(
            request_id=wait.request_id,
            attempt=wait.attempt,
            due_at=moment(wait.due_at),
            waits_for=waits_for,
            because=wait.because,
            rule=rules(name),
            message_id=wait.message_id,
            stream=wait.stream,
        )


def _waits_for(wait: Wait, asks_next: Wait | None, barred: Barred) -> tuple[WaitsFor, str]:
    """Return what a retry waits for, and the rule's name."""
    if barred(wait.stream):
        return WaitsFor.BARRED, "retry-barred"
    if wait.kind == WaitKind.REFUSED:
        return WaitsFor.TIME, "retry-refused"
    if wait.kind == WaitKind.HELD and wait != asks_next:
        return WaitsFor.TURN, "retry-turn"
    return WaitsFor.TIME, "retry-full" if label_of(wait.because) == MAILBOX_FULL else "retry"


def cancelled(standing: Standing, rules: Rules) -> Iterator[Evidence]:
    """Yield an operator's word that nothing is sent again; of single requests only a digest is kept."""
    for one in standing.called_off:
        if one.key == ALL_REQUESTS:
            yield Evidence(
                at=moment(one.at),
                kind=EvidenceKind.RETRY_CANCELLED,
                counts=True,
                because=rules("retry-cancelled"),
            )
