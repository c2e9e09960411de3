"""A thousand random lives: requests go in, a world answers as it likes, and whatever it does, the promises hold.

All three hops run over tables in memory, with topics that delay and repeat, and an SES that accepts, refuses, keeps
silent, loses, bounces, delays and answers by machine. Workers die in the midst of calls. Time is made up: days pass in
milliseconds. What is checked is not what the rules say, but what people were promised.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import DAY, NOON
from tests.world import Ask, World

ANN, BEN, CLEO, ROBOT = "ann@example.com", "ben@example.org", "cleo@example.net", "robot@example.net"

asks = st.lists(
    st.builds(
        Ask,
        number=st.integers(0, 4),
        to=st.lists(st.sampled_from([ANN, BEN, CLEO, ROBOT]), min_size=1, max_size=3, unique=True).map(tuple),
        after_s=st.integers(0, 6 * 3600),
        answers=st.booleans(),
        copies=st.integers(1, 3),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda ask: ask.number,
)
worlds = st.builds(World, seed=st.integers(0, 1 << 30), deaths=st.sampled_from([0.0, 0.0, 0.2]))


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds, asked=asks)
def test_every_request_ends_once_and_is_sent_no_more_often_than_it_must_be(world: World, asked: list[Ask]) -> None:
    world.live(asked)
    assert world.sent_too_often() == []
    assert world.sent_again_too_soon() == []
    assert world.without_end() == []
    assert world.sent_against_the_list() == []
    assert world.retried_for_somebody_else() == []
    assert world.broken_records() == 0


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=worlds, asked=asks)
def test_a_mail_that_got_an_auto_reply_is_not_sent_again_by_anything_ever(world: World, asked: list[Ask]) -> None:
    world.machines = 0.7
    world.live(asked, days=6)
    world.ask_again(asked)
    world.run(NOON + 60 * DAY)
    world.ask_again(asked)
    assert world.sent_after_a_machine_answered() == []
