"""Who is named in which event, in which order, and when."""

from __future__ import annotations

from itertools import product

import pytest

from streams.simulator.mail import Failure
from streams.simulator.suppressed import Suppressed
from streams.simulator.words import Conditions
from tests.simulator.lives import NOON, Bench, short


def _about(bench: Bench, *to: str) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((short(one), one.about) for one in bench.follows(*to))


def test_several_simulated_bounces_in_one_mail_come_as_one_event() -> None:
    to = ("bounce+1@simulator.amazonses.com", "success@simulator.amazonses.com", "bounce+2@simulator.amazonses.com")
    assert _about(Bench(), *to) == [
        ("Bounce Permanent/General 5.1.1", (to[0], to[2])),
        ("Delivery", (to[1],)),
        ("Send", to),
    ]


def test_elsewhere_each_recipient_has_an_event_of_its_own() -> None:
    to = ("gone@bigmail.example", "gone@outpost.example")
    assert _about(Bench(), *to) == [
        ("Bounce Permanent/General 5.1.1", (to[0],)),
        ("Bounce Permanent/General 5.1.1", (to[1],)),
        ("Send", to),
    ]


def test_an_angry_recipient_makes_suspects_of_all_at_that_provider() -> None:
    to = ("angry@bigmail.example", "ann@BIGMAIL.example", "bob@outpost.example")
    found = dict(_about(Bench(), *to))
    assert found["Complaint abuse"] == to[:2]


def test_two_angry_ones_at_one_provider_make_one_complaint_and_at_two_providers_two() -> None:
    together = _about(Bench(), "angry+1@bigmail.example", "angry+2@bigmail.example")
    assert [about for words, about in together if words == "Complaint abuse"] == [
        ("angry+1@bigmail.example", "angry+2@bigmail.example")
    ]
    apart = _about(Bench(), "angry@bigmail.example", "angry@outpost.example")
    assert [about for words, about in apart if words == "Complaint abuse"] == [
        ("angry@bigmail.example",),
        ("angry@outpost.example",),
    ]


def test_a_mail_named_twice_goes_once() -> None:
    assert [one.about for one in Bench().follows("ann@example.org", "ann@example.org")] == [("ann@example.org",)] * 2


def test_a_suppressed_recipient_is_not_asked_in_whatever_case_and_the_others_are() -> None:
    bench = Bench()
    bench.account.suppressed.put(Suppressed("Ann@Example.org", "BOUNCE", NOON))
    assert _about(bench, "aNN@example.ORG", "bob@example.org") == [
        ("Bounce Permanent/OnAccountSuppressionList 5.1.1", ("aNN@example.ORG",)),
        ("Delivery", ("bob@example.org",)),
        ("Send", ("aNN@example.ORG", "bob@example.org")),
    ]


def test_the_mailbox_simulator_is_never_suppressed() -> None:
    bench = Bench()
    bench.account.suppressed.put(Suppressed("success@simulator.amazonses.com", "BOUNCE", NOON))
    assert bench.told("success@simulator.amazonses.com") == ["Send", "Delivery"]


def test_a_virus_is_sent_nowhere_and_rejected() -> None:
    assert Bench().told("gone@bigmail.example", virus=True) == ["Send", "Reject"]


def test_a_template_that_cannot_be_rendered_was_never_sent() -> None:
    failure = Failure("welcome", "Attribute 'name' is not present in the rendering data.")
    assert Bench().told("ann@example.org", failure=failure) == ["Rendering Failure"]


def test_send_events_can_be_left_out() -> None:
    assert Bench(send_events=False).told("ann@example.org") == ["Delivery"]


def test_events_of_one_recipient_follow_each_other_in_time() -> None:
    for delay, seed in product((0.0, 0.3, 0.9, 200.0), range(10)):
        follows = Bench(Conditions(delay_ms=delay), seed=seed).follows("slow-5@bigmail.example", "open@bigmail.example")
        for about in {one.about for one in follows}:
            times = [one.at for one in follows if one.about == about]
            assert times == sorted(set(times))
        assert [one.told_after for one in follows] == sorted(one.told_after for one in follows)


def test_a_mean_delay_is_kept_within_half_of_it() -> None:
    bench = Bench(Conditions(delay_ms=1000))
    gaps = [bench.follows("ann@example.org")[0].told_after for _ in range(200)]
    assert 500 <= min(gaps) < 600
    assert 1400 < max(gaps) < 1500
    assert sum(gaps) / len(gaps) == pytest.approx(1000, rel=0.05)


def test_disorder_changes_when_events_are_told_and_not_when_they_happened() -> None:
    to = "open@bigmail.example"
    told = [one for _ in range(20) for one in (Bench(Conditions(), seed=_).follows(to))]
    mixed = [one for _ in range(20) for one in (Bench(Conditions(disorder=True), seed=_).follows(to))]
    assert sorted((one.at, one.name) for one in mixed) == sorted((one.at, one.name) for one in told)
    assert [one.name for one in mixed] != [one.name for one in told]
    assert all(one.told_after >= 0 for one in mixed)


def test_the_same_seed_lives_the_same_life_and_another_one_does_not() -> None:
    def lived(seed: int) -> list[object]:
        bench = Bench(seed=seed)
        return [bench.follows("slow-2@bigmail.example", "complain@bigmail.example") for _ in range(5)]

    assert lived(1) == lived(1)
    assert lived(1) != lived(2)
