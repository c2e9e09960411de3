"""When two machines answer each other: auto-replies of one recipient to one address of ours, each to another mail.

A pure function of the set of replies, so their order does not matter: several replies to one mail are one, what comes
while a flag lasts counts towards nothing, and each further flag lasts twice as long. RFC 3834 asks responders to
answer nobody twice within days; a machine that answers each of our mails within minutes keeps no such rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from streams.mail.loop import LoopEvidence, LoopFlag, Reply
from streams.mail.policy import DAY, LoopPolicy
from streams.mail.standing import Standing

MAX_EVIDENCE = 8
"""Replies named in a flag: the last ones before it."""

KEEP_REPLIES = 64
"""Replies kept of a recipient, or twice as many as the largest window counts: the latest."""

SECOND = 1_000


class Found(NamedTuple):
    """What makes a loop: the replies that were counted, and the window (ms) that they fell into."""

    replies: Sequence[Reply]
    window: int


class Flagged(NamedTuple):
    """A flag on one pair: from when, until when (ms), and what made it."""

    since: int
    until: int
    found: Found


class Run(NamedTuple):
    """Replies of one pair that were counted together, and the flag that they raised; None while they raise none."""

    replies: tuple[Reply, ...]
    flag: Flagged | None


def note_reply(standing: Standing, reply: Reply, policy: LoopPolicy) -> Standing:
    """Return the standing after one auto-reply; the same again changes nothing."""
    most = max(KEEP_REPLIES, 2 * max(count for count, _ in policy.windows))
    return standing._replace(replies=tuple(sorted({*standing.replies, reply}, key=_order)[-most:]))


def prune_replies(standing: Standing, policy: LoopPolicy, now: int) -> Standing:
    """Return the standing without the replies of pairs that have long been quiet: the next flag begins anew there."""
    if not standing.replies:
        return standing
    last = {local: replies[-1].at for local, replies in pairs(standing).items()}
    return standing._replace(
        replies=tuple(r for r in standing.replies if last[r.local] + _quiet(policy) >= now),
    )


def loop_flag(recipient: str, standing: Standing, policy: LoopPolicy, now: int) -> LoopFlag | None:
    """Return the strongest flag that holds at *now* (ms), of all pairs of *recipient*; None where none does."""
    if not standing.replies:
        return None
    flags = [
        (flag.until, flag.since, local, flag)
        for local, replies in pairs(standing).items()
        if (flag := _flagged(replies, standing.cleared_at, policy)) is not None and flag.until > now
    ]
    if not flags:
        return None
    _, _, local, flag = max(flags, key=lambda row: row[:3])
    return LoopFlag(
        recipient=recipient,
        local_address=local,
        replies=len(flag.found.replies),
        window_seconds=flag.found.window // SECOND,
        since=flag.since,
        until=flag.until,
        evidence=tuple(LoopEvidence(message_id=r.message_id, at=r.at) for r in flag.found.replies[-MAX_EVIDENCE:]),
    )


def _order(reply: Reply) -> tuple[int, bytes, str, str, bool]:
    """Return by what replies are sorted."""
    return reply.at, reply.id, reply.local, reply.message_id or "", reply.answering


def pairs(standing: Standing) -> dict[str, list[Reply]]:
    """Return the replies by the address of ours that was answered, in order."""
    by_local: defaultdict[str, list[Reply]] = defaultdict(list)
    for reply in standing.replies:
        by_local[reply.local].append(reply)
    return by_local


def reply_runs(replies: Sequence[Reply], cleared_at: int, policy: LoopPolicy) -> list[Run]:
    """Return the replies of one pair that count, run by run; an open run that is not the last ended in quiet."""
    runs, run, length, before, over = list[Run](), list[Reply](), policy.flag, None, None
    for reply in _once_a_mail(replies, cleared_at):
        if before is not None and reply.at - before > _quiet(policy):
            runs += [Run(tuple(run), None)] if run else []
            run, length = [], policy.flag
        before = reply.at
        if over is not None and reply.at < over:
            continue
        run.append(reply)
        found = _found(run, policy)
        if found is not None:
            over = reply.at + min(length, policy.longest)
            runs.append(Run(tuple(run), Flagged(reply.at, over, found)))
            run, length = [], min(length * 2, policy.longest)
    return [*runs, Run(tuple(run), None)] if run else runs


def _flagged(replies: Sequence[Reply], cleared_at: int, policy: LoopPolicy) -> Flagged | None:
    """Return the last flag that the replies of one pair have made, be it over or not."""
    return next((run.flag for run in reversed(reply_runs(replies, cleared_at, policy)) if run.flag is not None), None)


def _found(run: Sequence[Reply], policy: LoopPolicy) -> Found | None:
    """Return what the last reply of a run makes a loop of; None where it makes none."""
    last = run[-1]
    if last.answering:
        return Found([last], 0)  # ours was an answer, and was answered by a machine: nobody is reading
    for count, window in policy.windows:
        if len(run) >= count and last.at - run[-count].at <= window:
            return Found(run[-count:], window)
    return None


def _once_a_mail(replies: Sequence[Reply], cleared_at: int) -> list[Reply]:
    """Return the first reply to each mail of ours, since *cleared_at*; one whose mail is unknown counts by itself."""
    first: dict[object, Reply] = {}
    for reply in replies:
        if reply.at > cleared_at:
            mail = reply.message_id or reply.id
            known = first.setdefault(mail, reply)
            if reply.answering and not known.answering:
                first[mail] = known._replace(answering=True)
    return list(first.values())


def _quiet(policy: LoopPolicy) -> int:
    """Return after how long without a reply (ms) nothing that was counted matters any more."""
    return policy.longest + DAY
