"""The groups of checks, in the order in which they are shown: what each looks at, what it can find, how it asks.

A group asks blocking, in a thread of its own; those that need brokers are not asked where none answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from streams.cli.doctor import (
    brokers,
    clock,
    disk,
    group,
    intake,
    machine,
    records,
    rights,
    schemas,
    ses,
    ses_asking,
    settings,
    topics,
    web,
)
from streams.cli.doctor.finding import Finding, Rule
from streams.cli.doctor.world import World


class Check(NamedTuple):
    """One group of checks."""

    name: str
    about: str
    rules: tuple[Rule, ...]
    look: Callable[[World], list[Finding]]
    by_brokers: bool = False
    """Needs a broker that answers."""


BROKERS = "brokers"
CHECKS: tuple[Check, ...] = (
    Check("settings", "Misspelt, dangerous, probably not meant.", settings.RULES, settings.look),
    Check(BROKERS, "Reached, by which step not; how old; where they say they are.", brokers.RULES, brokers.look),
    Check("rights", "What this user may read and write, by the brokers' word.", rights.RULES, rights.look, True),
    Check(
        "topics", "There and as planned, with equal partitions, their copies in step.", topics.RULES, topics.look, True
    ),
    Check("records", "What producers wrote lately: partitioner, keys, schemas.", records.RULES, records.look, True),
    Check("schemas", "As released, and known to the registry.", schemas.RULES, schemas.look),
    Check("group", "Who works, how far behind, whether it moves.", group.RULES, group.look, True),
    Check("clock", "This machine's against the brokers'.", clock.RULES, clock.look, True),
    Check("disk", "Writable, with room for what the tables grow to.", disk.RULES, disk.look),
    Check("machine", "The compiled short way, and open files.", machine.RULES, machine.look),
    Check("ses", "Credentials, standing, quota, identities, events.", ses.RULES, ses_asking.look),
    Check("intake", "The queues and SNS topics of the settings.", intake.RULES, intake.look),
    Check("web", "Who reaches the HTTP side, and what opens it.", web.RULES, web.look),
)
