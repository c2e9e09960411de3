"""When to look at what is stored, told from the bytes alone: after a rebuild nothing else says so."""

from __future__ import annotations

from streams.decide import lifecycle
from streams.engine.timers import wakes_of
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.mail.life import Life, Parked, Reached
from streams.mail.outcome import OutcomeKind
from streams.mail.standing import Standing
from streams.pipeline import ForeseeingHop
from streams.state.lives import pack_life
from streams.state.standings import pack_standing
from tests.builders import CODEC, DAY, NOON, POLICY

OPENED = Reached(OutcomeKind.OPENED, NOON)
LIVES = {
    "only a send": Life(NOON, NOON, b"send"),
    "answered": Life(NOON, NOON + 5, b"send", answered=True, seen=frozenset([b"12345678"])),
    "counted as silent": Life(NOON, NOON + 7, b"send", counted=True),
    "reached": Life(
        NOON, NOON + 9, b"send", answered=True, reached={"ann@example.com": Reached(OutcomeKind.OPENED, 1)}
    ),
    "parked": Life(NOON, NOON, parked=(Parked(NOON + 99, (b"12345678",), b"record"), Parked(NOON + 50, (), b"r"))),
    "nothing": Life(NOON, NOON),
}


def test_a_life_says_when_to_look_at_it_as_the_rules_do() -> None:
    hop = ByMessage(CODEC, POLICY.join)
    assert isinstance(hop, ForeseeingHop)
    expected = [lifecycle.next_look(life, POLICY.join) for life in LIVES.values()]
    assert hop.looks([pack_life(life) for life in LIVES.values()], NOON) == expected
    assert len(set(expected)) == len(expected)


def test_a_quiet_standing_is_looked_at_when_it_is_to_be_forgotten_and_any_other_at_once() -> None:
    hop = ByRecipient(CODEC, POLICY)
    quiet, known = pack_standing(Standing(NOON, NOON)), pack_standing(Standing(NOON, written="Ann@example.com"))
    assert hop.looks([quiet, known], NOON + DAY) == [NOON + POLICY.suppression.forget, NOON + DAY]


def test_keys_of_one_time_share_an_entry() -> None:
    found = wakes_of({b"a": b"1", b"b": b"2", b"c": b"1"}, lambda values, now: [now + int(v) for v in values], 10)
    assert found == [(11, [b"a", b"c"]), (12, [b"b"])]
