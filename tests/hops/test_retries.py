"""Hop 2 and what is sent again: what waits, what goes, what holds, what is counted, and what survives."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from streams.hops.by_recipient import ByRecipient
from streams.mail.policy import Policy, RetryPolicy
from tests.builders import CODEC, DAY, HOUR, MINUTE, NOON, Bench, instruction, of, outcome, reply, soft

STEADY = Policy(retry=RetryPolicy(jitter=0))
ANN = b"ann@example.com"


@pytest.fixture
def hop() -> Bench:
    """Return hop 2 on a workbench, its retries not spread."""
    return Bench(ByRecipient(CODEC, STEADY))


def tell(bench: Bench, *outcomes: Any, now: int = NOON) -> None:
    """Let outcomes come in one chunk."""
    bench.work("outcomes", [CODEC.encode("mail.Outcome", o) for o in outcomes], now)


def order(bench: Bench, *instructions: Any, now: int = NOON) -> None:
    """Let instructions come in one chunk."""
    bench.work("instructions", [CODEC.encode("mail.Instruction", i) for i in instructions], now)


def gone(bench: Bench) -> list[tuple[str, int]]:
    """Return the retries that were let go."""
    return [(r["request_id"], r["attempt"]) for r in bench.read("retries", "mail.Retry")]


def waits(bench: Bench) -> dict[str, Any] | None:
    """Return the last that was said of what waits."""
    said = [v for t, _, v in bench.emitted if t == "waiting"]
    return CODEC.decode("mail.Waiting", said[-1]) if said and said[-1] is not None else None


def results(bench: Bench) -> dict[str, int]:
    """Return how many retries came to what."""
    found = Counter[str]()
    for key, count in bench.counts.items():
        if key[0] == "ses_retries_total":
            found[key[2]] += count
    return dict(found)


def test_a_soft_bounce_waits_and_goes_at_its_time_under_its_requests_key(hop: Bench) -> None:
    tell(hop, soft("r-1", subtype="MailboxFull"))
    said = waits(hop)
    assert said is not None
    assert (said["recipient"], said["holding"], said["probe_at"]) == ("ann@example.com", True, None)
    assert [(r["request_id"], r["attempt"], r["due_at"]) for r in said["retries"]] == [("r-1", 2, NOON + DAY)]
    hop.pass_time(NOON + DAY - 1)
    assert gone(hop) == []
    hop.pass_time(NOON + DAY)
    [retry] = hop.read("retries", "mail.Retry")
    assert retry == {
        "request_id": "r-1",
        "recipient": "ann@example.com",
        "attempt": 2,
        "due_at": NOON + DAY,
        "because": "SOFT_BOUNCED Transient/MailboxFull",
        "message_id": "m-r-1-1",
    }
    assert [k for t, k, _ in hop.emitted if t == "retries"] == [b"r-1"]
    assert hop.counts["ses_retries_total", "MailboxFull", "scheduled"] == 1
    assert hop.counts["ses_retries_total", "MailboxFull", "due"] == 1
    assert hop.counts["ses_retries_pending",] == 0


def test_what_waits_is_said_to_be_held_until_the_probe_is_answered(hop: Bench) -> None:
    tell(hop, soft("r-1"), soft("r-2", at=NOON + MINUTE))
    hop.pass_time(NOON + 3 * HOUR)
    said = waits(hop)
    assert said is not None
    assert (said["probe_at"], [r["request_id"] for r in said["retries"]]) == (NOON + 2 * HOUR, ["r-2"])
    tell(hop, of("DELIVERED", "r-1", 2, NOON + 3 * HOUR), now=NOON + 3 * HOUR)
    assert gone(hop) == [("r-1", 2), ("r-2", 2)]
    assert waits(hop) is None
    assert hop.emitted[-1] == ("waiting", ANN, None)


def test_two_hours_of_silence_let_everything_go(hop: Bench) -> None:
    tell(hop, soft("r-1"), soft("r-2", at=NOON + MINUTE))
    hop.pass_time(NOON + 4 * HOUR - 1)
    assert gone(hop) == [("r-1", 2)]
    hop.pass_time(NOON + 4 * HOUR)
    assert gone(hop) == [("r-1", 2), ("r-2", 2)]
    assert waits(hop) is None


def test_three_retries_and_then_it_is_exhausted(hop: Bench) -> None:
    at = NOON
    for attempt in (1, 2, 3, 4):
        tell(hop, soft("r-1", attempt, at), now=at)
        at += 33 * HOUR
        hop.pass_time(at)
    tell(hop, soft("r-1", 4, at - 33 * HOUR), now=at)
    hop.pass_time(at + 9 * DAY)
    assert gone(hop) == [("r-1", 2), ("r-1", 3), ("r-1", 4)]
    assert results(hop) == {"scheduled": 3, "due": 3, "exhausted": 1}


def test_a_bounce_and_the_auto_reply_behind_it_in_one_chunk_send_nothing_however_late(hop: Bench) -> None:
    tell(hop, soft("r-1"), reply("m-r-1-1", NOON + MINUTE, request_id="r-1"), now=NOON + 9 * DAY)
    hop.pass_time(NOON + 99 * DAY)
    assert gone(hop) == []


CANCELLING = {
    "a hard bounce": of("HARD_BOUNCED", "r-9", at=NOON + MINUTE),
    "a complaint": of("COMPLAINED", "r-9", at=NOON + MINUTE, reason="abuse"),
    "a delivery": of("DELIVERED", "r-9", at=NOON + MINUTE),
    "an auto-reply": reply("m-r-1-1", NOON + MINUTE),
    "a loop": reply("m-9", NOON + MINUTE, in_reply_to="<hello@example.com>"),
    "leaving the stream": of("UNSUBSCRIBED", "r-9", at=NOON + MINUTE, stream="receipts"),
}


@pytest.mark.parametrize("why", CANCELLING)
def test_a_retry_is_cancelled_when_its_reason_goes(hop: Bench, why: str) -> None:
    tell(hop, soft("r-1"))
    tell(hop, CANCELLING[why], now=NOON + MINUTE)
    assert waits(hop) is None
    hop.pass_time(NOON + 60 * DAY)
    assert gone(hop) == []
    assert results(hop) == {"scheduled": 1, "cancelled": 1}
    assert hop.counts["ses_retries_pending",] == 0


@pytest.mark.parametrize("why", CANCELLING)
def test_a_retry_is_not_even_planned_where_its_reason_went_before(hop: Bench, why: str) -> None:
    tell(hop, CANCELLING[why], now=NOON + MINUTE)
    tell(hop, soft("r-1"), now=NOON + MINUTE)
    hop.pass_time(NOON + 60 * DAY)
    assert (gone(hop), results(hop), waits(hop)) == ([], {}, None)


def test_leaving_another_stream_cancels_nothing(hop: Bench) -> None:
    tell(hop, soft("r-1"), of("UNSUBSCRIBED", "r-9", at=NOON + MINUTE, stream="newsletter"))
    hop.pass_time(NOON + 2 * HOUR)
    assert gone(hop) == [("r-1", 2)]


def test_an_operator_cancels_one_or_all(hop: Bench) -> None:
    tell(hop, soft("r-1"), soft("r-2"), soft("r-3"))
    order(hop, instruction("CANCEL_RETRY", NOON + 1, request_id="r-2"))
    assert [r["request_id"] for r in (waits(hop) or {})["retries"]] in (["r-1", "r-3"], ["r-3", "r-1"])
    order(hop, instruction("CANCEL_RETRY", NOON + 1))
    assert waits(hop) is None
    assert results(hop) == {"scheduled": 3, "cancelled": 3}
    hop.pass_time(NOON + 9 * DAY)
    assert gone(hop) == []


def test_what_is_released_in_time_is_sent_again_after_all(hop: Bench) -> None:
    tell(hop, soft("r-1"))
    order(hop, instruction("SUPPRESS", NOON + 1))
    assert waits(hop) is None
    order(hop, instruction("RELEASE", NOON + 2))
    hop.pass_time(NOON + 2 * HOUR)
    assert gone(hop) == [("r-1", 2)]


def test_a_chunk_told_again_after_it_was_kept_lets_nothing_go_twice(hop: Bench) -> None:
    facts = soft("r-1"), soft("r-2"), of("FAILED", "r-3", reason="timeout")
    tell(hop, *facts, now=NOON + 9 * HOUR)
    first = gone(hop)
    tell(hop, *facts, now=NOON + 9 * HOUR)
    tell(hop, *reversed(facts), now=NOON + 10 * HOUR)
    assert gone(hop) == first
    assert len(first) == 2


def test_a_write_lost_after_the_outputs_left_may_say_a_retry_twice_and_never_another(hop: Bench) -> None:
    tell(hop, soft("r-1"), soft("r-2", at=NOON + MINUTE))
    kept = dict(hop.table.values)
    hop.pass_time(NOON + 2 * HOUR)
    hop.table.values = kept
    hop.hop.wake([ANN], hop.table.recall, NOON + 2 * HOUR)
    effects = hop.hop.wake([ANN], hop.table.recall, NOON + 2 * HOUR + 7)
    again = CODEC.decode("mail.Retry", effects.outputs["retries"].values[0] or b"")
    assert [(again["request_id"], again["attempt"])] == gone(hop)


def test_a_recipient_with_a_retry_to_come_is_not_forgotten(hop: Bench) -> None:
    late = Bench(ByRecipient(CODEC, Policy(retry=RetryPolicy(first=200 * DAY, jitter=0))))
    tell(late, soft("r-1"))
    late.pass_time(NOON + 200 * DAY - 1)
    assert ANN in late.table.values
    late.pass_time(NOON + 500 * DAY)
    assert gone(late) == [("r-1", 2)]
    assert late.table.values == {}


def test_a_census_finds_the_retries_that_wait_and_the_loops(hop: Bench) -> None:
    tell(hop, soft("r-1"), soft("r-2"), soft("r-3", recipient="ben@example.org"))
    tell(hop, reply("m-9", in_reply_to="<a@example.com>", recipient="cleo@example.net"))
    found = hop.hop.census(list(hop.table.values.values()))
    assert found == {("ses_retries_pending",): 3, ("ses_loops",): 1}
    assert found == {k: n for k, n in hop.counts.items() if k[0] in ("ses_retries_pending", "ses_loops")}


def test_a_soft_bounce_without_a_request_only_counts_towards_a_pause(hop: Bench) -> None:
    tell(hop, outcome("SOFT_BOUNCED", NOON, "m-1", reason="Transient/General"))
    hop.pass_time(NOON + 80 * DAY)
    assert hop.emitted == []


def test_timers_do_not_multiply_with_the_facts(hop: Bench) -> None:
    tell(hop, soft("r-1"))
    for n in range(50):
        tell(hop, soft("r-1"), of("COMPLAINED", "r-8", at=NOON + n, certain=False, stream="x"), now=NOON + n)
    assert len(hop.table._looks) <= 4
