"""Topics: all there, as planned, with one number of partitions where records meet by key, and copies that keep up.

The plan and the differences are those of `ses-streams topics check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.topics import Difference, Fault, TopicPlan, TopicState, difference

MISSING = Rule("TOPIC_MISSING", Level.WRONG, "{topics}: not there, or not to be seen by this user", "{fix}")
PARTITIONS = Rule("TOPIC_PARTITIONS", Level.WRONG, "{topics}: found {found}, planned {planned}", "{fix}")
REPLICATION = Rule("TOPIC_REPLICATION", Level.WRONG, "{topics}: found {found}, planned {planned}", "{fix}")
CONFIG = Rule("TOPIC_CONFIG", Level.WRONG, "{topics}: found {found}, planned {planned}", "{fix}")
UNEQUAL = Rule(
    "PARTITIONS_UNEQUAL",
    Level.WRONG,
    "topics that are joined by key have different numbers of partitions ({counts}): a key's records and its state part"
    " company",
    "start afresh with another SES_STREAMS_TOPIC_PREFIX and SES_STREAMS_GROUP: `ses-streams topics create`",
)
LEADERLESS = Rule(
    "PARTITION_WITHOUT_LEADER",
    Level.WRONG,
    "{topics}: nobody leads {count} of the partitions, which can be neither read nor written",
    "bring the brokers back that keep them: kafka-topics.sh --describe --unavailable-partitions",
    world=True,
)
BEHIND = Rule(
    "COPIES_BEHIND",
    Level.ADVICE,
    "{topics}: {count} partitions have fewer copies in step than they should have",
    "see after the broker that is away or slow: kafka-topics.sh --describe --under-replicated-partitions",
)
FINE = Rule("TOPICS_FINE", Level.OK, "{count} topics are as planned, with {partitions} partitions each")
RULES = (MISSING, PARTITIONS, UNEQUAL, REPLICATION, CONFIG, LEADERLESS, BEHIND, FINE)
_BY_FAULT = {
    Fault.MISSING: MISSING,
    Fault.PARTITIONS: PARTITIONS,
    Fault.REPLICATION: REPLICATION,
    Fault.CONFIG: CONFIG,
}
_SHOWN = 4
"""Topics that a finding names; more are counted."""


class Copies(NamedTuple):
    """How a topic's partitions do: how many nobody leads, how many have copies that lag."""

    leaderless: int
    behind: int


def look(world: World) -> list[Finding]:
    """Hold the topics against the plan."""
    from streams.emit.admin import existing_topics

    settings, planned = world.settings, world.planned
    there = existing_topics(settings.brokers, settings.security, planned, world.patience_s)
    return list(judge(planned, there, _copies(world)))


def judge(
    planned: Sequence[TopicPlan], there: Mapping[str, TopicState], copies: Mapping[str, Copies]
) -> Iterator[Finding]:
    """Yield what differs, or that nothing does."""
    missing_but_shown = {name for name, one in copies.items() if one.leaderless}
    differences = [one for one in difference(planned, there) if one.topic not in missing_but_shown]
    found = [*_unequal(there), *_alike(differences)]
    for rule, counts in (
        (LEADERLESS, {name: one.leaderless for name, one in copies.items()}),
        (BEHIND, {name: one.behind for name, one in copies.items()}),
    ):
        hit = [name for name, count in counts.items() if count]
        if hit:
            found.append(rule.found(topics=_named(hit), count=sum(counts.values())))
    yield from found
    if not found:
        yield FINE.found(count=len(planned), partitions=planned[0].partitions)


def _unequal(there: Mapping[str, TopicState]) -> Iterator[Finding]:
    """Yield that the topics which are there differ among themselves."""
    counts: dict[int, list[str]] = {}
    for name, state in there.items():
        counts.setdefault(state.partitions, []).append(name)
    if len(counts) > 1:
        said = "; ".join(f"{count}: {_named(names)}" for count, names in sorted(counts.items()))
        yield UNEQUAL.found(counts=said)


def _alike(differences: Sequence[Difference]) -> Iterator[Finding]:
    """Yield differences, those alike as one."""
    alike: dict[tuple[Fault, str, str, str], list[str]] = {}
    for one in differences:
        fix = one.fix.replace(f"--entity-name {one.topic} ", "--entity-name TOPIC ")
        alike.setdefault((one.fault, one.found, one.planned, fix), []).append(one.topic)
    for (fault, found, planned, fix), topics in alike.items():
        yield _BY_FAULT[fault].found(topics=_named(topics), found=found, planned=planned, fix=fix)


def _named(topics: Sequence[str]) -> str:
    more = len(topics) - _SHOWN
    return ", ".join(topics[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _copies(world: World) -> dict[str, Copies]:
    """Return how the partitions of our topics do."""
    from streams.cli.doctor.asking import asking

    names = {topic.name for topic in world.planned}
    with asking(world) as admin:
        shown = admin.list_topics(timeout=world.patience_s).topics
    return {
        name: Copies(
            leaderless=sum(part.leader < 0 for part in topic.partitions.values()),
            behind=sum(part.leader >= 0 and len(part.isrs) < len(part.replicas) for part in topic.partitions.values()),
        )
        for name, topic in shown.items()
        if name in names
    }
