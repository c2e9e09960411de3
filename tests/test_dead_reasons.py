"""Every reason for which a record is set aside, from bytes to a letter: it gives that reason, and holds those bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from streams.dispatch.breaker import Breaker
from streams.dispatch.by_request import ByRequest
from streams.dispatch.gate import Globals
from streams.dispatch.pace import Pace
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.intake.files import read_files
from streams.intake.parts import MAX_EVENT_BYTES
from streams.intake.post import address, named
from streams.mail.deadletter import DeadReason
from streams.mail.policy import BreakerPolicy
from streams.pipeline import Chunk, Hop
from tests.builders import CODEC, NOON, POLICY, event, instruction, outcome, send

CORPUS = Path(__file__).parent / "corpus/ses"
EVENT = b"""{"eventType": "Delivery", "mail": {"messageId": "0102-1", "timestamp": "2026-09-21T14:13:20Z"},
 "delivery": {"timestamp": "2026-09-21T14:13:21Z", "recipients": ["ann@example.com"]}}"""


class Nowhere:
    """A road on which nothing leaves."""

    via = "API"


def nothing(keys: Sequence[bytes]) -> list[bytes | None]:
    return [None] * len(keys)


def by_message() -> Hop:
    return ByMessage(CODEC, POLICY.join)


def by_recipient() -> Hop:
    return ByRecipient(CODEC, POLICY)


def by_request() -> Hop:
    road: Any = Nowhere()
    tables = Globals(**dict.fromkeys(Globals._fields, nothing))
    return ByRequest(CODEC, POLICY, {}, road, Pace(None, 4), tables, Breaker(BreakerPolicy()))


def encoded(name: str, record: Any) -> bytes:
    return CODEC.encode(name, dict(record))


RETRY = {
    "request_id": "r",
    "recipient": "ann@example.com",
    "attempt": 2,
    "due_at": NOON,
    "because": "",
    "message_id": "m",
}
SEND = encoded("mail.Send", send())
FEEDBACK = encoded("mail.Feedback", event("BOUNCE", bounce_type="Permanent", bounce_subtype="General"))
HARD = encoded("mail.Outcome", outcome("HARD_BOUNCED"))
NOBODY_KNOWS = b"\0" + (987_654_321).to_bytes(4, "big")

OF_HOPS: list[tuple[Any, str, DeadReason, bytes | None]] = [
    (by_message, "sends", DeadReason.BAD_MAGIC, b"\xff\xfe\x00 hello"),
    (by_message, "feedback", DeadReason.BAD_MAGIC, EVENT),
    (by_message, "sends", DeadReason.BAD_MAGIC, b""),
    (by_message, "feedback", DeadReason.UNKNOWN_SCHEMA, NOBODY_KNOWS + FEEDBACK[5:]),
    (by_message, "sends", DeadReason.NOT_AVRO, SEND[:-1]),
    (by_message, "sends", DeadReason.NOT_AVRO, SEND + b"\0"),
    (by_message, "feedback", DeadReason.NOT_AVRO, FEEDBACK[:12]),
    (by_message, "sends", DeadReason.WRONG_TYPE, FEEDBACK),
    (by_message, "feedback", DeadReason.NO_VALUE, None),
    (by_message, "feedback", DeadReason.NO_MESSAGE_ID, encoded("mail.Feedback", event("DELIVERY", ""))),
    (by_message, "sends", DeadReason.BAD_TIME, encoded("mail.Send", send(sent_at=1 << 60))),
    (by_recipient, "outcomes", DeadReason.BAD_MAGIC, b"not an outcome"),
    (by_recipient, "outcomes", DeadReason.NOT_AVRO, HARD[:30]),
    (by_recipient, "outcomes", DeadReason.NO_VALUE, None),
    (by_recipient, "outcomes", DeadReason.BAD_TIME, encoded("mail.Outcome", outcome("HARD_BOUNCED", at=-1))),
    (
        by_recipient,
        "instructions",
        DeadReason.WRONG_TYPE,
        encoded("mail.Instruction", instruction("SUPPRESS", recipient="")),
    ),
    (by_request, "send-requests", DeadReason.BAD_MAGIC, b"{}"),
    (by_request, "retries", DeadReason.NO_KEY, encoded("mail.Retry", RETRY | {"request_id": ""})),
    (by_request, "retries", DeadReason.WRONG_TYPE, encoded("mail.Retry", RETRY | {"attempt": 0})),
    (by_request, "settlements", DeadReason.NO_VALUE, None),
]
LARGE = b'{"eventType": "Delivery", "mail": {"messageId": "' + b"x" * MAX_EVENT_BYTES + b'"}}'
OF_INTAKE: list[tuple[DeadReason, bytes, bytes]] = [
    (DeadReason.NOT_JSON, b'{"eventType": "Delivery", "mail": {"messageId": "0102-half', b""),
    (DeadReason.NOT_JSON, b'{"eventType": "\xff\xfe"}', b""),
    (DeadReason.NOT_AN_EVENT, b'{"temperature": 21.5}', b""),
    (DeadReason.NO_MESSAGE_ID, b'{"eventType": "Open", "mail": {}, "open": {}}', b""),
    (DeadReason.BAD_TIME, (CORPUS / "bad-time.json").read_bytes().strip(), b""),
    (DeadReason.WRONG_TYPE, b'{"mail.Send": {"message_id": 7}}', b""),
    (DeadReason.TOO_LARGE, LARGE, LARGE[:MAX_EVENT_BYTES]),
]
"""A reason, the bytes of a file, and what a letter holds of them: where that is empty, all."""
KEYS = [b"m-1", None, b"", b"\xff\x00 no text", b"k" * 70_000]


@pytest.mark.parametrize("key", KEYS, ids=["plain", "none", "empty", "binary", "long"])
@pytest.mark.parametrize(("make", "topic", "reason", "value"), OF_HOPS, ids=[f"{row[1]}-{row[2]}" for row in OF_HOPS])
def test_a_hop_sets_aside_the_very_bytes_with_their_place_and_the_reason(
    make: Any, topic: str, reason: DeadReason, value: bytes | None, key: bytes | None
) -> None:
    chunk = Chunk(topic=topic, partition=3, keys=[key], values=[value], offsets=[41])
    effects = make().work(chunk, nothing, NOON)
    assert set(effects.outputs) == {"dead-letters"}
    (written,) = effects.outputs["dead-letters"].values
    letter = CODEC.decode("mail.DeadLetter", written)
    assert (letter["reason"], letter["key"], letter["value"]) == (reason, key, value)
    assert (letter["topic"], letter["partition"], letter["offset"], letter["at"]) == (topic, 3, 41, NOON)
    assert not effects.writes


@pytest.mark.parametrize(("reason", "data", "kept"), OF_INTAKE, ids=[row[0] for row in OF_INTAKE])
def test_intake_sets_aside_the_very_bytes_with_their_line_and_the_reason(
    reason: DeadReason, data: bytes, kept: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "day.json"
    file.write_bytes(b"\n\n" + data)
    (item,) = read_files([file], at=NOON, records={"mail.Send"})
    post = address(named(item), CODEC)
    letter = CODEC.decode("mail.DeadLetter", post.value)
    assert (post.role, post.key) == ("dead-letters", None)
    assert (letter["stage"], letter["reason"], letter["value"]) == ("INTAKE", reason, kept or data)
    assert (letter["topic"], letter["offset"], letter["at"]) == (f"file:{file}", 3, NOON)


def test_every_reason_there_is_is_tried_here() -> None:
    tried = {reason for _, _, reason, _ in OF_HOPS} | {reason for reason, _, _ in OF_INTAKE}
    assert tried == set(DeadReason) - {DeadReason.UNKNOWN}  # what an older reader makes of a reason it does not know
