"""A record that lies on another partition than its key's is published again under it, once, and worked on there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from streams.dispatch.breaker import Breaker
from streams.dispatch.by_request import ByRequest
from streams.dispatch.gate import Globals
from streams.dispatch.pace import Pace
from streams.emit.rekey import LARGEST
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.mail.policy import BreakerPolicy
from streams.partition import partitions
from streams.pipeline import Chunk, Effects, Hop
from tests.builders import CODEC, NOON, POLICY, event, instruction, outcome, send

COUNT = 24
MINUTE = 60_000


class Nowhere:
    """A road on which nothing leaves."""

    via = "API"


def nothing(keys: Sequence[bytes]) -> list[bytes | None]:
    """Remember nothing."""
    return [None] * len(keys)


def dispatch() -> Hop:
    """Return the hop of dispatch, which has nobody to ask."""
    tables = Globals(**dict.fromkeys(Globals._fields, nothing))
    road: Any = Nowhere()
    return ByRequest(CODEC, POLICY, {}, road, Pace(None, 4), tables, Breaker(BreakerPolicy()))


REQUEST = {
    "request_id": "r-1",
    "attempt": 1,
    "stream": "receipts",
    "requested_at": NOON,
    "from_address": "shop@example.net",
    "to": ["ann@example.com"],
    "content": ("mail.Simple", {"subject": "s", "text": "t", "html": None}),
}
RETRY = {
    "request_id": "r-1",
    "recipient": "ann@example.com",
    "attempt": 2,
    "due_at": NOON,
    "because": "General",
    "message_id": "m-1",
}
SETTLEMENT = {
    "request_id": "r-1",
    "kind": "ACCEPTED",
    "at": NOON,
    "attempt": 1,
    "recipient": "",
    "message_id": "m-1",
    "recipients": ["ann@example.com"],
}
INPUTS: dict[str, tuple[type[Hop] | Any, str, dict[str, Any], bytes]] = {
    "sends": (lambda: ByMessage(CODEC, POLICY.join), "mail.Send", send("<m-1@eu-west-1.amazonses.com>"), b"m-1"),
    "feedback": (
        lambda: ByMessage(CODEC, POLICY.join),
        "mail.Feedback",
        event("DELIVERY", "<m-1@email.amazonses.com>"),
        b"m-1",
    ),
    "outcomes": (
        lambda: ByRecipient(CODEC, POLICY),
        "mail.Outcome",
        dict(outcome("HARD_BOUNCED", recipient="Ann@EXAMPLE.com")),
        b"ann@example.com",
    ),
    "instructions": (
        lambda: ByRecipient(CODEC, POLICY),
        "mail.Instruction",
        instruction("SUPPRESS", recipient="Ann <Ann@EXAMPLE.com>", reason="MANUAL"),
        b"ann@example.com",
    ),
    "send-requests": (dispatch, "mail.SendRequest", REQUEST, b"r-1"),
    "retries": (dispatch, "mail.Retry", RETRY, b"r-1"),
    "settlements": (dispatch, "mail.Settlement", SETTLEMENT, b"r-1"),
}


def chunk(topic: str, partition: int, *records: tuple[bytes | None, bytes]) -> Chunk:
    """Return a chunk of a topic that has partitions."""
    return Chunk(
        topic=topic,
        partition=partition,
        keys=[key for key, _ in records],
        values=[value for _, value in records],
        offsets=range(len(records)),
        partitions=COUNT,
    )


def work(hop: Hop, given: Chunk, now: int = NOON) -> Effects:
    """Let a hop that remembers nothing work on a chunk."""
    return asked(hop, given, now)[0]


def asked(hop: Hop, given: Chunk, now: int = NOON) -> tuple[Effects, list[bytes]]:
    """Return what a hop wants done about a chunk, and the keys whose state it asked for: those it works on."""
    keys: list[bytes] = []

    def recall(wanted: Sequence[bytes]) -> list[bytes | None]:
        keys.extend(wanted)
        return [None] * len(wanted)

    return hop.work(given, recall, now), keys


def home_of(key: bytes) -> int:
    """Return the partition of a key."""
    return partitions([key], COUNT)[0]


@pytest.mark.parametrize("written", [b"m-1", None, b"", b"<M-1>", b"\xff\xfe", b"k" * 200_000])
@pytest.mark.parametrize("topic", INPUTS)
def test_what_lies_wrong_is_published_again_under_its_key_with_its_value_untouched_and_not_worked_on(
    topic: str, written: bytes | None
) -> None:
    make, name, record, key = INPUTS[topic]
    value = CODEC.encode(name, record)
    effects, worked_on = asked(make(), chunk(topic, (home_of(key) + 1) % COUNT, (written, value)))
    assert worked_on == []
    assert {role: (batch.keys, batch.values) for role, batch in effects.outputs.items()} == {topic: ([key], [value])}
    assert effects.counts["ses_rekeyed_total", topic] == 1
    assert not effects.writes
    assert not effects.errands
    assert set(effects.counts) == {("ses_records_total", topic), ("ses_rekeyed_total", topic)}


@pytest.mark.parametrize("written", [b"m-1", None, b"", b"<M-1>", b"\xff\xfe"])
@pytest.mark.parametrize("topic", INPUTS)
def test_what_lies_right_is_worked_on_whatever_its_producer_wrote_as_its_key(topic: str, written: bytes | None) -> None:
    make, name, record, key = INPUTS[topic]
    effects, worked_on = asked(make(), chunk(topic, home_of(key), (written, CODEC.encode(name, record))))
    assert topic not in effects.outputs
    assert "dead-letters" not in effects.outputs
    assert effects.counts["ses_rekeyed_total", topic] == 0
    assert worked_on == [key]


@pytest.mark.parametrize("topic", INPUTS)
def test_it_goes_round_once_what_was_published_again_lies_right(topic: str) -> None:
    make, name, record, key = INPUTS[topic]
    wrong = chunk(topic, (home_of(key) + 1) % COUNT, (None, CODEC.encode(name, record)))
    batch = work(make(), wrong).outputs[topic]
    again = [(key, value) for key, value in zip(batch.keys, batch.values, strict=True) if value is not None]
    effects, worked_on = asked(make(), chunk(topic, partitions(batch.keys, COUNT)[0], *again))
    assert worked_on == [key]
    assert topic not in effects.outputs


def test_neighbours_of_a_stray_are_worked_on_and_the_torn_among_them_keep_their_places() -> None:
    ids = [f"m-{number}" for number in range(200)]
    here = [one for one in ids if home_of(one.encode()) == 3]
    away = next(one for one in ids if home_of(one.encode()) != 3)
    values = [CODEC.encode("mail.Send", send(one)) for one in (here[0], away, here[1])]
    torn = values[0][:-1]
    effects = work(ByMessage(CODEC, POLICY.join), chunk("sends", 3, (b"", torn), *[(b"", v) for v in values]))
    assert sorted(effects.writes) == sorted([here[0].encode(), here[1].encode()])
    assert effects.outputs["sends"].values == [values[1]]
    [letter] = effects.outputs["dead-letters"].values
    assert letter is not None
    assert CODEC.decode("mail.DeadLetter", letter)["value"] == torn


def test_an_outcome_torn_behind_its_recipient_keeps_its_place_beside_a_stray() -> None:
    names = [f"a{number}@example.com" for number in range(200)]
    here = next(one for one in names if home_of(one.encode()) == 3)
    away = next(one for one in names if home_of(one.encode()) != 3)
    reply = {**outcome("AUTO_REPLIED", recipient=here), "send": send(), "feedback": None}
    torn = CODEC.encode("mail.Outcome", reply)[:-4]
    stray = CODEC.encode("mail.Outcome", dict(outcome("HARD_BOUNCED", recipient=away)))
    effects = work(ByRecipient(CODEC, POLICY), chunk("outcomes", 3, (b"", stray), (b"", torn)))
    [letter] = effects.outputs["dead-letters"].values
    assert letter is not None
    assert CODEC.decode("mail.DeadLetter", letter)["value"] == torn
    assert CODEC.decode("mail.DeadLetter", letter)["offset"] == 1
    assert effects.outputs["outcomes"].values == [stray]


def test_a_stray_that_its_topic_might_not_take_again_is_a_dead_letter_and_does_not_stop_the_worker() -> None:
    record = send("m-1", from_address="a" * LARGEST)
    value = CODEC.encode("mail.Send", record)
    effects = work(ByMessage(CODEC, POLICY.join), chunk("sends", (home_of(b"m-1") + 1) % COUNT, (None, value)))
    assert set(effects.outputs) == {"dead-letters"}
    [letter] = effects.outputs["dead-letters"].values
    assert letter is not None
    found = CODEC.decode("mail.DeadLetter", letter)
    assert (found["reason"], found["value"]) == ("TOO_LARGE", value)
    assert effects.counts["ses_rekeyed_total", "sends"] == 0


def test_the_log_says_so_once_a_minute_with_what_to_do_and_no_key(caplog: pytest.LogCaptureFixture) -> None:
    hop = ByMessage(CODEC, POLICY.join, {"sends": "ses.sends"})
    value = CODEC.encode("mail.Send", send("m-1"))
    wrong = chunk("sends", (home_of(b"m-1") + 1) % COUNT, (b"m-1", value), (b"m-1", value))
    with caplog.at_level(logging.WARNING):
        for after in (0, 1_000, MINUTE - 1, MINUTE, MINUTE + 1):
            work(hop, wrong, NOON + after)
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(" records", 1)[0] for line in said] == ["ses.sends: 2", "ses.sends: 6"]
    assert all("partitioner=murmur2_random" in line and "m-1" not in line for line in said)


def test_without_a_broker_nothing_lies_wrong() -> None:
    value = CODEC.encode("mail.Send", send("m-1"))
    given = Chunk(topic="sends", partition=0, keys=[None], values=[value], offsets=[0])
    assert work(ByMessage(CODEC, POLICY.join), given).writes
