"""What can be wrong with a topic that somebody else writes to: a table, with what becomes of it and how it is mended.

Order is that of the report: what is lost, what is read wrongly, what costs, what is only worth knowing. Words are made
to follow a number of records. Which record has which fault is judged in kit_judging; nothing here looks at one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from streams.dispatch.gate import MOST_RECIPIENTS
from streams.observe.labels import FIRST_STREAMS


class Harm(StrEnum):
    """What becomes of a record with a fault."""

    LOST = "lost"
    """A dead letter: kept, and not used."""
    WRONG = "wrong"
    """It is used, and what comes of it is not what was meant."""
    COSTS = "costs"
    """ses-streams mends it, at a price."""
    NOTE = "note"
    """It does no harm."""


class Rule(NamedTuple):
    """One thing that can be wrong: *words* follow "12 records "; *fix* says what to do."""

    name: str
    harm: Harm
    words: str
    fix: str


_PAGE = "docs/producing.md"

RULES: tuple[Rule, ...] = (
    Rule(
        "NO_VALUE",
        Harm.LOST,
        "with a null value, which says nothing on this topic",
        "publish a value: nothing is taken back here by its key",
    ),
    Rule(
        "NO_MAGIC",
        Harm.LOST,
        "whose value does not begin with a zero byte and a schema id",
        "put Confluent's five bytes before the Avro body (0, then the id, big-endian); JSON is not read",
    ),
    Rule(
        "UNKNOWN_SCHEMA",
        Harm.LOST,
        "under a schema id that neither lock.json nor the registry knows",
        "take the id of schemas/lock.json, or set SES_STREAMS_SCHEMA_REGISTRY__URL to the registry that gave it out",
    ),
    Rule(
        "OTHER_SCHEMA",
        Harm.LOST,
        "of a schema that cannot be read as this topic's",
        "publish this topic's record (schemas/README.md); another record belongs on another topic",
    ),
    Rule(
        "NOT_AVRO",
        Harm.LOST,
        "whose bytes are torn: not what their schema id says",
        "encode with the schema of that id, field by field in its order, and hold your bytes against golden.json",
    ),
    Rule(
        "NO_ID",
        Harm.LOST,
        "without an id in the value",
        "fill in message_id (request_id in a SendRequest): all else may be missing",
    ),
    Rule(
        "BAD_TIME",
        Harm.LOST,
        "with a time that is not between 1970 and 9999 in milliseconds",
        "times are milliseconds since 1970, UTC; microseconds and nanoseconds look like this",
    ),
    Rule(
        "COMPACTED",
        Harm.LOST,
        "the topic is compacted: of all records under one key the broker keeps the last",
        "set cleanup.policy=delete: `ses-streams topics check` has the command",
    ),
    Rule(
        "TIME_IN_SECONDS",
        Harm.WRONG,
        "with a time that must be in seconds: as milliseconds it is before 1973",
        "multiply by 1000: a request's expires_at in seconds has been over for decades",
    ),
    Rule(
        "TIME_IN_FUTURE",
        Harm.WRONG,
        "that happened more than an hour from now",
        "set the clock, or take the time in UTC and not in local time",
    ),
    Rule(
        "FOREIGN_MESSAGE_ID",
        Harm.WRONG,
        "with a message id that SES never gives out: no event will ever meet it",
        "take the MessageId that SES returned, not the Message-ID header of your mail",
    ),
    Rule(
        "NO_RECIPIENTS",
        Harm.WRONG,
        "without recipients",
        "name every To, Cc and Bcc address: nothing can be said of nobody",
    ),
    Rule(
        "MANY_RECIPIENTS",
        Harm.WRONG,
        f"with more than {MOST_RECIPIENTS} recipients, which is more than SES takes",
        f"split the mail: {MOST_RECIPIENTS} recipients at most, To, Cc and Bcc together",
    ),
    Rule(
        "MANY_STREAMS",
        Harm.WRONG,
        f"bear names of streams, of which there are more than {FIRST_STREAMS}",
        "a stream is a kind of mail, such as receipts: put campaigns, customers and numbers into tags",
    ),
    Rule(
        "NO_KEY",
        Harm.COSTS,
        "without a key",
        "key by message_id (by request_id on send-requests), as UTF-8 text",
    ),
    Rule(
        "OTHER_KEY",
        Harm.COSTS,
        "under a key that is not the value's own id",
        "key by message_id (by request_id on send-requests), as UTF-8 text without quotes or a prefix",
    ),
    Rule(
        "KEY_WRITTEN_OTHERWISE",
        Harm.COSTS,
        "under the right id, written otherwise than in normal form",
        "key by the bare id, without <> and without @...amazonses.com, in the case in which it came",
    ),
    Rule(
        "WRONG_PARTITION",
        Harm.COSTS,
        "on another partition than their key's: each is written and read twice",
        "partition by murmur2, as Java does: librdkafka wants partitioner=murmur2_random; others stand in " + _PAGE,
    ),
    Rule(
        "CREATE_TIME",
        Harm.COSTS,
        "the topic keeps its producers' times: records about old events are deleted at once",
        "set message.timestamp.type=LogAppendTime: `ses-streams topics check` has the command",
    ),
    Rule(
        "UNCOMPRESSED",
        Harm.COSTS,
        "the topic is large, and its records travel and lie uncompressed",
        "set compression.type of the producer to lz4 or zstd",
    ),
    Rule(
        "ID_WRITTEN_OTHERWISE",
        Harm.NOTE,
        "whose message id has <> or @...amazonses.com, which is taken off",
        "nothing must be done; SES's API returns the bare id",
    ),
    Rule(
        "ADDRESS_WRITTEN_OTHERWISE",
        Harm.NOTE,
        "with an address that is not in normal form, into which it is brought",
        "nothing must be done; lower case and without a display name is what it becomes",
    ),
    Rule(
        "HEADERS",
        Harm.NOTE,
        "with headers, which are ignored and not kept",
        "nothing must be done; what should last belongs into tags",
    ),
)

CONFIGS: Mapping[tuple[str, str], str] = {
    ("message.timestamp.type", "CreateTime"): "CREATE_TIME",
    ("cleanup.policy", "compact"): "COMPACTED",
    ("cleanup.policy", "compact,delete"): "COMPACTED",
    ("cleanup.policy", "delete,compact"): "COMPACTED",
    ("compression.type", "uncompressed"): "UNCOMPRESSED",
}
"""What of a topic's configuration is a finding by itself."""


class Found(NamedTuple):
    """A rule that a topic breaks: by how many records, the first (partition, offset), and what more can be said.

    It is by none where it is the topic itself that breaks it.
    """

    rule: Rule
    records: int
    first: tuple[int, int] | None = None
    detail: str = ""
