"""The laws of the core, over all rules at once: no order, no repeat, no split into chunks and no lost write matters."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.decide.loops import loop_flag, note_reply, prune_replies
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.mail.loop import Reply
from streams.mail.standing import Standing
from streams.state.standings import pack_standing, unpack_standing
from tests.builders import (
    CODEC,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    POLICY,
    Bench,
    bounce,
    event,
    instruction,
    of,
    outcome,
    reply,
    send,
    soft,
)

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


def last_word(bench: Bench, topic: str = "suppressions") -> bytes | None:
    """Return what a reader of a compacted topic ends with."""
    return next((v for t, _, v in reversed(bench.emitted) if t == topic), None)


@settings(max_examples=400)
@given(two_histories())
def test_any_order_and_any_repeats_of_a_persons_outcomes_end_in_the_same_standing_and_the_same_last_word(
    histories: tuple[list[str], list[str]],
) -> None:
    one, other = live(histories[0]), live(histories[1])
    assert one.table.values == other.table.values
    assert last_word(one) == last_word(other)


def hour_of_a_person() -> dict[str, Fact]:
    """Return what may be heard of one person within an hour: all of it before any retry falls due."""
    at = iter(range(NOON, NOON + HOUR, MINUTE))
    outcomes: dict[str, Any] = {
        "delivered at first": of("DELIVERED", "r-7", at=next(at)),
        "bounced": soft("r-1", 1, next(at)),
        "bounced twice": soft("r-1", 2, next(at)),
        "bounced by an older attempt": soft("r-1", 1, next(at)),
        "full": soft("r-2", 1, next(at), "MailboxFull"),
        "refused": of("FAILED", "r-3", 1, next(at), reason="timeout", message_id=None),
        "refused for good": of("FAILED", "r-1", 3, next(at), reason="MessageRejected", message_id=None),
        "too large": soft("r-4", 1, next(at), "MessageTooLarge"),
        "exhausted": soft("r-2", 4, next(at)),
        "expired": of("EXPIRED", "r-1", 2, next(at), message_id=None),
        "answered by request": of("AUTO_REPLIED", "r-2", 2, next(at)),
        "answered by message": outcome("AUTO_REPLIED", next(at), "m-r-1-1"),
        "answered": reply("m-20", next(at)),
        "answered again": reply("m-21", next(at)),
        "answered by another machine": reply("m-20", next(at)),
        "answered an answer": reply("m-22", next(at), in_reply_to="<a@example.com>", local="shop@example.org"),
        "delivered between": of("DELIVERED", "r-8", at=next(at)),
        "full of late": soft("r-5", 1, next(at), "MailboxFull"),
        "bounced of late": soft("r-6", 1, next(at), "Undetermined", stream="newsletter"),
        "complaint": of("COMPLAINED", "r-9", at=next(at), reason="abuse"),
        "rescued": of("NOT_SPAM", "r-9", at=next(at)),
        "left": of("UNSUBSCRIBED", "r-9", at=next(at), stream="newsletter"),
        "hard": of("HARD_BOUNCED", "r-9", at=next(at)),
    }
    instructions = {
        "suppress": instruction("SUPPRESS", next(at)),
        "suppress otherwise": instruction("SUPPRESS", next(at), until=NOON + DAY),
        "close a stream": instruction("SUPPRESS", next(at), scope="newsletter", reason="UNSUBSCRIBED"),
        "release a stream": instruction("RELEASE", next(at), scope="newsletter"),
        "release": instruction("RELEASE", next(at)),
        "clear": instruction("CLEAR_LOOP", NOON + 13 * MINUTE),
        "cancel one": instruction("CANCEL_RETRY", next(at), request_id="r-5"),
        "cancel all": instruction("CANCEL_RETRY", NOON + 6 * MINUTE),
    }
    said = {name: ("outcomes", CODEC.encode("mail.Outcome", record)) for name, record in outcomes.items()}
    return said | {n: ("instructions", CODEC.encode("mail.Instruction", r)) for n, r in instructions.items()}


HOUR_OF_ANN = hour_of_a_person()
HEARD = NOON + HOUR
COMPACTED = ("suppressions", "loops", "waiting")


@st.composite
def two_hours(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Draw some of an hour, told twice, each time in its own order and with its own repeats."""
    chosen = draw(st.lists(st.sampled_from(sorted(HOUR_OF_ANN)), min_size=1, max_size=10, unique=True))
    return tuple(  # type: ignore[return-value]  # two items, by the range
        list(draw(st.permutations(chosen + draw(st.lists(st.sampled_from(chosen), max_size=3))))) for _ in range(2)
    )


def hear(told: list[str], now: int = HEARD, *, at_once: bool = False) -> Bench:
    """Tell hop 2, one by one or in chunks as long as the topic stays the same."""
    bench = Bench(ByRecipient(CODEC, POLICY))
    runs: list[tuple[str, list[bytes | None]]] = []
    for topic, value in (HOUR_OF_ANN[name] for name in told):
        if at_once and runs and runs[-1][0] == topic:
            runs[-1][1].append(value)
        else:
            runs.append((topic, [value]))
    for topic, values in runs:
        bench.work(topic, values, now)
    return bench


@settings(max_examples=600)
@given(two_hours())
def test_any_order_repeats_and_chunks_of_outcomes_and_instructions_end_in_the_same_standing(
    hours: tuple[list[str], list[str]],
) -> None:
    one, other = hear(hours[0]), hear(hours[1], at_once=True)
    assert one.table.values == other.table.values
    assert [last_word(one, topic) for topic in COMPACTED] == [last_word(other, topic) for topic in COMPACTED]
    one.pass_time(NOON + 60 * DAY)
    other.pass_time(NOON + 60 * DAY)
    assert gone(one) == gone(other)
    assert one.table.values == other.table.values


def gone(bench: Bench) -> list[tuple[str, int]]:
    """Return the retries that were let go, in their order."""
    return [(r["request_id"], r["attempt"]) for r in bench.read("retries", "mail.Retry")]


def facts_only(bench: Bench) -> Standing:
    """Return what is known of Ann, without what depends on when it was heard: what went, what asked, what was said."""
    standing = unpack_standing(bench.table.values.get(b"ann@example.com", pack_standing(Standing(0))))
    return standing._replace(touched_at=0, look_at=0, said_waiting=b"", waits=(), probe=None, spent=())


@given(two_hours())
def test_what_is_heard_days_late_ends_in_the_same_facts_and_lets_no_retry_go_twice(
    hours: tuple[list[str], list[str]],
) -> None:
    late = NOON + 9 * DAY
    one, other = hear(hours[0], late), hear(hours[1], late)
    for bench in (one, other):
        bench.pass_time(late + 9 * DAY)
        went = gone(bench)
        assert len(went) == len(set(went))
        assert all(2 <= attempt <= POLICY.retry.most + 1 for _, attempt in went)
        assert last_word(bench, "waiting") is None
    assert facts_only(one) == facts_only(other)


ANSWERS = {
    "answered by request": {"r-2"},
    "answered by message": {"r-1"},
}


@settings(max_examples=300)
@given(two_hours(), st.integers(0, 9 * DAY))
def test_a_mail_that_a_machine_answered_is_never_sent_again_once_that_is_known(
    hours: tuple[list[str], list[str]], late: int
) -> None:
    told = [name for name in hours[0] if name in ANSWERS] + hours[1]
    bench = hear(told, HEARD + late)
    bench.pass_time(HEARD + late + 30 * DAY)
    answered = set().union(*(ANSWERS.get(name, set()) for name in told))
    by_message = {("r-1", attempt) for attempt in (3, 4, 5)}  # of a later attempt's mail nobody said so
    assert [one for one in gone(bench) if one[0] in answered and one not in by_message] == []


steps = st.lists(
    st.tuples(st.sampled_from(sorted(HOUR_OF_ANN)), st.sampled_from([0, MINUTE, HOUR, 2 * HOUR, 9 * HOUR, DAY])),
    min_size=1,
    max_size=14,
)


@settings(max_examples=300)
@given(steps)
def test_what_was_announced_as_waiting_goes_only_while_it_is_announced(life: list[tuple[str, int]]) -> None:
    """A cancelled retry is never let go later, and the gauge and the counts say what the topics say."""
    bench, now = Bench(ByRecipient(CODEC, POLICY)), HEARD
    for name, pause in life:
        topic, value = HOUR_OF_ANN[name]
        bench.work(topic, [value], now)
        now += pause
        bench.pass_time(now)
    announced: set[tuple[str, int]] = set()
    cancelled: set[tuple[str, int]] = set()
    for topic, _, record in bench.emitted:
        if topic == "waiting":
            waits = [] if record is None else CODEC.decode("mail.Waiting", record)["retries"]
            after = {(w["request_id"], w["attempt"]) for w in waits}
            cancelled = (cancelled | (announced - after)) - after
            announced = after
        elif topic == "retries" and record is not None:
            retry = CODEC.decode("mail.Retry", record)
            named = retry["request_id"], retry["attempt"]
            assert named not in cancelled
            announced.discard(named)
    assert bench.counts.get(("ses_retries_pending",), 0) == len(announced)
    tallies = {r: sum(n for k, n in bench.counts.items() if k[0] == "ses_retries_total" and k[2] == r) for r in RESULTS}
    assert tallies["scheduled"] == tallies["due"] + tallies["cancelled"] + len(announced)
    assert tallies["due"] == len(gone(bench)) == len(set(gone(bench)))


RESULTS = ("scheduled", "due", "cancelled")
OLDER = {"r-1", "r-2", "r-3", "r-4"}
"""Requests whose bounces and refusals are all older than the delivery between and than what cancels all; what SES
refused (r-3) the delivery of another mail says nothing about."""
RULED_OUT = {
    "delivered between": OLDER - {"r-3"},
    "cancel all": OLDER,
    "cancel one": {"r-5"},
    "answered by request": {"r-2"},
    "hard": {"r-1", "r-2", "r-3", "r-4", "r-5", "r-6"},
}


@settings(max_examples=300)
@given(steps)
def test_what_is_ruled_out_for_good_never_goes_after_that_was_heard(life: list[tuple[str, int]]) -> None:
    bench, now, out = Bench(ByRecipient(CODEC, POLICY)), HEARD, set[str]()
    for name, pause in [step for step in life if not step[0].startswith("release")]:
        before = len(gone(bench))
        topic, value = HOUR_OF_ANN[name]
        out |= RULED_OUT.get(name, set())
        bench.work(topic, [value], now)
        now += pause
        bench.pass_time(now)
        assert out.isdisjoint(request_id for request_id, _ in gone(bench)[before:])


@given(two_hours(), st.data())
def test_a_write_of_hop_two_lost_after_its_outputs_left_loses_nothing(
    hours: tuple[list[str], list[str]], data: st.DataObject
) -> None:
    told = hours[0]
    lost = data.draw(st.integers(0, len(told) - 1))
    bench, late = Bench(ByRecipient(CODEC, POLICY)), NOON + 9 * DAY
    for number, name in enumerate(told):
        topic, value = HOUR_OF_ANN[name]
        if number == lost:
            before = dict(bench.table.values)
            bench.work(topic, [value], late)
            bench.table.values = before  # the worker died before its table was written; the record comes again
        bench.work(topic, [value], late)
    bench.pass_time(late + 30 * DAY)
    undisturbed = hear(told, late)
    undisturbed.pass_time(late + 30 * DAY)
    assert facts_only(bench) == facts_only(undisturbed)
    assert set(gone(bench)) == set(gone(undisturbed))
    assert [last_word(bench, topic) for topic in COMPACTED] == [last_word(undisturbed, topic) for topic in COMPACTED]


replies = st.lists(
    st.builds(
        Reply,
        st.integers(0, 40 * DAY).map(lambda after: NOON + after - after % MINUTE),
        st.binary(min_size=8, max_size=8),
        st.sampled_from(["desk@example.org", "shop@example.org"]),
        st.none() | st.sampled_from([f"m-{n}" for n in range(12)]),
        st.booleans(),
    ),
    max_size=24,
)


@given(replies, st.randoms(use_true_random=False), st.integers(0, 80 * DAY))
def test_a_loop_is_flagged_alike_in_whatever_order_its_replies_are_heard(
    heard: list[Reply], chance: Random, after: int
) -> None:
    other = heard + heard[:3]
    chance.shuffle(other)
    one, two = Standing(0), Standing(0)
    for answer in heard:
        one = note_reply(one, answer, POLICY.loops)
    for answer in other:
        two = note_reply(two, answer, POLICY.loops)
    assert one == two
    now = NOON + after
    flag = loop_flag("ann@example.com", one, POLICY.loops, now)
    assert flag == loop_flag("ann@example.com", prune_replies(one, POLICY.loops, now), POLICY.loops, now)
