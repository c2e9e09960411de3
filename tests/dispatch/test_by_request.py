"""The dispatch hop as the engine sees it: what it cannot use, what it takes, and what it shows."""

from __future__ import annotations

from typing import Any

import pytest

from streams.dispatch.pace import Pace
from streams.mail.letter import Raw, Template
from streams.pipeline import ActingHop, Errand
from streams.topics import ROLES
from tests.builders import CODEC, NOON
from tests.dispatch.bench import PLENTY, DispatchBench, request, retry, settlement

ANN = "ann@example.com"
BEYOND = 1 << 60
"""A time that cannot be written down."""


def test_the_hop_acts_and_its_calls_are_errands() -> None:
    bench = DispatchBench()
    assert isinstance(bench.hop, ActingHop)
    bench.ask(request())
    errands: list[Errand] = bench.errands
    assert [errand.key for errand in errands] == [b"r-1"]
    assert bench.hop.census([]) is None


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        ("send-requests", None, "NO_VALUE"),
        ("send-requests", b"{}", "BAD_MAGIC"),
        ("send-requests", CODEC.encode("mail.SendRequest", request())[:-3], "NOT_AVRO"),
        ("send-requests", CODEC.encode("mail.SendRequest", request("")), "NO_KEY"),
        ("send-requests", CODEC.encode("mail.SendRequest", request(attempt=0)), "WRONG_TYPE"),
        ("send-requests", CODEC.encode("mail.SendRequest", request(requested_at=-1)), "BAD_TIME"),
        ("send-requests", CODEC.encode("mail.SendRequest", request(not_before=BEYOND)), "BAD_TIME"),
        ("send-requests", CODEC.encode("mail.SendRequest", request(expires_at=BEYOND)), "BAD_TIME"),
        ("send-requests", CODEC.encode("mail.Retry", retry()), "WRONG_TYPE"),
        ("retries", None, "NO_VALUE"),
        ("retries", CODEC.encode("mail.Retry", retry(due_at=-1)), "BAD_TIME"),
        ("retries", CODEC.encode("mail.Retry", retry(recipient="")), "WRONG_TYPE"),
        ("settlements", None, "NO_VALUE"),
        ("settlements", CODEC.encode("mail.Settlement", settlement("ACCEPTED", "m", request_id="")), "NO_KEY"),
    ],
)
def test_what_cannot_be_used_is_a_dead_letter_and_its_neighbours_go_on(topic: str, value: bytes, reason: str) -> None:
    bench = DispatchBench()
    bench.put_bytes(topic, [value])
    bench.put_bytes(
        "send-requests", [value if topic == "send-requests" else None, CODEC.encode("mail.SendRequest", request())]
    )
    bench.work_off()
    dead = bench.read("dead-letters", "mail.DeadLetter")
    assert (dead[0]["reason"], dead[0]["stage"], dead[0]["value"]) == (reason, "DISPATCH", value)
    assert len(bench.sends) == 1
    assert bench.counts["ses_dead_letters_total", "DISPATCH", reason] >= 1


def test_only_requests_are_left_in_their_topic_when_there_is_no_room() -> None:
    bench = DispatchBench(pace=Pace())
    bench.pace.stop(NOON, NOON + 60_000)
    full = {role for role in ROLES if bench.hop.is_full(role, NOON)}
    assert full == {"send-requests"}
    assert not bench.hop.is_full("send-requests", NOON + 60_000)


def test_the_share_of_the_partitions_is_the_share_of_the_rate() -> None:
    bench = DispatchBench(pace=Pace())
    bench.pace.learned(PLENTY._replace(per_second=100.0, per_day=1_000.0, sent=200.0), NOON)
    bench.hop.shared(0.5)
    gauges = bench.hop.gauges(NOON)
    assert gauges["ses_send_rate"] == {(): pytest.approx(48.5)}
    assert gauges["ses_quota_remaining"] == {(): 400.0}
    assert gauges["ses_quota_limit"] == {(): 500.0}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (("mail.Template", {"name": "receipt", "data": '{"a":1}'}), Template("receipt", '{"a":1}')),
        (("mail.Raw", {"mime": b"Subject: x\r\n\r\nhi"}), Raw(b"Subject: x\r\n\r\nhi")),
    ],
)
def test_each_content_reaches_the_road(content: tuple[str, dict[str, Any]], expected: Template | Raw) -> None:
    bench = DispatchBench()
    bench.ask(request(content=content))
    bench.work_off()
    assert bench.road.carried[0].content == expected


def test_a_retry_of_a_request_or_a_person_that_we_do_not_know_is_somebody_elses() -> None:
    bench = DispatchBench()
    bench.retry(retry("r-unknown"))
    bench.ask(request())
    bench.work_off()
    bench.retry(retry(recipient="nobody@example.com"))
    bench.work_off()
    assert len(bench.road.carried) == 1
    assert bench.outcomes == []
    assert bench.counts["ses_duplicates_total", "retries"] == 0


def test_a_retry_goes_to_its_recipient_alone_under_its_own_attempt() -> None:
    bench = DispatchBench()
    bench.ask(request("r-1", "bob@example.org", bcc=["Ann <ANN@example.com>"]))
    bench.work_off()
    bench.retry(retry(recipient="Ann@Example.com", attempt=3))
    bench.work_off()
    letter = bench.road.carried[1]
    assert (letter.to, letter.cc, letter.bcc, letter.attempt) == (("Ann <ANN@example.com>",), (), (), 3)
    assert letter.tags["attempt"] == "3"
    assert bench.sends[1]["recipients"] == [ANN]


def test_a_retry_that_is_due_later_waits_until_then() -> None:
    bench = DispatchBench()
    bench.ask(request())
    bench.work_off()
    bench.retry(retry(due_at=NOON + 60_000))
    bench.pass_time(59_999)
    assert len(bench.road.carried) == 1
    bench.pass_time(1)
    assert len(bench.road.carried) == 2


def test_a_higher_attempt_from_upstream_is_a_new_mail_with_its_own_words() -> None:
    bench = DispatchBench()
    bench.ask(request())
    bench.work_off()
    changed = request("r-1", "new@example.com", attempt=2, stream="again")
    bench.ask(changed)
    bench.ask(request("r-1", attempt=1))
    bench.work_off()
    assert [(letter.recipients, letter.stream) for letter in bench.road.carried] == [
        ((ANN,), "receipts"),
        (("new@example.com",), "again"),
    ]
