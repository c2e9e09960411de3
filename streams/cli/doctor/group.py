"""The consumer group: who works in it, how far it is behind, whether it moves, whether anything was deleted unread.

Offsets are asked for twice, a moment apart: a group that stands still while records wait is stuck.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World

if TYPE_CHECKING:
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

NEVER = Rule(
    "GROUP_UNKNOWN",
    Level.ADVICE,
    "the group {group} has never read anything",
    "ses-streams worker; or set SES_STREAMS_GROUP, if the workers' is another",
)
EMPTY = Rule(
    "GROUP_EMPTY",
    Level.WRONG,
    "no worker is in the group {group}, and {lag:,} records wait",
    "ses-streams worker",
)
IDLE = Rule("GROUP_IDLE", Level.ADVICE, "no worker is in the group {group}; nothing waits", "ses-streams worker")
MOVING = Rule(
    "GROUP_REBALANCING",
    Level.ADVICE,
    "the group {group} is sharing out its work ({state}) and does none meanwhile",
    "look again in a minute; if it goes on, see the workers' logs for restarts",
)
STUCK = Rule(
    "GROUP_STUCK",
    Level.WRONG,
    "{lag:,} records wait and the group {group} has not moved in {seconds:g} s (most wait on {where})",
    "see /health/ready and the log of the worker that has {where}; a restart is safe",
)
UNREAD = Rule(
    "DELETED_UNREAD",
    Level.WRONG,
    "{where}: {count:,} records were deleted by retention before they were read",
    "add workers, or a longer retention.ms; what SES keeps can be read again by `ses-streams ingest`",
)
CROWD = Rule(
    "MORE_WORKERS_THAN_PARTITIONS",
    Level.ADVICE,
    "{members} workers share {partitions} partitions: {idle} of them only stand by",
    "run {partitions} workers at most",
)
FINE = Rule("GROUP_FINE", Level.OK, "{members} at work in the group {group}, {lag:,} records behind")
RULES = (NEVER, EMPTY, IDLE, MOVING, STUCK, UNREAD, CROWD, FINE)
PAUSE_S = 2.5
"""Between two looks: longer than a commit interval, which is a second unless somebody sets it otherwise."""
_AT_REST = ("STABLE", "EMPTY", "DEAD", "UNKNOWN")
Place = tuple[str, int]


class Part(NamedTuple):
    """One partition: its first offset, its end, and where the group goes on; -1 where it never was."""

    begin: int
    end: int
    committed: int

    @property
    def lag(self) -> int:
        """How many records wait."""
        return max(self.end - max(self.committed, self.begin), 0)


class Seen(NamedTuple):
    """The group, and its partitions at two times that lie *seconds* apart."""

    state: str
    members: int
    before: Mapping[Place, Part]
    after: Mapping[Place, Part]
    seconds: float


def look(world: World) -> list[Finding]:
    """Ask the cluster about the group, twice."""
    from streams.cli.doctor.asking import asking

    seconds = max(PAUSE_S, 2 * world.settings.engine.commit_interval_ms / 1000)
    with asking(world) as admin:
        before = _parts(admin, world)
        if sum(part.lag for part in before.values()):
            time.sleep(seconds)
        state, members = _group(admin, world)
        seen = Seen(state, members, before, _parts(admin, world), seconds)
    return list(judge(seen, world.settings.group, world.settings.partitions))


def judge(seen: Seen, group: str, partitions: int) -> Iterator[Finding]:
    """Yield what is wrong with the group, or that nothing is."""
    lag = sum(part.lag for part in seen.after.values())
    unread = {place: part for place, part in seen.after.items() if 0 <= part.committed < part.begin}
    for (topic, number), part in unread.items():
        yield UNREAD.found(where=f"{topic}/{number}", count=part.begin - part.committed)
    if seen.members:
        yield from _at_work(seen, group, partitions, lag, fine=not unread)
    elif all(part.committed < 0 for part in seen.after.values()):
        yield NEVER.found(group=group)
    else:
        yield EMPTY.found(group=group, lag=lag) if lag else IDLE.found(group=group)


def _at_work(seen: Seen, group: str, partitions: int, lag: int, *, fine: bool) -> Iterator[Finding]:
    """Yield what is to be said of a group that has members."""
    moved = any(seen.after[place].committed != part.committed for place, part in seen.before.items())
    waited = sum(part.lag for part in seen.before.values())
    if seen.state not in _AT_REST:
        yield MOVING.found(group=group, state=seen.state.lower().replace("_", " "))
    elif lag and waited and not moved:
        topic, number = max(seen.after, key=lambda place: seen.after[place].lag)
        yield STUCK.found(group=group, lag=lag, seconds=seen.seconds, where=f"{topic}/{number}")
    elif fine:
        workers = f"{seen.members} worker" + ("s are" if seen.members > 1 else " is")
        yield FINE.found(members=workers, group=group, lag=lag)
    if seen.members > partitions:
        yield CROWD.found(members=seen.members, partitions=partitions, idle=seen.members - partitions)


def inputs(world: World) -> list[str]:
    """Return the topics that the group reads."""
    from streams.cli.doctor.rights import READS, SENDER_READS
    from streams.topics import topic_name

    roles = READS + (SENDER_READS if world.settings.dispatch.enabled else ())
    return [topic_name(world.settings.topic_prefix, role) for role in roles]


def _group(admin: AdminClient, world: World) -> tuple[str, int]:
    """Return the group's state and how many members it has; one that nobody knows is dead."""
    from confluent_kafka import KafkaError, KafkaException

    from streams.cli.doctor.asking import answer

    asked = admin.describe_consumer_groups([world.settings.group], request_timeout=world.patience_s)
    try:
        found = answer(asked[world.settings.group], world)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return "DEAD", 0
        raise
    return found.state.name, len(found.members)


def _parts(admin: AdminClient, world: World) -> dict[Place, Part]:
    """Return the partitions that the group reads, as they are now."""
    from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
    from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # public, and not marked so

    from streams.cli.doctor.asking import answer

    wanted = inputs(world)
    topics = admin.list_topics(timeout=world.patience_s).topics
    places = [(name, number) for name in wanted if name in topics for number in topics[name].partitions]

    def ends(which: OffsetSpec) -> dict[Place, int]:
        asked = admin.list_offsets({TopicPartition(*at): which for at in places}, request_timeout=world.patience_s)
        return {_place(at): answer(told, world).offset for at, told in asked.items()}

    group = world.settings.group
    told = admin.list_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group, [TopicPartition(*at) for at in places])], request_timeout=world.patience_s
    )
    committed = {_place(at): at.offset for at in answer(told[group], world).topic_partitions or ()}
    begins = ends(OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # it has no types
    lasts = ends(OffsetSpec.latest())  # type: ignore[no-untyped-call]  # as above
    return {at: Part(begins[at], lasts[at], max(committed.get(at, -1), -1)) for at in places}


def _place(at: TopicPartition) -> Place:
    return at.topic, at.partition
