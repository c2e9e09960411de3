"""The made-up day: the same for the same seed, believable, and whole."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from streams.demo import people
from streams.demo.corpus import expect, specimens
from streams.demo.day import REPEATED, STREAMS, Arrival, Day
from streams.demo.envelopes import ENVELOPES, wrapped
from streams.demo.ledger import Ledger, OutcomeFlags, OutcomeKey
from streams.demo.plots import STORIES
from streams.demo.stories import DAY, HOUR
from streams.intake.envelope import Letter, open_envelopes
from streams.intake.ses import read_event
from streams.mail.feedback import Feedback
from streams.mail.outcome import OutcomeKind
from streams.mail.suppression import SuppressionReason
from streams.observe.provider import provider_of
from tests.demo.bench import NOW, Bench, day, handed_in

FEEDBACK_OF = {
    "DELIVERED": "DELIVERY",
    "HARD_BOUNCED": "BOUNCE",
    "SOFT_BOUNCED": "BOUNCE",
    "AUTO_REPLIED": "BOUNCE",
    "COMPLAINED": "COMPLAINT",
    "NOT_SPAM": "COMPLAINT",
    "REJECTED": "REJECT",
    "RENDERING_FAILED": "RENDERING_FAILURE",
    "DELAYED": "DELIVERY_DELAY",
    "OPENED": "OPEN",
    "CLICKED": "CLICK",
}


def events(arrivals: list[Arrival]) -> list[Feedback]:
    """Return what intake reads of a day's events."""
    parts = [part for arrival in arrivals if arrival.text is not None for part in open_envelopes(arrival.text)]
    letters = [part for part in parts if isinstance(part, Letter)]
    assert len(letters) == len(parts)
    return [read_event(*letter) for letter in letters]


def test_the_same_seed_makes_the_same_day() -> None:
    assert day(seed=7) == day(seed=7)


def test_another_seed_makes_another_day() -> None:
    assert day(seed=7)[0] != day(seed=8)[0]


def test_every_story_is_told_at_least_once_a_day() -> None:
    _, ledger = day(messages=300)
    assert set(ledger.stories) == {story.name for story in STORIES}


def test_names_of_stories_are_unique() -> None:
    assert [name for name, count in Counter(story.name for story in STORIES).items() if count > 1] == []


def test_stories_speak_of_outcomes_and_reasons_that_exist() -> None:
    means = {said.means for story in STORIES for mail in story.mails for said in mail.said}
    reasons = {ending.reason for story in STORIES for ending in story.endings if ending is not None}
    assert means <= {*OutcomeKind, None}
    assert reasons <= {*SuppressionReason, "RELEASED"}


def test_a_story_of_regular_recipients_ends_with_nobody_suppressed() -> None:
    assert [story.name for story in STORIES if story.regulars and story.endings != (None,)] == []


def test_a_day_has_the_ratios_of_a_healthy_sender() -> None:
    _, ledger = day(messages=20_000)
    share = Counter(key.kind for key in ledger.outcomes)
    assert 0.95 < share["DELIVERED"] / 20_000 < 0.985
    assert 0.015 < share["HARD_BOUNCED"] / 20_000 < 0.025
    assert 0.01 < share["SOFT_BOUNCED"] / 20_000 < 0.025
    assert 0.007 < share["AUTO_REPLIED"] / 20_000 < 0.013
    assert share["COMPLAINED"] / 20_000 < 0.002
    assert REPEATED / 2 < ledger.duplicates / ledger.feedback < 0.03


def test_few_recipients_get_much_of_the_mail() -> None:
    chance = random.Random(1)
    got = Counter(people.regular(chance.random(), 1_000) for _ in range(20_000))
    most = sum(count for _, count in got.most_common(100))
    assert 0.3 < most / 20_000 < 0.5


def test_nobody_can_exist() -> None:
    arrivals, _ = day()
    recipients = {r for arrival in arrivals if arrival.send is not None for r in arrival.send["recipients"]}
    assert len(recipients) > 100
    assert {r.rpartition(".")[2] for r in recipients} == {"example"}


def test_nothing_happens_in_the_future_and_little_in_the_past() -> None:
    _, ledger = day(messages=3_000)
    times = [key.at for key in ledger.outcomes]
    assert max(times) <= NOW
    assert min(times) > NOW - 7 * DAY


def test_a_day_s_mail_follows_the_hours() -> None:
    arrivals, _ = day(messages=5_000)
    hours = Counter((a.send["sent_at"] - (NOW - 30 * HOUR)) // HOUR for a in arrivals if a.send is not None)
    assert hours[9] > 5 * hours[3]


def test_the_counts_of_the_ledger_are_those_of_the_day() -> None:
    arrivals, ledger = day()
    assert ledger.sends == sum(arrival.send is not None for arrival in arrivals)
    assert ledger.feedback == sum(arrival.text is not None for arrival in arrivals)


def test_records_arrive_in_another_order_than_things_happened() -> None:
    arrivals, ledger = day()
    at = {key.message_id: key.at for key in ledger.outcomes}
    heard = [at[f.message_id] for f in events(arrivals) if f.message_id in at]
    assert heard != sorted(heard)


def test_intake_reads_of_every_event_what_the_story_meant() -> None:
    arrivals, ledger = day()
    said = {(f.message_id, f.kind, f.occurred_at) for f in events(arrivals)}
    for key in ledger.outcomes:
        kinds = ["BOUNCE", "SUBSCRIPTION"] if key.kind == "UNSUBSCRIBED" else [FEEDBACK_OF[key.kind]]
        assert any((key.message_id, kind, key.at) in said for kind in kinds), key


def test_a_repeat_of_an_event_has_the_id_of_the_event_in_either_format() -> None:
    arrivals, ledger = day(messages=3_000)
    read = events(arrivals)
    assert ledger.duplicates > 20
    assert len(read) - len({f.feedback_id for f in read}) == ledger.duplicates


def test_a_day_has_events_in_both_formats_and_of_every_stream() -> None:
    arrivals, _ = day(messages=3_000)
    raw = [f.raw for f in events(arrivals)]
    assert 0.02 < sum('"notificationType"' in text for text in raw) / len(raw) < 0.3
    assert {a.send["stream"] for a in arrivals if a.send is not None} == set(STREAMS)


@pytest.mark.parametrize("name", ENVELOPES)
def test_intake_opens_every_envelope(name: str) -> None:
    event = {"eventType": "Delivery", "mail": {"messageId": "m-1", "timestamp": "2026-01-01T00:00:00.000Z"}}
    (part,) = open_envelopes(ENVELOPES[name][0](event, "0" * 32))
    assert isinstance(part, Letter)
    assert part.event == event


def test_the_older_format_never_comes_by_eventbridge() -> None:
    event = {"notificationType": "Delivery", "mail": {"messageId": "m-1"}}
    texts = [wrapped(event, random.Random(seed)) for seed in range(200)]
    assert not [text for text in texts if '"detail"' in text]


def test_the_corpus_is_written_into_the_ledger_in_any_order_alike() -> None:
    corpus = list(specimens())
    forth, back = Ledger(), Ledger()
    for specimen in corpus:
        expect(specimen, forth)
    for specimen in reversed(corpus):
        expect(specimen, back)
    assert len(forth.outcomes) > 10
    assert forth == back


def test_a_thing_told_twice_is_a_fault_of_the_day() -> None:
    ledger = Ledger()
    ledger.outcome(OutcomeKey("m-1", "ann@example.com", "DELIVERED", NOW), OutcomeFlags(certain=True, matched=True))
    with pytest.raises(ValueError, match="twice"):
        ledger.outcome(OutcomeKey("m-1", "ann@example.com", "DELIVERED", NOW), OutcomeFlags(certain=True, matched=True))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_hops_come_to_what_the_ledger_says(seed: int) -> None:
    arrivals, ledger = day(seed)
    bench = Bench(ledger)
    bench.carry(handed_in(arrivals, ledger))
    verdict = bench.audit.verdict()
    assert (verdict.lost, verdict.wrong) == ((), ())
    assert bench.audit.complete()


@pytest.mark.parametrize("seed", [3, 4])
def test_the_hops_come_to_it_in_any_order(seed: int) -> None:
    arrivals, ledger = day(seed)
    records = handed_in(arrivals, ledger)
    random.Random(seed).shuffle(records)
    bench = Bench(ledger)
    bench.carry(records, chunk=37)
    verdict = bench.audit.verdict()
    assert (verdict.lost, verdict.wrong) == ((), ())


def test_messages_that_are_few_still_make_a_day() -> None:
    ledger = Ledger()
    assert list(Day(messages=200, seed=1, until=NOW, ledger=ledger).arrivals())


def test_every_provider_of_the_day_has_a_label_of_its_own_and_one_of_them_bounces_most() -> None:
    labels = [provider_of(domain) for domain, _ in people.PROVIDERS]
    assert len(set(labels)) == len(labels)
    assert "other" not in labels
    _, ledger = day(messages=3_000)
    ends, bad = Counter[str](), Counter[str]()
    for key in ledger.outcomes:
        provider = provider_of(key.recipient.rpartition("@")[2])
        ends[provider] += key.kind in ("DELIVERED", "HARD_BOUNCED")
        bad[provider] += key.kind == "HARD_BOUNCED"
    shares = sorted(((bad[one] / ends[one], one) for one in labels), reverse=True)
    assert shares[0][1] == provider_of(people.AILING)
    assert shares[0][0] > 2 * shares[1][0]
