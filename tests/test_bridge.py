"""The intake as a process: it says what it lacks, takes posts, lands them before it answers, and stops as told."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from streams.emit.admin import ensure_topics
from streams.engine.broker import EmbeddedBroker
from streams.inlets.sns.refusal import Refusal
from streams.inlets.sns.subscriptions import PATH
from streams.inlets.sqs.calls import Why
from streams.observe.refused import REFUSALS, WHYS
from streams.settings import Security
from streams.topics import plan
from tests.builders import CODEC
from tests.emit.test_landing import PARTITIONS, read
from tests.faults.process import Worker
from tests.inlets.launch import Intake, now_ms
from tests.inlets.signing import Signer, headers_of, iso

SNS = Signer()


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    with EmbeddedBroker() as broker:
        ensure_topics(
            broker.address, Security(), plan(prefix="ses.", partitions=PARTITIONS, replication=1, group="ses-streams")
        )
        yield broker.address


def event(number: int) -> str:
    mail = {"messageId": f"0100-{number}", "timestamp": iso(now_ms()), "destination": ["ann@example.org"]}
    return json.dumps({"eventType": "Send", "mail": mail, "send": {}})


def post(port: int, text: str) -> int:
    fields = SNS.fields(text, Timestamp=iso(now_ms()))
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        asked.request("POST", "/sns", SNS.sign(fields), headers_of(fields))
        return asked.getresponse().status
    finally:
        asked.close()


def landed(brokers: str) -> list[str]:
    values = [value or b"" for _, _, value in read(brokers, "ses.feedback")]
    return sorted(CODEC.decode("mail.Feedback", value)["message_id"] for value in values)


def test_a_post_that_is_answered_is_in_kafka_and_a_term_ends_it_with_0(brokers: str, tmp_path: Path) -> None:
    with Intake(tmp_path / "intake", brokers, SNS) as intake:
        before = landed(brokers)
        assert [post(intake.sns_port, event(number)) for number in range(3)] == [200] * 3
        with pytest.raises(HTTPError, match="403"):  # closed: no token is set
            urlopen(f"http://127.0.0.1:{intake.process.port}{PATH}")
        assert landed(brokers) == sorted([*before, "0100-0", "0100-1", "0100-2"])
        page = intake.process.page() or {}
        assert page["ses_intake_items_total"][(("result", "landed"), ("road", "sns"))] == 3
        assert intake.process.stop() == 0
    assert "ann@" not in intake.process.text()


def test_a_term_in_the_midst_of_posts_answers_or_refuses_each_and_loses_none(brokers: str, tmp_path: Path) -> None:
    answered: list[int] = []

    def go_on(start: int) -> None:
        for number in range(start, start + 200):
            try:
                if post(intake.sns_port, event(number)) == 200:
                    answered.append(number)
            except OSError:
                return

    with Intake(tmp_path / "intake", brokers, SNS) as intake:
        posters = [threading.Thread(target=go_on, args=(1000 * (n + 1),)) for n in range(4)]
        for poster in posters:
            poster.start()
        while len(answered) < 20:
            time.sleep(0.01)
        intake.process.signal(SIGTERM)
        for poster in posters:
            poster.join()
        assert intake.process.wait() == 0, intake.process.last_words()
    assert {f"0100-{number}" for number in answered} <= set(landed(brokers))


def test_without_any_road_it_says_which_settings_there_are(tmp_path: Path) -> None:
    worker = Worker("intake", ("-m", "streams", "intake"), {"SES_STREAMS_BROKERS": "127.0.0.1:9"}, tmp_path)
    worker.start()
    assert worker.wait() == 2
    assert "SES_STREAMS_INTAKE__SNS__TOPICS" in worker.text()


def test_without_topics_in_kafka_it_says_how_to_make_them(brokers: str, tmp_path: Path) -> None:
    intake = Intake(tmp_path / "intake", brokers, SNS, TOPIC_PREFIX="other.")
    intake.process.start()
    assert intake.process.wait() == 3
    assert "ses-streams topics create" in intake.process.text()


def test_the_metrics_know_every_reason_of_every_road() -> None:
    assert set(Refusal) <= set(REFUSALS)
    assert set(Why) == set(WHYS)


def test_the_page_says_what_each_reason_of_a_failed_call_means() -> None:
    page = (Path(__file__).parents[1] / "docs" / "intake.md").read_text("utf-8")
    _, _, table = page.partition("| why | means |")
    rows = re.findall(r"^\| `(\w+)` \|", table.partition("\n\n")[0], re.MULTILINE)
    assert sorted(rows) == sorted(Why)
