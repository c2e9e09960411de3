"""What follows from each answer of SES: sent, refused, later, or nobody knows."""

from __future__ import annotations

import pytest

from streams.dispatch.pace import Pace
from streams.mail.letter import Accepted, Refused, Simple, Unsent
from streams.mail.policy import DispatchPolicy, Policy
from streams.mail.request import Phase
from tests.builders import CODEC, DAY, HOUR, NOON
from tests.dispatch.bench import MINUTE, PLENTY, SECOND, DispatchBench, request, retry

ANN, BOB = "ann@example.com", "bob@example.org"


def refused(code: str, text: str = "") -> Refused:
    """Return SES's no."""
    return Refused(code, text, NOON)


def test_a_mail_that_ses_accepts_becomes_a_send() -> None:
    bench = DispatchBench()
    asked = request(
        "r 1",
        "Ann <Ann@Example.com>",
        cc=[BOB],
        in_reply_to="<q@example.com>",
        configuration_set="main",
        tags={"campaign": "may", "stream": "mine"},
        reply_to=["help@example.net"],
        headers={"X-Shop": "1"},
    )
    bench.ask(asked)
    bench.road.script = [Accepted("0102-abc", NOON + 90)]
    bench.work_off()
    tags = {"campaign": "may", "stream": "receipts", "request_id": "b64_ciAx", "attempt": "1"}
    assert bench.sends == [
        {
            "sent_at": NOON + 90,
            "message_id": "0102-abc",
            "stream": "receipts",
            "attempt": 1,
            "request_id": "r 1",
            "recipients": [ANN, BOB],
            "from_address": "shop@example.net",
            "configuration_set": "main",
            "in_reply_to": "<q@example.com>",
            "via": "API",
            "tags": tags,
        }
    ]
    assert [key for topic, key, _ in bench.emitted if topic == "sends"] == [b"0102-abc"]
    letter = bench.road.carried[0]
    assert letter.tags == tags
    assert (letter.reply_to, letter.headers) == (("help@example.net",), {"X-Shop": "1"})
    assert letter.content == Simple("Your receipt", "Thank you", None)
    assert bench.counts["ses_send_requests_total", "receipts", "sent"] == 1


def test_a_mail_that_ses_refuses_for_good_fails_for_each_recipient() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", ANN, BOB))
    bench.road.script = [refused("MessageRejected", "Email address is not verified.")]
    bench.work_off()
    bench.pass_time(DAY)
    assert bench.outcomes == [(ANN, "FAILED", "MessageRejected"), (BOB, "FAILED", "MessageRejected")]
    assert len(bench.road.carried) == 1
    assert bench.sends == []
    assert bench.counts["ses_refusals_total", "end"] == 1


def test_an_outcome_of_dispatch_says_whose_it_is_and_has_the_same_id_for_ever() -> None:
    said = []
    for _ in range(2):
        bench = DispatchBench()
        bench.ask(request())
        bench.road.script = [refused("MessageRejected")]
        bench.work_off()
        (outcome,) = bench.read("outcomes", "mail.Outcome")
        said.append(outcome["outcome_id"])
        assert (outcome["request_id"], outcome["attempt"], outcome["stream"]) == ("r-1", 1, "receipts")
        assert (outcome["certain"], outcome["matched"], outcome["message_id"]) == (True, False, None)
        assert outcome["occurred_at"] == NOON
        assert [key for topic, key, _ in bench.emitted if topic == "outcomes"] == [ANN.encode()]
    assert said[0] == said[1]


def test_a_mail_that_is_refused_for_now_is_tried_after_5_10_and_30_seconds_and_then_fails() -> None:
    bench = DispatchBench()
    bench.road.script = [refused("InternalServiceErrorException")] * 9
    bench.ask(request())
    bench.work_off()
    bench.pass_time(DAY)
    assert [at - NOON for at in bench.road.times] == [0, 5_000, 15_000, 45_000]
    assert bench.outcomes == [(ANN, "FAILED", "InternalServiceErrorException")]
    assert bench.counts["ses_send_requests_total", "receipts", "again"] == 3


def test_one_try_is_all_where_the_operator_wants_one() -> None:
    bench = DispatchBench(Policy(dispatch=DispatchPolicy(tries=1)))
    bench.road.script = [refused("451")]
    bench.ask(request())
    bench.work_off()
    assert bench.outcomes == [(ANN, "FAILED", "451")]


def test_what_ses_answered_settles_the_mail_even_if_we_die_before_we_keep_it() -> None:
    bench = DispatchBench()
    bench.ask(request())
    results = bench.run_errands()
    said = bench.hop.heard(results, bench.table.recall, bench.now).outputs  # and the worker dies: nothing is kept
    bench.begin_anew()
    [settled] = said["settlements"].values
    bench.settle(CODEC.decode("mail.Settlement", settled or b""))
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1
    assert {send["message_id"] for send in bench.sends} == {"m-1"}


def test_too_fast_costs_no_try_and_slows_the_line() -> None:
    pace = Pace()
    bench = DispatchBench(pace=pace)
    bench.road.script = [refused("TooManyRequestsException")] * 20
    bench.ask(request())
    before = pace.standing(bench.now).rate
    bench.work_off()
    assert pace.standing(bench.now).rate < before
    bench.pass_time(MINUTE)
    assert len(bench.sends) == 1
    assert bench.outcomes == []


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (refused("Throttling", "Daily message quota exceeded."), MINUTE),
        (refused("SendingPausedException"), 5 * MINUTE),
        (refused("AccountSuspendedException"), 5 * MINUTE),
        (refused("535"), MINUTE),
        (Unsent("connection", NOON), 5 * SECOND),
        (Unsent("credentials", NOON), MINUTE),
    ],
)
def test_what_concerns_every_mail_stops_the_line_and_loses_none(answer: Refused | Unsent, rest: int) -> None:
    bench = DispatchBench()
    bench.road.script = [answer]
    bench.ask(request("r-1"))
    bench.work_off()
    bench.ask(*(request(f"r-{number}") for number in range(2, 9)))
    bench.work_off()
    assert len(bench.road.carried) == 1
    bench.pass_time(rest - 1)
    assert len(bench.road.carried) == 1
    bench.road.script = [answer]
    bench.pass_time(SECOND)
    assert len(bench.road.carried) == 2
    assert bench.road.carried[1].request_id != "r-1"
    bench.pass_time(2 * rest + 2 * MINUTE)
    assert sorted(send["request_id"] for send in bench.sends) == [f"r-{number}" for number in range(1, 9)]
    assert bench.outcomes == []


def test_a_line_that_stops_says_so_once_for_how_long_and_why(caplog: pytest.LogCaptureFixture) -> None:
    bench = DispatchBench()
    bench.ask(request("r-0"))
    bench.work_off()
    bench.road.script = [refused("AccountSuspendedException", "ann@example.com may not send")] * 3
    bench.ask(*(request(f"r-{number}") for number in range(1, 4)))
    bench.work_off()
    assert len(bench.road.carried) == 4
    said = [record.getMessage() for record in caplog.records if record.name == "streams.dispatch.answers"]
    assert said == [
        "nothing goes out for 300 s: AccountSuspendedException (restricted until AWS lifts it); then one mail asks"
    ]


def test_what_did_not_reach_ses_for_a_reason_of_its_own_is_tried_again() -> None:
    bench = DispatchBench()
    bench.road.script = [Unsent("timeout", NOON)]
    bench.ask(request())
    bench.work_off()
    bench.pass_time(5 * SECOND)
    assert len(bench.sends) == 1


def test_a_failed_request_goes_again_by_a_retry() -> None:
    bench = DispatchBench()
    bench.road.script = [refused("AccessDenied")] * 4
    bench.ask(request("r-1", ANN, BOB))
    bench.work_off()
    bench.pass_time(HOUR)
    bench.retry(retry(recipient=BOB), retry(recipient=BOB))
    bench.work_off()
    assert bench.road.carried[-1].recipients == (BOB,)
    assert bench.sends[0]["attempt"] == 2
    assert bench.counts["ses_duplicates_total", "retries"] == 1


def test_an_answer_to_a_request_that_is_forgotten_makes_nothing_up() -> None:
    bench = DispatchBench()
    bench.ask(request())
    results = bench.run_errands()
    bench.table.values.clear()
    bench.hear(results)
    assert bench.sends == []
    assert bench.table.values == {}


def test_a_call_gives_its_place_back_however_it_ends() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1"), request("r-2"))
    assert bench.pace.standing(bench.now).in_flight == 2
    bench.run_errands()
    assert bench.pace.standing(bench.now).in_flight == 0
    assert bench.hop.gauges(bench.now)["ses_calls_in_flight"] == {(): 0.0}


def test_a_thousand_requests_go_at_the_rate_in_order_and_are_looked_at_a_few_times_each() -> None:
    pace = Pace()
    bench = DispatchBench(pace=pace)
    pace.learned(PLENTY._replace(per_second=5.0), NOON)
    bench.ask(*(request(f"r-{number:04}") for number in range(1_000)))
    bench.work_off()
    bench.pass_time(225 * SECOND)
    assert len(bench.sends) == 1_000
    at = [send["sent_at"] for send in bench.sends]
    assert (at[-1] - at[0]) / 1_000 <= 1_000 / 5 / 0.9
    assert max(at.count(one) for one in set(at)) == 1
    assert sum(abs(int(send["request_id"][2:]) - place) for place, send in enumerate(bench.sends)) < 5 * 1_000
    assert bench.wakes < 8 * 1_000


def test_a_request_is_forgotten_a_week_after_its_last_event() -> None:
    bench = DispatchBench()
    bench.ask(request())
    bench.work_off()
    bench.pass_time(3 * DAY)
    bench.retry(retry())
    bench.work_off()
    bench.pass_time(7 * DAY - 1)
    assert bench.stored().find((2, ANN)) is not None
    assert all(one.phase is Phase.SENT for one in bench.stored().tries)
    bench.pass_time(1)
    assert bench.table.values == {}
    assert bench.table.next_due() is None
