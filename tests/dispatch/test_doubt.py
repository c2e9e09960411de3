"""Whether it went: silence, crashes, and what SES's own events settle."""

from __future__ import annotations

import pytest

from streams.mail.letter import Refused, Silent
from streams.mail.request import Phase
from tests.builders import DAY, HOUR, NOON
from tests.dispatch.bench import MINUTE, SECOND, DispatchBench, request, retry, settlement

ANN, BOB = "ann@example.com", "bob@example.org"


def doubtful(*to: str) -> DispatchBench:
    """Return a bench on which SES did not answer the one call."""
    bench = DispatchBench()
    bench.road.script = [Silent("timeout", NOON)]
    bench.ask(request("r-1", *(to or (ANN,))))
    bench.work_off()
    return bench


def crashed() -> DispatchBench:
    """Return a bench whose worker ended between the call and the answer."""
    bench = DispatchBench()
    bench.ask(request())
    bench.run_errands()
    bench.begin_anew()
    return bench


def test_a_call_without_an_answer_is_in_doubt() -> None:
    bench = doubtful()
    assert bench.stored().tries[0].phase is Phase.DOUBTFUL
    assert bench.counts["ses_doubts_total", "doubted"] == 1
    assert bench.counts["ses_send_requests_total", "receipts", "in_doubt"] == 1
    bench.pass_time(10 * MINUTE - 1)
    assert len(bench.road.carried) == 1


def test_a_doubt_that_nobody_settles_ends_after_ten_minutes_in_the_same_attempt() -> None:
    bench = doubtful()
    bench.pass_time(10 * MINUTE)
    assert [letter.attempt for letter in bench.road.carried] == [1, 1]
    assert bench.counts["ses_doubts_total", "sent_again"] == 1
    assert len(bench.sends) == 1


def test_a_mail_that_goes_again_is_counted_once_even_if_ses_then_refuses_it_for_now() -> None:
    bench = doubtful()
    bench.road.script = [Refused("InternalServiceErrorException", "", NOON)]
    bench.pass_time(11 * MINUTE)
    assert len(bench.road.carried) == 3
    assert bench.counts["ses_doubts_total", "sent_again"] == 1


def test_looking_too_early_changes_nothing() -> None:
    bench = DispatchBench()
    bench.ask(request())
    calling = dict(bench.table.values)
    bench.wake([b"r-1", b"r-1", b"r-unknown"])
    assert bench.table.values == calling
    doubt = doubtful()
    before = dict(doubt.table.values)
    doubt.wake([b"r-1"])
    assert doubt.table.values == before
    assert len(doubt.road.carried) == 1


def test_a_call_that_a_crash_cut_short_is_in_doubt_when_it_can_no_longer_be_under_way() -> None:
    bench = crashed()
    bench.pass_time(35 * SECOND - 1)
    assert bench.stored().tries[0].phase is Phase.CALLING
    bench.pass_time(1)
    assert bench.stored().tries[0].phase is Phase.DOUBTFUL
    bench.pass_time(10 * MINUTE - 1)
    assert len(bench.road.carried) == 1
    bench.pass_time(1)
    assert len(bench.road.carried) == 2


def test_a_wait_that_ran_out_while_nobody_looked_is_waited_once_more() -> None:
    bench = doubtful()
    bench.now += HOUR  # the worker was down: SES's word may lie unread in its topic
    bench.wake(bench.table.take_due())
    assert bench.stored().tries[0].phase is Phase.DOUBTFUL
    assert len(bench.road.carried) == 1
    bench.settle(settlement("ACCEPTED", "m-x", recipients=[ANN]))
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1


def test_a_wait_that_runs_out_while_partitions_move_lasts_until_their_topics_could_be_read() -> None:
    bench = doubtful()
    bench.pass_time(9 * MINUTE)
    bench.hop.shared(0.5)
    bench.pass_time(2 * MINUTE)
    assert len(bench.road.carried) == 1
    bench.pass_time(10 * MINUTE)
    assert len(bench.road.carried) == 2


def test_a_wait_that_ran_out_while_nobody_looked_ends_all_the_same() -> None:
    bench = doubtful()
    bench.now += HOUR
    bench.wake(bench.table.take_due())
    bench.pass_time(10 * MINUTE)
    assert len(bench.road.carried) == 2


@pytest.mark.parametrize("named", [[ANN], []])
def test_sess_own_event_settles_a_doubt(named: list[str]) -> None:
    bench = doubtful()
    bench.settle(settlement("ACCEPTED", "m-x", recipients=named, at=NOON + 3))
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1
    assert [(send["message_id"], send["sent_at"], send["recipients"]) for send in bench.sends] == [
        ("m-x", NOON + 3, [ANN])
    ]
    assert bench.counts["ses_doubts_total", "settled"] == 1
    assert bench.counts["ses_send_requests_total", "receipts", "sent"] == 1


def test_a_settlement_after_a_crash_is_as_good_before_the_doubt_is_noticed() -> None:
    bench = crashed()
    bench.settle(settlement("ACCEPTED", "m-1", recipients=[ANN]))
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1
    assert [send["message_id"] for send in bench.sends] == ["m-1"]


def test_a_settlement_that_outruns_the_answer_says_the_same_send_once() -> None:
    bench = DispatchBench()
    bench.ask(request())
    results = bench.run_errands()
    bench.settle(settlement("ACCEPTED", "m-1", recipients=[ANN]))
    bench.hear(results)
    assert [send["message_id"] for send in bench.sends] == ["m-1"]
    assert bench.counts["ses_send_requests_total", "receipts", "sent"] == 1


def test_a_settlement_of_what_is_known_says_nothing() -> None:
    bench = DispatchBench()
    bench.ask(request())
    bench.work_off()
    before = dict(bench.table.values)
    bench.settle(settlement("ACCEPTED", "m-1", recipients=[ANN]))
    assert len(bench.sends) == 1
    assert bench.table.values == before


def test_a_settlement_that_comes_after_the_doubt_ran_out_is_said_and_makes_nothing_go_again() -> None:
    bench = doubtful()
    bench.pass_time(10 * MINUTE)
    for _ in range(2):
        bench.settle(settlement("ACCEPTED", "m-late", recipients=[ANN]))
    bench.pass_time(DAY)
    assert [send["message_id"] for send in bench.sends] == ["m-2", "m-late"]
    assert len(bench.road.carried) == 2
    assert bench.counts["ses_send_requests_total", "receipts", "sent"] == 1


def test_a_settlement_while_the_mail_waits_to_go_again_keeps_it_from_going() -> None:
    bench = doubtful()
    bench.tell("pauses", "receipts", "mail.Pause", stream="receipts", since=NOON, because="x", by="olga")
    bench.pass_time(11 * MINUTE)
    bench.settle(settlement("ACCEPTED", "m-late", recipients=[ANN]))
    bench.forget("pauses", "receipts")
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1
    assert [send["message_id"] for send in bench.sends] == ["m-late"]


def test_a_settlement_of_a_request_that_ended_is_said() -> None:
    bench = DispatchBench()
    bench.ask(request())
    bench.road.script = [Refused("MessageRejected", "", NOON)]
    bench.work_off()
    bench.settle(settlement("ACCEPTED", "m-x", recipients=[ANN]))
    assert [send["message_id"] for send in bench.sends] == ["m-x"]


def test_a_settlement_of_another_mail_of_the_request_settles_nothing() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", ANN, BOB))
    bench.work_off()
    bench.road.script = [Silent("timeout", NOON)]
    bench.retry(retry(recipient=ANN))
    bench.work_off()
    bench.settle(settlement("ACCEPTED", "m-x", recipients=[BOB], attempt=2))
    bench.settle(settlement("ACCEPTED", "m-x", recipients=[ANN], attempt=3))
    bench.settle(settlement("UNKNOWN", "m-x", recipients=[ANN], attempt=2))
    assert [send["message_id"] for send in bench.sends] == ["m-1"]
    bench.settle(settlement("ACCEPTED", "m-x", recipients=[ANN], attempt=2))
    assert [send["message_id"] for send in bench.sends] == ["m-1", "m-x"]


def test_a_settlement_of_a_request_that_was_never_handed_over_settles_nothing() -> None:
    bench = DispatchBench()
    bench.ask(request(not_before=NOON + DAY))
    bench.settle(settlement("ACCEPTED", "m-x", recipients=[ANN]))
    bench.settle(settlement("ACCEPTED", "m-x", request_id="r-unknown"))
    assert bench.sends == []
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1


def test_an_auto_reply_settles_the_doubt_about_its_mail() -> None:
    bench = doubtful(ANN, BOB)
    bench.settle(settlement("AUTO_REPLIED", "m-x", recipient=ANN))
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1
    assert [send["message_id"] for send in bench.sends] == ["m-x"]


def test_a_settlement_without_a_message_id_ends_the_doubt_without_a_send() -> None:
    bench = doubtful()
    bench.settle(settlement("ACCEPTED", None, recipients=[ANN]))
    bench.pass_time(DAY)
    assert len(bench.road.carried) == 1
    assert bench.sends == []


def test_an_answer_to_an_earlier_call_does_not_undo_a_later_one() -> None:
    bench = DispatchBench()
    bench.road.script = [Refused("InternalServiceErrorException", "", NOON)]
    bench.ask(request())
    late = bench.run_errands()
    for _ in range(2):
        bench.now += 10 * MINUTE
        bench.wake(bench.table.take_due())
    again = bench.run_errands()
    assert len(again) == 1
    bench.hear(late)
    assert bench.stored().tries[0].phase is Phase.CALLING
    bench.hear(again)
    assert bench.stored().tries[0].phase is Phase.SENT
