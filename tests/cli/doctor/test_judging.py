"""Every judgement of the doctor, by facts made up for it: nobody is asked, and each rule is seen to be found."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed, UnsupportedSaslMechanismError
from pydantic import SecretStr

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
    settings,
    topics,
    web,
)
from streams.cli.doctor.finding import ANY_CHECK, Finding, Level
from streams.cli.doctor.table import CHECKS
from streams.cli.kit_findings import RULES as KIT_RULES
from streams.cli.kit_findings import Found
from streams.settings import Settings, Web
from streams.topics import TopicPlan, TopicState

NOW = 1_790_000_000_000
GIB = 1 << 30
AWAY = "kafka.example.net:9092"
VOUCHED = ssl.SSLCertVerificationError(1, "nobody vouches")
VOUCHED.verify_message = "unable to get local issuer certificate"
NODES = (brokers.Node(1, AWAY), brokers.Node(2, AWAY), brokers.Node(3, AWAY))
PLANNED = [
    TopicPlan(name=name, partitions=4, replication=1, config={"cleanup.policy": "delete"}) for name in ("a", "b", "c")
]
ALLOWED = frozenset({"READ", "WRITE", "DESCRIBE"})
WELL = ses.Account(
    sending=True,
    standing="HEALTHY",
    production=True,
    most=50_000,
    sent=10,
    rate=14,
    reasons=frozenset({"BOUNCE", "COMPLAINT"}),
)
EVENTS = frozenset(ses.NEEDED)
ARN = "arn:aws:sns:eu-west-1:123456789012:mail"


class Case(NamedTuple):
    """What is judged, and which findings must come of it."""

    group: str
    what: str
    judged: Callable[[], Iterable[Finding]]
    found: tuple[str, ...]


def door(trouble: BaseException | None = None, fetch: int = 17) -> brokers.Door:
    return brokers.Door(AWAY, trouble, {} if trouble else {1: (0, fetch)})


def of_brokers(
    what: str, found: str = "", trouble: BaseException | None = None, nodes: Any = NODES, fetch: int = 17
) -> Case:
    seen = brokers.Seen([door(trouble, fetch)], () if trouble else nodes)
    names = (found, "" if trouble else "BROKERS_ANSWER")
    return Case("brokers", what, lambda: brokers.judge(seen, 3, "SSL"), tuple(filter(None, names)))


def of_topics(what: str, *found: str, copies: Any = None, **changed: Any) -> Case:
    there = {
        name: TopicState(partitions=4, replication=1, config={"cleanup.policy": "delete"}) for name in ("a", "b", "c")
    } | changed
    shown = {name: state for name, state in there.items() if state is not None}
    return Case("topics", what, lambda: topics.judge(PLANNED, shown, copies or {}), found)


def of_records(what: str, *found: str, rules: tuple[str, ...] = (), count: int = 9) -> Case:
    broken = [Found(rule, 3, (1, 7), "why") for rule in KIT_RULES if rule.name in rules]
    return Case("records", what, lambda: records.judge({"sends": "ses.sends"}, {"sends": (count, broken)}), found)


def of_group(
    what: str, *found: str, state: str = "STABLE", members: int = 1, before: Any = (0, 9, 9), after: Any = (0, 9, 9)
) -> Case:
    at = ("ses.sends", 0)
    seen = group.Seen(state, members, {at: group.Part(*before)}, {at: group.Part(*after)}, 2.5)
    return Case("group", what, lambda: group.judge(seen, "ses-streams", 4), found)


def of_rights(what: str, *found: str, topic: frozenset[str] | None = ALLOWED, of_group: Any = ALLOWED) -> Case:
    seen = rights.Allowed({"ses.sends": topic}, of_group)
    wanted = {"ses.sends": frozenset({"READ", "WRITE"})}
    return Case("rights", what, lambda: rights.judge(wanted, seen, "ses-streams", "alice"), found)


def of_schemas(what: str, *found: str, faults: Any = None, lacking: Any = None, url: str | None = "http://r") -> Case:
    return Case("schemas", what, lambda: schemas.judge(faults or {"mail.Send": []}, lacking or {}, url), found)


def of_disk(what: str, *found: str, days: float = 90, **changed: Any) -> Case:
    seen: dict[str, Any] = {
        "there": True,
        "directory": True,
        "why": "",
        "size": GIB,
        "free": 100 * GIB,
        "age_s": 90 * 86_400,
    } | changed
    return Case("disk", what, lambda: disk.judge(disk.Seen(path=Path("/data"), **seen), days * 86_400), found)


def of_machine(what: str, *found: str, installed: bool = True, limit: int | None = None, **said: Any) -> Case:
    asked = Settings.model_validate(said)
    return Case("machine", what, lambda: machine.judge(asked, installed=installed, limit=limit), found)


def of_ses(what: str, *found: str, seen: dict[str, Any] | None = None, rate: float | None = None, **said: Any) -> Case:
    whole = {
        "account": WELL._replace(**said),
        "identities": {"example.com": "SUCCESS"},
        "sets": {"all": EVENTS},
    } | (seen or {})
    return Case("ses", what, lambda: ses.judge(ses.Seen(**whole), rate), found)


def of_intake(what: str, *found: str, source: intake.Source) -> Case:
    return Case("intake", what, lambda: intake.judge([source], "/sns"), found)


def topic(*subscriptions: tuple[str, str], version: str = "2") -> intake.Source:
    return intake.Source("SNS topic", ARN, {"SignatureVersion": version}, subscriptions)


def queue(**attributes: str) -> intake.Source:
    return intake.Source("queue", "mail", {"RedrivePolicy": '{"maxReceiveCount": 5}'} | attributes)


def trouble(word: str) -> intake.Source:
    return intake.Source("queue", "mail", trouble=word, why=word)


def of_settings(what: str, *found: str, nearly: Any = (), **said: Any) -> Case:
    safe = {"data_dir": "/data", "log": {"key": "a key of the log"}, "security": {"protocol": "SSL"}}
    asked = Settings.model_validate(safe | said)
    return Case("settings", what, lambda: settings.judge(asked, nearly), found)


def of_web(what: str, *found: str, **said: Any) -> Case:
    return Case("web", what, lambda: web.judge(Web(**said)), found)


PLAIN = {"protocol": "SASL_PLAINTEXT", "sasl_mechanism": "PLAIN", "sasl_username": "alice", "sasl_password": "secret"}
LONG = SecretStr("a token that nobody guesses, nor tries to")

CASES = (
    of_brokers("all is well"),
    of_brokers("no such name", "BROKER_NAME_UNKNOWN", socket.gaierror(-2, "Name or service not known")),
    of_brokers("nobody listens", "BROKER_REFUSED", ConnectionRefusedError(111, "Connection refused")),
    of_brokers("nothing comes", "BROKER_SILENT", TimeoutError()),
    of_brokers("nothing comes of it", "BROKER_MUTE", brokers.Mute()),
    of_brokers("no route", "BROKER_SILENT", OSError(113, "No route to host")),
    of_brokers("a stranger's certificate", "CERTIFICATE_NOT_TRUSTED", VOUCHED),
    of_brokers("no TLS there", "TLS_FAILS", ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")),
    of_brokers("a wrong password", "LOGIN_REFUSED", SaslAuthenticationFailed()),
    of_brokers("another mechanism", "MECHANISM_REFUSED", UnsupportedSaslMechanismError()),
    of_brokers("another protocol", "PROTOCOL_DIFFERS", KafkaConnectionError()),
    of_brokers("an old Kafka", "BROKERS_TOO_OLD", fetch=8),
    of_brokers("two brokers, three copies", "FEWER_BROKERS_THAN_COPIES", nodes=NODES[:2]),
    of_brokers(
        "an inner name", "ADVERTISED_NOT_REACHABLE", nodes=(*NODES, brokers.Node(4, "inner:9092", "Name unknown"))
    ),
    of_topics("all is well", "TOPICS_FINE"),
    of_topics("one is missing", "TOPIC_MISSING", b=None),
    of_topics(
        "one was made otherwise",
        "PARTITIONS_UNEQUAL",
        "TOPIC_PARTITIONS",
        b=TopicState(partitions=8, replication=1),
    ),
    of_topics("fewer copies", "TOPIC_REPLICATION", b=TopicState(partitions=4, replication=0)),
    of_topics(
        "another policy",
        "TOPIC_CONFIG",
        b=TopicState(partitions=4, replication=1, config={"cleanup.policy": "compact"}),
    ),
    of_topics("nobody leads", "PARTITION_WITHOUT_LEADER", b=None, copies={"b": topics.Copies(1, 0)}),
    of_topics("a copy lags", "COPIES_BEHIND", copies={"b": topics.Copies(0, 2)}),
    of_records("all is well", "RECORDS_FINE"),
    of_records("notes do no harm", "RECORDS_FINE", rules=("HEADERS",)),
    of_records("nobody wrote", "NO_RECORDS", count=0),
    of_records("JSON instead of Avro", "RECORDS_LOST", rules=("NO_MAGIC",)),
    of_records("seconds for milliseconds", "RECORDS_MISREAD", rules=("TIME_IN_SECONDS",)),
    of_records("another partitioner", "WRONG_PARTITIONER", rules=("WRONG_PARTITION",)),
    of_records("no compression", "RECORDS_COSTLY", rules=("UNCOMPRESSED",)),
    of_group("all is well", "GROUP_FINE"),
    of_group("behind, and moving", "GROUP_FINE", before=(0, 9, 3), after=(0, 20, 9)),
    of_group("never there", "GROUP_UNKNOWN", members=0, before=(0, 9, -1), after=(0, 9, -1)),
    of_group("nobody, and work waits", "GROUP_EMPTY", members=0, before=(0, 9, 3), after=(0, 9, 3)),
    of_group("nobody, and nothing waits", "GROUP_IDLE", members=0),
    of_group("sharing out", "GROUP_REBALANCING", state="PREPARING_REBALANCING"),
    of_group("standing still", "GROUP_STUCK", before=(0, 9, 3), after=(0, 9, 3)),
    of_group("retention was faster", "DELETED_UNREAD", before=(5, 9, 3), after=(5, 9, 4)),
    of_group("too many workers", "GROUP_FINE", "MORE_WORKERS_THAN_PARTITIONS", members=5),
    of_rights("all is well", "RIGHTS_FINE"),
    of_rights("no writing", "TOPIC_FORBIDDEN", topic=frozenset({"READ"})),
    of_rights("no such group for us", "GROUP_FORBIDDEN", of_group=frozenset({"DESCRIBE"})),
    of_rights("nothing is said", "RIGHTS_NOT_SAID", topic=None, of_group=None),
    Case("clock", "all is well", lambda: clock.judge(NOW - 100, NOW), ("CLOCK_FINE",)),
    Case("clock", "a record from the future", lambda: clock.judge(NOW + 5_000, NOW), ("CLOCK_BEHIND",)),
    Case("clock", "nothing lately", lambda: clock.judge(NOW - 3_600_000, NOW), ("CLOCK_NOT_AHEAD",)),
    Case("clock", "nothing at all", lambda: clock.judge(-1, NOW), ("CLOCK_NOT_SEEN",)),
    of_schemas("all is well", "SCHEMAS_FINE"),
    of_schemas("no registry", "SCHEMAS_FINE_BY_LOCK", url=None),
    of_schemas("a changed schema", "SCHEMA_NOT_AS_RELEASED", faults={"mail.Send": ["today: add a row"]}),
    of_schemas("the registry is away", "REGISTRY_SILENT", lacking={"mail.Send": "http://r gave no answer to GET /"}),
    of_schemas("it lacks one", "SCHEMA_NOT_REGISTERED", lacking={"mail.Send": "the registry has no such"}),
    of_disk("all is well", "DISK_FINE"),
    of_disk("new", "DATA_DIR_NEW", there=False, size=0, age_s=0),
    of_disk("a file", "DATA_DIR_NO_DIRECTORY", directory=False),
    of_disk("not there, not to be made", "DATA_DIR_CANNOT_BE_MADE", there=False, why="Permission denied"),
    of_disk("read-only", "DATA_DIR_NOT_WRITABLE", why="Read-only file system"),
    of_disk("full", "DISK_FULL", free=1 << 20),
    of_disk("filling", "DISK_WILL_FILL", size=10 * GIB, free=20 * GIB, age_s=5 * 86_400),
    of_disk("filling, in a month at the earliest", "DISK_FINE", size=10 * GIB, free=80 * GIB, age_s=5 * 86_400),
    of_disk("tight", "DISK_TIGHT", size=10 * GIB, free=5 * GIB),
    of_machine("all is well", "MACHINE_FINE"),
    of_machine("no compiler", "NOT_COMPILED", installed=False),
    of_machine("switched off", "COMPILED_OFF", engine={"compiled": False}),
    of_machine("few files", "FEW_OPEN_FILES", limit=1024),
    of_ses("all is well", "SES_FINE"),
    of_ses("no limit", "SES_FINE", most=-1),
    of_ses("stopped", "ACCOUNT_SUSPENDED", standing="SHUTDOWN"),
    of_ses("reviewed", "ACCOUNT_UNDER_REVIEW", standing="PROBATION"),
    of_ses("switched off", "SENDING_OFF", sending=False),
    of_ses("the sandbox", "SANDBOX", "SES_FINE", production=False),
    of_ses("spent", "QUOTA_SPENT", sent=50_000),
    of_ses("nearly spent", "QUOTA_LOW", "SES_FINE", sent=49_000),
    of_ses("too fast", "RATE_ABOVE_SES", "SES_FINE", rate=50.0),
    of_ses("nobody verified", "NO_IDENTITY", "IDENTITY_NOT_VERIFIED", seen={"identities": {"example.com": "PENDING"}}),
    of_ses(
        "one not verified",
        "IDENTITY_NOT_VERIFIED",
        "SES_FINE",
        seen={"identities": {"example.com": "SUCCESS", "example.org": "FAILED"}},
    ),
    of_ses("no list of SES's", "SES_LIST_OFF", "SES_FINE", reasons=frozenset({"BOUNCE"})),
    of_ses("no events", "NO_EVENTS", "SES_FINE", seen={"sets": {"silent": frozenset()}}),
    of_ses("some events", "EVENTS_MISSING", seen={"sets": {"some": EVENTS - {"COMPLAINT"}}}),
    of_ses("another clock", "CLOCK_FROM_SES", seen={"skew_s": -400.0}),
    of_ses("not allowed", "SES_DENIED", seen={"account": None, "denied": ("GetAccount",)}),
    of_intake("a queue", "SOURCES_FINE", source=queue()),
    of_intake("a topic", "SOURCES_FINE", source=topic(("https", ARN + ":1"))),
    of_intake("no such queue", "SOURCE_MISSING", source=trouble("missing")),
    of_intake("not ours", "SOURCE_DENIED", source=trouble("denied")),
    of_intake("no credentials", "AWS_CREDENTIALS", source=trouble("credentials")),
    of_intake("no way there", "SOURCE_UNREACHABLE", source=trouble("network")),
    of_intake("no second queue", "QUEUE_WITHOUT_DEAD_LETTERS", "SOURCES_FINE", source=queue(RedrivePolicy="{}")),
    of_intake("a full queue", "QUEUE_WAITS", "SOURCES_FINE", source=queue(ApproximateNumberOfMessages="50000")),
    of_intake("told to mailboxes only", "TOPIC_TELLS_NOBODY", source=topic(("email", ARN + ":1"))),
    of_intake("not confirmed", "SUBSCRIPTION_PENDING", source=topic(("https", "PendingConfirmation"))),
    of_intake("an old signature", "SIGNED_BY_SHA1", "SOURCES_FINE", source=topic(("sqs", ARN + ":1"), version="1")),
    of_settings("all is well", "SETTINGS_FINE"),
    of_settings("nearly one", "NEARLY_A_SETTING", nearly=[("SES_STREAM_BROKERS", "SES_STREAMS_BROKERS")]),
    of_settings("a password for all", "PASSWORD_READABLE", "BROKERS_WITHOUT_TLS", brokers=AWAY, security=PLAIN),
    of_settings("the same on this machine", "SETTINGS_FINE", security=PLAIN),
    of_settings("no TLS", "BROKERS_WITHOUT_TLS", brokers=AWAY, security={}),
    of_settings(
        "the registry's password",
        "REGISTRY_PASSWORD_READABLE",
        schema_registry={"url": "http://registry.example.net", "username": "a", "password": "b"},
    ),
    of_settings("one copy", "ONE_COPY", brokers=AWAY, replication=1),
    of_settings("repeats", "PRODUCER_NOT_IDEMPOTENT", brokers=AWAY, producer={"idempotent": False}),
    of_settings("never stops", "DEAD_LETTERS_NEVER_STOP", dead_letters={"max_share": 1}),
    of_settings("a late breaker", "BREAKER_ABOVE_SES", dispatch={"enabled": True, "breaker": {"bounce_percent": 12}}),
    of_settings("a place below here", "DATA_DIR_RELATIVE", data_dir="data"),
    of_settings("no key", "LOG_KEY_NOT_SET", log={}),
    of_web("all is well", "WEB_FINE", token=LONG),
    of_web("open, no token", "TOKEN_NOT_SET", host="0.0.0.0"),  # noqa: S104 - nothing listens: it is judged
    of_web("open, no TLS", "TOKEN_WITHOUT_TLS", host="0.0.0.0", token=LONG),  # noqa: S104 - as above
)
ELSEWHERE = {
    "SETTING_REFUSED": "test_command.py",
    "SES_NOT_ASKED": "test_command.py",
    "SES_UNREACHABLE": "test_ses.py",
    "AWS_CREDENTIALS": "test_ses.py",
    "SMTP_LOGIN_REFUSED": "test_ses.py",
    "SMTP_UNREACHABLE": "test_ses.py",
    "NO_SOURCES": "test_command.py",
    "NOT_ASKED": "test_command.py",
    "NO_ANSWER": "test_running.py",
    "FAILED": "test_running.py",
}
"""Rules that are found while the world is asked, and where they are seen."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}: {case.what}")
def test_what_is_found(case: Case) -> None:
    found = list(case.judged())
    assert sorted(one.rule.name for one in found) == sorted(case.found)
    for one in found:
        assert one.words  # every blank is filled in
        assert one.fix or one.rule.level in {Level.OK, Level.UNKNOWN}


def test_every_rule_is_seen_to_be_found() -> None:
    every = {rule.name for check in CHECKS for rule in check.rules} | {rule.name for rule in ANY_CHECK}
    seen = {name for case in CASES for name in case.found}
    assert every == seen | set(ELSEWHERE)
    here = Path(__file__).parent
    assert [name for name, file in ELSEWHERE.items() if f'"{name}"' not in (here / file).read_text()] == []


def test_a_group_finds_only_what_its_page_lists() -> None:
    listed = {check.name: {rule.name for rule in check.rules} for check in CHECKS}
    assert [case for case in CASES if not set(case.found) <= listed[case.group]] == []


def test_what_is_wrong_or_could_be_better_says_how_it_is_mended() -> None:
    rules = [rule for check in CHECKS for rule in check.rules]
    assert [rule.name for rule in rules if rule.level in {Level.WRONG, Level.ADVICE} and not rule.fix] == []
    assert [rule.name for rule in rules if rule.world and rule.level not in {Level.WRONG, Level.UNKNOWN}] == []


def test_an_identity_that_is_an_address_is_shown_by_its_domain() -> None:
    case = ses.Seen(WELL, {"ann@example.com": "PENDING", "example.org": "SUCCESS"}, {"all": EVENTS})
    words = " ".join(one.words for one in ses.judge(case, None))
    assert "an address at example.com" in words
    assert "ann" not in words
