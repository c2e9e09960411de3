"""Stored forms: what is packed comes back, and the numbers that stand for words never change their meaning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decide.lifecycle import hear, reach
from streams.decide.verdict import Verdict
from streams.errors import WorldFailed
from streams.hops.announce import REASONS
from streams.mail.life import Life, Parked, Reached
from streams.mail.loop import Reply
from streams.mail.outcome import OutcomeKind
from streams.mail.retry import CalledOff, Probe, Spent, Wait, WaitKind
from streams.mail.standing import Mark, MarkKind, Order, Release, Standing
from streams.mail.suppression import SuppressionReason
from streams.state import lives, standing_parts, standings
from streams.state.lives import pack_life, unpack_life
from streams.state.standings import (
    delivered,
    is_flagged,
    pack_standing,
    pending_retries,
    quiet_since,
    unpack_standing,
)

Part = TypeVar("Part")

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
digests = st.just(b"") | st.just(b"\x01abcdefg")
keys = st.binary(min_size=8, max_size=8)
attempts = st.integers(0, (1 << 31) - 1)


def some(part: Callable[..., Part], *fields: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Part, ...]]:
    """Return none or a few of one kind of part."""
    return st.lists(st.builds(part, *fields), max_size=3).map(tuple)


standings_of_all_shapes = st.builds(
    Standing,
    times,
    times,
    times,
    times,
    digests,
    st.none() | texts,
    some(Mark, times, ids, st.sampled_from(MarkKind), st.none() | texts, st.none() | texts, texts),
    digests,
    digests,
    times,
    times,
    some(Order, times, texts, st.sampled_from(SuppressionReason), st.none() | times, texts),
    some(Release, texts, times),
    some(Reply, times, ids, texts, st.none() | texts, st.booleans()),
    some(
        Wait,
        texts,
        attempts,
        times,
        times,
        st.sampled_from(WaitKind),
        texts,
        st.none() | texts,
        texts,
        st.booleans(),
    ),
    st.none() | st.builds(Probe, texts, attempts, times, times),
    some(Spent, keys, attempts, times),
    some(CalledOff, keys, times),
)


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
        assert standing[4:] != Standing(0)[4:]
    else:
        expected = standing._replace(touched_at=now, delivered_at=max(at, standing.delivered_at))
        assert unpack_standing(stored) == expected


@given(standings_of_all_shapes)
def test_gauges_are_read_from_stored_standings_without_opening_them(standing: Standing) -> None:
    stored = pack_standing(standing)
    assert is_flagged(stored) is bool(standing.said_loop)
    assert pending_retries(stored) == sum(wait.shown for wait in standing.waits)


@given(standings_of_all_shapes)
def test_one_of_whom_nothing_is_known_and_nothing_was_said_is_told_by_its_bytes(standing: Standing) -> None:
    bare = standing[4:] == Standing(0)[4:]
    assert quiet_since(pack_standing(standing)) == (standing.touched_at if bare else None)
    head = standing._replace(**Standing(0)._asdict() | {"touched_at": standing.touched_at})
    assert quiet_since(pack_standing(head)) == standing.touched_at
    assert quiet_since(bytes.fromhex(BARE)) == 1_790_000_000_000


MARKED = (
    "01000001a0c4506c00000001a0c3b7d58000000000000000010000000000000002016162636465666700020000000f416e6e406578616d70"
    "6c652e636f6d000001a088b5a2000102030405060708000000000300000005000000086d2d31352e312e317265636569707473000001a088"
    "b5a201111111111111111105ffffffffffffffff0000000a6e6577736c6574746572"
)
BARE = "01000001a0c4506c00000001a0c3b7d5800000000000000000000000000000000000000000000000000000ffffffff"


def test_what_version_one_wrote_is_still_read() -> None:
    """Bytes as version 1 left them in tables: these two lines never change."""
    hard = Mark(1_789_000_000_000, bytes(range(1, 9)), MarkKind.HARD_BOUNCE, "m-1", "5.1.1", "receipts")
    left = Mark(1_789_000_000_001, b"\x11" * 8, MarkKind.UNSUBSCRIBE, None, None, "newsletter")
    head = Standing(1_790_000_000_000, 1_789_990_000_000)
    assert unpack_standing(bytes.fromhex(BARE)) == head
    assert unpack_standing(bytes.fromhex(MARKED)) == head._replace(
        forgiven_at=1, doubt_cleared_at=2, announced=b"\x01abcdefg", written="Ann@example.com", marks=(hard, left)
    )


def test_a_delivery_takes_the_short_way_from_version_one_too() -> None:
    stored = delivered(bytes.fromhex(BARE), 1_789_990_000_007, 1_790_000_000_001)
    assert stored == pack_standing(Standing(1_790_000_000_001, 1_789_990_000_007))
    assert delivered(bytes.fromhex(MARKED), 1, 1) is None


def test_version_one_knew_of_no_loop_and_of_no_retry() -> None:
    for stored in map(bytes.fromhex, (BARE, MARKED)):
        assert not is_flagged(stored)
        assert pending_retries(stored) == 0


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
    assert " ".join(standing_parts.WAIT_KINDS) == "HELD REFUSED FREE"
    assert standing_parts.REASONS == REASONS
    assert " ".join(standings.KINDS) == "HARD_BOUNCE COMPLAINT SES_LIST SUSPICION SOFT_BOUNCE UNSUBSCRIBE"
    assert " ".join(REASONS) == (
        "UNKNOWN HARD_BOUNCE COMPLAINT SUSPECTED_COMPLAINT SOFT_BOUNCES UNSUBSCRIBED SES_LIST MANUAL"
    )
