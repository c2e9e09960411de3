"""The rules of an account: rate, quota, addresses, identities. No server, no clock."""

from __future__ import annotations

import random
import re

import pytest

from streams.simulator.ids import message_id
from streams.simulator.pace import DAY, MINUTE, Pace
from streams.simulator.refusals import REFUSALS
from streams.simulator.suppressed import Suppressed, SuppressionList
from streams.simulator.words import Conditions
from tests.simulator.lives import NOON, Bench

MANY = [f"p{number}@example.org" for number in range(60)]


def _codes(bench: Bench, times: list[int]) -> list[str]:
    codes = []
    for at in times:
        bench.now = NOON + at
        refusal = bench.refused("ann@example.org")
        codes.append("" if refusal is None else refusal.code)
    return codes


def test_no_more_than_the_rate_is_taken_in_any_second() -> None:
    bench = Bench(Conditions(rate=5))
    fast = "TooManyRequestsException"
    assert _codes(bench, [0, 0, 200, 400, 900, 901, 999, 1000, 1000, 1000]) == [""] * 5 + [fast] * 2 + ["", "", fast]


@pytest.mark.parametrize("rate", [1, 3, 14, 0.5, 2.7])
def test_the_rate_holds_whatever_is_asked_and_is_reached(rate: float) -> None:
    bench, draw = Bench(Conditions(rate=rate)), random.Random(7)
    taken: list[int] = []
    for _ in range(4000):
        bench.now += draw.choice((0, 1, 5, 40))
        size = draw.choice((1, 1, 1, 2)) if rate >= 2 else 1
        if bench.refused(*MANY[:size]) is None:
            taken += [bench.now] * size
    span, most = (1000, int(rate)) if rate >= 1 else (round(1000 / rate), 1)
    assert all(later - earlier >= span for earlier, later in zip(taken, taken[most:], strict=False))
    assert len(taken) >= 0.9 * (bench.now - NOON) / span * most


def test_a_mail_to_more_than_the_rate_is_paid_for_in_the_seconds_after() -> None:
    bench = Bench(Conditions(rate=10))
    assert bench.refused(*MANY[:35]) is None
    found = {}
    for second in range(5):
        bench.now = NOON + second * 1000
        refusal = bench.refused(*MANY[:5])
        found[second] = None if refusal is None else refusal.words
    too_fast = "Maximum sending rate exceeded."
    assert found == {0: too_fast, 1: too_fast, 2: too_fast, 3: None, 4: None}


def test_the_quota_counts_recipients_of_24_hours_and_not_the_mailbox_simulators() -> None:
    bench = Bench(Conditions(quota=4))
    assert bench.refused(*MANY[:3]) is None
    assert bench.refused(*MANY[:2]) == REFUSALS["LimitExceededException"]
    assert bench.refused("success@simulator.amazonses.com", MANY[0]) is None
    assert bench.account.pace.sent(bench.now) == 4
    assert bench.refused("success@simulator.amazonses.com") is None
    bench.now += DAY - 1
    assert bench.refused(MANY[0]) == REFUSALS["LimitExceededException"]
    bench.now += 1 + MINUTE
    assert bench.account.pace.sent(bench.now) == 0
    assert bench.refused(*MANY[:4]) is None


def test_what_is_refused_costs_nothing() -> None:
    bench = Bench(Conditions(rate=2, quota=2))
    assert bench.refused(*MANY[:51]) is not None
    assert bench.refused("nobody") is not None
    assert bench.account.accepted == 0
    assert bench.refused(*MANY[:2]) is None


def test_the_day_is_kept_in_little_memory() -> None:
    pace = Pace()
    for minute in range(5 * 24 * 60):
        pace.took(1, 1, 1000, NOON + minute * MINUTE)
    assert 24 * 60 <= pace.sent(NOON + 5 * DAY - MINUTE) <= 24 * 60 + 1
    assert len(pace._day._until) <= 24 * 60 + 1


@pytest.mark.parametrize(
    ("words", "http", "smtp", "said"),
    [
        ({"to": ()}, 400, 554, "Destination is required."),
        ({"to": tuple(MANY[:51])}, 400, 554, "Recipient count exceeds 50."),
        ({"to": ("ann",)}, 400, 553, "Invalid email address."),
        ({"to": ("änn@example.org",)}, 400, 553, "Invalid email address."),
        ({"sender": ""}, 400, 553, "Missing or invalid From address."),
        ({"tags": {"stream": "no spaces"}}, 400, 554, "Invalid message tag"),
        ({"tags": {"": "x"}}, 400, 554, "Invalid message tag"),
        ({"tags": {"x" * 257: "x"}}, 400, 554, "Invalid message tag"),
        ({"size": 41 * 1024 * 1024}, 400, 552, "Message is too long"),
    ],
)
def test_a_mail_that_is_wrong_is_refused(words: dict[str, object], http: int, smtp: int, said: str) -> None:
    refusal = Bench().refused(*MANY[:1], **words)
    assert refusal is not None
    assert (refusal.code, refusal.http, refusal.smtp) == ("BadRequestException", http, smtp)
    assert refusal.words.startswith(said)


def test_fifty_recipients_and_forty_megabytes_are_taken() -> None:
    assert Bench().refused(*MANY[:50], size=40 * 1024 * 1024) is None


def test_an_unknown_configuration_set_is_not_found_where_sets_are_named() -> None:
    bench = Bench(configuration_sets=("events",))
    assert bench.refused(MANY[0], configuration_set="events") is None
    assert bench.refused(MANY[0]) is None
    refusal = bench.refused(MANY[0], configuration_set="other")
    assert refusal is not None
    assert refusal.code == "NotFoundException"
    assert Bench().refused(MANY[0], configuration_set="other") is None


@pytest.mark.parametrize(
    ("identity", "sender", "verified"),
    [
        ("shop@example.com", "Shop <SHOP@Example.com>", True),
        ("shop@example.com", "shop+news@example.com", True),
        ("shop@example.com", "other@example.com", False),
        ("example.com", "anybody@mail.example.com", True),
        ("example.com", "anybody@notexample.com", False),
        ("mail.example.com", "anybody@example.com", False),
    ],
)
def test_a_sender_must_be_verified_where_that_is_asked(identity: str, sender: str, verified: bool) -> None:
    refusal = Bench(verify=True, verified=(identity,)).refused(MANY[0], sender=sender)
    assert (refusal is None) is verified
    if refusal is not None:
        assert refusal.code == "MessageRejected"
        assert refusal.words.startswith("Email address is not verified. The following identities failed the check in")
    assert Bench(verified=(identity,)).refused(MANY[0], sender=sender) is None


def test_in_the_sandbox_recipients_must_be_verified_too_but_for_the_mailbox_simulator() -> None:
    bench = Bench(sandbox=True, verified=("example.com",))
    assert bench.refused("ann@example.com") is None
    assert bench.refused("success@simulator.amazonses.com") is None
    refusal = bench.refused("ann@example.org")
    assert refusal is not None
    assert refusal.code == "MessageRejected"


@pytest.mark.parametrize("code", REFUSALS)
def test_every_error_can_be_asked_for(code: str) -> None:
    assert Bench(Conditions().changed({"refuse": code})).refused(MANY[0]) == REFUSALS[code]


def test_a_paused_account_sends_nothing() -> None:
    assert Bench(Conditions(paused=True)).refused(MANY[0]) == REFUSALS["SendingPausedException"]


def test_the_list_keeps_the_case_and_does_not_heed_it() -> None:
    listed = SuppressionList()
    listed.put(Suppressed("Ann@example.org", "BOUNCE", 1))
    listed.put(Suppressed("ann@example.org", "COMPLAINT", 2))
    listed.put(Suppressed("ann@example.org", "BOUNCE", 3))
    assert listed.find("ANN@example.org") is None
    assert listed.find("ann@example.org") == Suppressed("ann@example.org", "BOUNCE", 3)
    assert listed.holds("ANN@example.org")
    assert not listed.remove("ANN@example.org")
    assert listed.remove("ann@example.org")
    assert listed.holds("ann@example.org")
    assert listed.remove("Ann@example.org")
    assert not listed.holds("ann@example.org")


def test_ids_have_the_form_of_ses_and_come_from_the_seed() -> None:
    form = re.compile(r"0100[0-9a-f]{12}-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}-000000")
    ids = [message_id(1, number, NOON) for number in range(1000)]
    assert len(set(ids)) == 1000
    assert all(form.fullmatch(one) for one in ids)
    assert message_id(1, 7, NOON) == ids[7]
    assert message_id(2, 7, NOON) != ids[7]
    assert int(ids[0][4:16], 16) == NOON
