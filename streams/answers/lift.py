"""How to take away what stands against somebody: the commands, ready to be typed, and what no command of ours does."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import join

from streams.answers.evidence import Lift
from streams.mail.standing import MarkKind, Standing
from streams.mail.suppression import EVERY_STREAM, Suppression, SuppressionReason

SES_ASKS_TOO = frozenset({MarkKind.HARD_BOUNCE, MarkKind.COMPLAINT, MarkKind.SES_LIST})
"""Marks of which SES keeps a list of its own: released here alone, SES would still send nothing."""

_WHY = ("--why", "WHY, AND WHO ASKED")
_SYNC = "ses-streams suppressions sync-ses --push --delete-released --apply"


def lifts(
    recipient: str, standing: Standing, suppression: Suppression | None, *, looping: bool, holding: bool
) -> Iterator[Lift]:
    """Yield what can be done, in the order in which it is to be done."""
    if suppression is not None:
        yield from _releases(recipient, suppression)
        if suppression.reason is SuppressionReason.SES_LIST or any(m.kind in SES_ASKS_TOO for m in standing.marks):
            yield Lift(
                does="Take whoever was released off SES's own list, too: it sends nothing to whoever is on it",
                command=_SYNC,
            )
    if looping:
        yield Lift(
            does="Let our machines answer theirs again; see first that theirs no longer answers",
            command=join(("ses-streams", "loops", "clear", recipient, *_WHY)),
        )
    if holding:
        yield Lift(
            does="Give up what waits to be sent again, so that newer mail goes out now",
            command=join(("ses-streams", "retries", "cancel", "--address", recipient, *_WHY)),
        )


def _releases(recipient: str, suppression: Suppression) -> Iterator[Lift]:
    """Yield what takes somebody off our list."""
    release = ("ses-streams", "suppressions", "release", recipient)
    if suppression.scope == EVERY_STREAM:
        first = _FIRST.get(suppression.reason, "")
        yield Lift(does=f"Let every stream write to them again{first}", command=join((*release, *_WHY)))
        return
    for stream in suppression.streams or (suppression.scope,):
        yield Lift(
            does=f"Let the stream {stream} write to them again",
            command=join((*release, "--scope", stream, *_WHY)),
        )


_FIRST = {
    SuppressionReason.COMPLAINT: "; only if they ask for it, since they complained",
    SuppressionReason.SUSPECTED_COMPLAINT: "; only if they ask for it, since they may have complained",
    SuppressionReason.HARD_BOUNCE: "; see first that their mailbox is there again: the next hard bounce stops it anew",
}
"""What to see to before."""
