"""The life of one mail: its steps are in order, each outcome is there once, and the end is what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.answers.model import Trace
from streams.answers.search import search
from streams.answers.steps import StepKind
from streams.answers.trace import trace
from streams.hops.by_message import ByMessage
from streams.mail.found import Found, Want
from streams.state.lives import unpack_life
from tests.builders import CODEC, DAY, HOUR, MINUTE, NOON, POLICY, Bench, bounce, event, send

ANN, BEN, CLEO = "ann@example.com", "ben@example.org", "cleo@example.net"
KEY = b"m-1"


def everything() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return everything that can be said of one mail to three people, each once."""
    to: dict[str, Any] = {"destination": [ANN, BEN, CLEO]}
    said = {
        "sent event": event("SEND", "m-1", ANN, BEN, CLEO, occurred_at=NOON, **to),
        "delivery": event("DELIVERY", "m-1", ANN, smtp_response="250 OK"),
        "delivery of two": event("DELIVERY", "m-1", BEN, CLEO, occurred_at=NOON + 2_500),
        "delay": event("DELIVERY_DELAY", "m-1", ANN, occurred_at=NOON + 1_000, delay_type="MailboxFull"),
        "soft": bounce("Transient", "MailboxFull", "4.2.2", occurred_at=NOON + HOUR),
        "hard": bounce("Permanent", "General", "5.1.1", occurred_at=NOON + 2 * HOUR),
        "auto-reply": bounce("Transient", "General", occurred_at=NOON + 4_000),
        "nobody named": event("BOUNCE", bounce_type="Undetermined", recipients=[], occurred_at=NOON + 5_000, **to),
        "complaint": event("COMPLAINT", "m-1", ANN, BEN, complaint_type="abuse", occurred_at=NOON + DAY),
        "by mail": event("COMPLAINT", "m-1", ANN, complaint_subtype="MailReport", complaint_type="abuse"),
        "a stranger by mail": event("COMPLAINT", "m-1", "eve@example.org", complaint_subtype="MailReport"),
        "rescue": event("COMPLAINT", "m-1", ANN, complaint_type="not-spam", occurred_at=NOON + 2 * DAY),
        "open": event("OPEN", "m-1", ANN, BEN, CLEO, occurred_at=NOON + 6_000),
        "unknown": event("UNKNOWN", reason="Teleported"),
        "left": event("SUBSCRIPTION", reason="unsubscribed-all", occurred_at=NOON + 7_000),
    }
    facts = {name: ("feedback", record) for name, record in said.items()}
    return facts | {"send": ("sends", send(recipients=[ANN, BEN, CLEO]))}


FACTS = {
    name: (topic, CODEC.encode("mail.Send" if topic == "sends" else "mail.Feedback", record))
    for name, (topic, record) in everything().items()
}


class Telling(NamedTuple):
    """What hop 1 heard, as records, what it stored, and what it said."""

    records: list[Found]
    stored: bytes | None
    outcomes: list[dict[str, Any]]
    now: int


@st.composite
def tellings(draw: st.DrawFn) -> Telling:
    """Draw some facts, in any order and with repeats, and let hop 1 hear them as they come."""
    names = draw(st.lists(st.sampled_from(sorted(FACTS)), min_size=1, max_size=9))
    gaps = draw(st.lists(st.sampled_from([1, 5_000, 20 * MINUTE, 9 * HOUR]), min_size=len(names), max_size=len(names)))
    return tell(names, gaps, draw(st.sampled_from([0, HOUR, 4 * DAY])))


def tell(names: Sequence[str], gaps: Sequence[int], later: int = HOUR) -> Telling:
    """Let hop 1 hear facts, each a while after the one before it, and let time pass."""
    bench, records, at = Bench(ByMessage(CODEC, POLICY.join)), list[Found](), NOON
    for number, (name, gap) in enumerate(zip(names, gaps, strict=True)):
        at += gap
        bench.pass_time(at)
        topic, value = FACTS[name]
        bench.work(topic, [value], at)
        records.append(Found(topic, 0, number, at, KEY, value))
    bench.pass_time(at + later)
    return Telling(records, bench.table.values.get(KEY), bench.read("outcomes", "mail.Outcome"), at + later)


def traced(telling: Telling, records: Sequence[Found] | None = None) -> Trace:
    """Return the trace of what was told."""
    found = telling.records if records is None else records
    return trace("<m-1@email.amazonses.com>", telling.stored, found, POLICY, telling.now, CODEC)


def concluded(found: Trace) -> list[tuple[str, str, bool]]:
    """Return the outcomes that a trace has, by id and recipient, and whether a Send was found for each."""
    return sorted((one.outcome_id, one.recipient, one.matched) for step in found.steps for one in step.concluded)


@settings(max_examples=150)
@given(tellings())
def test_a_trace_has_every_outcome_once_in_order_and_ends_as_the_life_does(telling: Telling) -> None:
    found = traced(telling)
    assert concluded(found) == sorted((o["outcome_id"], o["recipient"], o["matched"]) for o in telling.outcomes)
    assert [step.at for step in found.steps] == sorted(step.at for step in found.steps)
    assert len([step for step in found.steps if step.place is not None]) == len(telling.records)
    if telling.stored is not None:
        life = unpack_life(telling.stored)
        assert {far.recipient: far.kind for far in found.furthest} == {who: r.kind for who, r in life.reached.items()}
        assert (found.search.heard, found.search.complete) == (len(life.seen), True)
        assert found.matched == (life.send is not None)
        assert any(step.kind is StepKind.SILENCE for step in found.steps) == life.counted
    furthest = {(one.recipient, one.kind) for step in found.steps for one in step.concluded if one.furthest}
    assert {(far.recipient, far.kind) for far in found.furthest} <= furthest | {("", kind) for _, kind in furthest}
    assert all(one.at > found.asked_at for one in found.ahead)


@settings(max_examples=100)
@given(tellings(), st.data())
def test_a_trace_says_how_much_it_has_found(telling: Telling, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(telling.records), unique=True))
    found = traced(telling, sorted(kept, key=lambda one: one.offset))
    if telling.stored is None:
        assert not found.search.complete
        return
    life = unpack_life(telling.stored)
    assert found.search.heard == len(life.seen)
    assert found.search.found <= found.search.heard
    assert found.search.complete == (found.search.found == found.search.heard)
    assert {far.recipient: far.kind for far in found.furthest} == {who: far.kind for who, far in life.reached.items()}
    assert found.search.complete == ("--deep" not in found.search.says)


@settings(max_examples=60)
@given(tellings(), st.integers(0, 3))
def test_the_search_asks_further_as_long_as_facts_are_missing_and_stops_when_none_is(
    telling: Telling, hidden: int
) -> None:
    asked: list[Want] = []

    def find(want: Want, enough: Any) -> list[Found]:
        asked.append(want)
        shown = telling.records[hidden:] if want.topic == "feedback" else telling.records
        found = [one for one in shown if one.topic == want.topic and want.fits(one.key, one.value)]
        enough(found)
        return found

    found = search("m-1", telling.stored, POLICY, telling.now, CODEC, find)
    answer = traced(telling, found)
    if telling.stored is not None and unpack_life(telling.stored).reached:
        further = [want for want in asked if want.topic == "outcomes" and want.needle == KEY]
        assert bool(further) == (not answer.search.complete)
    assert {want.topic for want in asked} >= {"sends", "feedback", "dead-letters"}
    times = {time for want in asked for time in want.times}
    assert telling.stored is None or unpack_life(telling.stored).born_at in times


def steps(found: Trace) -> list[tuple[str, str]]:
    """Return the kind and the rule of each step."""
    return [(step.kind.value, step.because.name) for step in found.steps]


def test_a_mail_of_which_nothing_is_known_says_so() -> None:
    found = trace("m-404", None, [], POLICY, NOON, CODEC)
    assert (found.known, found.steps, found.search.complete) == (False, (), False)
    assert found.answer == "Nothing is known of it: it was never heard of, or it is forgotten."


def test_a_hard_bounce_after_a_delivery_says_what_overrides_what() -> None:
    found = traced(tell(["send", "delivery", "hard"], [0, 3_000, 2 * HOUR]))
    assert steps(found) == [("SENT", "sent"), ("SES_SAID", "heard"), ("SES_SAID", "heard")]
    delivered, bounced = (step.concluded[0] for step in found.steps[1:])
    assert not delivered.furthest
    assert delivered.follows == ("HARD_BOUNCED is further than DELIVERED: the mail stands at HARD_BOUNCED",)
    assert bounced.because.says == (
        "Permanent/General with status 5.1.1 (a bad address): SES gave up for good; AWS says to remove the address"
    )
    assert bounced.follows == ("every stream stops writing to them for good: HARD_BOUNCE",)
    assert found.answer == "Handed to SES 2026-09-21 14:13Z: HARD_BOUNCED for 1, nothing known of 2."
    assert found.steps[1].says == 'delivered; "250 OK"'
    assert [one.because.name for one in found.ahead] == ["forgotten"]


def test_a_soft_bounce_says_when_it_is_sent_again() -> None:
    found = traced(tell(["send", "soft"], [0, HOUR], 0))
    assert "sent again as attempt 2, due 2026-09-22" in found.steps[1].concluded[0].follows[1]
    assert [one.because.name for one in found.ahead] == ["retry", "forgotten"]
    over = traced(tell(["send", "soft", "delivery"], [0, HOUR, 1], 0))
    assert [one.because.name for one in over.ahead] == ["forgotten"]


def test_what_comes_before_its_send_says_that_it_waited() -> None:
    waits = traced(tell(["delivery"], [0], MINUTE))
    assert steps(waits) == [("SES_SAID", "parked")]
    assert waits.steps[0].concluded == ()
    assert [one.because.name for one in waits.ahead] == ["parked", "forgotten"]
    assert steps(traced(tell(["delivery", "send"], [0, MINUTE]))) == [("SENT", "sent"), ("SES_SAID", "parked-joined")]
    late = traced(tell(["delivery"], [0], HOUR))
    assert steps(late) == [("SES_SAID", "unmatched")]
    assert late.answer == "No Send of it is known: DELIVERED for 1."


def test_repeats_strangers_and_silence_say_why_nothing_came_of_them() -> None:
    told = tell(["send", "send", "delivery", "delivery", "a stranger by mail", "unknown", "sent event"], [1] * 7)
    assert sorted(rule for _, rule in steps(traced(told))) == [
        "by-mail-dropped",
        "duplicate",
        "heard",
        "says-nothing",
        "sent",
        "sent-again",
        "stand-in-needless",
    ]
    silent = traced(tell(["send"], [0], 4 * DAY))
    assert steps(silent) == [("SENT", "sent"), ("SILENCE", "silence")]
    soon = traced(tell(["send"], [0], HOUR))
    assert [one.because.name for one in soon.ahead] == ["silence", "forgotten"]


def test_what_is_kept_in_the_life_is_told_without_a_record() -> None:
    told = tell(["delivery", "by mail"], [0, 1], MINUTE)
    found = traced(told, [])
    assert steps(found) == [("SES_SAID", "parked")] * 2
    assert all(step.place is None for step in found.steps)
    sent = traced(tell(["send", "delivery"], [0, 1]), [])
    assert steps(sent) == [("SENT", "sent")]
    assert [(far.recipient, far.kind) for far in sent.furthest] == [(ANN, "DELIVERED")]
    assert sent.search.says.startswith("0 of 1 facts found; the others lie outside")
    assert steps(traced(tell(["sent event"], [0]), [])) == [("SENT", "stand-in")]


def test_an_event_that_is_gone_is_told_by_its_outcome() -> None:
    told = tell(["send", "delivery of two"], [0, 1])
    outcomes = [
        Found("outcomes", 0, n, NOON + 5, b"", CODEC.encode("mail.Outcome", one)) for n, one in enumerate(told.outcomes)
    ]
    found = traced(told, outcomes)
    assert steps(found) == [("SENT", "sent"), ("SES_SAID", "heard")]
    assert found.search.complete


def test_requests_retries_and_dead_letters_of_the_mail_are_steps_and_those_of_others_are_not() -> None:
    told = tell(["send", "soft"], [0, HOUR])

    def beside(role: str, name: str, **fields: Any) -> Found:
        return Found(role, 1, len(records), NOON, b"", CODEC.encode(name, fields))

    records = list(told.records)
    request = {"requested_at": NOON - 1_000, "from_address": "shop@example.net", "to": [ANN], "stream": "receipts"}
    request |= {"content": ("mail.Simple", {"subject": "s", "text": "t", "html": None})}
    retry = {"recipient": ANN, "attempt": 2, "due_at": NOON + DAY, "because": "SOFT_BOUNCED Transient/MailboxFull"}
    dead = {"topic": "ses.feedback", "partition": 0, "offset": 9, "stage": "BY_MESSAGE", "reason": "NOT_AVRO"}
    records.append(beside("send-requests", "mail.SendRequest", request_id="r-m-1", **request))
    records.append(beside("send-requests", "mail.SendRequest", request_id="r-m-12", **request))
    records.append(beside("retries", "mail.Retry", request_id="r-m-1", message_id="m-1", **retry))
    records.append(beside("retries", "mail.Retry", request_id="r-m-1", message_id="m-0", **{**retry, "attempt": 9}))
    records.append(beside("dead-letters", "mail.DeadLetter", key=None, value=b"m-1", detail="", at=NOON + 9, **dead))
    records.append(Found("feedback", 0, 99, NOON + 10, KEY, b"\x00torn m-1"))
    records.append(Found("feedback", 0, 9, NOON + 10, KEY, b"\x00torn m-1"))  # the one of the dead letter
    found = traced(told, records)
    assert steps(found) == [
        ("REQUESTED", "requested"),
        ("SENT", "sent"),
        ("DEAD_LETTER", "unusable"),
        ("DEAD_LETTER", "unusable"),
        ("SES_SAID", "heard"),
        ("RETRY_DUE", "retry-due"),
    ]
    assert "ses.feedback/0 at offset 9" in found.steps[2].says


def test_the_other_attempts_of_the_request_are_named() -> None:
    told = tell(["send", "soft"], [0, HOUR])
    again = {**told.outcomes[0], "message_id": "m-2", "attempt": 2}
    others = {**again, "message_id": "m-9", "request_id": "r-of-another"}
    found = traced(
        told,
        [
            *told.records,
            *(
                Found("outcomes", 0, n, NOON, b"", CODEC.encode("mail.Outcome", one))
                for n, one in enumerate((again, others))
            ),
        ],
    )
    assert found.others == ("m-2",)
    assert len(found.steps) == 2
