"""What a hop sets aside as a dead letter although its first fields can be read."""

from __future__ import annotations

from typing import Any

import pytest

from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.pipeline import Chunk, Hop
from tests.builders import CODEC, NOON, POLICY, Bench, event, outcome, send

HOPS: dict[str, tuple[Hop, str, dict[str, Any]]] = {
    "sends": (ByMessage(CODEC, POLICY.join), "mail.Send", send()),
    "feedback": (ByMessage(CODEC, POLICY.join), "mail.Feedback", event("DELIVERY")),
}


def dead(hop: Hop, topic: str, key: bytes | None, value: bytes) -> list[dict[str, Any]]:
    """Return the dead letters of one record, and see that nothing else came of it."""
    chunk = Chunk(topic=topic, partition=0, keys=[key], values=[value], offsets=[7])
    effects = hop.work(chunk, lambda keys: [None] * len(keys), NOON)
    assert set(effects.outputs) <= {"dead-letters"}
    assert not effects.writes
    return [CODEC.decode("mail.DeadLetter", v) for b in effects.outputs.values() for v in b.values if v is not None]


@pytest.mark.parametrize("topic", ["sends", "feedback"])
def test_a_record_that_is_cut_off_behind_what_a_hop_reads_is_set_aside_and_not_embedded(topic: str) -> None:
    hop, name, record = HOPS[topic]
    value = CODEC.encode(name, record)[:-1]
    assert [(d["reason"], d["value"]) for d in dead(hop, topic, b"m-1", value)] == [("NOT_AVRO", value)]


@pytest.mark.parametrize("compiled", [True, False])
def test_text_that_is_not_utf_8_far_behind_what_a_hop_reads_is_set_aside(compiled: bool) -> None:
    hop = ByMessage(CODEC, POLICY.join, compiled=compiled)
    said = event("OPEN", recipients=[], destination=["ann@example.com"])
    value = CODEC.encode("mail.Feedback", said).replace(b"ann@", b"ann\xa6")
    assert [(d["reason"], d["value"]) for d in dead(hop, "feedback", b"m-1", value)] == [("NOT_AVRO", value)]


def test_a_torn_delivery_to_somebody_with_marks_is_set_aside_and_its_neighbours_go_on() -> None:
    bench = Bench(ByRecipient(CODEC, POLICY))
    hard = CODEC.encode("mail.Outcome", dict(outcome("HARD_BOUNCED")))
    late = CODEC.encode("mail.Outcome", dict(outcome("DELIVERED", message_id="m-2")))
    next_one = CODEC.encode("mail.Outcome", dict(outcome("HARD_BOUNCED", recipient="ben@example.com")))
    bench.work("outcomes", [hard, late[:-4], next_one])
    assert [d["value"] for d in bench.read("dead-letters", "mail.DeadLetter")] == [late[:-4]]
    suppressed = [s["recipient"] for s in bench.read("suppressions", "mail.Suppression")]
    assert suppressed == ["ann@example.com", "ben@example.com"]


@pytest.mark.parametrize("compiled", [True, False])
def test_an_attempt_beyond_32_bits_is_set_aside_and_does_not_stop_the_outcome_of_others(compiled: bool) -> None:
    hop = ByMessage(CODEC, POLICY.join, compiled=compiled)
    value = CODEC.encode("mail.Send", send(attempt=1)).replace(b"receipts\x02", b"receipts\x80\x80\x80\x80\x20")
    assert [(d["reason"], d["value"]) for d in dead(hop, "sends", b"m-1", value)] == [("NOT_AVRO", value)]
