"""The judge sees each kind of loss and of wrong: every check is seen to fail on a fault that was planted for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from streams.demo.loop.ledger import Line, LineKey
from streams.demo.loop.sent import Accepted
from streams.demo.loop.ses import read_sent
from streams.demo.loop.tales import End
from tests.demo.loop.evidence import AFTER, DELAYS, Evidence, good

Plant = Callable[[Evidence], None]


def told(evidence: Evidence, tale: str, place: int = 0) -> tuple[LineKey, Line]:
    """Return a line of a tale."""
    return [(key, line) for key, line in evidence.ledger.lines.items() if line.tale == tale][place]


def without(evidence: Evidence, key: LineKey, kind: str | None = None) -> None:
    """Forget a line's outcomes, all or those of one kind."""
    evidence.outcomes = [
        one
        for one in evidence.outcomes
        if (one["request_id"], one["recipient"]) != key or (kind is not None and one["kind"] != kind)
    ]


def again(evidence: Evidence, key: LineKey) -> None:
    """Send the first mail of a line twice, with a delivery of the second."""
    first = next(mail for mail in evidence.accepted if mail.request_id == key.request_id)
    evidence.says(key, 1, "DELIVERED", first.at + 200, evidence.mail(key, 1, first.at + 1))


def test_what_is_right_is_found_right() -> None:
    verdict = good(400).verdict()
    assert (verdict.lost, verdict.wrong, verdict.sent_twice) == ((), (), 0)
    assert set(verdict.ends) == set(End)
    assert verdict.ends.total() == verdict.due
    assert verdict.held >= 1
    assert verdict.retries > 10
    assert verdict.loops >= 3
    assert verdict.earliest_due is not None
    assert verdict.earliest_due > AFTER


@pytest.mark.parametrize("seed", [2, 3])
def test_what_is_right_is_complete(seed: int) -> None:
    evidence = good(seed=seed)
    assert evidence.audit().complete(AFTER, roughly=False)
    without(evidence, told(evidence, "delivered")[0])
    assert not evidence.audit().complete(AFTER, roughly=False)
    assert not evidence.audit().complete(AFTER, roughly=True)


def lose(evidence: Evidence) -> None:
    without(evidence, told(evidence, "delivered")[0])


def lose_a_retry(evidence: Evidence) -> None:
    key, _ = told(evidence, "busy once")
    without(evidence, key, "DELIVERED")


def lose_one_of_two(evidence: Evidence) -> None:
    without(evidence, told(evidence, "two recipients, one of them busy", 1)[0])


def lose_a_remark(evidence: Evidence) -> None:
    without(evidence, told(evidence, "out of office")[0], "AUTO_REPLIED")


def lose_a_stop(evidence: Evidence) -> None:
    del evidence.stops[told(evidence, "gone, and asked for again")[0].recipient]


def release(evidence: Evidence) -> None:
    evidence.stops[told(evidence, "gone, and asked for again")[0].recipient] = None


def miss_a_loop(evidence: Evidence) -> None:
    evidence.loops.pop()


@pytest.mark.parametrize(
    "plant", [lose, lose_a_retry, lose_one_of_two, lose_a_remark, lose_a_stop, release, miss_a_loop]
)
def test_what_is_missing_is_lost(plant: Plant) -> None:
    evidence = good()
    plant(evidence)
    verdict = evidence.verdict()
    assert (len(verdict.lost), verdict.wrong) == (1, ())


def end_otherwise(evidence: Evidence) -> None:
    """Deliver what was to be refused."""
    key, line = told(evidence, "asked for too late")
    assert line.asked_at is not None
    evidence.says(key, 1, "DELIVERED", line.asked_at, evidence.mail(key, 1, line.asked_at))


def retry_an_auto_reply(evidence: Evidence) -> None:
    key, _ = told(evidence, "out of office")
    evidence.mail(key, 2, AFTER)


def let_go_an_auto_reply(evidence: Evidence) -> None:
    key, _ = told(evidence, "out of office")
    evidence.retries.append({"request_id": key.request_id, "recipient": key.recipient, "attempt": 2, "due_at": 1})


def retry_to_the_other(evidence: Evidence) -> None:
    key, _ = told(evidence, "two recipients, one of them busy", 0)
    evidence.mail(key, 2, AFTER)


def retry_a_sub_type_that_must_not_be(evidence: Evidence) -> None:
    key, _ = told(evidence, "too large")
    evidence.says(key, 2, "SOFT_BOUNCED", AFTER, evidence.mail(key, 2, AFTER))


def retry_once_more(evidence: Evidence) -> None:
    key, _ = told(evidence, "busy for ever")
    evidence.says(key, 5, "SOFT_BOUNCED", AFTER, evidence.mail(key, 5, AFTER))


def retry_too_early(evidence: Evidence) -> None:
    key, _ = told(evidence, "busy once")
    place = next(n for n, mail in enumerate(evidence.accepted) if mail.request_id == key.request_id)
    first, then = evidence.accepted[place : place + 2]
    evidence.accepted[place + 1] = then._replace(at=first.at + DELAYS.first_ms // 2)


def send_to_somebody_else(evidence: Evidence) -> None:
    key, _ = told(evidence, "delivered")
    evidence.mail(LineKey(key.request_id, "somebody.else@mail.loop.example"), 1, AFTER)


def send_before_its_time(evidence: Evidence) -> None:
    key, line = told(evidence, "not before a time")
    assert line.asked_at is not None
    place = next(n for n, mail in enumerate(evidence.accepted) if mail.request_id == key.request_id)
    evidence.accepted[place] = evidence.accepted[place]._replace(at=line.asked_at)


def overtake(evidence: Evidence) -> None:
    key, line = told(evidence, "held behind a retry", 1)
    assert line.asked_at is not None
    place = next(n for n, mail in enumerate(evidence.accepted) if mail.request_id == key.request_id)
    evidence.accepted[place] = evidence.accepted[place]._replace(at=line.asked_at + 20)


def say_it_of_another_attempt(evidence: Evidence) -> None:
    key, _ = told(evidence, "busy for ever")
    next(one for one in evidence.outcomes if one["request_id"] == key.request_id)["message_id"] = "another"


def say_it_of_nobody(evidence: Evidence) -> None:
    evidence.says(LineKey("no-such-request", "ann@mail.loop.example"), 1, "DELIVERED", AFTER, None)


def suppress_somebody(evidence: Evidence) -> None:
    person = told(evidence, "out of office")[0].recipient
    evidence.stops[person] = {"recipient": person, "reason": "SOFT_BOUNCES", "since": 0}


def suppress_for_another_reason(evidence: Evidence) -> None:
    record = evidence.stops[told(evidence, "gone, and asked for again")[0].recipient]
    assert record is not None
    record["reason"] = "MANUAL"


def flag_somebody(evidence: Evidence) -> None:
    evidence.loops.append(told(evidence, "delivered")[0].recipient)


@pytest.mark.parametrize(
    "plant",
    [
        retry_an_auto_reply,
        let_go_an_auto_reply,
        retry_to_the_other,
        retry_too_early,
        send_to_somebody_else,
        send_before_its_time,
        overtake,
        say_it_of_another_attempt,
        say_it_of_nobody,
        suppress_somebody,
        suppress_for_another_reason,
        flag_somebody,
    ],
)
def test_what_must_not_be_is_wrong(plant: Plant) -> None:
    evidence = good()
    plant(evidence)
    verdict = evidence.verdict()
    assert (verdict.lost, len(verdict.wrong), verdict.sent_twice) == ((), 1, 0)


@pytest.mark.parametrize("plant", [end_otherwise, retry_a_sub_type_that_must_not_be, retry_once_more])
def test_an_end_that_is_not_due_is_wrong(plant: Plant) -> None:
    evidence = good()
    plant(evidence)
    assert evidence.verdict().lost == ()
    assert evidence.verdict().wrong != ()


def test_a_mail_that_is_sent_twice_is_counted() -> None:
    evidence = good()
    again(evidence, told(evidence, "delivered")[0])
    verdict = evidence.verdict()
    assert (verdict.sent_twice, verdict.lost, verdict.wrong) == (1, (), ())


def test_a_retry_is_not_a_mail_sent_twice_and_two_of_one_attempt_are() -> None:
    evidence = good()
    assert evidence.verdict().retries > 0
    key, _ = told(evidence, "busy twice")
    evidence.mail(key, 2, AFTER)
    assert evidence.verdict().sent_twice == 1


def test_a_line_that_was_sent_twice_may_be_delivered_instead_and_nothing_else() -> None:
    evidence = good()
    key, _ = told(evidence, "busy for ever")
    again(evidence, key)
    assert evidence.verdict().wrong == ()
    evidence.says(key, 1, "COMPLAINED", AFTER, evidence.accepted[-1].message_id)
    assert len(evidence.verdict().wrong) == 1


def test_what_waits_without_a_time_is_wrong() -> None:
    evidence = good()
    person = told(evidence, "waiting for room")[0].recipient
    evidence.waiting[person]["retries"] = [{"request_id": "another", "attempt": 2, "due_at": AFTER}]
    assert [words for words in evidence.verdict().wrong if "ended bounced; due: waiting" in words]
    evidence.waiting[person]["retries"] = []
    assert [words for words in evidence.verdict().wrong if "nobody says until when" in words]


def test_what_was_never_handed_in_has_no_end() -> None:
    evidence = good()
    key, line = told(evidence, "gone, and asked for again", 1)
    line.asked_at = None
    without(evidence, key)
    (lost,) = evidence.verdict().lost
    assert "never handed in" in lost


def test_the_simulator_s_list_is_read_with_the_tags_that_dispatch_writes() -> None:
    line = (
        b'{"message_id":"0100-a","at":"2026-09-21T12:00:00.250Z","recipients":["ann@mail.loop.example"],'
        b'"tags":{"request_id":"b64_YSBi","attempt":"2"},"via":"API","answered":true}\n'
    )
    untagged = b'{"message_id":"0100-b","at":"2026-09-21T12:00:00Z","recipients":[],"tags":{}}\n'
    first, second = read_sent(line + untagged)
    assert first == Accepted("0100-a", 1_789_992_000_250, "a b", 2, ("ann@mail.loop.example",))
    assert (second.request_id, second.attempt) == ("", 0)


def test_a_mail_without_tags_is_nobody_s() -> None:
    evidence = good()
    evidence.accepted.append(Accepted("m-1", AFTER, "", 0, ("ann@mail.loop.example",)))
    assert len(evidence.verdict().wrong) == 1
