"""`ses-streams probe`: a made-up mail passes through the workers, is joined, and disturbs nobody."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.cli.kit_judging import Judge
from streams.cli.options import now
from streams.cli.probing import RECIPIENT
from streams.demo.worker import Worker
from streams.emit.admin import ensure_topics
from streams.emit.topic import Topic
from streams.hops.by_message import ByMessage
from streams.hops.by_recipient import ByRecipient
from streams.mail.address import normal_address
from streams.observe.provider import Provider, provider_of
from streams.settings import Security
from streams.topics import plan
from tests.builders import CODEC, POLICY, Bench
from tests.cli.conftest import Run, World
from tests.kafka.cluster import Cluster


class Player:
    """Stands in for a worker: makes outcomes of what a probe published, and keeps what it saw."""

    def __init__(self, world: World) -> None:
        """Begin with nothing seen."""
        self.world = world
        self.sends: list[dict[str, Any]] = []
        self.feedback: list[dict[str, Any]] = []

    def play(self, *, matched: bool) -> None:
        """Wait for the probe's records, and answer them; before that, say of another mail to the same recipient."""
        while not self.feedback or not self.sends:
            self.sends = [one for _, one in self.world.heard("sends", "mail.Send") if one is not None]
            self.feedback = [one for _, one in self.world.heard("feedback", "mail.Feedback") if one is not None]
            time.sleep(0.05)  # until the next look
        for mail in ("another", self.sends[-1]["message_id"]):
            outcome = {"kind": "DELIVERED", "occurred_at": 1, "recipient": RECIPIENT, "reason": "", "attempt": 1}
            outcome |= {"message_id": mail, "outcome_id": mail, "matched": matched or mail == "another"}
            self.world.say("outcomes", "mail.Outcome", RECIPIENT, outcome)


@pytest.fixture
def player(world: World) -> Player:
    """Return who stands in for a worker."""
    return Player(world)


def _answered(player: Player, run: Run, *words: str, matched: bool = True) -> tuple[int, list[dict[str, Any]], str]:
    thread = threading.Thread(target=player.play, kwargs={"matched": matched})
    thread.start()
    ran = run("probe", "--seconds", "60" if matched else "5", "--json", *words)
    thread.join()
    return ran.code, [json.loads(line) for line in ran.out.splitlines()], ran.err


def test_a_probe_ends_well_with_the_outcome_of_its_own_mail_and_says_how_long_each_step_took(
    player: Player, run: Run
) -> None:
    code, (outcome, last), err = _answered(player, run)
    assert (code, err) == (0, "")
    mail = player.sends[0]["message_id"]
    assert outcome["mail.Outcome"]["message_id"] == last["probe"]["message_id"] == mail
    assert last["probe"]["joined"] is True
    assert all(last["probe"][f"{step}_ms"] > 0 for step in ("reached", "published", "joined"))


@pytest.mark.kafka
def test_a_worker_on_kafka_joins_it(kafka: Cluster, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix = "probed."
    ensure_topics(kafka.address, Security(), plan(prefix=prefix, partitions=2, replication=1, group=prefix))
    said = {"BROKERS": kafka.address, "TOPIC_PREFIX": prefix, "GROUP": prefix, "PARTITIONS": "2", "REPLICATION": "1"}
    variables = {f"SES_STREAMS_{name}": value for name, value in said.items()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    worker = Worker(variables, tmp_path)
    worker.start()
    try:
        ran = run("probe", "--seconds", "60")
    finally:
        worker.stop()
    assert (ran.code, ran.err) == (0, "")


def test_people_see_a_line_for_each_step(player: Player, run: Run) -> None:
    thread = threading.Thread(target=player.play, kwargs={"matched": True})
    thread.start()
    ran = run("probe", "--seconds", "60")
    thread.join()
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["reached", "published", "joined"]
    assert player.sends[0]["message_id"] in ran.out


def test_without_a_worker_it_ends_with_one_the_likely_reason_and_the_next_command(world: World, run: Run) -> None:
    ran = run("probe", "--seconds", "0.2")
    assert (ran.code, len(ran.out.splitlines())) == (1, 2)
    first, second, third = ran.err.splitlines()
    assert first == "no outcome after 0.2 s, though the brokers have Send and Delivery"
    assert second.startswith("likely: no worker runs")
    ((key, _),) = world.heard("sends", "mail.Send")
    assert third == f"next: ses-streams doctor --only topics,group; later: ses-streams trace {key}"


def test_an_outcome_without_its_send_is_no_join(player: Player, run: Run) -> None:
    code, (outcome, last), err = _answered(player, run, matched=False)
    assert code == 1
    assert outcome["mail.Outcome"]["matched"] is False
    assert (last["probe"]["joined"], last["probe"]["joined_ms"]) == (False, None)
    assert err.startswith("an outcome without its Send")


def test_without_brokers_it_ends_with_three_and_the_next_command(no_broker: str, run: Run) -> None:
    ran = run("probe")
    assert (ran.code, ran.out) == (3, "")
    assert f"ses-streams: brokers {no_broker}: " in ran.err
    assert "next: ses-streams doctor" in ran.err


def test_without_topics_it_ends_with_three_and_publishes_nothing(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_STREAMS_TOPIC_PREFIX", "nobody.")
    ran = run("probe")
    assert (ran.code, ran.out) == (3, "")
    assert "have no topic nobody.feedback, nobody.sends: ses-streams topics create" in ran.err
    assert world.heard("sends", "mail.Send") == []


@pytest.mark.parametrize(
    ("listed", "stream"),
    [("", "ses-streams-probe"), ("receipts", ""), ("receipts,ses-streams-probe", "ses-streams-probe")],
)
def test_a_stream_that_would_have_no_label_is_not_named(
    listed: str, stream: str, world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SES_STREAMS_METRICS__STREAMS", listed)
    run("probe", "--seconds", "0")
    run("probe", "--seconds", "0", "--stream", "receipts")
    streams = {send["stream"] for _, send in world.heard("sends", "mail.Send") if send is not None}
    assert streams == {stream, "receipts"}


def _values(world: World, role: str) -> Iterator[bytes | None]:
    with Topic(world.settings, role) as topic:
        yield from (row.value for row in topic.to_the_end())


def test_what_it_publishes_is_joined_and_suppresses_holds_and_flags_nobody(world: World, run: Run) -> None:
    run("probe", "--seconds", "0")
    first, second = Bench(ByMessage(CODEC, POLICY.join)), Bench(ByRecipient(CODEC, POLICY))
    first.work("sends", list(_values(world, "sends")))
    made = first.work("feedback", list(_values(world, "feedback")))
    (outcome,) = first.read("outcomes", "mail.Outcome")
    assert (outcome["kind"], outcome["matched"], outcome["recipient"]) == ("DELIVERED", True, RECIPIENT)
    assert outcome["send"]["tags"] == {"ses-streams": "probe"}
    assert outcome["feedback"]["tags"] == {"ses-streams": ["probe"]}
    assert second.work("outcomes", list(made.outputs["outcomes"].values)).outputs == {}


def test_doctor_and_the_kit_find_nothing_wrong_with_it(world: World, run: Run) -> None:
    run("probe", "--seconds", "0")
    for role, name in (("sends", "mail.Send"), ("feedback", "mail.Feedback")):
        judge = Judge(CODEC, name, world.settings.partitions, now())
        with Topic(world.settings, role) as topic:
            for row in topic.to_the_end():
                judge.see(row)
        assert (judge.records, judge.found()) == (1, [])


def test_its_recipient_counts_for_no_provider_that_ses_rates() -> None:
    assert provider_of(RECIPIENT.rpartition("@")[2]) == Provider.AMAZON_SIMULATOR
    assert normal_address(RECIPIENT) == RECIPIENT
