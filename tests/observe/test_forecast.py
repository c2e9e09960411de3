"""When a ratio comes to SES's line: arithmetic, checked against sends that are counted one by one."""

from __future__ import annotations

import pytest

from streams.observe.forecast import MS_PER_HOUR, Counted, hours_until

ROOM = 10_000
LINE = 0.05


def after(window: Counted, rate: float, sends: int) -> float:
    """Return the ratio after so many sends more, each of which pushes an old one out of a full window."""
    old = window.bad / window.sends
    size, bad = window.sends, window.bad
    for _ in range(sends):
        if size < ROOM:
            size += 1
            bad += rate
        else:
            bad += rate - old
    return bad / size


@pytest.mark.parametrize(
    ("window", "lately"),
    [
        (Counted(1_000, 10), Counted(600, 60)),
        (Counted(10_000, 100), Counted(600, 60)),
        (Counted(9_000, 90), Counted(600, 36)),  # the window fills before the line is reached
    ],
)
def test_the_forecast_is_where_counting_leads(window: Counted, lately: Counted) -> None:
    hours = hours_until(LINE, window, ROOM, lately, MS_PER_HOUR)
    assert hours is not None
    assert after(window, lately.ratio, round(hours * lately.sends)) == pytest.approx(LINE, rel=0.01)


def test_over_the_line_is_now() -> None:
    assert hours_until(LINE, Counted(1_000, 50), ROOM, Counted(0, 0), MS_PER_HOUR) == 0


@pytest.mark.parametrize(
    ("window", "lately"),
    [
        (Counted(1_000, 10), Counted(600, 30)),  # of late just on the line: never above it
        (Counted(1_000, 10), Counted(600, 0)),
        (Counted(1_000, 10), Counted(0, 0)),
        (Counted(0, 0), Counted(0, 0)),
        (Counted(10_000, 100), Counted(1, 0.1)),  # one send an hour: further away than anyone plans
        (Counted(1_000, -3), Counted(600, -1)),
    ],
)
def test_not_at_this_rate(window: Counted, lately: Counted) -> None:
    assert hours_until(LINE, window, ROOM, lately, MS_PER_HOUR) is None
