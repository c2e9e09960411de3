"""Hop 2 and operators: their words are carried out, said under the recipient's key, and set aside where unknown."""

from __future__ import annotations

from typing import Any

import pytest

from streams.hops.by_recipient import ByRecipient
from tests.builders import CODEC, DAY, HOUR, NOON, POLICY, Bench, instruction, outcome

ANN = b"ann@example.com"


@pytest.fixture
def hop() -> Bench:
    """Return hop 2 on a workbench."""
    return Bench(ByRecipient(CODEC, POLICY))


def order(bench: Bench, *instructions: Any, now: int = NOON) -> None:
    """Let instructions come in one chunk."""
    bench.work("instructions", [CODEC.encode("mail.Instruction", i) for i in instructions], now)


def said(bench: Bench) -> list[tuple[str, str, str, int | None] | None]:
    """Return what was said: reason, scope, who and until; None for a release."""
    records = [
        None if v is None else CODEC.decode("mail.Suppression", v) for t, _, v in bench.emitted if t == "suppressions"
    ]
    return [None if r is None else (r["reason"], r["scope"], r["by"], r["until"]) for r in records]


def test_an_operator_suppresses_and_releases(hop: Bench) -> None:
    order(hop, instruction("SUPPRESS", NOON, reason="COMPLAINT", recipient="Ann <ANN@Example.com>"))
    assert said(hop) == [("COMPLAINT", "*", "Ines", None)]
    assert hop.emitted[0][1] == ANN
    assert hop.counts["ses_suppressions", "COMPLAINT"] == 1
    order(hop, instruction("RELEASE", NOON + 1))
    assert said(hop)[1:] == [None]
    assert hop.counts["ses_suppressions", "COMPLAINT"] == 0


def test_an_order_for_a_time_ends_by_itself(hop: Bench) -> None:
    order(hop, instruction("SUPPRESS", NOON, until=NOON + DAY))
    hop.pass_time(NOON + DAY)
    assert said(hop) == [("MANUAL", "*", "Ines", NOON + DAY), None]


def test_of_two_streams_the_one_that_ends_is_opened(hop: Bench) -> None:
    order(hop, instruction("SUPPRESS", NOON, scope="news", until=NOON + DAY), instruction("SUPPRESS", scope="offers"))
    hop.pass_time(NOON + DAY)
    records = hop.read("suppressions", "mail.Suppression")
    assert [r["streams"] for r in records] == [["news", "offers"], ["offers"]]


def test_a_release_overrules_a_hard_bounce_and_the_next_one_counts(hop: Bench) -> None:
    hop.work("outcomes", [CODEC.encode("mail.Outcome", outcome("HARD_BOUNCED", NOON))])
    order(hop, instruction("RELEASE", NOON + HOUR))
    hop.work("outcomes", [CODEC.encode("mail.Outcome", outcome("HARD_BOUNCED", NOON))])
    assert said(hop)[1:] == [None]
    hop.work("outcomes", [CODEC.encode("mail.Outcome", outcome("HARD_BOUNCED", NOON + 2 * HOUR, "m-2"))])
    assert said(hop)[2:] == [("HARD_BOUNCE", "*", "ses-streams", None)]


def test_a_release_is_said_although_nothing_is_known_since_others_may_have_put_a_record_there(hop: Bench) -> None:
    order(hop, instruction("RELEASE", NOON))
    assert hop.emitted == [("suppressions", ANN, None)]


def test_a_release_that_leaves_a_reason_says_that_reason_anew(hop: Bench) -> None:
    hop.work("outcomes", [CODEC.encode("mail.Outcome", outcome("HARD_BOUNCED", NOON))])
    order(hop, instruction("RELEASE", NOON, scope="news"))
    assert said(hop) == [("HARD_BOUNCE", "*", "ses-streams", None)] * 2
    assert hop.counts["ses_suppressions", "HARD_BOUNCE"] == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"action": "UNKNOWN"}, "WRONG_TYPE"),
        ({"action": "SUPPRESS", "reason": "because I say so"}, "WRONG_TYPE"),
        ({"action": "SUPPRESS", "reason": "UNKNOWN"}, "WRONG_TYPE"),
        ({"action": "RELEASE", "recipient": " "}, "WRONG_TYPE"),
        ({"action": "RELEASE", "at": 1 << 60}, "BAD_TIME"),
        ({"action": "SUPPRESS", "until": -1}, "BAD_TIME"),
    ],
)
def test_a_word_that_nobody_knows_is_set_aside_and_its_neighbours_are_obeyed(
    hop: Bench, fields: dict[str, Any], reason: str
) -> None:
    order(hop, {**instruction("SUPPRESS", NOON), **fields}, instruction("SUPPRESS", recipient="ben@example.org"))
    [letter] = hop.read("dead-letters", "mail.DeadLetter")
    assert (letter["reason"], letter["stage"], letter["topic"]) == (reason, "BY_RECIPIENT", "instructions")
    assert set(hop.table.values) == {b"ben@example.org"}


def test_an_instruction_without_key_or_value_is_set_aside(hop: Bench) -> None:
    hop.work("instructions", [None])
    assert [d["reason"] for d in hop.read("dead-letters", "mail.DeadLetter")] == ["NO_VALUE"]


def test_a_released_recipient_is_forgotten_in_the_end(hop: Bench) -> None:
    order(hop, instruction("SUPPRESS", NOON))
    hop.pass_time(NOON + 400 * DAY)
    assert set(hop.table.values) == {ANN}
    order(hop, instruction("RELEASE", NOON + 400 * DAY), now=NOON + 400 * DAY)
    hop.pass_time(NOON + 500 * DAY)
    assert hop.table.values == {}
