"""Stored forms: what is packed comes back, and the numbers that stand for words never change their meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decide.lifecycle import hear, reach
from streams.decide.verdict import Verdict
from streams.errors import WorldFailed
from streams.hops.announce import REASONS
from streams.mail.life import Life, Parked, Reached
from streams.mail.outcome import OutcomeKind
from streams.mail.standing import Mark, MarkKind, Standing
from streams.state import lives, standings
from streams.state.lives import pack_life, unpack_life
from streams.state.standings import delivered, pack_standing, unpack_standing

times = st.integers(-(1 << 62), 1 << 62)
ids = st.binary(min_size=8, max_size=8)
texts = st.text(max_size=40)

lives_of_all_shapes = st.builds(
    Life,
    times,
    times,
    st.none() | st.binary(max_size=400),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.frozensets(ids, max_size=9),
    st.dictionaries(texts, st.builds(Reached, st.sampled_from(OutcomeKind), times), max_size=4),
    st.lists(st.builds(Parked, times, st.lists(ids, max_size=3).map(tuple), st.binary(max_size=99)), max_size=3).map(
        tuple
    ),
)
marks = st.builds(Mark, times, ids, st.sampled_from(MarkKind), st.none() | texts, st.none() | texts, texts)
standings_of_all_shapes = st.builds(
    Standing, times, times, times, times, st.just(b"") | st.just(b"\x01abcdefg"), st.none() | texts,
    st.lists(marks, max_size=5).map(tuple),
)  # fmt: skip


@given(lives_of_all_shapes)
def test_a_life_comes_back_as_it_was(life: Life) -> None:
    assert unpack_life(pack_life(life)) == life


@given(standings_of_all_shapes)
def test_a_standing_comes_back_as_it_was(standing: Standing) -> None:
    assert unpack_standing(pack_standing(standing)) == standing


@given(standings_of_all_shapes, times, times)
def test_the_short_way_of_a_delivery_ends_where_the_long_way_does(standing: Standing, at: int, now: int) -> None:
    stored = delivered(pack_standing(standing), at, now)
    if stored is None:
        assert standing.marks or standing.announced or standing.written is not None
    else:
        expected = standing._replace(touched_at=now, delivered_at=max(at, standing.delivered_at))
        assert unpack_standing(stored) == expected


@given(st.binary(max_size=99), ids, texts, st.builds(Reached, st.sampled_from(OutcomeKind), times), times)
def test_the_short_way_of_a_first_event_ends_where_the_long_way_does(
    send: bytes, mark: bytes, recipient: str, reached: Reached, born_at: int
) -> None:
    now = born_at + 1
    begun = lives.new_life(send, born_at)
    assert unpack_life(begun) == Life(born_at, born_at, send)
    assert lives.only_send(begun) == send
    heard, _ = hear(unpack_life(begun), [mark], now)
    verdict = Verdict(recipient, reached.kind, reason="", certain=True, status=None, written=None)
    assert unpack_life(lives.first_heard(begun, mark, recipient, reached, now)) == reach(heard, [verdict], reached.at)


@given(lives_of_all_shapes)
def test_only_a_life_that_holds_nothing_but_its_send_takes_the_short_way(life: Life) -> None:
    bare = Life(life.born_at, life.touched_at, life.send)
    assert lives.only_send(pack_life(life)) == (life.send if life == bare else None)
    assert lives.only_send(None) is None


def test_a_form_of_another_version_stops_the_worker() -> None:
    with pytest.raises(WorldFailed, match="form 9"):
        unpack_life(b"\x09" + pack_life(Life(0, 0))[1:])
    with pytest.raises(WorldFailed, match="form 9"):
        unpack_standing(b"\x09" + pack_standing(Standing(0))[1:])


def test_the_numbers_of_stored_words_stay_as_they_were_released() -> None:
    """A new word goes to the end of its list: what stands in a table today is read by these numbers for years."""
    assert " ".join(lives.KINDS) == (
        "UNKNOWN DELIVERED HARD_BOUNCED SOFT_BOUNCED COMPLAINED REJECTED RENDERING_FAILED DELAYED AUTO_REPLIED OPENED "
        "CLICKED UNSUBSCRIBED NOT_SPAM FAILED SUPPRESSED LOOPING EXPIRED"
    )
    assert " ".join(standings.KINDS) == "HARD_BOUNCE COMPLAINT SES_LIST SUSPICION SOFT_BOUNCE UNSUBSCRIBE"
    assert " ".join(REASONS) == (
        "UNKNOWN HARD_BOUNCE COMPLAINT SUSPECTED_COMPLAINT SOFT_BOUNCES UNSUBSCRIBED SES_LIST MANUAL"
    )
