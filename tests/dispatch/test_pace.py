"""The pace against a server that counts strictly by the second: nearly all of the rate is used, and never more."""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heappush
from itertools import pairwise
from random import Random
from typing import NamedTuple

import pytest

from streams.dispatch.pace import HORIZON, SPARE, Pace
from streams.mail.letter import Quota
from tests.builders import NOON

SECOND, MINUTE = 1_000, 60_000
ANSWER = 50
"""How long a call takes (ms)."""


def quota(per_second: float = 5, per_day: float = -1, sent: float = 0, *, sending: bool = True) -> Quota:
    """Return a quota."""
    return Quota(per_day=per_day, sent=sent, per_second=per_second, sending=sending)


def open_pace(per_second: float = 5, **settings: float) -> Pace:
    """Return a pace that knows its quota and has seen the line work."""
    pace = Pace(**settings)  # type: ignore[arg-type]  # a test names rate or max_in_flight
    pace.learned(quota(per_second), NOON)
    pace.accepted()
    return pace


class Day(NamedTuple):
    """What became of a queue: when each mail was taken (ms), how many were refused, how often somebody asked."""

    taken: list[int]
    refused: int
    asked: int

    @property
    def rate(self) -> float:
        """Mails a second, from the first to the last."""
        return (len(self.taken) - 1) * SECOND / (self.taken[-1] - self.taken[0])

    @property
    def busiest(self) -> int:
        """Most mails in one second of the server's clock."""
        return max(Counter(at // SECOND for at in self.taken).values())


def run(pace: Pace, mails: int, allowed: int, *, looks: int = 1) -> Day:
    """Let *mails* that come at once go at *pace* to a server that takes *allowed* in each second of its clock.

    *looks* is how often (ms) somebody looks whose time has come.
    """
    events: list[tuple[int, int, str, bool]] = []  # when, a number that breaks ties, what, and its flag
    taken, refused, asked, number = list[int](), 0, 0, 0
    for _ in range(mails):
        number += 1
        heappush(events, (NOON + 123, number, "ask", False))
    used: Counter[int] = Counter()
    while events:
        due, number_of, what, flag = heappop(events)
        number += 1
        if what == "over":
            pace.release()
            if flag:
                pace.accepted()
            else:
                pace.throttled(due)
                heappush(events, (due + SECOND, number, "ask", True))
            continue
        now = -(-due // looks) * looks
        asked += 1
        if pace.take(1, now, queued=flag):
            good = used[now // SECOND] < allowed
            used[now // SECOND] += good
            taken += [now] * good
            refused += not good
            heappush(events, (now + ANSWER, number_of, "over", good))
        else:
            slot = pace.slot(1, now)
            assert slot > now, "a busy loop"
            heappush(events, (slot, number, "ask", True))
    return Day(taken, refused, asked)


@pytest.mark.parametrize("rate", [1, 5, 14, 50, 200])
def test_a_long_queue_goes_at_nearly_the_whole_rate_and_the_server_never_says_too_fast(rate: int) -> None:
    day = run(open_pace(rate), 1_000, rate)
    assert len(day.taken) == 1_000
    assert day.rate >= 0.9 * rate
    assert day.busiest <= rate
    assert day.refused == 0


def test_a_thousand_mails_at_five_a_second_are_asked_after_a_few_times_each() -> None:
    assert run(open_pace(5), 1_000, 5).asked <= 6 * 1_000


@pytest.mark.parametrize("looks", [20, 250, 1_000])
def test_a_worker_that_looks_late_still_uses_the_rate(looks: int) -> None:
    day = run(open_pace(14, max_in_flight=100), 1_000, 14, looks=looks)
    assert day.rate >= 0.9 * 14


@pytest.mark.parametrize(("said", "allowed"), [(50, 25), (14, 10), (14, 13)])
def test_it_finds_what_others_have_left_of_the_rate(said: int, allowed: int) -> None:
    day = run(open_pace(said), 1_500, allowed)
    assert day.rate >= 0.9 * allowed
    assert len(day.taken) == 1_500


def test_a_queue_goes_in_the_order_in_which_it_came() -> None:
    pace = open_pace(5, max_in_flight=10_000)
    slots = [NOON if pace.take(1, NOON) else pace.slot(1, NOON) for _ in range(10)]
    assert slots == sorted(slots)
    assert slots[0] == NOON
    assert [later - sooner for sooner, later in pairwise(slots)] == pytest.approx([206] * 9, abs=1)


def test_who_comes_new_does_not_overtake_who_waits() -> None:
    pace = open_pace(5)
    assert pace.take(1, NOON)
    slot = pace.slot(1, NOON)
    assert not pace.take(1, slot)
    assert pace.take(1, slot, queued=True)


def test_a_mail_to_many_takes_up_the_line_for_as_many() -> None:
    pace = open_pace(5)
    assert pace.take(5, NOON)
    assert pace.slot(1, NOON) == pytest.approx(NOON + 5 * 206, abs=2)


def test_the_share_of_a_worker_is_its_share_of_the_rate() -> None:
    pace = open_pace(20)
    pace.share(0.25)
    assert run(pace, 300, 5).rate == pytest.approx(0.97 * 5, rel=0.02)


def test_a_worker_without_a_share_sends_nothing() -> None:
    pace = open_pace(20)
    pace.share(0.0)
    assert not pace.take(1, NOON)
    assert pace.slot(1, NOON) > NOON
    assert pace.is_full(NOON)


def test_the_operators_rate_holds_below_that_of_ses_and_never_above_it() -> None:
    assert open_pace(50, rate=10).standing(NOON).rate == pytest.approx(9.7)
    assert open_pace(50, rate=100).standing(NOON).rate == pytest.approx(48.5)


def test_nothing_goes_before_ses_has_been_asked() -> None:
    pace = Pace()
    assert not pace.take(1, NOON)
    assert NOON < pace.slot(1, NOON) <= NOON + SECOND
    assert pace.is_full(NOON)


@pytest.mark.parametrize(("setting", "rate"), [(None, 0.97), (10.0, 9.7)])
def test_where_ses_does_not_say_the_operators_rate_holds_or_the_sandboxs(setting: float | None, rate: float) -> None:
    pace = Pace(rate=setting)
    pace.learned(None, NOON)
    assert pace.standing(NOON).rate == pytest.approx(rate)
    assert pace.take(1, NOON)


def test_a_quota_that_is_not_told_again_holds_on() -> None:
    pace = open_pace(50)
    pace.learned(None, NOON)
    assert pace.standing(NOON).rate == pytest.approx(48.5)


def test_the_days_quota_is_counted_on_between_two_answers_of_ses() -> None:
    pace = Pace()
    pace.learned(quota(1_000, per_day=10, sent=7), NOON)
    pace.accepted()
    assert pace.take(2, NOON)
    assert pace.standing(NOON).remaining == 1
    assert pace.take(1, NOON + SECOND)
    assert not pace.take(1, NOON + 2 * SECOND)
    assert NOON + 30 * SECOND <= pace.slot(1, NOON + 2 * SECOND) <= NOON + 3 * MINUTE
    assert pace.is_full(NOON + 2 * SECOND)
    pace.learned(quota(1_000, per_day=10, sent=10), NOON + MINUTE)
    assert not pace.take(1, NOON + MINUTE)
    pace.learned(quota(1_000, per_day=10, sent=4), NOON + 2 * MINUTE)
    assert pace.take(1, NOON + 2 * MINUTE)


def test_an_old_answer_about_the_quota_gives_nothing_back() -> None:
    pace = Pace()
    pace.learned(quota(1_000, per_day=10, sent=8), NOON)
    pace.accepted()
    assert pace.take(2, NOON)
    pace.learned(quota(1_000, per_day=10, sent=8), NOON + MINUTE)
    assert not pace.take(1, NOON + MINUTE)


def test_without_a_days_limit_none_is_counted() -> None:
    standing = open_pace(5).standing(NOON)
    assert (standing.remaining, standing.limit) == (-1, -1)


def test_no_more_calls_are_under_way_than_allowed() -> None:
    pace = open_pace(1_000_000, max_in_flight=2)
    assert pace.take(1, NOON)
    assert pace.take(1, NOON + 1, queued=True)
    assert not pace.take(1, NOON + 2, queued=True)
    pace.release()
    assert pace.take(1, NOON + 3, queued=True)


def test_a_line_that_is_stopped_rests_and_then_one_mail_asks() -> None:
    pace = open_pace(1_000)
    pace.stop(NOON, NOON + MINUTE)
    assert not pace.take(1, NOON + MINUTE - 1, queued=True)
    assert pace.slot(1, NOON) >= NOON + MINUTE
    assert pace.is_full(NOON)
    probe = NOON + MINUTE + SECOND
    assert pace.take(1, probe, queued=True)
    assert not pace.take(1, probe + SECOND, queued=True)
    pace.accepted()
    assert pace.take(1, probe + SECOND, queued=True)


def test_a_probe_of_which_nothing_is_heard_is_followed_by_another() -> None:
    pace = open_pace(1_000)
    pace.stop(NOON, NOON + MINUTE)
    assert pace.take(1, NOON + MINUTE + 1, queued=True)
    pace.release()
    assert pace.take(1, NOON + 2 * MINUTE, queued=True)


def test_an_account_that_may_not_send_stops_the_line_until_it_may() -> None:
    pace = open_pace(1_000)
    pace.learned(quota(1_000, sending=False), NOON)
    assert not pace.take(1, NOON + MINUTE, queued=True)
    pace.learned(quota(1_000, sending=True), NOON + MINUTE)
    assert pace.take(1, NOON + MINUTE, queued=True)


def test_too_fast_makes_it_slower_once_for_all_answers_of_that_moment_and_it_recovers_within_seconds() -> None:
    pace = open_pace(100)
    for _ in range(30):
        pace.throttled(NOON)
    assert pace.standing(NOON).rate == pytest.approx(97 * 0.85)
    assert pace.standing(NOON + 3 * SECOND).rate == pytest.approx(97)


def test_it_is_full_when_more_waits_than_can_go_soon() -> None:
    pace = open_pace(5)
    pace.take(1, NOON)
    assert not pace.is_full(NOON)
    while not pace.is_full(NOON):
        assert pace.slot(1, NOON) <= NOON + HORIZON + SECOND
    assert not pace.is_full(NOON + HORIZON)


def test_after_a_stop_all_who_wait_still_go() -> None:
    pace = open_pace(50)
    pace.stop(NOON, NOON + MINUTE)
    day = run(pace, 500, 50)
    assert len(day.taken) == 500
    assert day.taken[0] >= NOON + MINUTE
    assert day.busiest <= 50


@pytest.mark.parametrize("rate", [1, 5, 14, 100])
def test_mails_that_are_let_go_late_and_together_still_leave_as_a_strict_server_takes_them(rate: int) -> None:
    pace, chance = open_pace(rate), Random(rate)
    left: list[int] = []
    for second in range(20):
        late = NOON + second * SECOND + chance.randrange(SECOND)
        left += [pace.departure(1, max(late, left[-1] if left else 0)) for _ in range(rate)]
    ways = sorted(at + chance.randrange(SPARE) for at in left)  # the way to SES takes one longer than another
    assert all(later - first >= SECOND for first, later in zip(ways, ways[rate:], strict=False))
    assert left == sorted(left)


def test_mails_that_are_let_go_on_time_leave_at_once() -> None:
    pace = open_pace(5)
    on_time = [NOON + number * 207 for number in range(50)]
    assert [pace.departure(1, at) for at in on_time] == on_time


def test_a_mail_to_many_leaves_when_all_of_them_have_room() -> None:
    pace = open_pace(5)
    assert [pace.departure(count, NOON) - NOON for count in (3, 2, 5, 50, 1)] == [0, 0, 1025, 2050, 3075]


def test_at_a_rate_of_thousands_nobody_waits_for_a_millisecond() -> None:
    pace = open_pace(5_000)
    assert {pace.departure(1, NOON) for _ in range(20_000)} == {NOON}
