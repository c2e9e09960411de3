"""What happens to a mail next by itself: when its silence counts, what is sent again, when it is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streams.answers.follows import Follows
from streams.answers.rules import Rules
from streams.answers.said import moment
from streams.answers.steps import Ahead
from streams.decide.retry import ENDS
from streams.mail.life import Life
from streams.mail.policy import Policy


def ahead(
    life: Life | None, planned: Mapping[str, Follows], policy: Policy, rules: Rules, now: int
) -> tuple[Ahead, ...]:
    """Return what is to come, the nearest first; *planned* are retries by recipient."""
    if life is None:
        return ()
    coming = [*_of_life(life, policy, rules), *_again(life, planned, rules)]
    return tuple(sorted((one for one in coming if one.at > moment(now)), key=lambda one: one.at))


def _of_life(life: Life, policy: Policy, rules: Rules) -> Iterator[Ahead]:
    """Yield what the join does by itself."""
    if life.send is not None and not life.answered and not life.counted:
        at = moment(life.born_at + policy.join.unanswered)
        yield Ahead(at=at, says="it counts as unanswered, if SES says nothing until then", because=rules("silence"))
    for parked in life.parked:
        words = "what waits for its Send goes out without it"
        yield Ahead(at=moment(parked.until), says=words, because=rules("parked"))
    at = moment(life.touched_at + policy.join.forget)
    yield Ahead(at=at, says="it is forgotten, if nothing more is heard of it", because=rules("forgotten"))


def _again(life: Life, planned: Mapping[str, Follows], rules: Rules) -> Iterator[Ahead]:
    """Yield what is sent again, where the mail's end still asks for it."""
    for recipient, follows in planned.items():
        far = life.reached.get(recipient)
        if follows.retry is not None and far is not None and far.kind in ENDS:
            attempt, due_at = follows.retry
            words = f"attempt {attempt} is due for {recipient}, if nothing stands against it: ask why of them"
            yield Ahead(at=moment(due_at), says=words, because=rules("retry"))
