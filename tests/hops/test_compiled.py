"""The compiled short way and the way in Python: the same chunks lead to the same effects, whatever the bytes.

Two workbenches, one with the short way and one without, are given the same chunks, one after another; all that a hop
answers with is compared, and what is stored. The facts are few messages told often, so that lives of every shape meet
events of every shape; and bytes that are broken, at any place, are as they would be without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import SchemaUnsupported
from streams.hops import compiled
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.hops.outcome_reading import OutcomeReading
from streams.hops.reading import Reading
from streams.mail.standing import Standing
from streams.pipeline import Chunk, Effects
from streams.schemas.avsc import load_head
from streams.schemas.layout import plans_of
from streams.state.standings import pack_standing
from tests.builders import CODEC, HOUR, NOON, POLICY, Bench, bounce, event, outcome, send
from tests.conftest import Need

KERNEL: Any = compiled.kernel
PEOPLE = (
    "ann@example.com",
    "ben@example.org",
    "Cleo@Example.NET",
    "żuk@exämple.org",
    "odd",
    "d'ann+x@mail.example.com",
)
KINDS = ("DELIVERY", "OPEN", "CLICK", "REJECT", "DELIVERY_DELAY", "RENDERING_FAILURE", "SEND", "AUTO_REPLY", "UNKNOWN")


@pytest.fixture(autouse=True)
def _built(need: Need) -> None:
    need(compiled.kernel is not None, "the compiled short way is not built: `make setup` says why")


def benches() -> tuple[Bench, Bench]:
    """Return hop 1 with the short way, and without."""
    return tuple(Bench(ByMessage(CODEC, POLICY.join, compiled=short)) for short in (True, False))  # type: ignore[return-value]  # of two


def plain(effects: Effects) -> dict[str, Any]:
    """Return all of a hop's answer in a form that can be compared; how long it took is left out."""
    return {
        "outputs": {role: (batch.keys, batch.values) for role, batch in effects.outputs.items()},
        "writes": effects.writes,
        "wake": {due: sorted(keys) for due, keys in effects.wake},
        "counts": +effects.counts,
        "latencies": {domain: sorted(took) for domain, took in effects.latencies.items()},
        "set_aside": effects.set_aside,
    }


def both(ours: Bench, twin: Bench, topic: str, values: list[bytes | None], now: int) -> Effects:
    """Give both the same chunk, hold their answers against each other, and return the answer."""
    said, known = ours.work(topic, list(values), now), twin.work(topic, list(values), now)
    assert plain(said) == plain(known)
    return said


def some_events(chance: Random, message_id: str) -> list[dict[str, Any]]:
    """Return events about one mail, as they come."""
    to = chance.sample(PEOPLE, chance.choice((1, 1, 1, 2, 3)))
    at = NOON + chance.randrange(0, HOUR, 1000)
    when = {"occurred_at": chance.choice((at, at, NOON + 2_000, 0)), "feedback_id": f"f-{chance.randrange(6)}"}
    some = {"message_id": message_id, "occurred_at": at}
    return [
        event(chance.choice(KINDS), message_id, *to, **when),
        event("DELIVERY", message_id, *to, **when, reporting_mta="dsn; a8-50.example.com", smtp_response="250 ok"),
        bounce("Permanent", "General", chance.choice(("5.1.1", "5.7.1")), **some),
        bounce("Transient", chance.choice(("MailboxFull", "General", "MailReport")), "4.2.2", **some),
        bounce("Transient", "General", None, **some),
        bounce("Permanent", "OnAccountSuppressionList", None, **some),
        event("COMPLAINT", message_id, *to, **when, complaint_type=chance.choice(("abuse", "not-spam", None))),
        event("SUBSCRIPTION", message_id, *to, **when, reason=chance.choice(("unsubscribed-all", "link", "odd"))),
        event("OPEN", message_id, **when, recipients=[], destination=list(to)),
        event("DELIVERY", message_id, **when, recipients=[{"address": PEOPLE[0], "written": "Ann@Example.com"}]),
    ]


def some_send(chance: Random, message_id: str) -> dict[str, Any]:
    """Return a send, in one of a few forms."""
    return send(
        chance.choice((message_id, message_id, f"<{message_id}@email.amazonses.com>")),
        stream=chance.choice(("receipts", "news", "größe")),
        attempt=chance.choice((1, 2, 200)),
        request_id=chance.choice((None, "", "r-1")),
        recipients=list(chance.sample(PEOPLE, 2)),
        via=chance.choice(("API", "SMTP", "UPSTREAM")),
        tags={"a": "b" * chance.choice((1, 200))},
    )


def a_chunk(chance: Random) -> tuple[str, list[bytes | None]]:
    """Return a topic and a chunk of it; few messages, so that they meet."""
    ids = [f"m-{number}" for number in range(4)] + ["", "m@x"]
    picked = [chance.choice(ids) for _ in range(chance.randint(1, 12))]
    if chance.random() < 0.4:
        return "sends", [CODEC.encode("mail.Send", some_send(chance, one)) for one in picked]
    return "feedback", [CODEC.encode("mail.Feedback", chance.choice(some_events(chance, one))) for one in picked]


def broken(chance: Random, value: bytes) -> bytes | None:
    """Return a value of which a byte is another, something is missing or something follows."""
    place = chance.randrange(len(value))
    return chance.choice(
        (
            value[:place],
            value + b"\0",
            value[:place] + bytes((chance.randrange(256),)) + value[place + 1 :],
            value[:place] + b"\xff" * 9 + value[place:],
            b"",
            None,
        )
    )


@given(st.integers(min_value=0, max_value=2**32))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hop_1_answers_the_same_with_the_short_way_and_without(seed: int) -> None:
    chance = Random(seed)
    ours, twin = benches()
    for step in range(8):
        topic, values = a_chunk(chance)
        both(ours, twin, topic, values, NOON + step * 60_000)


@given(st.integers(min_value=0, max_value=2**32))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hop_1_takes_broken_bytes_the_same(seed: int) -> None:
    chance = Random(seed)
    ours, twin = benches()
    for step in range(6):
        topic, values = a_chunk(chance)
        damaged = [broken(chance, value) if value and chance.random() < 0.5 else value for value in values]
        both(ours, twin, topic, damaged, NOON + step * 60_000)


@given(st.integers(min_value=0, max_value=2**32))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hop_2_answers_the_same_with_the_short_way_and_without(seed: int) -> None:
    chance = Random(seed)
    first = benches()[1]
    ours, twin = (Bench(ByRecipient(CODEC, POLICY, compiled=short)) for short in (True, False))
    for step in range(6):
        now = NOON + step * 60_000
        outcomes = first.work(*a_chunk(chance), now).outputs.get("outcomes")
        values = list(outcomes.values) if outcomes else []
        values += [broken(chance, value) for value in values if value and chance.random() < 0.2]
        both(ours, twin, "outcomes", values, now)


def test_most_records_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def noted(name: str, way: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*said: Any) -> Any:
            read.append(name)
            return way(*said)

        return noting

    for reader, name in ((Reading, "send"), (Reading, "feedback"), (OutcomeReading, "read")):
        monkeypatch.setattr(reader, name, noted(name, getattr(reader, name)))
    one, two = Bench(ByMessage(CODEC, POLICY.join)), Bench(ByRecipient(CODEC, POLICY))
    one.work("sends", [CODEC.encode("mail.Send", send(f"m-{n}")) for n in range(100)])
    out = one.work("feedback", [CODEC.encode("mail.Feedback", event("DELIVERY", f"m-{n}")) for n in range(100)])
    heard = two.work("outcomes", out.outputs["outcomes"].values)
    assert read == ["feedback"]  # once, to ask what a delivery means
    assert list(heard.writes) == [b"ann@example.com"]


def test_a_layout_finds_each_field_where_it_starts() -> None:
    schema = load_head()["mail.Send"]
    layout = KERNEL.Layout(CODEC.header("mail.Send"), plans_of(schema, "via"))
    value = CODEC.encode("mail.Send", send(tags={"a": "b"}))
    starts = layout.starts(value)
    whole = CODEC.decode("mail.Send", value)
    for number, field in enumerate(schema["fields"]):
        other = {**whole, field["name"]: _other(whole[field["name"]])}
        changed = CODEC.encode("mail.Send", other)
        assert changed[: starts[number]] == value[: starts[number]]
        assert changed[starts[number] :] != value[starts[number] :]
    assert starts[-1] == len(value)


def _other(value: Any) -> Any:
    match value:
        case int():
            return value + 1
        case str():
            return {"API": "SMTP"}.get(value, value + "x")
        case None:
            return "x"
        case dict():
            return {**value, "more": "x"}
        case _:
            return [*value, "x"]


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 129, 255, 256, 257, 5000])
def test_its_digest_is_that_of_hashlib(size: int) -> None:
    said = Random(size).randbytes(size)
    assert KERNEL.digest_of(said) == hashlib.blake2b(said, digest_size=16).digest()


def test_an_address_that_ses_wrote_otherwise_is_kept_as_written_though_the_same_was_said_before() -> None:
    ours, twin = benches()
    both(ours, twin, "sends", [CODEC.encode("mail.Send", send(f"m-{n}")) for n in range(2)], NOON)
    said = [event("DELIVERY", "m-0"), event("DELIVERY", "m-1")]
    said[1]["recipients"][0]["written"] = "Ann@Example.com"
    both(ours, twin, "feedback", [CODEC.encode("mail.Feedback", one) for one in said], NOON)
    assert [out["written"] for out in ours.read("outcomes", "mail.Outcome")] == [None, "Ann@Example.com"]


def is_walked_over(text: bytes) -> bool:
    """Tell whether the walk takes these bytes for a text."""
    value = bytes(5) + bytes((2 * len(text),)) + text
    return KERNEL.Layout(bytes(5), [b"s"]).starts(value) is not None


def is_text(text: bytes) -> bool:
    """Tell whether Python takes these bytes for a text."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.one_of(st.binary(max_size=6), st.text(max_size=4).map(lambda text: text.encode("utf-8", "surrogatepass"))))
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_its_utf_8_is_that_of_python(text: bytes) -> None:
    assert is_walked_over(text) is is_text(text)


EDGES = "c080 c1bf c280 e09fbf e0a080 ed9fbf eda080 edbfbf ee8080 f08fbfbf f0908080 f48fbfbf f4908080 f5808080"


@pytest.mark.parametrize("edge", EDGES.split())
def test_its_utf_8_ends_where_python_says(edge: str) -> None:
    text = bytes.fromhex(edge)
    assert is_walked_over(text) is is_text(text)


def test_a_delivery_to_somebody_of_whom_something_was_said_asks_the_rules() -> None:
    stored = pack_standing(Standing(NOON, announced=b"\1said..."))
    value = CODEC.encode("mail.Outcome", dict(outcome("DELIVERED")))
    chunk = Chunk(topic="outcomes", partition=0, keys=[b"k"], values=[value], offsets=[0])
    said = [
        ByRecipient(CODEC, POLICY, compiled=short).work(chunk, lambda keys: [stored] * len(keys), NOON)
        for short in (True, False)
    ]
    assert plain(said[0]) == plain(said[1])
    assert said[0].outputs["suppressions"].values == [None]


def test_a_type_that_the_walk_does_not_speak_is_refused() -> None:
    schema = {"type": "record", "name": "X", "fields": [{"name": "x", "type": ["null", "string", "int"]}]}
    with pytest.raises(SchemaUnsupported):
        plans_of(schema, "x")


def test_without_it_there_is_only_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "kernel", None)
    assert compiled.short_join(CODEC, Reading(CODEC)) is None
    assert compiled.short_people(CODEC, OutcomeReading(CODEC)) is None
