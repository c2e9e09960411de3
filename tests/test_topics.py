"""The plan of topics: what DESIGN's table says, safely kept, and held against what a broker reports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.schemas.files import schema_home
from streams.topics import (
    NULL_MEANS,
    ROLES,
    TABLES,
    Cleanup,
    Fault,
    TopicPlan,
    TopicState,
    changelog_name,
    difference,
    plan,
    topic_name,
)

PLAN = plan(prefix="ses.", partitions=4, replication=3, group="ses-streams")


def _as_planned() -> dict[str, TopicState]:
    return {
        topic.name: TopicState(partitions=topic.partitions, replication=topic.replication, config=topic.config)
        for topic in PLAN
    }


def _planned(name: str) -> TopicPlan:
    return next(topic for topic in PLAN if topic.name == name)


def test_the_plan_names_every_topic_and_every_changelog() -> None:
    assert [topic.name for topic in PLAN] == [
        "ses.send-requests",
        "ses.sends",
        "ses.feedback",
        "ses.outcomes",
        "ses.suppressions",
        "ses.retries",
        "ses.loops",
        "ses.settlements",
        "ses.waiting",
        "ses.instructions",
        "ses.pauses",
        "ses.dead-letters",
        "ses-streams-lives-changelog",
        "ses-streams-standings-changelog",
        "ses-streams-requests-changelog",
    ]


def test_names_are_made_of_prefix_and_role_and_of_group_and_table() -> None:
    assert topic_name("mail.", "sends") == "mail.sends"
    assert changelog_name("mine", "lives") == "mine-lives-changelog"


def test_everything_that_meets_by_key_has_as_many_partitions() -> None:
    assert {topic.partitions for topic in PLAN} == {4}


@pytest.mark.parametrize("role", ROLES)
def test_a_topic_that_may_hold_a_null_is_compacted_and_the_others_are_not(role: str) -> None:
    assert (ROLES[role].cleanup is Cleanup.COMPACT) is (role in NULL_MEANS)


@pytest.mark.parametrize("table", TABLES)
def test_a_changelog_is_compacted_and_never_deleted_by_age(table: str) -> None:
    config = _planned(changelog_name("ses-streams", table)).config
    assert config["cleanup.policy"] == "compact"
    assert "retention.ms" not in config


def test_retention_is_what_the_contract_says() -> None:
    days = {role: spec.days for role, spec in ROLES.items() if spec.days is not None}
    said = {"send-requests": 7, "sends": 14, "feedback": 14, "outcomes": 30, "retries": 7, "dead-letters": 30}
    assert days == said | {"settlements": 7, "instructions": 365}
    assert _planned("ses.sends").config["retention.ms"] == str(14 * 24 * 3600 * 1000)


def test_old_events_that_arrive_today_are_kept_from_today() -> None:
    aged = [topic for topic in PLAN if "retention.ms" in topic.config]
    assert {topic.config["message.timestamp.type"] for topic in aged} == {"LogAppendTime"}


def test_what_is_made_of_other_records_may_be_larger_than_they() -> None:
    roomy = {topic.name for topic in PLAN if "max.message.bytes" in topic.config}
    assert roomy == {
        "ses.outcomes",
        "ses.dead-letters",
        "ses-streams-lives-changelog",
        "ses-streams-standings-changelog",
        "ses-streams-requests-changelog",
    }


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_an_acknowledgement_means_two_copies_where_there_are_three(replication: int, in_sync: str) -> None:
    planned = plan(prefix="ses.", partitions=1, replication=replication, group="g")
    assert {topic.config["min.insync.replicas"] for topic in planned} == {in_sync}


def test_every_value_has_a_schema() -> None:
    assert {spec.value for spec in ROLES.values()} == {path.stem for path in schema_home().glob("mail.*.avsc")}


def test_nothing_differs_from_what_is_as_planned() -> None:
    assert difference(PLAN, _as_planned()) == []


def test_a_config_that_the_broker_does_not_report_is_no_difference() -> None:
    silent = {name: replace(state, config={}) for name, state in _as_planned().items()}
    assert difference(PLAN, silent) == []


def test_more_copies_than_planned_are_no_difference() -> None:
    assert difference(PLAN, _as_planned() | {"ses.sends": replace(_as_planned()["ses.sends"], replication=5)}) == []


def test_topics_of_others_are_no_business_of_ours() -> None:
    assert difference(PLAN, _as_planned() | {"theirs": TopicState(partitions=1, replication=1)}) == []


def test_each_difference_is_said_once_with_its_fix() -> None:
    there = _as_planned()
    del there["ses.loops"]
    there["ses.sends"] = replace(there["ses.sends"], partitions=3, replication=1)
    there["ses.suppressions"] = replace(
        there["ses.suppressions"], config={**there["ses.suppressions"].config, "cleanup.policy": "delete"}
    )
    found = difference(PLAN, there)
    assert [(each.topic, each.fault) for each in found] == [
        ("ses.sends", Fault.PARTITIONS),
        ("ses.sends", Fault.REPLICATION),
        ("ses.suppressions", Fault.CONFIG),
        ("ses.loops", Fault.MISSING),
    ]
    assert "SES_STREAMS_PARTITIONS=3" in found[0].fix
    assert "SES_STREAMS_REPLICATION=1" in found[1].fix
    assert found[2].fix.endswith("--entity-name ses.suppressions --add-config cleanup.policy=compact")
    assert found[3].fix == "ses-streams topics create"
