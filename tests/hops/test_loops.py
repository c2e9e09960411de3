"""Hop 2 and two machines: flags raised, changed and ended; whose address was answered; what else a flag does."""

from __future__ import annotations

from typing import Any

import pytest

from streams.hops.by_recipient import ByRecipient
from tests.builders import CODEC, DAY, HOUR, MINUTE, NOON, POLICY, Bench, event, instruction, outcome, reply

ANN = b"ann@example.com"


@pytest.fixture
def hop() -> Bench:
    """Return hop 2 on a workbench."""
    return Bench(ByRecipient(CODEC, POLICY))


def tell(bench: Bench, *outcomes: Any, now: int = NOON) -> None:
    """Let outcomes come in one chunk."""
    bench.work("outcomes", [CODEC.encode("mail.Outcome", o) for o in outcomes], now)


def flags(bench: Bench) -> list[tuple[str, int, int] | None]:
    """Return what was said of loops: our address, replies and until; None where a flag ended."""
    said = [None if v is None else CODEC.decode("mail.LoopFlag", v) for t, _, v in bench.emitted if t == "loops"]
    return [None if f is None else (f["local_address"], f["replies"], f["until"]) for f in said]


def test_two_machines_are_flagged_until_the_flag_ends(hop: Bench) -> None:
    tell(hop, reply("m-1", NOON))
    tell(hop, reply("m-2", NOON + MINUTE))
    assert flags(hop) == [("desk@example.org", 2, NOON + MINUTE + DAY)]
    assert [k for t, k, _ in hop.emitted if t == "loops"] == [ANN]
    assert hop.counts["ses_loops",] == 1
    hop.pass_time(NOON + MINUTE + DAY)
    assert flags(hop)[1:] == [None]
    assert hop.counts["ses_loops",] == 0


def test_the_same_reply_again_says_nothing(hop: Bench) -> None:
    for _ in range(3):
        tell(hop, reply("m-1", NOON), reply("m-2", NOON + MINUTE), reply("m-2", NOON + 2 * MINUTE))
    assert len(flags(hop)) == 1


def test_our_address_is_the_sends_or_else_the_feedbacks(hop: Bench) -> None:
    late = {**outcome("AUTO_REPLIED", NOON, "m-1"), "feedback": event("AUTO_REPLY", source="Desk <DESK@example.org>")}
    tell(hop, late, reply("m-2", NOON + MINUTE))
    assert flags(hop) == [("desk@example.org", 2, NOON + MINUTE + DAY)]


def test_an_address_that_nobody_knows_is_a_pair_of_its_own(hop: Bench) -> None:
    tell(hop, outcome("AUTO_REPLIED", NOON, "m-1"), outcome("AUTO_REPLIED", NOON + 1, "m-2"), reply("m-3", NOON + 2))
    assert flags(hop) == [("", 2, NOON + 1 + DAY)]


def test_one_reply_to_an_answer_of_ours_is_a_loop(hop: Bench) -> None:
    tell(hop, reply("m-1", NOON, in_reply_to="<hello@example.com>"))
    assert flags(hop) == [("desk@example.org", 1, NOON + DAY)]


def test_a_reply_that_was_perhaps_somebody_elses_flags_nobody(hop: Bench) -> None:
    tell(hop, *(reply(f"m-{n}", NOON + n, certain=False) for n in range(9)))
    assert flags(hop) == []


def test_a_reply_whose_send_is_torn_is_set_aside_and_counts_for_nothing(hop: Bench) -> None:
    value = CODEC.encode("mail.Outcome", reply("m-1", in_reply_to="<hello@example.com>"))[:-9]
    hop.work("outcomes", [value])
    assert [d["value"] for d in hop.read("dead-letters", "mail.DeadLetter")] == [value]
    assert hop.table.values == {}


def test_an_operator_clears_a_loop_and_what_comes_later_counts_again(hop: Bench) -> None:
    tell(hop, reply("m-1", NOON), reply("m-2", NOON + MINUTE))
    hop.work("instructions", [CODEC.encode("mail.Instruction", instruction("CLEAR_LOOP", NOON + HOUR))])
    assert flags(hop)[1:] == [None]
    tell(hop, reply("m-3", NOON + 2 * HOUR), reply("m-4", NOON + 2 * HOUR + 1))
    assert flags(hop)[2:] == [("desk@example.org", 2, NOON + 26 * HOUR + 1)]


def test_a_flag_suppresses_nobody_and_a_release_ends_none(hop: Bench) -> None:
    tell(hop, reply("m-1", NOON), reply("m-2", NOON + MINUTE))
    assert hop.read("suppressions", "mail.Suppression") == []
    hop.work("instructions", [CODEC.encode("mail.Instruction", instruction("RELEASE", NOON + HOUR))])
    assert len(flags(hop)) == 1


def test_deliveries_meanwhile_say_nothing_and_somebody_flagged_is_not_forgotten(hop: Bench) -> None:
    tell(hop, reply("m-1", NOON), reply("m-2", NOON + MINUTE))
    tell(hop, outcome("DELIVERED", NOON + HOUR, "m-3"), now=NOON + HOUR)
    assert len(flags(hop)) == 1
    hop.pass_time(NOON + 80 * DAY)
    assert (flags(hop)[1:], set(hop.table.values)) == ([None], {ANN})
    hop.pass_time(NOON + 200 * DAY)
    assert hop.table.values == {}
