"""When two machines answer each other: the windows, the flag, how long it lasts, and what counts towards it."""

from __future__ import annotations

from streams.decide.loops import KEEP_REPLIES, MAX_EVIDENCE, loop_flag, note_reply, prune_replies
from streams.mail.loop import LoopFlag, Reply
from streams.mail.policy import LoopPolicy
from streams.mail.standing import NEVER, Standing
from tests.builders import DAY, HOUR, MINUTE, NOON, POLICY

LOOPS = POLICY.loops


def answered(
    at: int, message_id: str | None = "", local: str = "desk@example.org", *, answering: bool = False
) -> Reply:
    """Return an auto-reply, to a mail of its own unless one is named."""
    mail = message_id if message_id is None else message_id or f"m-{at}"
    return Reply(at, at.to_bytes(8, "big"), local, mail, answering)


def flag(
    *replies: Reply, now: int | None = None, cleared_at: int = NEVER, policy: LoopPolicy = LOOPS
) -> LoopFlag | None:
    """Return the flag that holds after these replies; at the time of the last one, unless told otherwise."""
    standing = Standing(NOON, cleared_at=cleared_at)
    for reply in replies:
        standing = note_reply(standing, reply, policy)
    return loop_flag("robot@example.net", standing, policy, max(r.at for r in replies) if now is None else now)


def lasts(found: LoopFlag | None) -> tuple[int, int] | None:
    """Return from when and for how long a flag holds."""
    return None if found is None else (found.since, found.until - found.since)


def test_two_auto_replies_in_ten_minutes_are_a_loop() -> None:
    found = flag(answered(NOON), answered(NOON + 10 * MINUTE))
    assert found is not None
    assert (found.recipient, found.local_address) == ("robot@example.net", "desk@example.org")
    assert (found.replies, found.window_seconds) == (2, 600)
    assert lasts(found) == (NOON + 10 * MINUTE, DAY)
    assert [(e.message_id, e.at) for e in found.evidence] == [
        (f"m-{NOON}", NOON),
        (f"m-{NOON + 10 * MINUTE}", NOON + 10 * MINUTE),
    ]


def test_a_minute_more_is_none_and_three_in_an_hour_are_one() -> None:
    assert flag(answered(NOON), answered(NOON + 11 * MINUTE)) is None
    found = flag(answered(NOON), answered(NOON + 11 * MINUTE), answered(NOON + HOUR))
    assert found is not None
    assert (found.replies, found.window_seconds) == (3, 3600)


def test_five_in_a_day_are_one_and_four_are_none() -> None:
    four = [answered(NOON + n * 6 * HOUR) for n in range(4)]
    assert flag(*four) is None
    found = flag(*four, answered(NOON + 24 * HOUR))
    assert found is not None
    assert (found.replies, found.window_seconds) == (5, 86_400)


def test_several_replies_to_one_mail_are_one() -> None:
    assert flag(*(answered(NOON + n * MINUTE, "m-1") for n in range(9))) is None


def test_a_reply_to_a_mail_that_nobody_knows_counts_by_itself() -> None:
    assert flag(answered(NOON, None), answered(NOON + MINUTE, None)) is not None


def test_one_reply_to_an_answer_of_ours_is_a_loop() -> None:
    found = flag(answered(NOON, answering=True))
    assert found is not None
    assert (found.replies, found.window_seconds, found.since) == (1, 0, NOON)


def test_that_ours_was_an_answer_may_be_learnt_from_the_second_report() -> None:
    assert flag(answered(NOON, "m-1"), answered(NOON + MINUTE, "m-1", answering=True)) is not None


def test_two_of_our_addresses_are_two_pairs() -> None:
    other = answered(NOON + MINUTE, local="shop@example.org")
    assert flag(answered(NOON), other) is None
    found = flag(answered(NOON), answered(NOON + MINUTE), other, answered(NOON + 5 * MINUTE, local="shop@example.org"))
    assert found is not None
    assert found.local_address == "shop@example.org", "of all pairs the flag that lasts longest"


def test_a_flag_ends_by_itself() -> None:
    pair = answered(NOON - MINUTE), answered(NOON)
    assert flag(*pair, now=NOON + DAY - 1) is not None
    assert flag(*pair, now=NOON + DAY) is None


def test_what_comes_while_a_flag_lasts_counts_towards_nothing() -> None:
    first = [answered(NOON), answered(NOON + MINUTE)]
    more = [answered(NOON + n * HOUR) for n in range(1, 24)]
    assert lasts(flag(*first, *more)) == (NOON + MINUTE, DAY)


def test_each_further_flag_lasts_twice_as_long_and_none_longer_than_the_longest() -> None:
    replies, at = list[Reply](), NOON
    for days in (1, 2, 4, 8, 16, 30, 30):
        replies += [answered(at), answered(at + MINUTE)]
        assert lasts(flag(*replies)) == (at + MINUTE, days * DAY)
        at += days * DAY + HOUR


def test_a_pair_that_was_long_quiet_begins_anew() -> None:
    first = [answered(NOON), answered(NOON + MINUTE)]
    late = NOON + 32 * DAY
    again = [answered(late), answered(late + MINUTE)]
    assert lasts(flag(*first, *again)) == (late + MINUTE, DAY)


def test_replies_up_to_an_operators_word_count_no_more() -> None:
    pair = answered(NOON), answered(NOON + MINUTE)
    assert flag(*pair, cleared_at=NOON + MINUTE) is None
    assert flag(*pair, answered(NOON + 2 * MINUTE), cleared_at=NOON) is not None
    assert lasts(flag(*pair, answered(NOON + HOUR), answered(NOON + HOUR + 1), cleared_at=NOON + MINUTE)) == (
        NOON + HOUR + 1,
        DAY,
    )


def test_evidence_and_what_is_kept_are_bounded() -> None:
    many = [answered(NOON + n * 20 * MINUTE) for n in range(KEEP_REPLIES + 9)]
    loose = LoopPolicy(windows=((20, 2 * DAY),))
    found = flag(*many[:20], policy=loose)
    assert found is not None
    assert (found.replies, len(found.evidence)) == (20, MAX_EVIDENCE)
    assert found.evidence[-1].at == many[19].at
    standing = Standing(NOON)
    for reply in reversed(many):
        standing = note_reply(standing, reply, LOOPS)
    assert standing.replies == tuple(many[-KEEP_REPLIES:])


def test_a_window_that_counts_many_has_room_for_them() -> None:
    busy = LoopPolicy(windows=((100, 30 * DAY),))
    assert flag(*(answered(NOON + n * HOUR) for n in range(100)), policy=busy) is not None


def test_the_replies_of_a_quiet_pair_are_dropped_and_no_flag_goes_with_them() -> None:
    standing = Standing(NOON)
    for reply in (answered(NOON), answered(NOON + MINUTE), answered(NOON + 40 * DAY, local="shop@example.org")):
        standing = note_reply(standing, reply, LOOPS)
    end = NOON + MINUTE + 31 * DAY
    assert prune_replies(standing, LOOPS, end) == standing
    assert [r.local for r in prune_replies(standing, LOOPS, end + 1).replies] == ["shop@example.org"]
