"""The laws of the core, over all rules at once: no order, no repeat, no split into chunks and no lost write matters."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from tests.builders import CODEC, DAY, HOUR, NOON, POLICY, Bench, bounce, event, outcome, send

Fact = tuple[str, bytes]

ANN, BEN, CLEO = "ann@example.com", "ben@example.org", "cleo@example.net"


def facts_of_a_message() -> dict[str, Fact]:
    """Return everything that can be said of one mail to three people, each once."""
    to = {"destination": [ANN, BEN, CLEO]}
    said = {
        "sent event": event("SEND", "m-1", ANN, BEN, CLEO, occurred_at=NOON, **to),
        "delivery": event("DELIVERY", "m-1", ANN),
        "delivery of two": event("DELIVERY", "m-1", BEN, CLEO, occurred_at=NOON + 2_500),
        "delay": event("DELIVERY_DELAY", "m-1", ANN, occurred_at=NOON + 1_000, delay_type="MailboxFull"),
        "soft": bounce("Transient", "MailboxFull", "4.2.2", occurred_at=NOON + HOUR),
        "hard": bounce("Permanent", "General", "5.1.1", occurred_at=NOON + 2 * HOUR),
        "listed": bounce("Permanent", "OnAccountSuppressionList", occurred_at=NOON + 3 * HOUR),
        "auto-reply": bounce("Transient", "General", occurred_at=NOON + 4_000),
        "nobody named": event("BOUNCE", bounce_type="Undetermined", recipients=[], occurred_at=NOON + 5_000),
        "complaint": event("COMPLAINT", "m-1", ANN, BEN, complaint_type="abuse", occurred_at=NOON + DAY),
        "rescue": event("COMPLAINT", "m-1", ANN, complaint_type="not-spam", occurred_at=NOON + 2 * DAY),
        "open": event("OPEN", "m-1", ANN, BEN, CLEO, occurred_at=NOON + 6_000),
        "reject": event("REJECT", "m-1", ANN, BEN, CLEO, reason="Bad content", occurred_at=NOON),
        "unknown": event("UNKNOWN", reason="Teleported"),
        "subscription": event("SUBSCRIPTION", reason="unsubscribed-all", occurred_at=NOON + 7_000),
    }
    facts = {name: ("feedback", CODEC.encode("mail.Feedback", record)) for name, record in said.items()}
    record = send(recipients=[ANN, BEN, CLEO])
    return {"send": ("sends", CODEC.encode("mail.Send", record)), **facts}


FACTS = facts_of_a_message()
names = st.lists(st.sampled_from(sorted(FACTS)), min_size=1, max_size=8, unique=True)


@st.composite
def two_tellings(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Draw some facts, and two tellings of them: each in its own order, with its own repeats."""
    chosen = draw(names)
    tellings = []
    for _ in range(2):
        repeats = draw(st.lists(st.sampled_from(chosen), max_size=4))
        tellings.append(list(draw(st.permutations(chosen + repeats))))
    return tellings[0], tellings[1]


def tell(telling: list[str], until: int = NOON + POLICY.join.park) -> Bench:
    """Tell hop 1 the facts one by one, and let time pass, at first until feedback is no longer waited for."""
    bench = Bench(ByMessage(CODEC, POLICY.join))
    for name in telling:
        topic, value = FACTS[name]
        bench.work(topic, [value])
    bench.pass_time(until)
    return bench


def said(bench: Bench) -> set[tuple[object, ...]]:
    """Return what hop 1 said, each outcome once, by what does not depend on when it was said."""
    outcomes = bench.read("outcomes", "mail.Outcome")
    return {(o["outcome_id"], o["recipient"], o["kind"], o["certain"], o["reason"], o["matched"]) for o in outcomes}


@settings(max_examples=400)
@given(two_tellings())
def test_any_order_and_any_repeats_of_a_message_end_in_the_same_life_and_the_same_outcomes(
    tellings: tuple[list[str], list[str]],
) -> None:
    one, other = tell(tellings[0]), tell(tellings[1])
    assert said(one) == said(other)
    assert one.table.values == other.table.values


@given(two_tellings())
def test_what_still_waits_is_the_same_in_any_order(tellings: tuple[list[str], list[str]]) -> None:
    one, other = tell(tellings[0], until=NOON), tell(tellings[1], until=NOON)
    assert one.table.values == other.table.values


@given(two_tellings())
def test_no_outcome_is_said_twice(tellings: tuple[list[str], list[str]]) -> None:
    ids = [o["outcome_id"] for o in tell(tellings[0]).read("outcomes", "mail.Outcome")]
    assert len(ids) == len(set(ids))


@given(names, st.data())
def test_chunks_may_be_cut_anywhere(telling: list[str], data: st.DataObject) -> None:
    feedback = [FACTS[name][1] for name in telling if FACTS[name][0] == "feedback"]
    cut = data.draw(st.integers(0, len(feedback)))
    whole, halves = Bench(ByMessage(CODEC, POLICY.join)), Bench(ByMessage(CODEC, POLICY.join))
    for bench in (whole, halves):
        bench.work("sends", [FACTS["send"][1]])
    whole.work("feedback", list(feedback))
    halves.work("feedback", list(feedback[:cut]))
    halves.work("feedback", list(feedback[cut:]))
    assert said(whole) == said(halves)
    assert whole.table.values == halves.table.values


@given(names, st.data())
def test_a_write_lost_after_the_outputs_left_loses_nothing(telling: list[str], data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(telling) - 1))
    bench = Bench(ByMessage(CODEC, POLICY.join))
    for number, name in enumerate(telling):
        topic, value = FACTS[name]
        if number == lost:
            before = dict(bench.table.values)
            bench.work(topic, [value])
            bench.table.values = before  # the worker died before its table was written; the record comes again
        bench.work(topic, [value])
    bench.pass_time(NOON + POLICY.join.park)
    undisturbed = tell(telling)
    assert said(bench) == said(undisturbed)
    assert bench.table.values == undisturbed.table.values


OUTCOMES = {
    "delivered": outcome("DELIVERED", NOON + 90 * HOUR, "m-0"),
    "delivered before": outcome("DELIVERED", NOON + 10 * HOUR, "m-00"),
    "soft 1": outcome("SOFT_BOUNCED", NOON, "m-1", reason="Transient/General"),
    "soft 2": outcome("SOFT_BOUNCED", NOON + 20 * HOUR, "m-2"),
    "soft 3": outcome("SOFT_BOUNCED", NOON + 40 * HOUR, "m-3"),
    "soft 4": outcome("SOFT_BOUNCED", NOON + 60 * HOUR, "m-4"),
    "soft 5": outcome("SOFT_BOUNCED", NOON + 80 * HOUR, "m-5"),
    "soft 6": outcome("SOFT_BOUNCED", NOON + 100 * HOUR, "m-6"),
    "hard": outcome("HARD_BOUNCED", NOON + HOUR, "m-7", reason="Permanent/General", status="5.1.1"),
    "hard again": outcome("HARD_BOUNCED", NOON + 9 * HOUR, "m-8", reason="Permanent/NoEmail"),
    "listed": outcome("HARD_BOUNCED", NOON + 2 * HOUR, "m-9", reason="Permanent/Suppressed", written="Ann@example.com"),
    "complaint": outcome("COMPLAINED", NOON + 3 * HOUR, "m-10", reason="abuse"),
    "suspected": outcome("COMPLAINED", NOON + 4 * HOUR, "m-11", certain=False),
    "suspected again": outcome("COMPLAINED", NOON + 5 * HOUR, "m-12", certain=False),
    "our own domain": outcome("COMPLAINED", NOON + 5 * HOUR, "m-13", reason="auth-failure"),
    "rescued": outcome("NOT_SPAM", NOON + 6 * HOUR, "m-10", reason="not-spam"),
    "perhaps rescued": outcome("NOT_SPAM", NOON + 4 * HOUR, "m-11", certain=False),
    "left": outcome("UNSUBSCRIBED", NOON + 7 * HOUR, "m-14", stream="newsletter"),
    "left more": outcome("UNSUBSCRIBED", NOON + 8 * HOUR, "m-15", stream="offers"),
    "auto-reply": outcome("AUTO_REPLIED", NOON + 8 * HOUR, "m-16"),
}
outcome_names = st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=9, unique=True)


@st.composite
def two_histories(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Draw what happened to one person, told twice, each time in its own order and with its own repeats."""
    chosen = draw(outcome_names)
    return tuple(  # type: ignore[return-value]  # two items, by the range
        list(draw(st.permutations(chosen + draw(st.lists(st.sampled_from(chosen), max_size=3))))) for _ in range(2)
    )


def live(history: list[str]) -> Bench:
    """Tell hop 2 what happened, one by one, when all of it is past."""
    bench = Bench(ByRecipient(CODEC, POLICY))
    for name in history:
        bench.work("outcomes", [CODEC.encode("mail.Outcome", OUTCOMES[name])], now=NOON + 5 * DAY)
    return bench


def last_word(bench: Bench) -> bytes | None:
    """Return what a reader of the compacted topic ends with."""
    return next((v for t, _, v in reversed(bench.emitted) if t == "suppressions"), None)


@settings(max_examples=400)
@given(two_histories())
def test_any_order_and_any_repeats_of_a_persons_outcomes_end_in_the_same_standing_and_the_same_last_word(
    histories: tuple[list[str], list[str]],
) -> None:
    one, other = live(histories[0]), live(histories[1])
    assert one.table.values == other.table.values
    assert last_word(one) == last_word(other)
