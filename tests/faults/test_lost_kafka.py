"""Fault 6b: Kafka is lost, and the volumes with it: what an operator does then, by the very words of the page.

A mirror (Apache Kafka's own MirrorMaker) is whole, or has only what comes in; or there is none, and a new, empty
cluster stands at the address of the lost one. Broken twins: a mirror without changelogs where mail is sent, and an
operator who forgets to import the list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.conftest import Need
from tests.faults.elsewhere import begun, caught_up, in_its_place, lost, mirrored
from tests.faults.evidence import Said
from tests.faults.hand import records
from tests.faults.page import obey
from tests.faults.requests import Asker
from tests.faults.setting import Setting
from tests.faults.stage import Stage
from tests.faults.topics import Record
from tests.faults.verdict import Finding, Verdict, What
from tests.faults.watch import QUICK, wait_until
from tests.faults.wire import Wire
from tests.kafka.cluster import Cluster
from tests.kafka.mirror import no_mirror

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(400)]
INPUTS = ("sends", "feedback", "instructions")
SOME, WORK_S = 20, 5.0
OTHER_EVIDENCE = "its evidence is another mail"
SENDING = Setting(dispatch=True, park=6)
WITH_A_LIST = Setting(dispatch=True, park=6, account=("suppress=true",))
"""SES keeps a list of its own."""


@pytest.fixture(autouse=True)
def _mirror_maker(need: Need) -> None:
    """Skip, or fail in CI, where MirrorMaker's jars are not to be had."""
    missing = no_mirror()
    need(not missing, f"no MirrorMaker: {missing}")


@pytest.mark.parametrize("setting", [QUICK, SENDING], ids=["observing", "sending"])
def test_a_mirror_of_everything_is_taken_up(
    cluster: Cluster, make_kafka: Callable[..., Cluster], seed: int, tmp_path: Path, setting: Setting
) -> None:
    with Stage(tmp_path / "stage", seed, cluster, setting) as stage:
        work(stage)
        with mirrored(stage, make_kafka()) as spare:
            wait_until(lambda: caught_up(stage, spare, list(stage.topics.values())), "the mirror has caught up")
            began = lost(stage, cluster)
        with in_its_place(stage, cluster, spare):
            obey(stage, "Kafka, mirrored whole", lambda count: scale(stage, count))
            stage.notes["ready_s"] = round(time.monotonic() - began, 1)
            work(stage)
            sends = setting.dispatch
            verdict = stage.end(f"Kafka is lost, a mirror is whole{', sending' if sends else ''}")
            assert not sends or verdict.kinds["mails"].duplicated == 0, verdict.words()


def test_a_mirror_that_is_behind_loses_what_it_did_not_have_and_no_more(
    cluster: Cluster, make_kafka: Callable[..., Cluster], seed: int, tmp_path: Path
) -> None:
    """Kafka is lost in the midst of traffic: what the first cluster alone had is lost with it, and nothing else."""
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as stage:
        scale(stage, 2)
        with mirrored(stage, make_kafka()) as spare, stage.traffic(rate=100, patience=0) as traffic:
            wait_until(lambda: begun(stage, spare), "the mirror is at work")
            time.sleep(WORK_S)
            lost(stage, cluster)
        traffic.forget()
        with in_its_place(stage, cluster, spare):
            obey(stage, "Kafka, mirrored whole", lambda count: scale(stage, count))
            with stage.traffic(rate=100):
                time.sleep(WORK_S)
            verdict = of_what_is_there(stage)
            stage.report("Kafka is lost under load, a mirror is behind: what it had", verdict)
            assert verdict.clean, f"FAULTS_SEED={stage.seed}\n{verdict.words()}\n{stage.last_words()}"


def test_a_mirror_of_inputs_is_worked_off_again(
    cluster: Cluster, make_kafka: Callable[..., Cluster], seed: int, tmp_path: Path
) -> None:
    with Stage(tmp_path / "stage", seed, cluster, QUICK) as stage:
        work(stage)
        obey(stage, "Before it happens", nobody)
        before = ids(stage)
        inputs = [stage.topics[role] for role in INPUTS]
        with mirrored(stage, make_kafka(), "|".join(INPUTS)) as spare:
            wait_until(lambda: caught_up(stage, spare, inputs), "the mirror has caught up")
            began = lost(stage, cluster)
        with in_its_place(stage, cluster, spare):
            obey(stage, "Kafka, only inputs mirrored", lambda count: scale(stage, count))
            stage.notes["ready_s"] = round(time.monotonic() - began, 1)
            work(stage)
            verdict = with_the_evidence_of_an_import(stage.verdict())
            stage.report("Kafka is lost, only inputs were mirrored", verdict)
            assert verdict.clean, f"FAULTS_SEED={stage.seed}\n{verdict.words()}\n{stage.last_words()}"
            assert before <= ids(stage), "outcomes came again under other ids"


def test_nobody_on_the_list_is_written_to_where_nothing_was_mirrored(
    cluster: Cluster, seed: int, tmp_path: Path
) -> None:
    with Stage(tmp_path / "stage", seed, cluster, WITH_A_LIST) as stage:
        people, events = mailed_and_lost(stage, cluster)
        with in_its_place(stage, cluster, None):
            began = time.monotonic()
            obey(stage, "Kafka, and nothing was mirrored", lambda count: scale(stage, count))
            stage.notes["ready_s"] = round(time.monotonic() - began, 1)
            comes_out_unmatched(stage, events)
            verdict = written_to(stage, people)
            stage.report("Kafka is lost, nothing was mirrored, the list is imported", verdict)
            assert verdict.clean, f"FAULTS_SEED={stage.seed}\n{verdict.words()}\n{stage.last_words()}"


def test_the_checker_sees_who_is_written_to_where_the_list_is_not_imported(
    cluster: Cluster, seed: int, tmp_path: Path
) -> None:
    with Stage(tmp_path / "stage", seed, cluster, WITH_A_LIST) as stage:
        people, _ = mailed_and_lost(stage, cluster)
        with in_its_place(stage, cluster, None):
            stage._command("topics", "create")
            scale(stage, 2)
            assert written_to(stage, people).wrong == len(people)


def test_the_checker_sees_mail_that_goes_twice_where_changelogs_were_not_mirrored(
    cluster: Cluster, make_kafka: Callable[..., Cluster], seed: int, tmp_path: Path
) -> None:
    with Stage(tmp_path / "stage", seed, cluster, SENDING) as stage:
        work(stage)
        with mirrored(stage, make_kafka(), "send-requests") as spare:
            wait_until(lambda: caught_up(stage, spare, [stage.topics["send-requests"]]), "the mirror has caught up")
            lost(stage, cluster)
        with in_its_place(stage, cluster, spare):
            stage._command("topics", "create")
            scale(stage, 2)
            handed = len(stage.ledger.ends())
            wait_until(lambda: sum(n > 1 for n in stage.ses.handed().values()) >= handed // 2, "mail goes twice")


def work(stage: Stage) -> None:
    """Have traffic worked off by a worker that is there, or by two that are started now."""
    if not stage.workers:
        scale(stage, 2)
    sends = stage.setting.dispatch
    with stage.traffic(mails=250 if sends else 1_500, rate=60 if sends else 200):
        pass
    assert stage.settle(60), f"FAULTS_SEED={stage.seed}\n{stage.verdict().words()}\n{stage.last_words()}"


def scale(stage: Stage, count: int) -> None:
    """Have so many workers run, as the chart does it."""
    workers = [stage.worker(f"pod-{number}", engine__instance_id=f"pod-{number}") for number in range(count)]
    for worker in workers:
        worker.wait_until_ready()


def nobody(count: int) -> None:
    """Scale nothing: the page's section does not say so."""
    raise AssertionError(count)


def ids(stage: Stage) -> set[str]:
    """Return the ids of all outcomes that were said."""
    return {str(one["outcome_id"]) for one in said(stage)}


def of_what_is_there(stage: Stage) -> Verdict:
    """Return a verdict on the outcomes of those events that lie on the topic; the others are lost with the cluster."""
    there = {record.value for record in records(stage, stage.topics["feedback"])}
    due, events = stage.ledger.outcomes(), stage.ledger.events()
    left = {key for key, one in due.items() if events[one.feedback_id][0] in there}
    with suppress(AssertionError):  # what is missing then is in the verdict
        wait_until(lambda: not stage.lag() and left <= stage.evidence.outcomes.keys(), "all has come out")
    verdict = Verdict(skipped=dict.fromkeys(("I1", "I3", "I4", "I5", "I6", "I7"), "some inputs are lost"))
    verdict.due("outcomes", len(left), len(left & stage.evidence.outcomes.keys()))
    for feedback_id, _ in left - stage.evidence.outcomes.keys():
        verdict.find(Finding("outcomes", What.LOST, "I2", feedback_id, "it lies on the topic, and nothing came of it"))
    stage.notes["lost_with_the_cluster"] = len(due) - len(left)
    return verdict


def with_the_evidence_of_an_import(verdict: Verdict) -> Verdict:
    """Take it that who is on the list by an import has that for evidence, and not the mail that led to it before."""
    imported = [finding for finding in verdict.findings if finding.why == OTHER_EVIDENCE]
    verdict.findings = [finding for finding in verdict.findings if finding.why != OTHER_EVIDENCE]
    verdict.kinds["suppressions"].wrong -= len(imported)
    return verdict


def mailed_and_lost(stage: Stage, cluster: Cluster) -> tuple[set[str], list[Record]]:
    """Send mail, take the list, send more, and lose Kafka.

    Returns:
        Who must not be written to, some of whom only SES's own list names; and what SES said of some mails.
    """
    work(stage)
    obey(stage, "Before it happens", nobody)
    work(stage)
    feedback = records(stage, stage.topics["feedback"])
    lost(stage, cluster)
    wire = Wire()
    events = [record for record in feedback if wire.decode("feedback", record.value or b"")["kind"] == "DELIVERY"]
    return {recipient for recipient, row in stage.ledger.suppressions().items() if row.reason}, events[:SOME]


def comes_out_unmatched(stage: Stage, events: list[Record]) -> None:
    """Have SES speak of mails whose Sends are lost: each event is an outcome without one."""
    by_key = {record.key: record.value for record in events if record.key and record.value}
    publish(stage, "feedback", by_key)

    def unmatched() -> bool:
        stage._read_on()
        return {s["message_id"].encode() for s in said(stage) if not s["matched"]} >= by_key.keys()

    wait_until(unmatched, "all come out unmatched")


def written_to(stage: Stage, people: set[str]) -> Verdict:
    """Ask for a mail to each of these; return a verdict by which each that is handed to SES is wrong."""
    asked = {f"again-{number}": recipient for number, recipient in enumerate(sorted(people))}
    asker, wire = stage._teller, Wire()
    assert isinstance(asker, Asker)
    now = int(time.time() * 1000)
    requests = {
        name.encode(): wire.encode("send-requests", asker._record(name, [who], now)) for name, who in asked.items()
    }
    publish(stage, "send-requests", requests)
    handed: dict[str, str] = {}
    ended: dict[str, str] = {}

    def all_decided() -> bool:
        stage._read_on()
        handed.update({name: who for name, who, _ in stage.evidence.handed if name in asked})
        ended.update({name: kind for (name, _), said in stage.evidence.ended.items() for kind, _ in said})
        return handed.keys() | ended.keys() >= asked.keys()

    wait_until(all_decided, "each is decided")
    verdict = Verdict(skipped=dict.fromkeys(("I1", "I2", "I4", "I5", "I6", "I7"), "only the list is looked at"))
    verdict.due("suppressed", len(asked), sum(ended.get(name) == "SUPPRESSED" for name in asked))
    for name in handed:
        verdict.find(Finding("suppressed", What.WRONG, "I3", name, "SES was handed a mail to somebody on the list"))
    return verdict


def publish(stage: Stage, role: str, values: Mapping[bytes, bytes]) -> None:
    """Publish records on one of the stage's topics."""
    producer = Producer({"bootstrap.servers": stage.broker.address, "partitioner": "murmur2_random"})
    for key, value in values.items():
        producer.produce(stage.topics[role], key=key, value=value)
    assert not producer.flush(60)


def said(stage: Stage) -> list[Said]:
    """Return all outcomes that were said."""
    return [one for every in stage.evidence.outcomes.values() for one in every]
