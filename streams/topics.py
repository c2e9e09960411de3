"""Every topic as data: its key, its value, who writes it, and how the broker keeps it. The plan, not the doing.

DESIGN section 2 in code. Topics are created up front (`ses-streams topics create`) and never by accident: a topic that
a broker makes by itself has the wrong partitions, and then a key's records and its state lie on different workers.
Nothing here talks to a broker (emit/admin.py does) or knows settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

_DAY = 86_400_000
_SAFE_REPLICATION = 3
_DERIVED_MAX_BYTES = 4 * 1024 * 1024
"""An outcome holds a send and a feedback, a life several feedbacks, a dead letter whatever came: room for all of it."""


class Cleanup(StrEnum):
    """How the broker makes room; the names are Kafka's own."""

    DELETE = "delete"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic. *days* of retention; None where compaction keeps the last value of each key for good."""

    role: str
    key: str
    value: str
    written_by: str
    days: int | None
    about: str

    @property
    def cleanup(self) -> Cleanup:
        """How the broker makes room."""
        return Cleanup.COMPACT if self.days is None else Cleanup.DELETE


_TABLE = (
    TopicSpec("send-requests", "request id", "mail.SendRequest", "upstream", 7, "Mails that somebody wants sent."),
    TopicSpec("sends", "message id", "mail.Send", "dispatch, or upstream", 14, "Mails that SES accepted."),
    TopicSpec("feedback", "message id", "mail.Feedback", "intake, or upstream", 14, "What SES says became of them."),
    TopicSpec("outcomes", "recipient", "mail.Outcome", "hop 1, dispatch", 30, "What became of it for one recipient."),
    TopicSpec("suppressions", "recipient", "mail.Suppression", "hop 2, operators", None, "Whom we must not write to."),
    TopicSpec("retries", "request id", "mail.Retry", "hop 2", 7, "Mails that may be sent again, and when."),
    TopicSpec("loops", "recipient", "mail.LoopFlag", "hop 2", None, "Whose machine and ours answer each other."),
    TopicSpec(
        "settlements", "request id", "mail.Settlement", "hop 1, dispatch", 7, "What SES's events say of a request."
    ),
    TopicSpec("waiting", "recipient", "mail.Waiting", "hop 2", None, "What waits to be sent to somebody again."),
    TopicSpec("instructions", "recipient", "mail.Instruction", "operators", 365, "What operators decided, and why."),
    TopicSpec("pauses", "stream", "mail.Pause", "dispatch, operators", None, "Streams that send nothing for now."),
    TopicSpec("dead-letters", "as received", "mail.DeadLetter", "any stage", 30, "Records that could not be used."),
)
NULL_MEANS: Mapping[str, str] = {
    "suppressions": "released",
    "loops": "cleared",
    "waiting": "nothing waits",
    "pauses": "goes on",
}
"""What a record without a value says, where it may be without one."""
_MADE_OF_OTHERS = frozenset({"outcomes", "dead-letters"})

ROLES: Mapping[str, TopicSpec] = {spec.role: spec for spec in _TABLE}

TABLES: Mapping[str, str] = {
    "lives": "message id",
    "standings": "recipient",
    "requests": "request id",
}
"""Tables that have a changelog, and what each is keyed by."""


def topic_name(prefix: str, role: str) -> str:
    """Return the topic's name: `ses.` and `sends` make `ses.sends`."""
    return prefix + ROLES[role].role


def changelog_name(group: str, table: str) -> str:
    """Return the name of a table's changelog: `ses-streams-lives-changelog`."""
    return f"{group}-{table}-changelog"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPlan:
    """One topic as it should be; *config* in Kafka's own words."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """One topic as a broker describes it; *config* holds what the broker reports, which may be little."""

    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)


def plan(*, prefix: str, partitions: int, replication: int, group: str) -> list[TopicPlan]:
    """Return every topic that ses-streams needs, changelogs last."""
    topics = [(topic_name(prefix, role), _config(spec)) for role, spec in ROLES.items()]
    changelogs = [(changelog_name(group, table), _compacted() | _roomy()) for table in TABLES]
    return [
        TopicPlan(
            name=name,
            partitions=partitions,
            replication=replication,
            config=config | _durable(replication),
        )
        for name, config in topics + changelogs
    ]


def _config(spec: TopicSpec) -> dict[str, str]:
    """Return the broker's words for one topic."""
    kept = _compacted() if spec.days is None else _deleted(spec.days)
    return kept | (_roomy() if spec.role in _MADE_OF_OTHERS else {})


def _deleted(days: int) -> dict[str, str]:
    """Keep records for *days* after they came.

    By arrival, not by the producer's time: last year's events, ingested today, would otherwise be deleted at once.
    """
    return {
        "cleanup.policy": Cleanup.DELETE.value,
        "retention.ms": str(days * _DAY),
        "message.timestamp.type": "LogAppendTime",
    }


def _compacted() -> dict[str, str]:
    """Keep the last value of each key.

    A tombstone stays 7 days, longer than any reader should be away; what it erases is gone from disk within about one.
    """
    return {
        "cleanup.policy": Cleanup.COMPACT.value,
        "min.cleanable.dirty.ratio": "0.2",
        "delete.retention.ms": str(7 * _DAY),
        "max.compaction.lag.ms": str(_DAY),
    }


def _roomy() -> dict[str, str]:
    """Let a record be larger than what it is made from, or a record at the limit could not even be a dead letter."""
    return {"max.message.bytes": str(_DERIVED_MAX_BYTES)}


def _durable(replication: int) -> dict[str, str]:
    """Let acks=all mean two copies where there are three, so that one broker may be down or lost, but not both."""
    return {"min.insync.replicas": "2" if replication >= _SAFE_REPLICATION else "1"}


class Fault(StrEnum):
    """How a topic can differ from the plan."""

    MISSING = "missing"
    PARTITIONS = "partitions"
    REPLICATION = "replication"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about one topic that is not as planned, and what to do about it."""

    topic: str
    fault: Fault
    planned: str
    found: str
    fix: str


def difference(planned: Sequence[TopicPlan], existing: Mapping[str, TopicState]) -> list[Difference]:
    """Return what differs, in the order of the plan. A config that the broker does not report is no difference."""
    return [found for topic in planned for found in _differs(topic, existing.get(topic.name))]


def _differs(want: TopicPlan, have: TopicState | None) -> Iterator[Difference]:
    if have is None:
        yield Difference(want.name, Fault.MISSING, "a topic", "none", "ses-streams topics create")
        return
    if have.partitions != want.partitions:
        fix = f"set SES_STREAMS_PARTITIONS={have.partitions}, or start afresh with another topic prefix and group"
        yield Difference(want.name, Fault.PARTITIONS, _parts(want), _parts(have), fix)
    if have.replication < want.replication:
        fix = f"kafka-reassign-partitions.sh, or set SES_STREAMS_REPLICATION={have.replication}"
        yield Difference(want.name, Fault.REPLICATION, _copies(want), _copies(have), fix)
    for name, value in want.config.items():
        found = have.config.get(name, value)
        if found != value:
            fix = f"kafka-configs.sh --alter --entity-type topics --entity-name {want.name} --add-config {name}={value}"
            yield Difference(want.name, Fault.CONFIG, f"{name}={value}", f"{name}={found}", fix)


def _parts(topic: TopicPlan | TopicState) -> str:
    return f"partitions={topic.partitions}"


def _copies(topic: TopicPlan | TopicState) -> str:
    return f"replication={topic.replication}"
