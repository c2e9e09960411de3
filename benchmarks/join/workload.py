"""The workload of the race: sends, and 1.2 events of SES for each, as upstream services would publish them.

Records are mail.Send and mail.Feedback of about 300 bytes in the Confluent wire format, keyed by message id and placed
by murmur2. Classes are mixed as in the demo's mail day: most mails are delivered, some bounce, few draw a complaint, a
fifth is heard of twice (opened, clicked, delayed before). The same arguments make the same records; event time goes on
by a millisecond a mail, and each event comes 0.2 to 60 s after its send, so both topics are in order of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Any

from confluent_kafka import Producer

from streams.partition import partitions
from streams.schemas.codec import Codec, load_codec

PARTITIONS = 4
BEGAN = 1_790_000_000_000
EVENTS_A_SEND = 1.2
TWO_RECIPIENTS = 0.05
STREAMS = ("newsletter", "receipts", "alerts", "invoices", "password-reset", "digest")
DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "web.example.de", "corp.example.com")
SOONEST_MS, LATEST_MS = 200, 60_000
SLICE = 5_000
PATIENCE_S = 120.0
Saw = Callable[[str, dict[str, Any]], None]

FIRST = (
    ("DELIVERY", None, None, 93.5),
    ("BOUNCE", "Permanent", "General", 2.5),
    ("BOUNCE", "Transient", "MailboxFull", 1.5),
    ("BOUNCE", "Transient", "General", 1.0),
    ("DELIVERY_DELAY", None, None, 1.0),
    ("COMPLAINT", "abuse", None, 0.4),
    ("REJECT", None, None, 0.1),
)
"""What is heard of a mail first: (kind, type, sub-type, per cent)."""
SECOND = (("OPEN", None, None, 80.0), ("CLICK", None, None, 18.0), ("COMPLAINT", "abuse", None, 2.0))
"""What is heard of a fifth of the mails besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How many mails there are, and all that follows from it.

    *events* is what every contestant has to read: sends and feedback; *outcomes* is what must come out.
    """

    messages: int
    seed: int = 7

    @property
    def feedbacks(self) -> int:
        """Return how many events of SES there are."""
        return self.messages + self.messages // 5

    @property
    def events(self) -> int:
        """Return how many records there are to read."""
        return self.messages + self.feedbacks

    def records(self) -> Iterator[tuple[str, int, dict[str, Any]]]:
        """Yield (topic's role, event time in ms, record) in order of time."""
        chance = Random(self.seed)  # noqa: S311 - chance that must repeat, not secrets
        waiting: list[tuple[int, int, dict[str, Any]]] = []
        order = 0
        for number in range(self.messages):
            at = BEGAN + number
            while waiting and waiting[0][0] <= at:
                due, _, event = heappop(waiting)
                yield "feedback", due, event
            send = _send(number, at, chance)
            yield "sends", at, send
            for classes in (FIRST, SECOND) if number % 5 == 0 else (FIRST,):
                event = _feedback(send, at + chance.randint(SOONEST_MS, LATEST_MS), classes, chance)
                order += 1
                heappush(waiting, (event["occurred_at"], order, event))
        while waiting:
            due, _, event = heappop(waiting)
            yield "feedback", due, event

    def load(self, brokers: str, topics: dict[str, str], saw: Saw | None = None) -> dict[str, float]:
        """Write all records into the topics that *topics* names by role; return each role's bytes a record.

        *saw* is shown each record by its role, for whoever has to know what must come of them.
        """
        codec = load_codec()
        producer = Producer(
            {"bootstrap.servers": brokers, "linger.ms": 50, "batch.size": 500_000, "compression.type": "zstd"}
        )
        sizes, counts = dict.fromkeys(topics, 0), dict.fromkeys(topics, 0)
        for role, at, value in self._encoded(codec, saw):
            key = value[0]
            sizes[role] += len(value[1])
            counts[role] += 1
            _produce(producer, topics[role], key, value[1], value[2], at)
        if producer.flush(PATIENCE_S):
            raise TimeoutError("the brokers did not take the workload")
        return {role: sizes[role] / counts[role] for role in topics}

    def _encoded(self, codec: Codec, saw: Saw | None) -> Iterator[tuple[str, int, tuple[bytes, bytes, int]]]:
        rows: list[tuple[str, int, bytes, bytes]] = []
        for role, at, record in self.records():
            if saw is not None:
                saw(role, record)
            name = "mail.Send" if role == "sends" else "mail.Feedback"
            rows.append((role, at, record["message_id"].encode(), codec.encode(name, record)))
            if len(rows) == SLICE:
                yield from _placed(rows)
                rows = []
        yield from _placed(rows)


def _placed(rows: list[tuple[str, int, bytes, bytes]]) -> Iterator[tuple[str, int, tuple[bytes, bytes, int]]]:
    places = partitions([key for _, _, key, _ in rows], PARTITIONS)
    for (role, at, key, value), partition in zip(rows, places, strict=True):
        yield role, at, (key, value, partition)


def _produce(producer: Producer, topic: str, key: bytes, value: bytes, partition: int, at: int) -> None:  # noqa: PLR0913,PLR0917 - what a record is
    while True:
        try:
            producer.produce(topic, key=key, value=value, partition=partition, timestamp=at)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _send(number: int, at: int, chance: Random) -> dict[str, Any]:
    mark = f"{chance.getrandbits(128):032x}"
    stream = chance.choice(STREAMS)
    domain = chance.choices(DOMAINS, (40, 20, 12, 8, 10, 10))[0]
    count = 2 if chance.random() < TWO_RECIPIENTS else 1
    return {
        "sent_at": at,
        "message_id": f"0102{at:012x}-{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:]}-000000",
        "stream": stream,
        "attempt": 1,
        "request_id": f"{stream}-{chance.getrandbits(64):016x}",
        "recipients": [f"somebody.{chance.randrange(20_000_000)}@{domain}" for _ in range(count)],
        "from_address": f"{stream}@mail.shop.example.com",
        "configuration_set": "transactional",
        "in_reply_to": None,
        "via": "UPSTREAM",
        "tags": {"template": f"{stream}-v{chance.randint(1, 4)}", "tenant": f"t{number % 1000}"},
    }


def _feedback(send: dict[str, Any], at: int, classes: Any, chance: Random) -> dict[str, Any]:
    kind, type_, subtype, _ = chance.choices(classes, [row[3] for row in classes])[0]
    bounced, delayed = kind == "BOUNCE", kind == "DELIVERY_DELAY"
    status = "5.1.1" if type_ == "Permanent" else "4.2.2" if bounced else "4.4.1" if delayed else None
    told = f"smtp; {status.replace('.', '')} {status} not now or never" if status else None
    mark = f"{chance.getrandbits(128):032x}"
    return {
        "kind": kind,
        "occurred_at": at,
        "feedback_id": f"0102{at:012x}-{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:]}-000000",
        "message_id": send["message_id"],
        "recipients": [
            {"address": address, "status": status, "action": "failed" if bounced else None, "diagnostic": told}
            for address in send["recipients"]
        ],
        "bounce_type": type_ if bounced else None,
        "bounce_subtype": subtype,
        "complaint_type": type_ if kind == "COMPLAINT" else None,
        "delay_type": "MailboxFull" if delayed else None,
        "reason": "Bad content" if kind == "REJECT" else None,
        "reporting_mta": "dsn; a8-50.smtp-out.amazonses.com" if bounced or kind == "DELIVERY" else None,
        "source": send["from_address"],
        "destination": send["recipients"],
        "sent_at": send["sent_at"],
        "smtp_response": "250 2.0.0 OK 1790000000 d9443c01a7336-2a1si gsmtp" if kind == "DELIVERY" else None,
        "processing_ms": at - send["sent_at"] if kind == "DELIVERY" else None,
    }
