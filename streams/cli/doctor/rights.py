"""Rights: what this user may do with each topic, with the group and in the cluster, by the brokers' own word.

Nothing is tried: the brokers are asked for the operations that they would allow. Which are needed is a table here,
held against the topology by a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.topics import TABLES, changelog_name, topic_name

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

FORBIDDEN = Rule(
    "TOPIC_FORBIDDEN",
    Level.WRONG,
    "this user may not {operation} {topics}",
    "kafka-acls.sh --add --allow-principal User:{user} --operation {operation} --topic {first}",
)
GROUP = Rule(
    "GROUP_FORBIDDEN",
    Level.WRONG,
    "this user may not {operation} the group {group}",
    "kafka-acls.sh --add --allow-principal User:{user} --operation {operation} --group {group}",
)
UNSAID = Rule(
    "RIGHTS_NOT_SAID",
    Level.UNKNOWN,
    "the brokers do not say what this user may do ({why})",
    "nothing must be done; a worker that lacks a right stops, and names it",
)
OPEN = Rule("RIGHTS_FINE", Level.OK, "this user may read and write all that a worker needs: {count} topics, the group")
RULES = (FORBIDDEN, GROUP, UNSAID, OPEN)

READS = ("sends", "feedback", "outcomes", "instructions")
SENDER_READS = ("send-requests", "settlements", "retries")
SENDER_FOLLOWS = ("suppressions", "loops", "waiting", "pauses")
"""What dispatch has a copy of."""
WRITES = (
    "sends",
    "feedback",
    "outcomes",
    "instructions",
    "suppressions",
    "retries",
    "loops",
    "waiting",
    "settlements",
    "dead-letters",
)
SENDER_WRITES = ("send-requests", "pauses")
_GROUP_NEEDS = frozenset({"READ", "DESCRIBE"})
_SHOWN = 4


class Allowed(NamedTuple):
    """What the brokers allow, by topic, and for the group; None where they do not say."""

    topics: Mapping[str, frozenset[str] | None]
    group: frozenset[str] | None
    why: str = ""


def needed(*, prefix: str, group: str, sends: bool) -> dict[str, frozenset[str]]:
    """Return what a worker must be allowed, by topic."""
    reads = READS + (SENDER_READS + SENDER_FOLLOWS if sends else ())
    writes = WRITES + (SENDER_WRITES if sends else ())
    wanted: dict[str, set[str]] = {}
    for roles, operation in ((reads, "READ"), (writes, "WRITE")):
        for role in roles:
            wanted.setdefault(topic_name(prefix, role), set()).add(operation)
    for table in TABLES:
        if table != "requests" or sends:
            wanted[changelog_name(group, table)] = {"READ", "WRITE"}
    return {topic: frozenset(operations) for topic, operations in wanted.items()}


def look(world: World) -> list[Finding]:
    """Ask the brokers what they allow."""
    settings = world.settings
    wanted = needed(prefix=settings.topic_prefix, group=settings.group, sends=settings.dispatch.enabled)
    user = settings.security.sasl_username or "ANONYMOUS"
    return list(judge(wanted, _allowed(world, list(wanted)), settings.group, user))


def judge(wanted: Mapping[str, frozenset[str]], allowed: Allowed, group: str, user: str) -> Iterator[Finding]:
    """Yield what is not allowed, or that all is; a topic that the brokers do not know is no business of this check."""
    known = {topic: may for topic, may in allowed.topics.items() if may is not None}
    lacking: dict[str, list[str]] = {}
    for topic, may in known.items():
        for operation in sorted(wanted[topic] - may):
            lacking.setdefault(operation.title(), []).append(topic)
    for operation, topics in sorted(lacking.items()):
        yield FORBIDDEN.found(operation=operation, topics=_named(topics), first=topics[0], user=user)
    of_group = sorted(_GROUP_NEEDS - allowed.group) if allowed.group is not None else []
    for operation in of_group:
        yield GROUP.found(operation=operation.title(), group=group, user=user)
    if allowed.why or (allowed.topics and not known):
        yield UNSAID.found(why=allowed.why or "they are older, or keep no such list")
    elif not lacking and not of_group:
        yield OPEN.found(count=len(known))


def _named(topics: Sequence[str]) -> str:
    more = len(topics) - _SHOWN
    return ", ".join(topics[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _allowed(world: World, names: Sequence[str]) -> Allowed:
    """Return what the brokers allow; what they will not say is a reason, no failure."""
    from confluent_kafka import KafkaException, TopicCollection

    from streams.cli.doctor.asking import answer, asking
    from streams.emit.publish import told

    with asking(world) as admin:
        asked = admin.describe_topics(
            TopicCollection(list(names)), include_authorized_operations=True, request_timeout=world.patience_s
        )
        topics: dict[str, frozenset[str] | None] = {}
        why = ""
        for name, said in asked.items():
            try:
                topics[name] = _words(answer(said, world).authorized_operations)
            except KafkaException as error:
                code = error.args[0].name()
                if code == "TOPIC_AUTHORIZATION_FAILED":
                    topics[name] = frozenset()
                elif code != "UNKNOWN_TOPIC_OR_PART":
                    why = told(error)
        return Allowed(topics, _of_group(admin, world), why)


def _of_group(admin: AdminClient, world: World) -> frozenset[str] | None:
    """Return what may be done with the group; None where nobody says."""
    from confluent_kafka import KafkaException

    from streams.cli.doctor.asking import answer

    asked = admin.describe_consumer_groups(
        [world.settings.group], include_authorized_operations=True, request_timeout=world.patience_s
    )
    try:
        return _words(answer(asked[world.settings.group], world).authorized_operations)
    except KafkaException as error:
        return frozenset() if error.args[0].name() == "GROUP_AUTHORIZATION_FAILED" else None


def _words(operations: Sequence[object] | None) -> frozenset[str] | None:
    """Return the names of operations; None where there is no list."""
    if not operations:
        return None
    return frozenset(getattr(one, "name", str(one)) for one in operations)
