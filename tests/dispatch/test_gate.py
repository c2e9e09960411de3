"""The gate: each rule that ends a mail, or lets it wait, for each recipient, at the moment when it would go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from streams.dispatch.gate import Globals
from streams.mail.policy import Policy, RetryPolicy
from streams.mail.request import Phase
from streams.pipeline import Recall
from tests.builders import DAY, HOUR, NOON
from tests.dispatch.bench import MINUTE, SECOND, DispatchBench, request, retry, settlement

ANN, BOB, CID = "ann@example.com", "bob@example.org", "cid@example.net"


def suppress(bench: DispatchBench, recipient: str, **fields: Any) -> None:
    """Put somebody on the list."""
    said = {"recipient": recipient, "reason": "HARD_BOUNCE", "since": NOON, **fields}
    bench.tell("suppressions", recipient, "mail.Suppression", **said)


def hold(bench: DispatchBench, recipient: str, *, holding: bool = True) -> None:
    """Let something that bounced wait to be sent to somebody again."""
    bench.tell("waiting", recipient, "mail.Waiting", recipient=recipient, holding=holding, since=NOON)


def pause(bench: DispatchBench, stream: str, **fields: Any) -> None:
    """Pause a stream as an operator does."""
    said = {"stream": stream, "since": NOON, "because": "a look at the list", "by": "olga", **fields}
    bench.tell("pauses", stream, "mail.Pause", **said)


def flag(bench: DispatchBench, recipient: str, until: int) -> None:
    """Flag somebody for a loop."""
    said = {"recipient": recipient, "local_address": "shop@example.net", "since": NOON, "until": until}
    bench.tell("loops", recipient, "mail.LoopFlag", **said)


def went_to(bench: DispatchBench) -> list[tuple[str, ...]]:
    """Return to whom letters went."""
    return [letter.recipients for letter in bench.road.carried]


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({}, "HARD_BOUNCE"),
        ({"reason": "MANUAL", "until": NOON + 1}, "MANUAL"),
        ({"scope": "receipts", "reason": "UNSUBSCRIBED"}, "UNSUBSCRIBED"),
        ({"scope": "newsletter", "streams": ["newsletter", "receipts"], "reason": "UNSUBSCRIBED"}, "UNSUBSCRIBED"),
        ({"until": NOON, "reason": "SOFT_BOUNCES", "streams": ["receipts"]}, "UNSUBSCRIBED"),
    ],
)
def test_who_is_suppressed_gets_nothing(fields: dict[str, Any], outcome: str) -> None:
    bench = DispatchBench()
    suppress(bench, ANN, **fields)
    bench.ask(request())
    bench.work_off()
    assert went_to(bench) == []
    assert bench.outcomes == [(ANN, "SUPPRESSED", outcome)]
    assert bench.counts["ses_suppressed_sends_total", outcome] == 1
    assert bench.counts["ses_send_requests_total", "receipts", "suppressed"] == 1
    assert bench.stored().is_over


@pytest.mark.parametrize(
    "fields",
    [
        {"until": NOON},
        {"scope": "newsletter", "reason": "UNSUBSCRIBED"},
        {"scope": "newsletter", "streams": ["newsletter"], "reason": "UNSUBSCRIBED"},
    ],
)
def test_a_suppression_that_has_ended_or_is_another_streams_holds_nobody_back(fields: dict[str, Any]) -> None:
    bench = DispatchBench()
    suppress(bench, ANN, **fields)
    bench.ask(request())
    bench.work_off()
    assert went_to(bench) == [(ANN,)]


def test_a_suppression_that_cannot_be_read_counts() -> None:
    bench = DispatchBench()
    bench.tables["suppressions"].values[ANN.encode()] = b"no Avro"
    bench.ask(request())
    assert bench.outcomes == [(ANN, "SUPPRESSED", "UNKNOWN")]


def test_the_others_get_their_mail_and_stand_where_they_stood() -> None:
    bench = DispatchBench()
    suppress(bench, BOB)
    bench.ask(
        request(
            "r-1", "Ann <Ann@example.com>", "Bob@Example.org", cc=["Cid <cid@example.net>"], bcc=[BOB, "d@example.com"]
        )
    )
    bench.work_off()
    letter = bench.road.carried[0]
    assert (letter.to, letter.cc, letter.bcc) == (
        ("Ann <Ann@example.com>",),
        ("Cid <cid@example.net>",),
        ("d@example.com",),
    )
    assert bench.outcomes == [(BOB, "SUPPRESSED", "HARD_BOUNCE")]
    assert bench.sends[0]["recipients"] == [ANN, CID, "d@example.com"]


def test_who_is_named_twice_gets_one_mail() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", ANN, "ANN@example.com", cc=["Ann <ann@EXAMPLE.com>"], bcc=[BOB]))
    bench.work_off()
    assert went_to(bench) == [(ANN, BOB)]


def test_a_request_whose_time_is_over_ends_for_everybody() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", ANN, BOB, expires_at=NOON))
    assert bench.outcomes == [(ANN, "EXPIRED", "expires_at"), (BOB, "EXPIRED", "expires_at")]
    assert bench.errands == []
    assert bench.counts["ses_send_requests_total", "receipts", "expired"] == 2


def test_a_request_that_waits_longer_than_it_may_ends_when_it_comes_up() -> None:
    bench = DispatchBench()
    pause(bench, "receipts")
    bench.ask(request(expires_at=NOON + HOUR))
    bench.pass_time(HOUR + 2 * MINUTE)
    assert bench.outcomes == [(ANN, "EXPIRED", "expires_at")]


def test_a_request_waits_for_its_time() -> None:
    bench = DispatchBench()
    bench.ask(request(not_before=NOON + HOUR))
    bench.pass_time(HOUR - 1)
    assert went_to(bench) == []
    bench.pass_time(1)
    assert went_to(bench) == [(ANN,)]


def test_a_machine_is_not_answered_while_a_loop_is_flagged() -> None:
    bench = DispatchBench()
    flag(bench, ANN, NOON + DAY)
    bench.ask(request("r-1", in_reply_to="<q@example.com>"), request("r-2"))
    bench.work_off()
    assert [letter.request_id for letter in bench.road.carried] == ["r-2"]
    assert bench.outcomes == [(ANN, "LOOPING", "loop")]


def test_a_flag_that_has_ended_holds_nobody_back() -> None:
    bench = DispatchBench()
    flag(bench, ANN, NOON)
    bench.ask(request("r-1", in_reply_to="<q@example.com>"))
    assert len(bench.errands) == 1


def test_newer_requests_wait_for_what_is_sent_again_and_the_rest_goes() -> None:
    bench = DispatchBench()
    hold(bench, ANN)
    bench.ask(request("r-1", ANN, BOB, cc=[CID]))
    bench.work_off()
    assert went_to(bench) == [(BOB, CID)]
    assert bench.counts["ses_send_requests_total", "receipts", "held"] == 1
    bench.pass_time(HOUR)
    assert went_to(bench) == [(BOB, CID)]
    bench.forget("waiting", ANN)
    bench.pass_time(16 * MINUTE)
    assert went_to(bench) == [(BOB, CID), (ANN,)]
    assert [send["attempt"] for send in bench.sends] == [1, 1]
    assert bench.counts["ses_send_requests_total", "receipts", "held"] == 1


def test_a_retry_passes_its_own_hold() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", ANN, bcc=[BOB]))
    bench.work_off()
    hold(bench, BOB)
    bench.retry(retry(recipient=BOB))
    bench.work_off()
    assert went_to(bench) == [(ANN, BOB), (BOB,)]
    assert bench.road.carried[1].to == (BOB,)
    assert bench.road.carried[1].attempt == 2


def test_something_that_waits_without_holding_holds_nobody_back() -> None:
    bench = DispatchBench()
    hold(bench, ANN, holding=False)
    bench.ask(request())
    assert len(bench.errands) == 1


def test_who_is_held_is_looked_at_within_a_minute_and_ever_more_seldom() -> None:
    bench = DispatchBench()
    hold(bench, ANN)
    bench.ask(request())
    looks = []
    while bench.now < NOON + 3 * HOUR:
        due = bench.table.next_due()
        assert due is not None
        looks.append(due - bench.now)
        bench.pass_time(due - bench.now)
    assert looks[0] == MINUTE
    assert looks == sorted(looks)
    assert looks[-1] == 15 * MINUTE


def test_a_short_silence_makes_the_looks_short() -> None:
    bench = DispatchBench(Policy(retry=RetryPolicy(silence=10 * SECOND)))
    hold(bench, ANN)
    bench.ask(request())
    bench.forget("waiting", ANN)
    bench.pass_time(SECOND)
    assert went_to(bench) == [(ANN,)]


def test_who_is_held_and_suppressed_meanwhile_gets_nothing() -> None:
    bench = DispatchBench()
    hold(bench, ANN)
    bench.ask(request())
    suppress(bench, ANN)
    bench.pass_time(MINUTE)
    assert bench.outcomes == [(ANN, "SUPPRESSED", "HARD_BOUNCE")]
    assert bench.stored().is_over


@pytest.mark.parametrize("name", ["receipts", "*"])
def test_a_paused_stream_waits_and_loses_nothing(name: str) -> None:
    bench = DispatchBench()
    pause(bench, name)
    bench.ask(request("r-1"), request("r-2"))
    bench.pass_time(HOUR)
    assert went_to(bench) == []
    assert bench.counts["ses_send_requests_total", "receipts", "paused"] == 2
    bench.forget("pauses", name)
    bench.pass_time(2 * MINUTE)
    assert len(went_to(bench)) == 2


def test_a_pause_of_another_stream_or_one_that_has_ended_stops_nothing() -> None:
    bench = DispatchBench()
    pause(bench, "newsletter")
    pause(bench, "receipts", until=NOON)
    bench.ask(request())
    assert len(bench.errands) == 1


def test_a_pause_that_ends_is_noticed_when_it_ends() -> None:
    bench = DispatchBench()
    pause(bench, "receipts", until=NOON + 7 * SECOND)
    bench.ask(request())
    bench.pass_time(7 * SECOND)
    assert went_to(bench) == [(ANN,)]


@pytest.mark.parametrize(
    ("fields", "outcomes"),
    [
        ({"to": []}, [("", "FAILED", "NoRecipients")]),
        ({"to": ["nobody"]}, [("nobody", "FAILED", "BadAddress")]),
        ({"to": ["@example.com"]}, [("@example.com", "FAILED", "BadAddress")]),
        ({"to": ["ann@exa mple.com"]}, [("ann@exa mple.com", "FAILED", "BadAddress")]),
        ({"to": ["ann\r\nBcc:@example.com"]}, [("ann\r\nbcc:@example.com", "FAILED", "BadAddress")]),
    ],
)
def test_what_ses_would_refuse_is_not_asked(fields: dict[str, Any], outcomes: list[tuple[str, str, str]]) -> None:
    bench = DispatchBench()
    bench.ask(request(**fields))
    assert bench.outcomes == outcomes
    assert bench.errands == []
    assert bench.counts["ses_send_requests_total", "receipts", "failed"] == 1


def test_more_than_fifty_recipients_are_too_many() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", *(f"p{number}@example.com" for number in range(51))))
    bench.ask(request("r-2", *(f"p{number}@example.com" for number in range(50))))
    bench.work_off()
    assert len(bench.outcomes) == 51
    assert {outcome[1:] for outcome in bench.outcomes} == {("FAILED", "TooManyRecipients")}
    assert [len(to) for to in went_to(bench)] == [50]


def test_a_mail_beyond_forty_megabytes_is_too_large() -> None:
    bench = DispatchBench()
    bench.ask(request(content=("mail.Raw", {"mime": b"Subject: x\r\n\r\n" + bytes(40 * 1024 * 1024)})))
    assert bench.outcomes == [(ANN, "FAILED", "MessageTooLarge")]


def test_a_mail_that_got_an_auto_reply_is_not_sent_again_by_anything_ever() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", ANN, BOB))
    bench.work_off()
    bench.settle(settlement("AUTO_REPLIED", "m-1", recipient=ANN))
    bench.retry(retry(recipient=ANN), retry(recipient=BOB))
    bench.ask(request("r-1", ANN, attempt=7))
    bench.pass_time(DAY)
    bench.begin_anew()
    bench.retry(retry(recipient=ANN, attempt=9))
    bench.pass_time(DAY)
    assert went_to(bench) == [(ANN, BOB), (BOB,)]
    assert bench.outcomes == [(ANN, "LOOPING", "auto-replied")] * 3


def test_an_auto_reply_of_which_nobody_knows_whose_it_was_closes_the_request_for_all() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", ANN, BOB))
    bench.work_off()
    bench.settle(settlement("AUTO_REPLIED", "m-1"))
    bench.retry(retry(recipient=ANN), retry(recipient=BOB))
    bench.work_off()
    assert went_to(bench) == [(ANN, BOB)]
    assert [outcome[1] for outcome in bench.outcomes] == ["LOOPING", "LOOPING"]


def test_what_waits_for_a_machine_that_answers_ends_at_once() -> None:
    bench = DispatchBench()
    hold(bench, ANN)
    bench.ask(request("r-1", ANN, BOB))
    bench.work_off()
    bench.settle(settlement("AUTO_REPLIED", "m-1", recipient=ANN))
    assert bench.outcomes == [(ANN, "LOOPING", "auto-replied")]
    assert [one.phase for one in bench.stored().tries] == [Phase.SENT, Phase.ENDED]
    bench.forget("waiting", ANN)
    bench.pass_time(DAY)
    assert went_to(bench) == [(BOB,)]


def test_each_table_is_asked_once_a_chunk() -> None:
    bench = DispatchBench()
    asked: Counter[str] = Counter()

    def counting(name: str, recall: Recall) -> Recall:
        def ask(keys: Sequence[bytes]) -> list[bytes | None]:
            asked[name] += 1
            return recall(keys)

        return ask

    bench.globals = Globals(**{name: counting(name, table.recall) for name, table in bench.tables.items()})
    bench.begin_anew()
    bench.ask(*(request(f"r-{number}", f"p{number}@example.com") for number in range(100)))
    assert asked == {"suppressions": 1, "loops": 1, "waiting": 1, "pauses": 1}
