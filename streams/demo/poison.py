"""Records that nobody can use, put among the good ones: each must end as a dead letter, and its neighbours go on.

Every row says what is broken and what must come of it; the letter must hold the record's own bytes. Where whole Avro
records are needed they come in as bytes, so that nothing here knows how they are written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from streams.demo.ledger import DueLetter

HEADER = 5
TAIL = 12
"""Cut this many bytes off the end of a feedback record: what hop 1 reads is whole, what it embeds is torn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A broken record: *topic* is a role, or `intake` for an item that never becomes a record; what is *due* for it."""

    name: str
    topic: str
    key: bytes | None
    value: bytes | None
    due: DueLetter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to break a good *value* of a topic, and the reason that its dead letter must give."""

    name: str
    topic: str
    reason: str
    breaks: Callable[[bytes], bytes | None]
    keyless: bool = False


def _unknown_schema(value: bytes) -> bytes:
    return b"\0" + (987_654_321).to_bytes(4, "big") + value[HEADER:]


RECIPES = (
    Recipe(name="no Avro at all", topic="feedback", reason="BAD_MAGIC", breaks=lambda _: b'{"eventType":"Delivery"}'),
    Recipe(name="no Avro among the sends", topic="sends", reason="BAD_MAGIC", breaks=lambda _: b"\xff\xfe\x00 hello"),
    Recipe(name="a schema that nobody knows", topic="feedback", reason="UNKNOWN_SCHEMA", breaks=_unknown_schema),
    Recipe(name="a schema unknown to sends", topic="sends", reason="UNKNOWN_SCHEMA", breaks=_unknown_schema),
    Recipe(name="cut off early", topic="feedback", reason="NOT_AVRO", breaks=lambda value: value[: HEADER + 9]),
    Recipe(name="cut off late", topic="feedback", reason="NOT_AVRO", breaks=lambda value: value[:-TAIL]),
    Recipe(name="a send cut off", topic="sends", reason="NOT_AVRO", breaks=lambda value: value[: HEADER + 20]),
    Recipe(name="no value", topic="feedback", reason="NO_VALUE", breaks=lambda _: None),
    Recipe(name="no value among the sends", topic="sends", reason="NO_VALUE", breaks=lambda _: None),
    Recipe(name="neither key nor value", topic="feedback", reason="NO_VALUE", breaks=lambda _: None, keyless=True),
    Recipe(name="no Avro among the outcomes", topic="outcomes", reason="BAD_MAGIC", breaks=lambda _: b"not an outcome"),
)
"""Broken records, by what is wrong with them."""

STAGES = {"sends": "BY_MESSAGE", "feedback": "BY_MESSAGE", "outcomes": "BY_RECIPIENT", "intake": "INTAKE"}

ITEMS = (
    ("half a JSON text", "NOT_JSON", '{"eventType": "Delivery", "mail": {"messageId": "0102-half'),
    ("JSON of somebody else", "NOT_AN_EVENT", '{"temperature": 21.5, "sensor": "hall"}'),
    (
        "an event without a message id",
        "NO_MESSAGE_ID",
        '{"eventType": "Open", "mail": {"destination": []}, "open": {}}',
    ),
    (
        "an event of no time",
        "BAD_TIME",
        '{"eventType": "Open", "mail": {"messageId": "0102-odd-000000"}, "open": {"timestamp": "soon"}}',
    ),
)
"""Broken items, as text: intake's own dead letters."""


def broken_records(samples: dict[str, bytes]) -> list[Broken]:
    """Return one broken record for each recipe; *samples* holds a good value for each topic that has one."""
    return [_record(number, recipe, samples) for number, recipe in enumerate(RECIPES)]


def _record(number: int, recipe: Recipe, samples: dict[str, bytes]) -> Broken:
    value = recipe.breaks(samples.get(recipe.topic, b""))
    return Broken(
        name=recipe.name,
        topic=recipe.topic,
        key=None if recipe.keyless else f"broken-{number}".encode(),
        value=value,
        due=DueLetter(STAGES[recipe.topic], recipe.reason, value),
    )


def broken_items() -> list[Broken]:
    """Return one broken item for each row of ITEMS."""
    return [
        Broken(name=name, topic="intake", key=None, value=text.encode(), due=DueLetter("INTAKE", reason, text.encode()))
        for name, reason, text in ITEMS
    ]
