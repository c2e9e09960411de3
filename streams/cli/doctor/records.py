"""What producers wrote lately: whether each key lies on murmur2's partition, whether each value can be read as it must.

The judge is that of `ses-streams kit check`, over a few records of each partition; what it calls a loss or a wrong
meaning is wrong here, what only costs is advice. No value is shown, only a place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from streams.cli.doctor.finding import Finding, Level, Rule
from streams.cli.doctor.world import World
from streams.cli.kit_findings import Found, Harm
from streams.cli.shown import counted

LAST = 200
"""Records of each partition that are read."""
ROLES = ("sends", "feedback", "send-requests")
_WORDS = "{topic}: {records}{words}{detail}{place}"
_FIX = "{fix}; more by `ses-streams kit check --topic {role}`"
LOST = Rule("RECORDS_LOST", Level.WRONG, _WORDS, _FIX)
MISREAD = Rule("RECORDS_MISREAD", Level.WRONG, _WORDS, _FIX)
PARTITIONER = Rule("WRONG_PARTITIONER", Level.WRONG, _WORDS, _FIX)
COSTLY = Rule("RECORDS_COSTLY", Level.ADVICE, _WORDS, _FIX)
EMPTY = Rule("NO_RECORDS", Level.UNKNOWN, "{topics}: nobody has written there yet")
FINE = Rule("RECORDS_FINE", Level.OK, "{topic}: the last {count} records are as they should be")
RULES = (LOST, MISREAD, PARTITIONER, COSTLY, EMPTY, FINE)
_BY_HARM: Mapping[Harm, Rule] = {Harm.LOST: LOST, Harm.WRONG: MISREAD, Harm.COSTS: COSTLY}


def look(world: World) -> list[Finding]:
    """Judge the last records of what others write."""
    from streams.cli.kit_judging import Judge
    from streams.cli.kit_reading import judged
    from streams.emit.codec import codec_of
    from streams.topics import topic_name

    codec = codec_of(world.settings)
    read: dict[str, tuple[int, Sequence[Found]]] = {}
    for role in ROLES:
        judge_of_role, _ = judged(world.settings, role, LAST, lambda name, count: Judge(codec, name, count, world.now))
        read[role] = judge_of_role.records, judge_of_role.found()
    return list(judge({role: topic_name(world.settings.topic_prefix, role) for role in ROLES}, read))


def judge(names: Mapping[str, str], read: Mapping[str, tuple[int, Sequence[Found]]]) -> Iterator[Finding]:
    """Yield what is wrong with each topic's records; *read* holds, by role, how many were read and what was found."""
    for role, (count, found) in read.items():
        harmful = [one for one in found if one.rule.harm is not Harm.NOTE]
        for one in harmful:
            yield _finding(role, names[role], one)
        if count and not harmful:
            yield FINE.found(topic=names[role], count=count)
    empty = [names[role] for role, (count, _) in read.items() if not count]
    if empty:
        yield EMPTY.found(topics=", ".join(empty))


def _finding(role: str, topic: str, found: Found) -> Finding:
    """Return one of the kit's findings as one of ours."""
    rule = PARTITIONER if found.rule.name == "WRONG_PARTITION" else _BY_HARM[found.rule.harm]
    return rule.found(
        topic=topic,
        role=role,
        records=f"{counted(found.records, 'record')} " if found.records else "",
        words=found.rule.words,
        detail=f"; {found.detail}" if found.detail else "",
        place=f"; first at {found.first[0]}/{found.first[1]}" if found.first is not None else "",
        fix=found.rule.fix,
    )
